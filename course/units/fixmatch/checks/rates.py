"""Checks of functions that form a rate: ``mean_over_images``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.jax_functions import check_of_function


def _published(rng: np.random.RandomState) -> Inputs:
    """The mini-batches of the validation check: all labels but the first thousand are wrong."""
    wrong = np.concatenate([np.zeros(1000), np.ones(9000)])
    batches = [wrong[i : i + 128] for i in range(0, len(wrong), 128)]
    return {
        "error_rates": np.array([batch.mean() for batch in batches]),
        "batch_sizes": np.array([len(batch) for batch in batches]),
    }


def _unequal(rng: np.random.RandomState) -> Inputs:
    """Neither sizes nor rates in order, and the last mini-batch is not the smallest.

    In floating point, 107 times a power of two over 107 is a little less than that power.
    """
    sizes = np.array([6, 1, 107, 3])
    wrong = np.array([rng.randint(1, 6), 1, 2 ** rng.randint(1, 7), rng.randint(1, 3)])
    return {"error_rates": wrong / sizes, "batch_sizes": sizes}


def _equal(rng: np.random.RandomState) -> Inputs:
    return {"error_rates": rng.randint(1, 50, 4) / 50, "batch_sizes": np.full(4, 50)}


def _one(rng: np.random.RandomState) -> Inputs:
    return {"error_rates": rng.randint(1, 7, 1) / 7, "batch_sizes": np.array([7])}


MEAN_OVER_IMAGES = check_of_function(
    "mean_over_images",
    {
        "published": (
            "the mini-batches of the validation check: 9,000 of 10,000 answers are wrong",
            _published,
        ),
        "unequal batches": ("mini-batches of 6, 1, 107 and 3 images", _unequal),
        "equal batches": ("four mini-batches of 50 images, where both means agree", _equal),
        "one batch": ("a single mini-batch", _one),
    },
    stated={"published": 0.9},
    misconception="This is not the share of wrong predictions among all images.",
    look="How many wrong answers are in a mini-batch, given its rate and its size?",
)

CHECKS = (MEAN_OVER_IMAGES,)
