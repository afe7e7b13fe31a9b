"""The average of a model's weights, which all methods evaluate: last exercise of the unit ``mixmatch``."""

import torch


@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    """Exercise 6: move the averaged model, in place, by one step (MixMatch, section 4.1).

    Every trainable weight becomes keep · average + (1 − keep) · weight with
    keep = min(decay, (1 + step) / (10 + step)). The warm-up is the course's: it keeps a short run from being
    averaged with its beginning. BatchNorm's buffers are running averages already: they are copied, not
    averaged again.

    Args:
        ema_model: holds the averages; its parameters need no gradient.
        model: the trained one, of the same architecture; left unchanged.
        step: int, updates of the average before this one.
        decay: float, 0.999 in MixMatch and FixMatch.
    """
    ### BEGIN SOLUTION
    keep = min(decay, (1 + step) / (10 + step))
    for average, weight in zip(ema_model.parameters(), model.parameters(), strict=True):
        average.mul_(keep).add_(weight, alpha=1 - keep)
    for buffer, current in zip(ema_model.buffers(), model.buffers(), strict=True):
        buffer.copy_(current)
    ### END SOLUTION
