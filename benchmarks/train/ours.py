"""The course's pipelines, through the functions that train from the command line and in the notebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.train.pipeline import (
    WARM_UP,
    Clock,
    Timed,
    jax_device_memory,
    peak_memory,
    torch_device_memory,
)
from benchmarks.train.setting import CLASSES, Setting, make_images
from course.precision import Precision
from course.training.engine import Batches

# Sizes and cadences of a run in which nothing but steps is timed: what comes at its end is not.
_RARELY = 10**9
_HELD_OUT = 2 * len(CLASSES)


def _repeated(make: Callable[..., Batches]) -> Callable[..., Batches]:
    """Batches like those that ``make`` makes, of which every step gets the first."""

    def made(*arguments: Any, **options: Any) -> Batches:
        batches = make(*arguments, **options)

        def endless(start: int, total: int) -> Iterator[Any]:
            return repeat(next(iter(batches(start, total))), total - start)

        return endless

    return made


def _settings(setting: Setting, steps: int, folder: str) -> dict[str, Any]:
    # One step more than is timed: the loop validates and saves before it tells of the last.
    return {
        "steps": WARM_UP + steps + 1,
        "mu": setting.mu,
        "logdir": str(Path(folder, "run")),
        "log_every_steps": _RARELY,
        "write_checkpoint_every": _RARELY,
        "val_batch_size": _HELD_OUT,
    }


class _Ours(ABC):
    """What both frameworks have in common. See `benchmarks.train.pipeline.Pipeline`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.labeled, self.unlabeled = make_images(setting)
        self.validation = self.labeled.subset(np.arange(min(_HELD_OUT, setting.labels)))

    def run(self, steps: int, prepared: bool) -> Timed:
        """A run of the course's loop, told by an observer."""
        with TemporaryDirectory() as folder:
            clock = Clock()
            self._train(_settings(self.setting, steps, folder), clock, prepared)
        return clock.timed(steps)

    @abstractmethod
    def _train(self, settings: dict[str, Any], clock: Clock, prepared: bool) -> None:
        """Train with the framework's own function; the clock observes."""

    def memory(self) -> int:
        """Views are made in this process."""
        return peak_memory()


class OursInJax(_Ours):
    """FixMatch on ResNet18 as ``python -m solutions train fixmatch --augmentation device`` trains it."""

    def __init__(self, setting: Setting) -> None:
        from course.training.jax.devices import require_devices

        require_devices()
        super().__init__(setting)

    def _train(self, settings: dict[str, Any], clock: Clock, prepared: bool) -> None:
        import solutions.fixmatch
        from course.augment import image_to_numpy
        from course.training import FixMatchHparams
        from solutions.experiments.frameworks import AUGMENTATIONS, ON_DEVICE

        hparams = FixMatchHparams(
            labeled_batch_size=self.setting.labeled,
            width=self.setting.width,
            num_classes=len(CLASSES),
            validate_every_steps=_RARELY,
            **settings,
        )
        labeled, unlabeled = AUGMENTATIONS[ON_DEVICE](True)
        made = solutions.fixmatch.paired_batches
        with patch.object(solutions.fixmatch, "paired_batches", _repeated(made) if prepared else made):
            solutions.fixmatch.train_fixmatch(
                hparams,
                self.labeled.with_transform(labeled),
                self.unlabeled.with_transform(unlabeled),
                self.validation.with_transform(image_to_numpy),
                observers=[clock],
            )

    def device_memory(self) -> int | None:
        """JAX's."""
        return jax_device_memory()


class OursInTorch(_Ours):
    """FixMatch as ``… train fixmatch --framework torch --augmentation device --model NETWORK`` trains it."""

    def _train(self, settings: dict[str, Any], clock: Clock, prepared: bool) -> None:
        from course.augment import image_to_numpy
        from course.models.torch_models import make_model
        from solutions.experiments.frameworks import train_reference
        from solutions.experiments.methods import METHODS

        method = METHODS["fixmatch"]
        hparams = method.torch.hparams(
            batch_size=self.setting.labeled,
            n_classes=len(CLASSES),
            eval_step=_RARELY,
            precision=Precision(self.setting.precision),
            **settings,
        )
        if prepared:
            repeated = replace(method.torch, batches=_repeated(method.torch.batches))
            method = replace(method, torch=repeated)
        with patch.dict(METHODS, fixmatch=method):
            train_reference(
                "fixmatch",
                hparams,
                make_model(self.setting.network, len(CLASSES), seed=0),
                self.labeled,
                self.unlabeled,
                self.validation.with_transform(image_to_numpy),
                on_device=True,
                model_name=self.setting.network,
                observers=[clock],
            )

    def device_memory(self) -> int | None:
        """PyTorch's."""
        return torch_device_memory()
