"""What instructors have of ``fixmatch_loss``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.flexmatch.common import confidence_of, draw_gaps, draw_settings, no_ties
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import leaves_behind, made_on_the_cpu, not_a_tensor
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import other
from course.checks.left_behind import DTYPE, GRADIENT, HOOK, NEED, SETTING, SWITCH, WEIGHTS
from course.units.flexmatch.checks import fixmatch
from course.units.flexmatch.checks.batches import (
    BATCH,
    FAIRLY_SURE,
    SURE,
    SURE_AT_HALF,
    UNSURE,
    views,
)

Rng = np.random.RandomState

_PASS = "labeled, weak, strong = model(torch.cat(parts)).split([len(part) for part in parts])"
_SOFTMAX = "torch.softmax(weak.detach() / hparams.T, dim=-1)"
_MASK = "mask = confidence >= hparams.threshold"
_SELECT = "mask, state = select(confidence, pseudo_labels)"
_PER_IMAGE = 'F.cross_entropy(strong, pseudo_labels, reduction="none")'
_MASKED = "(mask * per_image).mean()"
_SUPERVISED = 'F.cross_entropy(labeled, batch["y_labeled"])'
_TOTAL = "total = supervised + hparams.lambda_u * unsupervised + weight_decay"
_RATE = '"mask rate": mask.float().mean()'
_ERROR = '(pseudo_labels != batch["y_unlabeled"]).float().mean()'
_RETURN = "return total, state, metrics"
_MANUAL = "weak.detach() / hparams.T)"

_MUTANTS = (
    Mutant(
        "views exchanged",
        "Weak and strong are swapped: the strong view gives the labels, the weak one learns.",
        "Split the logits in the order in which you joined the images.",
        edits=(("labeled, weak, strong = model", "labeled, strong, weak = model"),),
    ),
    Mutant(
        "strong view decides",
        "Pseudo-labels and mask come from the strong view, which then learns from itself.",
        "Step 3 is about the weak views.",
        edits=(("weak.detach() / hparams.T", "strong.detach() / hparams.T"),),
    ),
    Mutant(
        "weak view learns",
        "The weak view learns its own pseudo-label; the strong view is not used.",
        "The cross-entropy of step 4 takes the logits of the strong views.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("strong", "weak")),),
    ),
    Mutant(
        "no mask",
        "The mask is not applied, so low-confidence images count as well.",
        "Multiply the loss of each image by the mask before you average.",
        edits=((_MASKED, "per_image.mean()"),),
    ),
    Mutant(
        "inverted mask",
        "The mask is inverted: it keeps the low-confidence images.",
        "Keep the images whose probability is at least τ.",
        edits=((_MASK, _MASK.replace(">=", "<")),),
    ),
    Mutant(
        "strictly above",
        "A probability equal to the threshold is left out: you use > where ≥ is meant.",
        "The mask is 1 where max q ≥ τ.",
        edits=((_MASK, _MASK.replace(">=", ">")),),
    ),
    Mutant(
        "a little below",
        "Probabilities that are a little below τ count as well.",
        "Look for a rounding and for a small number beside τ: neither belongs there.",
        edits=((_MASK, _MASK.replace("hparams.threshold", "hparams.threshold - 0.005")),),
    ),
    Mutant(
        "a little below",
        name="a tolerance of a hundredth",
        edits=((_MASK, _MASK.replace("hparams.threshold", "hparams.threshold - 0.01")),),
    ),
    Mutant(
        "fixed threshold",
        "0.95 is hard-coded; the threshold is hparams.threshold.",
        "Replace the number with the setting.",
        edits=((_MASK, "mask = confidence >= 0.95"),),
    ),
    Mutant(
        "logits compared with threshold",
        "Logits are compared with the threshold, which is meant for probabilities.",
        "Take the softmax of the weak logits first.",
        edits=((_SOFTMAX, "weak.detach() / hparams.T"),),
    ),
    Mutant(
        "softmax over the batch",
        "The softmax of the weak logits runs over the batch; each image's probabilities must add up to 1.",
        "Classes are the last dimension of the logits.",
        edits=((_SOFTMAX, _SOFTMAX.replace("dim=-1", "dim=0")),),
    ),
    Mutant(
        "no temperature",
        "The weak logits are not divided by hparams.T before the softmax.",
        "A temperature below 1 makes the pseudo-labels' probabilities larger.",
        edits=(("weak.detach() / hparams.T", "weak.detach()"),),
    ),
    Mutant(
        "soft pseudo-labels",
        name="soft pseudo-labels with a gradient",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", "torch.softmax(weak / hparams.T, dim=-1)")),),
    ),
    Mutant(
        "logits masked",
        "The logits are multiplied by the mask before the cross-entropy, which is log C where they are 0.",
        "Mask the loss of each image, not what it is computed from.",
        edits=(
            (_PER_IMAGE, _PER_IMAGE.replace("(strong,", "(strong * mask[:, None],")),
            (_MASKED, "per_image.mean()"),
        ),
    ),
    Mutant(
        "wrong guesses left out",
        "Images whose pseudo-label is not y_unlabeled are left out, which nobody can do in practice.",
        "y_unlabeled is used only for the error rate.",
        edits=((_MASKED, '(mask * (pseudo_labels == batch["y_unlabeled"]) * per_image).mean()'),),
    ),
    Mutant(
        "minus",
        "The unsupervised loss is subtracted.",
        "The three terms are added.",
        edits=((_TOTAL, _TOTAL.replace("+ hparams", "- hparams")),),
    ),
    Mutant(
        "probabilities divided by T",
        "The probabilities are divided by T; a temperature divides logits.",
        "First the logits are divided by T, then comes the softmax.",
        edits=((_SOFTMAX, "torch.softmax(weak.detach(), dim=-1) / hparams.T"),),
    ),
    Mutant(
        "temperature multiplied",
        "The weak logits are multiplied by T; they have to be divided by it.",
        "Look at the description of T in the docstring.",
        edits=(("weak.detach() / hparams.T", "weak.detach() * hparams.T"),),
    ),
    Mutant(
        "temperature on the strong view",
        "The strong logits are divided by T as well.",
        "T belongs to the pseudo-labels alone.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("strong", "strong / hparams.T")),),
    ),
    Mutant(
        "no lambda",
        "λ_u is missing from the total loss.",
        "Weight the unsupervised loss by hparams.lambda_u.",
        edits=((_TOTAL, "total = supervised + unsupervised + weight_decay"),),
    ),
    Mutant(
        "lambda on all",
        "λ_u multiplies the supervised loss too.",
        "Only the unsupervised loss is weighted.",
        edits=((_TOTAL, "total = hparams.lambda_u * (supervised + unsupervised) + weight_decay"),),
    ),
    Mutant(
        "lambda in the metric",
        'The metric "unsupervised loss" already contains λ_u; the docstring asks for it without.',
        "Multiply where you add up the total.",
        edits=(
            (_MASKED, f"hparams.lambda_u * {_MASKED}"),
            (_TOTAL, "total = supervised + unsupervised + weight_decay"),
        ),
    ),
    Mutant(
        "no weight decay",
        "The weight decay is missing from the total loss.",
        "It is given: add it.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_u * unsupervised"),),
    ),
    Mutant(
        "no supervised loss",
        "The supervised loss is missing from the total loss.",
        "The total has three terms.",
        edits=((_TOTAL, "total = hparams.lambda_u * unsupervised + weight_decay"),),
    ),
    Mutant(
        "soft pseudo-labels",
        "The probabilities of the weak view are the targets; FixMatch takes its most probable class.",
        "Give F.cross_entropy one int for each image as the target: its pseudo-label.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", "probabilities")),),
    ),
    Mutant(
        "true labels",
        "The loss uses the true labels of the unlabeled images, which nobody has in practice.",
        "y_unlabeled is used only for the error rate.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", 'batch["y_unlabeled"]')),),
    ),
    Mutant(
        "labels ignored",
        "The labeled images are compared with the network's own predictions.",
        "Their targets are y_labeled.",
        edits=((_SUPERVISED, "F.cross_entropy(labeled, labeled.argmax(dim=-1))"),),
    ),
    Mutant(
        "supervised sum",
        "The supervised loss is a sum over the labeled images.",
        "Take the mean, F.cross_entropy's default.",
        edits=((_SUPERVISED, 'F.cross_entropy(labeled, batch["y_labeled"], reduction="sum")'),),
    ),
    Mutant(
        "unsupervised sum",
        "The unsupervised loss is a sum over the unlabeled images.",
        "Take the mean over all μB.",
        edits=((_MASKED, "(mask * per_image).sum()"),),
    ),
    Mutant(
        "divided by B",
        "The unsupervised loss is divided by the number of labeled images.",
        "Divide by μB, the number of unlabeled ones.",
        edits=((_MASKED, '(mask * per_image).sum() / len(batch["y_labeled"])'),),
    ),
    Mutant(
        "averaged before masking",
        "The mean loss is multiplied by the mask rate: every image counts a little.",
        "Mask image by image, and average last.",
        edits=((_MASKED, "mask.float().mean() * per_image.mean()"),),
    ),
    Mutant(
        "accuracy",
        'The metric "error rate" is the accuracy.',
        "Count the pseudo-labels that differ from y_unlabeled.",
        edits=((_ERROR, _ERROR.replace("!=", "==")),),
    ),
    Mutant(
        "error of the confident",
        'The metric "error rate" counts only the confident images.',
        "It is over all weak views of the batch.",
        edits=((_ERROR, '(mask & (pseudo_labels != batch["y_unlabeled"])).float().mean()'),),
    ),
    Mutant(
        "error of the labeled",
        'The metric "error rate" is computed on the labeled images.',
        "Compare pseudo-labels with y_unlabeled.",
        edits=((_ERROR, '(labeled.argmax(dim=-1) != batch["y_labeled"]).float().mean()'),),
    ),
    Mutant(
        "mask count",
        'The metric "mask rate" is a count.',
        "A rate is a mean.",
        edits=((_RATE, '"mask rate": mask.float().sum()'),),
    ),
    Mutant(
        "mean confidence",
        'The metric "mask rate" is the mean probability; it rises even while no image counts.',
        "It is the mean of the mask.",
        edits=((_RATE, '"mask rate": confidence.mean()'),),
    ),
    Mutant(
        "three passes",
        "The model is called more than once, so BatchNorm sees the batches separately.",
        "Join the three batches first, then call the model once.",
        edits=((_PASS, "labeled, weak, strong = [model(part) for part in parts]"),),
        common="Calling the model three times instead of once. Nothing fails, but BatchNorm normalizes each "
        "kind of view by itself and updates its statistics three times.",
    ),
    Mutant(
        "weak views apart",
        "The weak views go through the network in a separate pass, normalized on their own.",
        "Join the three batches first, then call the model once; detach what comes out.",
        edits=(
            (
                _PASS,
                "weak = model(parts[1]).detach()\n"
                "    others = model(torch.cat([parts[0], parts[2]]))\n"
                "    labeled, strong = others.split([len(parts[0]), len(weak)])",
            ),
        ),
    ),
    Mutant(
        "evaluation mode",
        "The model was put into evaluation mode: BatchNorm uses its running statistics.",
        "The model arrives in training mode; leave it there.",
        edits=((_PASS, f"model.eval()\n    {_PASS}"),),
    ),
    Mutant(
        "equal thirds",
        "The output is cut into three equal parts, but the batches differ in size.",
        "Split by the sizes of the parts.",
        edits=((".split([len(part) for part in parts])", ".chunk(3)"),),
    ),
    Mutant(
        "softmax twice",
        "F.cross_entropy was given probabilities; it takes the softmax itself.",
        "Give it the strong logits.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("strong", "torch.softmax(strong, dim=-1)")),),
        common="Giving probabilities to `F.cross_entropy`. It takes the softmax once more, and the loss "
        "hardly changes.",
    ),
    Mutant(
        "mean over the confident",
        "You average over the confident images only; FixMatch divides by all μB.",
        "Take the mean over the whole batch after masking.",
        edits=((_MASKED, "(mask * per_image).sum() / mask.sum()"),),
        common="Averaging over the images that count. Early on, three lucky images then pull as hard as "
        "three hundred would.",
    ),
    Mutant(
        "overflow",
        "A softmax written with exponentials overflows, which leads to NaN.",
        "Use torch.softmax.",
        edits=(
            (
                f"probabilities = {_SOFTMAX}",
                f"powers = torch.exp({_MANUAL}\n"
                "    probabilities = powers / powers.sum(dim=-1, keepdim=True)",
            ),
        ),
    ),
    Mutant(
        "no gradient from the strong view",
        "The gradient of the strong view is cut, so the unlabeled images teach nothing.",
        "Only what comes from the weak view is detached.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("strong", "strong.detach()")),),
    ),
    Mutant(
        "no gradient from the labeled",
        "The gradient of the labeled images is cut.",
        "Only what comes from the weak view is detached.",
        edits=((_SUPERVISED, 'F.cross_entropy(labeled.detach(), batch["y_labeled"])'),),
    ),
    Mutant(
        "no gradient from the decay",
        "The weight decay is detached: it is reported but does nothing.",
        "Add it as it is.",
        edits=((_TOTAL, _TOTAL.replace("weight_decay", "weight_decay.detach()")),),
    ),
    Mutant(
        "rule ignored",
        "The rule that is passed as select is not called.",
        "With a rule, the mask is what the rule returns for the confidence and the pseudo-labels.",
        edits=(("if select is None:", "if True:"),),
    ),
    Mutant(
        "state of the rule lost",
        "The state that the rule returns is dropped, so its method forgets everything.",
        "select returns two things: the mask and the state to return.",
        edits=((_SELECT, _SELECT.replace("mask, state", "mask, _")),),
        common="Dropping the state that a rule returns. FixMatch never notices, but FlexMatch forgets "
        "everything.",
    ),
    Mutant(
        "rule and threshold",
        "An image has to pass both the rule and the threshold.",
        "A rule replaces the threshold.",
        edits=((_SELECT, f"{_SELECT}\n        mask = mask & (confidence >= hparams.threshold)"),),
    ),
    Mutant(
        "rule's arguments in the wrong order",
        "The rule gets its two arguments in the wrong order: the classes first, then the probabilities.",
        "The docstring says in which order select takes them.",
        edits=((_SELECT, _SELECT.replace("confidence, pseudo_labels", "pseudo_labels, confidence")),),
    ),
    Mutant(
        "rule is given logits",
        "The rule is given the largest logits; it expects probabilities.",
        "Hand it the probabilities of the pseudo-labels.",
        edits=((_SELECT, _SELECT.replace("confidence", "weak.detach().amax(dim=-1)")),),
    ),
    Mutant(
        "empty state",
        "You return a new, empty state; without a rule the state is passed on unchanged.",
        "Return the argument state.",
        edits=((_MASK, f"{_MASK}\n        state = {{}}"),),
    ),
    Mutant(
        "renamed metric",
        "A metric does not have the name in the docstring.",
        'Compare letter by letter: "mask rate" has a space.',
        edits=(('"mask rate"', '"mask_rate"'),),
    ),
    Mutant(
        "no metrics",
        "The metrics are missing.",
        "Return three things: total, state, metrics.",
        edits=((_RETURN, "return total, state"),),
    ),
    Mutant(
        "metrics second",
        "State and metrics are swapped.",
        "The order is total, state, metrics.",
        edits=((_RETURN, "return total, metrics, state"),),
    ),
    Mutant(
        "metric before the mask",
        'The metric "unsupervised loss" is that of all images; the total has the masked one.',
        "Report what enters the total.",
        edits=(('"unsupervised loss": unsupervised', '"unsupervised loss": per_image.mean()'),),
    ),
    Mutant(
        "one loss for each image",
        "The total loss has one entry per image: something was not averaged.",
        "Average the masked losses.",
        edits=((_TOTAL, _TOTAL.replace("unsupervised", "mask * per_image")),),
    ),
    Mutant(
        "labels of the first call",
        "Later calls reuse the pseudo-labels of the first one.",
        "Compute them again in each call.",
        edits=(
            (
                "confidence, pseudo_labels = probabilities.max(dim=-1)",
                "confidence, pseudo_labels = probabilities.max(dim=-1)\n"
                '    pseudo_labels = globals().setdefault("first_labels", pseudo_labels)',
            ),
        ),
    ),
    Mutant(
        "mean over the confident",
        name="mean over the selected rows",
        edits=(("per_image = F", "per_image = mask * F"), (_MASKED, "per_image[mask].mean()")),
    ),
    Mutant(
        "no gradient from the strong view",
        name="through NumPy",
        edits=((_PER_IMAGE, f"torch.as_tensor({_PER_IMAGE}.detach().numpy())"),),
    ),
    made_on_the_cpu(
        edits=((_MASKED, "torch.where(mask, per_image, torch.zeros(len(mask))).mean()"),),
    ),
    Mutant(
        "temperature for the rule alone",
        "Without a rule the mask comes from logits that are not divided by T.",
        "The probabilities are the same with a rule and without.",
        edits=((_MASK, "mask = torch.softmax(weak.detach(), dim=-1).amax(dim=-1) >= hparams.threshold"),),
    ),
    Mutant(
        "no temperature for the rule",
        "The rule is given probabilities of logits that are not divided by T.",
        "The probabilities are the same with a rule and without.",
        edits=(
            (
                _SELECT,
                _SELECT.replace("confidence", "torch.softmax(weak.detach(), dim=-1).amax(dim=-1)"),
            ),
        ),
    ),
    Mutant(
        "temperature on the labeled",
        "The labeled logits are divided by T as well.",
        "T belongs to the pseudo-labels alone.",
        edits=((_SUPERVISED, _SUPERVISED.replace("labeled,", "labeled / hparams.T,", 1)),),
    ),
    Mutant(
        "mask of the strong view",
        "The mask comes from the strong view, the labels from the weak one.",
        "Both come from the weak view.",
        edits=(
            (
                _MASK,
                "mask = torch.softmax(strong.detach() / hparams.T, dim=-1).amax(dim=-1) >= hparams.threshold",
            ),
        ),
    ),
    Mutant(
        "labels of the strong view",
        "The pseudo-labels come from the strong view, the mask from the weak one.",
        "Both come from the weak view.",
        edits=((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", "strong.argmax(dim=-1)")),),
    ),
    Mutant(
        "views have to agree",
        "An image counts only where both views have the same most probable class.",
        "The strong view has no say in the mask.",
        edits=((_MASK, f"{_MASK}\n        mask = mask & (strong.argmax(dim=-1) == pseudo_labels)"),),
    ),
    Mutant(
        "right ones alone",
        "Only images whose pseudo-label is right count, which nobody knows in practice.",
        "y_unlabeled is used only for the error rate.",
        edits=((_MASK, f'{_MASK}\n        mask = mask & (pseudo_labels == batch["y_unlabeled"])'),),
    ),
    Mutant(
        "weighed by the probability",
        "Each image that counts is weighed by its probability.",
        "A mask is true or false.",
        edits=((_MASKED, "(mask * confidence * per_image).mean()"),),
    ),
    Mutant(
        "squared error",
        "The unlabeled loss is a squared error between probabilities, as in MixMatch.",
        "FixMatch takes the cross-entropy with the pseudo-label.",
        edits=((_PER_IMAGE, "(torch.softmax(strong, dim=-1) - probabilities).square().mean(dim=-1)"),),
    ),
    Mutant(
        "smoothed labels",
        "The labels of the labeled images are smoothed.",
        "Leave label_smoothing out.",
        edits=((_SUPERVISED, 'F.cross_entropy(labeled, batch["y_labeled"], label_smoothing=0.1)'),),
    ),
    Mutant(
        "smoothed pseudo-labels",
        "The pseudo-labels are smoothed.",
        "Leave label_smoothing out.",
        edits=(
            (_PER_IMAGE, 'F.cross_entropy(strong, pseudo_labels, reduction="none", label_smoothing=0.1)'),
        ),
    ),
    Mutant(
        "constant in the logarithm",
        "A small number is added inside the logarithm of the strong view: large losses are cut off.",
        "F.cross_entropy takes logits.",
        edits=(
            (
                _PER_IMAGE,
                "-torch.log(torch.softmax(strong, dim=-1) + 1e-8).gather(1, pseudo_labels[:, None])[:, 0]",
            ),
        ),
    ),
    Mutant(
        "clamped probabilities",
        "The strong view's probabilities are kept from 0: large losses are cut off.",
        "F.cross_entropy takes logits.",
        edits=(
            (
                _PER_IMAGE,
                "F.nll_loss(torch.softmax(strong, dim=-1).clamp(min=1e-6).log(), pseudo_labels,"
                ' reduction="none")',
            ),
        ),
    ),
    Mutant(
        "logarithm of 0",
        "You take the logarithm of a softmax, which is infinite where a probability rounds to 0.",
        "F.cross_entropy takes logits.",
        edits=(
            (
                _PER_IMAGE,
                'F.nll_loss(torch.softmax(strong, dim=-1).log(), pseudo_labels, reduction="none")',
            ),
        ),
    ),
    Mutant(
        "constant in the labeled logarithm",
        "A small number is added inside the labeled images' logarithm: large losses are cut off.",
        "F.cross_entropy takes logits.",
        edits=(
            (
                _SUPERVISED,
                'F.nll_loss(torch.log(torch.softmax(labeled, dim=-1) + 1e-8), batch["y_labeled"])',
            ),
        ),
    ),
    Mutant(
        "softmax twice for the labeled",
        "F.cross_entropy was given the labeled images' probabilities; it takes the softmax itself.",
        "Give it the logits.",
        edits=((_SUPERVISED, 'F.cross_entropy(torch.softmax(labeled, dim=-1), batch["y_labeled"])'),),
    ),
    Mutant(
        "divided by all images",
        "The unsupervised loss is divided by the number of all images of the batch.",
        "Divide by μB, the number of unlabeled ones.",
        edits=((_MASKED, "(mask * per_image).sum() / sum(len(part) for part in parts)"),),
    ),
    Mutant(
        "divided by the classes",
        "The unsupervised loss is divided by the number of classes as well.",
        "Take the mean over the images alone.",
        edits=((_MASKED, "(mask * per_image).mean() / strong.shape[-1]"),),
    ),
    Mutant(
        "largest loss",
        "Only the largest loss of the batch counts.",
        "Take the mean over all μB.",
        edits=((_MASKED, "(mask * per_image).max()"),),
    ),
    Mutant(
        "lambda on the decay",
        "λ_u multiplies the weight decay too.",
        "Only the unsupervised loss is weighted.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_u * (unsupervised + weight_decay)"),),
    ),
    Mutant(
        "lambda twice",
        "λ_u multiplies the unsupervised loss twice.",
        "Multiply where you add up the total.",
        edits=((_TOTAL, "total = supervised + hparams.lambda_u**2 * unsupervised + weight_decay"),),
    ),
    Mutant(
        "decay twice",
        "The coefficient of the weight decay is multiplied in twice.",
        "The given value contains it.",
        edits=((_TOTAL, _TOTAL.replace("+ weight_decay", "+ hparams.weight_decay * weight_decay")),),
    ),
    Mutant(
        "decay of everything",
        "The weight decay is computed again, over biases too.",
        "It is given: use weight_decay.",
        edits=(
            (
                _TOTAL,
                "weight_decay = 0.5 * hparams.weight_decay * sum((w**2).sum() for w in model.parameters())\n"
                f"    {_TOTAL}",
            ),
        ),
    ),
    Mutant(
        "decay added twice",
        "The weight decay is added twice.",
        "The total has three terms.",
        edits=((_TOTAL, f"{_TOTAL} + weight_decay"),),
    ),
    Mutant(
        "decay subtracted",
        "The weight decay is subtracted.",
        "Add it.",
        edits=((_TOTAL, _TOTAL.replace("+ weight_decay", "- weight_decay")),),
    ),
    Mutant(
        "error in percent",
        'The metric "error rate" is in percent.',
        "A rate lies between 0 and 1.",
        edits=((_ERROR, f"100 * {_ERROR}"),),
    ),
    Mutant(
        "error of the strong view",
        'The metric "error rate" is that of the strong view.',
        "Compare pseudo-labels with y_unlabeled.",
        edits=((_ERROR, '(strong.argmax(dim=-1) != batch["y_unlabeled"]).float().mean()'),),
    ),
    Mutant(
        "error among the confident",
        'The metric "error rate" is divided by the number of confident images.',
        "It is over all weak views of the batch.",
        edits=((_ERROR, '(pseudo_labels != batch["y_unlabeled"])[mask].float().mean()'),),
    ),
    Mutant(
        "mask rate of the right ones",
        'The metric "mask rate" counts only images whose pseudo-label is right.',
        "It is the mean of the mask.",
        edits=((_RATE, '"mask rate": (mask & (pseudo_labels == batch["y_unlabeled"])).float().mean()'),),
    ),
    Mutant(
        "share of the unsure",
        'The metric "mask rate" is the share of images that do not count.',
        "It is the mean of the mask.",
        edits=((_RATE, '"mask rate": 1 - mask.float().mean()'),),
    ),
    Mutant(
        "labeled images apart",
        "The labeled images go through the network in a pass of their own.",
        "Join the three batches first, then call the model once.",
        edits=(
            (
                _PASS,
                "labeled = model(parts[0])\n    weak, strong = model(torch.cat(parts[1:])).chunk(2)",
            ),
        ),
    ),
    Mutant(
        "pass not counted",
        "BatchNorm's statistics are frozen during the pass, so validation uses those of the start.",
        "The pass of a training step has to count.",
        edits=(
            (
                _PASS,
                "from course.training.torch.parts import frozen_statistics\n\n"
                f"    with frozen_statistics(model):\n        {_PASS}",
            ),
        ),
    ),
    Mutant(
        "evaluation mode for the pass",
        "The images go through the network in evaluation mode.",
        "The model arrives in training mode; leave it there.",
        edits=((_PASS, f"model.eval()\n    {_PASS}\n    model.train()"),),
    ),
    Mutant(
        "no gradient",
        "No gradient flows from any image: the logits are cut off.",
        "Only what comes from the weak view is detached.",
        edits=((_PASS, f"with torch.no_grad():\n        {_PASS}"),),
    ),
    Mutant(
        "maximum over the images",
        "The maximum runs over the images, so there is one label for each class.",
        "Each image has a most probable class: classes are the last dimension.",
        edits=(("probabilities.max(dim=-1)", "probabilities.max(dim=0)"),),
    ),
    Mutant(
        "least probable class",
        "The least probable class of each weak view is its label.",
        "Take the maximum.",
        edits=(("probabilities.max(dim=-1)", "probabilities.min(dim=-1)"),),
    ),
    Mutant(
        "loss without its gradient",
        "The total loss is a Python number, from which no gradient can be computed.",
        "Leave out .item() and float() in what is returned first.",
        edits=((_RETURN, "return total.item(), state, metrics"),),
    ),
    Mutant(
        "floats for the rule",
        "The rule is given pseudo-labels that are no whole numbers (int64), by which it cannot index.",
        "Classes are positions: leave out .float() and .int().",
        edits=((_SELECT, _SELECT.replace("pseudo_labels", "pseudo_labels.float()")),),
    ),
    not_a_tensor(
        edits=((_SELECT, _SELECT.replace("confidence", "confidence.numpy()")),),
    ),
    Mutant(
        "mask without the rule",
        "The rule gives the state, but the threshold decides which images count.",
        "A rule replaces the threshold.",
        edits=((_SELECT, f"_, state = select(confidence, pseudo_labels)\n        {_MASK}"),),
    ),
    Mutant(
        "views exchanged",
        name="joined in another order than split",
        edits=(
            (
                'batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]',
                'batch["x_unlabeled_strong"], batch["x_unlabeled_weak"]]',
            ),
        ),
    ),
    Mutant(
        "evaluation mode",
        name="a mode that was never there is put back",
        edits=((_PASS, f"before = model.eval().training\n    {_PASS}\n    model.train(before)"),),
    ),
    leaves_behind(
        NEED,
        edits=((_PASS, f"{_PASS}\n    model.requires_grad_(False)"),),
    ),
    leaves_behind(
        SWITCH,
        edits=(
            (f"probabilities = {_SOFTMAX}", f"torch.set_grad_enabled(False)\n    probabilities = {_SOFTMAX}"),
        ),
    ),
    leaves_behind(
        DTYPE,
        edits=((_PASS, f"{_PASS}\n    torch.set_default_dtype(torch.float16)"),),
    ),
    leaves_behind(
        HOOK,
        edits=((_PASS, f"model.register_forward_hook(lambda *given: None)\n    {_PASS}"),),
    ),
    leaves_behind(
        SETTING,
        edits=(
            (
                _PASS,
                "for module in model.modules():\n"
                '        if hasattr(module, "track_running_stats"):\n'
                "            module.track_running_stats = False\n"
                f"    {_PASS}",
            ),
        ),
    ),
    leaves_behind(
        WEIGHTS,
        edits=(
            (
                _RETURN,
                "with torch.no_grad():\n        for weight in model.parameters():\n"
                f"            weight.mul_(1 - 1e-4)\n    {_RETURN}",
            ),
        ),
    ),
    leaves_behind(
        GRADIENT,
        edits=((_RETURN, f"total.backward(retain_graph=True)\n    {_RETURN}"),),
    ),
    Mutant(
        "mean over the confident",
        name="divided by the number of the confident, at least 1",
        edits=((_MASKED, "(mask * per_image).sum() / mask.sum().clamp(min=1)"),),
    ),
    Mutant(
        "softmax twice",
        name="softmax of the strong view kept for later",
        edits=((_PER_IMAGE, 'F.cross_entropy(strong.softmax(-1), pseudo_labels, reduction="none")'),),
    ),
)

_HEAD = """
def fixmatch_loss(model, state, batch, hparams, select=None):
    weight_decay = l2_penalty(model, hparams.weight_decay)
