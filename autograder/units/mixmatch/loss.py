"""What instructors have of ``mixmatch_loss``."""

from __future__ import annotations

from collections.abc import Callable

import torch

from autograder.units import InstructorExercise
from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden
from autograder.units.mixmatch.common import Sizes, draw_temperature
from autograder.units.mutant import Mutant, Pairs
from autograder.units.shared import leaves_behind, made_on_the_cpu
from autograder.units.torch_hidden import also_on_a_gpu
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.checks.left_behind import (
    DTYPE,
    GRADIENT,
    HOOK,
    MODE,
    NEED,
    SETTING,
    SWITCH,
    WEIGHTS,
)
from course.checks.torch_functions import tensors
from course.units.mixmatch.checks import loss
from course.units.mixmatch.checks.common import Rng, net_of
from course.units.mixmatch.checks.guesses import large
from solutions.mixmatch import guess_labels

_GUESSES = "guesses = guess_labels(model, views, hparams.T)"
_PREDICTED = "torch.softmax(model(views.flatten(0, 1)), dim=-1).unflatten(0, views.shape[:2]).mean(dim=0)"
_MIXED = 'x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])'
_FORWARD = "logits = model(x)"
_SUPERVISED = "F.cross_entropy(logits[:n_labeled], targets[:n_labeled])"
_UNSUPERVISED = "F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])"
_WEIGHT = 'weight = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)'
_TOTAL = "total = supervised + weight * unsupervised"
_ERROR = '(guesses.argmax(dim=-1) != batch["y_unlabeled"]).float().mean()'
_ONE_HOT = 'F.one_hot(batch["y_labeled"], hparams.n_classes)'
_REPEATED = "guesses.repeat(len(views), 1)"
_RETURN = "return total, state, metrics"


def _unsupervised(replacement: str) -> Pairs:
    return ((_UNSUPERVISED, replacement),)


_SQUARES = "(torch.softmax(logits[n_labeled:], dim=-1) - targets[n_labeled:]) ** 2"

