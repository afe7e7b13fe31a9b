"""PyTorch models and optimizers as named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.errors import CourseError
from course.training.checkpoint import Checkpoint

Arrays = dict[str, np.ndarray]


def architecture(name: str) -> str:
    """What a manifest calls a PyTorch model of that name; JAX's are named bare."""
    return f"torch {name}"


def to_arrays(tensors: Mapping[str, Tensor], prefix: str) -> Arrays:
    """Tensors by name as ``{"prefix/name": array}``."""
    return {f"{prefix}/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """The arrays called ``prefix/name``, by name."""
    return {n.partition("/")[2]: a for n, a in arrays.items() if n.partition("/")[0] == prefix}


def variables_of(model: nn.Module) -> tuple[dict[str, Any], Arrays]:
    """A model's variables as `save_checkpoint` takes them, and what else it stores: BatchNorm's counters."""
    parameters = {name for name, _ in model.named_parameters()}
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    real = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    variables = {
        "params": {name: array for name, array in real.items() if name in parameters},
        "batch_stats": {name: array for name, array in real.items() if name not in parameters},
    }
    return variables, {f"counts/{name}": array for name, array in arrays.items() if name not in real}


def load_arrays(model: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Put stored arrays into a model.

    Raises:
        CourseError: one is missing, surplus, or of another shape.
    """
    expected = model.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    stored = {name: tuple(array.shape) for name, array in arrays.items()}
    if shapes != stored:
        first = sorted(name for name in shapes | stored if shapes.get(name) != stored.get(name))[0]
        raise CourseError(
            f"the checkpoint has a different architecture (it differs at {first}): "
            "use one of the same model with the same number of classes"
        )
    model.load_state_dict({name: torch.as_tensor(array, device="cpu") for name, array in arrays.items()})


def load_variables(model: nn.Module, stored: Checkpoint) -> None:
    """Put a checkpoint's weights and BatchNorm statistics into a model.

    Raises:
        CourseError: it is of another architecture or number of classes.
    """
    variables = stored.variables
    counts = with_prefix(stored.extra, "counts")
    load_arrays(model, {**variables["params"], **variables["batch_stats"], **counts})


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> Arrays:
    """An optimizer's state as ``{"optimizer/parameter's number/name": array}``."""
    return {
        f"optimizer/{number}/{name}": tensor.detach().cpu().numpy()
        for number, values in optimizer.state_dict()["state"].items()
        for name, tensor in values.items()
        if torch.is_tensor(tensor)
    }


def load_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """The inverse of `optimizer_arrays`; settings such as the rate stay the optimizer's own."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, array in with_prefix(arrays, "optimizer").items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = torch.as_tensor(array, device="cpu")
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
