"""Finds what a function leaves behind: a mode, a flag, a hook or a setting that was another one before.

What it returns shows nothing of this, and whatever runs next goes on with it: a model that stays in
evaluation mode is trained with the wrong statistics, and weights that need no gradient are not trained at
all. So a call is compared with how everything was before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from course.checks.advice import LEFT_BEHIND
from course.checks.call import Call, LeftBehind
from course.checks.case import Case, Check, called_by

# The kinds, in the order in which they are looked for.
SWITCH, DTYPE, PRECISION, MODE, NEED, SETTING, HOOK, WEIGHTS, GRADIENT = LEFT_BEHIND

# The models among a function's arguments, in their order, and the kinds that it is to change of each.
Models = Mapping[str, frozenset[str]]

NO_MODEL: Models = {}
ONE_MODEL: Models = {"model": frozenset()}

_PLAIN = (bool, int, float, str, type(None))
_HOOKS_OF_A_MODULE = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_HOOKS_OF_A_TENSOR = ("_backward_hooks", "_post_accumulate_grad_hooks")


@dataclass(frozen=True)
class _Trait:
    """How something is that has to stay as it is.

    Attributes:
        value: compared.
        said: what is said if it was another one before.
    """

    value: Any
    said: str


Traits = dict[tuple[str, str], _Trait]  # by kind and place


def nothing_left_behind(check: Check, models: Models) -> Check:
    """The same check, in which each call also has to leave its models and PyTorch's switches as they were.

    Args:
        check: of a function of PyTorch.
        models: those that the function is given.
    """
    return replace(check, cases=tuple(_watched(case, models) for case in check.cases))


@contextmanager
def switches_put_back() -> Iterator[None]:
    """Run a block, and put PyTorch's own switches back: whatever runs next in this process needs them."""
    gradients, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)


def _watched(case: Case, models: Models) -> Case:
    def call_and_compare(call: Call, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        given = [one for one in (*args, *kwargs.values()) if isinstance(one, nn.Module)]
        before, switches = [_traits(one) for one in given], _switches()
        with switches_put_back():
            returned = call(function, *args, **kwargs)
            _require_same(switches, _switches())
        for (name, meant), model, was in zip(models.items(), given, before, strict=True):
            now = {key: trait for key, trait in _traits(model).items() if key[0] not in meant}
            _require_same(was, now, f"`{name}` ")
        return returned

    return called_by(case, call_and_compare)


def _require_same(before: Traits, after: Traits, whose: str = "") -> None:
    """Raise LeftBehind for the first kind of which something has changed."""
    changed = [
        (kind, trait.said)
        for (kind, place), trait in after.items()
        if not _same(before.get((kind, place), trait).value, trait.value)
    ]
    for kind in LEFT_BEHIND:
        for found, said in changed:
            if found == kind:
                raise LeftBehind(f"{kind}: after the call {whose}{said}")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other.to(one.dtype)))
    return type(one) is type(other) and bool(one == other)


def _switches() -> Traits:
    """PyTorch's own: whether operations are recorded for a gradient, and the dtype of new numbers."""
    recorded = torch.is_grad_enabled()
    return {
        (SWITCH, ""): _Trait(recorded, f"gradients are {'on' if recorded else 'off'}"),
        (DTYPE, ""): _Trait(torch.get_default_dtype(), "new tensors have another dtype"),
    }


def _traits(model: nn.Module) -> Traits:
    tensors = (*model.named_parameters(), *model.named_buffers())
    found = [_of_tensor(name, tensor) for name, tensor in tensors]
    found += [_of_module(name, module) for name, module in model.named_modules()]
    return {key: trait for traits in found for key, trait in traits}


def _of_tensor(name: str, tensor: Tensor) -> Iterator[tuple[tuple[str, str], _Trait]]:
    needed = "needs a gradient" if tensor.requires_grad else "needs no gradient"
    yield (NEED, name), _Trait(tensor.requires_grad, f"{needed} at {name}")
    yield (PRECISION, name), _Trait(tensor.dtype, f"holds numbers of another dtype at {name}")
    hooks = sum(len(getattr(tensor, kind, None) or ()) for kind in _HOOKS_OF_A_TENSOR)
    yield (HOOK, name), _Trait(hooks, f"has another number of hooks at {name}")
    if isinstance(tensor, nn.Parameter):  # a buffer is a statistic, which a pass is to change
        gradient = tensor.grad.clone() if tensor.is_leaf and tensor.grad is not None else None
        yield (WEIGHTS, name), _Trait(tensor.detach().clone(), f"holds other numbers at {name}")
        yield (GRADIENT, name), _Trait(gradient, f"holds another .grad at {name}")


def _of_module(name: str, module: nn.Module) -> Iterator[tuple[tuple[str, str], _Trait]]:
    at = f" at {name}" if name else ""
    mode = "training" if module.training else "evaluation"
    yield (MODE, name), _Trait(module.training, f"is in {mode} mode{at}")
    hooks = sum(len(getattr(module, kind)) for kind in _HOOKS_OF_A_MODULE)
    yield (HOOK, f"module {name}"), _Trait(hooks, f"has another number of hooks{at}")
    for key, value in vars(module).items():
        if isinstance(value, _PLAIN) and key != "training" and not key.startswith("_"):
            yield (SETTING, f"{name}.{key}"), _Trait(value, f"has another {key}{at}")
