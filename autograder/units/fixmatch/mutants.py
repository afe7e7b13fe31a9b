"""Mutants of the unit ``fixmatch``."""

from __future__ import annotations

from autograder.units.mutant import Mutant, with_bodies, with_edits

_LOG_PROBS = with_bodies(
    "logits_to_log_probs",
    {
        "probabilities": "return jax.nn.softmax(logits, axis=-1)",
        "over the batch": "return jax.nn.log_softmax(logits, axis=0)",
        "over everything": "return logits - jax.nn.logsumexp(logits)",
        "sign": "return -jax.nn.log_softmax(logits, axis=-1)",
        "negative logits": "return jax.nn.log_softmax(-logits, axis=-1)",
        "base 2": "return jax.nn.log_softmax(logits, axis=-1) / jnp.log(2.0)",
        "unchanged": "return logits",
        "maximum only": "return logits - jnp.max(logits, axis=-1, keepdims=True)",
        "sum of logits": "return logits - jnp.sum(logits, axis=-1, keepdims=True)",
        "sigmoid": "return jax.nn.log_sigmoid(logits)",
        "overflow": "return logits - jnp.log(jnp.sum(jnp.exp(logits), axis=-1, keepdims=True))",
        "log of softmax": "return jnp.log(jax.nn.softmax(logits, axis=-1))",
        "no gradient": "return jax.lax.stop_gradient(jax.nn.log_softmax(logits, axis=-1))",
        "squeezed": "return jnp.squeeze(jax.nn.log_softmax(logits, axis=-1))",
        "another dtype": "return jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1)",
        "kept for later": """
            global last_logits
            last_logits = logits
            return jax.nn.log_softmax(logits, axis=-1)
            """,
    },
)

_CROSS_ENTROPY = with_bodies(
    "log_softmax_cross_entropy",
    {
        "sign": "return jnp.sum(targets * log_probs, axis=-1)",
        "mean over the batch": "return -jnp.sum(targets * log_probs, axis=-1).mean()",
        "sum over the batch": "return -jnp.sum(targets * log_probs)",
        "over the batch": "return -jnp.sum(targets * log_probs, axis=0)",
        "mean over classes": "return -jnp.mean(targets * log_probs, axis=-1)",
        "kept axis": "return -jnp.sum(targets * log_probs, axis=-1, keepdims=True)",
        "not summed": "return -targets * log_probs",
        "logarithm twice": "return -jnp.sum(targets * jnp.log(log_probs), axis=-1)",
        "probability": "return jnp.sum(targets * jnp.exp(log_probs), axis=-1)",
        "all but the label": "return -jnp.sum((1 - targets) * log_probs, axis=-1)",
        "maximum": "return -jnp.max(log_probs, axis=-1)",
        "entropy": "return -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)",
        "squared error": "return jnp.sum(jnp.square(targets - jnp.exp(log_probs)), axis=-1)",
        "through probabilities": "return -jnp.log(jnp.sum(targets * jnp.exp(log_probs), axis=-1))",
        "no gradient": "return -jnp.sum(targets * jax.lax.stop_gradient(log_probs), axis=-1)",
        "kept for later": """
            losses = -jnp.sum(targets * log_probs, axis=-1)
            globals().setdefault("history", []).append(losses)
            return losses
            """,
    },
)

