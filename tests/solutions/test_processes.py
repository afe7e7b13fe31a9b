"""A PyTorch run that torchrun spreads over processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.training import load_checkpoint, read_metrics
from course.training.torch.checkpoint import architecture
from tests.conftest import ROOT
from tests.support import two_processes

NETWORK = architecture("wrn-10-1")
ALONE = {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]


def test_two_processes_give_the_numbers_of_one(tiny_npz: Path, tmp_path: Path) -> None:
    """Gradients and statistics to the last digits; a run, whose steps enlarge what is rounded, to a few."""
    command = [*TORCHRUN, "tests.support.two_processes", str(tiny_npz), str(tmp_path)]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ALONE}, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    alone = two_processes.after_backward()
    with np.load(tmp_path / "backward.npz") as shared:
        assert set(shared) == set(alone)
        for name, array in alone.items():
            np.testing.assert_allclose(shared[name], array, rtol=1e-8, atol=1e-12, err_msg=name)
    two_processes.train(tiny_npz, tmp_path / "one")
    for method in two_processes.METHODS:
        records = [read_metrics(tmp_path / path / method / "metrics.jsonl") for path in ("", "one")]
        assert len(records[0]) == 4
        for got, wanted in zip(*records, strict=True):
            assert got == pytest.approx(wanted, rel=1e-2, abs=1e-3), method
    latest = [
        load_checkpoint(tmp_path / path / "flexmatch" / "checkpoint.safetensors", NETWORK).extra[
            "method/latest"
        ]
        for path in ("", "one")
    ]
    assert (latest[0] >= 0).sum() > 8, "the images of both parts have labels"
    np.testing.assert_array_equal(*latest)


@pytest.mark.slow
def test_an_interrupted_run_of_two_processes_is_resumed(tiny_npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [
        "train",
        "flexmatch",
        "--model",
        "wrn-10-1",
        "--data",
        tiny_npz,
        "--labels",
        8,
        "--batch-size",
        4,
    ]
    words += [
        "--mu",
        2,
        "--steps",
        60,
        "--num-validation-samples-per-class",
        2,
        "--write-checkpoint-every",
        5,
    ]
    command = [*TORCHRUN, "solutions", *map(str, words), "--precision", "float32", "--out", str(out)]
    options: dict[str, Any] = {"cwd": ROOT, "env": {**os.environ, **ALONE}, "text": True}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) as running:
        waited = time.monotonic() + 120
        while not (out / "checkpoint.safetensors").is_file():
            assert time.monotonic() < waited, "no checkpoint after two minutes"
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=120)
    assert "Everything is saved" in said
    reached = len(read_metrics(out / "metrics.jsonl"))
    assert 5 <= reached < 60
    ended = subprocess.run([*command, "--resume"], capture_output=True, timeout=300, **options)
    assert ended.returncode == 0, ended.stderr
    assert [record["step"] for record in read_metrics(out / "metrics.jsonl")] == list(range(1, 61))
    again = subprocess.run([*command, "--resume"], capture_output=True, timeout=120, **options)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "fixmatch", "--framework", "jax"], "jax uses all devices from one process"),
        (["train", "flexmatch", "--dropout", "0.3"], "dropout is 0.3, and 2 processes"),
        (["sweep"], "a sweep spreads its runs"),
    ],
)
def test_what_processes_cannot_share_is_refused(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_npz: Path, words: list[str], said: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    settings = ["--data", str(tiny_npz), "--labels", "8", "--num-validation-samples-per-class", "2"]
    answer = cli(*words, *settings, "--out", str(tmp_path / "run"))
    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "run").exists()
