"""The PyTorch methods with a network of 78,000 weights on images that a few steps suffice for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course.augment import image_to_numpy
from course.models.torch_models import make_model
from course.training import TrainResult
from course.training.torch.methods import STRONG_BASELINE, TORCH_METHODS
from solutions.experiments.frameworks import train_reference
from tests.support import tiny_run

MODEL = "wrn-10-1"
# The strong baseline differs from the other in its views alone.
METHODS = tuple(name for name in TORCH_METHODS if name != STRONG_BASELINE)
SETTINGS: dict[str, Any] = {
    "n_classes": len(tiny_run.CLASSES),
    "n_labeled": 16,
    "num_validation_samples_per_class": 3,
    "batch_size": 4,
    "val_batch_size": 8,
    "steps": tiny_run.STEPS,
    "num_iter": 5,
    "eval_step": 5,
    "log_every_steps": 6,
    "write_checkpoint_every": 4,
}
OF_METHOD: dict[str, dict[str, Any]] = {
    "mixmatch": {"rampup_length": 200, "lambda_u": 10.0, "noise": 0.05},
    "fixmatch": {"mu": 2, "threshold": 0.8},
    "flexmatch": {"mu": 2, "threshold": 0.8},
}


def hparams(method: str, folder: Path | str, **changed: Any) -> Any:
    settings = {**SETTINGS, **OF_METHOD.get(method, {}), **changed}
    return TORCH_METHODS[method].hparams(logdir=str(folder), **settings)


def train(
    method: str, folder: Path | str, changed: dict[str, Any] | None = None, **options: Any
) -> TrainResult:
    """One run; ``changed`` are hyperparameters, ``options`` those of `torch_train_loop`."""
    h = hparams(method, folder, **(changed or {}))
    model = make_model(MODEL, h.n_classes, seed=h.seed, dropout=h.dropout)
    parts = (tiny_run.images(16, 1), tiny_run.images(40, 2), tiny_run.images(20, 3))
    labeled, unlabeled, validation = parts
    return train_reference(
        method,
        h,
        model,
        labeled,
        unlabeled,
        validation.with_transform(image_to_numpy),
        model_name=MODEL,
        **options,
    )
