"""`PATH.npz`: any data set saved with the four arrays that Keras uses."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from course.data.dataset import ImageDataset, Splits
from course.errors import CourseError

KEYS = ("x_train", "y_train", "x_test", "y_test")
IMAGE_SHAPE = (32, 32, 3)
_EXPECTED = f"save {', '.join(KEYS)} with numpy.savez"


def load_npz(path: str | Path) -> Splits:
    """Read a data set from ``path``.

    The file holds ``x_train`` and ``x_test``, uint8 (N, 32, 32, 3), and ``y_train`` and ``y_test``,
    integer class indices (N,) or (N, 1), from 0 without gaps; both parts have the same classes. Other
    arrays in it are ignored, and pickled objects are never loaded.

    Raises:
        CourseError: the file is missing, damaged or not of that form.
    """
    path = Path(path).expanduser()
    arrays = _read(path)
    train, test = (_part(path, part, arrays) for part in ("train", "test"))
    train_classes, test_classes = np.unique(train[1]), np.unique(test[1])
    n_classes = len(train_classes)
    gaps = np.setdiff1d(np.arange(n_classes), train_classes)
    if len(gaps):
        raise CourseError(
            f"{path}: y_train has labels up to {train_classes[-1]} but none is {gaps[0]}: "
            f"number the classes from 0 to {n_classes - 1}"
        )
    if n_classes < 2:
        raise CourseError(f"{path}: y_train has a single class: at least 2 are needed")
    if not np.array_equal(train_classes, test_classes):
        odd = np.setxor1d(train_classes, test_classes)[0]
        raise CourseError(
            f"{path}: y_train has {n_classes} classes and y_test {len(test_classes)}, "
            f"label {odd} is in one of them only: give both the same classes"
        )
    names = tuple(str(label) for label in range(n_classes))
    return Splits(*(ImageDataset.create(x, y, names, path.stem) for x, y in (train, test)))


def _read(path: Path) -> dict[str, np.ndarray]:
    """The four arrays, unchecked."""
    if not path.is_file():
        raise CourseError(f"{path} does not exist or is not a file: give the path of an .npz file")
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                is_start_of_zip = file.read(4) == b"PK\x03\x04"
            fault = "is truncated: copy it again" if is_start_of_zip else f"is not an .npz file: {_EXPECTED}"
            raise CourseError(f"{path} {fault}")
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in KEYS if key not in file.files]
            if missing:
                raise CourseError(f"{path} lacks {', '.join(missing)}: {_EXPECTED}")
            return {key: _read_array(path, file, key) for key in KEYS}
    except OSError as error:
        raise CourseError(f"cannot read {path} ({error.strerror or error}): make it readable") from error
    except zipfile.BadZipFile as error:
        raise CourseError(f"{path} is damaged ({error}): copy it again") from error


def _read_array(path: Path, file: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    try:
        array = file[key]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CourseError(f"{path}: {key} is damaged ({error}): copy the file again") from error
    except (ValueError, NotImplementedError, RuntimeError) as error:
        # ValueError: a pickled object or a malformed header; the others: exotic or encrypted zip members.
        raise CourseError(
            f"{path}: {key} is not a plain array (pickled objects are not loaded): {_EXPECTED}"
        ) from error
    except MemoryError as error:
        raise CourseError(f"{path}: {key} does not fit into memory: save fewer images") from error
    if not isinstance(array, np.ndarray):
        raise CourseError(f"{path}: {key} is not an array: {_EXPECTED}")
    return array


def _part(path: Path, part: str, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """One part's images and its labels as int64 (N,), checked against each other."""
    x_name, y_name = f"x_{part}", f"y_{part}"
    x, y = arrays[x_name], arrays[y_name]
    if x.dtype != np.uint8:
        raise CourseError(f"{path}: {x_name} has dtype {x.dtype}: save the pixels as uint8, 0 to 255")
    if x.ndim != 4 or x.shape[1:] != IMAGE_SHAPE:
        raise CourseError(f"{path}: {x_name} has shape {x.shape}: images must be (N, 32, 32, 3)")
    if not np.issubdtype(y.dtype, np.integer):
        raise CourseError(f"{path}: {y_name} has dtype {y.dtype}: save integer class indices")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise CourseError(f"{path}: {y_name} has shape {y.shape}: class indices must be (N,) or (N, 1)")
    if len(x) != len(y):
        raise CourseError(
            f"{path}: {x_name} has {len(x)} images but {y_name} {len(y)} labels: give each image one"
        )
    if not len(x):
        raise CourseError(f"{path}: {x_name} is empty: at least one image per class is needed")
    if y.min() < 0:
        raise CourseError(f"{path}: {y_name} has the label {y.min()}: number the classes from 0")
    if y.max() >= len(y):
        # Also keeps uint64 labels beyond int64 out of the conversion below.
        raise CourseError(
            f"{path}: {y_name} has the label {y.max()} for {len(y)} images: number the classes from 0"
        )
    return x, y.astype(np.int64)
