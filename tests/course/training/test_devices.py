"""A run on several devices: the same numbers as on one, and nothing compiled twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course.training import load_checkpoint, read_metrics
from course.training.jax.devices import fitting
from course.training.jax.trees import flatten
from tests.conftest import ROOT
from tests.support import tiny_run


@pytest.mark.parametrize(("batch_size", "fits"), [(8, 8), (12, 6), (7, 7), (11, 1), (1, 1)])
def test_mini_batches_divide_evenly(batch_size: int, fits: int) -> None:
    assert fitting(8, batch_size) == fits


def assert_same_numbers(folder: Path, expected: Path) -> None:
    for got, wanted in zip(
        read_metrics(folder / "metrics.jsonl"), read_metrics(expected / "metrics.jsonl"), strict=True
    ):
        assert got == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    got, wanted = (load_checkpoint(f / "checkpoint.safetensors").variables for f in (folder, expected))
    arrays = flatten(wanted, "")
    for name, array in flatten(got, "").items():
        np.testing.assert_allclose(array, arrays[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_four_devices_give_the_numbers_of_one_and_compile_each_program_once(tmp_path: Path) -> None:
    flags = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    command = [sys.executable, "-m", "tests.support.four_devices", str(tmp_path / "four")]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **flags}, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    assert "Each step is shared by 4 devices." in ended.stdout
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["devices"] == 4
    # One program makes the view of the labeled images, one the views of the unlabeled ones.
    assert (found["compiled"]["jit(train_step)"], found["compiled"]["jit(compiled_views)"]) == (1, 2)
    tiny_run.train(tmp_path / "one", on_device=True)
    assert_same_numbers(tmp_path / "four", tmp_path / "one")
