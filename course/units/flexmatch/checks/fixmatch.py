"""Check of ``fixmatch_loss``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course.checks.case import Call, Case, Check, Inputs, Slip
from course.checks.compare import Tolerance
from course.checks.functions import FLOAT32, KEPT, KEPT_LOOK, names_of_calls, other
from course.checks.images import CLASSES, logits_of
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_mocks import IMAGE
from course.units.flexmatch.checks.batches import (
    BATCH,
    FAIRLY_SURE,
    LABELED,
    METRICS,
    SHOWN,
    STRONG,
    SURE,
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
# What fixmatch_loss has to hand on untouched.
REMEMBERED = [3, 0, 2]

_METRICS = {f'[2]["{metric}"]': f"the metric {metric!r}" for metric in METRICS}
_RESULT = _METRICS | {
    "[0]": "the total loss",
    "[1]": "the state",
    '[1]["confidence"]': "the probabilities that the rule was given",
    '[1]["pseudo_labels"]': "the pseudo-labels that the rule was given",
    "[2]": "the metrics",
    "": "the triple (total loss, state, metrics)",
}
_NAMES = {
    **{f'returned["returned"]{place}': name for place, name in _METRICS.items()},
    'returned["forward passes"]': "the number of forward passes",
    **{f'returned["returned"]{place}': name for place, name in _RESULT.items()},
}
_CALLS = ("first call", "second call", "third call, with the first batch")
_GRADIENTS = {
    'returned["dense.weight"]': "the gradient for the kernel",
    'returned["dense.bias"]': "the gradient for the bias",
}
_MISCONCEPTION = "One of the terms is not what the exercise asks for."
_LOOK = "Compute L_s, L_u and the weight decay by hand for two images, and compare them with your metrics."


def mixed(rng: Rng) -> Inputs:
    """Of seven unlabeled images four are confident, one of these below .95; the strong views differ."""
    weak = [SURE, UNSURE, SURE, FAIRLY_SURE, UNSURE, SURE, UNSURE]
    drawn = views(rng, labeled=LABELED, weak=weak, strong=STRONG)
    return drawn | settings(weight_decay=0.04, lambda_u=0.6, T=0.8, threshold=0.75)


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
    drawn = views(rng, labeled=LABELED, weak=[SURE], strong=[2.0])
    return drawn | settings(weight_decay=0.02, lambda_u=0.6, T=0.9, threshold=0.75)


def large_logits(rng: Rng) -> Inputs:
    """Logits of 10,000."""
    weak = [1e4, UNSURE, 1e4, UNSURE, 1e4, UNSURE, 1e4]
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
    return {"forward passes": len(model.batches), "returned": returned}


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
    slips=(
        Slip(
            "views exchanged",
            "Weak and strong are swapped: the strong view gives the labels, the weak one learns.",
            "Split the logits in the order in which you joined the images.",
        ),
        Slip(
            "strong view decides",
            "Pseudo-labels and mask come from the strong view, which then learns from itself.",
            "Step 3 is about the weak views.",
        ),
        Slip(
            "weak view learns",
            "The weak view learns its own pseudo-label; the strong view is not used.",
            "The cross-entropy of step 4 takes the logits of the strong views.",
        ),
        Slip(
            "no mask",
            "The mask is not applied, so low-confidence images count as well.",
            "Multiply the loss of each image by the mask before you average.",
        ),
        Slip(
            "inverted mask",
            "The mask is inverted: it keeps the low-confidence images.",
            "Keep the images whose probability is at least τ.",
        ),
        Slip(
            "mean over the confident",
            "You average over the confident images only; FixMatch divides by all μB.",
            "Take the mean over the whole batch after masking.",
        ),
        Slip(
            "strictly above",
            "A probability equal to the threshold is left out: you use > where ≥ is meant.",
            "The mask is 1 where max q ≥ τ.",
        ),
        Slip(
            "fixed threshold",
            "0.95 is hard-coded; the threshold is hparams.threshold.",
            "Replace the number with the setting.",
        ),
        Slip(
            "logits compared with threshold",
            "Logits are compared with the threshold, which is meant for probabilities.",
            "Take the softmax of the weak logits first.",
        ),
        Slip(
            "no temperature",
            "The weak logits are not divided by hparams.T before the softmax.",
            "A temperature below 1 makes the pseudo-labels' probabilities larger.",
        ),
        Slip(
            "temperature multiplied",
            "The weak logits are multiplied by T; they have to be divided by it.",
            "Look at the description of T in the docstring.",
        ),
        Slip(
            "temperature on the strong view",
            "The strong logits are divided by T as well.",
            "T belongs to the pseudo-labels alone.",
        ),
        Slip(
            "no lambda",
            "λ_u is missing from the total loss.",
            "Weight the unsupervised loss by hparams.lambda_u.",
        ),
        Slip(
            "lambda on all",
            "λ_u multiplies the supervised loss too.",
            "Only the unsupervised loss is weighted.",
        ),
        Slip(
            "lambda in the metric",
            'The metric "unsupervised loss" already contains λ_u; the docstring asks for it without.',
            "Multiply where you add up the total.",
        ),
        Slip("no weight decay", "The weight decay is missing from the total loss.", "It is given: add it."),
        Slip(
            "no supervised loss",
            "The supervised loss is missing from the total loss.",
            "The total has three terms.",
        ),
        Slip(
            "soft pseudo-labels",
            "The probabilities of the weak view are the targets; FixMatch takes its most probable class.",
            "The target of F.cross_entropy is an int for each image.",
        ),
        Slip(
            "true labels",
            "The loss uses the true labels of the unlabeled images, which nobody has in practice.",
            "y_unlabeled is used only for the error rate.",
        ),
        Slip(
            "labels ignored",
            "The labeled images are compared with the network's own predictions.",
            "Their targets are y_labeled.",
        ),
        Slip(
            "supervised sum",
            "The supervised loss is a sum over the labeled images.",
            "Take the mean, F.cross_entropy's default.",
        ),
        Slip(
            "unsupervised sum",
            "The unsupervised loss is a sum over the unlabeled images.",
            "Take the mean over all μB.",
        ),
        Slip(
            "divided by B",
            "The unsupervised loss is divided by the number of labeled images.",
            "Divide by μB, the number of unlabeled ones.",
        ),
        Slip(
            "averaged before masking",
            "The mean loss is multiplied by the mask rate: every image counts a little.",
            "Mask image by image, and average last.",
        ),
        Slip(
            "accuracy",
            'The metric "error rate" is the accuracy.',
            "Count the pseudo-labels that differ from y_unlabeled.",
        ),
        Slip(
            "error of the confident",
            'The metric "error rate" counts only the confident images.',
            "It is over all weak views of the batch.",
        ),
        Slip(
            "error of the labeled",
            'The metric "error rate" is computed on the labeled images.',
            "Compare pseudo-labels with y_unlabeled.",
        ),
        Slip("mask count", 'The metric "mask rate" is a count.', "A rate is a mean."),
        Slip(
            "mean confidence",
            'The metric "mask rate" is the mean probability; it rises even while no image counts.',
            "It is the mean of the mask.",
        ),
        Slip(
            "three passes",
            "The model is called more than once, so BatchNorm sees the batches separately.",
            "Join the three batches first, then call the model once.",
        ),
        Slip(
            "weak views apart",
            "The weak views go through the network in a separate pass, normalized on their own.",
            "Join the three batches first, then call the model once; detach what comes out.",
        ),
        Slip(
            "evaluation mode",
            "The model was put into evaluation mode: BatchNorm uses its running statistics.",
            "The model arrives in training mode; leave it there.",
        ),
        Slip(
            "equal thirds",
            "The output is cut into three equal parts, but the batches differ in size.",
            "Split by the sizes of the parts.",
        ),
        Slip(
            "softmax twice",
            "F.cross_entropy was given probabilities; it takes the softmax itself.",
            "Give it the strong logits.",
        ),
        Slip(
            "overflow",
            "A softmax written with exponentials overflows, which leads to NaN.",
            "Use torch.softmax.",
        ),
        Slip(
            "no gradient from the strong view",
            "The gradient of the strong view is cut, so the unlabeled images teach nothing.",
            "Only what comes from the weak view is detached.",
        ),
        Slip(
            "no gradient from the labeled",
            "The gradient of the labeled images is cut.",
            "Only what comes from the weak view is detached.",
        ),
        Slip(
            "no gradient from the decay",
            "The weight decay is detached: it is reported but does nothing.",
            "Add it as it is.",
        ),
        Slip(
            "rule ignored",
            "The rule that is passed as select is not called.",
            "With a rule, the mask comes from select(confidence, pseudo_labels).",
        ),
        Slip(
            "state of the rule lost",
            "The state that the rule returns is dropped, so its method forgets everything.",
            "select returns two things: the mask and the state to return.",
        ),
        Slip(
            "rule and threshold",
            "An image has to pass both the rule and the threshold.",
            "A rule replaces the threshold.",
        ),
        Slip(
            "rule's arguments in the wrong order",
            "The rule gets its two arguments in the wrong order: the classes first, then the probabilities.",
            "The docstring says in which order select takes them.",
        ),
        Slip(
            "rule is given logits",
            "The rule is given the largest logits; it expects probabilities.",
            "Hand it the probabilities of the pseudo-labels.",
        ),
        Slip(
            "empty state",
            "You return a new, empty state; without a rule the state is passed on unchanged.",
            "Return the argument state.",
        ),
        Slip(
            "renamed metric",
            "A metric does not have the name in the docstring.",
            'Compare letter by letter: "mask rate" has a space.',
        ),
        Slip("no metrics", "The metrics are missing.", "Return three things: total, state, metrics."),
        Slip(
            "metrics second",
            "State and metrics are swapped.",
            "The order is total, state, metrics.",
        ),
        Slip(
            "metric before the mask",
            'The metric "unsupervised loss" is that of all images; the total has the masked one.',
            "Report what enters the total.",
        ),
        Slip(
            "one loss for each image",
            "The total loss has one entry per image: something was not averaged.",
            "Average the masked losses.",
        ),
        Slip(
            "labels of the first call",
            "Later calls reuse the pseudo-labels of the first one.",
            "Compute them again in each call.",
        ),
    ),
)

CHECKS = (also_on_a_gpu(FIXMATCH_LOSS),)
