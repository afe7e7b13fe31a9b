"""The hidden counterpart of the case that ``course.checks.torch_device`` adds to a check."""

from __future__ import annotations

from collections.abc import Mapping

from autograder.units.hidden import Hidden
from course.checks.torch_device import NAME


def also_on_a_gpu(hidden: Mapping[str, Hidden]) -> dict[str, Hidden]:
    """The counterparts of a check's cases, and one more for the first of them on a GPU."""
    first = next(iter(hidden.values()))
    return {**hidden, NAME: Hidden(f"{first.tries}, as if everything were on a GPU", first.draw)}
