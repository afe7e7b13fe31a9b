"""What the training units train with in their two modes.

The notebooks, the recorded runs, ``make demo`` and the benchmark that repeats them over seeds and versions
read the settings here.
"""

from __future__ import annotations

from typing import Any

from course.mode import Mode
from course.training.hparams import FixMatchHparams
from course.training.torch.hparams import (
    FlexMatchHparams,
    FreeMatchHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
)

DATA_SETS: dict[Mode, str] = {"cpu": "shapes", "gpu": "cifar10"}
TORCH_MODELS: dict[Mode, str] = {"cpu": "wrn-10-1", "gpu": "wrn-28-2"}

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

# The ramp of λ_u is the paper's on photographs, and ends half-way on `shapes`, where a run is short.
_MIXMATCH: dict[Mode, dict[str, Any]] = {
    "gpu": {
        "n_labeled": 500,
        "steps": 6000,
        "num_iter": 500,
        "eval_step": 500,
        "rampup_length": 16_384,
        "write_checkpoint_every": 250,
    },
    "cpu": {
        "n_labeled": 100,
        "num_validation_samples_per_class": 64,
        "batch_size": 16,
        "steps": 600,
        "num_iter": 100,
        "eval_step": 100,
        "lambda_u": 20.0,
        "rampup_length": 300,
        "log_every_steps": 100,
        "write_checkpoint_every": 100,
    },
}

# Of all runs of the unit `flexmatch`, which averages weights only for those who bring `ema_update` from the
# unit `mixmatch`. In CPU mode there are few unlabeled images, so that most of them have
# been predicted with confidence, and the thresholds have risen, within a short run.
_FLEXMATCH: dict[Mode, dict[str, Any]] = {
    "gpu": {
        "n_labeled": 400,
        "use_ema": False,
        "num_validation_samples_per_class": 500,
        "eval_step": 500,
        "log_every_steps": 500,
        "write_checkpoint_every": 500,
    },
    "cpu": {
        "n_labeled": 200,
        "n_unlabeled": 400,
        "use_ema": False,
        "num_validation_samples_per_class": 64,
        "eval_step": 40,
        "log_every_steps": 40,
        "write_checkpoint_every": 40,
    },
}
_FLEXMATCH_START: dict[Mode, dict[str, Any]] = {
    "gpu": {"steps": 1000, "batch_size": 64, "mu": 1, "lambda_u": 0.0},
    "cpu": {"steps": 200, "batch_size": 32, "mu": 1, "lambda_u": 0.0},
}
_FLEXMATCH_RUN: dict[Mode, dict[str, Any]] = {
    "gpu": {"steps": 4000, "batch_size": 64, "mu": 7},
    "cpu": {"steps": 400, "batch_size": 16, "mu": 4},
}
# The paper's λ = 0.999 remembers a thousand steps, which is longer than a run in CPU mode.
_FREEMATCH: dict[Mode, dict[str, Any]] = {"gpu": {}, "cpu": {"threshold_decay": 0.99}}


def fixmatch_settings(mode: Mode) -> dict[str, Any]:
    """The hyperparameters in which the notebook's runs differ from `FixMatchHparams`' defaults."""
    return dict(_FIXMATCH[mode])


def fixmatch_hparams(mode: Mode, logdir: str) -> FixMatchHparams:
    """The hyperparameters of the run with the unlabeled loss in the unit `fixmatch`.

    Args:
        mode: "gpu" has the practical's settings for CIFAR-10, "cpu" a network a quarter as wide on `shapes`.
        logdir: the run's folder.
    """
    return FixMatchHparams(**fixmatch_settings(mode), logdir=logdir)


def mixmatch_hparams(mode: Mode, logdir: str, **changed: Any) -> MixMatchHparams:
    """The hyperparameters of both runs of the unit `mixmatch`.

    Args:
        mode: "gpu" is for CIFAR-10 and a WRN-28-2, "cpu" for `shapes` and a WRN-10-1.
        logdir: the run's folder.
        **changed: hyperparameters that win over the mode's.
    """
    return MixMatchHparams(**{**_MIXMATCH[mode], "logdir": logdir, **changed})


def flexmatch_hparams(mode: Mode, logdir: str, **changed: Any) -> FlexMatchHparams:
    """The hyperparameters of FlexMatch's run in the unit `flexmatch`; arguments as `mixmatch_hparams`."""
    return FlexMatchHparams(**{**_FLEXMATCH[mode], **_FLEXMATCH_RUN[mode], "logdir": logdir, **changed})


def flexmatch_fixmatch_hparams(mode: Mode, logdir: str, **changed: Any) -> TorchFixMatchHparams:
    """Those of FixMatch's run beside it: the same settings, from the same start."""
    return TorchFixMatchHparams(**{**_FLEXMATCH[mode], **_FLEXMATCH_RUN[mode], "logdir": logdir, **changed})


def flexmatch_start_hparams(mode: Mode, logdir: str, **changed: Any) -> TorchFixMatchHparams:
    """Those of the start that both share: FixMatch with λ_u = 0."""
    return TorchFixMatchHparams(**{**_FLEXMATCH[mode], **_FLEXMATCH_START[mode], "logdir": logdir, **changed})


def freematch_hparams(mode: Mode, logdir: str, **changed: Any) -> FreeMatchHparams:
    """Those of FreeMatch's run: FlexMatch's settings, from the same start."""
    settings = {**_FLEXMATCH[mode], **_FLEXMATCH_RUN[mode], **_FREEMATCH[mode], "logdir": logdir}
    return FreeMatchHparams(**{**settings, **changed})
