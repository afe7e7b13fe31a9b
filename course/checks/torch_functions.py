"""What checks of PyTorch functions share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.checks.plain import Plain, to_plain, type_name
from course.checks.playback import NotRecorded, RecordedCalls, Refuse


def tensors(tree: Any) -> Any:
    """The drawn numpy arrays of a nested structure as tensors, all else as it is.

    Floating-point numbers get PyTorch's default dtype (float64 where expected values are generated), integers
    int64, and truth values bool.
    """
    if isinstance(tree, dict):
        return {key: tensors(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(tensors(value) for value in tree)
    if not isinstance(tree, np.ndarray):
        return tree
    if tree.dtype.kind == "f":
        return torch.tensor(tree, dtype=torch.get_default_dtype())
    return torch.tensor(tree, dtype=torch.bool if tree.dtype.kind == "b" else torch.int64)


def recorded(*parameters: str, by_row: tuple[str, ...] = (), any_precision: bool = False) -> RecordedCalls:
    """The reference's recorded calls of a PyTorch function.

    Args:
        parameters, by_row: as in ``RecordedCalls``.
        any_precision: whether floats of another type than the default are answered too: no network meets
            them, so a real function would do with them.
    """
    return RecordedCalls(parameters, partial(_read, any_precision=any_precision), _finish, by_row)


def _read(argument: Any, *, any_precision: bool) -> Plain:
    """A tensor or a number; of a network, its parameters and which of its parts are in training mode.

    Raises:
        NotRecorded: for everything else, such as a list, and for floats of another type than the default
            where these matter: a real function may not do with them, so nothing is answered either.
    """
    if isinstance(argument, nn.Module):
        modes = [float(module.training) for module in argument.modules()]
        return np.concatenate(
            [modes, *(p.detach().double().cpu().numpy().ravel() for p in argument.parameters())]
        )
    if isinstance(argument, Tensor):
        usual = not argument.is_floating_point() or argument.dtype == torch.get_default_dtype()
        if usual or any_precision:
            return to_plain(argument)
    elif isinstance(argument, bool | int | float):
        return argument
    raise NotRecorded(f"the reference is never called with {type_name(argument)} of this kind")


def _finish(returned: Any, arguments: Sequence[Any], refuse: Refuse) -> Any:
    """Recorded numbers as tensors, which require a gradient if an argument does."""
    if isinstance(returned, tuple):
        return tuple(_finish(one, arguments, refuse) for one in returned)
    result = tensors(returned)
    given = [one for one in arguments if isinstance(one, Tensor)]
    if with_axes := [one.detach().flatten()[:0] for one in given if one.dim()]:
        torch.cat(with_axes)  # a real function computes with them together, which takes one device
    if isinstance(result, Tensor) and given:
        result = result.to(given[0].device)
    if not (isinstance(result, Tensor) and result.is_floating_point()):
        return result
    return _WithoutDerivative.apply(refuse, result, *given)


class _WithoutDerivative(torch.autograd.Function):
    """Numbers whose derivatives nobody has recorded: whoever asks for them computed something else."""

    @staticmethod
    def forward(ctx: Any, refuse: Refuse, result: Tensor, *arguments: Tensor) -> Tensor:
        ctx.refuse = refuse
        return result.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise ctx.refuse("the reference lets no gradient through here")
