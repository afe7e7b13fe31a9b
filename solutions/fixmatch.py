"""FixMatch in JAX: the reference solution of the unit ``fixmatch``.

Each exercise is a function here, with the answer between nbgrader's solution markers. The notebook's
cells, the trainer and the tests all take their text or code from this file.

Sohn et al., FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence, 2020.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

import course.training
from course.data.loaders import get_validation_generator
from course.training import get_ema_params, l2_penalty, paired_batches, train_loop

# In the notebook this name is the notebook's own validation loader.
val_batches = ()


def logits_to_log_probs(logits):
    """Exercise 1: turn logits into log-probabilities.

    A softmax followed by a logarithm works on paper, but exp(1000) overflows. Use the identity
    log softmax(z) = z − logsumexp(z), which jax.nn offers in one call.

    Args:
        logits: float (batch, classes), any real numbers.

    Returns:
        float (batch, classes), same dtype. The exponentials of each row sum to 1.
    """
    ### BEGIN SOLUTION
    return jax.nn.log_softmax(logits, axis=-1)
    ### END SOLUTION


def log_softmax_cross_entropy(log_probs, targets):
    """Exercise 2: the cross-entropy H(targets, probs) of each sample.

    For one sample this is −Σ_c targets[c] · log_probs[c]. Keep one number per sample: the caller
    decides how to average, and FixMatch has to mask before it averages.

    Args:
        log_probs: float (batch, classes), log-probabilities.
        targets: float (batch, classes), one-hot rows.

    Returns:
        float (batch,).
    """
    ### BEGIN SOLUTION
    return -jnp.sum(targets * log_probs, axis=-1)
    ### END SOLUTION


def cosine_decay_schedule(init_value, decay_steps, alpha):
    """Exercise 3: the learning rate at step k, init_value · cos(π · alpha · k / decay_steps).

    With alpha = 7/16 this is the paper's cos(7πk / 16K). It falls from init_value at k = 0 to
    0.195 · init_value at k = K, and never to zero.

    Args:
        init_value: η, the learning rate at step 0.
        decay_steps: K, the length of the run in steps.
        alpha: the fraction of a half-turn that the cosine covers.

    Returns:
        schedule(count): step number (a Python int, or an int32 scalar inside jit) → float scalar.
    """

    def schedule(count):
        ### BEGIN SOLUTION
        return init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
        ### END SOLUTION

    return schedule


def get_forward_fn(model):
    """Exercise 4: one pass of the network over the labeled images and both views of the unlabeled ones.

    Args:
        model: a flax model; model.apply(variables, x, mutable=["batch_stats"]) runs it in training
            mode and returns (logits, {"batch_stats": new_batch_stats}).

    Returns:
        forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong), which takes three
        float32 image batches (n, height, width, 3) whose sizes may differ, and returns four things: their
        logits (n, classes), in that order, and the new batch_stats.
    """

    @jax.jit
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        # 1. Put the three batches into one, along the batch axis: BatchNorm must see all of them at once.
        # 2. Apply the model to {"params": params, "batch_stats": batch_stats}, with batch_stats mutable.
        # 3. Split the logits where the batches were joined. Read the sizes from the inputs.
        ### BEGIN SOLUTION
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)
        logits, updated = model.apply(
            {"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"]
        )
        n_labeled, n_weak = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        labeled, weak, strong = jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)
        return labeled, weak, strong, updated["batch_stats"]
        ### END SOLUTION

    return forward


def get_fixmatch_loss_fn(forward, hparams):
    """Exercise 5: the FixMatch loss, L_s + λ_u · L_u + weight decay.

    L_s is the mean cross-entropy of the labeled images. L_u takes the most probable class of each
    weak view as a label for the strong view of the same image, counts only the images whose weak view
    reaches the confidence threshold τ, and averages over all μB of them, including those that do not count.

    Args:
        forward: what get_forward_fn returns.
        hparams: num_classes, confidence_threshold (τ, met by a probability ≥ τ), lambda_coef (λ_u)
            and w_decay.

    Returns:
        fixmatch_loss(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong, y_labeled,
        y_unlabeled). Labels are int (n,); y_unlabeled is used only for the error rate. It returns
        (total_loss, (new_batch_stats, metrics)): a float scalar, and a dictionary of float scalars with
        the keys "weight decay", "total loss", "supervised loss", "unsupervised loss" (masked, before
        λ_u), "mask rate" (the share of images that count) and "error rate" (the share of weak views
        whose most probable class is not y_unlabeled, masked or not).
    """

    @jax.jit
    def fixmatch_loss(
        params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong, y_labeled, y_unlabeled
    ):
        weight_decay = l2_penalty(params, hparams.w_decay)  # given
        # SUBGOALS
        ### BEGIN SOLUTION
        labeled, weak, strong, batch_stats = forward(
            params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong
        )

        targets = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(labeled), targets).mean()

        weak_log_probs = jax.lax.stop_gradient(logits_to_log_probs(weak))
        pseudo_labels = jnp.argmax(weak_log_probs, axis=-1)
        mask = jnp.max(weak_log_probs, axis=-1) >= jnp.log(hparams.confidence_threshold)
        pseudo_targets = jax.nn.one_hot(pseudo_labels, hparams.num_classes)
        per_image = log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)
        unsupervised = jnp.mean(mask * per_image)

        total = supervised + hparams.lambda_coef * unsupervised + weight_decay
        metrics = {
            "weight decay": weight_decay,
            "total loss": total,
            "supervised loss": supervised,
            "unsupervised loss": unsupervised,
            "mask rate": mask.mean(),
            "error rate": jnp.mean(pseudo_labels != y_unlabeled),
        }
        return total, (batch_stats, metrics)
        ### END SOLUTION

    return fixmatch_loss


def get_validate_fn(get_params, model, batches=val_batches):
    """Exercise 6: the error rate on held-out images, averaged over mini-batches.

    Compile the work on one mini-batch and loop over mini-batches outside of jit. A loop inside jit would
    be unrolled into one enormous program with all the images as constants.

    Args:
        get_params: opt_state → params.
        model: a flax model; model.apply(variables, x), without mutable, runs it in evaluation mode and
            returns logits (n, classes).
        batches: a loader of (x, y) mini-batches: float32 (n, height, width, 3) and int (n,). The last may
            be smaller than the others. It has a length but no positions: loop over it again in every call
            of validate.

    Returns:
        validate(opt_state, batch_stats) → {"val error rate": float scalar}, the mean over mini-batches
        of each mini-batch's share of wrong predictions.
    """
    ### BEGIN SOLUTION

    @jax.jit
    def batch_error(params, batch_stats, x, y):
        logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
        return jnp.mean(jnp.argmax(logits, axis=-1) != y)

    def validate(opt_state, batch_stats):
        params = get_params(opt_state)
        errors = [batch_error(params, batch_stats, x, y) for x, y in batches]
        return {"val error rate": jnp.mean(jnp.stack(errors))}

    ### END SOLUTION
    return validate


def mean_over_images(error_rates, batch_sizes):
    """Exercise 7: the error rate over all images, from the error rates of mini-batches.

    In a plain mean of the rates, an image in a small mini-batch counts more than one in a large one.
    Here every image counts the same, so that the result does not depend on the batch size. It may be
    called inside jit, so stay with jax.numpy.

    Args:
        error_rates: float (batches,), the share of wrong predictions in each mini-batch.
        batch_sizes: int (batches,), how many images each mini-batch holds.

    Returns:
        float scalar, the share of wrong predictions among all images.
    """
    ### BEGIN SOLUTION
    return jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)
    ### END SOLUTION


def get_train_step_fn(get_params, fixmatch_loss, opt_update):
    """One step of training: loss, gradient, update. Given.

    Args:
        get_params: opt_state → params.
        fixmatch_loss: what get_fixmatch_loss_fn returns.
        opt_update: (step, gradients, opt_state) → opt_state.

    Returns:
        train_step(step, opt_state, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong,
        y_labeled, y_unlabeled) → (loss, batch_stats, opt_state, metrics).
    """

    @jax.jit
    def train_step(
        step,
        opt_state,
        batch_stats,
        x_labeled,
        x_unlabeled_weak,
        x_unlabeled_strong,
        y_labeled,
        y_unlabeled,
    ):
        (loss, (batch_stats, metrics)), gradients = jax.value_and_grad(fixmatch_loss, has_aux=True)(
            get_params(opt_state),
            batch_stats,
            x_labeled,
            x_unlabeled_weak,
            x_unlabeled_strong,
            y_labeled,
            y_unlabeled,
        )
        return loss, batch_stats, opt_update(step, gradients, opt_state), metrics

    return train_step


def train_fixmatch(hparams, labeled_dataset, unlabeled_dataset, val_dataset, checkpoint=None, **options):
    """Train with the six functions above. Given.

    Args:
        hparams: a FixMatchHparams.
        labeled_dataset, unlabeled_dataset: with LabeledDataAug and UnlabeledDataAug as transforms.
        val_dataset: held-out images, with image_to_numpy as transform.
        checkpoint: weights to start from; None starts from scratch.
        **options: passed on to course.training.train_loop (if_exists, observers, manifest).

    Returns:
        A TrainResult: the last state, the metrics, and whether the run was interrupted.
    """
    hparams = hparams.fitted(len(unlabeled_dataset))
    schedule = cosine_decay_schedule(hparams.lr, hparams.total_steps, hparams.alpha)
    opt_init, opt_update, get_params = course.training.momentum(
        schedule, hparams.beta, nesterov=hparams.nesterov, ema_decay=hparams.ema_decay
    )
    model, state = course.training.start(hparams, opt_init, checkpoint)
    fixmatch_loss = get_fixmatch_loss_fn(get_forward_fn(model), hparams)
    val_batches = get_validation_generator(val_dataset, hparams.val_batch_size)
    return train_loop(
        hparams,
        state,
        train_step=get_train_step_fn(get_params, fixmatch_loss, opt_update),
        batches=paired_batches(hparams, labeled_dataset, unlabeled_dataset),
        schedule=schedule,
        validate=get_validate_fn(get_ema_params, model, batches=val_batches),
        normalization=model.normalization,
        **options,
    )
