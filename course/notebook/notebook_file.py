"""The notebook that runs, as it was last saved, wherever it runs."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.notebook.fingerprint import notebook_names

MOST_BYTES = 64_000_000
COLAB_SECONDS = 30


@dataclass(frozen=True)
class SavedNotebook:
    """A notebook's content.

    Attributes:
        content: the notebook as JSON data; nothing is known of it but that it is a dictionary.
        source: where it is from, for the student.
        as_saved: changes since the last saving are not in it.
        saved_at: when that was, in seconds since 1970; 0 where it does not matter.
    """

    content: Mapping[str, Any]
    source: str
    as_saved: bool
    saved_at: float = 0.0


def find_notebook(
    unit: str, path: Path | str | None = None, *, colab_seconds: int = COLAB_SECONDS
) -> SavedNotebook | None:
    """The running notebook, or None where no way leads to it.

    Asked in this order: ``path``; Colab, which also knows what is not saved yet; VS Code, which leaves the
    name in the notebook's own names; JupyterLab and Jupyter Notebook, which tell it to the kernel; and the
    one notebook of this unit in the working folder, if it is the only one.

    Args:
        unit: the unit's name.
        path: the file, where the student names it.
        colab_seconds: how long to wait for Colab's answer.

    Raises:
        CourseError: the file that was named cannot be read, or is no notebook.
    """
    if path is not None:
        return read_notebook(Path(path).expanduser())
    if _in_colab():
        content = _ask_colab(colab_seconds)
        if content is not None:
            return SavedNotebook(content, "Colab", as_saved=False)
    named = (notebook_names().get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"))
    for name in named:
        if isinstance(name, str) and name.endswith(".ipynb") and Path(name).is_file():
            return read_notebook(Path(name))
    here = [path for path in sorted(Path.cwd().glob("*.ipynb")) if _unit_of(path) == unit]
    return read_notebook(here[0]) if len(here) == 1 else None


def read_notebook(path: Path) -> SavedNotebook:
    """A notebook's file.

    Raises:
        CourseError: it cannot be read, is far too long, or is no notebook.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
            saved_at = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        raise CourseError(
            f"{path} cannot be read ({error.strerror or error}): name the notebook's own file"
        ) from None
    if len(raw) > MOST_BYTES:
        raise CourseError(f"{path} is longer than {MOST_BYTES:,} bytes: clear its outputs and save it again")
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise CourseError(f"{path} is not a notebook: name a file that ends in .ipynb") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise CourseError(f"{path} is not a notebook: name a file that ends in .ipynb")
    return SavedNotebook(content, path.name, as_saved=True, saved_at=saved_at)


def _in_colab() -> bool:
    return (
        importlib.util.find_spec("google") is not None
        and importlib.util.find_spec("google.colab") is not None
    )


def _ask_colab(seconds: int) -> Mapping[str, Any] | None:
    """The notebook from the browser, or None where it does not answer."""
    message: Any = importlib.import_module("google.colab._message")
    ask: Callable[..., Any] = message.blocking_request
    try:
        answer = ask("get_ipynb", request="", timeout_sec=seconds)
    except message.MessageError:
        return None
    content = answer.get("ipynb") if isinstance(answer, dict) else None
    return content if isinstance(content, dict) and isinstance(content.get("cells"), list) else None


def _unit_of(path: Path) -> str | None:
    try:
        metadata = read_notebook(path).content.get("metadata")
    except CourseError:
        return None
    course = metadata.get("course") if isinstance(metadata, dict) else None
    return course.get("unit") if isinstance(course, dict) else None