_MUTANTS = (
    Mutant(
        "gradient through the guesses",
        "A gradient flows through the guessed labels, so the network learns to move its targets.",
        "The guessing pass belongs under torch.no_grad(), or its result has to be detached.",
        edits=(
            (
                _GUESSES,
                f"with frozen_statistics(model):\n        guesses = sharpen({_PREDICTED}, hparams.T)",
            ),
        ),
        common="Leaving the gradient in the guesses. No value changes, but unsure predictions are pushed to "
        "become less sure.",
    ),
    Mutant(
        "statistics counted twice",
        "BatchNorm counts both the guessing pass and the training pass of the same step.",
        "guess_labels runs the model under frozen_statistics(model).",
        edits=((_GUESSES, f"with torch.no_grad():\n        guesses = sharpen({_PREDICTED}, hparams.T)"),),
    ),
    Mutant(
        "passes of their own",
        "Labeled and unlabeled images go through the network in separate passes.",
        "One pass over the whole mixed batch; split the logits afterwards.",
        edits=((_FORWARD, "logits = torch.cat([model(x[:n_labeled]), model(x[n_labeled:])])"),),
    ),
    Mutant(
        "guess in evaluation mode",
        "The guesses are made in evaluation mode.",
        "MixMatch guesses in training mode, where BatchNorm uses the statistics of the batch.",
        edits=((_GUESSES, f"model.eval()\n    {_GUESSES}\n    model.train()"),),
    ),
    Mutant(
        "no λ_u",
        "λ_u is missing from the weight of the unlabeled loss.",
        "The weight is λ_u times the ramp.",
        edits=((_WEIGHT, _WEIGHT.replace("hparams.lambda_u * ", "")),),
    ),
    Mutant(
        "no ramp",
        "The unlabeled loss has its full weight from the start.",
        "Multiply λ_u by your linear_rampup.",
        edits=((_WEIGHT, "weight = hparams.lambda_u"),),
    ),
    Mutant(
        "ramp on both",
        "The weight multiplies the supervised loss as well.",
        "Only the unlabeled loss is weighted.",
        edits=((_TOTAL, "total = weight * (supervised + unsupervised)"),),
    ),
    Mutant(
        "weight on the labeled",
        "The weight multiplies the supervised loss in place of the unsupervised one.",
        "Only the unlabeled loss is weighted.",
        edits=((_TOTAL, "total = weight * supervised + unsupervised"),),
    ),
    Mutant(
        "weight in the metric",
        'The metric "unsupervised loss" already contains the weight.',
        "Weight it only where you add up the total loss.",
        edits=((_TOTAL, "unsupervised = weight * unsupervised\n    total = supervised + unsupervised"),),
    ),
    Mutant(
        "ramp as the weight",
        'The metric "unlabeled weight" holds the ramp without λ_u.',
        "It is what the unlabeled loss is multiplied by.",
        edits=(('"unlabeled weight": weight,', '"unlabeled weight": weight / hparams.lambda_u,'),),
    ),
    Mutant(
        "summed over the classes",
        "The squared differences are summed over the classes. MixMatch takes their mean.",
        "λ_u = 75 belongs to the mean over samples and classes.",
        edits=_unsupervised(f"({_SQUARES}).sum(dim=-1).mean()"),
        common="Summing over classes instead of averaging. λ_u is then in effect ten times as large.",
    ),
    Mutant(
        "summed over the samples",
        "The squared differences are summed over the samples.",
        "Take the mean over samples and over classes.",
        edits=_unsupervised(f"({_SQUARES}).mean(dim=-1).sum()"),
    ),
    Mutant(
        "summed over both",
        "The squared differences are summed over samples and classes.",
        "Take the mean over samples and over classes.",
        edits=_unsupervised(f"({_SQUARES}).sum()"),
    ),
    Mutant(
        "root of the square",
        "The distance is not squared.",
        "L_U is the mean of the squared differences.",
        edits=_unsupervised(f"torch.sqrt(({_SQUARES}).mean())"),
    ),
    Mutant(
        "absolute difference",
        "The absolute difference is taken instead of the squared one.",
        "L_U is the mean of the squared differences.",
        edits=_unsupervised(_UNSUPERVISED.replace("mse_loss", "l1_loss")),
    ),
    Mutant(
        "divided by the images",
        "L_U is divided by the number of unlabeled images, but every view of them is a sample.",
        "Take the mean over all samples after the first B.",
        edits=_unsupervised(f"({_SQUARES}).mean(dim=-1).sum() / len(guesses)"),
    ),
    Mutant(
        "cross-entropy for the unlabeled",
        "The unlabeled loss is a cross-entropy. MixMatch takes the squared error between probabilities.",
        "The squared error is bounded: the cost of a wrong guess is limited.",
        edits=_unsupervised("F.cross_entropy(logits[n_labeled:], targets[n_labeled:])"),
    ),
    Mutant(
        "squared logits",
        "Logits are compared with the targets, which are probabilities.",
        "Take the softmax of the unlabeled logits first.",
        edits=_unsupervised("F.mse_loss(logits[n_labeled:], targets[n_labeled:])"),
    ),
    Mutant(
        "squared error for the labeled",
        "The labeled loss is a squared error.",
        "For labeled images MixMatch keeps the cross-entropy.",
        edits=((_SUPERVISED, "F.mse_loss(torch.softmax(logits[:n_labeled], dim=-1), targets[:n_labeled])"),),
    ),
    Mutant(
        "hard guesses",
        "The guesses are turned into one-hot rows, as in FixMatch.",
        "MixMatch keeps the sharpened distribution as the target.",
        edits=(
            (
                _GUESSES,
                f"{_GUESSES}\n    guesses = F.one_hot(guesses.argmax(-1), hparams.n_classes).to(guesses)",
            ),
        ),
    ),
    Mutant(
        "not sharpened",
        "The guesses are not sharpened.",
        "Pass hparams.T on to guess_labels.",
        edits=((_GUESSES, _GUESSES.replace("hparams.T", "1.0")),),
    ),
    Mutant(
        "sharpened twice",
        "The guesses are sharpened a second time.",
        "guess_labels sharpens them already.",
        edits=((_GUESSES, "guesses = sharpen(guess_labels(model, views, hparams.T), hparams.T)"),),
    ),
    Mutant(
        "mixed targets sharpened",
        "The mixed targets are sharpened.",
        "Sharpening comes before mixing.",
        edits=((_FORWARD, f"targets = sharpen(targets, hparams.T)\n    {_FORWARD}"),),
    ),
    Mutant(
        "guesses in another order",
        "The guesses and the views are in different orders: each image's guess is repeated in a row.",
        "The views are joined one whole view after the other; repeat the guesses in the same way.",
        edits=((_REPEATED, "guesses.repeat_interleave(len(views), dim=0)"),),
        common="Repeating guesses image by image although the batch holds one view after the other. Most "
        "targets then belong to another image.",
    ),
    Mutant(
        "targets not mixed",
        "The images are mixed, but their targets are not, or only with themselves.",
        "Mix both, with the same order and the same λ.",
        edits=((_MIXED, _MIXED.replace("x, targets =", "x, _ =")),),
    ),
    Mutant(
        "images not mixed",
        "The targets are mixed, but the network sees the unmixed images.",
        "The forward pass takes the mixed images.",
        edits=((_MIXED, _MIXED.replace("x, targets =", "_, targets =")),),
    ),
    Mutant(
        "nothing mixed",
        "Nothing is mixed: images and targets are used unchanged.",
        'Call your mixup with the same images in the order batch["order"].',
        edits=((_MIXED, ""),),
    ),
    Mutant(
        "mean of λ",
        "The mean of all λ is used for all samples.",
        'batch["lam"] holds one for each sample.',
        edits=((_MIXED, _MIXED.replace('batch["lam"]', 'batch["lam"].mean().repeat(len(x))')),),
    ),
    Mutant(
        "mixed among their kind",
        "Labeled images are mixed with labeled ones only, unlabeled ones with unlabeled ones.",
        "Join them all first: the partner may be of either kind.",
        edits=(
            (
                _MIXED,
                "order = torch.cat([order[order < n_labeled], order[order >= n_labeled]])\n    " + _MIXED,
            ),
        ),
        common="Mixing labeled with labeled and unlabeled with unlabeled images only. The paths between the "
        "two, which carry the labels over, are then missing.",
    ),
    Mutant(
        "one λ for all",
        "The first λ is used for all samples.",
        'batch["lam"] holds one for each sample.',
        edits=((_MIXED, _MIXED.replace('batch["lam"]', 'batch["lam"][:1].repeat(len(x))')),),
    ),
    Mutant(
        "true labels",
        "The targets of the unlabeled images use y_unlabeled, which is not available in a real run.",
        "y_unlabeled is used only for the error rate.",
        edits=(
            (
                _REPEATED,
                'F.one_hot(batch["y_unlabeled"], hparams.n_classes).to(guesses.dtype).repeat(len(views), 1)',
            ),
        ),
    ),
    Mutant(
        "split in the wrong place",
        "The logits are cut at the number of unlabeled images, not at B.",
        "The first B samples belong to the labeled images.",
        edits=(
            (_SUPERVISED, _SUPERVISED.replace("n_labeled", "views.shape[1]")),
            (_UNSUPERVISED, _UNSUPERVISED.replace("n_labeled", "views.shape[1]")),
        ),
    ),
    Mutant(
        "supervised loss over all",
        "The supervised loss is taken over all samples.",
        "L_X is over the first B samples.",
        edits=((_SUPERVISED, "F.cross_entropy(logits, targets)"),),
    ),
    Mutant(
        "unsupervised loss over all",
        "The unsupervised loss is taken over all samples, labeled ones included.",
        "L_U is over the samples after the first B.",
        edits=_unsupervised("F.mse_loss(torch.softmax(logits, dim=-1), targets)"),
    ),
    Mutant(
        "no supervised loss",
        "The supervised loss is missing from the total loss.",
        "Add both terms.",
        edits=((_TOTAL, "total = weight * unsupervised"),),
    ),
    Mutant(
        "no unsupervised loss",
        "The unsupervised loss is missing from the total loss.",
        "Add both terms.",
        edits=((_TOTAL, "total = supervised"),),
    ),
    Mutant(
        "weight decay added",
        "A weight decay is added, as in FixMatch.",
        "Here the optimizer shrinks the kernels; the loss has two terms.",
        edits=(
            (
                _TOTAL,
                "decay = sum((w**2).sum() for w in model.parameters() if w.ndim > 1)\n"
                "    total = supervised + weight * unsupervised + hparams.weight_decay / 2 * decay",
            ),
        ),
    ),
    Mutant(
        "accuracy",
        'The metric "error rate" holds the accuracy.',
        "Count where the two differ.",
        edits=((_ERROR, _ERROR.replace("!=", "==")),),
    ),
    Mutant(
        "error of the mixed samples",
        "The error rate compares predictions on mixed images, which have no single class.",
        "It compares the largest entry of each guess with y_unlabeled.",
        edits=(
            (
                _ERROR,
                '(logits[n_labeled:].argmax(-1) != batch["y_unlabeled"].repeat(len(views))).float().mean()',
            ),
        ),
    ),
    Mutant(
        "error of the mixed samples",
        name="error of the first view's mixtures",
        edits=(
            (
                _ERROR,
                '(logits[n_labeled : n_labeled + len(guesses)].argmax(-1) != batch["y_unlabeled"])'
                ".float().mean()",
            ),
        ),
    ),
    Mutant(
        "error of the mixed samples",
        name="error of the mixed targets",
        edits=(
            (
                _ERROR,
                '(targets[n_labeled:].argmax(-1) != batch["y_unlabeled"].repeat(len(views))).float().mean()',
            ),
        ),
    ),
    Mutant(
        "error of the labeled",
        "The error rate is computed on the labeled images.",
        "It compares the largest entry of each guess with y_unlabeled.",
        edits=((_ERROR, '(logits[:n_labeled].argmax(-1) != batch["y_labeled"]).float().mean()'),),
    ),
    Mutant(
        "no gradient from the unlabeled",
        "No gradient flows from the unlabeled loss: its prediction is cut off along with its target.",
        "Only the guesses are without gradient, not the logits of the mixed images.",
        edits=_unsupervised(_UNSUPERVISED.replace("logits[n_labeled:]", "logits[n_labeled:].detach()")),
    ),
    Mutant(
        "no gradient from the labeled",
        "No gradient flows from the labeled loss.",
        "Only the guesses are without gradient, not the logits of the mixed images.",
        edits=((_SUPERVISED, _SUPERVISED.replace("logits[:n_labeled]", "logits[:n_labeled].detach()")),),
    ),
    Mutant(
        "log of softmax",
        "You take the logarithm of a softmax, which is infinite where a probability rounds to 0.",
        "F.cross_entropy takes logits, and targets that are distributions.",
        edits=(
            (
                _SUPERVISED,
                "-(targets[:n_labeled] * torch.log(torch.softmax(logits[:n_labeled], -1))).sum(-1).mean()",
            ),
        ),
    ),
    Mutant(
        "classes of CIFAR-10",
        "The number of classes of CIFAR-10 is hard-coded.",
        "Use hparams.n_classes.",
        edits=(('F.one_hot(batch["y_labeled"], hparams.n_classes)', 'F.one_hot(batch["y_labeled"], 10)'),),
    ),
    Mutant(
        "two views",
        "The number of views is hard-coded.",
        "Read it from the shape of x_unlabeled.",
        edits=((_REPEATED, "guesses.repeat(2, 1)"),),
    ),
    Mutant(
        "one loss for each sample",
        "The total loss is an array.",
        "Average each of the two terms before you add them.",
        edits=(
            (
                _TOTAL,
                "each = F.cross_entropy(logits[:n_labeled], targets[:n_labeled], reduction='none')\n"
                "    total = each + weight * unsupervised",
            ),
        ),
    ),
    Mutant(
        "renamed metric",
        'A metric does not have the name in the docstring: "error_rate" instead of "error rate".',
        "Compare the keys letter by letter: the training loop reads these names.",
        edits=(('"error rate":', '"error_rate":'),),
    ),
    Mutant(
        "no metrics",
        "The metrics are not returned.",
        "Return (total, state, metrics).",
        edits=((_RETURN, "return total, state"),),
    ),
    Mutant(
        "state dropped",
        "The state is not passed on.",
        "Return (total, state, metrics) with the state that came in.",
        edits=((_RETURN, "return total, {}, metrics"),),
    ),
    Mutant(
        "guesses of the first batch",
        "Later mini-batches reuse the guesses of the first one.",
        "Guess again in every call.",
        edits=(
            (
                _GUESSES,
                f"{_GUESSES}\n"
                '    guesses = model.__dict__.setdefault("first_guesses", guesses)\n'
                "    guesses = torch.cat([guesses, guesses])[: views.shape[1]]",
            ),
        ),
    ),
    Mutant(
        "targets not mixed",
        name="targets mixed with themselves",
        edits=((_MIXED, _MIXED.replace("targets[order]", "targets")),),
    ),
    made_on_the_cpu(
        edits=((_ONE_HOT, 'torch.eye(hparams.n_classes)[batch["y_labeled"]]'),),
    ),
    Mutant(
        "shuffled apart",
        "Images and targets are put into different orders.",
        "Both are taken in the order of the same permutation.",
        edits=((_MIXED, _MIXED.replace("targets[order]", "targets[order.argsort()]")),),
    ),
    Mutant(
        "images in another order",
        "The images are put into the inverse of the order that their targets have.",
        "Both are taken in the order of the same permutation.",
        edits=((_MIXED, _MIXED.replace("x[order]", "x[order.argsort()]")),),
    ),
    Mutant(
        "inverse order",
        "The inverse of the permutation is used.",
        'Index with batch["order"] as it is.',
        edits=((_MIXED, f"order = order.argsort()\n    {_MIXED}"),),
    ),
    Mutant(
        "order of its own",
        "A permutation is drawn in the loss, and the one in the batch is not used.",
        'The partners are those of batch["order"].',
        edits=(
            (
                _MIXED,
                "generator = torch.Generator().manual_seed(0)\n"
                f"    order = torch.randperm(len(x), generator=generator)\n    {_MIXED}",
            ),
        ),
    ),
    Mutant(
        "the next one is the partner",
        "Each sample is mixed with the next one.",
        'The partners are those of batch["order"].',
        edits=((_MIXED, f"order = torch.arange(len(x), device=x.device).roll(-1)\n    {_MIXED}"),),
    ),
    Mutant(
        "λ shuffled along",
        "λ is put into another order along with the samples.",
        "λ belongs to the samples as they stand.",
        edits=((_MIXED, _MIXED.replace('batch["lam"]', 'batch["lam"][order]')),),
    ),
    Mutant(
        "λ of its own",
        "λ is drawn in the loss, and the draws in the batch are not used.",
        'Pass batch["lam"] on.',
        edits=(
            (
                _MIXED,
                "import numpy as np\n\n"
                "    drawn = np.random.RandomState(0).beta(0.75, 0.75, len(x))\n    "
                + _MIXED.replace('batch["lam"]', "torch.as_tensor(drawn).to(x)"),
            ),
        ),
    ),
    Mutant(
        "mixed twice",
        "The mixed samples are mixed once more.",
        "One call of mixup.",
        edits=((_MIXED, f"{_MIXED}\n    {_MIXED}"),),
    ),
    Mutant(
        "mixed with the labeled",
        "Every sample is mixed with a labeled one.",
        'The partners are those of batch["order"], of either kind.',
        edits=((_MIXED, f"order = order % n_labeled\n    {_MIXED}"),),
    ),
    Mutant(
        "labeled images not mixed",
        "The labeled images and their targets are not mixed.",
        "All samples are mixed, the labeled ones too.",
        edits=(
            (
                _MIXED,
                "plain, hard = x[:n_labeled], targets[:n_labeled]\n"
                f"    {_MIXED}\n"
                "    x, targets = torch.cat([plain, x[n_labeled:]]), torch.cat([hard, targets[n_labeled:]])",
            ),
        ),
    ),
    Mutant(
        "unlabeled images not mixed",
        "The unlabeled images and their targets are not mixed.",
        "All samples are mixed, the unlabeled ones too.",
        edits=(
            (
                _MIXED,
                "plain, soft = x[n_labeled:], targets[n_labeled:]\n"
                f"    {_MIXED}\n"
                "    x, targets = torch.cat([x[:n_labeled], plain]), torch.cat([targets[:n_labeled], soft])",
            ),
        ),
    ),
    Mutant(
        "views joined image by image",
        "The views are joined image by image, and the guesses view by view.",
        "The views are joined one whole view after the other; repeat the guesses in the same way.",
        edits=(
            (
                'torch.cat([batch["x_labeled"], views.flatten(0, 1)])',
                'torch.cat([batch["x_labeled"], views.transpose(0, 1).flatten(0, 1)])',
            ),
        ),
    ),
    Mutant(
        "unlabeled images first",
        "The unlabeled images stand first in the joined batch, but the first B count as labeled.",
        "Join the labeled images first, then the views.",
        edits=(
            (
                'x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])',
                'x = torch.cat([views.flatten(0, 1), batch["x_labeled"]])',
            ),
        ),
    ),
    Mutant(
        "unlabeled images first",
        name="unlabeled images and guesses first",
        edits=(
            (
                'x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])',
                'x = torch.cat([views.flatten(0, 1), batch["x_labeled"]])',
            ),
            (
                f"torch.cat([one_hot.to(guesses.dtype), {_REPEATED}])",
                f"torch.cat([{_REPEATED}, one_hot.to(guesses.dtype)])",
            ),
        ),
    ),
    Mutant(
        "a guess for each view",
        "Every view has a guess of its own, made from this view alone.",
        "An image has one guess, from all of its views; it is the target of each of them.",
        edits=((_REPEATED, "torch.cat([guess_labels(model, view[None], hparams.T) for view in views])"),),
    ),
    Mutant(
        "classes of the labels",
        "The number of classes is read off the labels of this batch.",
        "Use hparams.n_classes.",
        edits=((_ONE_HOT, 'F.one_hot(batch["y_labeled"], int(batch["y_labeled"].max()) + 1)'),),
    ),
    Mutant(
        "confident guesses alone",
        "Only guesses above .95 count in the unlabeled loss, as in FixMatch.",
        "In MixMatch every guess counts.",
        edits=_unsupervised(
            f"(({_SQUARES}) * (targets[n_labeled:].amax(dim=-1, keepdim=True) >= 0.95)).mean()"
        ),
    ),
    Mutant(
        "temperature on the prediction",
        "The prediction on the mixed images is sharpened with T as well.",
        "T is for the guesses alone.",
        edits=_unsupervised(_UNSUPERVISED.replace("logits[n_labeled:]", "logits[n_labeled:] / hparams.T")),
    ),
    Mutant(
        "logarithm in the distance",
        "Log-probabilities are compared with the targets, which are probabilities.",
        "Take the softmax of the unlabeled logits.",
        edits=_unsupervised(_UNSUPERVISED.replace("softmax", "log_softmax")),
    ),
    Mutant(
        "divergence for the unlabeled",
        "The unlabeled loss is a Kullback-Leibler divergence.",
        "MixMatch takes the squared error between probabilities.",
        edits=_unsupervised(
            "F.kl_div(torch.log_softmax(logits[n_labeled:], dim=-1), targets[n_labeled:],"
            ' reduction="batchmean")'
        ),
    ),
    Mutant(
        "divergence for the unlabeled",
        name="divergence with the logarithm of a softmax",
        edits=_unsupervised(
            "F.kl_div(torch.softmax(logits[n_labeled:], dim=-1).log(), targets[n_labeled:],"
            ' reduction="batchmean")'
        ),
    ),
    Mutant(
        "divergence for the unlabeled",
        name="divergence averaged over classes too",
        edits=_unsupervised(
            "F.kl_div(torch.log_softmax(logits[n_labeled:], dim=-1), targets[n_labeled:],"
            ' reduction="none").mean()'
        ),
    ),
    Mutant(
        "divided by the views",
        "L_U is divided by the number of views once more.",
        "The mean over all samples after the first B is over the views already.",
        edits=_unsupervised(f"{_UNSUPERVISED} / len(views)"),
    ),
    Mutant(
        "half the square",
        "The squared error is halved.",
        "L_U is the mean of the squared differences.",
        edits=_unsupervised(f"0.5 * {_UNSUPERVISED}"),
    ),
    Mutant(
        "softmax over the samples",
        "The softmax of the unlabeled logits runs over the samples.",
        "Classes are the last axis.",
        edits=_unsupervised(_UNSUPERVISED.replace("dim=-1", "dim=0")),
    ),
    Mutant(
        "softmax twice",
        "F.cross_entropy is given probabilities; it takes the softmax itself.",
        "Give it the logits.",
        edits=(
            (_SUPERVISED, _SUPERVISED.replace("logits[:n_labeled]", "torch.softmax(logits[:n_labeled], -1)")),
        ),
    ),
    Mutant(
        "labels in place of mixed targets",
        "The labeled loss takes one class for each sample, although the images are mixed.",
        "The targets of mixed images are mixed.",
        edits=((_SUPERVISED, _SUPERVISED.replace("targets[:n_labeled]", 'batch["y_labeled"]')),),
    ),
    Mutant(
        "labels in place of mixed targets",
        name="mixed targets made hard",
        edits=((_SUPERVISED, _SUPERVISED.replace("targets[:n_labeled]", "targets[:n_labeled].argmax(-1)")),),
    ),
    Mutant(
        "labeled loss summed",
        "The labeled loss is a sum over the samples.",
        "L_X is the mean over the first B samples.",
        edits=((_SUPERVISED, 'F.cross_entropy(logits[:n_labeled], targets[:n_labeled], reduction="sum")'),),
    ),
    Mutant(
        "labeled loss divided by all",
        "The labeled loss is divided by the number of all samples.",
        "L_X is the mean over the first B samples.",
        edits=((_SUPERVISED, _SUPERVISED.replace(")", ', reduction="sum") / len(x)')),),
    ),
    Mutant(
        "labeled loss averaged over classes",
        "The labeled loss is averaged over the classes too.",
        "A cross-entropy is a sum over classes, and L_X its mean over samples.",
        edits=((_SUPERVISED, "-(targets[:n_labeled] * torch.log_softmax(logits[:n_labeled], -1)).mean()"),),
    ),
    Mutant(
        "divergence for the labeled",
        "The entropy of the targets is subtracted from the labeled loss: this is a divergence.",
        "L_X is the cross-entropy.",
        edits=(
            (
                _SUPERVISED,
                "F.kl_div(torch.log_softmax(logits[:n_labeled], -1), targets[:n_labeled],"
                ' reduction="batchmean")',
            ),
        ),
    ),
    Mutant(
        "constant in the logarithm",
        "A small number is added inside the logarithm, which cuts large losses off.",
        "F.cross_entropy takes logits, and targets that are distributions.",
        edits=(
            (
                _SUPERVISED,
                "-(targets[:n_labeled]"
                " * torch.log(torch.softmax(logits[:n_labeled], -1) + 1e-8)).sum(-1).mean()",
            ),
        ),
    ),
    Mutant(
        "clamped probabilities",
        "Probabilities are kept from 0 before the logarithm, which cuts large losses off.",
        "F.cross_entropy takes logits, and targets that are distributions.",
        edits=(
            (
                _SUPERVISED,
                "-(targets[:n_labeled]"
                " * torch.log(torch.softmax(logits[:n_labeled], -1).clamp(min=1e-6))).sum(-1).mean()",
            ),
        ),
    ),
    Mutant(
        "λ_u of the paper",
        "The paper's λ_u of 75 is hard-coded.",
        "Use hparams.lambda_u.",
        edits=((_WEIGHT, _WEIGHT.replace("hparams.lambda_u", "75")),),
    ),
    Mutant(
        "ramp of the paper",
        "The paper's ramp of 16,384 steps is hard-coded.",
        "Use hparams.rampup_length.",
        edits=((_WEIGHT, _WEIGHT.replace("hparams.rampup_length", "16_384")),),
    ),
    Mutant(
        "ramp over the run",
        "The ramp takes as many steps as the whole run.",
        "Use hparams.rampup_length: it is a number of steps, whatever the length of the run.",
        edits=((_WEIGHT, _WEIGHT.replace("rampup_length", "steps")),),
        common="A ramp over the whole run. The same step of a longer run then belongs to another method.",
    ),
    Mutant(
        "ramp over the run",
        name="ramp over the epochs",
        edits=((_WEIGHT, _WEIGHT.replace("hparams.rampup_length", "hparams.epochs * hparams.num_iter")),),
    ),
    Mutant(
        "ramp twice",
        "The ramp multiplies the unlabeled loss twice.",
        "The weight contains it already.",
        edits=(
            (
                _TOTAL,
                "total = supervised + weight * unsupervised"
                ' * linear_rampup(batch["step"], hparams.rampup_length)',
            ),
        ),
    ),
    Mutant(
        "ramp written out",
        "The ramp is written out without the case of a length of 0, by which it divides then.",
        "Your linear_rampup takes care of it.",
        edits=((_WEIGHT, 'weight = hparams.lambda_u * min(batch["step"] / hparams.rampup_length, 1.0)'),),
    ),
    Mutant(
        "one step ahead",
        "The ramp is one step ahead.",
        'Pass batch["step"] on as it is.',
        edits=((_WEIGHT, _WEIGHT.replace('batch["step"]', 'batch["step"] + 1')),),
    ),
    Mutant(
        "mean of the terms",
        "The total loss is half of what it should be: the mean of the two terms.",
        "The terms are added.",
        edits=((_TOTAL, "total = (supervised + weight * unsupervised) / 2"),),
    ),
    Mutant(
        "error in percent",
        "The error rate is in percent.",
        "A rate lies between 0 and 1.",
        edits=((_ERROR, f"100 * {_ERROR}"),),
    ),
    Mutant(
        "error counted",
        "The error rate is a number of images.",
        "A rate is a mean.",
        edits=((_ERROR, _ERROR.replace("mean", "sum")),),
    ),
    Mutant(
        "no gradient",
        "The total loss has no gradient.",
        "Look for torch.no_grad and detach around the forward pass of the mixed images.",
        edits=((_FORWARD, f"with torch.no_grad():\n        {_FORWARD}"),),
    ),
    Mutant(
        "a number for a loss",
        "The total loss is a Python number, from which no gradient can be computed.",
        "Leave out .item() and float() in what is returned first.",
        edits=((_RETURN, "return total.item(), state, metrics"),),
    ),
    Mutant(
        "evaluation mode for the loss",
        "The mixed images go through the network in evaluation mode.",
        "Leave the mode alone.",
        edits=((_FORWARD, f"model.eval()\n    {_FORWARD}\n    model.train()"),),
    ),
    Mutant(
        "loss pass not counted",
        "BatchNorm never counts a batch: its statistics are frozen in the pass of the loss too.",
        "frozen_statistics is for the guesses alone.",
        edits=((_FORWARD, f"with frozen_statistics(model):\n        {_FORWARD}"),),
    ),
    Mutant(
        "labeled images in the guessing pass",
        "The guesses come from a pass that holds the labeled images too.",
        "guess_labels gets the views alone.",
        edits=(
            (
                _GUESSES,
                "with torch.no_grad(), frozen_statistics(model):\n"
                '        seen = model(torch.cat([batch["x_labeled"], views.flatten(0, 1)]))\n'
                '        predicted = torch.softmax(seen[len(batch["x_labeled"]) :], dim=-1)\n'
                "        guesses = sharpen(predicted.unflatten(0, views.shape[:2]).mean(dim=0), hparams.T)",
            ),
        ),
    ),
    Mutant(
        "metrics second",
        "State and metrics are swapped.",
        "The order is total, state, metrics.",
        edits=((_RETURN, "return total, metrics, state"),),
    ),
    leaves_behind(
        MODE,
        edits=((_GUESSES, f"model.eval()\n    {_GUESSES}"),),
    ),
    leaves_behind(
        NEED,
        edits=((_GUESSES, f"model.requires_grad_(False)\n    {_GUESSES}"),),
    ),
    leaves_behind(
        SWITCH,
        edits=((_GUESSES, f"torch.set_grad_enabled(False)\n    {_GUESSES}"),),
    ),
    leaves_behind(
        DTYPE,
        edits=((_GUESSES, f"torch.set_default_dtype(torch.float16)\n    {_GUESSES}"),),
    ),
    leaves_behind(
        SETTING,
        edits=(
            (
                _GUESSES,
                "for module in model.modules():\n"
                '        if hasattr(module, "track_running_stats"):\n'
                "            module.track_running_stats = False\n"
                f"    {_GUESSES}",
            ),
        ),
    ),
    leaves_behind(
        HOOK,
        edits=((_FORWARD, f"model.register_forward_hook(lambda *given: None)\n    {_FORWARD}"),),
    ),
    leaves_behind(
        WEIGHTS,
        edits=(
            (
                _RETURN,
                "with torch.no_grad():\n        for weight in model.parameters():\n"
                f"            weight.mul_(1 - 4e-5)\n    {_RETURN}",
            ),
        ),
    ),
    leaves_behind(
        GRADIENT,
        edits=((_RETURN, f"total.backward(retain_graph=True)\n    {_RETURN}"),),
    ),
)

