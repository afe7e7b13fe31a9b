"""Python's own functions keep their values in a session in which a hand-in is graded.

A notebook that gives ``builtins.len`` another value gives it to the kernel as well, which then ends, or lives
on and answers nothing until the time of the cell is over. This is an extension of IPython, which the grader
names when it starts the session.
"""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import Any

_OWN = frozenset(name for name, value in vars(builtins).items() if callable(value))


def load_ipython_extension(shell: Any) -> None:
    """IPython's hook: from now on, what the notebook does to Python's functions is told, and not done."""
    builtins.__class__ = _Kept


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
