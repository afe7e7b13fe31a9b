"""Checks of ``sharpen`` and ``guess_labels``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from course.checks.case import Call, Case, Check, Inputs
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Function, after, check_of_function
from course.checks.images import CLASSES
from course.checks.left_behind import NO_MODEL, ONE_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import recorded, tensors
from course.checks.torch_kinds import Need, handed_on
from course.checks.torch_mocks import images_of
from course.units.mixmatch.checks.common import Rng, draw_net, draw_views, net_of

# --- sharpen

SHARPEN_RECORDED = recorded("probabilities", "T", by_row=("probabilities",))


def distributions(n: int, classes: int, T: float) -> Callable[[Rng], Inputs]:
    """A draw of ``n`` distributions, from nearly certain to nearly even."""

    def draw(rng: Rng) -> Inputs:
        evenness = np.geomspace(0.4, 8.0, n)
        rows = np.array([rng.dirichlet(np.full(classes, a)) for a in evenness])
        rows = np.round(0.9 * rows + 0.1 / classes, 3)  # no class is impossible
        return {"probabilities": rows / rows.sum(axis=1, keepdims=True), "T": T}

    return draw


def impossible_classes(n: int, classes: int, T: float) -> Callable[[Rng], Inputs]:
    """A draw of ``n`` distributions in which some classes have a probability of 0, or nearly so.

    The first one is certain, as softmax makes it of large logits.
    """

    def draw(rng: Rng) -> Inputs:
        rows = np.zeros((n, classes))
        for i in range(1, n):
            small = 0.001 * (3 + i % 4)
            rows[i, :3] = rng.permutation([1 - 0.4 * (i % 2) - small, 0.4 * (i % 2), small])
            rows[i] = rng.permutation(rows[i])
        rows[0, rng.randint(classes)] = 1.0
        return {"probabilities": rows, "T": T}

    return draw


def _by_hand(rng: Rng) -> Inputs:
    return {"probabilities": np.array([[0.6, 0.2, 0.2], [0.5, 0.4, 0.1]]), "T": 0.5}


SHARPEN = check_of_function(
    "sharpen",
    {
        "by hand": ("two distributions at T = 0.5, where the power is a square", _by_hand),
        "other temperature": ("six distributions at T = 0.3", distributions(6, 4, 0.3)),
        "as many images as classes": ("four distributions over four classes", distributions(4, 4, 0.7)),
        "one image": ("a single distribution", distributions(1, 5, 0.5)),
        "T of 1": ("T = 1, which changes nothing", distributions(3, 4, 1.0)),
        "T above 1": ("T = 2, which makes a distribution flatter", distributions(5, 3, 2.0)),
        "impossible classes": ("probabilities of 0 and of a few thousandths", impossible_classes(5, 4, 0.6)),
    },
    convert=tensors,
    stated={"by hand": np.array([[9 / 11, 1 / 11, 1 / 11], [25 / 42, 16 / 42, 1 / 42]])},
    misconception="The rows are not p^(1/T), divided by their sum.",
    look="Two steps: raise every entry to the power 1/T, then divide each row by its own sum.",
)

# --- guess_labels

_NAMES = {
    'returned["guesses"]': "the guessed labels",
    'returned["needs gradient"]': "whether a gradient flows through the guesses",
    'returned["statistics"]["norm.num_batches_tracked"]': "how many batches BatchNorm has counted",
    'returned["statistics"]["norm.running_mean"]': "BatchNorm's running mean",
    'returned["statistics"]["norm.running_var"]': "BatchNorm's running variance",
    'returned["after the next pass"]["norm.num_batches_tracked"]': (
        "how many batches BatchNorm has counted after the next training pass"
    ),
    'returned["after the next pass"]["norm.running_mean"]': (
        "BatchNorm's running mean after the next training pass"
    ),
    'returned["after the next pass"]["norm.running_var"]': (
        "BatchNorm's running variance after the next training pass"
    ),
}


def views(n_views: int, n: int, T: float, *, norm: bool, classes: int = CLASSES) -> Callable[[Rng], Inputs]:
    """A draw of a network and ``n_views`` views of ``n`` images, in whose predictions they differ."""

    def draw(rng: Rng) -> Inputs:
        logits = draw_views(rng, n_views, rng.randint(0, classes, n), classes)
        return {**draw_net(rng, classes, norm=norm), "views": images_of(logits, rng), "T": T}

    return draw


def large(draw: Callable[[Rng], Inputs], scale: float) -> Callable[[Rng], Inputs]:
    """The same draw with logits that are ``scale`` times as large."""

    def scaled(rng: Rng) -> Inputs:
        drawn = draw(rng)
        return drawn | {name: scale * drawn[name] for name in ("kernel", "bias")}

    return scaled


def _guess(call: Call, function: Function, inputs: Inputs, prefix: str = "") -> Any:
    model, pictures = net_of(inputs, prefix), tensors(inputs[f"{prefix}views"])
    guesses = call(function, model, pictures, inputs[f"{prefix}T"])
    seen = {
        "guesses": guesses,
        "needs gradient": bool(getattr(guesses, "requires_grad", False)),
        "statistics": {name: buffer.clone() for name, buffer in model.statistics().items()},
    }
    if inputs[f"{prefix}norm"]:
        with torch.no_grad():
            model(pictures.flatten(0, 1))  # as the training step goes on
        seen["after the next pass"] = model.statistics()
    return seen


def _guess_twice(call: Call, function: Function, inputs: Inputs) -> Any:
    _guess(call, function, inputs, "earlier ")
    return _guess(call, function, inputs)


_MISCONCEPTION = "The guess is not the sharpened mean of the predictions on the views."
_LOOK = "In order: one forward pass over all views, softmax, mean over the views, sharpen."
_SHOWN = ("T", "norm")


def _case(name: str, tries: str, draw: Callable[[Rng], Inputs], seed: int) -> Case:
    return Case(name, tries, draw, _guess, FLOAT32, _MISCONCEPTION, _LOOK, seed, names=_NAMES, shown=_SHOWN)


GUESS_LABELS = Check(
    name="guess_labels",
    uses={"sharpen": SHARPEN_RECORDED},
    cases=(
        _case("two views", "two views of three images", views(2, 3, 0.5, norm=False), 0),
        _case("three views", "three views of five images, T = 0.4", views(3, 5, 0.4, norm=False), 1),
        _case("as many views as images", "three views of three images", views(3, 3, 0.8, norm=False), 2),
        _case("one view", "a single view of four images", views(1, 4, 0.5, norm=False), 3),
        _case("one image", "two views of a single image", views(2, 1, 0.5, norm=False), 4),
        _case("BatchNorm", "a network with BatchNorm in training mode", views(2, 5, 0.5, norm=True), 5),
        _case("large logits", "logits in the thousands", large(views(3, 4, 0.7, norm=False), 3000.0), 7),
        Case(
            "called again",
            "two views of three images, after a call with another network",
            after(views(2, 3, 0.5, norm=True), views(3, 4, 0.6, norm=True)),
            _guess_twice,
            FLOAT32,
            KEPT,
            KEPT_LOOK,
            6,
            names=_NAMES,
            shown=_SHOWN,
        ),
    ),
)

CHECKS = (
    handed_on(nothing_left_behind(SHARPEN, NO_MODEL), {"the sharpened rows": Need.MODEL}),
    also_on_a_gpu(handed_on(nothing_left_behind(GUESS_LABELS, ONE_MODEL), {"the guesses": Need.MODEL})),
)
