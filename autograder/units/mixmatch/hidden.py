"""The hidden draws of the unit ``mixmatch``: for each public case one with other sizes and values."""

from __future__ import annotations

from collections.abc import Callable

import torch

from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.hidden import Hidden, hidden_function
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw, after
from course.checks.torch_functions import tensors
from course.units.mixmatch.checks import average, guesses, loss, mixing
from course.units.mixmatch.checks.common import Rng, net_of
from solutions.mixmatch import guess_labels

Sizes = tuple[int, int]


def _temperature(rng: Rng) -> float:
    return number(rng, 0.3, 0.9)


# --- sharpen


def _distributions(rows: Sizes, classes: Sizes, T: Callable[[Rng], float] = _temperature) -> Draw:
    return lambda rng: guesses.distributions(size(rng, *rows), size(rng, *classes), T(rng))(rng)


def _square(rng: Rng) -> Inputs:
    n = size(rng, 3, 6)
    return guesses.distributions(n, n, _temperature(rng))(rng)


_SHARPEN = hidden_function(
    {
        "by hand": ("some distributions at T = 0.5", _distributions((2, 4), (3, 5), lambda rng: 0.5)),
        "other temperature": ("distributions at another temperature", _distributions((5, 8), (3, 6))),
        "as many images as classes": ("as many distributions as classes", _square),
        "one image": ("a single distribution", _distributions((1, 1), (3, 7))),
        "T of 1": ("T = 1, which changes nothing", _distributions((3, 6), (3, 6), lambda rng: 1.0)),
        "T above 1": (
            "a temperature that makes a distribution flatter",
            _distributions((3, 6), (4, 6), lambda rng: number(rng, 1.5, 4.0)),
        ),
    },
    compiled=False,
)

# --- guess_labels


def _views(n_views: Sizes, n: Sizes, *, norm: bool, square: bool = False) -> Draw:
    def draw(rng: Rng) -> Inputs:
        k, classes = size(rng, *n_views), size(rng, 3, 6)
        images = k if square else size(rng, *n)
        return guesses.views(k, images, _temperature(rng), norm=norm, classes=classes)(rng)

    return draw


_GUESS = {
    "two views": Hidden("two views of some images", _views((2, 2), (3, 6), norm=False)),
    "three views": Hidden("more views of more images", _views((3, 4), (5, 8), norm=False)),
    "as many views as images": Hidden(
        "as many views as images", _views((3, 5), (3, 5), norm=False, square=True)
    ),
    "one view": Hidden("a single view", _views((1, 1), (3, 6), norm=False)),
    "one image": Hidden("views of a single image", _views((2, 4), (1, 1), norm=False)),
    "BatchNorm": Hidden("a network with BatchNorm in training mode", _views((2, 3), (5, 8), norm=True)),
    "called again": Hidden(
        "some images, after a call with another network",
        after(_views((2, 3), (4, 6), norm=True), _views((2, 3), (4, 6), norm=True)),
    ),
}

# --- mixup


def _pairs(n: Sizes) -> Draw:
    def draw(rng: Rng) -> Inputs:
        shape = (3, size(rng, 2, 5), size(rng, 2, 5))
        return mixing.pairs(size(rng, *n), shape, size(rng, 3, 6))(rng)

    return draw


_MIXUP = hidden_function(
    {
        "by hand": ("some pairs", _pairs((3, 5))),
        "pairs": ("more pairs", _pairs((6, 9))),
        "one pair": ("a single pair", _pairs((1, 1))),
        "sizes that agree": (
            "as many pairs as rows, columns, channels and classes",
            mixing.pairs(3, (3, 3, 3), 3),
        ),
    },
    compiled=False,
)

# --- linear_rampup


def _step(share: Callable[[Rng], float]) -> Draw:
    def draw(rng: Rng) -> Inputs:
        length = size(rng, 100, 5000)
        return {"step": round(share(rng) * length), "length": length}

    return draw


_RAMP = hidden_function(
    {
        "within": ("a step on the way", _step(lambda rng: number(rng, 0.1, 0.9))),
        "another ramp": ("a step early on the way", _step(lambda rng: number(rng, 0.02, 0.1))),
        "first step": ("step 0", _step(lambda rng: 0.0)),
        "last step": ("the step at which the ramp ends", _step(lambda rng: 1.0)),
        "beyond": ("a step after the ramp's end", _step(lambda rng: number(rng, 1.5, 9.0))),
        "no ramp": ("a length of 0", lambda rng: {"step": size(rng, 1, 100), "length": 0}),
    },
    compiled=False,
)