"""

_TAIL = """
    total = supervised + hparams.lambda_u * unsupervised + weight_decay
    metrics = {
        "weight decay": weight_decay, "total loss": total, "supervised loss": supervised,
        "unsupervised loss": unsupervised, "mask rate": mask_rate, "error rate": error_rate,
    }
    return total, state, metrics
"""

_ALTERNATIVES = {
    title: _HEAD + body + _TAIL
    for title, body in {
        "sliced, weak logits under no_grad, log-probabilities": """
    x_l, x_w, x_s = batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]
    logits = model(torch.cat((x_l, x_w, x_s)))
    n = len(x_l)
    weak, strong = logits[n:].chunk(2)
    supervised = F.nll_loss(F.log_softmax(logits[:n], dim=1), batch["y_labeled"])
    with torch.no_grad():
        log_q = F.log_softmax(weak / hparams.T, dim=1)
        pseudo = log_q.argmax(1)
        confidence = log_q.max(1).values.exp()
        if select:
            mask, state = select(confidence, pseudo)
        else:
            mask = (confidence >= hparams.threshold).float()
    unsupervised = (F.nll_loss(F.log_softmax(strong, dim=1), pseudo, reduction="none") * mask).mean()
    mask_rate, error_rate = mask.float().mean(), pseudo.ne(batch["y_unlabeled"]).double().mean()
