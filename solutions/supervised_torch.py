"""The labeled-only baselines in PyTorch, one beside FixMatch and one beside MixMatch."""

from torch.nn import functional as F

from course.training.torch.parts import l2_penalty


def supervised_loss(model, state, batch, hparams):
    """L_s + weight decay: the same loop, schedule and optimizer as FixMatch's.

    Args:
        model: in training mode; float (n, 3, H, W) → logits (n, classes).
        state: passed on; this method remembers nothing.
        batch: x_labeled float (B, 3, H, W), y_labeled int (B,).
        hparams: weight_decay.

    Returns:
        (total loss, state, metrics) with FixMatch's names for the metrics that exist here.
    """
    logits = model(batch["x_labeled"])
    supervised = F.cross_entropy(logits, batch["y_labeled"])
    weight_decay = l2_penalty(model, hparams.weight_decay)
    total = supervised + weight_decay
    metrics = {"weight decay": weight_decay, "total loss": total, "supervised loss": supervised}
    metrics["labeled error rate"] = (logits.argmax(dim=-1) != batch["y_labeled"]).float().mean()
    return total, state, metrics


def labeled_only_loss(model, state, batch, hparams):
    """MixMatch without unlabeled images and without mixing: the cross-entropy of the labeled images.

    Args and returns: those of `supervised_loss`; MixMatch's optimizer does the weight decay.
    """
    supervised = F.cross_entropy(model(batch["x_labeled"]), batch["y_labeled"])
    return supervised, state, {"total loss": supervised, "supervised loss": supervised}
