"""The hidden counterparts of the cases that PyTorch's checks have beside their own."""

from __future__ import annotations

from collections.abc import Mapping

from autograder.units.hidden import Hidden, once_more
from course.checks import torch_device, torch_kinds


def also_on_a_gpu(hidden: Mapping[str, Hidden]) -> dict[str, Hidden]:
    """The counterparts of a check's cases, and that of ``course.checks.torch_device.also_on_a_gpu``."""
    return once_more(hidden, torch_device.NAME, "as if everything were on a GPU")


def handed_on(hidden: Mapping[str, Hidden], of: str = "") -> dict[str, Hidden]:
    """The counterparts of a check's cases, and that of ``course.checks.torch_kinds.handed_on``.

    Args:
        hidden: the counterparts of the check's own cases.
        of: name of the case that is tried once more; the first one if empty.
    """
    return once_more(hidden, torch_kinds.NAME, "and the type of the result", of)
