"""Whether a function of the notebook is still the one that was checked."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any

from course.checks.call import unwrap


def notebook_names() -> Mapping[str, Any]:
    """The global names of the notebook, by name."""
    return vars(sys.modules["__main__"])


def fingerprint(function: Callable[..., Any]) -> str:
    """A digest of a function's code and of every function of the same notebook that it calls by name.

    Comments and layout do not change it. It is "" where the code can not be read.
    """
    texts: dict[str, str] = {}
    try:
        _collect(unwrap(function), texts)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        # No source (typed into a terminal, compiled, a callable object), or one that is no longer Python.
        return ""
    content = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _collect(function: Callable[..., Any], texts: dict[str, str]) -> None:
    source = textwrap.dedent(inspect.getsource(function))
    texts[function.__qualname__] = ast.unparse(ast.parse(source))
    scope = getattr(function, "__globals__", {})
    code = getattr(function, "__code__", None)
    for name in sorted(_names(code)) if code is not None else ():
        called = scope.get(name)
        inner = unwrap(called) if callable(called) else None
        if isinstance(inner, FunctionType) and inner.__globals__ is scope and inner.__qualname__ not in texts:
            _collect(inner, texts)


def _names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside it refer to."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
