"""Check of ``flexmatch_loss``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.earlier import Mock
from course.checks.functions import FLOAT32, names_of_calls, other
from course.checks.left_behind import ONE_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import recorded, tensors
from course.checks.torch_kinds import Need, handed_on
from course.units.flexmatch.checks.batches import (
    BATCH,
    FAIRLY_SURE,
    LABELED,
    METRICS,
    SHOWN,
    SURE,
    UNSURE,
    Rng,
    batch_of,
    hparams_of,
    network_of,
    settings,
    views,
)
from course.units.flexmatch.checks.mocks import mock_fixmatch_loss

Function = Callable[..., Any]

MEDIUM = 1.6  # a gap whose probability is near .6 with four classes
WEAK = [UNSURE, MEDIUM, SURE, FAIRLY_SURE, UNSURE, MEDIUM, SURE, FAIRLY_SURE, UNSURE, MEDIUM]
TOP = [0, 3, 1, 3, 2, 0, 3, 0, 3, 2]
STRONG = [2.0, 7.0, 3.0, 1.5, 7.0, 0.5, 0.8, 2.5, 1.0, 4.0]

_PLACE = 'returned["returned"]'
_NAMES = {
    f'{_PLACE}[2]["error rate"]': "the metric 'error rate'",
    **{f'{_PLACE}[2]["threshold/{c}"]': f"the metric 'threshold/{c}'" for c in range(6)},
    **{f'{_PLACE}[2]["{metric}"]': f"the metric {metric!r}" for metric in METRICS},
    f"{_PLACE}[0]": "the total loss",
    f'{_PLACE}[1]["latest"]': 'û after the step, state["latest"]',
    f"{_PLACE}[1]": "the state",
    f"{_PLACE}[2]": "the metrics",
    _PLACE: "the triple (total loss, state, metrics)",
    'returned["forward passes"]': "the number of forward passes",
}
_GRADIENTS = {
    'returned["dense.weight"]': "the gradient for the kernel",
    'returned["dense.bias"]': "the gradient for the bias",
}
_STEPS = ("step 1", "step 2", "step 3")
_STEP = {
    **{f'[2]["threshold/{c}"]': f"the metric 'threshold/{c}'" for c in range(4)},
    **{f'[2]["{metric}"]': f"the metric {metric!r}" for metric in METRICS},
    '[1]["latest"]': "û after it",
    "[0]": "the total loss",
}
_SHOWN = ("latest", "index", *SHOWN)
_LOOK = "Go through algorithm 1: thresholds from the old û, the mask by them, the new û by the fixed τ."


def latest_of(rng: Rng, counts: list[int], without: int) -> np.ndarray:
    """û with a given number of images of each class, and of images without a label."""
    return rng.permutation(np.repeat(np.arange(-1, len(counts)), [without, *counts]))


def some_labels(rng: Rng) -> Inputs:
    """Thresholds near .5, .07, .24 and .9, after the warm-up; images of each class on both sides."""
    drawn = views(rng, labeled=LABELED, weak=WEAK, strong=STRONG, top_weak=np.array(TOP))
    latest = latest_of(rng, [10, 2, 6, 14], 8)
    index = rng.permutation(len(latest))[: len(WEAK)]
    chosen = settings(weight_decay=0.04, lambda_u=0.6, T=1.0, threshold=0.9)
    return {"latest": latest, "index": index} | drawn | chosen


def warm_up(rng: Rng) -> Inputs:
    """More images are without a label than any class has; thresholds near .7, .06, .2 and .06."""
    return some_labels(rng) | {"latest": latest_of(rng, [14, 2, 6, 2], 16), "lambda_u": 1.2}


def nothing_labeled(rng: Rng) -> Inputs:
    """The first step."""
    inputs = some_labels(rng)
    return inputs | {"latest": np.full_like(inputs["latest"], -1)}


def all_labeled(rng: Rng) -> Inputs:
    """No image is without a label; one class has many more than the others.

    Images reach τ by the temperature alone, and below .95.
    """
    chosen = {"T": 0.5, "lambda_u": 1.4, "threshold": 0.75}
    return some_labels(rng) | {"latest": latest_of(rng, [5, 9, 20, 6], 0)} | chosen


def small_batches(rng: Rng) -> Inputs:
    """Six classes, and fewer unlabeled images in the batch than classes."""
    drawn = views(rng, labeled=[1.0, 2.0], weak=[SURE, UNSURE, MEDIUM], strong=[1.0, 2.0, 0.5], n_classes=6)
    latest = latest_of(rng, [3, 1, 4, 2, 0, 5], 2)
    index = rng.permutation(len(latest))[:3]
    chosen = settings(weight_decay=0.02, lambda_u=1.5, T=0.9, threshold=0.7, n_classes=6)
    return {"latest": latest, "index": index} | drawn | chosen


def three_steps(rng: Rng) -> Inputs:
    """Two batches with their positions, taken in turn: the first again in the third step."""
    first, second = some_labels(rng), some_labels(rng)
    return first | other({name: second[name] for name in (*BATCH, "index")})


def _state(inputs: Inputs) -> dict[str, Any]:
    return {"latest": tensors(inputs["latest"])}


def _drive(call: Call, function: Function, inputs: Inputs) -> Any:
    model = network_of(inputs)
    returned = call(function, model, _state(inputs), batch_of(inputs, "index"), hparams_of(inputs))
    return {"returned": returned, "forward passes": len(model.batches)}


def _drive_gradient(call: Call, function: Function, inputs: Inputs) -> Any:
    """The gradient for the parameters, as a training step computes it."""
    model = network_of(inputs)
    total, *_ = call(function, model, _state(inputs), batch_of(inputs, "index"), hparams_of(inputs))
    total.backward()
    return model.gradients()


def _drive_steps(call: Call, function: Function, inputs: Inputs) -> Any:
    """Three steps without an update of the weights; each is given the state that the one before returned."""
    model, hparams, state = network_of(inputs), hparams_of(inputs), _state(inputs)
    first = batch_of(inputs, "index")
    second = {name: tensors(inputs[f"other {name}"]) for name in (*BATCH, "index")}
    returned = {}
    for name, batch in zip(_STEPS, (first, second, first), strict=True):
        returned[name] = call(function, model, state, batch, hparams)
        _, state, _ = returned[name]
    return returned


def _case(name: str, tries: str, draw: Callable[[Rng], Inputs], seed: int, **more: Any) -> Case:
    facts: dict[str, Any] = {
        "drive": _drive,
        "tolerance": FLOAT32,
        "misconception": "Mask, thresholds or û are not what the exercise asks for.",
        "look": _LOOK,
        "names": _NAMES,
    }
    return Case(name=name, tries=tries, draw=draw, seed=seed, shown=_SHOWN, **(facts | more))


FLEXMATCH_LOSS = Check(
    name="flexmatch_loss",
    uses={
        "fixmatch_loss": Mock(mock_fixmatch_loss),
        "learning_status": recorded("latest", "n_classes"),
        "flexible_thresholds": recorded("counts", "n_unlabeled", "threshold"),
        "flexible_mask": recorded(
            "confidence",
            "pseudo_labels",
            "thresholds",
            by_row=("confidence", "pseudo_labels"),
            any_precision=True,
        ),
        "remember_labels": recorded("latest", "index", "confidence", "pseudo_labels", "threshold"),
    },
    cases=(
        _case(
            "some labels",
            "40 images, 32 of them with a label, and a batch with sure and unsure images of each class",
            some_labels,
            1,
        ),
        _case(
            "nothing labeled yet",
            "the first step: no image has a label, so all thresholds are 0",
            nothing_labeled,
            2,
            misconception="In the first step every image counts, and only the confident ones are remembered.",
        ),
        _case(
            "during the warm-up",
            "40 images, 16 of them without a label: more than any class has",
            warm_up,
            7,
        ),
        _case("all labeled", "40 images that all have a label", all_labeled, 3),
        _case(
            "small batches",
            "six classes, two labeled images and three unlabeled ones",
            small_batches,
            4,
            misconception="A batch size or a number of classes is hard-coded.",
            look="Read sizes from the tensors, and the number of classes from hparams.",
        ),
        _case(
            "gradient",
            "the gradient for the parameters, as a training step computes it",
            some_labels,
            5,
            drive=_drive_gradient,
            names=_GRADIENTS,
            misconception="The values are right, but the gradient is not: the network learns something else.",
            look="The loss comes from fixmatch_loss; none of it has to be detached.",
        ),
        _case(
            "three steps",
            "three steps, each with the state that the previous one returned",
            three_steps,
            6,
            drive=_drive_steps,
            names=names_of_calls(_STEPS, _STEP),
            misconception="What a step remembers does not reach the next one through the state.",
            look='Read û from state["latest"], and return the new one; keep nothing outside of the function.',
        ),
    ),
)


def _remembered(returned: Any) -> Any:
    return returned[1]["latest"]


CHECKS = (
    also_on_a_gpu(
        handed_on(nothing_left_behind(FLEXMATCH_LOSS, ONE_MODEL), {"û": Need.WHOLE}, parts=_remembered)
    ),
)
