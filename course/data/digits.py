"""`digits`: scikit-learn's handwritten digits, real images that come inside its wheel.

1,797 images of 8×8 pixels with 17 gray levels, written by 13 people (E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, doi 10.24432/C50P49).
"""

from __future__ import annotations

import numpy as np

from course.data.dataset import ImageDataset, Splits
from course.errors import CourseError

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BRIGHTEST = 16  # of the original's gray levels
ENLARGED = 4  # each pixel becomes a square of so many, 32×32 in all
ONE_IN = 3  # of the images, in the file's order, is a test image


def load_digits() -> Splits:
    """Read the images out of scikit-learn's folder.

    Returns:
        ``Splits(train, test)`` of 1,198 and 599 images, uint8 (N, 32, 32, 3): the original's pixels as
        4×4 squares, in gray. Every third image of the file is a test image, so that both parts have
        the same writers. No view is mirrored, for most digits would be none then; FixMatch's authors do
        not flip house numbers either (Sohn et al. 2020, section 2.3).

    Raises:
        CourseError: scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise CourseError(
            'the data set "digits" comes with scikit-learn, which is not installed here: '
            "run pip install scikit-learn"
        ) from None
    found = datasets.load_digits()
    levels = (found.images * 255 / BRIGHTEST).astype(np.uint8)
    enlarged = levels.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)
    images = np.repeat(enlarged[..., None], 3, axis=-1)
    is_test = np.arange(len(images)) % ONE_IN == ONE_IN - 1
    train, test = (
        ImageDataset.create(images[part], found.target[part], CLASSES, "digits", mirrors=False)
        for part in (~is_test, is_test)
    )
    return Splits(train, test)