""",
        "gather, sums divided by sizes": """
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    sizes = [batch[name].shape[0] for name in names]
    labeled, weak, strong = torch.split(model(torch.concat([batch[name] for name in names])), sizes)
    log_p = labeled.log_softmax(-1).gather(1, batch["y_labeled"][:, None])
    supervised = -log_p.sum() / sizes[0]
    q = (weak / hparams.T).softmax(-1).detach()
    confidence, pseudo = torch.max(q, -1)
    mask = confidence >= hparams.threshold
    mask, state = select(confidence, pseudo) if select is not None else (mask, state)
    losses = -strong.log_softmax(-1).gather(1, pseudo.unsqueeze(1)).squeeze(1)
    unsupervised = torch.where(mask.bool(), losses, torch.zeros_like(losses)).sum() / sizes[1]
    mask_rate = float(mask.sum()) / sizes[1]
    error_rate = float((pseudo != batch["y_unlabeled"]).sum()) / sizes[1]
""",
        "one-hot targets with the mask in them": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    logits = model(torch.cat(parts))
    a, b = len(parts[0]), len(parts[0]) + len(parts[1])
    labeled, weak, strong = logits[:a], logits[a:b], logits[b:]
    supervised = torch.nn.CrossEntropyLoss()(labeled, batch["y_labeled"])
    q = torch.softmax(weak.detach().div(hparams.T), 1)
    pseudo = q.argmax(dim=1)
    confidence = q.amax(dim=1)
    mask = ~(confidence < hparams.threshold)
    if select is not None:
        mask, state = select(confidence, pseudo)
    targets = F.one_hot(pseudo, q.shape[1]) * mask[:, None]
    unsupervised = -(targets * F.log_softmax(strong, 1)).sum(1).mean()
    mask_rate, error_rate = mask.to(q.dtype).mean(), 1 - (pseudo == batch["y_unlabeled"]).to(q.dtype).mean()
""",
        "joined in another order": """
    x = torch.cat([batch["x_unlabeled_strong"], batch["x_labeled"], batch["x_unlabeled_weak"]])
    m, n = len(batch["x_unlabeled_weak"]), len(batch["x_labeled"])
    strong, labeled, weak = model(x).split((m, n, m))
    supervised = F.cross_entropy(labeled, batch["y_labeled"], reduction="sum") / n
    q = torch.softmax(weak / hparams.T, dim=-1)
    top = torch.topk(q.detach(), 1)
    confidence, pseudo = top.values[:, 0], top.indices[:, 0]
    if select is None:
        mask = confidence.ge(hparams.threshold)
    else:
        mask, state = select(confidence, pseudo)
    unsupervised = torch.mean(F.cross_entropy(strong, pseudo, reduction="none") * mask.float())
    mask_rate, error_rate = mask.float().mean(), (pseudo != batch["y_unlabeled"]).float().mean()
""",
        "image by image": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    logits = model(torch.cat(parts))
    n, m = len(parts[0]), len(parts[1])
    supervised = sum(F.cross_entropy(logits[i], batch["y_labeled"][i]) for i in range(n)) / n
    q = torch.softmax(logits[n:n + m].detach() / hparams.T, dim=-1)
    confidence, pseudo = q.max(-1)
    mask = torch.tensor([bool(p >= hparams.threshold) for p in confidence])
    if select is not None:
        mask, state = select(confidence, pseudo)
    kept = [F.cross_entropy(logits[n + m + i], pseudo[i]) for i in range(m) if mask[i]]
    unsupervised = sum(kept) / m if kept else torch.zeros(())
    mask_rate, error_rate = mask.float().mean(), (pseudo != batch["y_unlabeled"]).float().mean()