_SCHEDULE = with_bodies(
    "cosine_decay_schedule",
    {
        "half cosine": "return init_value * 0.5 * (1 + jnp.cos(jnp.pi * alpha * count / decay_steps))",
        "no alpha": "return init_value * jnp.cos(jnp.pi * count / decay_steps)",
        "alpha outside": "return alpha * init_value * jnp.cos(jnp.pi * count / decay_steps)",
        "alpha as floor": """
            cosine = 0.5 * (1 + jnp.cos(jnp.pi * count / decay_steps))
            return init_value * ((1 - alpha) * cosine + alpha)
            """,
        "no pi": "return init_value * jnp.cos(alpha * count / decay_steps)",
        "degrees": "return init_value * jnp.cos(180 * alpha * count / decay_steps)",
        "two pi": "return init_value * jnp.cos(2 * jnp.pi * alpha * count / decay_steps)",
        "sine": "return init_value * jnp.sin(jnp.pi * alpha * count / decay_steps)",
        "upside down": "return init_value * jnp.cos(jnp.pi * alpha * decay_steps / jnp.maximum(count, 1))",
        "whole division": "return init_value * jnp.cos(jnp.pi * alpha * (count // decay_steps))",
        "no initial value": "return jnp.cos(jnp.pi * alpha * count / decay_steps)",
        "linear": "return init_value * (1 - alpha * count / decay_steps)",
        "fixed alpha": "return init_value * jnp.cos(7 * jnp.pi * count / (16 * decay_steps))",
        "Python's math": """
            import math

            return init_value * math.cos(math.pi * alpha * count / decay_steps)
            """,
        "fixed length": "return init_value * jnp.cos(jnp.pi * alpha * count / 2**20)",
        "reversed": "return init_value * jnp.cos(jnp.pi * alpha * (1 - count / decay_steps))",
        "own counter": """
            schedule.calls = getattr(schedule, "calls", 0) + 1
            return init_value * jnp.cos(jnp.pi * alpha * (schedule.calls - 1) / decay_steps)
            """,
        "kept for later": """
            rate = init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
            globals().setdefault("rates", []).append(rate)
            return rate
            """,
    },
)

_FORWARD = with_edits(
    "get_forward_fn",
    {
        "views exchanged": (("return labeled, weak, strong,", "return labeled, strong, weak,"),),
        "joined in another order": (
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_labeled, x_unlabeled_strong, x_unlabeled_weak]",
            ),
        ),
        "labeled last": (
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_unlabeled_weak, x_unlabeled_strong, x_labeled]",
            ),
        ),
        "sizes instead of positions": (("[n_labeled, n_labeled + n_weak]", "[n_labeled, n_weak]"),),
        "equal thirds": (
            ("jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)", "jnp.split(logits, 3)"),
        ),
        "old batch_stats": (('updated["batch_stats"]', "batch_stats"),),
        "batch_stats not unpacked": (('updated["batch_stats"]', "updated"),),
        "batch_stats dropped": (
            ('return labeled, weak, strong, updated["batch_stats"]', "return labeled, weak, strong"),
        ),
        "batch_stats first": (
            (
                'return labeled, weak, strong, updated["batch_stats"]',
                'return updated["batch_stats"], labeled, weak, strong',
            ),
        ),
        "probabilities": (("jnp.split(logits,", "jnp.split(jax.nn.softmax(logits),"),),
        "strong view twice": (
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak,",
                "jnp.concatenate([x_labeled, x_unlabeled_strong,",
            ),
        ),
        "weak view twice": (
            ("x_unlabeled_weak, x_unlabeled_strong], axis=0", "x_unlabeled_weak, x_unlabeled_weak], axis=0"),
        ),
        "squeezed": (
            (
                "return labeled, weak, strong,",
                "return jnp.squeeze(labeled), jnp.squeeze(weak), jnp.squeeze(strong),",
            ),
        ),
        "no gradient from the weak views": (
            ("return labeled, weak, strong,", "return labeled, jax.lax.stop_gradient(weak), strong,"),
        ),
        "fixed sizes": (("[n_labeled, n_labeled + n_weak]", "[64, 512]"),),
        "batch_stats of the first call": (
            (
                "x = jnp.concatenate",
                'model.first = getattr(model, "first", batch_stats)\n        x = jnp.concatenate',
            ),
            ('"batch_stats": batch_stats}', '"batch_stats": model.first}'),
        ),
        "kept for later": (
            (
                "n_labeled, n_weak =",
                'globals().setdefault("seen", []).append(logits)\n        n_labeled, n_weak =',
            ),
        ),
        "params as statistics": (
            (
                '{"params": params, "batch_stats": batch_stats}',
                '{"params": batch_stats, "batch_stats": params}',
            ),
        ),
    },
) + with_bodies(
    "get_forward_fn",
    {
        "three calls": """
            variables = {"params": params, "batch_stats": batch_stats}
            labeled, _ = model.apply(variables, x_labeled, mutable=["batch_stats"])
            weak, _ = model.apply(variables, x_unlabeled_weak, mutable=["batch_stats"])
            strong, updated = model.apply(variables, x_unlabeled_strong, mutable=["batch_stats"])
            return labeled, weak, strong, updated["batch_stats"]
            """,
    },
)

