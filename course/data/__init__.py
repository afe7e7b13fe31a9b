"""Data sets, splits and loaders."""

from __future__ import annotations

from pathlib import Path

from course.data.cifar10 import load_cifar10
from course.data.dataset import ImageDataset, Splits
from course.data.digits import load_digits
from course.data.npz import load_npz
from course.data.shapes import make_shapes
from course.data.split import stratified_split
from course.errors import CourseError

__all__ = ["ImageDataset", "Splits", "load_dataset", "make_shapes", "stratified_split"]


def load_dataset(name: str | Path, *, root: Path | None = None, seed: int = 0) -> Splits:
    """Load a data set by name.

    Args:
        name: ``"shapes"`` (procedural, offline), ``"digits"`` (inside scikit-learn), ``"cifar10"``
            (downloaded once) or the path of an ``.npz`` file with ``x_train, y_train, x_test, y_test``.
        root: folder for what is downloaded; default ``$SSL_COURSE_DATA`` or ``~/.cache/ssl-course``.
        seed: seed of ``shapes``; the others do not depend on it.

    Returns:
        ``Splits(train, test)``, each an ``ImageDataset`` of (N, 32, 32, 3) uint8 images.

    Raises:
        CourseError: the name is unknown, or the data cannot be had. There is no falling back to
            another data set.
    """
    if str(name) == "shapes":
        return make_shapes(seed=seed)
    if str(name) == "digits":
        return load_digits()
    if str(name) == "cifar10":
        return load_cifar10(root)
    if Path(name).suffix.lower() == ".npz":
        return load_npz(name)
    raise CourseError(f'unknown data set "{name}": give shapes, digits, cifar10 or the path of an .npz file')
