"""FlexMatch in PyTorch: the reference solution of the unit ``flexmatch``, whose first part is FixMatch.

Zhang et al., FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo Labeling, 2021.
"""

import torch

from course.training.torch.train import train_torch
from solutions.fixmatch_torch import fixmatch_loss
from solutions.freematch import freematch_loss, self_adaptive_thresholds, update_averages  # noqa: F401
from solutions.masks import flexible_mask
from solutions.schedules import cosine_with_warmup
from solutions.supervised_torch import supervised_loss


def learning_status(latest, n_classes):
    """Exercise 2: how far each class has come: σ(c), the number of images with û = c.

    The paper calls it the learning effect ("Curriculum pseudo labeling").

    Args: latest: int (N,), û of every unlabeled image: −1 or a class. n_classes: int, C.

    Returns: int (C,), on the device of latest. Images with û = −1 are not counted. Count on the device: no
    Python loop over images, and no list or NumPy array of all labels.
    """
    ### BEGIN SOLUTION
    return torch.bincount(latest + 1, minlength=n_classes + 1)[1:]
    ### END SOLUTION


def flexible_thresholds(counts, n_unlabeled, threshold):
    """Exercise 3: a threshold for each class ("Threshold warm-up", "Non-linear mapping").

    β(c) = σ(c) / max(max σ, N − Σσ), whose second term, the number of images without a label yet, is the
    warm-up; then τ_c = τ · β(c) / (2 − β(c)).

    Args: counts: int (C,), σ. n_unlabeled: int, N. threshold: float, τ.

    Returns: float (C,) between 0 and τ, on the device of counts. While no image has a label all are 0.
    """
    ### BEGIN SOLUTION
    without_label = n_unlabeled - counts.sum()
    beta = counts / torch.maximum(counts.max(), without_label)
    return threshold * beta / (2 - beta)
    ### END SOLUTION


def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    """Exercise 5: û after a step. The fixed τ decides what enters, not the flexible thresholds.

    Args:
        latest: int (N,), û before the step; left unchanged.
        index: int (n,), the batch's images as positions in û, each once.
        confidence: float (n,). pseudo_labels: int (n,). threshold: float, τ, reached by a probability ≥ τ.

    Returns: int (N,), on the device of latest: the batch's confident images have their new label, all others
    what they had.
    """
    ### BEGIN SOLUTION
    confident = confidence >= threshold
    updated = latest.clone()
    updated[index] = torch.where(confident, pseudo_labels, latest[index])
    return updated
    ### END SOLUTION


def flexmatch_loss(model, state, batch, hparams):
    """Exercise 6: the FlexMatch loss: FixMatch's, with another rule for which images count (algorithm 1).

    Args:
        model: as for `fixmatch_loss`. state: {"latest": û, int (N,)}, −1 everywhere at first.
        batch: as for `fixmatch_loss`, and index int (μB,), the unlabeled images as positions in û, which is
            on the same device.
        hparams: as for `fixmatch_loss`, and n_classes.

    Returns:
        (total loss, {"latest": û after this step}, metrics): FixMatch's metrics and "threshold/0" …, each
        class's threshold.
    """
    # SUBGOALS
    ### BEGIN SOLUTION
    latest = state["latest"]
    counts = learning_status(latest, hparams.n_classes)
    thresholds = flexible_thresholds(counts, len(latest), hparams.threshold)

    def select(confidence, pseudo_labels):
        mask = flexible_mask(confidence, pseudo_labels, thresholds)
        updated = remember_labels(latest, batch["index"], confidence, pseudo_labels, hparams.threshold)
        return mask, {"latest": updated}

    total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)
    metrics |= {f"threshold/{c}": value for c, value in enumerate(thresholds)}
    return total, state, metrics
    ### END SOLUTION


def train_method(name, *arguments, **options):
    """Train "supervised", "fixmatch" or "flexmatch" with the loss of that name: `train_torch` for this unit.

    Args: name: of the method. arguments: hparams, model, labeled, unlabeled, validation and, to begin with
    other weights than the model's, a checkpoint. options: model_name, ema_update, if_exists, observers.

    Returns: how the run ended: the last state, and each metric's history.
    """
    losses = {"supervised": supervised_loss, "fixmatch": fixmatch_loss, "flexmatch": flexmatch_loss}
    return train_torch(name, *arguments, loss=losses[name], make_schedule=cosine_with_warmup, **options)
