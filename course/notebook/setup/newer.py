"""The newest of the course's packages near a notebook, and how it takes over from an older one."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from course import __version__
from course.notebook.setup.machine import unpack_wheel
from course.notebook.setup.search import MOST_FOLDERS, search
from course.notebook.setup.versions import is_older, numbers

WHEEL = re.compile(r"ssl_course-([^-]+)-")


def newer_package(
    notebook: str, places: Sequence[Path], repository: str | None
) -> tuple[Path | str, bytes] | None:
    """A package of the course that is newer than this one.

    If this package is as new as the notebook, only the notebook's own folder is looked at, which is quick.

    Args:
        notebook: the release that the notebook comes from.
        places: where to look, the notebook's folder first.
        repository: "owner/name" on GitHub, which has the package of the notebook's release, or None.

    Returns:
        the path or address of the newest wheel (of the zip file, if it lies in one) and its content, or None.

    Raises:
        OSError: it cannot be read, or not be fetched.
    """
    behind = is_older(__version__, notebook)
    newer = [
        (numbers(match[1]), found.path, found)
        for found in search("ssl_course-*.whl", places, MOST_FOLDERS if behind else 1)
        if (match := WHEEL.match(found.name)) and is_older(__version__, match[1])
    ]
    if newer:
        _, path, found = max(newer, key=lambda entry: entry[:2])
        return path, found.read()
    if behind and repository:
        address = f"https://github.com/{repository}/raw/main/ssl_course-{notebook}-py3-none-any.whl"
        with urlopen(address, timeout=60) as answer:
            return address, answer.read()
    return None


def hand_over(content: bytes, cell: Mapping[str, Any]) -> Any:
    """Start the notebook with another package of the course in place of this one.

    Args:
        content: the other's wheel.
        cell: what its `start_notebook` is called with.

    Returns:
        what that returns, or None if it cannot be imported; then everything is as it was.
    """
    folder = unpack_wheel(content)
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "course"}
    for name in before:
        del sys.modules[name]
    sys.path.insert(0, folder)
    try:
        start = importlib.import_module("course.notebook.setup").start_notebook
    except (ImportError, AttributeError):
        sys.path.remove(folder)
        sys.modules.update(before)
        return None
    return start(cell)
