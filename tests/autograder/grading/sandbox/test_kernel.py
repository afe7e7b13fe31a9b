"""What a hand-in does: a kernel in a sandbox, driven from outside, that computes, trains and plots."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from autograder.grading.sandbox import Limits, Place, Sandbox, environment
from autograder.grading.sandbox.joining import ForkServer
from course.errors import CourseError

CELL = """
import jax, jax.numpy as jnp, matplotlib.pyplot as plt, torch, torchvision
assert jax.jit(lambda x: (x @ x).sum())(jnp.ones((64, 64))) == 64**3
network = torchvision.models.resnet18()
network(torch.ones(4, 3, 32, 32)).sum().backward()
torch.optim.SGD(network.parameters(), lr=.1).step()
plt.plot([1, 2])
plt.savefig("plot.png")
import course.checks
print("trained")
"""


def test_a_kernel_computes_trains_and_plots(sandbox: Sandbox, tmp_path: Path) -> None:
    folder, sockets = (tmp_path.resolve() / name for name in ("work", "s"))
    folder.mkdir()
    sockets.mkdir()
    connection = sockets / "kernel.json"
    write_connection_file(str(connection), transport="ipc", ip=str(sockets / "k"))
    connection.chmod(0o644)
    variables = {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "PJRT_NPROC": "1"}
    place = Place((), (folder, sockets), folder, environment(folder) | variables)
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(connection.read_text()))
    with sandbox.cell(place, Limits()) as cell:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", str(connection)]
        kernel = subprocess.Popen(cell.command(argv), stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 120
            while not (sockets / "k-5").exists() and time.monotonic() < deadline:
                time.sleep(0.05)  # a client that finds no heartbeat takes the kernel for dead
            client.start_channels()
            client.wait_for_ready(timeout=120)
            printed: list[str] = []
            reply = client.execute_interactive(
                CELL, timeout=240, output_hook=lambda message: printed.append(str(message["content"]))
            )
        finally:
            client.stop_channels()
            kernel.kill()
            kernel.wait()
    assert reply["content"]["status"] == "ok", printed
    assert any("trained" in text for text in printed)
    assert (folder / "plot.png").stat().st_size > 1000


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("a" * 100)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(CourseError, match="too long a path for the grader's sockets: set TMPDIR to"):
        ForkServer((), {})
    assert list(folder.iterdir()) == []
