"""Check of ``fixmatch_loss``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, names_of_calls, other
from course.checks.images import CLASSES, logits_of
from course.checks.left_behind import ONE_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on
from course.checks.torch_mocks import IMAGE
from course.units.flexmatch.checks.batches import (
    BATCH,
    FAIRLY_SURE,
    LABELED,
    METRICS,
    SHOWN,
    STRONG,
    SURE,
    SURE_AT_HALF,
    UNSURE,
    batch_of,
    hparams_of,
    network_of,
    settings,
    views,
)

Rng = np.random.RandomState
Function = Callable[..., Any]

LARGE = Tolerance(1e-4, 1e-3, "float32 keeps seven digits of numbers of this size")
# A gap whose probability is above .95 at a temperature of ½, and below .9 without.
SURE_BY_T = 2.4
# What fixmatch_loss has to hand on untouched.
REMEMBERED = [3, 0, 2]

_METRICS = {f'[2]["{metric}"]': f"the metric {metric!r}" for metric in METRICS}
_RESULT = _METRICS | {
    "[0]": "the total loss",
    "[1]": "the state",
    '[1]["confidence"]': "the probabilities that the rule was given",
    '[1]["pseudo_labels"]': "the pseudo-labels that the rule was given",
    '[1]["remembered"]': "the rule's new state",
    "[2]": "the metrics",
    "": "the triple (total loss, state, metrics)",
}
_NAMES = {
    **{f'returned["returned"]{place}': name for place, name in _METRICS.items()},
    'returned["forward passes"]': "the number of forward passes",
    **{f'returned["returned"]{place}': name for place, name in _RESULT.items()},
    'returned["statistics"]["norm.num_batches_tracked"]': "how many batches BatchNorm has counted",
    'returned["statistics"]["norm.running_mean"]': "BatchNorm's running mean",
    'returned["statistics"]["norm.running_var"]': "BatchNorm's running variance",
}
_CALLS = ("first call", "second call", "third call, with the first batch")
_GRADIENTS = {
    'returned["dense.weight"]': "the gradient for the kernel",
    'returned["dense.bias"]': "the gradient for the bias",
}
_MISCONCEPTION = "One of the terms is not what the exercise asks for."
_LOOK = "Compute L_s, L_u and the weight decay by hand for two images, and compare them with your metrics."


def mixed(rng: Rng) -> Inputs:
    """Of seven unlabeled images four are confident, one of these below .95, and by its temperature alone.

    The strong views differ.
    """
    weak = [SURE, UNSURE, SURE, SURE_AT_HALF, UNSURE, SURE, UNSURE]
    drawn = views(rng, labeled=LABELED, weak=weak, strong=STRONG)
    return drawn | settings(weight_decay=0.04, lambda_u=0.6, T=0.5, threshold=0.8)


def certain(rng: Rng, labeled: list[float], sure: np.ndarray, strong: list[float]) -> Inputs:
    """Views of which the ``sure`` weak ones, bool (μB,), have a probability of exactly 1.

    Their other logits are near −800, of which the exponential is 0; that of the largest stays a number.
    """
    drawn = views(rng, labeled=labeled, weak=[800.0 if one else UNSURE for one in sure], strong=strong)
    images = drawn["x_unlabeled_weak"].reshape(len(sure), -1).copy()
    images[sure, :CLASSES] -= 800.0
    drawn["x_unlabeled_weak"] = images.reshape(-1, *IMAGE)
    return drawn | {"logits of x_unlabeled_weak": logits_of(drawn, images)}


def at_the_threshold(rng: Rng) -> Inputs:
    """Three weak views have a probability of exactly 1, which is the threshold."""
    sure = np.array([True, False, True, False, False, True, False])
    chosen = settings(weight_decay=0.02, lambda_u=2.0, T=1.0, threshold=1.0)
    return certain(rng, LABELED, sure, STRONG) | chosen


def near_the_threshold(drawn: Inputs) -> Inputs:
    """The same views with a τ that the surest one of those below .9 misses by a little."""
    powers = np.exp(drawn["logits of x_unlabeled_weak"])
    largest = (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)
    return drawn | {"T": 1.0, "threshold": round(float(largest[largest < 0.9].max()) + 0.002, 4)}


def none_confident(rng: Rng) -> Inputs:
    """No weak view reaches τ."""
    drawn = views(rng, labeled=LABELED, weak=[UNSURE] * 7, strong=STRONG)
    return drawn | settings(weight_decay=0.02, lambda_u=1.5, T=1.0, threshold=0.95)


def small_batches(rng: Rng) -> Inputs:
    """One labeled and three unlabeled images of three classes."""
    drawn = views(rng, labeled=[1.0], weak=[SURE, UNSURE, SURE], strong=[1.0, 2.0, 0.5], n_classes=3)
    return drawn | settings(weight_decay=0.02, lambda_u=1.5, T=0.9, threshold=0.9, n_classes=3)


def one_unlabeled(rng: Rng) -> Inputs:
    """Four labeled images and a single unlabeled one."""
    drawn = views(rng, labeled=LABELED, weak=[SURE_BY_T], strong=[2.0])
    return drawn | settings(weight_decay=0.02, lambda_u=0.6, T=0.5, threshold=0.9)


def large_logits(rng: Rng) -> Inputs:
    """Logits of 10,000. Of two images that count the strong view has another top class than the weak one."""
    weak = [1e4, 1e4, UNSURE, 1e4, 1e4, UNSURE, 1e4]
    drawn = views(rng, labeled=[1e4] * 4, weak=weak, strong=[1e4] * 7)
    return drawn | settings(weight_decay=0.02, lambda_u=1.5, T=1.0, threshold=0.95)


def own_rule(rng: Rng) -> Inputs:
    """Views for a rule that is not the threshold: images of the first two classes count."""
    weak = [SURE, UNSURE, FAIRLY_SURE, UNSURE, SURE, SURE, FAIRLY_SURE]
    drawn = views(rng, labeled=LABELED, weak=weak, strong=STRONG, top_weak=np.arange(7) % 4)
    return drawn | settings(weight_decay=0.02, lambda_u=1.3, T=0.7, threshold=0.75)


def two_batches(rng: Rng) -> Inputs:
    """The batches of two calls, of one size."""
    second = none_confident(rng)
    return mixed(rng) | other({name: second[name] for name in BATCH})


def _state(inputs: Inputs) -> dict[str, Any]:
    return {"remembered": tensors(np.array(REMEMBERED))}


def _drive(call: Call, function: Function, inputs: Inputs) -> Any:
    model = network_of(inputs)
    return {"returned": call(function, model, _state(inputs), batch_of(inputs), hparams_of(inputs))}


def _drive_joint(call: Call, function: Function, inputs: Inputs) -> Any:
    """With BatchNorm over the batch, in training mode."""
    model = network_of(inputs, norm=True)
    returned = call(function, model, _state(inputs), batch_of(inputs), hparams_of(inputs))
    return {
        "forward passes": len(model.batches),
        "returned": returned,
        "statistics": model.statistics(),
    }


def _first_classes_count(confidence: Any, pseudo_labels: Any) -> tuple[Any, dict[str, Any]]:
    """The rule of a case: it looks at the class alone, and remembers what it was given."""
    return pseudo_labels < 2, {"confidence": confidence, "pseudo_labels": pseudo_labels}


def _drive_rule(call: Call, function: Function, inputs: Inputs) -> Any:
    arguments = (network_of(inputs), _state(inputs), batch_of(inputs), hparams_of(inputs))
    return {"returned": call(function, *arguments, _first_classes_count)}


def _drive_gradient(call: Call, function: Function, inputs: Inputs) -> Any:
    """The gradient for the parameters, as a training step computes it."""
    model = network_of(inputs)
    total, *_ = call(function, model, _state(inputs), batch_of(inputs), hparams_of(inputs))
    total.backward()
    return model.gradients()


def _drive_again(call: Call, function: Function, inputs: Inputs) -> Any:
    """Three calls, the last with the first batch."""
    model, hparams = network_of(inputs), hparams_of(inputs)
    first = batch_of(inputs)
    second = {name: tensors(inputs[f"other {name}"]) for name in BATCH}
    return {
        name: call(function, model, _state(inputs), batch, hparams)
        for name, batch in zip(_CALLS, (first, second, first), strict=True)
    }


def _case(name: str, tries: str, draw: Callable[[Rng], Inputs], seed: int, **more: Any) -> Case:
    facts: dict[str, Any] = {
        "drive": _drive,
        "tolerance": FLOAT32,
        "misconception": _MISCONCEPTION,
        "look": _LOOK,
        "names": _NAMES,
    }
    return Case(name=name, tries=tries, draw=draw, seed=seed, shown=SHOWN, **(facts | more))


FIXMATCH_LOSS = Check(
    name="fixmatch_loss",
    cases=(
        _case(
            "distinct logits",
            "distinct logits, four of seven weak views confident, strong views that disagree",
            mixed,
            1,
        ),
        _case(
            "at the threshold",
            "weak views whose probability is exactly the threshold",
            at_the_threshold,
            2,
            misconception="A probability equal to the threshold has to count.",
            look="The mask is 1 where max q ≥ τ.",
        ),
        _case(
            "none confident",
            "a batch in which no weak view is confident",
            none_confident,
            3,
            misconception="With no confident image the unsupervised loss is 0.",
            look="Look at what the masked loss is divided by.",
        ),
        _case(
            "near the threshold",
            "a weak view whose probability is a little below the threshold",
            lambda rng: near_the_threshold(mixed(rng)),
            11,
            misconception="A probability below the threshold does not count, however little it is below.",
            look="Compare the probability with the threshold as they are.",
        ),
        _case(
            "small batches",
            "one labeled and three unlabeled images of three classes",
            small_batches,
            4,
            misconception="A batch size or a number of classes is hard-coded.",
            look="Read sizes from the tensors of the batch.",
        ),
        _case(
            "one unlabeled image",
            "four labeled images and one unlabeled image",
            one_unlabeled,
            5,
            misconception="A batch of one unlabeled image is a batch too.",
            look="Look for squeeze, and at the dim of the maximum.",
        ),
        _case(
            "large logits",
            "logits of 10,000",
            large_logits,
            6,
            tolerance=LARGE,
            misconception="An exponential overflows, or the logarithm of 0 is taken.",
            look="torch.softmax and F.cross_entropy take logits and are stable; write neither by hand.",
        ),
        _case(
            "one forward pass",
            "a network with BatchNorm, which normalizes by the whole batch",
            mixed,
            7,
            drive=_drive_joint,
            misconception="The three kinds of images do not go through the network together.",
            look="Join the three batches, call the model once, and split its output.",
        ),
        _case(
            "another rule",
            "a rule passed as select: images of the first two classes count, sure or not",
            own_rule,
            8,
            drive=_drive_rule,
            misconception="The rule that is passed as select does not decide, or its state is lost.",
            look="With a rule, mask and state both come from it; the threshold has no say.",
        ),
        _case(
            "gradient",
            "the gradient for the parameters, as a training step computes it",
            mixed,
            9,
            drive=_drive_gradient,
            names=_GRADIENTS,
            misconception="The values are right, but the gradient is not: the network learns something else.",
            look="The gradient comes from the labeled images, the strong views and the weight decay.",
        ),
        _case(
            "called again",
            "three calls, the last with the batch of the first",
            two_batches,
            10,
            drive=_drive_again,
            names=names_of_calls(_CALLS, _RESULT),
            misconception=KEPT,
            look=KEPT_LOOK,
        ),
    ),
)


def _given_to_the_rule(returned: Any) -> list[Any]:
    """What the rule of a case has put into the state."""
    state = returned[1]
    return [state["confidence"], state["pseudo_labels"]]


_NEEDS = {"the probabilities for the rule": Need.ANY, "the pseudo-labels for the rule": Need.WHOLE}

CHECKS = (
    also_on_a_gpu(
        handed_on(
            nothing_left_behind(FIXMATCH_LOSS, ONE_MODEL),
            _NEEDS,
            of="another rule",
            parts=_given_to_the_rule,
        )
    ),
)
