"""Check of ``mixmatch_loss``.

Soft targets depend smoothly on the weights, so a forgotten ``no_grad`` changes no value and every gradient.
That is what the case "gradient" is for; all others compare values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from course.checks.case import Call, Case, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Function, names_of_calls, other
from course.checks.images import CLASSES
from course.checks.left_behind import ONE_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import recorded, tensors
from course.checks.torch_mocks import images_of
from course.training.torch.hparams import MixMatchHparams
from course.units.mixmatch.checks.common import Rng, draw_net, draw_views, net_of, peaked
from course.units.mixmatch.checks.guesses import SHARPEN_RECORDED, large

BATCH = ("x_labeled", "y_labeled", "x_unlabeled", "y_unlabeled", "lam", "order", "step")
RUN = 1000  # steps
SETTINGS = ("n_classes", "T", "lambda_u", "rampup_length")
# From causes to consequences: of several differences the first is reported.
METRICS = ("error rate", "supervised loss", "unsupervised loss", "unlabeled weight", "total loss")
_RESULT = {f'[2]["{metric}"]': f"the metric {metric!r}" for metric in METRICS} | {
    "": "what the loss function returns",
    "[0]": "the total loss",
    "[1]": "the state",
    '[1]["kept"]': "the state, which stays as it is",
    "[2]": "the metrics",
}
_STATISTICS = {
    'returned["statistics"]["norm.num_batches_tracked"]': "how many batches BatchNorm has counted",
    'returned["statistics"]["norm.running_mean"]': "BatchNorm's running mean",
    'returned["statistics"]["norm.running_var"]': "BatchNorm's running variance",
}
RESULT_NAMES = {
    **{f'returned["returned"]{place}': name for place, name in _RESULT.items()},
    **_STATISTICS,
}
_CALLS = ("first call", "second call", "third call, with the first mini-batch")
GRADIENT_NAMES = {
    'returned["dense.weight"]': "the gradient for the kernel",
    'returned["dense.bias"]': "the gradient for the bias",
    'returned["norm.weight"]': "the gradient for BatchNorm's scale",
    'returned["norm.bias"]': "the gradient for BatchNorm's shift",
}
_SHOWN = ("y_labeled", "y_unlabeled", "lam", "order", "step", *SETTINGS, "norm")
_LARGE = Tolerance(1e-4, 1e-3, "float32 keeps seven digits of numbers of this size")

MIXUP_PARAMETERS = ("x_a", "x_b", "targets_a", "targets_b", "lam")  # each has an entry for each image


def settings(T: float, lambda_u: float, rampup_length: int, n_classes: int = CLASSES) -> Inputs:
    """The hyperparameters that the loss reads, by their names."""
    return dict(zip(SETTINGS, (n_classes, T, lambda_u, rampup_length), strict=True))


def mini_batch(
    rng: Rng,
    *,
    labeled: int,
    unlabeled: int,
    n_views: int = 2,
    step: int = 30,
    norm: bool = True,
    classes: int = CLASSES,
) -> Inputs:
    """A network and a mini-batch, with the numbers of images that are given.

    Every third label is not the class that the network takes for the most probable. λ lies on both sides of
    ½, and everybody's partner is somebody else where there is anybody else.
    """
    y_labeled = rng.randint(0, classes, labeled)
    y_unlabeled = rng.randint(0, classes, unlabeled)
    tops = [(y + (np.arange(len(y)) % 3 == 0)) % classes for y in (y_labeled, y_unlabeled)]
    mixed = labeled + n_views * unlabeled
    side = np.where(np.arange(mixed) % 3 == 1, -1, 1)
    order = rng.permutation(mixed)
    while mixed > 1 and (order == np.arange(mixed)).any():
        order = rng.permutation(mixed)
    return {
        **draw_net(rng, classes, norm=norm),
        "x_labeled": images_of(peaked(rng, tops[0], classes), rng),
        "y_labeled": y_labeled,
        "x_unlabeled": images_of(draw_views(rng, n_views, tops[1], classes), rng),
        "y_unlabeled": y_unlabeled,
        "lam": np.round(0.5 + side * rng.uniform(0.05, 0.45, mixed), 3),
        "order": order,
        "step": step,
    }


def _by_hand(rng: Rng) -> Inputs:
    """Images of one pixel whose three channels are the logits, a mini-batch that fits on a page."""
    views = np.log([[[3.0, 1.0, 1.0]], [[1.0, 2.0, 1.0]]])
    return {
        "kernel": np.eye(3),
        "bias": np.zeros(3),
        "norm": False,
        "x_labeled": np.log([[6.0, 1.0, 1.0], [1.0, 1.0, 2.0]])[..., None, None],
        "y_labeled": np.array([0, 1]),
        "x_unlabeled": views[..., None, None],
        "y_unlabeled": np.array([2]),
        "lam": np.array([1.0, 1.0, 0.25, 1.0]),
        "order": np.array([1, 0, 3, 2]),
        "step": 1,
        **settings(0.5, 8.0, 4, 3),
    }


def _small(rng: Rng) -> Inputs:
    """Three labeled and four unlabeled images, without BatchNorm."""
    return mini_batch(rng, labeled=3, unlabeled=4, norm=False) | settings(0.5, 6.0, 40)


def _batch_norm(rng: Rng) -> Inputs:
    return mini_batch(rng, labeled=5, unlabeled=6) | settings(0.4, 6.0, 40)


def _three_views(rng: Rng) -> Inputs:
    drawn = mini_batch(rng, labeled=4, unlabeled=3, n_views=3, classes=5, norm=False)
    return drawn | settings(0.7, 3.0, 40, 5)


def _no_ramp(rng: Rng) -> Inputs:
    return mini_batch(rng, labeled=4, unlabeled=3, step=0) | settings(0.6, 4.0, 0)


def _at_step(step: int) -> Callable[[Rng], Inputs]:
    return lambda rng: mini_batch(rng, labeled=3, unlabeled=4, step=step) | settings(0.5, 6.0, 40)


def _single(rng: Rng) -> Inputs:
    drawn = mini_batch(rng, labeled=1, unlabeled=1, n_views=1, classes=3, norm=False)
    return drawn | settings(0.5, 6.0, 40, 3)


def two_batches(first: Callable[[Rng], Inputs], second: Callable[[Rng], Inputs]) -> Callable[[Rng], Inputs]:
    """The inputs of two calls, whose network and settings are the first one's."""

    def draw(rng: Rng) -> Inputs:
        drawn = second(rng)
        return first(rng) | other({name: drawn[name] for name in BATCH})

    return draw


