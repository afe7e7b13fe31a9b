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
from course.checks.left_behind import MODE, WEIGHTS, nothing_left_behind
from course.checks.torch_functions import tensors
from course.checks.torch_mocks import IMAGE, LinearNet
from course.units.mixmatch.checks.common import NET, Rng, draw_net, net_of

_AVERAGE, _MODEL = "average ", "model "


# How many batches either network has counted before the call.
_PASSES = {_AVERAGE: 2, _MODEL: 6}


def two_nets(
    step: int, decay: float, *, norm: bool = True, classes: int = CLASSES
) -> Callable[[Rng], Inputs]:
    """A draw of an averaged and a trained network, and of what the trained one does between updates.

    They differ in everything that they have: kernel, bias, and BatchNorm's scale, shift and statistics.
    """

    def draw(rng: Rng) -> Inputs:
        nets: dict[str, Any] = {}
        for prefix in (_AVERAGE, _MODEL):
            nets |= {f"{prefix}{name}": value for name, value in draw_net(rng, classes, norm=norm).items()}
            nets[f"{prefix}scale"] = uniform(rng, (classes,), 0.5, 2.0)
            nets[f"{prefix}shift"] = uniform(rng, (classes,))
            nets[f"{prefix}images"] = uniform(rng, (5, *IMAGE), -2.0, 2.0)
        nets[f"{_AVERAGE}kernel"] = uniform(rng, (PIXELS, classes))
        change = uniform(rng, (PIXELS, classes), 0.2, 0.7)
        return {"step": step, "decay": decay, **nets, "change": change}

    return draw


def _by_hand(rng: Rng) -> Inputs:
    """A network of one weight: 1 on average, and now 2. Of an average at step 0 a tenth is kept."""
    nets: dict[str, Any] = {}
    for prefix, weight in ((_AVERAGE, 1.0), (_MODEL, 2.0)):
        values = (np.full((1, 1), weight), np.full(1, 10 * weight), False)
        nets |= {f"{prefix}{name}": value for name, value in zip(NET, values, strict=True)}
        nets[f"{prefix}images"] = np.ones((2, 1, 1, 1))
    return {"step": 0, "decay": 0.999, **nets, "change": np.ones((1, 1))}


def _values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _net(inputs: Inputs, prefix: str) -> LinearNet:
    """A network whose BatchNorm has been trained, and has counted batches."""
    model, images = net_of(inputs, prefix), tensors(inputs[f"{prefix}images"])
    with torch.no_grad():
        if inputs[f"{prefix}norm"]:
            model.norm.weight.copy_(tensors(inputs[f"{prefix}scale"]))
            model.norm.bias.copy_(tensors(inputs[f"{prefix}shift"]))
        for number in range(_PASSES[prefix]):
            model((1 + number) * images)
    return model


def _nets(inputs: Inputs) -> tuple[LinearNet, LinearNet]:
    """The averaged network, and the trained one."""
    average, model = _net(inputs, _AVERAGE), _net(inputs, _MODEL)
    return average.requires_grad_(False), model


def _change(call: Call, function: Function, average: nn.Module, model: nn.Module, *rest: Any) -> Any:
    """How an update changes each entry of the trained model's state: not at all."""
    before = _values(model)
    call(function, average, model, *rest)
    return {name: after - before[name] for name, after in _values(model).items()}


def _update(call: Call, function: Function, inputs: Inputs) -> Any:
    average, model = _nets(inputs)
    change = _change(call, function, average, model, inputs["step"], inputs["decay"])
    return {"change": change, "average": _values(average)}


def _two_updates(call: Call, function: Function, inputs: Inputs) -> Any:
    """An early and a late update, and a step of the model after each."""
    average, model = _nets(inputs)
    changes = []
    for step in (inputs["step"], 1000 * inputs["step"]):
        changes.append(_change(call, function, average, model, step, inputs["decay"]))
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(float(inputs["change"].mean()))
            model.dense.weight.add_(tensors(inputs["change"].T))
            model(tensors(inputs[f"{_MODEL}images"]))
    return {"change": changes[0], "second change": changes[1], "average": _values(average)}


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
}
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

# The averaged model is there to be evaluated, so its mode is nobody's concern. What becomes of the trained
# one's weights the cases compare entry by entry.
_MODELS = {"ema_model": frozenset({WEIGHTS, MODE}), "model": frozenset({WEIGHTS})}

CHECKS = (nothing_left_behind(EMA_UPDATE, _MODELS),)