# The same misconception in other code.
_FORWARD_AGAIN = (
    Mutant(
        "get_forward_fn",
        "fixed sizes",
        edits=(
            (
                "jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)",
                "logits[:64], logits[64:512], logits[512:]",
            ),
        ),
        name="fixed sizes, in slices",
    ),
)

_MASK = "jnp.max(weak_log_probs, axis=-1) >= jnp.log(hparams.confidence_threshold)"
_SUPERVISED = "log_softmax_cross_entropy(logits_to_log_probs(labeled), targets)"
_PER_IMAGE = "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)"
_MASKED = "jnp.mean(mask * per_image)"
_TOTAL = "total = supervised + hparams.lambda_coef * unsupervised + weight_decay"
_ERROR = "jnp.mean(pseudo_labels != y_unlabeled)"
_ONE_HOT = "jax.nn.one_hot(pseudo_labels, hparams.num_classes)"
_RETURN = "return total, (batch_stats, metrics)"

_LOSS = with_edits(
    "get_fixmatch_loss_fn",
    {
        "views exchanged": (
            (
                "labeled, weak, strong, batch_stats = forward(",
                "labeled, strong, weak, batch_stats = forward(",
            ),
        ),
        "pseudo-labels of the strong view": (
            (_ONE_HOT, "jax.nn.one_hot(jnp.argmax(strong, axis=-1), hparams.num_classes)"),
        ),
        "mask of the strong view": ((_MASK, _MASK.replace("weak_log_probs", "logits_to_log_probs(strong)")),),
        "weak view learns": ((_PER_IMAGE, _PER_IMAGE.replace("strong", "weak")),),
        "no mask": ((_MASKED, "jnp.mean(per_image)"),),
        "inverted mask": ((_MASK, _MASK.replace(">=", "<")),),
        "mean over the confident": ((_MASKED, "jnp.sum(mask * per_image) / jnp.sum(mask)"),),
        "log compared with probability": (
            (_MASK, _MASK.replace("jnp.log(hparams.confidence_threshold)", "hparams.confidence_threshold")),
        ),
        "logits compared with threshold": (
            (_MASK, "jnp.max(weak, axis=-1) >= hparams.confidence_threshold"),
        ),
        "strictly above": ((_MASK, _MASK.replace(">=", ">")),),
        "fixed threshold": ((_MASK, _MASK.replace("hparams.confidence_threshold", "0.95")),),
        "no lambda": ((_TOTAL, "total = supervised + unsupervised + weight_decay"),),
        "lambda on all": (
            (_TOTAL, "total = hparams.lambda_coef * (supervised + unsupervised) + weight_decay"),
        ),
        "lambda in the metric": (
            (_MASKED, f"hparams.lambda_coef * {_MASKED}"),
            (_TOTAL, "total = supervised + unsupervised + weight_decay"),
        ),
        "no weight decay": ((_TOTAL, "total = supervised + hparams.lambda_coef * unsupervised"),),
        "no supervised loss": ((_TOTAL, "total = hparams.lambda_coef * unsupervised + weight_decay"),),
        "constant pseudo-labels": (
            (_ONE_HOT, "jax.nn.one_hot(jnp.zeros_like(pseudo_labels), hparams.num_classes)"),
        ),
        "soft pseudo-labels": ((_ONE_HOT, "jnp.exp(weak_log_probs)"),),
        "true labels": ((_ONE_HOT, "jax.nn.one_hot(y_unlabeled, hparams.num_classes)"),),
        "labels ignored": (
            (
                "jax.nn.one_hot(y_labeled, hparams.num_classes)",
                "jax.nn.one_hot(jnp.argmax(labeled, axis=-1), hparams.num_classes)",
            ),
        ),
        "sign of the supervised loss": ((_SUPERVISED, f"-{_SUPERVISED}"),),
        "sign of the unsupervised loss": ((_PER_IMAGE, f"-{_PER_IMAGE}"),),
        "sign of both losses": ((_SUPERVISED, f"-{_SUPERVISED}"), (_PER_IMAGE, f"-{_PER_IMAGE}")),
        "sign of the total loss": ((_TOTAL, f"{_TOTAL.replace('= ', '= -(')})"),),
        "supervised sum": (("targets).mean()", "targets).sum()"),),
        "unsupervised sum": ((_MASKED, "jnp.sum(mask * per_image)"),),
        "divided by B": ((_MASKED, "jnp.sum(mask * per_image) / y_labeled.shape[0]"),),
        "accuracy": ((_ERROR, _ERROR.replace("!=", "==")),),
        "error of the strong view": ((_ERROR, "jnp.mean(jnp.argmax(strong, axis=-1) != y_unlabeled)"),),
        "error of the confident": ((_ERROR, "jnp.mean(mask * (pseudo_labels != y_unlabeled))"),),
        "error of the labeled": ((_ERROR, "jnp.mean(jnp.argmax(labeled, axis=-1) != y_labeled)"),),
        "mask count": (('"mask rate": mask.mean()', '"mask rate": mask.sum()'),),
        "share of the unsure": (('"mask rate": mask.mean()', '"mask rate": 1 - mask.mean()'),),
        "old batch_stats": (
            ("labeled, weak, strong, batch_stats = forward(", "labeled, weak, strong, _ = forward("),
        ),
        "renamed metric": (('"mask rate"', '"mask_rate"'),),
        "no metrics": ((_RETURN, "return total, batch_stats"),),
        "flat result": ((_RETURN, "return total, batch_stats, metrics"),),
        "one loss for each image": (
            (_TOTAL, "total = supervised + hparams.lambda_coef * mask * per_image + weight_decay"),
        ),
        "no gradient from the strong view": (
            ("logits_to_log_probs(strong)", "logits_to_log_probs(jax.lax.stop_gradient(strong))"),
        ),
        "no gradient from the labeled": (
            ("logits_to_log_probs(labeled)", "logits_to_log_probs(jax.lax.stop_gradient(labeled))"),
        ),
        "no gradient from the decay": (
            (_TOTAL, _TOTAL.replace("weight_decay", "jax.lax.stop_gradient(weight_decay)")),
        ),
        "softmax twice": (("logits_to_log_probs(strong)", "logits_to_log_probs(jax.nn.softmax(strong))"),),
        "mean confidence": (
            ('"mask rate": mask.mean()', '"mask rate": jnp.exp(jnp.max(weak_log_probs, axis=-1)).mean()'),
        ),
        "lambda on the decay": (
            (_TOTAL, "total = supervised + hparams.lambda_coef * (unsupervised + weight_decay)"),
        ),
        "metric without decay": (('"total loss": total', '"total loss": total - weight_decay'),),
        "ten classes": ((_ONE_HOT, "jax.nn.one_hot(pseudo_labels, 10)"),),
        "squeezed": (
            ("logits_to_log_probs(weak)", "logits_to_log_probs(jnp.squeeze(weak))"),
            ("jnp.argmax(weak_log_probs, axis=-1)", "jnp.argmax(weak_log_probs, axis=1)"),
        ),
        "labels of the first batch": (
            (
                "targets = jax.nn.one_hot(y_labeled, hparams.num_classes)",
                "targets = jax.nn.one_hot(y_labeled, hparams.num_classes)\n"
                '        targets = vars(forward).setdefault("first targets", targets)',
            ),
        ),
        "kept for later": (
            (_RETURN, 'globals().setdefault("history", []).append(total)\n        ' + _RETURN),
        ),
    },
)

