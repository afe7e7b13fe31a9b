"""What is drawn and compiled once for a class, and what a session finds of it."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from autograder.grading.judge import judge_exercise
from autograder.grading.prepare import exercises_to_prepare, prepare, programs_folder, reading
from autograder.grading.secret import read_secret
from autograder.units import reference_of
from course.checks.programs import forget_programs
from course.checks.result import State
from course.checks.subject import Local

UNIT, EXERCISE = "fixmatch", "cosine_decay_schedule"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course") / ".grading"
    prepare(UNIT, EXERCISE, folder)
    return folder


@pytest.fixture
def counts(folder: Path) -> Iterator[Counter[str]]:
    """How often JAX looked for a program, and found it in the folder, as a session reads it."""
    found: Counter[str] = Counter()
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    variables = reading(programs_folder(folder))
    jax.config.update(names[0], variables["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update(names[1], float(variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"]))
    compilation_cache.reset_cache()
    jax.clear_caches()
    forget_programs()

    def listen(event: str, **details: object) -> None:
        found[event.rpartition("/")[2]] += 1

    jax.monitoring.register_event_listener(listen)
    yield found
    jax.monitoring.clear_event_listeners()
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_a_session_finds_all_that_the_reference_needs(folder: Path, counts: Counter[str]) -> None:
    programs = set(programs_folder(folder).iterdir())
    hidden = prepare(UNIT, EXERCISE, folder)
    result = judge_exercise(EXERCISE, Local(reference_of(UNIT, EXERCISE)), hidden)
    assert result.state is State.CORRECT
    assert counts["compile_requests_use_cache"] == counts["cache_hits"] >= 4
    jax.jit(lambda x: x * 17.5 - 3)(1.0)
    assert counts["compile_requests_use_cache"] == counts["cache_hits"] + 1
    assert set(programs_folder(folder).iterdir()) == programs  # a session writes none


def test_what_is_done_is_not_done_again(folder: Path) -> None:
    left = exercises_to_prepare(UNIT, folder, alternatives=False)
    assert EXERCISE not in left
    assert left[0] == "get_fixmatch_loss_fn"
    assert EXERCISE in exercises_to_prepare(UNIT, folder, alternatives=True)


def test_alternatives_are_compiled_where_that_pays(folder: Path) -> None:
    before = len(list(programs_folder(folder).iterdir()))
    prepare(UNIT, EXERCISE, folder, alternatives=True)
    assert len(list(programs_folder(folder).iterdir())) > before + 5
    assert EXERCISE not in exercises_to_prepare(UNIT, folder, alternatives=True)
    assert EXERCISE not in exercises_to_prepare(UNIT, folder, alternatives=False)


def test_nobody_lists_the_programs_and_all_may_open_them(folder: Path) -> None:
    programs = programs_folder(folder)
    assert stat.S_IMODE(programs.stat().st_mode) == 0o311
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o044 for path in programs.iterdir()} == {0o044}


def test_a_unit_without_jax_is_drawn_alone(tmp_path: Path) -> None:
    prepare("comparison", "mean_and_spread", tmp_path / ".grading")
    assert list(programs_folder(tmp_path / ".grading").iterdir()) == []
    assert list((tmp_path / ".grading" / "hidden").glob("mean_and_spread-*.json"))


def test_another_secret_needs_another_preparation(folder: Path, tmp_path: Path) -> None:
    read_secret(tmp_path / ".grading")
    assert EXERCISE in exercises_to_prepare(UNIT, tmp_path / ".grading", alternatives=False)
