"""Names of files and folders, as students, browsers and learning platforms write them. Pure functions."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote

# nbgrader finds folders by patterns in which these mean something, and writes its table without quotes.
_UNUSABLE = re.compile(r'[*?\[,"\x00-\x1f\x7f\ufffd]')
_MAX_BYTES = 200  # of a student's name: files are called after it
_NOTEBOOK = re.compile(r"\.ipynb(?![a-z])")
_SUFFIX = re.compile(r"(\.(ipynb|json|txt)\b.*)$")
_NUMBER = re.compile(r"(\d{1,3})$")


def key(name: str) -> str:
    """The letters and digits of a name, without case: what copying and uploading leave as they were."""
    plain = unicodedata.normalize("NFKC", unquote(name)).casefold()
    return "".join(re.findall(r"[^\W_]+", plain))


def is_notebook(name: str) -> bool:
    """Whether a file is meant to be a notebook: ``.ipynb`` in any case, and whatever was put behind it."""
    return not name.startswith(".") and bool(_NOTEBOOK.search(name.casefold()))


def is_named(name: str, notebook: str) -> bool:
    """Whether a file has the name of a notebook, with something before or behind it.

    Args:
        name: such as "Copy of 01_fixmatch (1).ipynb" or "doe_late_12345_678_01_fixmatch-2.ipynb.txt".
        notebook: such as "01_fixmatch".
    """
    suffix = os.path.splitext(name.casefold())[1]
    known = is_notebook(name) or suffix in ("", ".json", ".txt")
    return known and not name.startswith(".") and key(notebook) in key(_stem(name))


def version(name: str, notebook: str) -> int:
    """The number that a second file of the same name gets, as in "(2)", "-2" and "-Copy2"; 0 without one."""
    behind = key(_stem(name)).rpartition(key(notebook))[2]
    found = _NUMBER.search(behind)
    return int(found[1]) if found else 0


def student_id(folder: str) -> str:
    """The name under which a student is graded: the folder's, but for what nbgrader cannot work with."""
    text = os.fsencode(folder).decode("utf-8", "replace")
    text = _UNUSABLE.sub("_", text).strip().lstrip(".").strip()
    return text.encode()[:_MAX_BYTES].decode("utf-8", "ignore") or "_"


def shown(name: object) -> str:
    """A name as it can be printed: a student may have put anything into it."""
    text = os.fsencode(str(name)).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)[:200]


def free_name(wanted: PurePosixPath, is_taken: Callable[[PurePosixPath], bool]) -> PurePosixPath:
    """A path that nothing has: the wanted one, or that with a number."""
    number, free = 1, wanted
    while is_taken(free):
        number += 1
        free = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return free


def _stem(name: str) -> str:
    return _SUFFIX.sub("", unicodedata.normalize("NFKC", unquote(name)).casefold())
