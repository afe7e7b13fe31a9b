"""What is said below a cell that failed, when its own words do not say what to do."""

from __future__ import annotations

import itertools
import linecache
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from autograder.builder.notebook import CHECK, FOLDED
from autograder.builder.notebook import GIVEN as GIVEN_LINE
from course.notebook.released import load_release
from course.notebook.trouble import GIVEN, INTERRUPTED, in_words

DEFINED = {"with_unlabeled": "With the unlabeled loss", "val_batches": "Views and mini-batches"}
EXERCISES = {"get_forward_fn"}
Raised = Callable[..., BaseException]


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> Raised:
    """Run cells in one notebook, and return what the last of them raises."""
    numbers = itertools.count()

    def run(*cells: str) -> BaseException:
        names: dict[str, Any] = {}
        for cell in cells:
            file = f"<cell {next(numbers)} of a test>"
            entry = (len(cell), None, cell.splitlines(keepends=True), file)
            monkeypatch.setitem(linecache.cache, file, entry)
            try:
                exec(compile(cell, file, "exec"), names)
            except (NameError, MemoryError, RuntimeError, KeyboardInterrupt, AttributeError) as error:
                return error
        raise AssertionError("no cell failed")

    return run


def said(error: BaseException) -> str | None:
    return in_words(error, EXERCISES, DEFINED)


@pytest.mark.parametrize("first", [GIVEN_LINE, CHECK, *FOLDED.values()])
def test_a_given_cell_is_known_by_the_line_that_the_builder_writes(first: str, raised: Raised) -> None:
    assert GIVEN.match(first)
    assert said(raised(f"{first}\nlast = [run for run in with_unlabeled.metrics]")) == (
        'with_unlabeled is not defined in this session: a cell under the heading "With the unlabeled loss" '
        "defines it. Run the cells above first (menu Run, Run All Above Selected Cell), then this one again"
    )


def test_a_given_function_that_needs_an_earlier_cell_says_so_too(raised: Raised) -> None:
    given = f"{GIVEN_LINE}\ndef run_all():\n    return len(val_batches)"
    line = said(raised(given, "run_all()"))
    assert line is not None and 'under the heading "Views and mini-batches"' in line


def test_the_default_in_the_stub_of_an_exercise_is_given_as_well(raised: Raised) -> None:
    line = said(raised("def get_validate_fn(get_params, model, batches=val_batches):\n    return 1"))
    assert line is not None and line.startswith("val_batches is not defined in this session")


@pytest.mark.parametrize(
    "cells",
    [
        ("print(with_unlabeled)",),
        ("def mine():\n    return with_unlabeled", f"{GIVEN_LINE}\nmine()"),
        ("def mine(x=1):\n    def inner(y=val_batches):\n        return y", "mine()"),
        (f"{GIVEN_LINE}\nwith_unlabeld",),
    ],
    ids=["in a cell", "in a function that a given cell calls", "in an inner function", "an unknown name"],
)
def test_a_name_in_the_students_own_code_keeps_pythons_words(cells: tuple[str, ...], raised: Raised) -> None:
    error = raised(*cells)
    assert isinstance(error, NameError) and said(error) is None


@pytest.mark.parametrize(
    ("cells", "lost"),
    [
        (("itertools = 3", f"{CHECK}\nitertools.chain()"), "itertools is something else now, and this cell"),
        (("itertools = sys = 3", f"{CHECK}\nsys.path, itertools.chain()"), "itertools and sys are something"),
        (("itertools = 3", "itertools.chain()"), None),
        (("itertools = 3", f"{CHECK}\nsys.no_such_name"), None),
    ],
    ids=["one", "two", "in a cell of one's own", "another reason"],
)
def test_a_given_cell_whose_modules_have_been_overwritten_says_so(
    cells: tuple[str, ...], lost: str | None, raised: Raised
) -> None:
    error = raised("import itertools, sys", *cells)
    line = in_words(error, EXERCISES, DEFINED, {"itertools": itertools, "sys": sys})
    assert line is None if lost is None else line is not None and line.startswith(lost)


def test_before_the_imports_every_unknown_name_is_for_want_of_them(raised: Raised) -> None:
    assert in_words(raised("print(course.__version__)"), (), None) == (
        "course is not defined in this session: run the cells above first (menu Run, Run All Above Selected "
        "Cell), beginning with the imports, then this one again"
    )


WAITS = "def wait():\n    raise KeyboardInterrupt"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ((f"{GIVEN_LINE}\nraise KeyboardInterrupt",), True),
        ((f"{GIVEN_LINE}\n{WAITS}", "wait()"), True),
        ((WAITS, "wait()"), False),
    ],
    ids=["a given cell", "a given function in a cell of one's own", "own code"],
)
def test_an_interrupt_shows_no_librarys_code(cells: tuple[str, ...], told: bool, raised: Raised) -> None:
    """A second interrupt does not wait for the training step, and would show where JAX or PyTorch was."""
    assert said(raised(*cells)) == (INTERRUPTED if told else None)


def test_colab_has_another_menu(raised: Raised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    line = said(raised(f"{GIVEN_LINE}\nwith_unlabeled"))
    assert line is not None and "(menu Runtime, Run before)" in line


NO_MEMORY = (
    "Memory ran out. Close other programs and notebooks, restart the kernel, and run the cells above again"
)


@pytest.mark.parametrize(
    ("cell", "rest"),
    [
        (
            f"{GIVEN_LINE}\nval_batches = [1]\nfor x in val_batches:\n    raise MemoryError",
            "; if it happens again, lower val_batch_size with `dataclasses.replace(hparams, ...)` in a cell "
            "of your own below the settings",
        ),
        (f"{GIVEN_LINE}\nbatches = 250\nraise MemoryError", ""),
        (
            "raise MemoryError",
            "; if it happens again, lower the batch sizes, or the number of images that you work with at "
            "once",
        ),
    ],
    ids=["given, with a setting", "given, without one", "own"],
)
def test_memory_names_what_can_be_lowered_in_that_cell(cell: str, rest: str, raised: Raised) -> None:
    assert said(raised(cell)) == f"{NO_MEMORY}{rest} (MemoryError)"


def test_the_sizes_are_settings_of_the_notebook() -> None:
    from course.notebook.trouble import SIZES
    from course.training import FixMatchHparams

    assert all(hasattr(FixMatchHparams(), size) for size in SIZES.values())


def test_the_release_knows_where_the_names_of_locked_cells_come_from() -> None:
    assert load_release("fixmatch").defined["with_unlabeled"] == "With the unlabeled loss"
    assert load_release("fixmatch").defined["val_batches"] == "Views and mini-batches"
