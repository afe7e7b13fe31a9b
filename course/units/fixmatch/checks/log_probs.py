"""Checks of ``logits_to_log_probs`` and ``log_softmax_cross_entropy``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Drive, Function, other, uniform
from course.checks.jax_functions import arrays
from course.checks.programs import compiled, together
from course.checks.purity import trace
from course.units.fixmatch.checks.common import PUBLISHED

Rng = np.random.RandomState

# More than the ten of CIFAR-10, which could be hard-coded.
MANY_CLASSES = 12

BFLOAT16 = Tolerance(2e-2, 4e-2, "bfloat16 keeps two to three digits")
LARGE = Tolerance(1e-5, 1e-3, "float32 keeps seven digits of numbers of this size")

_PUBLISHED_LOGITS = [[1.0, 0.2, 2.0, 3.0], [2.0, 2.0, 3.0, 0.3], [4.0, 0.1, 2.0, 3.0]]
_PUBLISHED_LOG_PROBS = [
    [-2.4472625, -3.2472625, -1.4472625, -0.44726253],
    [-1.5894322, -1.5894322, -0.58943224, -3.2894323],
    [-0.42098188, -4.320982, -2.420982, -1.4209819],
]


def _apply(*names: str) -> Drive:
    """A drive that calls the function with the named inputs."""

    def drive(call: Call, function: Function, inputs: Inputs) -> Any:
        return call(function, *(arrays(inputs[name]) for name in names))

    return drive


def _gradient(*names: str) -> Drive:
    """A drive that takes the gradient of Σ weights · output for the first named input, under jit."""

    def drive(call: Call, function: Function, inputs: Inputs) -> Any:
        def weighted(first: jax.Array, rest: list[jax.Array], weights: jax.Array) -> jax.Array:
            return jnp.sum(weights * call(function, first, *rest))

        first, *rest = (arrays(inputs[name]) for name in names)
        return compiled(jax.grad(weighted))(first, rest, arrays(inputs["weights"]))

    return drive


def _again(*names: str) -> Drive:
    """A drive that calls the function three times, the last time with the first inputs."""

    def drive(call: Call, function: Function, inputs: Inputs) -> Any:
        first = [arrays(inputs[name]) for name in names]
        second = [arrays(inputs[f"other {name}"]) for name in names]

        def in_turn(first: list[Any], second: list[Any]) -> dict[str, Any]:
            calls = zip(_CALLS, (first, second, first), strict=True)
            return {name: call(function, *args) for name, args in calls}

        returned = together(in_turn)(first, second)
        trace(call, function, *first)
        return returned

    return drive


def _in_bfloat16(call: Call, function: Function, inputs: Inputs) -> Any:
    """The result on bfloat16 logits, with its dtype: plain data have no bfloat16."""
    values = call(function, jnp.asarray(inputs["logits"].astype(jnp.bfloat16)))
    return {"dtype": str(getattr(values, "dtype", type(values).__name__)), "values": values}


_CALLS = ("the first call", "the second call, with other inputs", "the third call, with the first inputs")
_AGAIN = {f'returned["{name}"]': name for name in _CALLS}


def _published_logits(rng: Rng) -> Inputs:
    return {"logits": np.array(_PUBLISHED_LOGITS)}


def _logits(rng: Rng) -> Inputs:
    return {"logits": uniform(rng, (5, 3), -3.0, 3.0)}


def _one_row(rng: Rng) -> Inputs:
    return {"logits": uniform(rng, (1, MANY_CLASSES), -3.0, 3.0)}


def _large_logits(rng: Rng) -> Inputs:
    rows = [[1e4, 0.0, -1e4, 1.0], [-1e4, -1e4 + 1.0, -1e4, -1e4], [1e4, 1e4, 0.0, -1e4]]
    return {"logits": np.array(rows)}


def _two_batches(rng: Rng) -> Inputs:
    return _logits(rng) | other(_logits(rng))


def _short_logits(rng: Rng) -> Inputs:
    """Numbers that bfloat16 holds exactly."""
    return {"logits": np.array([[1.0, -0.5, 2.0, 0.0], [3.0, 3.0, -1.0, 1.5]])}


def _logits_and_weights(rng: Rng) -> Inputs:
    return _logits(rng) | {"weights": uniform(rng, (5, 3))}


LOGITS_TO_LOG_PROBS = Check(
    name="logits_to_log_probs",
    cases=(
        Case(
            name="published",
            tries="the published values: three rows of four logits",
            draw=_published_logits,
            drive=_apply("logits"),
            tolerance=PUBLISHED,
            stated=np.array(_PUBLISHED_LOG_PROBS),
            misconception="The result is not the logarithm of the softmax of each row.",
            look="Each row of exp(result) should sum to 1. Do they?",
            shown=("logits",),
        ),
        Case(
            name="batch",
            tries="five rows of three logits",
            draw=_logits,
            drive=_apply("logits"),
            tolerance=FLOAT32,
            misconception="The normalization does not run over the classes of each row.",
            look="Each row of exp(result) should sum to 1. Look at the axis.",
            shown=("logits",),
            seed=1,
        ),
        Case(
            name="one row",
            tries="a batch of a single image, with twelve classes",
            draw=_one_row,
            drive=_apply("logits"),
            tolerance=FLOAT32,
            misconception="The batch axis gets lost or is normalized over when the batch has one row.",
            look="Look at squeeze and reshape, and at the axis.",
            shown=("logits",),
            seed=2,
        ),
        Case(
            name="large logits",
            tries="logits of ±10,000",
            draw=_large_logits,
            drive=_apply("logits"),
            tolerance=LARGE,
            misconception="An exponential overflows or underflows before its logarithm is taken.",
            look="Subtract the row's maximum before the exponential, or use the stable function of jax.nn.",
            shown=("logits",),
        ),
        Case(
            name="gradient",
            tries="the gradient under jit, as training computes it",
            draw=_logits_and_weights,
            drive=_gradient("logits"),
            tolerance=FLOAT32,
            misconception="The values are right, but the gradient does not flow through all of the logits.",
            look="Look for stop_gradient, and for NumPy where jax.numpy is needed.",
            names={"returned": "gradient of a weighted sum of your output with respect to the logits"},
            shown=("logits", "weights"),
            seed=3,
        ),
        Case(
            name="bfloat16",
            tries="logits in bfloat16, a common dtype for training on GPUs and TPUs",
            draw=_short_logits,
            drive=_in_bfloat16,
            tolerance=BFLOAT16,
            # To five digits; the result has to be in bfloat16, which holds two to three of them.
            stated={
                "dtype": "bfloat16",
                "values": np.array(
                    [[-1.46353, -2.96353, -0.46353, -2.46353], [-0.81316, -0.81316, -4.81316, -2.31316]]
                ),
            },
            misconception="For bfloat16 logits, the dtype or the values of the result are wrong.",
            look="The result keeps the dtype of the logits: look for astype and for a dtype in your code.",
            names={'returned["dtype"]': "dtype of the result", 'returned["values"]': "the result"},
            shown=("logits",),
        ),
        Case(
            name="called again",
            tries="three calls, the last with the inputs of the first, and one inside jit",
            draw=_two_batches,
            drive=_again("logits"),
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=_AGAIN,
            shown=("logits", "other logits"),
            seed=4,
        ),
    ),
)


def targets_of(labels: list[int] | np.ndarray, classes: int) -> np.ndarray:
    """One-hot rows (n, classes) of labels (n,)."""
    return np.eye(classes)[np.asarray(labels)]


def log_of_distribution(rng: Rng, rows: int, classes: int) -> np.ndarray:
    """Logarithms of random probabilities: positive numbers scaled to sum to 1 in each row."""
    weights = rng.uniform(0.05, 1.0, (rows, classes))
    return np.log(weights / weights.sum(axis=1, keepdims=True))


def _published_targets(rng: Rng) -> Inputs:
    return {"log_probs": np.array(_PUBLISHED_LOG_PROBS), "targets": targets_of([1, 2, 3], 4)}


def _some_targets(rng: Rng) -> Inputs:
    return {"log_probs": log_of_distribution(rng, 5, 3), "targets": targets_of(rng.randint(0, 3, 5), 3)}


def _one_target(rng: Rng) -> Inputs:
    log_probs = log_of_distribution(rng, 1, MANY_CLASSES)
    return {"log_probs": log_probs, "targets": targets_of([MANY_CLASSES - 1], MANY_CLASSES)}


def _improbable_targets(rng: Rng) -> Inputs:
    log_probs = np.array([[0.0, -1e4, -2e4, -3e4], [-2e4, 0.0, -1e4, -3e4], [-3e4, -2e4, 0.0, -1e4]])
    return {"log_probs": log_probs, "targets": targets_of([1, 0, 3], 4)}


def _two_batches_of_targets(rng: Rng) -> Inputs:
    return _some_targets(rng) | other(_some_targets(rng))


def _targets_and_weights(rng: Rng) -> Inputs:
    return _some_targets(rng) | {"weights": uniform(rng, (5,))}


def _gradient_of_loss(call: Call, function: Function, inputs: Inputs) -> Any:
    """The gradient for the log-probabilities along the changes that keep each row normalized.

    A function that normalizes once more changes nothing for log-probabilities; the gradients differ only in
    the direction that leaves them, which is taken out here.
    """
    gradient = np.asarray(_gradient("log_probs", "targets")(call, function, inputs))
    probs = np.exp(inputs["log_probs"])
    return gradient - probs * gradient.sum(axis=-1, keepdims=True)


LOG_SOFTMAX_CROSS_ENTROPY = Check(
    name="log_softmax_cross_entropy",
    cases=(
        Case(
            name="published",
            tries="the published values: three samples, whose mean is 1.7526",
            draw=_published_targets,
            drive=_apply("log_probs", "targets"),
            tolerance=PUBLISHED,
            stated=np.array([3.2472625, 0.58943224, 1.4209819]),
            misconception="The numbers are not −log p(label) of each sample.",
            look="Write out the sum over the classes by hand for one row.",
            shown=("log_probs", "targets"),
        ),
        Case(
            name="batch",
            tries="five samples of three classes, one number for each",
            draw=_some_targets,
            drive=_apply("log_probs", "targets"),
            tolerance=FLOAT32,
            misconception="The numbers are not −log p(label) of each sample.",
            look="Each sample needs the sum over its classes, with a minus sign.",
            shown=("log_probs", "targets"),
            seed=1,
        ),
        Case(
            name="one sample",
            tries="a batch of a single sample, of the last of twelve classes",
            draw=_one_target,
            drive=_apply("log_probs", "targets"),
            tolerance=FLOAT32,
            misconception="A batch of one sample must still give an array of one number.",
            look="Look at squeeze, reshape and the axis of the sum.",
            shown=("log_probs", "targets"),
            seed=2,
        ),
        Case(
            name="improbable labels",
            tries="log-probabilities of −10,000",
            draw=_improbable_targets,
            drive=_apply("log_probs", "targets"),
            tolerance=LARGE,
            misconception="The log-probabilities go through an exponential, which underflows.",
            look="The inputs already are logarithms: neither exp nor log is needed.",
            shown=("log_probs", "targets"),
        ),
        Case(
            name="gradient",
            tries="the gradient under jit, as training computes it",
            draw=_targets_and_weights,
            drive=_gradient_of_loss,
            tolerance=FLOAT32,
            misconception="The values are right, but the gradient does not come from the label alone.",
            look="Look for stop_gradient, and for NumPy where jax.numpy is needed.",
            names={"returned": "gradient of a weighted sum of your output, along normalized log_probs"},
            shown=("log_probs", "targets", "weights"),
            seed=3,
        ),
        Case(
            name="called again",
            tries="three calls, the last with the inputs of the first, and one inside jit",
            draw=_two_batches_of_targets,
            drive=_again("log_probs", "targets"),
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=_AGAIN,
            shown=("log_probs", "targets", "other log_probs", "other targets"),
            seed=4,
        ),
    ),
)

CHECKS = (LOGITS_TO_LOG_PROBS, LOG_SOFTMAX_CROSS_ENTROPY)