_LOGITS_OF_BATCH = 'jnp.argmax(model.apply({"params": params, "batch_stats": batch_stats}, x), axis=-1)'

_VALIDATE = with_edits(
    "get_validate_fn",
    {
        "accuracy": (("jnp.argmax(logits, axis=-1) != y", "jnp.argmax(logits, axis=-1) == y"),),
        "sum over batches": (("jnp.mean(jnp.stack(errors))", "jnp.sum(jnp.stack(errors))"),),
        "counts": (
            ("jnp.mean(jnp.argmax(logits, axis=-1) != y)", "jnp.sum(jnp.argmax(logits, axis=-1) != y)"),
        ),
        "argmin": (("jnp.argmax(", "jnp.argmin("),),
        "last batch only": (("jnp.mean(jnp.stack(errors))", "errors[-1]"),),
        "first batch only": (("jnp.mean(jnp.stack(errors))", "errors[0]"),),
        "last batch dropped": (
            ("for x, y in batches", "for x, y in batches if len(y) == len(batches[0][1])"),
        ),
        "percent": (("jnp.mean(jnp.stack(errors))", "100 * jnp.mean(jnp.stack(errors))"),),
        "bare number": (('{"val error rate": jnp.mean(jnp.stack(errors))}', "jnp.mean(jnp.stack(errors))"),),
        "another name": (('{"val error rate": ', '{"error rate": '),),
        "no get_params": (("params = get_params(opt_state)", "params = opt_state"),),
        "not averaged": (("jnp.mean(jnp.stack(errors))", "jnp.stack(errors)"),),
        "batches used up": (
            (
                "    def validate(opt_state, batch_stats):",
                "    remaining = iter(batches)\n\n    def validate(opt_state, batch_stats):",
            ),
            ("for x, y in batches", "for x, y in remaining"),
        ),
        "batches of the notebook": (("for x, y in batches", "for x, y in val_batches"),),
        "rates of earlier calls": (
            (
                "    def validate(opt_state, batch_stats):",
                "    errors = []\n\n    def validate(opt_state, batch_stats):",
            ),
            (
                "errors = [batch_error(params, batch_stats, x, y) for x, y in batches]",
                "errors.extend(batch_error(params, batch_stats, x, y) for x, y in batches)",
            ),
        ),
        "size of the first batch": (
            (
                "jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "jnp.sum(jnp.argmax(logits, axis=-1) != y) / len(batches[0][1])",
            ),
        ),
        "overflow": (
            (
                "jnp.argmax(logits, axis=-1)",
                "jnp.argmax(jnp.exp(logits) / jnp.exp(logits).sum(axis=-1, keepdims=True), axis=-1)",
            ),
        ),
        "kept for later": (
            (
                "        return jnp.mean(jnp.argmax(",
                '        globals().setdefault("seen", []).append(logits)\n'
                "        return jnp.mean(jnp.argmax(",
            ),
        ),
    },
) + with_bodies(
    "get_validate_fn",
    {
        "mean over images": f"""
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                wrong = [{_LOGITS_OF_BATCH} != y for x, y in batches]
                return {{"val error rate": jnp.mean(jnp.concatenate(wrong))}}
            """,
        "argmax over the batch": f"""
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                errors = []
                for x, y in batches:
                    predicted = {_LOGITS_OF_BATCH.replace("axis=-1", "axis=0")}
                    errors.append(jnp.mean(jnp.resize(predicted, y.shape) != y))
                return {{"val error rate": jnp.mean(jnp.stack(errors))}}
            """,
    },
)

