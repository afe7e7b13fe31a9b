"""What checks of PyTorch functions share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


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
