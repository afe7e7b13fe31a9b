"""Finds what looks right and does not fit where it goes next: another type, with the right values.

A comparison takes a NumPy array for a tensor and 1.0 for True, since they are equal. The next exercise, or
the training loop, may index with it, count it, or hand it to a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

import torch

from course.checks.call import Call, UnfitType
from course.checks.case import Case, Check, called_by
from course.checks.plain import is_tensor

NAME = "as it is handed on"


class Need(Enum):
    """What the tensor at a place has to hold; the value is how that is said."""

    ANY = "numbers"
    MASK = "truth values (torch.bool)"
    WHOLE = "whole numbers (torch.int64)"
    COUNTS = "whole numbers of an integer type"
    MODEL = "numbers of the model's own precision"


def handed_on(
    check: Check, needs: Mapping[str, Need], *, of: str = "", parts: Callable[[Any], Any] = lambda it: it
) -> Check:
    """A check of which one case is tried once more, for the type of what is handed on.

    Args:
        check: of a function that returns a tensor, or several of them.
        needs: what each has to be, by its name in a sentence, such as "the mask"; in the order of the parts.
        of: name of that case; the first one if empty.
        parts: what the function returns → the tensor that is handed on, or several in a list or tuple.
    """
    case = next(case for case in check.cases if of in ("", case.name))
    return replace(check, cases=(*check.cases, _typed(case, needs, parts)))


def _typed(case: Case, needs: Mapping[str, Need], parts: Callable[[Any], Any]) -> Case:
    def call_and_look(call: Call, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        returned = call(function, *args, **kwargs)
        require(parts(returned), needs)
        return returned

    return replace(
        called_by(case, call_and_look),
        name=NAME,
        tries=f"{case.tries}, and whether the next step can take the type of the result",
        stated=None,
        last=True,
    )


def require(returned: Any, needs: Mapping[str, Need]) -> None:
    """Raise UnfitType for a value that is no tensor, or one of another dtype than is needed."""
    values = returned if isinstance(returned, list | tuple) else [returned]
    for value, (name, need) in zip(values, needs.items(), strict=False):
        if not is_tensor(value):
            # No name: it is one misconception, whichever of two values shows it.
            raise UnfitType("what your function returns, or a part of it, is not a PyTorch tensor")
        if not _fits(value.dtype, need):
            raise UnfitType(f"{name}: {_held(value.dtype, need)}, but {need.value} are needed")


def _fits(dtype: torch.dtype, need: Need) -> bool:
    if need is Need.MODEL:
        return dtype == torch.get_default_dtype()
    if need is Need.COUNTS:  # of any width: what is counted fits into it
        return not dtype.is_floating_point and dtype != torch.bool
    return need is Need.ANY or dtype == {Need.MASK: torch.bool, Need.WHOLE: torch.int64}[need]


def _held(dtype: torch.dtype, need: Need) -> str:
    if need is Need.MODEL and dtype.is_floating_point:
        return "numbers of another precision"
    return "truth values" if dtype == torch.bool else "a tensor of other numbers"
