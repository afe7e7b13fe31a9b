"""What the tests of several folders share."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support import quick_commands

ROOT = Path(__file__).parents[1]

# Folders and modules whose tests are of the kind `unit`: no process, no training, and a minute in all. Single
# ones that do otherwise are marked `process`.
UNIT_TESTS = (
    "autograder/builder/test_exercises.py",
    "autograder/builder/test_expected_data.py",
    "autograder/builder/test_sweeps.py",
    "autograder/classroom/test_classroom.py",
    "autograder/grading/test_class_report.py",
    "autograder/grading/exports/test_table.py",
    "autograder/grading/test_clean.py",
    "autograder/grading/test_damage.py",
    "autograder/grading/test_feedback.py",
    "autograder/grading/test_hand_in.py",
    "autograder/grading/test_imports.py",
    "autograder/grading/test_matching.py",
    "autograder/grading/test_prepare.py",
    "autograder/grading/preflight/test_names.py",
    "autograder/grading/preflight/test_page.py",
    "autograder/grading/preflight/test_plan.py",
    "autograder/grading/preflight/test_preflight.py",
    "autograder/grading/test_similar.py",
    "autograder/grading/test_stops.py",
    "autograder/assess/",
    "autograder/site/test_site.py",
    "autograder/test_outputs.py",
    "autograder/proof/test_minima.py",
    "autograder/proof/test_trials.py",
    "autograder/units/",
    "course/augment/",
    "course/checks/test_advice.py",
    "course/checks/test_facts.py",
    "course/checks/test_slips.py",
    "course/checks/test_compare.py",
    "course/checks/test_exchange.py",
    "course/checks/test_moments.py",
    "course/checks/test_places.py",
    "course/checks/test_plain_data.py",
    "course/checks/test_render.py",
    "course/checks/test_reports.py",
    "course/checks/test_state.py",
    "course/checks/test_tolerances.py",
    "course/data/",
    "course/figures/",
    "course/models/test_wide_resnet.py",
    "course/notebook/",
    "course/test_catalog.py",
    "course/test_progress_bar.py",
    "course/test_records.py",
    "course/training/test_hparams.py",
    "course/training/test_metrics.py",
    "course/training/test_optimizers.py",
    "course/training/test_recorded.py",
    "course/training/test_torch_hparams.py",
    "course/training/test_torch_parts.py",
    "course/units/",
    "project/test_glossary.py",
    "project/test_readme.py",
    "project/test_sources.py",
    "project/test_student_words.py",
    "solutions/test_accuracy.py",
    "solutions/test_comparison.py",
    "solutions/test_results.py",
    "solutions/test_torch_losses.py",
    "solutions/test_tutorial_corrections.py",
)
# They start first, so that no worker is left alone with a long one at the end.
LONGEST = (
    "project/test_solution_notebook.py",
    "autograder/classroom/test_class.py",
    "autograder/classroom/test_attacks.py",
    "autograder/grading/preflight/test_class.py",
    "autograder/grading/test_batch.py",
    "autograder/grading/test_faults.py",
    "autograder/grading/test_killed.py",
    "project/test_worked_example.py",
    "solutions/test_sweep.py",
)
STARTS_A_PROCESS = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "subprocess.Popen",
}
_started: list[str] = []


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT / "tests").as_posix()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        otherwise = any(item.get_closest_marker(mark) for mark in ("process", "slow"))
        if _place(item).startswith(UNIT_TESTS) and not otherwise:
            item.add_marker("unit")
    first = {place: number for number, place in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(_place(item), len(first)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector looks neither at what is being imported nor, later, through what has been.

    These are 760,000 objects of JAX, PyTorch and the tests, which stay until the end. To go through all of
    them takes half a second, also for each check that looks for what a student's function keeps.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _note_processes(event: str, arguments: tuple[object, ...]) -> None:
    if event in STARTS_A_PROCESS:
        _started.append(f"{event} {arguments[:2]}")


def pytest_configure(config: pytest.Config) -> None:
    """What JAX has compiled once in a test run is not compiled again, by whichever process.

    Every grading kernel compiles the same programs, and every training run has a step function of its own,
    so JAX's cache in memory does not help. Commands fork from one process. The workers of xdist inherit the
    environment.
    """
    sys.addaudithook(_note_processes)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        if quick_commands.possible():
            server = quick_commands.Server()
            config.add_cleanup(server.close)
            os.environ[quick_commands.ADDRESS] = server.address
        folder = tempfile.mkdtemp(prefix="compiled-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ |= {
            "JAX_COMPILATION_CACHE_DIR": folder,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    if address := os.environ.get(quick_commands.ADDRESS):
        quick_commands.use(address)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    _started.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test of the kind `unit` fails when it, or a fixture made for it, starts a process."""
    outcome = yield
    if _started and item.get_closest_marker("unit"):
        pytest.fail(f"a unit test started {_started[0]}: mark it `process`", pytrace=False)
    return outcome


@pytest.fixture(scope="session")
def clone_files() -> list[str]:
    """Paths of the files that a clone would have, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """XLA optimizes little: for large programs that a test runs a few times only."""
    import jax

    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
