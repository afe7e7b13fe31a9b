"""What a class needs once: hidden cases drawn, and the programs compiled that sessions ask JAX for.

JAX keeps compiled programs in a folder, under names that hold a digest of the program. Sessions read that
folder and can neither write nor list it: who does not have a program already cannot ask for it, so what the
reference compiles to gives no answer away.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from autograder.grading.drawn import Drawn, drawn
from autograder.grading.judge import judge_exercise
from autograder.grading.secret import read_secret
from autograder.units import reference_of
from autograder.units.alternative import alternatives_of, load_alternative
from course.catalog import load_course
from course.checks.subject import Local

FOLDER = "compiled"
_NOT_LISTED = 0o311  # programs can be opened and written by their names, and the names cannot be read
_FOREVER = "1e9"


def programs_folder(folder: Path) -> Path:
    """Where compiled programs are kept for this machine's processor and these versions; made where missing.

    Args:
        folder: what the grader keeps for itself.
    """
    programs = folder / FOLDER / _machine() / "programs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs.mkdir(mode=_NOT_LISTED, parents=True, exist_ok=True)
    programs.chmod(_NOT_LISTED)
    return programs


@cache
def _machine() -> str:
    """A name for this machine's processor and these versions: what is compiled for one fits no other."""
    told = [f"{name} {importlib.metadata.version(name)}" for name in ("jax", "jaxlib")]
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        told += sorted({line for line in file if line.startswith(("flags", "Features", "model name"))})
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def reading(programs: Path) -> dict[str, str]:
    """The variables with which JAX takes programs from a folder, and puts none there."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(programs),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": _FOREVER,
    }


def exercises_to_prepare(unit: str, folder: Path, *, alternatives: bool) -> list[str]:
    """The exercises for which something is left to do; those that take long first."""
    names = [exercise.name for exercise in load_course().unit(unit).exercises]
    left = [name for name in names if not _done(unit, name, folder, alternatives).is_file()]
    return sorted(left, key=lambda name: "loss" not in name)


def prepare(unit: str, exercise: str, folder: Path, *, alternatives: bool = False) -> Drawn:
    """Draw the hidden cases of an exercise; compile what a session needs besides, and with JAX the reference.

    What has been done before is not done again.

    Args:
        unit: the exercise's.
        exercise: its name.
        folder: what the grader keeps for itself.
        alternatives: whether to compile also what other right answers need, which takes a minute for a unit.

    Returns:
        the hidden checks of the unit.
    """
    hidden = drawn(unit, read_secret(folder), folder)
    done = _done(unit, exercise, folder, alternatives)
    if done.is_file():
        return hidden
    hidden(exercise)
    framework = load_course().unit(unit).framework
    if framework in ("JAX", "PyTorch"):
        with _compiling_into(programs_folder(folder)):
            _make_keys()
            for answer in _right_answers(unit, exercise, alternatives) if framework == "JAX" else ():
                judge_exercise(exercise, Local(answer), hidden)
    for further in {False, alternatives}:
        _done(unit, exercise, folder, further).touch()
    return hidden


def _right_answers(unit: str, exercise: str, alternatives: bool) -> Iterator[Callable[..., Any]]:
    """The reference and, where wanted, the alternatives; each is loaded when its turn comes."""
    yield reference_of(unit, exercise)
    for one in alternatives_of(unit) if alternatives else ():
        if one.exercise == exercise:
            yield load_alternative(unit, one)


def _make_keys() -> None:
    """What the given cells of a notebook compile, whatever its framework: a key of random numbers, and
    another one from it.
    """
    import jax

    jax.random.fold_in(jax.random.PRNGKey(0), 1)


def _done(unit: str, exercise: str, folder: Path, alternatives: bool) -> Path:
    key = drawn(unit, read_secret(folder), folder).key(exercise)
    return programs_folder(folder).parent / f"{exercise}-{key}{'-alternatives' if alternatives else ''}"


@contextmanager
def _compiling_into(programs: Path) -> Iterator[None]:
    """Have JAX keep all that it compiles meanwhile."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    from course.checks.programs import forget_programs

    settings = {
        "jax_compilation_cache_dir": str(programs),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    mask = os.umask(0o022)  # a session may have another uid
    jax.clear_caches()  # what is in memory would not be written
    forget_programs()
    try:
        for name, value in settings.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        yield
    finally:
        os.umask(mask)
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
