"""What instructors have of ``get_fixmatch_loss_fn``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.fixmatch.common import plain_images
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.checks.functions import other
from course.units.fixmatch.checks import loss
from course.units.fixmatch.checks.loss import FAIRLY_SURE, SURE, UNSURE, settings, views

Rng = np.random.RandomState

_MASK = "jnp.max(weak_log_probs, axis=-1) >= jnp.log(hparams.confidence_threshold)"
_SUPERVISED = "log_softmax_cross_entropy(logits_to_log_probs(labeled), targets)"
_PER_IMAGE = "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)"
_MASKED = "jnp.mean(mask * per_image)"
_TOTAL = "total = supervised + hparams.lambda_coef * unsupervised + weight_decay"
_ERROR = "jnp.mean(pseudo_labels != y_unlabeled)"
_ONE_HOT = "jax.nn.one_hot(pseudo_labels, hparams.num_classes)"
_RETURN = "return total, (batch_stats, metrics)"

_MUTANTS = (
    Mutant(
        "views exchanged",
        "Weak and strong are swapped: the strong view gives the labels, the weak one learns.",
        "Look at the order in which you unpack forward's results, and at which view goes where.",
        edits=(
            (
                "labeled, weak, strong, batch_stats = forward(",
                "labeled, strong, weak, batch_stats = forward(",
            ),
        ),
    ),
    Mutant(
        "mask of the strong view",
        "The mask uses the confidence on the strong view.",
        "The weak view decides whether an image counts.",
        edits=((_MASK, _MASK.replace("weak_log_probs", "logits_to_log_probs(strong)")),),
    ),
    Mutant(
        "weak view learns",
        "The weak view learns its own pseudo-label; the strong view is not used.",
        "H(p, q) takes the log-probabilities of the strong view.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("strong", "weak")),),
    ),
    Mutant(
        "no mask",
        "The mask is not applied, so low-confidence images count as well.",
        "Multiply the loss of each image by the mask before you average.",
        edits=((_MASKED, "jnp.mean(per_image)"),),
    ),
    Mutant(
        "inverted mask",
        "The mask is inverted: it keeps the low-confidence images.",
        "Keep the images whose largest probability is at least τ.",
        edits=((_MASK, _MASK.replace(">=", "<")),),
    ),
    Mutant(
        "mean over the confident",
        "You average over the confident images only; FixMatch divides by all μB.",
        "Take the mean over the whole batch after masking.",
        edits=((_MASKED, "jnp.sum(mask * per_image) / jnp.sum(mask)"),),
        common="Dividing by the number of images that pass. Early on, three lucky images then pull as hard "
        "as three hundred would.",
    ),
    Mutant(
        "pseudo-labels of the strong view",
        "The pseudo-labels come from the strong view, which then learns from itself.",
        "Take the argmax of the weak view.",
        edits=((_ONE_HOT, "jax.nn.one_hot(jnp.argmax(strong, axis=-1), hparams.num_classes)"),),
        common="Taking the pseudo-label and the loss from the same view. A prediction that agrees with "
        "itself teaches nothing, yet the loss still falls.",
    ),
    Mutant(
        "logits compared with threshold",
        "Logits are compared with the threshold, which is meant for probabilities.",
        "Turn logits into log-probabilities first.",
        edits=((_MASK, "jnp.max(weak, axis=-1) >= hparams.confidence_threshold"),),
    ),
    Mutant(
        "strictly above",
        "A probability equal to the threshold is left out: you use > where ≥ is meant.",
        "The mask is 1 where max q ≥ τ.",
        edits=((_MASK, _MASK.replace(">=", ">")),),
    ),
    Mutant(
        "fixed threshold",
        "The threshold 0.95 is hard-coded.",
        "Use hparams.confidence_threshold.",
        edits=((_MASK, _MASK.replace("hparams.confidence_threshold", "0.95")),),
    ),
    Mutant(
        "no lambda",
        "λ_u is missing from the total loss.",
        "Multiply the unsupervised loss by hparams.lambda_coef.",
        edits=((_TOTAL, "total = supervised + unsupervised + weight_decay"),),
        common="Forgetting λ. With the paper's value of 1 you cannot tell.",
    ),
    Mutant(
        "log compared with probability",
        "Log-probabilities are compared with the threshold itself, so no image ever counts.",
        "Compare logarithms with the logarithm of the threshold.",
        edits=(
            (_MASK, _MASK.replace("jnp.log(hparams.confidence_threshold)", "hparams.confidence_threshold")),
        ),
        common="Comparing a log-probability with τ itself. All log-probabilities are ≤ 0, so the mask is "
        "always 0 and the run is plain supervised training.",
    ),
    Mutant(
        "lambda on all",
        "λ_u multiplies the supervised loss as well.",
        "Only the unsupervised loss is weighted.",
        edits=((_TOTAL, "total = hparams.lambda_coef * (supervised + unsupervised) + weight_decay"),),
    ),
    Mutant(
        "lambda in the metric",
        'The metric "unsupervised loss" already contains λ_u.',
        "Weight it only where you add up the total loss.",
        edits=(
            (_MASKED, f"hparams.lambda_coef * {_MASKED}"),
            (_TOTAL, "total = supervised + unsupervised + weight_decay"),
        ),
    ),
    Mutant(
        "lambda twice",
        "λ_u multiplies the unsupervised loss before it is logged, and once more in the total loss.",
        "Weight it only where you add up the total loss.",
        edits=((_MASKED, "hparams.lambda_coef * jnp.mean(mask * per_image)"),),
    ),
    Mutant(
        "no weight decay",
        "The weight decay is missing from the total loss.",
        "Add all three terms.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_coef * unsupervised"),),
    ),
    Mutant(
        "no supervised loss",
        "The supervised loss is missing from the total loss.",
        "Add all three terms.",
        edits=((_TOTAL, "total = hparams.lambda_coef * unsupervised + weight_decay"),),
    ),
    Mutant(
        "constant pseudo-labels",
        "Every pseudo-label is class 0.",
        "Take the argmax over the classes of the weak view.",
        edits=((_ONE_HOT, "jax.nn.one_hot(jnp.zeros_like(pseudo_labels), hparams.num_classes)"),),
    ),
    Mutant(
        "soft pseudo-labels",
        "The whole distribution of the weak view is the target; FixMatch takes its most probable class.",
        "Turn the argmax into a one-hot row.",
        edits=((_ONE_HOT, "jnp.exp(weak_log_probs)"),),
    ),
    Mutant(
        "soft pseudo-labels",
        name="soft pseudo-labels, with their gradient",
        edits=((_ONE_HOT, "jax.nn.softmax(weak, axis=-1)"),),
    ),
    Mutant(
        "true labels",
        "The unsupervised loss uses y_unlabeled: these labels are not available in a real run.",
        "y_unlabeled is used only for the error rate; the loss uses the pseudo-labels.",
        edits=((_ONE_HOT, "jax.nn.one_hot(y_unlabeled, hparams.num_classes)"),),
    ),
    Mutant(
        "labels ignored",
        "The supervised loss uses the network's own predictions instead of y_labeled.",
        "The labeled images come with labels: use them.",
        edits=(
            (
                "jax.nn.one_hot(y_labeled, hparams.num_classes)",
                "jax.nn.one_hot(jnp.argmax(labeled, axis=-1), hparams.num_classes)",
            ),
        ),
    ),
    Mutant(
        "sign of the supervised loss",
        "The supervised loss is the negative of what it should be: a cross-entropy is never negative.",
        "Look for the minus sign of the formula, and for one that stands there twice.",
        edits=((_SUPERVISED, f"-{_SUPERVISED}"),),
    ),
    Mutant(
        "sign of the unsupervised loss",
        "The unsupervised loss is the negative of what it should be: a cross-entropy is never negative.",
        "Look for the minus sign of the formula, and for one that stands there twice.",
        edits=((_PER_IMAGE, f"-{_PER_IMAGE}"),),
    ),
    Mutant(
        "sign of both losses",
        "Both losses are the negative of what they should be: a cross-entropy is never negative.",
        "Look for the minus sign of the formula, and for one that stands there twice.",
        edits=((_SUPERVISED, f"-{_SUPERVISED}"), (_PER_IMAGE, f"-{_PER_IMAGE}")),
    ),
    Mutant(
        "sign of the total loss",
        "The total loss is the negative of what it should be, so training would make the losses grow.",
        "Add the three terms; the training step does the descent.",
        edits=((_TOTAL, f"{_TOTAL.replace('= ', '= -(')})"),),
    ),
    Mutant(
        "supervised sum",
        "The supervised loss is summed over the batch, not averaged.",
        "Take the mean over the labeled images.",
        edits=(("targets).mean()", "targets).sum()"),),
    ),
    Mutant(
        "unsupervised sum",
        "The unsupervised loss is summed over the batch, not averaged.",
        "Take the mean over the unlabeled images.",
        edits=((_MASKED, "jnp.sum(mask * per_image)"),),
    ),
    Mutant(
        "divided by B",
        "The unsupervised loss is divided by the number of labeled images.",
        "There are μB unlabeled images: divide by their number.",
        edits=((_MASKED, "jnp.sum(mask * per_image) / y_labeled.shape[0]"),),
    ),
    Mutant(
        "accuracy",
        'The metric "error rate" holds the accuracy.',
        "Count where prediction and label differ.",
        edits=((_ERROR, _ERROR.replace("!=", "==")),),
    ),
    Mutant(
        "error of the strong view",
        "The error rate is computed on the strong views.",
        "It belongs to the weak views.",
        edits=((_ERROR, "jnp.mean(jnp.argmax(strong, axis=-1) != y_unlabeled)"),),
    ),
    Mutant(
        "error of the confident",
        "The error rate counts only the confident images.",
        "It is the share of wrong weak predictions among all unlabeled images.",
        edits=((_ERROR, "jnp.mean(mask * (pseudo_labels != y_unlabeled))"),),
    ),
    Mutant(
        "error of the labeled",
        "The error rate is computed on the labeled images.",
        "It compares the weak predictions with y_unlabeled.",
        edits=((_ERROR, "jnp.mean(jnp.argmax(labeled, axis=-1) != y_labeled)"),),
    ),
    Mutant(
        "mask count",
        'The metric "mask rate" holds the number of confident images.',
        "A rate is a mean.",
        edits=(('"mask rate": mask.mean()', '"mask rate": mask.sum()'),),
    ),
    Mutant(
        "share of the unsure",
        'The metric "mask rate" holds the share of images that do not count.',
        "It is the mean of the mask.",
        edits=(('"mask rate": mask.mean()', '"mask rate": 1 - mask.mean()'),),
    ),
    Mutant(
        "old batch_stats",
        "The old batch_stats are returned, so BatchNorm's running statistics never change.",
        "forward returns the new ones as its fourth value.",
        edits=(("labeled, weak, strong, batch_stats = forward(", "labeled, weak, strong, _ = forward("),),
    ),
    Mutant(
        "renamed metric",
        'A metric does not have the name in the docstring: "mask_rate" instead of "mask rate".',
        "Compare the keys letter by letter: the training loop reads these names.",
        edits=(('"mask rate"', '"mask_rate"'),),
    ),
    Mutant(
        "no metrics",
        "The metrics are not returned.",
        "Return total_loss, (batch_stats, metrics).",
        edits=((_RETURN, "return total, batch_stats"),),
    ),
    Mutant(
        "pair exchanged",
        "The metrics come before the new batch_stats.",
        "The pair is (new_batch_stats, metrics).",
        edits=((_RETURN, "return total, (metrics, batch_stats)"),),
    ),
    Mutant(
        "flat result",
        "You return three separate values; batch_stats and metrics belong together in a pair.",
        "Return total_loss, (batch_stats, metrics).",
        edits=((_RETURN, "return total, batch_stats, metrics"),),
    ),
    Mutant(
        "one loss for each image",
        "The total loss is an array with one number for each image.",
        "Average over the batch before you add up the terms.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_coef * mask * per_image + weight_decay"),),
    ),
    Mutant(
        "no gradient from the strong view",
        "No gradient flows from the unsupervised loss: the strong view is cut off.",
        "stop_gradient belongs to the weak view.",
        edits=(("logits_to_log_probs(strong)", "logits_to_log_probs(jax.lax.stop_gradient(strong))"),),
    ),
    Mutant(
        "no gradient from the labeled",
        "No gradient flows from the supervised loss.",
        "stop_gradient belongs to the weak view.",
        edits=(("logits_to_log_probs(labeled)", "logits_to_log_probs(jax.lax.stop_gradient(labeled))"),),
    ),
    Mutant(
        "no gradient from the decay",
        "No gradient flows from the weight decay.",
        "stop_gradient belongs to the weak view.",
        edits=((_TOTAL, _TOTAL.replace("weight_decay", "jax.lax.stop_gradient(weight_decay)")),),
    ),
    Mutant(
        "softmax twice",
        "You turn the strong view's logits into probabilities too early, before logits_to_log_probs.",
        "logits_to_log_probs takes logits: give it what forward returns.",
        edits=(("logits_to_log_probs(strong)", "logits_to_log_probs(jax.nn.softmax(strong))"),),
    ),
    Mutant(
        "mean confidence",
        'The metric "mask rate" holds the mean of the largest probabilities.',
        "It is the mean of the mask, the share of images that count.",
        edits=(
            ('"mask rate": mask.mean()', '"mask rate": jnp.exp(jnp.max(weak_log_probs, axis=-1)).mean()'),
        ),
    ),
    Mutant(
        "lambda on the decay",
        "λ_u multiplies the weight decay as well.",
        "Only the unsupervised loss is weighted.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_coef * (unsupervised + weight_decay)"),),
    ),
    Mutant(
        "metric without decay",
        'The metric "total loss" leaves out the weight decay.',
        "It is the first value that you return.",
        edits=(('"total loss": total', '"total loss": total - weight_decay'),),
    ),
    Mutant(
        "ten classes",
        "The number of classes of CIFAR-10 is hard-coded.",
        "Use hparams.num_classes.",
        edits=((_ONE_HOT, "jax.nn.one_hot(pseudo_labels, 10)"),),
    ),
    Mutant(
        "ten classes",
        name="ten classes of the labeled images",
        edits=(("jax.nn.one_hot(y_labeled, hparams.num_classes)", "jax.nn.one_hot(y_labeled, 10)"),),
    ),
    Mutant(
        "squeezed",
        "An axis of length 1 is dropped, so a batch of one unlabeled image loses its batch axis.",
        "Look for squeeze.",
        edits=(
            ("logits_to_log_probs(weak)", "logits_to_log_probs(jnp.squeeze(weak))"),
            ("jnp.argmax(weak_log_probs, axis=-1)", "jnp.argmax(weak_log_probs, axis=1)"),
        ),
    ),
    Mutant(
        "labels of the first batch",
        "Later batches reuse the targets of the first one.",
        "Turn y_labeled into targets again in every call.",
        edits=(
            (
                "targets = jax.nn.one_hot(y_labeled, hparams.num_classes)",
                "targets = jax.nn.one_hot(y_labeled, hparams.num_classes)\n"
                '        targets = vars(forward).setdefault("first targets", targets)',
            ),
        ),
    ),
    Mutant(
        "mean over the confident, at least one",
        "You divide by the number of confident images, or by 1; FixMatch divides by all μB.",
        "Take the mean over the whole batch after masking.",
        edits=((_MASKED, "jnp.sum(mask * per_image) / jnp.maximum(jnp.sum(mask), 1)"),),
    ),
    Mutant(
        "divided by all images",
        "The unsupervised loss is divided by the number of all images, labeled and unlabeled.",
        "There are μB unlabeled images: divide by their number.",
        edits=((_MASKED, "jnp.sum(mask * per_image) / (mask.size + y_labeled.size)"),),
    ),
    Mutant(
        "both means over all images",
        "Both losses are divided by the number of all images, labeled and unlabeled.",
        "Each loss has a mean of its own: over B images, and over μB.",
        edits=(
            (f"{_SUPERVISED}.mean()", f"{_SUPERVISED}.sum() / (len(x_labeled) + len(x_unlabeled_weak))"),
            (_MASKED, "jnp.sum(mask * per_image) / (len(x_labeled) + len(x_unlabeled_weak))"),
        ),
    ),
    Mutant(
        "divided by both views",
        "The unsupervised loss is divided by the number of all weak and strong views.",
        "Each unlabeled image counts once: divide by μB.",
        edits=((_MASKED, "jnp.sum(mask * per_image) / (len(x_unlabeled_weak) + len(x_unlabeled_strong))"),),
    ),
    Mutant(
        "divided by the classes",
        "The unsupervised loss is divided by the number of classes as well.",
        "Take the mean over the unlabeled images, and nothing else.",
        edits=((_MASKED, f"{_MASKED} / hparams.num_classes"),),
    ),
    Mutant(
        "weighted by confidence",
        "Each image counts as much as its confidence; FixMatch counts it or does not.",
        "The mask holds 0 and 1.",
        edits=((_MASKED, "jnp.mean(jnp.exp(jnp.max(weak_log_probs, axis=-1)) * per_image)"),),
    ),
    Mutant(
        "mask times confidence",
        "The images that count are weighted by their confidence as well.",
        "The mask holds 0 and 1: nothing else weights an image.",
        edits=((_MASKED, "jnp.mean(mask * jnp.exp(jnp.max(weak_log_probs, axis=-1)) * per_image)"),),
    ),
    Mutant(
        "mask times confidence",
        name="confidence in the mask itself",
        edits=((_MASK, f"jnp.exp(jnp.max(weak_log_probs, axis=-1)) * ({_MASK})"),),
    ),
    Mutant(
        "least probable class",
        "The pseudo-label is the least probable class of the weak view.",
        "Look for argmin, and for a minus sign in front of the logits.",
        edits=((_ONE_HOT, "jax.nn.one_hot(jnp.argmin(weak_log_probs, axis=-1), hparams.num_classes)"),),
    ),
    Mutant(
        "logits of the strong view",
        "The strong view's logits go into the cross-entropy as if they were log-probabilities.",
        "Which function turns logits into log-probabilities?",
        edits=(("logits_to_log_probs(strong)", "strong"),),
    ),
    Mutant(
        "logits of the labeled",
        "The labeled images' logits go into the cross-entropy as if they were log-probabilities.",
        "Which function turns logits into log-probabilities?",
        edits=(("logits_to_log_probs(labeled)", "labeled"),),
    ),
    Mutant(
        "labeled softmax twice",
        "You turn the labeled images' logits into probabilities too early, before logits_to_log_probs.",
        "logits_to_log_probs takes logits: give it what forward returns.",
        edits=(("logits_to_log_probs(labeled)", "logits_to_log_probs(jax.nn.softmax(labeled))"),),
    ),
    Mutant(
        "weak softmax twice",
        "You turn the weak view's logits into probabilities too early, before logits_to_log_probs.",
        "logits_to_log_probs takes logits: give it what forward returns.",
        edits=(("logits_to_log_probs(weak)", "logits_to_log_probs(jax.nn.softmax(weak))"),),
    ),
    Mutant(
        "decay weighted twice",
        "The weight decay is multiplied by w_decay once more.",
        "l2_penalty has multiplied by it already.",
        edits=((_TOTAL, _TOTAL.replace("weight_decay", "hparams.w_decay * weight_decay")),),
    ),
    Mutant(
        "decay twice",
        "The weight decay is in the total loss twice.",
        "Add each of the three terms once.",
        edits=((_TOTAL, _TOTAL.replace("weight_decay", "2 * weight_decay")),),
    ),
    Mutant(
        "decay subtracted",
        "The weight decay is subtracted from the total loss, so the weights would grow.",
        "Add the three terms.",
        edits=((_TOTAL, _TOTAL.replace("+ weight_decay", "- weight_decay")),),
    ),
    Mutant(
        "w_decay for lambda",
        "The unsupervised loss is weighted by w_decay in place of λ_u.",
        "Look at the names of the hyperparameters in the total loss.",
        edits=((_TOTAL, _TOTAL.replace("lambda_coef", "w_decay")),),
    ),
    Mutant(
        "threshold for lambda",
        "The unsupervised loss is weighted by the confidence threshold in place of λ_u.",
        "Look at the names of the hyperparameters in the total loss.",
        edits=((_TOTAL, _TOTAL.replace("lambda_coef", "confidence_threshold")),),
    ),
    Mutant(
        "lambda shared out",
        "The two losses are mixed, with 1 − λ_u as the weight of the supervised one.",
        "The formula adds them: only the unsupervised loss has a weight.",
        edits=((_TOTAL, _TOTAL.replace("= supervised", "= (1 - hparams.lambda_coef) * supervised")),),
    ),
    Mutant(
        "metric unmasked",
        'The metric "unsupervised loss" is computed without the mask.',
        "It is the masked loss, before λ_u.",
        edits=(('"unsupervised loss": unsupervised', '"unsupervised loss": per_image.mean()'),),
    ),
    Mutant(
        "metric without lambda",
        'The metric "total loss" leaves out λ_u.',
        "It is the first value that you return.",
        edits=(('"total loss": total', '"total loss": supervised + unsupervised + weight_decay'),),
    ),
    Mutant(
        "losses exchanged in the metrics",
        "The metrics of the supervised and of the unsupervised loss are swapped.",
        "Compare each key with the value behind it.",
        edits=(
            ('"supervised loss": supervised', '"supervised loss": unsupervised'),
            ('"unsupervised loss": unsupervised', '"unsupervised loss": supervised'),
        ),
    ),
    Mutant(
        "rates exchanged in the metrics",
        "The metrics of the mask and of the error are swapped.",
        "Compare each key with the value behind it.",
        edits=(
            ('"mask rate": mask.mean()', f'"mask rate": {_ERROR}'),
            (f'"error rate": {_ERROR}', '"error rate": mask.mean()'),
        ),
    ),
    Mutant(
        "metric of the decay without w_decay",
        'The metric "weight decay" leaves out the factor w_decay.',
        "It is the term as it stands in the total loss.",
        edits=(('"weight decay": weight_decay', '"weight decay": weight_decay / hparams.w_decay'),),
    ),
    Mutant(
        "error among the confident",
        "The error rate is the share of wrong pseudo-labels among the confident images.",
        "It is the share of wrong weak predictions among all unlabeled images.",
        edits=((_ERROR, "jnp.sum(mask * (pseudo_labels != y_unlabeled)) / jnp.sum(mask)"),),
    ),
    Mutant(
        "error among the confident",
        name="error among the confident, 0 where there are none",
        edits=((_ERROR, "jnp.sum(mask * (pseudo_labels != y_unlabeled)) / jnp.maximum(jnp.sum(mask), 1)"),),
    ),
    Mutant(
        "disagreement of the views",
        "The error rate counts where the two views disagree.",
        "It compares the weak predictions with y_unlabeled.",
        edits=((_ERROR, "jnp.mean(pseudo_labels != jnp.argmax(strong, axis=-1))"),),
    ),
    Mutant(
        "wrong predictions counted",
        'The metric "error rate" holds the number of wrong predictions.',
        "A rate is a mean.",
        edits=((_ERROR, "jnp.sum(pseudo_labels != y_unlabeled)"),),
    ),
    Mutant(
        "every image with every label",
        "Each weak prediction is compared with the labels of all unlabeled images.",
        "Look at the shapes of the two things that you compare.",
        edits=((_ERROR, "jnp.mean(pseudo_labels[:, None] != y_unlabeled)"),),
    ),
    Mutant(
        "every mask with every loss",
        "Each image's mask is multiplied by the losses of all images, or one mean by the other.",
        "Multiply each image's loss by its own mask, and average what comes out. Look at the shapes of both.",
        edits=((_MASKED, "jnp.mean(mask[:, None] * per_image)"),),
    ),
    Mutant(
        "every mask with every loss",
        name="product of the two means",
        edits=((_MASKED, "jnp.mean(mask) * jnp.mean(per_image)"),),
    ),
    Mutant(
        "one decision for the batch",
        "One mask is made for the whole batch, from the mean of its confidences.",
        "Each image has its own confidence, and its own mask.",
        edits=((_MASK, f"jnp.mean({_MASK.partition(' >=')[0]}) >= {_MASK.partition('>= ')[2]}"),),
    ),
    Mutant(
        "gap between two classes",
        "The gap between the two most probable classes is compared with the threshold.",
        "The confidence is the largest probability alone.",
        edits=(
            (
                _MASK,
                "jnp.exp(weak_log_probs).max(axis=-1) - jnp.sort(jnp.exp(weak_log_probs), axis=-1)[:, -2] "
                ">= hparams.confidence_threshold",
            ),
        ),
    ),
    Mutant(
        "mask over the images",
        "The largest probability is taken over the images of the batch, not over the classes.",
        "Look at the axis: the classes are the last one.",
        edits=((_MASK, _MASK.replace("axis=-1", "axis=0")),),
    ),
    Mutant(
        "pseudo-labels over the images",
        "argmax runs over the images of the batch, not over the classes.",
        "Look at its axis: the classes are the last one.",
        edits=(("jnp.argmax(weak_log_probs, axis=-1)", "jnp.argmax(weak_log_probs, axis=0)"),),
    ),
    Mutant(
        "only the right ones",
        "Only images whose pseudo-label is right count: y_unlabeled is not available in a real run.",
        "y_unlabeled is used only for the error rate; the threshold alone decides what counts.",
        edits=((_MASKED, "jnp.mean(mask * (pseudo_labels == y_unlabeled) * per_image)"),),
    ),
    Mutant(
        "only the right ones",
        name="only the right ones, in the metric too",
        edits=((_MASK, f"({_MASK}) & (pseudo_labels == y_unlabeled)"),),
    ),
    Mutant(
        "probability of the true class",
        "The probability of the true class is compared with the threshold: a real run has no y_unlabeled.",
        "The confidence is the largest probability, whatever class it belongs to.",
        edits=(
            (
                _MASK,
                "weak_log_probs[jnp.arange(len(y_unlabeled)), y_unlabeled] "
                ">= jnp.log(hparams.confidence_threshold)",
            ),
        ),
    ),
    Mutant(
        "only where the views disagree",
        "Images whose views have the same most probable class do not count.",
        "The threshold alone decides what counts.",
        edits=((_MASKED, "jnp.mean(mask * (pseudo_labels != jnp.argmax(strong, axis=-1)) * per_image)"),),
    ),
    Mutant(
        "both views confident",
        "An image counts only if its strong view is confident too.",
        "The weak view alone decides whether an image counts.",
        edits=(
            (
                _MASKED,
                "jnp.mean(mask * (jax.nn.softmax(strong).max(axis=-1) >= hparams.confidence_threshold) "
                "* per_image)",
            ),
        ),
    ),
    Mutant(
        "squared difference",
        "The unsupervised loss is a squared difference between the two views' probabilities.",
        "The loss of a strong view is the cross-entropy with its pseudo-label.",
        edits=((_PER_IMAGE, "jnp.square(jax.nn.softmax(strong) - jnp.exp(weak_log_probs)).sum(axis=-1)"),),
    ),
    Mutant(
        "sharpened pseudo-labels",
        "The target is a sharpened distribution; FixMatch takes the most probable class alone.",
        "Turn the argmax into a one-hot row.",
        edits=((_ONE_HOT, "jax.nn.softmax(2 * weak)"),),
    ),
    Mutant(
        "smoothed labels",
        "A tenth of each label is spread over all classes.",
        "A one-hot row has one 1, and zeros.",
        edits=(
            (
                "jax.nn.one_hot(y_labeled, hparams.num_classes)",
                "0.9 * jax.nn.one_hot(y_labeled, hparams.num_classes) + 0.1 / hparams.num_classes",
            ),
        ),
    ),
    Mutant(
        "labels counted from 1",
        "The labels are read as if they counted from 1.",
        "Classes count from 0.",
        edits=(("jax.nn.one_hot(y_labeled,", "jax.nn.one_hot(y_labeled - 1,"),),
    ),
    Mutant(
        "labeled masked",
        "Labeled images count only where the network is confident.",
        "The mask is for the unlabeled images: labels are certain.",
        edits=(
            (
                "targets).mean()",
                "targets)\n"
                "        sure = jax.nn.softmax(labeled).max(axis=-1) >= hparams.confidence_threshold\n"
                "        supervised = jnp.mean(sure * supervised)",
            ),
        ),
    ),
    Mutant(
        "weak view learns too",
        "The weak view is trained as well, with the strong view's most probable class.",
        "The weak view gives the label, the strong view learns: never the reverse.",
        edits=(
            (
                _MASKED,
                f"{_MASKED} + jnp.mean(mask * log_softmax_cross_entropy(logits_to_log_probs(weak), "
                "jax.nn.one_hot(jnp.argmax(strong, axis=-1), hparams.num_classes)))",
            ),
        ),
    ),
    Mutant(
        "weak view learns too",
        name="weak view learns half of the time",
        edits=(
            (
                _MASKED,
                f"{_MASKED} / 2 + jnp.mean(mask * log_softmax_cross_entropy(logits_to_log_probs(weak), "
                "jax.nn.one_hot(jnp.argmax(strong, axis=-1), hparams.num_classes))) / 2",
            ),
        ),
    ),
    Mutant(
        "ε in the unsupervised loss",
        "A small number is added to the strong view's probabilities before the logarithm.",
        "logits_to_log_probs takes the logits: no probability has to be kept away from 0.",
        edits=(("logits_to_log_probs(strong)", "jnp.log(jax.nn.softmax(strong) + 1e-8)"),),
    ),
    Mutant(
        "ε in the supervised loss",
        "A small number is added to the labeled images' probabilities before the logarithm.",
        "logits_to_log_probs takes the logits: no probability has to be kept away from 0.",
        edits=(("logits_to_log_probs(labeled)", "jnp.log(jax.nn.softmax(labeled) + 1e-8)"),),
    ),
    Mutant(
        "ε in both losses",
        "A small number is added to the probabilities of both losses before the logarithm.",
        "logits_to_log_probs takes the logits: no probability has to be kept away from 0.",
        edits=(
            ("logits_to_log_probs(labeled)", "jnp.log(jax.nn.softmax(labeled) + 1e-8)"),
            ("logits_to_log_probs(strong)", "jnp.log(jax.nn.softmax(strong) + 1e-8)"),
        ),
    ),
    Mutant(
        "clamped probabilities",
        "The strong view's probabilities are clamped before the logarithm, so large losses are cut off.",
        "logits_to_log_probs takes the logits: no probability has to be kept away from 0.",
        edits=(("logits_to_log_probs(strong)", "jnp.log(jnp.clip(jax.nn.softmax(strong), 1e-7, 1 - 1e-7))"),),
    ),
    Mutant(
        "an array among the metrics",
        "A metric is an array with one number for each image; the training loop logs single numbers.",
        "Look at what else you put into the metrics.",
        edits=(('"mask rate": mask.mean()', '"mask rate": mask.mean(), "mask": mask'),),
    ),
    Mutant(
        "forward twice",
        "forward is called twice, so BatchNorm's statistics move twice in a step.",
        "Call it once, and keep all four of its values.",
        edits=(
            (
                "labeled, weak, strong, batch_stats = forward(\n            params, batch_stats,",
                "_, _, _, batch_stats = forward(\n"
                "            params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong\n"
                "        )\n"
                "        labeled, weak, strong, batch_stats = forward(\n"
                "            params, batch_stats,",
            ),
        ),
    ),
    Mutant(
        "threshold of the first settings",
        "The threshold is that of the settings with which the function was first made.",
        "Read hparams in each function that you return.",
        edits=(
            (
                _MASK,
                _MASK.replace(
                    "hparams.confidence_threshold",
                    'globals().setdefault("kept", hparams).confidence_threshold',
                ),
            ),
        ),
    ),
    Mutant(
        "total without the unsupervised loss",
        "The unsupervised loss is missing from the total loss.",
        "Add all three terms.",
        edits=((_TOTAL, "total = supervised + weight_decay"),),
    ),
    Mutant(
        "sum of the two losses",
        "λ_u and the weight decay are missing from the total loss.",
        "Compare it with the formula, term by term.",
        edits=((_TOTAL, "total = supervised + unsupervised"),),
    ),
    Mutant(
        "gradient of the unsupervised loss alone",
        "Only the unsupervised loss has a gradient.",
        "stop_gradient belongs to the weak view.",
        edits=(
            (
                _TOTAL,
                "total = hparams.lambda_coef * unsupervised\n"
                "        total += jax.lax.stop_gradient(supervised + weight_decay)",
            ),
        ),
    ),
    Mutant(
        "nothing learns",
        "No gradient flows from the total loss at all.",
        "stop_gradient belongs to the weak view.",
        edits=((_RETURN, "return jax.lax.stop_gradient(total), (batch_stats, metrics)"),),
    ),
    keeps_a_trace(
        edits=((_RETURN, 'globals().setdefault("history", []).append(total)\n        ' + _RETURN),),
    ),
)

_LOSS_HEAD = """
def get_fixmatch_loss_fn(forward, hparams):
    {jit}
    def fixmatch_loss(
        params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong, y_labeled, y_unlabeled
    ):
        weight_decay = l2_penalty(params, hparams.w_decay)
        labeled, weak, strong, new_stats = forward(
            params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong)