def _hparams(inputs: Inputs) -> MixMatchHparams:
    """The settings of a run that is far longer than any ramp."""
    chosen = {name: inputs[name] for name in SETTINGS}
    return MixMatchHparams(**chosen, steps=RUN, total_steps=RUN, epochs=1, num_iter=RUN)


def _batch(inputs: Inputs, prefix: str = "") -> dict[str, Any]:
    return {name: tensors(inputs[f"{prefix}{name}"]) for name in BATCH}


def _state() -> dict[str, torch.Tensor]:
    return {"kept": torch.tensor([1.0, 2.0])}


def _drive(call: Call, function: Function, inputs: Inputs) -> Any:
    model = net_of(inputs)
    returned = call(function, model, _state(), _batch(inputs), _hparams(inputs))
    return {"returned": returned, "statistics": model.statistics()}


def _drive_gradient(call: Call, function: Function, inputs: Inputs) -> Any:
    """The gradient for the weights, as the training loop computes it."""
    model = net_of(inputs)
    loss, *_ = call(function, model, _state(), _batch(inputs), _hparams(inputs))
    loss.backward()
    return model.gradients()


def _drive_again(call: Call, function: Function, inputs: Inputs) -> Any:
    """Three calls with one network, the last with the first mini-batch."""
    model, hparams = net_of(inputs), _hparams(inputs)
    batches = [_batch(inputs, prefix) for prefix in ("", "other ", "")]
    returned = {
        name: call(function, model, _state(), batch, hparams)
        for name, batch in zip(_CALLS, batches, strict=True)
    }
    return {**returned, "statistics": model.statistics()}


