"""Global state: the same for every run of a check, and afterwards as it was found."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from autograder.expected.values import enable_x64
from course.checks import State, check, render_text
from course.checks.state import JAX_SETTINGS, kept_state, unusual_settings

ROOT = Path(__file__).parents[3]
NAME = "logits_to_log_probs"

# What a student's function does, and how to read the state that it changes.
CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "random": (lambda: random.seed(5), random.getstate),
    "numpy.random": (lambda: np.random.seed(5), lambda: np.random.get_state()[1].tolist()),
    "numpy print options": (lambda: np.set_printoptions(precision=1), np.get_printoptions),
    "numpy errors": (lambda: np.seterr(all="raise"), np.geterr),
    "jax_enable_x64": (
        lambda: jax.config.update("jax_enable_x64", True),
        lambda: jax.config.values["jax_enable_x64"],
    ),
    "jax_debug_nans": (lambda: jax.config.update("jax_debug_nans", True), lambda: dict(jax.config.values)),
    "jax_log_compiles": (
        lambda: jax.config.update("jax_log_compiles", True),
        lambda: dict(jax.config.values),
    ),
    "torch seed": (lambda: torch.manual_seed(5), lambda: torch.get_rng_state().tolist()),
    "torch draws": (lambda: torch.rand(3), lambda: torch.get_rng_state().tolist()),
    "torch dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "torch grad": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "torch threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "torch deterministic": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        torch.get_deterministic_debug_mode,
    ),
    "torch precision": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "cudnn": (
        lambda: setattr(torch.backends.cudnn, "benchmark", True),
        lambda: torch.backends.cudnn.benchmark,
    ),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "recursion limit": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit),
    "stdout": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout),
    "stderr": (lambda: setattr(sys, "stderr", None), lambda: sys.stderr),
    "a new environment variable": (lambda: os.environ.update(STUDENT="1"), lambda: dict(os.environ)),
    "a removed environment variable": (lambda: os.environ.pop("PATH"), lambda: dict(os.environ)),
    "a changed environment variable": (lambda: os.environ.update(PATH=""), lambda: dict(os.environ)),
    "folder": (lambda: os.chdir("/"), os.getcwd),
}


@pytest.mark.parametrize("changed", CHANGES)
@pytest.mark.parametrize("raises", [False, True])
def test_state_is_left_as_it_was_found(changed: str, raises: bool) -> None:
    change, read = CHANGES[changed]
    before = read()
    done = []

    def student(logits: Any) -> Any:
        change()
        done.append(True)
        if raises:
            raise ValueError
        return jax.nn.log_softmax(logits)

    result = check.run(NAME, student)
    assert done
    # The change of a setting of JAX can make an answer wrong, and is put back all the same.
    assert result.state is State.INCORRECT if raises else result.state in (State.CORRECT, State.INCORRECT)
    assert read() == before


@pytest.mark.process
def test_what_is_set_here_would_be_noticed() -> None:
    """Each change above changes what is read: the test before can fail."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.course.checks.test_state import CHANGES
from course.checks.state import kept_state
same = []
for name, (change, read) in CHANGES.items():
    out, err = sys.stdout, sys.stderr
    before = read()
    change()
    if read() == before:
        same.append(name)
    sys.stdout, sys.stderr = out, err
print(same)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_a_folder_that_is_gone_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with kept_state():
        gone.rmdir()
    with kept_state():
        pass


def test_every_run_starts_from_the_same_random_state() -> None:
    drawn = []

    def student(logits: Any) -> Any:
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
        raise ValueError

    for seed in (1, 2):
        random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
        check.run(NAME, student)
    half = len(drawn) // 2
    assert drawn[:half] == drawn[half:]


ODD = {
    "jax_enable_x64": True,
    "jax_disable_jit": True,
    "jax_debug_nans": True,
    "jax_debug_infs": True,
    "jax_check_tracer_leaks": True,
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_default_matmul_precision": "bfloat16",
}


@pytest.fixture
def odd_settings() -> Any:
    with kept_state():
        for name, value in ODD.items():
            jax.config.update(name, value)
        np.set_printoptions(precision=1)
        yield


def test_all_settings_that_matter_are_tried() -> None:
    assert ODD.keys() == JAX_SETTINGS.keys()


def test_the_reference_is_correct_whatever_the_session_has_set(
    exercise: str, reference: Callable[..., Any], odd_settings: Any
) -> None:
    result = check.run(exercise, reference)
    assert result.state is State.CORRECT, render_text(result)
    assert result.note == ""
    assert len(unusual_settings()) == len(ODD)


def test_a_session_as_jax_starts_it_has_no_unusual_settings() -> None:
    assert unusual_settings() == []


def test_matrix_products_have_the_precision_of_float32() -> None:
    """On recent GPUs JAX's default has three digits, and right answers would be rejected."""
    seen = []

    def student(logits: Any) -> Any:
        seen.append(str(jax.make_jaxpr(jnp.dot)(logits, logits.T)))
        return jax.nn.log_softmax(logits)

    check.run(NAME, student)
    assert all("HIGHEST" in text for text in seen)


def test_a_setting_of_the_session_is_reported_in_words(odd_settings: Any) -> None:
    result = check.run(NAME, jax.nn.softmax)
    assert result.slip == "probabilities"
    assert "This session has set jax_enable_x64 = True and " in result.note
    assert "Checks use settings of their own" in result.note


def test_a_context_around_the_check_changes_no_verdict() -> None:
    dtypes = []

    def student(logits: Any) -> Any:
        dtypes.append(jnp.ones(1).dtype)
        return jax.nn.log_softmax(logits)

    with enable_x64(), jax.disable_jit(), jax.numpy_rank_promotion("raise"):
        assert check.run(NAME, student).state is State.CORRECT
    assert set(dtypes) == {np.dtype("float32")}


def test_reports_do_not_depend_on_print_options(odd_settings: Any) -> None:
    with_options = render_text(check.run(NAME, jax.nn.softmax))
    assert "-2.44726" in with_options


def test_a_check_seeds_no_device(exercise: str, reference: Callable[..., Any]) -> None:
    """CUDA stays untouched where nobody has used it; initializing it costs seconds and memory."""
    check.run(exercise, reference)
    assert not torch.cuda.is_initialized()
