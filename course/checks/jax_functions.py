"""What checks of JAX functions share, and the whole check of a pure function of arrays in one call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.case import Call, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.functions import (
    FLOAT32,
    KEPT,
    KEPT_LOOK,
    LOOK,
    MISCONCEPTION,
    Draw,
    Drive,
    Function,
    after,
    drawn_case,
    drawn_cases,
)
from course.checks.plain import Plain
from course.checks.programs import compiled
from course.checks.purity import trace


def eager(drive: Drive) -> Drive:
    """The same drive with ``jax.jit`` switched off.

    Every check builds the student's function again, and compiling it for each case would take half a second
    each time. One case of each check runs compiled, as training does.
    """

    @wraps(drive)
    def drive_eagerly(call: Call, function: Function, inputs: Inputs) -> Any:
        with jax.disable_jit():
            return drive(call, function, inputs)

    return drive_eagerly


def arrays(tree: Any) -> Any:
    """The drawn arrays and numbers of a nested structure as jax arrays of jax's default precision."""
    # JAX would compile a conversion for a number that is no array of numpy.
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), tree)


def check_of_function(
    name: str,
    draws: Mapping[str, tuple[str, Draw]],
    *,
    misconception: str = MISCONCEPTION,
    look: str = LOOK,
    stated: Mapping[str, Plain] | None = None,
    tolerance: Tolerance = FLOAT32,
) -> Check:
    """The check of a pure function of arrays, which is called by position with what is drawn.

    Every draw is one case. The first one's inputs are then tried under ``jax.jit``, with the arrays traced,
    and once more behind a call with the last one's, for functions that remember something; that case also
    rejects a function which keeps traced values (``purity.LeakedTracer``).

    Args:
        name: the exercise's function.
        draws: name of a case → (what is tried, its draw). A drawn array becomes a jax array; anything else
            is handed over as it is.
        misconception: the likely reason when no slip is recognized, in one sentence.
        look: where to look then.
        stated: name of a case → a value that is published with the exercise.
        tolerance: of every case.
    """
    cases = drawn_cases(
        draws, _call, misconception=misconception, look=look, stated=stated, tolerance=tolerance
    )
    first, last = cases[0], cases[-1]

    def call_twice(call: Call, function: Function, inputs: Inputs) -> Any:
        arguments = list(_arguments(inputs).values())
        half = len(arguments) // 2
        call(function, *arguments[:half])
        returned = call(function, *arguments[half:])
        _trace(call, function, arguments[half:])
        return returned

    under_jit = drawn_case(
        "compiled",
        f"{first.tries}, under jit",
        first.draw,
        _call_compiled,
        "Inside jit the arrays are traced; your expression treats them differently.",
        "Look for NumPy, int(), float(), if, and loops over values.",
        len(cases),
        tolerance,
    )
    again = drawn_case(
        "called again",
        f"{first.tries}, after a call with other values",
        after(first.draw, last.draw),
        eager(call_twice),
        KEPT,
        KEPT_LOOK,
        len(cases) + 1,
        tolerance,
    )
    return Check(name, (*cases, under_jit, again))


def _arguments(inputs: Inputs) -> dict[str, Any]:
    return {
        key: jnp.asarray(value) if isinstance(value, np.ndarray) else value for key, value in inputs.items()
    }


@eager
def _call(call: Call, function: Function, inputs: Inputs) -> Any:
    return call(function, *_arguments(inputs).values())


def _trace(call: Call, function: Function, arguments: list[Any]) -> None:
    """Trace a call in which the arrays alone are traced."""
    traced = {i: value for i, value in enumerate(arguments) if isinstance(value, jax.Array)}

    def with_traced(traced: dict[int, Any]) -> Any:
        return function(*(traced.get(i, value) for i, value in enumerate(arguments)))

    trace(call, with_traced, traced)


def _call_compiled(call: Call, function: Function, inputs: Inputs) -> Any:
    arguments = _arguments(inputs)
    traced = {key: value for key, value in arguments.items() if isinstance(value, jax.Array)}
    return compiled(lambda traced: call(function, *(arguments | traced).values()))(traced)
