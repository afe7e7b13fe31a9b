"""A check says where it does not judge what was written last: a cell that failed, or was not run."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from course.notebook import versions
from course.notebook.notebook_file import SavedNotebook, read_notebook
from course.notebook.versions import changed_cell, failed_run, last_run, remark_on_version

NAME = "answer"
OLD = "def answer(x):\n    return x  # a comment"
NEW = "def answer(x):\n    return x + 1"
BROKEN = "def answer(x):\n    return (x + 1"
JUDGED = ast.unparse(ast.parse(OLD))
CHECK = "check('answer', answer)"


@pytest.mark.parametrize(
    "texts",
    [
        [OLD, CHECK],
        [NEW, OLD, CHECK],
        [BROKEN, OLD, CHECK],
        ["def answer(x):\n\n    return (x)", CHECK],
        [OLD, "def other(:\n", CHECK],
        [OLD, "text = 'def answer(x): pass'", CHECK],
        [OLD, NEW, "answer = old", CHECK],
        [OLD, NEW, "from mine import answer", CHECK],
        [OLD, "class A:\n    def answer(self):\n        pass", CHECK],
        ["import jax", CHECK],
        [],
    ],
)
def test_nothing_is_said_of_the_newest_version(texts: list[str]) -> None:
    assert failed_run(NAME, JUDGED, texts) is None


def test_a_syntax_error_is_named_with_its_line() -> None:
    failed = failed_run(NAME, JUDGED, [OLD, BROKEN, CHECK])
    assert failed is not None and failed.position == 1
    assert failed.what.startswith(
        "The cell that defines `answer` was last run with a SyntaxError in line 2 ("
    )


@pytest.mark.parametrize("text", [NEW, f"undefined\n{NEW}", f"@jax.jt\n{OLD}"])
def test_a_cell_that_stopped_above_the_definition_is_told(text: str) -> None:
    failed = failed_run(NAME, JUDGED, [OLD, text, CHECK])
    assert failed is not None and failed.position == 1
    assert "stopped at an error above the definition" in failed.what


def test_the_last_run_of_a_version_is_found() -> None:
    assert last_run(NAME, JUDGED, ["", OLD, NEW, OLD, CHECK]) == 3
    assert last_run(NAME, JUDGED, ["", NEW, BROKEN]) == -1


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([OLD], False),
        ([NEW, OLD], False),
        (["# other words\ndef answer(x):\n    return (x)"], False),
        (["import jax"], False),
        ([NEW], True),
        ([BROKEN], True),
    ],
)
def test_cells_of_the_notebook_are_compared(cells: list[str], told: bool) -> None:
    assert bool(changed_cell(NAME, JUDGED, cells)) == told


class Shell:
    """As much of IPython's session as is asked."""

    def __init__(self, *texts: str) -> None:
        self.history_manager = SimpleNamespace(input_hist_parsed=["", *texts])

    def transform_cell(self, text: str) -> str:
        return text


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    path = tmp_path / "cell.py"
    path.write_text(OLD, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(OLD, str(path), "exec"), names)
    assert inspect.getsource(names["answer"]).strip() == OLD
    return names["answer"]


def use(monkeypatch: pytest.MonkeyPatch, saved: SavedNotebook | None, *texts: str) -> None:
    monkeypatch.setattr(versions, "shell", lambda: Shell(*(texts or (OLD, CHECK))))
    monkeypatch.setattr(versions, "find_notebook", lambda unit, colab_seconds: saved)


def notebook(*cells: str, as_saved: bool = True, saved_at: float = 0.0) -> SavedNotebook:
    content = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    return SavedNotebook(content, "the file", as_saved, saved_at)


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        (notebook(NEW, saved_at=101.0), True),
        (notebook(NEW, saved_at=99.0), False),  # not saved since the run, so nothing is known
        (notebook(OLD, saved_at=101.0), False),
        (notebook(NEW, as_saved=False), True),  # Colab knows what is not saved
        (None, False),
    ],
)
def test_a_changed_cell_is_told_where_the_file_is_newer_than_the_run(
    saved: SavedNotebook | None, told: bool, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, saved)
    monkeypatch.setattr(versions, "_began", {1: 100.0})
    assert ("was changed after it was run" in remark_on_version("fixmatch", NAME, answer)) == told


CHANGED = "That cell was changed since then, but not run: run it, then this one."
REPAIR = "Once that cell is repaired, run it again, then this one."


@pytest.mark.parametrize("failed", [BROKEN, f"undefined\n{NEW}"])
@pytest.mark.parametrize(
    ("saved", "step"),
    [
        (notebook(OLD + "\n\n", saved_at=101.0), CHANGED),
        (notebook("import jax", f"# mended\n{NEW}", saved_at=101.0), CHANGED),
        (notebook(NEW, as_saved=False), CHANGED),
        (notebook(NEW, saved_at=99.0), REPAIR),
        (notebook(BROKEN.replace("return", "yield"), saved_at=101.0), REPAIR),  # broken in another way
        (None, REPAIR),
    ],
)
def test_after_a_failed_run_the_next_step_is_to_run_it_again(
    failed: str, saved: SavedNotebook | None, step: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, saved, OLD, failed, CHECK)
    monkeypatch.setattr(versions, "_began", {1: 90.0, 2: 100.0})
    remark = remark_on_version("fixmatch", NAME, answer)
    assert remark.endswith(f" This check judges the version that ran before it. {step}")


@pytest.mark.parametrize("failed", [BROKEN, f"undefined\n{NEW}"])
def test_a_cell_that_is_as_it_failed_is_to_be_repaired(
    failed: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, notebook(f"{failed}\n", saved_at=101.0), OLD, failed, CHECK)
    monkeypatch.setattr(versions, "_began", {2: 100.0})
    assert remark_on_version("fixmatch", NAME, answer).endswith(REPAIR)


def test_a_run_from_before_the_watch_is_not_compared(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, notebook(NEW, saved_at=101.0))
    monkeypatch.setattr(versions, "_began", {})
    assert remark_on_version("fixmatch", NAME, answer) == ""


@pytest.mark.parametrize("function", [len, SimpleNamespace(), eval("lambda x: x")])
def test_what_has_no_source_is_passed_over(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, notebook(NEW, saved_at=101.0))
    assert remark_on_version("fixmatch", NAME, function) == ""


def test_a_file_tells_when_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": []}', encoding="utf-8")
    assert read_notebook(path).saved_at == path.stat().st_mtime
