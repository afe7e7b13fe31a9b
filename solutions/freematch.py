"""FreeMatch's thresholds in PyTorch, the last exercises of the unit ``flexmatch``.

Wang et al., FreeMatch: Self-adaptive Thresholding for Semi-supervised Learning, 2023 (arXiv:2205.07246),
equations 5 to 7.
"""

import torch

from course.training.torch.parts import watched_logits
from solutions.fixmatch_torch import fixmatch_loss
from solutions.masks import flexible_mask


def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    """Exercise 7: FreeMatch's two moving averages after a step ("Self-adaptive thresholding").

    Each keeps λ of what it was and takes 1 − λ of the mini-batch's mean: of the largest probability of an
    image, and of the probability of each class.

    Args:
        mean_confidence: float scalar, τ_t before this step. mean_prediction: float (C,), p̃_t before this
            step. Both are left unchanged.
        probabilities: float (μB, C), of the weak views; rows that sum to 1.
        decay: float, λ.

    Returns: (float scalar, float (C,)): both averages after this step, on the device of probabilities.
    """
    ### BEGIN SOLUTION
    confidence = probabilities.max(dim=-1).values.mean()
    prediction = probabilities.mean(dim=0)
    return (
        decay * mean_confidence + (1 - decay) * confidence,
        decay * mean_prediction + (1 - decay) * prediction,
    )
    ### END SOLUTION


def self_adaptive_thresholds(mean_confidence, mean_prediction):
    """Exercise 8: FreeMatch's threshold for each class ("Self-adaptive thresholding").

    The class that is predicted most gets τ_t, the average confidence. Each other class gets the share of it
    that its average p̃_t(c) is of the largest one.

    Args: mean_confidence: float scalar, τ_t. mean_prediction: float (C,), p̃_t, all above 0.

    Returns: float (C,), on the device of mean_prediction.
    """
    ### BEGIN SOLUTION
    return mean_confidence * mean_prediction / mean_prediction.max()
    ### END SOLUTION


def freematch_loss(model, state, batch, hparams):
    """FixMatch's loss with FreeMatch's thresholds, which this step's predictions already move.

    An image counts from its threshold on, as in the authors' code; the paper asks for more than it. The
    paper's second part, a term that keeps the predicted classes in balance, is left out.

    Args:
        model, batch: as for `fixmatch_loss`.
        state: {"mean_confidence": float scalar, "mean_prediction": float (C,)}, 1 / C each at first.
        hparams: as for `fixmatch_loss`, and threshold_decay, λ.

    Returns:
        (total loss, the averages after this step, metrics): as `flexmatch_loss` has them.
    """
    with watched_logits(model, batch["x_unlabeled_weak"]) as weak_logits:

        def select(confidence, pseudo_labels):
            probabilities = torch.softmax(weak_logits() / hparams.T, dim=-1)
            before = state["mean_confidence"], state["mean_prediction"]
            sure, predicted = update_averages(*before, probabilities, hparams.threshold_decay)
            mask = flexible_mask(confidence, pseudo_labels, self_adaptive_thresholds(sure, predicted))
            return mask, {"mean_confidence": sure, "mean_prediction": predicted}

        total, moved, metrics = fixmatch_loss(model, state, batch, hparams, select)
    metrics |= {f"threshold/{c}": value for c, value in enumerate(self_adaptive_thresholds(**moved))}
    return total, moved, metrics
