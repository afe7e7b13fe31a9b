"""The labeled-only baseline: the same loop, schedule and optimizer, without the unlabeled images."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from course.data.loaders import get_validation_generator
from course.training import (
    SupervisedHparams,
    TrainResult,
    get_ema_params,
    l2_penalty,
    labeled_batches,
    momentum,
    start,
    train_loop,
)
from solutions.fixmatch import (
    cosine_decay_schedule,
    get_validate_fn,
    log_softmax_cross_entropy,
    logits_to_log_probs,
)


def get_supervised_loss_fn(model, hparams):
    """L_s + weight decay.

    Args:
        model: a flax model, as for `solutions.fixmatch.get_forward_fn`.
        hparams: num_classes and w_decay.

    Returns:
        supervised_loss(params, batch_stats, x_labeled, y_labeled) → (total_loss, (new_batch_stats,
        metrics)), with the FixMatch loss's names for the metrics that exist here.
    """

    @jax.jit
    def supervised_loss(params, batch_stats, x_labeled, y_labeled):
        logits, updated = model.apply(
            {"params": params, "batch_stats": batch_stats}, x_labeled, mutable=["batch_stats"]
        )
        targets = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(logits), targets).mean()
        weight_decay = l2_penalty(params, hparams.w_decay)
        total = supervised + weight_decay
        metrics = {"weight decay": weight_decay, "total loss": total, "supervised loss": supervised}
        metrics["labeled error rate"] = jnp.mean(jnp.argmax(logits, axis=-1) != y_labeled)
        return total, (updated["batch_stats"], metrics)

    return supervised_loss


def get_supervised_step_fn(get_params, supervised_loss, opt_update):
    """One step of labeled-only training: train_step(step, opt_state, batch_stats, x_labeled, y_labeled)."""

    @jax.jit
    def train_step(step, opt_state, batch_stats, x_labeled, y_labeled):
        (loss, (batch_stats, metrics)), gradients = jax.value_and_grad(supervised_loss, has_aux=True)(
            get_params(opt_state), batch_stats, x_labeled, y_labeled
        )
        return loss, batch_stats, opt_update(step, gradients, opt_state), metrics

    return train_step


def train_supervised(
    hparams: SupervisedHparams,
    labeled_dataset: Any,
    unlabeled_dataset: Any,
    val_dataset: Any,
    checkpoint: Any = None,
    **options: Any,
) -> TrainResult:
    """Train on the labeled images alone.

    Args: those of `solutions.fixmatch.train_fixmatch`; of ``unlabeled_dataset`` only the length is
    used, so that an epoch has as many steps as FixMatch's.
    """
    hparams = hparams.fitted(len(unlabeled_dataset))
    schedule = cosine_decay_schedule(hparams.lr, hparams.total_steps, hparams.alpha)
    opt_init, opt_update, get_params = momentum(
        schedule, hparams.beta, nesterov=hparams.nesterov, ema_decay=hparams.ema_decay
    )
    model, state = start(hparams, opt_init, checkpoint)
    val_batches = get_validation_generator(val_dataset, hparams.val_batch_size)
    return train_loop(
        hparams,
        state,
        train_step=get_supervised_step_fn(get_params, get_supervised_loss_fn(model, hparams), opt_update),
        batches=labeled_batches(hparams, labeled_dataset),
        schedule=schedule,
        validate=get_validate_fn(get_ema_params, model, batches=val_batches),
        normalization=model.normalization,
        **options,
    )
