"""Showing things where the code runs: below a notebook's cell, or in a terminal."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any | None:
    """IPython's session, or None outside of one."""
    # Only where a session runs: importing IPython costs most of a second.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def show_below(thing: Any) -> None:
    """Display something below the cell; without a notebook, print it."""
    if shell() is None:
        print(thing)
    else:
        from IPython.display import display

        display(thing)
