"""Check of ``get_validate_fn``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import jax
import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.earlier import called_names, stand_ins
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, Draw, Function, uniform
from course.checks.jax_functions import arrays, eager
from course.checks.mocks import EvaluationModel, MockGetParams, ModelMisuse, ValMockModel
from course.checks.purity import Watch, traces_now
from course.units.fixmatch.checks.common import (
    CLASSES,
    PUBLISHED,
    draw_batch_stats,
    draw_params,
    images_of,
    numpy_arrays,
    require_numbers,
)


def _published(rng: np.random.RandomState) -> Inputs:
    """10,000 labels, 1,000 of them nines of which none is among the last 16, in batches of 128."""
    first = np.concatenate([np.full(1000, 9), rng.randint(0, 9, 8984)])
    labels = np.concatenate([rng.permutation(first), rng.randint(0, 9, 16)])
    return {"opt_state": 1.2, "batch_stats": 0.9, "labels": labels, "batch size": 128}


# As many as the published values have, so that what averages their rates is compiled already.
MANY = (4,) * 79


def black(labels: np.ndarray, size: int) -> list[list[np.ndarray]]:
    """Mini-batches of black images, for a model whose answers do not depend on them."""
    images = np.zeros((len(labels), 1, 1, 3))
    return [[images[i : i + size], labels[i : i + size]] for i in range(0, len(labels), size)]


def _shares_of_wrong(rng: np.random.RandomState, sizes: tuple[int, ...]) -> list[np.ndarray]:
    """Which images of each mini-batch are predicted wrongly.

    Some and not all: where all are wrong, it does not show that a mini-batch is filled up with images that
    count as wrong. Of a few mini-batches each has another share.
    """
    while True:
        wrong = [rng.permutation(n) < rng.randint(1, max(n, 2)) for n in sizes]
        if len({mask.mean() for mask in wrong}) == len(sizes) or len(sizes) > 3:
            return wrong


def draw_batches(*sizes: int, level: float = 0.0, gap: float = 4.0) -> Draw:
    """A draw of batches in which some images are predicted wrongly.

    The logits are near ``level``, the largest of each image by ``gap`` above.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        batches, top = [], []
        for n, wrong in zip(sizes, _shares_of_wrong(rng, sizes), strict=True):
            # A single image is of the first class, and not predicted so: whoever always answers 0 is found.
            labels = rng.randint(0, CLASSES if n > 1 else 1, n)
            predicted = np.where(wrong, (labels + 1) % CLASSES, labels)
            logits = level + gap * np.eye(CLASSES)[predicted] + uniform(rng, (n, CLASSES), -0.5, 0.5)
            batches.append([images_of(logits, rng), labels])
            top.append(predicted)
        return {
            "opt_state": {"parameters": draw_params(rng), "momentum": draw_params(rng)},
            "batch_stats": draw_batch_stats(rng),
            "batches": batches,
            # For the report alone: the labels, and the classes that the model finds most probable.
            "labels": [labels for _, labels in batches],
            "predictions": top,
        }

    return draw


def two_states(*sizes: int) -> Draw:
    """A draw of batches with two optimizer states and statistics, of which the second exchange classes."""

    def draw(rng: np.random.RandomState) -> Inputs:
        inputs = draw_batches(*sizes)(rng)
        exchanged = [1, 0, 2, 3]
        kernel = inputs["opt_state"]["parameters"]["dense"]["kernel"][:, exchanged]
        parameters = {"dense": {"kernel": kernel, "bias": uniform(rng, (CLASSES,), -0.05, 0.05)}}
        later = {"parameters": parameters, "momentum": inputs["opt_state"]["momentum"]}
        # A mean of 4.5 for the last class is enough to change predictions.
        later_stats = {"norm": {"mean": np.array([0.0, 0.0, 0.0, 4.5])}}
        return inputs | {"later opt_state": later, "later batch_stats": later_stats}

    return draw


class _OtherBatches:
    """Stands in for the notebook's ``val_batches``, which is only the default of an argument.

    A function that reads it as a global gets other images than those that it was given. What it then says is
    about their shapes, or about nothing at all where both are the same.
    """

    def _refuse(self, *args: object) -> NoReturn:
        raise ModelMisuse("validate reads the notebook's val_batches, not the batches that it was given.")

    __iter__ = __len__ = __getitem__ = __next__ = _refuse


def _own_batches(
    drive: Callable[[Call, Function, Inputs], Any],
) -> Callable[[Call, Function, Inputs], Any]:
    """A drive that notices where the notebook's batches are read in place of the case's."""

    @functools.wraps(drive)
    def with_own_batches(call: Call, function: Function, inputs: Inputs) -> Any:
        read = called_names(function, ["val_batches"])
        with stand_ins(function, dict.fromkeys(read, _OtherBatches())):
            return drive(call, function, inputs)

    return with_own_batches


class Loader:
    """Mini-batches as `course.data.loaders.NumpyLoader` gives them.

    It has a length and no positions, and each loop over it finds new arrays.

    Args:
        batches: pairs of images and labels, arrays of NumPy of any precision.
    """

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = [numpy_arrays(batch) for batch in batches]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        return ([array.copy() for array in batch] for batch in self._batches)


def _parameters_of(opt_state: dict[str, Any]) -> Any:
    """The get_params of these cases."""
    return opt_state["parameters"]


@_own_batches
def _drive_published(call: Call, function: Function, inputs: Inputs) -> Any:
    batches = Loader(black(inputs["labels"], inputs["batch size"]))
    validate = call(function, MockGetParams(), ValMockModel(), batches=batches)
    return call(validate, arrays(inputs["opt_state"]), arrays(inputs["batch_stats"]))


