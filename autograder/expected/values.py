"""What the reference gives for the cases of a check.

It is driven in double precision and the results are rounded. So the bytes do not depend on the order in which
a machine adds float32 numbers up, while students' float32 results lie well within the cases' tolerances.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from autograder.expected.recordings import finished, recording
from autograder.units import reference_of
from course.checks.case import Case, Check, drive
from course.checks.compare import find_difference
from course.checks.earlier import Mock, stand_ins
from course.checks.expectations import Expectation
from course.checks.plain import Plain

DIGITS = 9
FLOAT32_DIGITS = 6


def reference_values(unit: str, check: Check) -> Expectation:
    """What the reference gives for each case of a check, without slips.

    Raises:
        ValueError: the reference fails on a case or contradicts a published value.
    """
    reference = reference_of(unit, check.name)
    # A framework that neither of them has imported is none that they compute with.
    precision = double_precision() if {"jax", "torch"} & sys.modules.keys() else nullcontext()
    with precision, recording(reference, check) as calls:
        cases = {case.name: _expected(check, case, reference) for case in check.cases}
        mocks = {name: use.function for name, use in check.uses.items() if isinstance(use, Mock)}
        with stand_ins(reference, mocks):
            mocked = {case.name: _expected(check, case, reference) for case in check.cases if mocks}
    rounded: Any = {name: [round_floats(call) for call in made] for name, made in calls.items()}
    return Expectation(cases, {}, finished(check, rounded), mocked)


def enable_x64(new_val: bool = True) -> AbstractContextManager[None]:
    """JAX's own, which its newest versions have in another place than the pinned one."""
    import jax
    import jax.experimental

    enable = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    found: AbstractContextManager[None] = enable(new_val)
    return found


@contextmanager
def double_precision() -> Iterator[None]:
    """Both frameworks make float64 numbers, and JAX compiles nothing.

    Compiling a hundred mutants would take most of a minute; what they compute does not depend on it.
    """
    import jax  # a second, which commands that compute no values should not wait

    torch = sys.modules.get("torch")  # where no check has imported it, none needs it
    before = torch.get_default_dtype() if torch is not None else None
    with enable_x64(), jax.disable_jit():
        try:
            if torch is not None:
                torch.set_default_dtype(torch.float64)
            yield
        finally:
            if torch is not None:
                torch.set_default_dtype(before)


def _expected(check: Check, case: Case, reference: Callable[..., Any]) -> Plain:
    """What the reference returns, or the published value when the reference agrees with it."""
    outcome = drive(case, reference, case.inputs())
    if outcome.failure is not None:
        raise ValueError(f"{check.name}, case {case.name!r}: the reference raises {outcome.failure}")
    if case.stated is None:
        return round_floats(outcome.returned)
    difference = find_difference(case.stated, outcome.returned, case.tolerance)
    if difference is not None:
        raise ValueError(f"{check.name}, case {case.name!r}: the reference contradicts it: {difference}")
    return case.stated


def round_floats(value: Plain) -> Plain:
    """The same data with every float rounded to the digits that no machine disputes."""
    if isinstance(value, dict):
        return {key: round_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [round_floats(item) for item in value]
    if isinstance(value, float):
        return _round(value, DIGITS)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        # The mean of a mask stays float32 even here.
        digits = DIGITS if value.dtype == np.float64 else FLOAT32_DIGITS
        rounded = [_round(float(number), digits) for number in value.reshape(-1)]
        return np.array(rounded, dtype=np.float64).reshape(value.shape)
    return value


def _round(number: float, digits: int) -> float:
    # Sums that cancel leave a remainder which depends on their order; to the checks' tolerances it is 0.
    return 0.0 if abs(number) < 1e-12 else float(f"{number:.{digits}g}")