""",
        "mask on the selected rows, a metric more": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    cuts = [len(parts[0]), len(parts[0]) + len(parts[1])]
    labeled, weak, strong = model(torch.vstack(parts)).tensor_split(cuts)
    supervised = F.cross_entropy(labeled, batch["y_labeled"])
    confidence, pseudo = weak.detach().div(hparams.T).softmax(-1).max(-1)
    if select is None:
        select = lambda p, c: (p >= hparams.threshold, state)
    mask, state = select(confidence, pseudo)
    unsupervised = F.cross_entropy(strong[mask], pseudo[mask], reduction="sum") / len(mask)
    mask_rate, error_rate = mask.double().mean(), (pseudo != batch["y_unlabeled"]).float().mean().item()
""",
        "padded weak and strong, boolean sums": """
    names = ["x_labeled", "x_unlabeled_weak", "x_unlabeled_strong"]
    starts = np.cumsum([0] + [len(batch[name]) for name in names])
    out = model(torch.cat([batch[name] for name in names]))
    labeled, weak, strong = (out[a:b] for a, b in zip(starts[:-1], starts[1:]))
    supervised = F.cross_entropy(input=labeled, target=batch["y_labeled"], reduction="mean")
    with torch.no_grad():
        q = F.softmax(weak / hparams.T, dim=1)
        confidence, pseudo = q.amax(1), q.argmax(1)
        mask = torch.ge(confidence, hparams.threshold)
        if select is not None:
            mask, state = select(confidence, pseudo)
    losses = F.cross_entropy(strong, pseudo, reduction="none")
    unsupervised = losses.mul(mask).sum().div(losses.numel())
    mask_rate = mask.sum() / mask.numel()
    error_rate = torch.sum(pseudo != batch["y_unlabeled"]) / pseudo.numel()
""",
        "a graph that ends at the weak logits": """
    x = torch.cat([batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]])
    logits = model(x)
    n, m = batch["x_labeled"].size(0), batch["x_unlabeled_weak"].size(0)
    supervised = F.cross_entropy(logits[:n], batch["y_labeled"])
    scaled = logits[n : n + m].clone().detach() / hparams.T
    probs = torch.exp(scaled - torch.logsumexp(scaled, dim=1, keepdim=True))
    confidence, pseudo = torch.max(probs, dim=1)
    rule = select or (lambda p, c: (p >= hparams.threshold, state))
    mask, state = rule(confidence, pseudo)
    picked = torch.log_softmax(logits[n + m :], dim=1)[torch.arange(m, device=x.device), pseudo]
    unsupervised = torch.mean(-picked * mask)
    mask_rate, error_rate = mask.float().mean().item(), pseudo.ne(batch["y_unlabeled"]).float().mean()
""",
    }.items()
}

