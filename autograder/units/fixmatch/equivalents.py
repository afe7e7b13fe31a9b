"""Equivalents of the unit ``fixmatch``."""

from __future__ import annotations

from autograder.units.equivalent import Equivalent

EQUIVALENTS = (
    Equivalent(
        "logits_to_log_probs",
        "normalized twice",
        "Log-probabilities are normalized already: the logarithm that a second pass subtracts is that of 1.",
        body="return jax.nn.log_softmax(jax.nn.log_softmax(logits, axis=-1), axis=-1)",
    ),
    Equivalent(
        "logits_to_log_probs",
        "maximum of the whole batch subtracted first",
        "A constant added to all logits of a row cancels, whichever constant it is.",
        body="return jax.nn.log_softmax(logits - jnp.max(logits), axis=-1)",
    ),
    Equivalent(
        "logits_to_log_probs",
        "axis counted from the front",
        "Of two axes the last is the second.",
        edits=(("axis=-1", "axis=1"),),
    ),
    Equivalent(
        "log_softmax_cross_entropy",
        "log-probabilities normalized once more",
        "They are normalized already. The gradient changes only in the direction that leaves the "
        "log-probabilities' surface, along which no logits can move them.",
        body="return -jnp.sum(targets * jax.nn.log_softmax(log_probs, axis=-1), axis=-1)",
    ),
    Equivalent(
        "log_softmax_cross_entropy",
        "targets divided by their sum",
        "The rows are one-hot, so their sum is 1.",
        body="""
            shares = targets / jnp.sum(targets, axis=-1, keepdims=True)
            return -jnp.sum(shares * log_probs, axis=-1)
            """,
    ),
    Equivalent(
        "log_softmax_cross_entropy",
        "absolute value instead of the minus sign",
        "A log-probability is never positive. At probability 1 the derivative becomes 0, and that of the "
        "cross-entropy for the logits is 0 there as well.",
        body="return jnp.abs(jnp.sum(targets * log_probs, axis=-1))",
    ),
    Equivalent(
        "cosine_decay_schedule",
        "negative angle",
        "The cosine is even.",
        edits=(("jnp.cos(jnp.pi", "jnp.cos(-jnp.pi"),),
    ),
    Equivalent(
        "cosine_decay_schedule",
        "absolute value",
        "With an alpha of at most 1/2, all that the settings allow, the angle stays within a quarter-turn.",
        body="return init_value * jnp.abs(jnp.cos(jnp.pi * alpha * count / decay_steps))",
    ),
    Equivalent(
        "cosine_decay_schedule",
        "held after the last step",
        "A run has no steps beyond decay_steps.",
        edits=(("* count /", "* jnp.minimum(count, decay_steps) /"),),
    ),
    Equivalent(
        "get_forward_fn",
        "number of weak views read from the strong ones",
        "Every unlabeled image comes in both views, so there are as many of one as of the other.",
        edits=(("x_unlabeled_weak.shape[0]", "x_unlabeled_strong.shape[0]"),),
    ),
    Equivalent(
        "get_forward_fn",
        "gradient cut for the new batch_stats",
        "No loss depends on them; they are handed on to the next step as numbers.",
        edits=(('updated["batch_stats"]', 'jax.lax.stop_gradient(updated["batch_stats"])'),),
    ),
    Equivalent(
        "get_fixmatch_loss_fn",
        "stop_gradient removed",
        "With hard pseudo-labels it changes nothing: neither the position of the maximum nor a comparison "
        "has a gradient. With soft targets it does, in MixMatch.",
        edits=(("jax.lax.stop_gradient(logits_to_log_probs(weak))", "logits_to_log_probs(weak)"),),
    ),
    Equivalent(
        "get_fixmatch_loss_fn",
        "pseudo-labels from the logits",
        "Normalizing subtracts one number from all logits of an image, so the largest stays the largest.",
        edits=(("jnp.argmax(weak_log_probs, axis=-1)", "jnp.argmax(weak, axis=-1)"),),
    ),
    Equivalent(
        "get_fixmatch_loss_fn",
        "arguments of the cross-entropy exchanged",
        "A product does not depend on the order. Where the cross-entropy is written in another way, it is a "
        "mistake.",
        edits=(
            (
                "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)",
                "log_softmax_cross_entropy(pseudo_targets, logits_to_log_probs(strong))",
            ),
        ),
    ),
    Equivalent(
        "get_fixmatch_loss_fn",
        "mask applied to the targets",
        "The cross-entropy is proportional to its targets, so a target of zeros gives a loss of 0.",
        edits=(
            (
                "jax.nn.one_hot(pseudo_labels, hparams.num_classes)",
                "mask[:, None] * jax.nn.one_hot(pseudo_labels, hparams.num_classes)",
            ),
            ("jnp.mean(mask * per_image)", "jnp.mean(per_image)"),
        ),
    ),
    Equivalent(
        "get_fixmatch_loss_fn",
        "gradient cut in the mask",
        "A comparison has no gradient to cut.",
        edits=(("jnp.mean(mask * per_image)", "jnp.mean(jax.lax.stop_gradient(mask) * per_image)"),),
    ),
    Equivalent(
        "get_validate_fn",
        "predictions from probabilities",
        "The softmax keeps the order of the logits.",
        edits=(("jnp.argmax(logits, axis=-1)", "jnp.argmax(jax.nn.softmax(logits), axis=-1)"),),
    ),
    Equivalent(
        "get_validate_fn",
        "axis of length 1 dropped",
        "Of a single image one class remains, which is compared with its label all the same.",
        edits=(("jnp.argmax(logits, axis=-1)", "jnp.argmax(jnp.squeeze(logits), axis=-1)"),),
    ),
    Equivalent(
        "get_validate_fn",
        "gradient cut",
        "Nobody takes the gradient of a validation.",
        edits=(("params = get_params(opt_state)", "params = jax.lax.stop_gradient(get_params(opt_state))"),),
    ),
    Equivalent(
        "mean_over_images",
        "sizes in other units",
        "A factor of all sizes cancels between the two sums.",
        edits=(
            ("jnp.sum(error_rates * batch_sizes)", "jnp.sum(error_rates * (batch_sizes / batch_sizes[0]))"),
            ("/ jnp.sum(batch_sizes)", "/ jnp.sum(batch_sizes / batch_sizes[0])"),
        ),
    ),
)
