"""Check of ``get_fixmatch_loss_fn``.

The mock of the published values gives both classes equal logits: every probability is ½, the mask is always
1, and most wrong losses come out right. The further cases therefore have distinct logits, a mask of both
kinds, and a comparison of gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from course.checks.case import Call, Case, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.earlier import Library
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Function, names_of_calls, other, uniform
from course.checks.jax_functions import arrays
from course.checks.mocks import MockHparams, computed, dense
from course.checks.plain import Plain
from course.checks.programs import compiled, together
from course.checks.purity import trace
from course.units.fixmatch.checks.common import (
    CLASSES,
    PUBLISHED,
    draw_batch_stats,
    draw_params,
    images_of,
    numpy_dense,
    require_numbers,
)

Rng = np.random.RandomState

ARGUMENTS = (
    "params",
    "batch_stats",
    "x_labeled",
    "x_unlabeled_weak",
    "x_unlabeled_strong",
    "y_labeled",
    "y_unlabeled",
)
_SETTINGS = ("confidence_threshold", "lambda_coef", "w_decay", "num_classes")
# From causes to consequences: of several differences the first is reported.
_METRICS = ("error rate", "mask rate", "supervised loss", "unsupervised loss", "weight decay", "total loss")
_RESULT = {f'[1][1]["{metric}"]': f"the metric {metric!r}" for metric in _METRICS} | {
    "[0]": "the total loss",
    "[1]": "the pair (batch_stats, metrics)",
    "[1][0]": "the new batch_stats",
    '[1][0]["norm"]["mean"]': "the new batch_stats",
    "[1][1]": "the metrics",
}
_NAMES = {f"returned{place}": name for place, name in _RESULT.items()}
_CALLS = ("first call", "second call", "third call, with the first inputs")
_SHOWN = (
    "y_labeled",
    "y_unlabeled",
    "logits of x_labeled",
    "logits of x_unlabeled_weak",
    "logits of x_unlabeled_strong",
    *_SETTINGS,
)
_LARGE = Tolerance(1e-4, 1e-3, "float32 keeps seven digits of numbers of this size")

# How far the top logit stands out: two confident images (probabilities above .95 and between .8 and .95),
# and one that is not.
SURE, FAIRLY_SURE, UNSURE = 7.0, 3.4, 0.8


def _peaked(rng: Rng, classes: np.ndarray, gaps: list[float], n_classes: int) -> np.ndarray:
    """Logits whose largest entry stands at ``classes``, by ``gaps`` above noise of ±0.4."""
    noise = uniform(rng, (len(gaps), n_classes), -0.4, 0.4)
    return noise + np.eye(n_classes)[classes] * np.array(gaps)[:, None]


def views(
    rng: Rng, *, labeled: list[float], weak: list[float], strong: list[float], n_classes: int = CLASSES
) -> Inputs:
    """Images of three batches by the gaps of their logits, with parameters and labels.

    The label of every third labeled image is not its top class.
    The strong view of every other image has another top class than the weak one. The labels of the unlabeled
    images agree with the weak view in all but every third image.
    """
    y_labeled = rng.randint(0, n_classes, len(labeled))
    top_weak = rng.randint(0, n_classes, len(weak))
    odd = np.arange(len(weak)) % 2
    top_strong = (top_weak + odd) % n_classes
    y_unlabeled = (top_weak + (np.arange(len(weak)) % 3 == 0)) % n_classes
    top_labeled = (y_labeled + (np.arange(len(labeled)) % 3 == 0)) % n_classes
    params = draw_params(rng, n_classes)
    images = {
        "x_labeled": images_of(_peaked(rng, top_labeled, labeled, n_classes), rng),
        "x_unlabeled_weak": images_of(_peaked(rng, top_weak, weak, n_classes), rng),
        "x_unlabeled_strong": images_of(_peaked(rng, top_strong, strong, n_classes), rng),
    }
    labels = {"y_labeled": y_labeled, "y_unlabeled": y_unlabeled}
    # For the report alone: what the loss gets to see of the images.
    logits = {f"logits of {name}": numpy_dense(params, x) for name, x in images.items()}
    return {"params": params, "batch_stats": draw_batch_stats(rng, n_classes), **images, **labels, **logits}


def settings(threshold: float, weight: float, decay: float, n_classes: int = CLASSES) -> Inputs:
    """The hyperparameters that the loss reads, by their names."""
    return dict(zip(_SETTINGS, (threshold, weight, decay, n_classes), strict=True))


def _published(rng: Rng) -> Inputs:
    return {
        "params": -8,
        "batch_stats": 9,
        "x_labeled": np.full((2, 32, 32, 3), 0.8),
        "x_unlabeled_weak": np.full((3, 32, 32, 3), 0.5),
        "x_unlabeled_strong": np.full((3, 32, 32, 3), 0.3),
        "y_labeled": np.array([1, 0]),
        "y_unlabeled": np.array([0, 1, 1]),
        **settings(0.28, 5, 5, 2),
    }


_PUBLISHED_RESULT: Plain = [
    324.1588745,
    [
        np.array(0),
        {
            "error rate": 0.6666667,
            "mask rate": 1.0,
            "supervised loss": 0.6931472,
            "total loss": 324.1588745,
            "unsupervised loss": 0.6931470,
            "weight decay": 320.0,
        },
    ],
]


# Several cases have the same sizes and settings, so what JAX compiles for the first serves the others. The
# images are more than the classes: if they were as many, labels in place of one-hot rows would fit, and give
# some number.
USUAL = settings(0.75, 0.6, 0.01)
_LABELED = [2.0, 1.0, 3.0, 0.5, 1.5]
_STRONG = [2.0, SURE, 3.0, 1.5, SURE, 0.5, UNSURE]


def _mixed(rng: Rng) -> Inputs:
    """Of seven unlabeled images four are confident, one of these below .95; the strong views differ."""
    weak = [SURE, UNSURE, SURE, FAIRLY_SURE, UNSURE, SURE, UNSURE]
    return views(rng, labeled=_LABELED, weak=weak, strong=_STRONG) | USUAL


def _at_the_threshold(rng: Rng) -> Inputs:
    """Three weak views have a probability of exactly 1, because exp(−200) is 0 in float32."""
    weak = [200.0, UNSURE, 200.0, UNSURE, UNSURE, 200.0, UNSURE]
    return views(rng, labeled=_LABELED, weak=weak, strong=_STRONG) | settings(1.0, 2.0, 0.01)


def _none_confident(rng: Rng) -> Inputs:
    return views(rng, labeled=_LABELED, weak=[UNSURE] * 7, strong=_STRONG) | USUAL


def _large_logits(rng: Rng) -> Inputs:
    """Of the four confident images two have strong views of another class: their loss is large as well."""
    weak = [1e4, 1e4, UNSURE, 1e4, 1e4, UNSURE, UNSURE]
    return views(rng, labeled=[1e4] * 5, weak=weak, strong=[1e4] * 7) | USUAL


def _small_batches(rng: Rng) -> Inputs:
    drawn = views(rng, labeled=[1.0], weak=[SURE, UNSURE, SURE], strong=[1.0, 2.0, 0.5], n_classes=3)
    return drawn | settings(0.9, 1.5, 0.02, 3)


def _one_unlabeled(rng: Rng) -> Inputs:
    return views(rng, labeled=_LABELED, weak=[SURE], strong=[2.0]) | USUAL


def _two_batches(rng: Rng) -> Inputs:
    second = _none_confident(rng)
    return _mixed(rng) | other({name: second[name] for name in ARGUMENTS})


class _Network:
    """A forward function as the task describes it, with logits from known images. The views stay apart."""

    def __call__(
        self, params: Any, batch_stats: Any, x_labeled: Any, x_unlabeled_weak: Any, x_unlabeled_strong: Any
    ) -> tuple[Any, ...]:
        logits = [dense(params, x) for x in (x_labeled, x_unlabeled_weak, x_unlabeled_strong)]
        mean = computed(lambda xp, old: 0.9 * old + 0.1, batch_stats["norm"]["mean"])
        return *logits, {"norm": {"mean": mean}}


class _PublishedNetwork:
    """The logits that ``mocks.MockModel`` gives for the three batches in a row."""

    def __call__(
        self, params: Any, batch_stats: Any, x_labeled: Any, x_unlabeled_weak: Any, x_unlabeled_strong: Any
    ) -> tuple[Any, ...]:
        logits = computed(_rows, params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong)
        return *logits, jnp.asarray(np.array(0))


def _rows(xp: Any, params: Any, batch_stats: Any, *batches: Any) -> list[Any]:
    total = sum(len(x) for x in batches)
    mean = sum(xp.sum(x) for x in batches) / sum(x.size for x in batches)
    start, logits = 0, []
    for x in batches:
        rows = (start + xp.arange(len(x))[:, None]) / (total - 1)
        logits.append(xp.tile((rows * batch_stats - params) * mean, 2))
        start += len(x)
    return logits


def _loss(call: Call, function: Function, inputs: Inputs, network: Any) -> Callable[..., Any]:
    hparams = MockHparams(**{name: inputs[name] for name in _SETTINGS})
    return call(function, network, hparams)


def _drive_published(call: Call, function: Function, inputs: Inputs) -> Any:
    return _call_once(call, _loss(call, function, inputs, _PublishedNetwork()), inputs)


def _drive(call: Call, function: Function, inputs: Inputs) -> Any:
    return _call_once(call, _loss(call, function, inputs, _Network()), inputs)


def _call_once(call: Call, loss: Callable[..., Any], inputs: Inputs) -> Any:
    """One program: by themselves, the operations of a loss are thirty for each size of the batches."""
    return together(functools.partial(call, loss))(*(arrays(inputs[name]) for name in ARGUMENTS))


def _drive_gradient(call: Call, function: Function, inputs: Inputs) -> Any:
    """The gradient for the parameters, as train_step takes it."""
    loss = _loss(call, function, inputs, _Network())
    gradient = jax.grad(functools.partial(call, loss), has_aux=True)

    def without_metrics(*args: Any) -> Any:  # which compile for as long as the gradient
        gradients, (_, metrics) = gradient(*args)
        require_numbers(metrics)
        return gradients

    return compiled(without_metrics)(*(arrays(inputs[name]) for name in ARGUMENTS))


def _drive_again(call: Call, function: Function, inputs: Inputs) -> Any:
    """Three calls of one loss function, the last with the first inputs, and one inside jit."""
    loss = _loss(call, function, inputs, _Network())
    first = [arrays(inputs[name]) for name in ARGUMENTS]
    second = [arrays(inputs[f"other {name}"]) for name in ARGUMENTS]

    def in_turn(first: list[Any], second: list[Any]) -> dict[str, Any]:
        return {name: call(loss, *args) for name, args in zip(_CALLS, (first, second, first), strict=True)}

    returned = together(in_turn)(first, second)
    trace(call, loss, *first)
    return returned


_GRADIENT_NAMES = {
    'returned["dense"]["kernel"]': "gradient for the kernel",
    'returned["dense"]["bias"]': "gradient for the bias",
}
_FORMULA = "Compute L_s, L_u and the weight decay by hand for two images, and compare them with your metrics."

GET_FIXMATCH_LOSS_FN = Check(
    name="get_fixmatch_loss_fn",
    uses={
        "logits_to_log_probs": Library(jax.nn.log_softmax, ("logits",)),
        "log_softmax_cross_entropy": Library(optax.softmax_cross_entropy, ("log_probs", "targets")),
        "get_forward_fn": None,
    },
    cases=(
        Case(
            name="published",
            tries="the published values: both classes have equal logits, so every probability is 0.5",
            draw=_published,
            drive=_drive_published,
            tolerance=PUBLISHED,
            stated=_PUBLISHED_RESULT,
            misconception="One of the terms is not what the exercise asks for.",
            look=_FORMULA,
            names=_NAMES,
            shown=("params", "batch_stats", "y_labeled", "y_unlabeled", *_SETTINGS),
        ),
        Case(
            name="distinct logits",
            tries="distinct logits, four of seven weak views confident, strong views that disagree",
            draw=_mixed,
            drive=_drive,
            tolerance=FLOAT32,
            misconception="One of the terms is not what the exercise asks for.",
            look=_FORMULA,
            names=_NAMES,
            shown=_SHOWN,
            seed=1,
        ),
        Case(
            name="at the threshold",
            tries="weak views whose probability is exactly the threshold",
            draw=_at_the_threshold,
            drive=_drive,
            tolerance=FLOAT32,
            misconception="A probability equal to the threshold has to count.",
            look="The mask is 1 where max q ≥ τ.",
            names=_NAMES,
            shown=_SHOWN,
            seed=2,
        ),
        Case(
            name="none confident",
            tries="a batch in which no weak view is confident",
            draw=_none_confident,
            drive=_drive,
            tolerance=FLOAT32,
            misconception="With no confident image the unsupervised loss is 0.",
            look="Look at what the masked loss is divided by.",
            names=_NAMES,
            shown=_SHOWN,
            seed=3,
        ),
        Case(
            name="small batches",
            tries="one labeled and three unlabeled images of three classes",
            draw=_small_batches,
            drive=_drive,
            tolerance=FLOAT32,
            misconception="A batch size or a number of classes is hard-coded.",
            look="Read sizes from the inputs, and the number of classes from hparams.",
            names=_NAMES,
            shown=_SHOWN,
            seed=4,
        ),
        Case(
            name="one unlabeled image",
            tries="five labeled images and one unlabeled image",
            draw=_one_unlabeled,
            drive=_drive,
            tolerance=FLOAT32,
            misconception="A batch of one unlabeled image is a batch too.",
            look="Look for squeeze, and at the axes of the maximum and of the most probable class.",
            names=_NAMES,
            shown=_SHOWN,
            seed=7,
        ),
        Case(
            name="large logits",
            tries="logits of 10,000",
            draw=_large_logits,
            drive=_drive,
            tolerance=_LARGE,
            misconception="An exponential overflows, or the logarithm of 0 is taken.",
            look="Stay with log-probabilities, and compare them with the logarithm of the threshold.",
            names=_NAMES,
            shown=_SHOWN,
            seed=5,
        ),
        Case(
            name="gradient",
            tries="the gradient for the parameters under jit, as train_step computes it",
            draw=_mixed,
            drive=_drive_gradient,
            tolerance=FLOAT32,
            misconception="The values are right, but the gradient is not: the network learns something else.",
            look="The gradient comes from the labeled images, the strong views and the weight decay.",
            names=_GRADIENT_NAMES,
            shown=_SHOWN,
            seed=6,
        ),
        Case(
            name="called again",
            tries="three calls of one loss function, the last with the inputs of the first",
            draw=_two_batches,
            drive=_drive_again,
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=names_of_calls(_CALLS, _RESULT),
            shown=_SHOWN,
            seed=8,
        ),
    ),
)

CHECKS = (GET_FIXMATCH_LOSS_FN,)