_ALTERNATIVES["helpers in other cells, class-weighted mean"] = (
    """
def read_off(weak, T):
    with torch.no_grad():
        return torch.softmax(weak / T, dim=-1).max(dim=-1)

def per_image(strong, pseudo):
    return torch.nn.functional.cross_entropy(input=strong, target=pseudo, reduction="none")
"""
    + _HEAD
    + """
    sizes = [len(batch[k]) for k in ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")]
    x = torch.cat([batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]], dim=0)
    labeled, weak, strong = model(x).split(sizes, dim=0)
    supervised = per_image(labeled, batch["y_labeled"]).mean()
    confidence, pseudo = read_off(weak, hparams.T)
    mask = (confidence >= hparams.threshold).to(strong.dtype)
    if select is not None:
        mask, state = select(confidence, pseudo)
        mask = mask.to(strong.dtype)
    unsupervised = torch.dot(mask, per_image(strong, pseudo)) / len(mask)
    mask_rate, error_rate = mask.mean(), (pseudo != batch["y_unlabeled"]).float().mean()
"""
    + _TAIL
)

_EQUIVALENTS = (
    Equivalent(
        "gradient not cut",
        "With hard pseudo-labels it changes nothing: neither the position of the maximum nor a comparison "
        "has a gradient. With MixMatch's soft targets it would.",
        edits=(("weak.detach() / hparams.T", "weak / hparams.T"),),
    ),
    Equivalent(
        "the rule asked twice",
        "A rule gives the same for the same arguments; asking once more only takes time.",
        edits=((_SELECT, f"select(confidence, pseudo_labels)\n        {_SELECT}"),),
    ),
    Equivalent(
        "pseudo-labels from the logits",
        "Neither the division by a positive T nor the softmax moves the largest entry.",
        edits=(
            (
                "confidence, pseudo_labels = probabilities.max(dim=-1)",
                "confidence, pseudo_labels = probabilities.amax(dim=-1), weak.argmax(dim=-1)",
            ),
        ),
    ),
    Equivalent(
        "mask applied to the gradient's input as well",
        "The mask is 0 or 1, so applied twice it is the same mask.",
        edits=(("(mask * per_image).mean()", "(mask * (mask * per_image)).mean()"),),
    ),
)


