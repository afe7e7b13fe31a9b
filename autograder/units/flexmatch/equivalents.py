"""Equivalents of the unit ``flexmatch``."""

from __future__ import annotations

from autograder.units.equivalent import Equivalent

EQUIVALENTS = (
    Equivalent(
        "fixmatch_loss",
        "gradient not cut",
        "With hard pseudo-labels it changes nothing: neither the position of the maximum nor a comparison "
        "has a gradient. With MixMatch's soft targets it would.",
        edits=(("weak.detach() / hparams.T", "weak / hparams.T"),),
    ),
    Equivalent(
        "fixmatch_loss",
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
        "fixmatch_loss",
        "mask applied to the gradient's input as well",
        "The mask is 0 or 1, so applied twice it is the same mask.",
        edits=(("(mask * per_image).mean()", "(mask * (mask * per_image)).mean()"),),
    ),
    Equivalent(
        "learning_status",
        "another integer type",
        "Counts of images fit into 32 bits.",
        edits=(("[1:]", "[1:].to(torch.int32)"),),
    ),
    Equivalent(
        "flexible_thresholds",
        "β limited to 1",
        "No count exceeds the largest, so β is never above 1.",
        edits=(("return threshold", "beta = beta.clamp(max=1)\n    return threshold"),),
    ),
    Equivalent(
        "flexible_thresholds",
        "limited to τ",
        "The mapping takes [0, 1] to [0, 1], so no threshold is above τ.",
        edits=(
            (
                "return threshold * beta / (2 - beta)",
                "return (threshold * beta / (2 - beta)).clamp(max=threshold)",
            ),
        ),
    ),
    Equivalent(
        "flexible_mask",
        "both sides doubled",
        "A positive factor on both sides of a comparison cancels.",
        edits=(
            ("confidence >= thresholds[pseudo_labels]", "2 * confidence >= 2 * thresholds[pseudo_labels]"),
        ),
    ),
    Equivalent(
        "remember_labels",
        "written twice",
        "The second assignment writes the same labels to the same positions.",
        edits=(
            ("return updated", "updated[index[confident]] = pseudo_labels[confident]\n    return updated"),
        ),
    ),
    Equivalent(
        "flexmatch_loss",
        "only images that count are remembered",
        "A flexible threshold is never above τ, so an image that reaches τ counts as well.",
        edits=(('batch["index"], confidence,', 'batch["index"], mask * confidence,'),),
    ),
    Equivalent(
        "flexmatch_loss",
        "updated before the mask",
        "The mask is computed from thresholds that are there already; the order of the two lines is free.",
        edits=(
            (
                "        mask = flexible_mask(confidence, pseudo_labels, thresholds)\n"
                '        updated = remember_labels(latest, batch["index"], confidence, pseudo_labels, '
                "hparams.threshold)\n",
                '        updated = remember_labels(latest, batch["index"], confidence, pseudo_labels, '
                "hparams.threshold)\n"
                "        mask = flexible_mask(confidence, pseudo_labels, thresholds)\n",
            ),
        ),
    ),
)