_ALTERNATIVES = {
    "written out": """
def mixmatch_loss(model, state, batch, hparams):
    K, n = batch["x_unlabeled"].shape[:2]
    B = batch["x_labeled"].shape[0]
    q = guess_labels(model, batch["x_unlabeled"], hparams.T)
    p = torch.zeros(B, hparams.n_classes, dtype=q.dtype, device=q.device)
    p[torch.arange(B), batch["y_labeled"]] = 1
    unlabeled = batch["x_unlabeled"].reshape(K * n, *batch["x_labeled"].shape[1:])
    images = torch.cat((batch["x_labeled"], unlabeled))
    targets = torch.cat((p, torch.cat([q] * K)))
    partner = batch["order"]
    mixed, mixed_targets = mixup(images, images[partner], targets, targets[partner], batch["lam"])
    logits_x, logits_u = model(mixed).split([B, K * n])
    L_x = -(mixed_targets[:B] * F.log_softmax(logits_x, dim=1)).sum(dim=1).mean()
    L_u = ((F.softmax(logits_u, dim=1) - mixed_targets[B:]) ** 2).mean()
    w = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)
    loss = L_x + w * L_u
    wrong = torch.argmax(q, 1) != batch["y_unlabeled"]
    return loss, state, {
        "total loss": loss.item(),
        "supervised loss": L_x.detach(),
        "unsupervised loss": L_u.detach(),
        "unlabeled weight": float(w),
        "error rate": wrong.double().mean().item(),
    }
""",
    "identity matrix, expanded guesses": """
def mixmatch_loss(model, state, batch, hparams):
    views = batch["x_unlabeled"]
    B = len(batch["y_labeled"])
    guesses = guess_labels(model, views, hparams.T)
    labels = torch.eye(hparams.n_classes).to(guesses)[batch["y_labeled"]]
    everything = torch.cat([batch["x_labeled"], *views])
    wanted = torch.cat([labels, guesses.expand(len(views), -1, -1).flatten(0, 1)])
    x, t = mixup(everything, everything[batch["order"]], wanted, wanted[batch["order"]], batch["lam"])
    logits = model(x)
    supervised = torch.nn.CrossEntropyLoss()(logits[:B], t[:B])
    unsupervised = torch.nn.MSELoss()(logits[B:].softmax(dim=-1), t[B:])
    ramp = linear_rampup(batch["step"], hparams.rampup_length)
    total = supervised + hparams.lambda_u * ramp * unsupervised
    metrics = {
        "error rate": torch.mean((guesses.argmax(1) != batch["y_unlabeled"]).to(guesses.dtype)),
        "unlabeled weight": hparams.lambda_u * ramp,
        "unsupervised loss": unsupervised,
        "supervised loss": supervised,
        "total loss": total,
        "labeled error rate": (logits[:B].argmax(1) != batch["y_labeled"]).float().mean(),
    }
    return total, state, metrics
""",
    "sums over sizes": """
def mixmatch_loss(model, state, batch, hparams):
    views, B = batch["x_unlabeled"], batch["x_labeled"].shape[0]
    q = guess_labels(model, views, hparams.T)
    targets = torch.cat([F.one_hot(batch["y_labeled"], hparams.n_classes).to(q), q.tile(len(views), 1)])
    x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])
    x, targets = mixup(x, x[batch["order"]], targets, targets[batch["order"]], batch["lam"])
    logits = model(x)
    log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    supervised = -torch.sum(targets[:B] * log_probs[:B]) / B
    difference = log_probs[B:].exp() - targets[B:]
    unsupervised = torch.sum(difference.square()) / difference.numel()
    weight = linear_rampup(batch["step"], hparams.rampup_length) * hparams.lambda_u
    total = torch.add(supervised, unsupervised, alpha=weight)
    metrics = dict(zip(
        ["total loss", "supervised loss", "unsupervised loss", "unlabeled weight", "error rate"],
        [total, supervised, unsupervised, weight,
         1 - (q.argmax(-1) == batch["y_unlabeled"]).sum() / len(q)],
    ))
    return [total, state, metrics]
""",
    "helpers in other cells": """
def join(batch):
    return torch.cat([batch["x_labeled"], batch["x_unlabeled"].flatten(0, 1)])

def metrics_of(total, supervised, unsupervised, weight, guesses, truth):
    error = (guesses.max(dim=1).indices != truth).float().mean()
    return {"total loss": total, "supervised loss": supervised, "unsupervised loss": unsupervised,
            "unlabeled weight": weight, "error rate": error}

def mixmatch_loss(model, state, batch, hparams):
    guesses = guess_labels(model, batch["x_unlabeled"], hparams.T)
    n_labeled, n_views = len(batch["x_labeled"]), len(batch["x_unlabeled"])
    rows = torch.arange(len(guesses)).repeat(n_views)
    targets = torch.cat([F.one_hot(batch["y_labeled"], hparams.n_classes), guesses[rows]])
    x, order = join(batch), batch["order"]
    x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])
    logits = model(x)
    supervised = F.cross_entropy(logits[:n_labeled], targets[:n_labeled])
    unsupervised = (torch.softmax(logits, -1) - targets)[n_labeled:].pow(2).mean(dim=1).mean()
    weight = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)
    total = supervised + weight * unsupervised
    return total, state, metrics_of(total, supervised, unsupervised, weight, guesses, batch["y_unlabeled"])
""",
    "gradient of the targets cut once more": """
def mixmatch_loss(model, state, batch, hparams):
    views, B = batch["x_unlabeled"], len(batch["x_labeled"])
    guesses = guess_labels(model, views, hparams.T).detach()
    with torch.no_grad():
        x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])
        labels = F.one_hot(batch["y_labeled"], hparams.n_classes).to(guesses)
        targets = torch.cat([labels, guesses.repeat(len(views), 1)])
        x, targets = mixup(x, x[batch["order"]], targets, targets[batch["order"]], batch["lam"])
    logits = model(x.contiguous())
    supervised = F.cross_entropy(logits[:B], targets[:B], reduction="sum") / B
    unsupervised = F.mse_loss(logits[B:].softmax(1), targets[B:], reduction="none").mean()
    weight = torch.tensor(hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length))
    total = supervised + weight * unsupervised
    return total, state, {
        "total loss": total, "supervised loss": supervised, "unsupervised loss": unsupervised,
        "unlabeled weight": weight,
        "error rate": torch.ne(guesses.argmax(1), batch["y_unlabeled"]).float().mean(),
    }
""",
    "mixed in two parts, one pass": """
def mixmatch_loss(model, state, batch, hparams):
    x_l, views = batch["x_labeled"], batch["x_unlabeled"]
    B = len(x_l)
    q = guess_labels(model, views, hparams.T)
    p = F.one_hot(batch["y_labeled"], hparams.n_classes).to(q.dtype)
    u, q_u = views.flatten(0, 1), q.repeat(len(views), 1)
    w, w_t = torch.cat([x_l, u])[batch["order"]], torch.cat([p, q_u])[batch["order"]]
    x_mixed, p_mixed = mixup(x_l, w[:B], p, w_t[:B], batch["lam"][:B])
    u_mixed, q_mixed = mixup(u, w[B:], q_u, w_t[B:], batch["lam"][B:])
    logits = model(torch.cat([x_mixed, u_mixed]))
    L_X = F.cross_entropy(logits[:B], p_mixed)
    L_U = F.mse_loss(F.softmax(logits[B:], -1), q_mixed)
    share = linear_rampup(batch["step"], hparams.rampup_length)
    total = L_X + share * hparams.lambda_u * L_U
    return total, state, {
        "total loss": total, "supervised loss": L_X, "unsupervised loss": L_U,
        "unlabeled weight": share * hparams.lambda_u,
        "error rate": (q.argmax(-1) != batch["y_unlabeled"]).float().mean(),
    }
""",
    "forward pass in pieces of a list": """
def mixmatch_loss(model, state, batch, hparams):
    views = batch["x_unlabeled"]
    sizes = [len(batch["x_labeled"]), views.shape[0] * views.shape[1]]
    q = guess_labels(model, views, hparams.T)
    one_hot = q.new_zeros(sizes[0], hparams.n_classes).scatter_(1, batch["y_labeled"][:, None], 1.0)
    targets = torch.cat([one_hot] + [q for _ in views])
    images = torch.cat([batch["x_labeled"]] + [view for view in views])
    order = batch["order"]
    images, targets = mixup(
        x_a=images, x_b=images[order], targets_a=targets, targets_b=targets[order], lam=batch["lam"]
    )
    labeled, unlabeled = torch.split(model(images), sizes)
    t_l, t_u = torch.split(targets, sizes)
    sup = torch.mean(torch.sum(-t_l * torch.log_softmax(labeled, 1), 1))
    unsup = torch.mean((unlabeled.softmax(1) - t_u).pow(2))
    w = hparams.lambda_u * linear_rampup(step=batch["step"], length=hparams.rampup_length)
    wrong = (q.argmax(1) != batch["y_unlabeled"]).sum().item() / len(q)
    total = sup + w * unsup
    metrics = dict(zip(("total loss", "supervised loss", "unsupervised loss"), (total, sup, unsup)))
    return total, state, metrics | {"unlabeled weight": w, "error rate": wrong}
""",
    "per-sample losses, weighted": """
def mixmatch_loss(model, state, batch, hparams):
    B = batch["y_labeled"].numel()
    K, n = batch["x_unlabeled"].shape[0], batch["x_unlabeled"].shape[1]
    guesses = guess_labels(model, batch["x_unlabeled"], hparams.T)
    x = torch.cat((batch["x_labeled"], batch["x_unlabeled"].flatten(0, 1)), 0)
    y = torch.cat((torch.eye(hparams.n_classes, device=x.device, dtype=x.dtype)[batch["y_labeled"]],
                   guesses.unsqueeze(0).repeat(K, 1, 1).view(K * n, -1)), 0)
    x_b, y_b = torch.index_select(x, 0, batch["order"]), torch.index_select(y, 0, batch["order"])
    x, y = mixup(x, x_b, y, y_b, batch["lam"])
    out = model(x)
    ce = F.cross_entropy(out, y, reduction="none")
    se = F.mse_loss(out.softmax(-1), y, reduction="none").mean(-1)
    is_labeled = torch.arange(len(x), device=x.device) < B
    L_x, L_u = ce[is_labeled].sum() / B, se[~is_labeled].sum() / (K * n)
    weight = linear_rampup(batch["step"], hparams.rampup_length) * hparams.lambda_u
    loss = L_x + L_u * weight
    with torch.no_grad():
        error = torch.count_nonzero(guesses.argmax(-1) - batch["y_unlabeled"]) / n
    return loss, state, {"total loss": loss.detach(), "supervised loss": L_x, "unsupervised loss": L_u,
                         "unlabeled weight": torch.as_tensor(weight), "error rate": error}
""",
}

