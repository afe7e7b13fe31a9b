"""Checks of functions that form a rate: ``mean_over_images``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs, Slip
from course.checks.jax_functions import check_of_function
from course.checks.purity import KEPT_SLIP


def _published(rng: np.random.RandomState) -> Inputs:
    """The mini-batches of the validation check: all labels but the first thousand are wrong."""
    wrong = np.concatenate([np.zeros(1000), np.ones(9000)])
    batches = [wrong[i : i + 128] for i in range(0, len(wrong), 128)]
    return {
        "error_rates": np.array([batch.mean() for batch in batches]),
        "batch_sizes": np.array([len(batch) for batch in batches]),
    }


def _unequal(rng: np.random.RandomState) -> Inputs:
    """Neither sizes nor rates in order, and the last mini-batch is not the smallest."""
    sizes = np.array([6, 1, 8, 3])
    wrong = np.array([rng.randint(1, 6), 1, rng.randint(1, 8), rng.randint(1, 3)])
    return {"error_rates": wrong / sizes, "batch_sizes": sizes}


def _equal(rng: np.random.RandomState) -> Inputs:
    return {"error_rates": rng.randint(1, 50, 5) / 50, "batch_sizes": np.full(5, 50)}


def _one(rng: np.random.RandomState) -> Inputs:
    return {"error_rates": rng.randint(1, 7, 1) / 7, "batch_sizes": np.array([7])}


MEAN_OVER_IMAGES = check_of_function(
    "mean_over_images",
    {
        "published": (
            "the mini-batches of the validation check: 9,000 of 10,000 answers are wrong",
            _published,
        ),
        "unequal batches": ("mini-batches of 6, 1, 8 and 3 images", _unequal),
        "equal batches": ("five mini-batches of 50 images, where both means agree", _equal),
        "one batch": ("a single mini-batch", _one),
    },
    stated={"published": 0.9},
    misconception="The images do not all count equally.",
    look="How many wrong answers are in a mini-batch, given its rate and its size?",
    slips=(
        Slip(
            "plain mean",
            "This is still the plain mean of the rates: the sizes are not used.",
            "A mini-batch of 16 images should count an eighth of one of 128.",
        ),
        Slip(
            "last batch dropped",
            "The last mini-batch is left out.",
            "Its images count like all others; there are just fewer of them.",
        ),
        Slip(
            "wrong answers",
            "This is the number of wrong answers; a rate is between 0 and 1.",
            "Divide by the number of images.",
        ),
        Slip(
            "divided by the number of batches",
            "The wrong answers are divided by the number of mini-batches.",
            "Divide by the number of images.",
        ),
        Slip(
            "divided by the largest batch",
            "All mini-batches are treated as if they were as large as the largest.",
            "Divide by the sum of the sizes.",
        ),
        Slip(
            "rates divided by sizes",
            "The rates are divided by the sizes, so small mini-batches count even more.",
            "A rate times a size is a number of wrong answers.",
        ),
        Slip(
            "weights squared",
            "The sizes are used twice: large mini-batches count too much.",
            "A rate times a size is a number of wrong answers; add these up.",
        ),
        Slip(
            "accuracy",
            "This is the accuracy; the exercise asks for the error rate.",
            "Leave the rates as they are.",
        ),
        Slip(
            "median",
            "This is the median of the rates.",
            "Every image counts, not only the middle mini-batch.",
        ),
        Slip(
            "fixed sizes",
            "128 and 16 are hard-coded.",
            "Read the sizes from batch_sizes.",
        ),
        Slip(
            "one rate for each batch",
            "You return an array; the exercise asks for one number.",
            "Add up over the mini-batches.",
        ),
        KEPT_SLIP,
    ),
)

CHECKS = (MEAN_OVER_IMAGES,)
