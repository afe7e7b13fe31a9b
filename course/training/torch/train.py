"""The one function that trains any of the PyTorch methods.

Loss, schedule and averaging are passed in: the notebook passes what the student wrote, `solutions` the
reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from course.augment import image_to_numpy
from course.augment.on_device import suits
from course.augment.torch import TorchViews
from course.data.dataset import ImageDataset
from course.models.mixed_precision import prepare
from course.training import Checkpoint, TrainResult
from course.training.torch.checkpoint import load_variables
from course.training.torch.launch import number
from course.training.torch.loop import EmaUpdate, default_device, torch_train_loop
from course.training.torch.methods import TORCH_METHODS, TorchMethod
from course.training.torch.parts import evaluate


def expanded(dataset: ImageDataset, n_images: int) -> ImageDataset:
    """Whole copies of a data set, at least ``n_images`` images in all."""
    return dataset.subset(np.tile(np.arange(len(dataset)), -(-n_images // len(dataset))))


def train_torch(
    name: str | TorchMethod,
    hparams: Any,
    model: nn.Module,
    labeled: ImageDataset,
    unlabeled: ImageDataset,
    validation: ImageDataset,
    checkpoint: Checkpoint | None = None,
    *,
    loss: Callable[..., tuple[Tensor, dict[str, Tensor], Mapping[str, Any]]],
    make_schedule: Callable[[float, int, int, float], Callable[[int], float]],
    ema_update: EmaUpdate,
    manifest: Mapping[str, Any] | None = None,
    on_device: bool | None = None,
    **options: Any,
) -> TrainResult:
    """Train one method.

    Args:
        name: a key of `TORCH_METHODS`, or a method that is not among them.
        hparams: its hyperparameters.
        model: with fresh weights; it is moved to the GPU, if there is one.
        labeled: labeled images, without transform.
        unlabeled: unlabeled images, likewise; their labels are used only for the error rate.
        validation: held-out images, with `image_to_numpy` as transform.
        checkpoint: weights to start from instead.
        loss: ``(model, state, batch, hparams) -> (loss, state, metrics)``, as `torch_train_loop` has it, and
            the hyperparameters.
        make_schedule: ``(lr, warmup, total_steps, decay_fraction) -> (step -> learning rate)``.
        ema_update: ``(ema_model, model, step, decay)``, in place.
        manifest: what to write into the run's checkpoints beside the method's name.
        on_device: make the views of a whole mini-batch at once where the network is; the policy is the same,
            the draws are others than image by image. None does so where `course.augment.on_device.suits`.
        **options: handed on to `torch_train_loop` (model_name, if_exists, observers).

    Returns:
        How the run ended; its ``state`` is a `course.training.torch.loop.TorchState`.
    """
    method = TORCH_METHODS[name] if isinstance(name, str) else name
    hparams = hparams.fitted(len(unlabeled))
    if checkpoint is not None:
        load_variables(model, checkpoint)
    # Their loss and accuracy show how far the training images are fitted; more of them would only cost time.
    n_seen = min(len(labeled), len(validation))
    spaced = np.arange(n_seen) * len(labeled) // n_seen
    seen = labeled.subset(spaced).with_transform(image_to_numpy)

    def validate(evaluated: nn.Module) -> dict[str, float]:
        batch_size = hparams.val_batch_size
        return {
            **evaluate(evaluated, seen, batch_size=batch_size, phase="train"),
            **evaluate(evaluated, validation, batch_size=batch_size, phase="val"),
        }

    if hparams.expand_labels:
        labeled = expanded(labeled, hparams.batch_size * hparams.num_iter)
    if number() > 1:
        from course.training.torch.processes import join

        join()
    device = default_device()
    if on_device is None:
        on_device = suits(device.type, hparams.num_workers)
    make = TorchViews(device) if on_device else None
    labeled_view, unlabeled_view = method.views(hparams, make, labeled.mirrors)
    model = model.to(device)
    prepare(model, hparams.precision)
    state = {key: tensor.to(device) for key, tensor in method.state(len(unlabeled)).items()}
    return torch_train_loop(
        hparams,
        model,
        loss=partial(loss, hparams=hparams),
        optimizer=method.optimizer(model, hparams),
        batches=method.batches(
            hparams, labeled.with_transform(labeled_view), unlabeled.with_transform(unlabeled_view)
        ),
        schedule=make_schedule(hparams.lr, hparams.warmup, hparams.total_steps, hparams.decay_fraction),
        ema_update=ema_update,
        validate=validate,
        method_state=state,
        manifest={"method": method.name, **(manifest or {})},
        **options,
    )