# --- mixmatch_loss


def _decided(inputs: Inputs) -> bool:
    """Whether no rounding changes which class is the most probable one of a guess."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = guess_labels(net_of(inputs), tensors(inputs["x_unlabeled"]), inputs["T"])
    finally:
        torch.set_default_dtype(before)
    return lead(found.numpy()) > MARGIN


def _batch(
    labeled: Sizes,
    unlabeled: Sizes,
    n_views: Sizes = (2, 3),
    *,
    norm: bool = True,
    share: Callable[[Rng], float] = lambda rng: number(rng, 0.2, 0.8),
    classes: Sizes = (3, 6),
) -> Draw:
    """A mini-batch of sizes within the bounds, at a share of the ramp."""

    def draw(rng: Rng) -> Inputs:
        length, n_classes = size(rng, 30, 90), size(rng, *classes)
        batch = loss.mini_batch(
            rng,
            labeled=size(rng, *labeled),
            unlabeled=size(rng, *unlabeled),
            n_views=size(rng, *n_views),
            step=round(share(rng) * length),
            norm=norm,
            classes=n_classes,
        )
        return batch | loss.settings(_temperature(rng), number(rng, 2.0, 9.0), length, n_classes)

    return until(draw, _decided)


def _large_logits(rng: Rng) -> Inputs:
    drawn = _batch((3, 5), (4, 6), norm=False)(rng)
    scale = number(rng, 2500, 4000, 0)
    return drawn | {"kernel": scale * drawn["kernel"], "bias": scale * drawn["bias"]}


def _two_batches(rng: Rng) -> Inputs:
    n_classes = (4, 4)
    first, second = (_batch((3, 6), (4, 7), classes=n_classes) for _ in range(2))
    return until(loss.two_batches(first, second), _decided_again)(rng)


def _decided_again(inputs: Inputs) -> bool:
    return _decided(inputs | {"x_unlabeled": inputs["other x_unlabeled"]})


_LOSS = {
    "by hand": Hidden("a small mini-batch", _batch((2, 3), (2, 3), (2, 2), norm=False)),
    "distinct logits": Hidden("a mini-batch of other sizes", _batch((3, 5), (6, 8), norm=False)),
    "BatchNorm": Hidden("a network with BatchNorm", _batch((4, 6), (7, 9))),
    "three views": Hidden("more views and other classes", _batch((4, 6), (2, 3), (3, 4), norm=False)),
    "first step": Hidden("step 0", _batch((3, 5), (6, 8), share=lambda rng: 0.0)),
    "after the ramp": Hidden(
        "a step after the end of the ramp", _batch((3, 5), (6, 8), share=lambda rng: number(rng, 1.2, 4.0))
    ),
    "single images": Hidden("one labeled image and one view", _batch((1, 1), (1, 1), (1, 1), norm=False)),
    "large logits": Hidden("logits in the thousands", until(_large_logits, _decided)),
    "gradient": Hidden("the gradient for the weights", _batch((4, 6), (7, 9))),
    "called again": Hidden("three steps, the last with the mini-batch of the first", _two_batches),
}

# --- ema_update


def _nets(step: Sizes, decay: tuple[float, float], *, norm: bool = True) -> Draw:
    def draw(rng: Rng) -> Inputs:
        share = number(rng, *decay, 4)
        return average.two_nets(size(rng, *step), share, norm=norm, classes=size(rng, 3, 6))(rng)

    return draw


_EMA = {
    "by hand": Hidden("a small network early on", _nets((0, 3), (0.99, 0.999), norm=False)),
    "warm-up": Hidden("a step of the warm-up", _nets((4, 40), (0.99, 0.999))),
    "late": Hidden("a step at which the decay is the smaller one", _nets((20_000, 90_000), (0.95, 0.99))),
    "another decay": Hidden("another decay", _nets((60, 90), (0.5, 0.8))),
    "without BatchNorm": Hidden("a network that has no buffers", _nets((1, 9), (0.99, 0.999), norm=False)),
    "two updates": Hidden("two updates, with training in between", _nets((3, 9), (0.85, 0.95))),
}

HIDDEN = {
    "sharpen": handed_on(_SHARPEN),
    "guess_labels": handed_on(also_on_a_gpu(_GUESS)),
    "mixup": handed_on(also_on_a_gpu(_MIXUP)),
    "linear_rampup": _RAMP,
    "mixmatch_loss": also_on_a_gpu(_LOSS),
    "ema_update": _EMA,
}