def _mix(rng: Rng, n: int) -> list[float]:
    """Gaps of n weak views in random order: at least two that are sure, one that hangs on T, two not sure."""
    gaps = [SURE, SURE, SURE_AT_HALF, UNSURE, UNSURE] + [SURE, UNSURE, FAIRLY_SURE] * n
    return [gaps[:n][i] for i in rng.permutation(n)]


def _clear(inputs: Inputs) -> bool:
    """No ties, and no probability near the threshold."""
    return no_ties(inputs) and bool(np.all(np.abs(confidence_of(inputs) - inputs["threshold"]) > 0.01))


def _telling(inputs: Inputs) -> bool:
    """Clear; some views count and some do not, and without T, or with a threshold of .95, others would."""
    confidence, threshold = confidence_of(inputs), inputs["threshold"]
    mask = confidence >= threshold
    others = (confidence >= 0.95, confidence_of(inputs | {"T": 1.0}) >= threshold)
    return _clear(inputs) and 0 < mask.sum() < mask.size and all(bool(np.any(mask != one)) for one in others)


def _clear_normalized(inputs: Inputs) -> bool:
    """Clear after BatchNorm over all images of the batch."""
    names = [f"logits of {name}" for name in ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")]
    joint = np.concatenate([inputs[name] for name in names])
    mean, deviation = joint.mean(axis=0), np.sqrt(joint.var(axis=0) + 1e-5)
    return _clear(inputs | {name: (inputs[name] - mean) / deviation for name in names})


def _mixed_views(rng: Rng) -> Inputs:
    labeled, unlabeled = size(rng, 3, 6), size(rng, 8, 11)
    drawn = views(
        rng, labeled=draw_gaps(rng, labeled), weak=_mix(rng, unlabeled), strong=draw_gaps(rng, unlabeled)
    )
    return drawn | draw_settings(rng, number(rng, 0.75, 0.85), number(rng, 0.45, 0.6))


_mixed = until(_mixed_views, _telling)


def _at_the_threshold(rng: Rng) -> Inputs:
    n, labeled = size(rng, 6, 9), size(rng, 2, 5)
    sure = rng.permutation(np.arange(n) < 3)
    return fixmatch.certain(rng, draw_gaps(rng, labeled), sure, draw_gaps(rng, n)) | draw_settings(
        rng, 1.0, 1.0
    )


def _none_confident(rng: Rng) -> Inputs:
    n = size(rng, 3, 8)
    drawn = views(rng, labeled=draw_gaps(rng, size(rng, 2, 5)), weak=[UNSURE] * n, strong=draw_gaps(rng, n))
    return drawn | draw_settings(rng, number(rng, 0.9, 0.99), 1.0)


def _small(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    drawn = views(
        rng,
        labeled=[number(rng, 0.5, 2.0)],
        weak=[(SURE, UNSURE, SURE)[i] for i in rng.permutation(3)],
        strong=draw_gaps(rng, 3),
        n_classes=n_classes,
    )
    return drawn | draw_settings(rng, number(rng, 0.8, 0.95), 0.9, n_classes)


def _one_unlabeled(rng: Rng) -> Inputs:
    drawn = views(rng, labeled=draw_gaps(rng, size(rng, 2, 5)), weak=[SURE], strong=draw_gaps(rng, 1))
    return drawn | draw_settings(rng, number(rng, 0.7, 0.9), 0.9)


def _large_views(rng: Rng) -> Inputs:
    large, n, labeled = number(rng, 3e3, 2e4, 0), size(rng, 5, 9), size(rng, 2, 5)
    weak = [large if i < 3 else UNSURE for i in rng.permutation(n)]
    drawn = views(rng, labeled=[large] * labeled, weak=weak, strong=[large] * n)
    return drawn | draw_settings(rng, number(rng, 0.9, 0.99), 1.0)


def _disagree(inputs: Inputs) -> bool:
    """Some image that counts has another top class in its strong view."""
    top = {view: inputs[f"logits of x_unlabeled_{view}"].argmax(axis=1) for view in ("weak", "strong")}
    sure = confidence_of(inputs) >= inputs["threshold"]
    return no_ties(inputs) and bool(np.any(sure & (top["weak"] != top["strong"])))


def _rule_views(rng: Rng) -> Inputs:
    n = size(rng, 8, 11)
    top = rng.permutation(np.arange(n) % 4)
    weak, strong = _mix(rng, n), draw_gaps(rng, n)
    drawn = views(rng, labeled=draw_gaps(rng, size(rng, 2, 5)), weak=weak, strong=strong, top_weak=top)
    return drawn | draw_settings(rng, number(rng, 0.7, 0.8), number(rng, 0.6, 0.9))


def _two_calls(rng: Rng) -> Inputs:
    second = until(_none_confident, _clear)(rng)
    return _mixed(rng) | other({name: second[name] for name in BATCH})


_HIDDEN = {
    "distinct logits": Hidden("distinct logits, and weak views of which some are confident", _mixed),
    "at the threshold": Hidden(
        "weak views whose probability is exactly the threshold", until(_at_the_threshold, no_ties)
    ),
    "near the threshold": Hidden(
        "a weak view whose probability is a little below the threshold",
        until(lambda rng: fixmatch.near_the_threshold(_mixed_views(rng)), no_ties),
    ),
    "none confident": Hidden("a batch in which no weak view is confident", until(_none_confident, _clear)),
    "small batches": Hidden("small batches, and another number of classes", until(_small, _clear)),
    "one unlabeled image": Hidden("several labeled images and one unlabeled", until(_one_unlabeled, _clear)),
    "large logits": Hidden("logits of many thousands", until(_large_views, _disagree)),
    "one forward pass": Hidden(
        "a network with BatchNorm over the whole batch", until(_mixed, _clear_normalized)
    ),
    "another rule": Hidden("a rule that is passed as select", until(_rule_views, _clear)),
    "gradient": Hidden("the gradient for the parameters, as a training step computes it", _mixed),
    "called again": Hidden("three calls, the last with the first batch", _two_calls),
}

FIXMATCH_LOSS = InstructorExercise(
    "fixmatch_loss",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_HIDDEN), "another rule"),
)

EXERCISES = (FIXMATCH_LOSS,)
