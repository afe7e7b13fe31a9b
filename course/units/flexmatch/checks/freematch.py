"""Checks of ``update_averages`` and ``self_adaptive_thresholds``, FreeMatch's two pieces."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import check_of_function
from course.checks.left_behind import NO_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on

Rng = np.random.RandomState


def draw_rows(rng: Rng, n_rows: int, n_classes: int) -> np.ndarray:
    """Probabilities (n_rows, n_classes) with two decimals, of which no class has less than 0.01."""
    shares = rng.dirichlet([0.6] * n_classes, n_rows)
    hundredths = 1 + np.floor(shares * (100 - n_classes))
    hundredths[np.arange(n_rows), rng.randint(0, n_classes, n_rows)] += 100 - hundredths.sum(axis=1)
    return hundredths / 100


def draw_averages(rng: Rng, n_images: int, n_classes: int, decay: float) -> Inputs:
    """Two averages in the middle of a run, and a mini-batch's probabilities."""
    return {
        "mean_confidence": np.array(round(rng.uniform(0.4, 0.9), 2)),
        "mean_prediction": draw_rows(rng, 1, n_classes)[0],
        "probabilities": draw_rows(rng, n_images, n_classes),
        "decay": decay,
    }


def at_the_start(rng: Rng, n_images: int, n_classes: int, decay: float) -> Inputs:
    """The first step: both averages are 1 / C."""
    start = {
        "mean_confidence": np.array(1 / n_classes),
        "mean_prediction": np.full(n_classes, 1 / n_classes),
    }
    return draw_averages(rng, n_images, n_classes, decay) | start


UPDATE_AVERAGES = check_of_function(
    "update_averages",
    {
        "in a run": ("six images of four classes", lambda rng: draw_averages(rng, 6, 4, 0.9)),
        "first step": ("the first step: both averages are 1/C", lambda rng: at_the_start(rng, 8, 5, 0.99)),
        "one image": ("a single image", lambda rng: draw_averages(rng, 1, 4, 0.75)),
        "no memory": ("λ = 0: only this mini-batch counts", lambda rng: draw_averages(rng, 5, 3, 0.0)),
        "another λ": ("more images and classes", lambda rng: draw_averages(rng, 15, 8, 0.8)),
    },
    convert=tensors,
    misconception="These are not the two moving averages after the step.",
    look="With λ = 0 only this mini-batch counts. Work its two means out by hand for two images.",
    names={
        "returned[0]": "the average confidence",
        "returned[1]": "the average prediction",
        "returned": "the pair of averages",
    },
)


def draw_state(rng: Rng, n_classes: int) -> Inputs:
    """Both averages, as `self_adaptive_thresholds` takes them."""
    inputs = draw_averages(rng, 1, n_classes, 0.9)
    return {name: inputs[name] for name in ("mean_confidence", "mean_prediction")}


def _state(confidence: float, prediction: list[float]) -> Inputs:
    return {"mean_confidence": np.array(confidence), "mean_prediction": np.array(prediction)}


SELF_ADAPTIVE_THRESHOLDS = check_of_function(
    "self_adaptive_thresholds",
    {
        "in a run": (
            "four classes, one of which is predicted most",
            lambda rng: _state(0.8, [0.1, 0.4, 0.3, 0.2]),
        ),
        "first step": (
            "the first step: both averages are 1/C",
            lambda rng: _state(0.2, [0.2, 0.2, 0.2, 0.2, 0.2]),
        ),
        "one class far ahead": (
            "a class that is predicted nearly always",
            lambda rng: _state(0.97, [0.9, 0.06, 0.04]),
        ),
        "drawn": ("other values", lambda rng: draw_state(rng, 7)),
    },
    convert=tensors,
    misconception="These are not the thresholds of the exercise.",
    look="Which class has to get the average confidence itself? And what share of it do the others get?",
)

_NEEDS = (
    (UPDATE_AVERAGES, {"the average confidence": Need.ANY, "the average prediction": Need.ANY}),
    (SELF_ADAPTIVE_THRESHOLDS, {"the thresholds": Need.ANY}),
)

CHECKS = tuple(
    also_on_a_gpu(handed_on(nothing_left_behind(check, NO_MODEL), needs)) for check, needs in _NEEDS
)