_MEAN = with_bodies(
    "mean_over_images",
    {
        "plain mean": "return jnp.mean(error_rates)",
        "last batch dropped": "return jnp.sum((error_rates * batch_sizes)[:-1]) / jnp.sum(batch_sizes[:-1])",
        "wrong answers": "return jnp.sum(error_rates * batch_sizes)",
        "divided by the number of batches": "return jnp.sum(error_rates * batch_sizes) / len(batch_sizes)",
        "divided by the largest batch": "return jnp.mean(error_rates * batch_sizes) / jnp.max(batch_sizes)",
        "rates divided by sizes": "return jnp.sum(error_rates / batch_sizes) / jnp.sum(1 / batch_sizes)",
        "weights squared": "return jnp.sum(error_rates * batch_sizes**2) / jnp.sum(batch_sizes**2)",
        "accuracy": "return 1 - jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)",
        "median": "return jnp.median(error_rates)",
        "fixed sizes": """
            sizes = jnp.full(len(error_rates), 128).at[-1].set(16)
            return jnp.sum(error_rates * sizes) / jnp.sum(sizes)
            """,
        "one rate for each batch": "return error_rates * batch_sizes / jnp.sum(batch_sizes)",
        "kept for later": """
            rate = jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)
            globals().setdefault("rates", []).append(rate)
            return rate
            """,
    },
)

MUTANTS = _LOG_PROBS + _CROSS_ENTROPY + _SCHEDULE + _FORWARD + _FORWARD_AGAIN + _LOSS + _VALIDATE + _MEAN
