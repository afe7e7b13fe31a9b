"""Equivalents of the unit ``mixmatch``."""

from __future__ import annotations

from autograder.units.equivalent import Equivalent

_MIXED = 'x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])'

EQUIVALENTS = (
    Equivalent(
        "sharpen",
        "without the division by the largest",
        "A factor of all entries cancels in the quotient. With ten classes and T of 0.05 or more the "
        "largest power is far from rounding to 0.",
        edits=((" / probabilities.amax(dim=-1, keepdim=True)", ""),),
    ),
    Equivalent(
        "sharpen",
        "sharpened twice, by the root of T each",
        "Powers of powers multiply their exponents, and what a normalization divides by cancels in the "
        "next one.",
        body="""
            for _ in range(2):
                powers = probabilities ** (T**-0.5)
                probabilities = powers / powers.sum(dim=-1, keepdim=True)
            return probabilities
            """,
    ),
    Equivalent(
        "guess_labels",
        "sum over the views in place of the mean",
        "Sharpening divides by a sum, in which the factor 1/K cancels.",
        edits=(("probabilities.mean(dim=0)", "probabilities.sum(dim=0)"),),
    ),
    Equivalent(
        "guess_labels",
        "gradient cut at the result",
        "No gradient gets past the result, so none reaches the network: only memory is wasted.",
        body="""
            with frozen_statistics(model):
                logits = model(views.flatten(0, 1))
            probabilities = torch.softmax(logits, dim=-1).unflatten(0, views.shape[:2])
            return sharpen(probabilities.mean(dim=0), T).detach()
            """,
    ),
    Equivalent(
        "mixup",
        "a and b exchanged, with the smaller share",
        "1 − max(λ, 1 − λ) is min(λ, 1 − λ): exchanging the pair and its shares leaves the sum as it is.",
        body="""
            lam = torch.minimum(lam, 1 - lam)[:, None]
            targets = lam * targets_b + (1 - lam) * targets_a
            lam = lam[:, :, None, None]
            return lam * x_b + (1 - lam) * x_a, targets
            """,
    ),
    Equivalent(
        "linear_rampup",
        "cut at 0 as well",
        "Steps are counted from 0, so the share is never negative.",
        edits=(("min(step / length, 1.0)", "max(0.0, min(step / length, 1.0))"),),
    ),
    Equivalent(
        "mixmatch_loss",
        "guesses detached once more",
        "guess_labels has cut the gradient already.",
        edits=(("guess_labels(model, views, hparams.T)", "guess_labels(model, views, hparams.T).detach()"),),
    ),
    Equivalent(
        "mixmatch_loss",
        "shares exchanged before they are handed to mixup",
        "mixup takes the larger one of λ and 1 − λ, so it cannot tell λ from 1 − λ.",
        edits=((_MIXED, _MIXED.replace('batch["lam"]', '1 - batch["lam"]')),),
    ),
    Equivalent(
        "mixmatch_loss",
        "mean over the classes first, then over the samples",
        "All samples have equally many classes, so the mean of the means is the mean.",
        edits=(
            (
                "F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])",
                "((torch.softmax(logits[n_labeled:], dim=-1) - targets[n_labeled:]) ** 2).mean(-1).mean()",
            ),
        ),
    ),
    Equivalent(
        "ema_update",
        "shares swapped along with their factors",
        "The sum has two terms, and it does not matter which is written first.",
        edits=(
            (
                "average.mul_(keep).add_(weight, alpha=1 - keep)",
                "average.copy_((1 - keep) * weight + keep * average)",
            ),
        ),
    ),
)
