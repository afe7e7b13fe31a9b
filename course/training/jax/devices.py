"""A step on all of a machine's devices: each works on a part of every mini-batch.

The step itself stays what it is. It is one program over whole arrays, and where its inputs lie decides where
XLA computes: means, BatchNorm's among them, are over the whole mini-batch on any number of devices.
See https://docs.jax.dev/en/latest/notebooks/Distributed_arrays_and_automatic_parallelization.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from course.errors import CourseError

IMAGES = "images"


def require_devices() -> None:
    """Find out before a run whether JAX can use the device that it is asked for by name.

    Raises:
        CourseError: ``JAX_PLATFORMS`` names one that this installation or this machine does not have.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError):  # the latter, where the package for the device is not installed
        asked = jax.config.values["jax_platforms"]
        raise CourseError(
            f"JAX_PLATFORMS is {asked}, which JAX cannot use here: install JAX for it, such as jax[cuda12] "
            "at the version of jax, or set JAX_PLATFORMS=cpu"
        ) from None


def fitting(n_devices: int, batch_size: int) -> int:
    """The largest number of devices among which mini-batches divide evenly.

    Args:
        n_devices: how many there are, at least 1.
        batch_size: B; the unlabeled mini-batches hold a multiple of it.
    """
    return max(n for n in range(1, n_devices + 1) if batch_size % n == 0)


class Spread:
    """Where a step's arrays lie: mini-batches in equal parts, everything else on each device.

    Attributes:
        devices: as many of those given as `fitting` allows.
    """

    def __init__(self, devices: Sequence[jax.Device], batch_size: int) -> None:
        self.devices = list(devices[: fitting(len(devices), batch_size)])
        mesh = Mesh(np.array(self.devices), (IMAGES,))
        self._parts = NamedSharding(mesh, PartitionSpec(IMAGES))
        self._whole = NamedSharding(mesh, PartitionSpec())

    def batch(self, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """Cut each array, whose first axis is images, into as many parts as there are devices."""
        return arrays if len(self.devices) == 1 else jax.device_put(dict(arrays), self._parts)

    def state(self, tree: Any) -> Any:
        """Put a tree of arrays on every device; what is there already stays where it is."""
        return tree if len(self.devices) == 1 else jax.device_put(tree, self._whole)