_EQUIVALENTS = (
    Equivalent(
        "guesses detached once more",
        "guess_labels has cut the gradient already.",
        edits=(("guess_labels(model, views, hparams.T)", "guess_labels(model, views, hparams.T).detach()"),),
    ),
    Equivalent(
        "shares exchanged before they are handed to mixup",
        "mixup takes the larger one of λ and 1 − λ, so it cannot tell λ from 1 − λ.",
        edits=((_MIXED, _MIXED.replace('batch["lam"]', '1 - batch["lam"]')),),
    ),
    Equivalent(
        "mean over the classes first, then over the samples",
        "All samples have equally many classes, so the mean of the means is the mean.",
        edits=(
            (
                "F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])",
                "((torch.softmax(logits[n_labeled:], dim=-1) - targets[n_labeled:]) ** 2).mean(-1).mean()",
            ),
        ),
    ),
)


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
        return batch | loss.settings(draw_temperature(rng), number(rng, 2.0, 9.0), length, n_classes)

    return until(draw, _decided)


def _large_logits(rng: Rng) -> Inputs:
    return large(_batch((3, 5), (4, 6), norm=False), number(rng, 2500, 4000, 0))(rng)


def _no_ramp(rng: Rng) -> Inputs:
    return _batch((3, 5), (6, 8), share=lambda rng: 0.0)(rng) | {"rampup_length": 0}