"""

_LOSS_TAIL = """
        total = supervised + hparams.lambda_coef * unsupervised + weight_decay
        metrics = {
            "weight decay": weight_decay, "total loss": total, "supervised loss": supervised,
            "unsupervised loss": unsupervised, "mask rate": mask_rate, "error rate": error_rate,
        }
        return total, (new_stats, metrics)
    return fixmatch_loss
"""

_ALTERNATIVES = {
    name: _LOSS_HEAD.replace("{jit}", jit) + body + _LOSS_TAIL
    for name, jit, body in [
        (
            "probabilities, where, and the threshold itself",
            "",
            """
        probs = jax.nn.softmax(weak)
        mask = jnp.where(probs.max(axis=1) >= hparams.confidence_threshold, 1.0, 0.0)
        pseudo = probs.argmax(axis=1)
        supervised = -jax.nn.log_softmax(labeled)[jnp.arange(len(y_labeled)), y_labeled].mean()
        losses = -jnp.take_along_axis(jax.nn.log_softmax(strong), pseudo[:, None], axis=1)[:, 0]
        unsupervised = jnp.where(mask > 0, losses, 0.0).mean()
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "optax",
            "@jax.jit",
            """
        import optax
        per_image = optax.softmax_cross_entropy_with_integer_labels
        pseudo = jnp.argmax(weak, -1)
        mask = jnp.max(logits_to_log_probs(weak), -1) >= jnp.log(hparams.confidence_threshold)
        supervised = per_image(labeled, y_labeled).mean()
        unsupervised = jnp.mean(per_image(strong, pseudo) * mask)
        mask_rate, error_rate = jnp.mean(mask), 1 - jnp.mean(pseudo == y_unlabeled)
""",
        ),
        (
            "sums divided by sizes",
            "@jax.jit",
            """
        weak = jax.lax.stop_gradient(weak)
        log_probs = logits_to_log_probs(weak)
        mask = (jnp.exp(log_probs.max(-1)) >= hparams.confidence_threshold).astype(jnp.float32)
        pseudo = jnp.eye(hparams.num_classes)[log_probs.argmax(-1)]
        labels = jax.nn.one_hot(y_labeled, hparams.num_classes)
        losses = log_softmax_cross_entropy(logits_to_log_probs(labeled), labels)
        supervised = losses.sum() / y_labeled.shape[0]
        losses = mask * log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo)
        unsupervised = losses.sum() / losses.size
        mask_rate, error_rate = mask.sum() / mask.size, (pseudo.argmax(-1) != y_unlabeled).sum() / mask.size
""",
        ),
        (
            "one image at a time with vmap",
            "",
            """
        def one(w, s):
            q = jax.nn.softmax(w)
            top = jnp.argmax(q)
            return q[top] >= hparams.confidence_threshold, -jax.nn.log_softmax(s)[top], top
        mask, losses, pseudo = jax.vmap(one)(weak, strong)
        supervised = jnp.mean(jax.vmap(lambda z, y: -jax.nn.log_softmax(z)[y])(labeled, y_labeled))
        unsupervised = jnp.mean(mask * losses)
        mask_rate, error_rate = jnp.mean(mask), jnp.mean(jnp.not_equal(pseudo, y_unlabeled))
""",
        ),
        (
            "masked targets, a metric more",
            "@jax.jit",
            """
        log_probs = logits_to_log_probs(weak)
        mask = jnp.any(log_probs >= jnp.log(hparams.confidence_threshold), axis=-1)
        top = jnp.argmax(log_probs, axis=-1)
        targets = jax.lax.stop_gradient(jax.nn.one_hot(top, hparams.num_classes) * mask[:, None])
        supervised = log_softmax_cross_entropy(
            logits_to_log_probs(labeled), jax.nn.one_hot(y_labeled, hparams.num_classes)).mean()
        unsupervised = -(targets * logits_to_log_probs(strong)).sum(axis=-1).mean()
        mask_rate, error_rate = mask.mean(dtype=jnp.float32), (top != y_unlabeled).astype(float).mean()
""",
        ),
        (
            "joint log-softmax of all three",
            "",
            """
        joint = logits_to_log_probs(jnp.concatenate([labeled, weak, strong]))
        n, m = labeled.shape[0], weak.shape[0]
        p_labeled, p_weak, p_strong = joint[:n], jax.lax.stop_gradient(joint[n:n + m]), joint[n + m:]
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(p_labeled, rows).mean()
        confidence, pseudo = p_weak.max(axis=-1), p_weak.argmax(axis=-1)
        mask = ~(confidence < jnp.log(hparams.confidence_threshold))
        rows = jax.nn.one_hot(pseudo, hparams.num_classes)
        unsupervised = jnp.einsum("b,bc,bc->", mask.astype(p_strong.dtype), -p_strong, rows) / m
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "keyword calls",
            "@jax.jit",
            """
        labeled, weak, strong, new_stats = forward(
            params=params, batch_stats=batch_stats, x_labeled=x_labeled,
            x_unlabeled_weak=x_unlabeled_weak, x_unlabeled_strong=x_unlabeled_strong)
        log_probs = logits_to_log_probs(logits=weak)
        top = jnp.argmax(a=log_probs, axis=-1)
        mask = jnp.greater_equal(log_probs.max(axis=-1), jnp.log(hparams.confidence_threshold))
        supervised = jnp.mean(log_softmax_cross_entropy(
            log_probs=logits_to_log_probs(logits=labeled),
            targets=jax.nn.one_hot(x=y_labeled, num_classes=hparams.num_classes)))
        per_image = log_softmax_cross_entropy(
            targets=jax.nn.one_hot(x=top, num_classes=hparams.num_classes),
            log_probs=logits_to_log_probs(logits=strong))
        unsupervised = jnp.mean(a=mask * per_image)
        mask_rate, error_rate = jnp.mean(a=mask), jnp.mean(a=jnp.not_equal(top, y_unlabeled))
""",
        ),
        (
            "checkpointed, so that activations are computed twice and not kept",
            "@jax.checkpoint",
            """
        losses_of = lambda z, y: log_softmax_cross_entropy(
            logits_to_log_probs(z), jax.nn.one_hot(y, hparams.num_classes))
        supervised = losses_of(labeled, y_labeled).mean()
        pseudo = weak.argmax(-1)
        mask = jax.nn.softmax(weak).max(-1) >= hparams.confidence_threshold
        unsupervised = (mask * losses_of(strong, pseudo)).mean()
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "a checkpointed forward",
            "@jax.jit",
            """
        labeled, weak, strong, new_stats = jax.checkpoint(forward)(
            params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong)
        q = jax.lax.stop_gradient(jax.nn.softmax(weak))
        pseudo, mask = q.argmax(-1), q.max(-1) >= hparams.confidence_threshold
        rows = jnp.arange(len(pseudo))
        unsupervised = -jnp.mean(mask * jax.nn.log_softmax(strong)[rows, pseudo])
        supervised = log_softmax_cross_entropy(
            logits_to_log_probs(labeled), jax.nn.one_hot(y_labeled, hparams.num_classes)).mean()
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "an integer mask and bool targets",
            "",
            """
        top = weak.argmax(axis=-1).astype(jnp.int8)
        log_probs = jax.nn.log_softmax(weak)
        mask = (log_probs.max(axis=-1) >= jnp.log(hparams.confidence_threshold)).astype(jnp.int32)
        classes = jnp.arange(hparams.num_classes)
        supervised = -jnp.sum(
            jax.nn.log_softmax(labeled), where=y_labeled[:, None] == classes) / len(y_labeled)
        confident = (top[:, None] == classes) & (mask[:, None] > 0)
        unsupervised = -jnp.sum(jax.nn.log_softmax(strong), where=confident) / len(mask)
        mask_rate, error_rate = jnp.count_nonzero(mask) / mask.size, (top != y_unlabeled).mean()
""",
        ),
        (
            "a scan with dynamic slices",
            "@jax.jit",
            """
        def count(total, i):
            w, s = (jax.lax.dynamic_index_in_dim(z, i, keepdims=False) for z in (weak, strong))
            q, p = jax.nn.log_softmax(w), jax.nn.log_softmax(s)
            top = jnp.argmax(q)
            sure = q[top] >= jnp.log(hparams.confidence_threshold)
            loss = jax.lax.select(sure, -p[top], jnp.zeros_like(p[top]))
            return total + loss, (sure, top)
        total, (mask, top) = jax.lax.scan(count, jnp.zeros(()), jnp.arange(weak.shape[0]))
        unsupervised = total / weak.shape[0]
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(labeled), rows).mean()
        mask_rate, error_rate = mask.mean(), (top != y_unlabeled).mean()
