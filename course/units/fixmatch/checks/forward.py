"""Check of ``get_forward_fn``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Function, names_of_calls, other, uniform
from course.checks.jax_functions import arrays
from course.checks.mocks import BatchCoupledModel, MockModel
from course.checks.plain import Plain
from course.checks.programs import compiled, together
from course.checks.purity import trace
from course.units.fixmatch.checks.common import CLASSES, PUBLISHED, draw_batch_stats, draw_params, images_of

_ARGUMENTS = ("params", "batch_stats", "x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
_OUTPUTS = {
    "[0]": "logits of the labeled images",
    "[1]": "logits of the weak views",
    "[2]": "logits of the strong views",
    "[3]": "new batch_stats",
}
_MEAN = '[3]["norm"]["mean"]'
_CALLS = ("first call", "second call", "third call, with the first inputs")
_PUBLISHED: Plain = [
    np.array([[0.54, 0.54]]),
    np.array([[0.675, 0.675], [0.81, 0.81]]),
    np.array([[0.945, 0.945], [1.08, 1.08]]),
    np.array(0),
]


def _published(rng: np.random.RandomState) -> Inputs:
    return {
        "params": -1,
        "batch_stats": 1,
        "x_labeled": np.full((1, 32, 32, 3), 0.5),
        "x_unlabeled_weak": np.full((2, 32, 32, 3), 0.8),
        "x_unlabeled_strong": np.full((2, 32, 32, 3), 0.3),
    }


def draw_batches(*sizes: int) -> Callable[[np.random.RandomState], Inputs]:
    """A draw of images, parameters and statistics, with weights for a scalar of the outputs.

    Args:
        sizes: of the labeled images, the weak and the strong views.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        images = [images_of(uniform(rng, (n, CLASSES), -2.0, 2.0), rng) for n in sizes]
        inputs = dict(zip(_ARGUMENTS, [draw_params(rng), draw_batch_stats(rng), *images], strict=True))
        return inputs | {"weights": [uniform(rng, (n, CLASSES)) for n in sizes]}

    return draw


def two_calls(rng: np.random.RandomState) -> Inputs:
    """A draw of two batches, of sizes that other cases have too."""
    return draw_batches(3, 5, 5)(rng) | other(draw_batches(1, 1, 1)(rng))


def _call_once(call: Call, function: Function, inputs: Inputs, model: Any) -> Any:
    forward = call(function, model)
    return together(functools.partial(call, forward))(*(arrays(inputs[name]) for name in _ARGUMENTS))


def _drive_published(call: Call, function: Function, inputs: Inputs) -> Any:
    return _call_once(call, function, inputs, MockModel())


def _drive_batches(call: Call, function: Function, inputs: Inputs) -> Any:
    model = BatchCoupledModel()
    returned = _call_once(call, function, inputs, model)
    return {"images in each call of model.apply": model.batches, "returned": returned}


def _drive_sizes(call: Call, function: Function, inputs: Inputs) -> Any:
    """How many rows each batch gets, and the first: all of them would fill the file of expected values."""
    returned = _call_once(call, function, inputs, BatchCoupledModel())
    logits = [np.atleast_2d(part) for part in returned[:3]]
    return {"rows": [len(part) for part in logits], "first row": [part[:1] for part in logits]}


def _drive_gradient(call: Call, function: Function, inputs: Inputs) -> Any:
    forward = call(function, BatchCoupledModel())

    def scalar(params: Any, rest: list[Any], weights: list[jax.Array]) -> jax.Array:
        outputs = call(forward, params, *rest)[:3]
        return sum((jnp.sum(w * y) for w, y in zip(weights, outputs, strict=True)), jnp.zeros(()))

    params, *rest = (arrays(inputs[name]) for name in _ARGUMENTS)
    return compiled(jax.grad(scalar))(params, rest, arrays(inputs["weights"]))


def _drive_again(call: Call, function: Function, inputs: Inputs) -> Any:
    """Three calls of one forward function, the last with the first inputs, and one inside jit."""
    forward = call(function, BatchCoupledModel())
    first = [arrays(inputs[name]) for name in _ARGUMENTS]
    second = [arrays(inputs[f"other {name}"]) for name in _ARGUMENTS]

    def in_turn(first: list[Any], second: list[Any]) -> dict[str, Any]:
        return {name: call(forward, *args) for name, args in zip(_CALLS, (first, second, first), strict=True)}

    returned = together(in_turn)(first, second)
    trace(call, forward, *first)
    return returned


_BATCH_NAMES = {f'returned["returned"]{place}': name for place, name in _OUTPUTS.items()} | {
    'returned["images in each call of model.apply"]': "number of images in each call of model.apply",
    'returned["images in each call of model.apply"][0]': "number of images in the call of model.apply",
    'returned["returned"]' + _MEAN: "new batch_stats",
}

GET_FORWARD_FN = Check(
    name="get_forward_fn",
    cases=(
        Case(
            name="published",
            tries="the published values: a model whose logits show which row of the batch an image is in",
            draw=_published,
            drive=_drive_published,
            tolerance=PUBLISHED,
            stated=_PUBLISHED,
            misconception="The images are not joined as labeled, weak, strong, or are not split there.",
            look="Follow one image from the concatenation to the split.",
            names={f"returned{place}": name for place, name in _OUTPUTS.items()},
            shown=("params", "batch_stats"),
        ),
        Case(
            name="other sizes",
            tries="3 labeled images, 6 weak and 4 strong views, distinct logits, BatchNorm over all of them",
            draw=draw_batches(3, 6, 4),
            drive=_drive_batches,
            tolerance=FLOAT32,
            misconception="These are not the logits of one joint batch of 13 images.",
            look="Follow one image from the concatenation to the split.",
            names=_BATCH_NAMES,
            seed=1,
        ),
        Case(
            name="single images",
            tries="batches of one image each",
            draw=draw_batches(1, 1, 1),
            drive=_drive_batches,
            tolerance=FLOAT32,
            misconception="A batch of one image must keep its batch axis.",
            look="Look for squeeze, and for indexing with a number where a slice is needed.",
            names=_BATCH_NAMES,
            seed=2,
        ),
        Case(
            name="large batches",
            tries="batches of 66 labeled and 450 unlabeled images, as large as those of a long training run",
            draw=draw_batches(66, 450, 450),
            drive=_drive_sizes,
            tolerance=FLOAT32,
            misconception="The logits of large batches are not split where the images were joined.",
            look="Read the sizes from the shapes of the inputs.",
            names={
                f'returned["{part}"][{i}]': f"{words} the {name}"
                for part, words in {"rows": "number of rows in", "first row": "first row of"}.items()
                for i, name in enumerate(list(_OUTPUTS.values())[:3])
            },
            seed=5,
        ),
        Case(
            name="gradient",
            tries="the gradient for the parameters under jit, as training computes it",
            draw=draw_batches(3, 5, 5),
            drive=_drive_gradient,
            tolerance=FLOAT32,
            misconception="The values are right, but some outputs pass no gradient to the parameters.",
            look="Look for stop_gradient, and for NumPy where jax.numpy is needed.",
            names={
                'returned["dense"]["kernel"]': "gradient for the kernel",
                'returned["dense"]["bias"]': "gradient for the bias",
            },
            seed=3,
        ),
        Case(
            name="called again",
            tries="three calls of one forward function, the last with the inputs of the first",
            draw=two_calls,
            drive=_drive_again,
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=names_of_calls(_CALLS, {**_OUTPUTS, _MEAN: "new batch_stats"}),
            seed=4,
        ),
    ),
)

CHECKS = (GET_FORWARD_FN,)
