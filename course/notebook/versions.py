"""Whether a newer version of a function has been written than the one that a check judges.

A cell that stops at a SyntaxError, or that is changed and not run, leaves the function as it was. The check
then says the same as before, which reads as if the change had not helped.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course.checks.call import unwrap
from course.frontend import shell
from course.notebook.cells import source_of
from course.notebook.notebook_file import SavedNotebook, find_notebook

COLAB_SECONDS = 3  # a line above a report is worth no longer wait for the browser

_began: dict[int, float] = {}  # position among the session's cells → when it began to run


def watch_cells() -> None:
    """Note when each cell begins to run, from the next one on; outside of IPython there are none."""
    session = shell()
    if session is not None:
        session.events.register("pre_run_cell", _note_time)


def _note_time(info: object = None) -> None:
    # The session appends the text of the cell that is about to run after this.
    _began[len(_texts(shell()))] = time.time()


def _texts(session: Any) -> list[str]:
    """The cells that were run in this session, as Python: without magics."""
    texts: list[str] = session.history_manager.input_hist_parsed
    return texts


def remark_on_version(unit: str, name: str, function: Callable[..., Any]) -> str:
    """A line on what a check of the function does not see; empty where it is the newest version.

    Args:
        unit: of the notebook.
        name: of the exercise.
        function: the one that is checked.
    """
    session, judged = shell(), _source(function)
    if session is None or not judged:
        return ""
    texts = _texts(session)
    failed = failed_run(name, judged, texts)
    position = failed.position if failed else last_run(name, judged, texts)
    cells = _saved_since(position, unit, session.transform_cell)
    if failed:
        repaired = is_repaired(name, texts[position], cells)
        return f"{failed.what} This check judges the version that ran before it. {_NEXT[repaired]}"
    return changed_cell(name, judged, cells)


@dataclass(frozen=True)
class FailedRun:
    """A run of a cell that did not get to the definition of a function.

    Attributes:
        position: of the run among the session's cells.
        what: a sentence on what happened.
    """

    position: int
    what: str


# What to do after a failed run, by whether the cell is known to have been changed since.
_NEXT = {
    True: "That cell was changed since then, but not run: run it, then this one.",
    False: "Once that cell is repaired, run it again, then this one.",
}


def failed_run(name: str, judged: str, texts: Sequence[str]) -> FailedRun | None:
    """The run of the newest cell that defines a function, where it did not get so far.

    Args:
        name: of the function.
        judged: its source, as ``ast.unparse`` writes it.
        texts: the cells that were run, in order.
    """
    for position in reversed(range(len(texts))):
        text = texts[position]
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            if _mentions(name, text):
                return FailedRun(
                    position,
                    f"The cell that defines `{name}` was last run with a SyntaxError in line {error.lineno} "
                    f"({error.msg}).",
                )
            continue
        found = _definitions(name, tree)
        if found:
            if found[-1] == judged:
                return None
            return FailedRun(
                position,
                f"The last run of the cell that defines `{name}` stopped at an error above the definition.",
            )
        if _assigns(name, tree):
            return None
    return None


def is_repaired(name: str, failed: str, cells: Iterable[str]) -> bool:
    """Whether a cell of the notebook defines a function now, and in other words than the run that failed."""
    return any(_definitions(name, _parse(text)) and text.strip() != failed.strip() for text in cells)


def last_run(name: str, judged: str, texts: Sequence[str]) -> int:
    """The position of the last cell with this version of a function; −1 where there is none."""
    for position in reversed(range(len(texts))):
        if _mentions(name, texts[position]) and judged in _definitions(name, _parse(texts[position])):
            return position
    return -1


def changed_cell(name: str, judged: str, cells: Iterable[str]) -> str:
    """The remark where cells of the notebook define a function, and none as it is judged."""
    defining = [text for text in cells if _mentions(name, text)]
    if not defining or any(judged in _definitions(name, _parse(text)) for text in defining):
        return ""
    return (
        f"The cell that defines `{name}` was changed after it was run. This check judges the version that "
        "ran: run the cell, then this one again."
    )


def _source(function: Callable[..., Any]) -> str:
    """The function's definition without comments and layout; empty where it cannot be read."""
    try:
        return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(unwrap(function)))))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return ""


def _parse(text: str) -> ast.Module:
    """A cell's syntax tree; an empty one where it is no Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _mentions(name: str, text: str) -> bool:
    return re.search(rf"^def\s+{re.escape(name)}\b", text, re.MULTILINE) is not None


def _definitions(name: str, tree: ast.Module) -> list[str]:
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return [ast.unparse(node) for node in found]


def _assigns(name: str, tree: ast.Module) -> bool:
    """Whether a cell gives the name to something else than a definition, such as an imported function."""
    stored = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    imported = {
        (alias.asname or alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return name in stored | imported


def _saved_since(position: int, unit: str, transform: Callable[[str], str]) -> list[str]:
    """The code cells of a notebook that was saved after a run; none where it is not known to have been."""
    if position not in _began:
        return []
    notebook = find_notebook(unit, colab_seconds=COLAB_SECONDS)
    # A file from before the run may simply not have been saved since.
    if notebook is None or (notebook.as_saved and notebook.saved_at <= _began[position]):
        return []
    return _code(notebook, transform)


def _code(notebook: SavedNotebook, transform: Callable[[str], str]) -> list[str]:
    """The code cells of a notebook, as the session would run them."""
    cells = [cell for cell in notebook.content.get("cells", ()) if isinstance(cell, Mapping)]
    return [transform(source_of(cell)) for cell in cells if cell.get("cell_type") == "code"]