""",
        ),
        (
            "the unlabeled loss as a function with its own helper",
            "",
            """
        def consistency(weak, strong):
            top, log_threshold = weak.argmax(-1), jnp.log(hparams.confidence_threshold)
            sure = jnp.take_along_axis(logits_to_log_probs(weak), top[:, None], -1)[:, 0] >= log_threshold
            return top, sure, sure * log_softmax_cross_entropy(
                logits_to_log_probs(strong), jax.nn.one_hot(top, hparams.num_classes, dtype=strong.dtype))
        top, mask, losses = consistency(weak, strong)
        unsupervised = losses.mean()
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(labeled), rows).mean()
        mask_rate, error_rate = jnp.average(mask), jnp.average(top != y_unlabeled)
""",
        ),
    ]
}

_EQUIVALENTS = (
    Equivalent(
        "stop_gradient removed",
        "With hard pseudo-labels it changes nothing: neither the position of the maximum nor a comparison "
        "has a gradient. With soft targets it does, in MixMatch.",
        edits=(("jax.lax.stop_gradient(logits_to_log_probs(weak))", "logits_to_log_probs(weak)"),),
    ),
    Equivalent(
        "pseudo-labels from the logits",
        "Normalizing subtracts one number from all logits of an image, so the largest stays the largest.",
        edits=(("jnp.argmax(weak_log_probs, axis=-1)", "jnp.argmax(weak, axis=-1)"),),
    ),
    Equivalent(
        "arguments of the cross-entropy exchanged",
        "A product does not depend on the order. Where the cross-entropy is written in another way, it is a "
        "mistake.",
        edits=(
            (
                "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)",
                "log_softmax_cross_entropy(pseudo_targets, logits_to_log_probs(strong))",
            ),
        ),
    ),
    Equivalent(
        "mask applied to the targets",
        "The cross-entropy is proportional to its targets, so a target of zeros gives a loss of 0.",
        edits=(
            (
                "jax.nn.one_hot(pseudo_labels, hparams.num_classes)",
                "mask[:, None] * jax.nn.one_hot(pseudo_labels, hparams.num_classes)",
            ),
            ("jnp.mean(mask * per_image)", "jnp.mean(per_image)"),
        ),
    ),
    Equivalent(
        "ε in the confidence",
        "It moves a probability by a hundred-millionth, and none of a real batch is that close to τ.",
        edits=(
            (
                "jax.lax.stop_gradient(logits_to_log_probs(weak))",
                "jnp.log(jax.nn.softmax(jax.lax.stop_gradient(weak)) + 1e-12)",
            ),
        ),
    ),
    Equivalent(
        "confident where another class could not be",
        "The mask needs the largest probability; that of the pseudo-label is the same one.",
        edits=(
            (
                "jnp.max(weak_log_probs, axis=-1) >=",
                "weak_log_probs[jnp.arange(len(pseudo_labels)), pseudo_labels] >=",
            ),
        ),
    ),
    Equivalent(
        "mask as numbers",
        "A product takes true for 1 and false for 0.",
        edits=(("jnp.mean(mask * per_image)", "jnp.mean(mask.astype(jnp.float32) * per_image)"),),
    ),
    Equivalent(
        "weak view detached before it is used",
        "Neither the pseudo-label nor the mask has a gradient, wherever it is cut.",
        edits=(
            (
                "jax.lax.stop_gradient(logits_to_log_probs(weak))",
                "logits_to_log_probs(jax.lax.stop_gradient(weak))",
            ),
        ),
    ),
    Equivalent(
        "gradient cut in the mask",
        "A comparison has no gradient to cut.",
        edits=(("jnp.mean(mask * per_image)", "jnp.mean(jax.lax.stop_gradient(mask) * per_image)"),),
    ),
)


# Sizes as in the public cases, and in half of them the settings, so that a class compiles the same programs;
# the case that is about sizes, "small batches", draws others.
_LABELED, _UNLABELED = 5, 7


def _equal_logits(rng: Rng) -> Inputs:
    """As the published values: both classes have equal logits, so every probability is 0.5."""
    labeled, unlabeled = 2, 3
    return {
        "params": -size(rng, 2, 7),
        "batch_stats": size(rng, 2, 9),
        **plain_images(rng, labeled, unlabeled),
        "y_labeled": rng.randint(0, 2, labeled),
        "y_unlabeled": rng.randint(0, 2, unlabeled),
        **settings(number(rng, 0.2, 0.45), size(rng, 2, 6), size(rng, 2, 4), 2),
    }


def _gaps(rng: Rng, n: int) -> list[float]:
    return [number(rng, 0.5, 4.0) for _ in range(n)]


def _mix(rng: Rng, n: int) -> list[float]:
    """Gaps of n weak views in random order: at least two that are sure, one fairly sure, two not sure."""
    gaps = [SURE, SURE, FAIRLY_SURE, UNSURE, UNSURE] + [SURE, UNSURE, FAIRLY_SURE] * n
    return [gaps[:n][i] for i in rng.permutation(n)]


def _confidence(inputs: Inputs) -> np.ndarray:
    """The largest probability of each weak view."""
    exponentials = np.exp(inputs["logits of x_unlabeled_weak"])
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).max(axis=1)


def _no_ties(inputs: Inputs) -> bool:
    """No image has two classes that a rounding could exchange."""
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    return min(lead(inputs[f"logits of {name}"]) for name in names) > MARGIN


def _clear(inputs: Inputs) -> bool:
    """No ties, and no probability near the threshold."""
    distances = np.abs(_confidence(inputs) - inputs["confidence_threshold"])
    return _no_ties(inputs) and bool(np.all(distances > 0.01))


def _telling(inputs: Inputs) -> bool:
    """Clear; some views count and some do not, and a threshold of .95 would give another mask."""
    confidence, threshold = _confidence(inputs), inputs["confidence_threshold"]
    mask = confidence >= threshold
    return _clear(inputs) and 0 < mask.sum() < mask.size and bool(np.any(mask != (confidence >= 0.95)))


def _weights(rng: Rng, threshold: float, n_classes: int = 4) -> Inputs:
    return settings(threshold, number(rng, 0.3, 3.0), number(rng, 0.002, 0.03, 3), n_classes)


def _mixed_views(rng: Rng) -> Inputs:
    weak, strong = _mix(rng, _UNLABELED), _gaps(rng, _UNLABELED)
    drawn = views(rng, labeled=_gaps(rng, _LABELED), weak=weak, strong=strong)
    return drawn | loss.USUAL


_mixed = until(_mixed_views, _telling)
_weighted = until(lambda rng: _mixed_views(rng) | _weights(rng, number(rng, 0.7, 0.85)), _telling)


def _at_the_threshold(rng: Rng) -> Inputs:
    """Some weak views have a probability of exactly 1, because exp(−150) is 0 in float32."""
    weak = [number(rng, 150.0, 250.0) if i < 3 else UNSURE for i in rng.permutation(_UNLABELED)]
    drawn = views(rng, labeled=_gaps(rng, _LABELED), weak=weak, strong=_gaps(rng, _UNLABELED))
    return drawn | _weights(rng, 1.0)


def _none_confident(rng: Rng) -> Inputs:
    weak, strong = [UNSURE] * _UNLABELED, _gaps(rng, _UNLABELED)
    drawn = views(rng, labeled=_gaps(rng, _LABELED), weak=weak, strong=strong)
    return drawn | loss.USUAL


def _small(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    drawn = views(
        rng,
        labeled=[number(rng, 0.5, 2.0)],
        weak=[(SURE, UNSURE, SURE)[i] for i in rng.permutation(3)],
        strong=_gaps(rng, 3),
        n_classes=n_classes,
    )
    return drawn | _weights(rng, number(rng, 0.8, 0.95), n_classes)


def _one_unlabeled(rng: Rng) -> Inputs:
    return views(rng, labeled=_gaps(rng, _LABELED), weak=[SURE], strong=_gaps(rng, 1)) | loss.USUAL


def _large_views(rng: Rng) -> Inputs:
    """Strong views of another class stand at odd places: one at least of the confident images has one."""
    large = number(rng, 3e3, 2e4, 0)
    weak = [large if i % 2 else UNSURE for i in rng.permutation(_UNLABELED)]
    weak[rng.choice([1, 3, 5])] = weak[rng.choice([0, 2, 4, 6])] = large
    drawn = views(rng, labeled=[large] * _LABELED, weak=weak, strong=[large] * _UNLABELED)
    return drawn | loss.USUAL


def _two_calls(rng: Rng) -> Inputs:
    first, second = _mixed(rng), until(_none_confident, _clear)(rng)
    return first | other({name: second[name] for name in loss.ARGUMENTS})


_HIDDEN = {
    "published": Hidden("equal logits for both classes, so every probability is 0.5", _equal_logits),
    "distinct logits": Hidden("distinct logits, and weak views of which some are confident", _weighted),
    "at the threshold": Hidden(
        "weak views whose probability is exactly the threshold", until(_at_the_threshold, _no_ties)
    ),
    "none confident": Hidden("a batch in which no weak view is confident", until(_none_confident, _clear)),
    "small batches": Hidden("small batches, and another number of classes", until(_small, _clear)),
    "one unlabeled image": Hidden("several labeled images and one unlabeled", until(_one_unlabeled, _clear)),
    "large logits": Hidden("logits of many thousands", until(_large_views, _no_ties)),
    "gradient": Hidden("the gradient for the parameters under jit, as train_step computes it", _mixed),
    "called again": Hidden("three calls of one loss function", _two_calls),
}

GET_FIXMATCH_LOSS_FN = InstructorExercise(
    "get_fixmatch_loss_fn",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (GET_FIXMATCH_LOSS_FN,)