def _two_batches(rng: Rng) -> Inputs:
    n_classes = (4, 4)
    first, second = (_batch((3, 6), (4, 7), classes=n_classes) for _ in range(2))
    return until(loss.two_batches(first, second), _decided_again)(rng)


def _decided_again(inputs: Inputs) -> bool:
    return _decided(inputs | {"x_unlabeled": inputs["other x_unlabeled"]})


_HIDDEN = {
    "by hand": Hidden("a small mini-batch", _batch((2, 3), (2, 3), (2, 2), norm=False)),
    "distinct logits": Hidden("a mini-batch of other sizes", _batch((3, 5), (6, 8), norm=False)),
    "BatchNorm": Hidden("a network with BatchNorm", _batch((4, 6), (7, 9))),
    "three views": Hidden("more views and other classes", _batch((4, 6), (2, 3), (3, 4), norm=False)),
    "first step": Hidden("step 0", _batch((3, 5), (6, 8), share=lambda rng: 0.0)),
    "after the ramp": Hidden(
        "a step after the end of the ramp", _batch((3, 5), (6, 8), share=lambda rng: number(rng, 1.2, 4.0))
    ),
    "no ramp": Hidden("the first step where the ramp has a length of 0", _no_ramp),
    "single images": Hidden("one labeled image and one view", _batch((1, 1), (1, 1), (1, 1), norm=False)),
    "large logits": Hidden("logits in the thousands", until(_large_logits, _decided)),
    "gradient": Hidden("the gradient for the weights", _batch((4, 6), (7, 9))),
    "called again": Hidden("three steps, the last with the mini-batch of the first", _two_batches),
}

MIXMATCH_LOSS = InstructorExercise(
    "mixmatch_loss",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=also_on_a_gpu(_HIDDEN),
)

EXERCISES = (MIXMATCH_LOSS,)
