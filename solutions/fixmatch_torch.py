"""FixMatch in PyTorch, the first part of the unit ``flexmatch``.

Sohn et al., FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence, 2020.
"""

import torch
from torch.nn import functional as F

from course.training.torch.parts import l2_penalty


def fixmatch_loss(model, state, batch, hparams, select=None):
    """Exercise 1: the FixMatch loss, L_s + λ_u · L_u + weight decay (section 2.2, algorithm 1).

    L_s is the mean cross-entropy of the labeled images. L_u takes the most probable class of each weak view
    as a label for the strong view of the same image, counts only the images that are selected, and averages
    over all μB of them, including those that do not count.

    Args:
        model: in training mode; float (n, 3, H, W) → logits (n, classes).
        state: what the method remembers, tensors by name; FixMatch remembers nothing and passes it on.
        batch: x_labeled float (B, 3, H, W), y_labeled int (B,); x_unlabeled_weak and x_unlabeled_strong
            (μB, 3, H, W); y_unlabeled int (μB,), used only for the error rate. All are on the model's
            device, and so is every tensor that you make.
        hparams: weight_decay, lambda_u, T (the weak logits are divided by it) and threshold (τ).
        select: None: an image counts when its probability reaches τ. Otherwise another method's rule,
            (confidence, pseudo_labels) → (mask, state): float (μB,) and int (μB,) → bool (μB,) and the state
            to return.

    Returns:
        (total loss, state, metrics): a float scalar, the state, and scalars with the keys "weight decay",
        "total loss", "supervised loss", "unsupervised loss" (masked, before λ_u), "mask rate" (the share of
        images that count) and "error rate" (the share of weak views whose pseudo-label is not y_unlabeled).
    """
    weight_decay = l2_penalty(model, hparams.weight_decay)  # given
    # SUBGOALS
    ### BEGIN SOLUTION
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    labeled, weak, strong = model(torch.cat(parts)).split([len(part) for part in parts])

    supervised = F.cross_entropy(labeled, batch["y_labeled"])

    probabilities = torch.softmax(weak.detach() / hparams.T, dim=-1)
    confidence, pseudo_labels = probabilities.max(dim=-1)
    if select is None:
        mask = confidence >= hparams.threshold
    else:
        mask, state = select(confidence, pseudo_labels)
    per_image = F.cross_entropy(strong, pseudo_labels, reduction="none")
    unsupervised = (mask * per_image).mean()

    total = supervised + hparams.lambda_u * unsupervised + weight_decay
    metrics = {
        "weight decay": weight_decay,
        "total loss": total,
        "supervised loss": supervised,
        "unsupervised loss": unsupervised,
        "mask rate": mask.float().mean(),
        "error rate": (pseudo_labels != batch["y_unlabeled"]).float().mean(),
    }
    return total, state, metrics
    ### END SOLUTION
