"""Run lengths and sizes for different machines; what one method alone needs is in its record.

Presets are for PyTorch: JAX lacks their networks and some of their settings. What the command line gives wins
over a preset, and a preset over the dataclasses' defaults, the papers' at 16,384 steps.

MixMatch's ramp of λ_u is the paper's 16,384 steps in each of them, however short the run: scaled to a short
one it reaches 75 while hardly anything is learned (``solutions/results/short_ramp.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course.errors import unknown_name
from solutions.experiments.methods import METHODS


@dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    Attributes:
        for_whom: one line for the help.
        model: the PyTorch network.
        n_labeled: labeled images, where neither the command line nor a checkpoint says.
        settings: for every method that knows them.
    """

    for_whom: str
    model: str
    n_labeled: int
    settings: Mapping[str, Any]


_DIGITS = {
    "batch_size": 16,
    "steps": 400,
    "num_iter": 100,
    "eval_step": 100,
    "num_validation_samples_per_class": 10,
    "ema_decay": 0.99,
    "write_checkpoint_every": 400,
}

PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        "tests: some seconds",
        model="wrn-10-1",
        n_labeled=40,
        settings={
            "batch_size": 8,
            "steps": 12,
            "num_iter": 6,
            "eval_step": 6,
            "n_unlabeled": 200,
            "num_validation_samples_per_class": 4,
            "log_every_steps": 6,
            "write_checkpoint_every": 6,
        },
    ),
    "cpu": Preset(
        "four cores: a few minutes a run, with a narrow network and small batches",
        model="wrn-10-1",
        n_labeled=100,
        settings={
            "batch_size": 16,
            "steps": 2000,
            "num_iter": 200,
            "eval_step": 200,
            "n_unlabeled": 6000,
            "num_validation_samples_per_class": 100,
            "write_checkpoint_every": 100,
        },
    ),
    "digits": Preset(
        "two cores: some seconds a run, for the data set digits",
        model="cnn",
        n_labeled=20,
        settings=_DIGITS,
    ),
    "digits-lr": Preset(
        "the same with a learning rate three times as large, to see what a setting does to a comparison",
        model="cnn",
        n_labeled=20,
        settings=_DIGITS,
    ),
    "colab": Preset(
        "meant for a T4, not measured",
        model="wrn-28-2",
        n_labeled=500,
        settings={"steps": 6000, "num_iter": 500, "eval_step": 500, "write_checkpoint_every": 250},
    ),
    "paper": Preset(
        "the papers' length, 2^20 steps",
        model="wrn-28-2",
        n_labeled=250,
        settings={"steps": 2**20, "bn_momentum": 0.001, "write_checkpoint_every": 1024},
    ),
}


def settings_of(name: str | None, method: str) -> dict[str, Any]:
    """A preset's settings for one method; none where no preset is named.

    Raises:
        CourseError: there is no such preset.
    """
    if name is None:
        return {}
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    preset = PRESETS[name]
    return {"n_labeled": preset.n_labeled, **preset.settings, **METHODS[method].presets.get(name, {})}
