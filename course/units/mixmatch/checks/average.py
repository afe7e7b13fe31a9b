"""Check of ``ema_update``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.checks.case import Call, Case, Check, Inputs
from course.checks.functions import FLOAT32, Function, uniform
from course.checks.images import CLASSES, PIXELS
from course.checks.torch_functions import tensors
from course.checks.torch_mocks import IMAGE
from course.units.mixmatch.checks.common import NET, Rng, draw_net, net_of

_AVERAGE, _MODEL = "average ", "model "


def two_nets(
    step: int, decay: float, *, norm: bool = True, classes: int = CLASSES
) -> Callable[[Rng], Inputs]:
    """A draw of an averaged and a trained network, and of what the trained one does between updates."""

    def draw(rng: Rng) -> Inputs:
        nets = {
            f"{prefix}{name}": value
            for prefix in (_AVERAGE, _MODEL)
            for name, value in draw_net(rng, classes, norm=norm).items()
        }
        nets[f"{_AVERAGE}kernel"] = uniform(rng, (PIXELS, classes))
        images = uniform(rng, (5, *IMAGE))
        change = uniform(rng, (PIXELS, classes), -0.5, 0.5)
        return {"step": step, "decay": decay, **nets, "images": images, "change": change}

    return draw


def _by_hand(rng: Rng) -> Inputs:
    """A network of one weight: 1 on average, and now 2. Of an average at step 0 a tenth is kept."""
    nets: dict[str, Any] = {}
    for prefix, weight in ((_AVERAGE, 1.0), (_MODEL, 2.0)):
        values = (np.full((1, 1), weight), np.full(1, 10 * weight), False)
        nets |= {f"{prefix}{name}": value for name, value in zip(NET, values, strict=True)}
    return {"step": 0, "decay": 0.999, **nets, "images": np.ones((2, 1, 1, 1)), "change": np.ones((1, 1))}


def _values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _nets(inputs: Inputs) -> tuple[nn.Module, nn.Module]:
    """The averaged network, and the trained one, whose BatchNorm has counted a batch."""
    average, model = net_of(inputs, _AVERAGE).requires_grad_(False), net_of(inputs, _MODEL)
    with torch.no_grad():
        model(tensors(inputs["images"]))
    return average, model


def _tracked(average: nn.Module) -> bool:
    """Whether autograd follows an averaged value: by a recorded update, or because it was told to."""
    return any(tensor.requires_grad for tensor in average.state_dict(keep_vars=True).values())


def _change(call: Call, function: Function, average: nn.Module, model: nn.Module, *rest: Any) -> Any:
    """How an update changes each entry of the trained model's state: not at all."""
    before = _values(model)
    call(function, average, model, *rest)
    return {name: after - before[name] for name, after in _values(model).items()}


def _update(call: Call, function: Function, inputs: Inputs) -> Any:
    average, model = _nets(inputs)
    change = _change(call, function, average, model, inputs["step"], inputs["decay"])
    return {"change": change, "average": _values(average), "gradient": _tracked(average)}


def _two_updates(call: Call, function: Function, inputs: Inputs) -> Any:
    """An early and a late update, and a step of the model after each."""
    average, model = _nets(inputs)
    changes = []
    for step in (inputs["step"], 1000 * inputs["step"]):
        changes.append(_change(call, function, average, model, step, inputs["decay"]))
        with torch.no_grad():
            model.dense.weight.add_(tensors(inputs["change"].T))
            model(tensors(inputs["images"]))
    return {
        "change": changes[0],
        "second change": changes[1],
        "average": _values(average),
        "gradient": _tracked(average),
    }


_NAMES = {
    f'returned["{key}"]["{name}"]': f"{whose}: {what}"
    for key, whose in (
        ("change", "what an update changes in the trained model"),
        ("second change", "what the second update changes in the trained model"),
        ("average", "the averaged model"),
    )
    for name, what in {
        "dense.weight": "the kernel",
        "dense.bias": "the bias",
        "norm.weight": "BatchNorm's scale",
        "norm.bias": "BatchNorm's shift",
        "norm.running_mean": "BatchNorm's running mean",
        "norm.running_var": "BatchNorm's running variance",
        "norm.num_batches_tracked": "how many batches BatchNorm has counted",
    }.items()
} | {'returned["gradient"]': "whether the averaged model's weights need a gradient"}
_MISCONCEPTION = "The averaged model is not what the docstring describes after this call."
_LOOK = "Compute `keep` for this step first; then what becomes of a single weight, and of a running mean."


def _case(
    name: str, tries: str, draw: Callable[[Rng], Inputs], seed: int, drive: Any = _update, look: str = _LOOK
) -> Case:
    shown = ("step", "decay", "model kernel", "average kernel") if name == "by hand" else ("step", "decay")
    return Case(name, tries, draw, drive, FLOAT32, _MISCONCEPTION, look, seed, names=_NAMES, shown=shown)


EMA_UPDATE = Check(
    name="ema_update",
    cases=(
        _case("by hand", "a network of one weight at step 0, where keep is a tenth", _by_hand, 0),
        _case("warm-up", "step 11, where keep is 12/21", two_nets(11, 0.999), 1),
        _case("late", "a step at which the decay is the smaller one", two_nets(20_000, 0.98), 2),
        _case("another decay", "step 50 with a decay of 0.7", two_nets(50, 0.7), 3),
        _case("without BatchNorm", "a network that has no buffers", two_nets(3, 0.999, norm=False), 4),
        _case(
            "two updates",
            "an early and a late update, each followed by more training of the model",
            two_nets(5, 0.9),
            5,
            _two_updates,
            "Copy numbers, not tensors: the averaged model needs tensors of its own.",
        ),
    ),
)

CHECKS = (EMA_UPDATE,)
