"""Choosing which images keep their labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from course.data.dataset import ImageDataset
from course.errors import CourseError


def generator_from_key(key: Any) -> np.random.Generator:
    """A NumPy generator seeded by a JAX PRNG key (raw uint32 or typed).

    Splits are drawn by NumPy because its streams do not depend on the JAX version or its flags.
    """
    import jax

    raw = jax.random.key_data(key) if jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    return np.random.default_rng(np.asarray(raw, np.uint32).tolist())


def stratified_split(key: Any, dataset: ImageDataset, n_per_class: int) -> tuple[ImageDataset, ImageDataset]:
    """Draw ``n_per_class`` images of every class without replacement.

    Args:
        key: a JAX PRNG key; the same key gives the same split.
        dataset: the images to split.
        n_per_class: images to draw of each class, at least 1.

    Returns:
        ``(drawn, rest)``, disjoint, each in the data set's own order.

    Raises:
        CourseError: a class has fewer images than asked for, or ``n_per_class`` is below 1.
    """
    if n_per_class < 1:
        raise CourseError(f"{n_per_class} images per class asked for: ask for at least 1")
    rng = generator_from_key(key)
    drawn = []
    for label, name in enumerate(dataset.classes):
        members = np.flatnonzero(dataset.targets == label)
        if len(members) < n_per_class:
            raise CourseError(
                f"{dataset.name} has {len(members)} images of class {label} ({name}), "
                f"{n_per_class} per class were asked for: ask for at most {len(members)}"
            )
        drawn.append(rng.permutation(members)[:n_per_class])
    chosen = np.zeros(len(dataset), bool)
    chosen[np.concatenate(drawn)] = True
    return dataset.subset(np.flatnonzero(chosen)), dataset.subset(np.flatnonzero(~chosen))


def subset_by_indices(dataset: ImageDataset, indices: np.ndarray) -> tuple[ImageDataset, ImageDataset]:
    """Split off the images whose original numbers are ``indices`` (a checkpoint's manifest names them).

    Returns:
        ``(named, rest)``, disjoint, each in the data set's own order.

    Raises:
        CourseError: the data set lacks some of the named images.
    """
    chosen = np.isin(dataset.indices, indices)
    if int(chosen.sum()) != len(np.unique(indices)):
        raise CourseError(
            f"{dataset.name} lacks {len(np.unique(indices)) - int(chosen.sum())} of the images that the "
            "checkpoint was trained on: use the data set named in its manifest"
        )
    return dataset.subset(np.flatnonzero(chosen)), dataset.subset(np.flatnonzero(~chosen))
