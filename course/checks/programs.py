"""What checks have JAX compile: few programs, quickly, and each of them once.

Every operation that runs by itself is a program for each shape that it meets, and even one that JAX finds in
a cache costs some milliseconds. So where a case may, it has its operations compiled together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jax

Function = Callable[..., Any]

# Each program runs once, so what counts is how long it takes to compile: a third of the usual time. Which of
# the options there are depends on jaxlib's version.
_OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "xla_backend_optimization_level": 0,
        "xla_cpu_parallel_codegen_split_count": 1,
        "xla_cpu_use_fusion_emitters": False,
    },
    {"xla_backend_optimization_level": 0},
)
_MOST = 200  # programs kept; all checks of a unit together need a tenth
# Signs that a printed program leaves something out: the numbers of an array, be it written "[...]" or named
# before the semicolon of a function, and what a function of Python does.
_LEFT_OUT = re.compile(r"\[\.\.\.\]|lambda [^;]| at 0x")
_PARTS = 10_000
_programs: dict[tuple[str, str], Function] = {}
_settings: Any = jax.config  # whose type does not know the names


def compiled(function: Function) -> Function:
    """``jax.jit`` for a function that is called once.

    The function is traced in every call; a program that has been compiled before is not compiled again.
    """
    return lambda *args: _run(function, args)


def together(function: Function) -> Function:
    """A function whose operations are compiled together, while its Python runs as without ``jax.jit``.

    ``jax.jit`` is off while it is traced, so whatever it calls runs each time, and may keep what it likes.
    What it returns besides traced arrays comes back as it is.
    """

    def traced(*args: Any) -> Any:
        with jax.disable_jit():
            return function(*args)

    return lambda *args: _run(traced, args)


def forget_programs() -> None:
    """Have every program compiled again."""
    _programs.clear()


def _run(function: Function, args: tuple[Any, ...]) -> Any:
    if _settings.jax_disable_jit:
        return function(*args)
    leaves, structure = jax.tree.flatten(args)
    values: list[Any] = []
    shape: Any = None

    def flat(*leaves: Any) -> list[Any]:
        nonlocal values, shape
        answer = function(*jax.tree.unflatten(structure, leaves))
        returned, shape = jax.tree.flatten(answer, is_leaf=None if _is_small(answer) else lambda _: True)
        values = [None if _is_traced(value) else value for value in returned]
        return [value for value in returned if _is_traced(value)]

    numbers = iter(_program(jax.jit(flat).trace(*leaves))(*leaves))
    return jax.tree.unflatten(shape, [next(numbers) if value is None else value for value in values])


def _is_small(value: Any) -> bool:
    """Whether a value has no more parts than anyone's answer; JAX would go on for ever in lists of lists."""
    left, met = [value], 0
    while left and met < _PARTS:
        one, met = left.pop(), met + 1
        if type(one) in (list, tuple, dict):
            left += one.values() if type(one) is dict else one
    return not left


def _is_traced(value: Any) -> bool:
    return issubclass(type(value), jax.core.Tracer)


def _program(traced: Any) -> Function:
    """What a traced function compiles to; the same as before where the same has been traced."""
    key = str(traced.jaxpr), str(_settings.jax_default_device)
    if key in _programs:
        return _programs[key]
    found = _compile(traced.lower())
    if not _LEFT_OUT.search(key[0]):
        if len(_programs) >= _MOST:
            _programs.clear()
        _programs[key] = found
    return found


def _compile(lowered: Any) -> Function:
    for options in _OPTIONS:
        with suppress(jax.errors.JaxRuntimeError):  # it has no such option
            found: Function = lowered.compile(options)
            return found
    last: Function = lowered.compile()
    return last
