"""What the unit `fixmatch` trains with in its two modes.

The notebook, the recorded runs, ``make demo`` and the benchmark that repeats them over seeds and versions
read the settings here.
"""

from __future__ import annotations

from typing import Any, Literal

from course.training.hparams import FixMatchHparams

Mode = Literal["cpu", "gpu"]

DATA_SETS: dict[Mode, str] = {"cpu": "shapes", "gpu": "cifar10"}

# Fitted to half a minute a run on two cores. The start has learned all that ten labels per class teach it:
# more of the same changes nothing, and 300 steps show what the pseudo-labels add, with any seed.
_FIXMATCH: dict[Mode, dict[str, Any]] = {
    "gpu": {"epoch_steps": 112},
    "cpu": {
        "width": 16,
        "num_labeled_training_samples_per_class": 10,
        "num_validation_samples_per_class": 128,
        "labeled_batch_size": 16,
        "steps": 300,
        "validate_every_steps": 50,
        "log_every_steps": 50,
        "write_checkpoint_every": 100,
    },
}


def fixmatch_settings(mode: Mode) -> dict[str, Any]:
    """The hyperparameters in which the notebook's runs differ from `FixMatchHparams`' defaults."""
    return dict(_FIXMATCH[mode])


def fixmatch_hparams(mode: Mode, logdir: str) -> FixMatchHparams:
    """The hyperparameters of the notebook's run with the unlabeled loss.

    Args:
        mode: "gpu" has the practical's settings for CIFAR-10, "cpu" a network a quarter as wide on `shapes`.
        logdir: the run's folder.
    """
    return FixMatchHparams(**fixmatch_settings(mode), logdir=logdir)
