"""Training metrics as the practical keeps them."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np


class Metrics:
    """The history of each named quantity."""

    def __init__(self) -> None:
        self.dict_: dict[str, list[float]] = {}

    def merge(self, dict_other: Mapping[str, Any]) -> None:
        """Append one value per name."""
        for name, value in dict_other.items():
            self.dict_.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self.dict_[name])

    def __contains__(self, name: str) -> bool:
        return name in self.dict_

    def keys(self) -> KeysView[str]:
        """The names."""
        return self.dict_.keys()

    def values(self) -> ValuesView[list[float]]:
        """The histories."""
        return self.dict_.values()

    def items(self) -> ItemsView[str, list[float]]:
        """Names with their histories."""
        return self.dict_.items()


def convert_to_numpy(jnp_dict: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The same dictionary with NumPy values; waits for the device to finish them."""
    return {name: np.asarray(value) for name, value in jnp_dict.items()}


def jnp_to_np_u8(jnp_img: Any) -> np.ndarray:
    """An image in [0, 1] as uint8 in 0 … 255, rounded to nearest."""
    return np.clip(np.rint(np.asarray(jnp_img) * 255.0), 0, 255).astype(np.uint8)
