"""JAX's trees as named arrays and back: weights to start from, and the state of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from course.errors import CourseError
from course.models.resnet import from_torchvision
from course.training.checkpoint import RESNET18, Checkpoint


def checkpoint_from_torchvision(
    state_dict: Mapping[str, Any], num_classes: int, key: jax.Array
) -> Checkpoint:
    """Torchvision's ResNet18 weights with a new last layer, as something that a run can start from.

    Args:
        state_dict: of ``torchvision.models.resnet18``, trained or not.
        num_classes: width of the new last layer.
        key: draws the new last layer.

    Raises:
        CourseError: the state dict is not a ResNet18's.
    """
    model, variables = from_torchvision(state_dict, num_classes, key)
    manifest = {"architecture": RESNET18, "normalization": model.normalization}
    return Checkpoint(variables, manifest, extra={})


def _named_leaves(tree: Any, prefix: str) -> dict[str, Any]:
    return {
        "/".join(
            [prefix, *(str(getattr(k, "key", getattr(k, "name", getattr(k, "idx", k)))) for k in path)]
        ): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def flatten(tree: Any, prefix: str) -> dict[str, np.ndarray]:
    """A pytree as ``{"prefix/path/to/leaf": array}``."""
    return {name: np.asarray(leaf) for name, leaf in _named_leaves(tree, prefix).items()}


def unflatten_like(template: Any, arrays: Mapping[str, np.ndarray], prefix: str) -> Any:
    """Put stored arrays into the structure of ``template``, in its dtypes.

    Args:
        template: a pytree of anything with a shape and a dtype (arrays, or ``jax.eval_shape``'s result).
        arrays: as `flatten` made them.
        prefix: which of them to take.

    Raises:
        CourseError: a leaf is missing, surplus, or of another shape.
    """
    expected = _named_leaves(template, prefix)
    stored = {name for name in arrays if name.split("/", 1)[0] == prefix}
    wrong = [n for n, leaf in expected.items() if n not in stored or arrays[n].shape != leaf.shape]
    if wrong or stored - set(expected):
        first = (wrong or sorted(stored - set(expected)))[0]
        raise CourseError(
            f"the checkpoint has a different architecture (it differs at {first}): "
            "use one of the same network with the same number of classes"
        )
    leaves = [arrays[name].astype(leaf.dtype) for name, leaf in expected.items()]
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(template), leaves)
