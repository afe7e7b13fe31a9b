"""Whether a function of the notebook is still the one that was checked."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from course.checks.call import unwrap
from course.checks.earlier import family


def notebook_names() -> Mapping[str, Any]:
    """The global names of the notebook, by name."""
    return vars(sys.modules["__main__"])


def fingerprint(function: Callable[..., Any]) -> str:
    """A digest of a function's code and of every function of the same notebook that it calls by name.

    Comments and layout do not change it. It is "" where the code cannot be read.
    """
    inner = unwrap(function)
    texts: dict[str, str] = {}
    try:
        for member in family(inner) if isinstance(inner, FunctionType) else [inner]:
            source = textwrap.dedent(inspect.getsource(member))
            texts.setdefault(member.__qualname__, ast.unparse(ast.parse(source)))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        # No source (typed into a terminal, compiled, a callable object), or one that is no longer Python.
        return ""
    content = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
    return hashlib.sha256(content.encode()).hexdigest()[:16]