@_own_batches
@eager
def _drive_batches(call: Call, function: Function, inputs: Inputs) -> Any:
    batches = Loader(inputs["batches"])
    validate = call(function, _parameters_of, EvaluationModel(), batches=batches)
    return call(validate, arrays(inputs["opt_state"]), arrays(inputs["batch_stats"]))


@_own_batches
def _drive_two_states(call: Call, function: Function, inputs: Inputs) -> Any:
    batches = Loader(inputs["batches"])
    validate = call(function, _parameters_of, EvaluationModel(), batches=batches)
    returned = {
        name: call(validate, arrays(inputs[state]), arrays(inputs[stats]))
        for name, (state, stats) in _STATES.items()
    }
    for metrics in returned.values():
        require_numbers(metrics)
    return returned


# Call → the names of its inputs.
_STATES = {
    "of the first call": ("opt_state", "batch_stats"),
    "after the parameters changed": ("later opt_state", "batch_stats"),
    "after the batch_stats changed": ("opt_state", "later batch_stats"),
    "of the first state again": ("opt_state", "batch_stats"),
}


class TracedLoop(AssertionError):
    """JAX traces the work on every mini-batch, and not on one of them."""


# Of one call of validate with mini-batches of one size: a program is traced once, a scan up to twice, and
# shapes may be asked for beforehand. None of that grows with the number of mini-batches.
_TRACES = 8


class _WatchedModel(EvaluationModel):
    """An EvaluationModel that notes the traces in which it is applied, and refuses when they become many."""

    def __init__(self) -> None:
        self.watch = Watch()
        self._traced = 0  # times

    def apply(self, variables: Any, x: jax.Array, *, mutable: Any = False) -> jax.Array:
        """As :meth:`EvaluationModel.apply`. Raises TracedLoop."""
        self.watch.note(variables, x)
        self._traced += any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((variables, x)))
        if self._traced > _TRACES:
            where = "in one program" if self.watch.traces <= _TRACES else "each time for another program"
            raise TracedLoop(f"the network is traced once for each mini-batch, {where}")
        return super().apply(variables, x, mutable=mutable)


class _WatchedLoader(Loader):
    """Mini-batches that refuse to be read while JAX traces, which makes constants of a program of them."""

    _traced = 0  # times

    def __iter__(self) -> Iterator[Any]:
        for batch in super().__iter__():
            self._traced += traces_now()
            if self._traced > _TRACES:
                raise TracedLoop("the mini-batches are read inside of a compiled function")
            yield batch


@_own_batches
def _drive_watched(call: Call, function: Function, inputs: Inputs) -> Any:
    """One call; whatever the function compiles for it keeps no traced values, and is compiled once."""
    batches = _WatchedLoader(inputs["batches"])
    model = _WatchedModel()
    with jax.disable_jit(False):
        validate = call(function, _parameters_of, model, batches=batches)
        returned = call(validate, arrays(inputs["opt_state"]), arrays(inputs["batch_stats"]))
    model.watch.conclude()
    return returned


_NAMES = {'returned["val error rate"]': "the validation error rate"}

GET_VALIDATE_FN = Check(
    name="get_validate_fn",
    cases=(
        Case(
            name="published",
            tries="the published value: 1,000 of 10,000 labels are nines, and the model always answers 9",
            draw=_published,
            drive=_drive_published,
            tolerance=PUBLISHED,
            stated={"val error rate": 0.9011076},
            misconception="The result is not the mean over mini-batches of the share of wrong predictions.",
            look="Compute the error rate of one mini-batch by hand, then the mean of these rates.",
            names=_NAMES,
            shown=("opt_state", "batch_stats"),
        ),
        Case(
            name="smaller last batch",
            tries="batches of 6, 6 and 3 images with distinct logits",
            draw=draw_batches(6, 6, 3),
            drive=_drive_batches,
            tolerance=FLOAT32,
            misconception="The result is not the mean over mini-batches of the share of wrong predictions.",
            look="Look at the axis of argmax, and at what you average over.",
            names=_NAMES,
            shown=("labels", "predictions"),
            seed=1,
        ),
        Case(
            name="one image",
            tries="one batch of a single image",
            draw=draw_batches(1),
            drive=_drive_batches,
            tolerance=FLOAT32,
            misconception="A batch of one image is a batch too.",
            look="Look for squeeze, and at the axis of argmax.",
            names=_NAMES,
            shown=("labels", "predictions"),
            seed=2,
        ),
        Case(
            name="called again",
            tries="the same validate function for a later training state",
            draw=two_states(7, 7),
            drive=_drive_two_states,
            tolerance=FLOAT32,
            misconception="A later call ignores its own opt_state or batch_stats, or finds no batches left.",
            look="Read the parameters inside validate, and iterate over batches again in every call.",
            names={f'returned["{name}"]["val error rate"]': f"the error rate {name}" for name in _STATES},
            seed=3,
        ),
        Case(
            name="large logits",
            tries="logits of −10,000 and −5,000",
            draw=draw_batches(6, 6, 3, level=-1e4, gap=5e3),
            drive=_drive_batches,
            tolerance=FLOAT32,
            misconception="Predictions are lost in exponentials that overflow or become 0.",
            look="The largest logit has the largest probability: no softmax is needed.",
            names=_NAMES,
            shown=("labels", "predictions"),
            seed=4,
        ),
        Case(
            name="nothing kept",
            tries="79 batches, while a watch is kept on what JAX traces: how often, and what is kept of it",
            draw=draw_batches(*MANY),
            drive=_drive_watched,
            tolerance=FLOAT32,
            misconception=KEPT,
            look=KEPT_LOOK,
            names=_NAMES,
            seed=5,
        ),
    ),
)

CHECKS = (GET_VALIDATE_FN,)