_MISCONCEPTION = "One of the terms is not what the exercise asks for."
_LOOK = "Compute L_X, L_U and the weight by hand for the smallest batch, and compare your metrics."


def _case(
    name: str,
    tries: str,
    draw: Callable[[Rng], Inputs],
    seed: int,
    misconception: str = _MISCONCEPTION,
    look: str = _LOOK,
    tolerance: Tolerance = FLOAT32,
) -> Case:
    return Case(
        name, tries, draw, _drive, tolerance, misconception, look, seed, names=RESULT_NAMES, shown=_SHOWN
    )


MIXMATCH_LOSS = Check(
    name="mixmatch_loss",
    uses={
        "sharpen": SHARPEN_RECORDED,
        "guess_labels": recorded("model", "views", "T"),
        "mixup": recorded(*MIXUP_PARAMETERS, by_row=MIXUP_PARAMETERS),
        "linear_rampup": recorded("step", "length"),
    },
    cases=(
        _case(
            "by hand",
            "two labeled images and two views of an unlabeled one",
            _by_hand,
            0,
        ),
        _case("distinct logits", "three labeled images and two views of four unlabeled ones", _small, 1),
        _case(
            "BatchNorm",
            "a network with BatchNorm, whose statistics count each step once",
            _batch_norm,
            2,
            "BatchNorm does not see the batches that it should.",
            "The guesses come from one pass that is not counted, the loss from one pass that is.",
        ),
        _case(
            "three views",
            "three views of three images, and five classes",
            _three_views,
            3,
            "A number of views or classes is hard-coded, or guesses and views are in different orders.",
            "The joined batch holds all images of the first view, then all of the second, and so on.",
        ),
        _case(
            "first step",
            "step 0, where the unlabeled loss does not count yet",
            _at_step(0),
            4,
            "At step 0 the weight of the unlabeled loss is 0.",
            "The weight is λ_u times your linear_rampup.",
        ),
        _case(
            "after the ramp",
            "a step after the end of the ramp",
            _at_step(100),
            5,
            "After the ramp the weight of the unlabeled loss is λ_u.",
            "The weight is λ_u times your linear_rampup.",
        ),
        _case(
            "no ramp",
            "the first step where the ramp has a length of 0",
            _no_ramp,
            10,
            "Where the ramp has no length, the unlabeled loss has its full weight from the start.",
            "The weight is λ_u times your linear_rampup.",
        ),
        _case(
            "single images",
            "one labeled image and one view of an unlabeled one",
            _single,
            6,
            "A batch of one image is a batch too.",
            "Look for squeeze and for hard-coded sizes.",
        ),
        _case(
            "large logits",
            "logits in the thousands",
            large(_small, 3000.0),
            7,
            "An exponential overflows, or the logarithm of 0 is taken.",
            "F.cross_entropy takes logits, and targets that are distributions.",
            _LARGE,
        ),
        Case(
            name="gradient",
            tries="the gradient for the weights, as the training loop computes it",
            draw=_batch_norm,
            drive=_drive_gradient,
            tolerance=FLOAT32,
            misconception="The values are right, but the gradient is not: the network learns something else.",
            look="The gradient comes from the pass over the mixed images alone. Targets have none.",
            names=GRADIENT_NAMES,
            shown=_SHOWN,
            seed=8,
        ),
        Case(
            name="called again",
            tries="three steps of one network, the last with the mini-batch of the first",
            draw=two_batches(_batch_norm, _at_step(35)),
            drive=_drive_again,
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=names_of_calls(_CALLS, _RESULT) | _STATISTICS,
            shown=_SHOWN,
            seed=9,
        ),
    ),
)

CHECKS = (also_on_a_gpu(nothing_left_behind(MIXMATCH_LOSS, ONE_MODEL)),)
