"""The learning-rate schedule of the PyTorch units, which students are given."""

import math


def cosine_with_warmup(lr, warmup, total_steps, fraction):
    """A linear rise over ``warmup`` steps, then lr · cos(π · fraction · progress through the rest).

    With no warm-up and a fraction of 7/16 it is FixMatch's cos(7πk / 16K); a fraction of 0 stays at lr.

    Returns:
        step → learning rate.
    """

    def schedule(step):
        if step < warmup:
            return lr * (step + 1) / warmup
        return lr * math.cos(math.pi * fraction * (step - warmup) / (total_steps - warmup or 1))

    return schedule
