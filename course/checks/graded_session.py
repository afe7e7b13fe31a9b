"""What a session in which a hand-in is graded does at its start: an extension of IPython.

Modules beside the notebook can be imported, as at home. IPython sees to that only where Python was started
without ``-P``.

Python's own functions keep their values. A notebook that gives ``builtins.len`` another value gives it to the
kernel as well, which then ends, or lives on and answers nothing until the time of the cell is over.
"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_OWN = frozenset(name for name, value in vars(builtins).items() if callable(value))


def load_ipython_extension(shell: Any) -> None:
    """IPython's hook. What the notebook does to Python's functions from now on is told, and not done."""
    builtins.__class__ = _Kept
    if "" not in sys.path:
        folders = [Path(folder).name for folder in sys.path]
        packages = [folders.index(name) for name in ("site-packages", "dist-packages") if name in folders]
        # Behind the course and Python's own modules, as IPython does it.
        sys.path.insert(min(packages, default=len(folders)), "")


class _Kept(ModuleType):
    """The module ``builtins``. Libraries may change it for a while, as ``unittest.mock`` and ipykernel do."""

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_kept(name, sys._getframe(1).f_globals):
            _tell(name)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if _is_kept(name, sys._getframe(1).f_globals):
            _tell(name)
        else:
            super().__delattr__(name)


def _is_kept(name: str, names: dict[str, Any]) -> bool:
    """Whether it is a function of Python's that code with these global names, the notebook's, is changing."""
    return name in _OWN and names.get("__name__") == "__main__"


def _tell(name: str) -> None:
    print(f"builtins.{name} keeps its value while grading, for other code needs it: choose another name.")
