"""Correct solutions of the unit ``fixmatch`` that look different from the reference.

Each is the text of a student's cells. The names of the notebook are there, and the earlier exercises.
"""

from __future__ import annotations

from autograder.units.alternative import Alternative

# What the notebook has imported before its first exercise.
IMPORTS = """
import jax
import jax.numpy as jnp
import numpy as np
from course.training import l2_penalty
val_batches = ()
"""

_LOG_PROBS = {
    "logsumexp": """
def logits_to_log_probs(logits):
    return logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)
""",
    "by hand, with the maximum subtracted": """
def logits_to_log_probs(logits):
    shifted = logits - jnp.max(logits, axis=1, keepdims=True)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=1, keepdims=True))
""",
    "maximum without gradient": """
def logits_to_log_probs(logits):
    shifted = logits - jax.lax.stop_gradient(logits.max(-1)[:, None])
    return shifted - jnp.log(jnp.exp(shifted).sum(-1))[:, None]
""",
    "jitted": """
@jax.jit
def logits_to_log_probs(logits):
    return jax.nn.log_softmax(logits)
""",
    "row by row": """
def logits_to_log_probs(logits):
    return jax.vmap(lambda row: row - jax.scipy.special.logsumexp(row))(logits)
""",
    "helper in another cell": """
def normalizer(z):
    return jax.nn.logsumexp(z, axis=-1)[..., None]

def logits_to_log_probs(logits):
    log_probs = logits - normalizer(logits)
    return log_probs
""",
    "optax": """
import optax

def logits_to_log_probs(logits):
    classes = jnp.arange(logits.shape[-1])
    losses = jax.vmap(lambda c: optax.softmax_cross_entropy_with_integer_labels(
        logits, jnp.full(logits.shape[0], c)))(classes)
    return -losses.T
""",
    "in float32, back to the dtype that came": """
def logits_to_log_probs(logits):
    precise = logits.astype(jnp.float32)
    return (precise - jax.nn.logsumexp(precise, axis=-1, keepdims=True)).astype(logits.dtype)
""",
    "keyword calls on the transposed array": """
def logits_to_log_probs(logits):
    return jax.nn.log_softmax(x=jnp.transpose(a=logits), axis=0).T
""",
    "logaddexp": """
def logits_to_log_probs(logits):
    total = logits[:, 0]
    for c in range(1, logits.shape[1]):
        total = jnp.logaddexp(total, logits[:, c])
    return logits - jnp.expand_dims(total, axis=1)
""",
    "one dynamic slice a row": """
def logits_to_log_probs(logits):
    def row(i):
        z = jax.lax.dynamic_slice_in_dim(logits, i, 1, axis=0)[0]
        return jax.nn.log_softmax(z)
    return jax.lax.map(row, jnp.arange(logits.shape[0]))
""",
}

_CROSS_ENTROPY = {
    "einsum": """
def log_softmax_cross_entropy(log_probs, targets):
    return -jnp.einsum("bc,bc->b", targets, log_probs)
""",
    "gather": """
def log_softmax_cross_entropy(log_probs, targets):
    labels = jnp.argmax(targets, axis=-1)
    return -jnp.take_along_axis(log_probs, labels[:, None], axis=-1)[:, 0]
""",
    "where": """
@jax.jit
def log_softmax_cross_entropy(log_probs, targets):
    return jnp.sum(jnp.where(targets > 0, -log_probs, 0.0), axis=1)
""",
    "vmap of dot": """
def log_softmax_cross_entropy(log_probs, targets):
    return jax.vmap(lambda p, t: -jnp.dot(p, t))(log_probs, targets)
""",
    "negated first": """
def log_softmax_cross_entropy(log_probs, targets):
    return (targets * (-log_probs)).sum(axis=-1)
""",
    "matrix product": """
def log_softmax_cross_entropy(log_probs, targets):
    return -jnp.diagonal(targets @ log_probs.T)
""",
    "optax": """
import optax

def log_softmax_cross_entropy(log_probs, targets):
    return optax.softmax_cross_entropy(log_probs, targets)
""",
    "keyword calls": """
def log_softmax_cross_entropy(log_probs, targets):
    return jnp.negative(jnp.sum(a=jnp.multiply(log_probs, targets), axis=-1, keepdims=False))
""",
    "bool targets": """
def log_softmax_cross_entropy(log_probs, targets):
    return -jnp.sum(log_probs, axis=-1, where=targets.astype(bool))
""",
    "integer targets": """
def log_softmax_cross_entropy(log_probs, targets):
    return -jnp.sum(targets.astype(jnp.int32) * log_probs, axis=1)
""",
    "one dynamic index a row": """
@jax.jit
def log_softmax_cross_entropy(log_probs, targets):
    def one(row, target):
        return -jax.lax.dynamic_index_in_dim(row, jnp.argmax(target), keepdims=False)
    return jax.vmap(one)(log_probs, targets)
""",
    "batched matrix product": """
def log_softmax_cross_entropy(log_probs, targets):
    return -(targets[:, None, :] @ log_probs[:, :, None]).reshape(-1)
""",
}

_SCHEDULE = {
    "Python floats where possible": """
import math

def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(count):
        if isinstance(count, int):
            return init_value * math.cos(math.pi * alpha * count / decay_steps)
        return init_value * jnp.cos(math.pi * alpha * count / decay_steps)
    return schedule
""",
    "NumPy outside, jitted inside": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    factor = np.pi * alpha / decay_steps
    @jax.jit
    def schedule(count):
        return init_value * jnp.cos(factor * count)
    return schedule
""",
    "float64 for Python numbers": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(count):
        xp = jnp if isinstance(count, jax.Array) else np
        return init_value * xp.cos(np.pi * alpha * count / decay_steps)
    return schedule
""",
    "clipped at the end": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    return lambda count: init_value * jnp.cos(jnp.pi * alpha * jnp.minimum(count, decay_steps) / decay_steps)
""",
    "sine of the complement": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(step):
        return init_value * jnp.sin(jnp.pi / 2 - jnp.pi * alpha * (step / decay_steps))
    return schedule
""",
    "partial": """
from functools import partial

def rate(init_value, decay_steps, alpha, count):
    return init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)

def cosine_decay_schedule(init_value, decay_steps, alpha):
    return partial(rate, init_value, decay_steps, alpha)
""",
    "real part of an exponential": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    return lambda count: init_value * jnp.exp(1j * jnp.pi * alpha * count / decay_steps).real
""",
    "an object that can be called": """
class CosineDecay:
    def __init__(self, init_value, decay_steps, alpha):
        self.init_value, self.decay_steps, self.alpha = init_value, decay_steps, alpha

    def __call__(self, count):
        return self.init_value * jnp.cos(jnp.pi * self.alpha * count / self.decay_steps)

def cosine_decay_schedule(init_value, decay_steps, alpha):
    return CosineDecay(init_value=init_value, decay_steps=decay_steps, alpha=alpha)
""",
    "arrays of float32 throughout": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    init_value, decay_steps, alpha = (jnp.asarray(x, jnp.float32) for x in (init_value, decay_steps, alpha))
    def schedule(count):
        progress = jnp.asarray(count).astype(jnp.float32) / decay_steps
        return jnp.multiply(init_value, jnp.cos(jnp.pi * alpha * progress))
    return schedule
""",
    "half angles": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(count):
        return init_value * (1 - 2 * jnp.sin(0.5 * jnp.pi * alpha * count / decay_steps) ** 2)
    return schedule
""",
    "degrees, converted": """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    return lambda count: init_value * jnp.cos(jnp.deg2rad(180 * alpha * count / decay_steps))
""",
}

_FORWARD = {
    "slices": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        a, b = len(x_labeled), len(x_labeled) + len(x_unlabeled_weak)
        return y[:a], y[a:b], y[b:], new["batch_stats"]
    return forward
""",
    "vstack and two splits": """
def get_forward_fn(model):
    @jax.jit
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.vstack((x_labeled, x_unlabeled_weak, x_unlabeled_strong))
        y, new = model.apply(dict(params=params, batch_stats=batch_stats), x, mutable=["batch_stats"])
        labeled, unlabeled = jnp.split(y, [x_labeled.shape[0]])
        weak, strong = jnp.split(unlabeled, 2)
        return labeled, weak, strong, new["batch_stats"]
    return forward
""",
    "dynamic slices": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        parts = [x_labeled, x_unlabeled_weak, x_unlabeled_strong]
        y, new = model.apply(
            {"params": params, "batch_stats": batch_stats}, jnp.concatenate(parts), mutable=["batch_stats"]
        )
        outputs, start = [], 0
        for part in parts:
            outputs.append(jax.lax.dynamic_slice_in_dim(y, start, part.shape[0]))
            start += part.shape[0]
        return (*outputs, new["batch_stats"])
    return forward
""",
    "a list is returned": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        return [*jnp.split(y, np.cumsum([n, m])), new["batch_stats"]]
    return forward
""",
    "frozen variables and a tuple of collections": """
from flax.core import freeze

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        variables = freeze({"params": params, "batch_stats": batch_stats})
        x = jnp.append(jnp.append(x_labeled, x_unlabeled_weak, axis=0), x_unlabeled_strong, axis=0)
        y, new = model.apply(variables, x, mutable=("batch_stats",))
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        return y[jnp.arange(n)], y[n:n + m], y[-m:], new["batch_stats"]
    return forward
""",
    "jitted with another helper": """
def join(*batches):
    return jnp.concatenate(batches, axis=0), np.cumsum([b.shape[0] for b in batches])[:-1]

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x, cuts = join(x_labeled, x_unlabeled_weak, x_unlabeled_strong)
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable="batch_stats")
        labeled, weak, strong = jnp.split(y, cuts)
        return labeled, weak, strong, new["batch_stats"]
    return jax.jit(forward)
""",
    "keyword calls": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate(arrays=[x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)
        variables = {"batch_stats": batch_stats, "params": params}
        logits, state = model.apply(variables=variables, x=x, mutable=["batch_stats"])
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        labeled, weak, strong = jnp.split(ary=logits, indices_or_sections=[n, n + m], axis=0)
        return labeled, weak, strong, state["batch_stats"]
    return forward
""",
    "dynamic slices under jit": """
def get_forward_fn(model):
    @jax.jit
    def forward(params, batch_stats, *images):
        variables = {"params": params, "batch_stats": batch_stats}
        logits, updated = model.apply(variables, jnp.concatenate(images), mutable=["batch_stats"])
        starts = np.cumsum([0, *(len(x) for x in images)])
        labeled, weak, strong = (
            jax.lax.dynamic_slice(logits, (start, 0), (len(x), logits.shape[1]))
            for start, x in zip(starts, images)
        )
        return labeled, weak, strong, updated["batch_stats"]
    return forward
""",
    "a named tuple": """
from typing import Any, NamedTuple

class Outputs(NamedTuple):
    labeled: Any
    weak: Any
    strong: Any
    batch_stats: Any

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        rows, n, m = jnp.arange(len(x)), len(x_labeled), len(x_unlabeled_weak)
        parts = [jnp.take(y, part, axis=0) for part in (rows[:n], rows[n:n + m], rows[n + m:])]
        return Outputs(*parts, new["batch_stats"])
    return forward
""",
    "filled into an empty batch": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        n, m, k = x_labeled.shape[0], x_unlabeled_weak.shape[0], x_unlabeled_strong.shape[0]
        x = jnp.zeros((n + m + k, *x_labeled.shape[1:]), dtype=jnp.float32)
        x = x.at[:n].set(x_labeled).at[n:n + m].set(x_unlabeled_weak).at[n + m:].set(x_unlabeled_strong)
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        return y[:n], y[n:-k], y[-k:], new["batch_stats"]
    return forward
""",
}

_LOSS_HEAD = """
def get_fixmatch_loss_fn(forward, hparams):
    {jit}
    def fixmatch_loss(
        params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong, y_labeled, y_unlabeled
    ):
        weight_decay = l2_penalty(params, hparams.w_decay)
        labeled, weak, strong, new_stats = forward(
            params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong)
"""
_LOSS_TAIL = """
        total = supervised + hparams.lambda_coef * unsupervised + weight_decay
        metrics = {
            "weight decay": weight_decay, "total loss": total, "supervised loss": supervised,
            "unsupervised loss": unsupervised, "mask rate": mask_rate, "error rate": error_rate,
        }
        return total, (new_stats, metrics)
    return fixmatch_loss
"""
_LOSS = {
    name: _LOSS_HEAD.replace("{jit}", jit) + body + _LOSS_TAIL
    for name, jit, body in [
        (
            "probabilities, where, and the threshold itself",
            "",
            """
        probs = jax.nn.softmax(weak)
        mask = jnp.where(probs.max(axis=1) >= hparams.confidence_threshold, 1.0, 0.0)
        pseudo = probs.argmax(axis=1)
        supervised = -jax.nn.log_softmax(labeled)[jnp.arange(len(y_labeled)), y_labeled].mean()
        losses = -jnp.take_along_axis(jax.nn.log_softmax(strong), pseudo[:, None], axis=1)[:, 0]
        unsupervised = jnp.where(mask > 0, losses, 0.0).mean()
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "optax",
            "@jax.jit",
            """
        import optax
        per_image = optax.softmax_cross_entropy_with_integer_labels
        pseudo = jnp.argmax(weak, -1)
        mask = jnp.max(logits_to_log_probs(weak), -1) >= jnp.log(hparams.confidence_threshold)
        supervised = per_image(labeled, y_labeled).mean()
        unsupervised = jnp.mean(per_image(strong, pseudo) * mask)
        mask_rate, error_rate = jnp.mean(mask), 1 - jnp.mean(pseudo == y_unlabeled)
""",
        ),
        (
            "sums divided by sizes",
            "@jax.jit",
            """
        weak = jax.lax.stop_gradient(weak)
        log_probs = logits_to_log_probs(weak)
        mask = (jnp.exp(log_probs.max(-1)) >= hparams.confidence_threshold).astype(jnp.float32)
        pseudo = jnp.eye(hparams.num_classes)[log_probs.argmax(-1)]
        labels = jax.nn.one_hot(y_labeled, hparams.num_classes)
        losses = log_softmax_cross_entropy(logits_to_log_probs(labeled), labels)
        supervised = losses.sum() / y_labeled.shape[0]
        losses = mask * log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo)
        unsupervised = losses.sum() / losses.size
        mask_rate, error_rate = mask.sum() / mask.size, (pseudo.argmax(-1) != y_unlabeled).sum() / mask.size
""",
        ),
        (
            "one image at a time with vmap",
            "",
            """
        def one(w, s):
            q = jax.nn.softmax(w)
            top = jnp.argmax(q)
            return q[top] >= hparams.confidence_threshold, -jax.nn.log_softmax(s)[top], top
        mask, losses, pseudo = jax.vmap(one)(weak, strong)
        supervised = jnp.mean(jax.vmap(lambda z, y: -jax.nn.log_softmax(z)[y])(labeled, y_labeled))
        unsupervised = jnp.mean(mask * losses)
        mask_rate, error_rate = jnp.mean(mask), jnp.mean(jnp.not_equal(pseudo, y_unlabeled))
""",
        ),
        (
            "masked targets, a metric more",
            "@jax.jit",
            """
        log_probs = logits_to_log_probs(weak)
        mask = jnp.any(log_probs >= jnp.log(hparams.confidence_threshold), axis=-1)
        top = jnp.argmax(log_probs, axis=-1)
        targets = jax.lax.stop_gradient(jax.nn.one_hot(top, hparams.num_classes) * mask[:, None])
        supervised = log_softmax_cross_entropy(
            logits_to_log_probs(labeled), jax.nn.one_hot(y_labeled, hparams.num_classes)).mean()
        unsupervised = -(targets * logits_to_log_probs(strong)).sum(axis=-1).mean()
        mask_rate, error_rate = mask.mean(dtype=jnp.float32), (top != y_unlabeled).astype(float).mean()
""",
        ),
        (
            "joint log-softmax of all three",
            "",
            """
        joint = logits_to_log_probs(jnp.concatenate([labeled, weak, strong]))
        n, m = labeled.shape[0], weak.shape[0]
        p_labeled, p_weak, p_strong = joint[:n], jax.lax.stop_gradient(joint[n:n + m]), joint[n + m:]
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(p_labeled, rows).mean()
        confidence, pseudo = p_weak.max(axis=-1), p_weak.argmax(axis=-1)
        mask = ~(confidence < jnp.log(hparams.confidence_threshold))
        rows = jax.nn.one_hot(pseudo, hparams.num_classes)
        unsupervised = jnp.einsum("b,bc,bc->", mask.astype(p_strong.dtype), -p_strong, rows) / m
        mask_rate, error_rate = mask.mean(), (pseudo != y_unlabeled).mean()
""",
        ),
        (
            "keyword calls",
            "@jax.jit",
            """
        labeled, weak, strong, new_stats = forward(
            params=params, batch_stats=batch_stats, x_labeled=x_labeled,
            x_unlabeled_weak=x_unlabeled_weak, x_unlabeled_strong=x_unlabeled_strong)
        log_probs = logits_to_log_probs(logits=weak)
        top = jnp.argmax(a=log_probs, axis=-1)
        mask = jnp.greater_equal(log_probs.max(axis=-1), jnp.log(hparams.confidence_threshold))
        supervised = jnp.mean(log_softmax_cross_entropy(
            log_probs=logits_to_log_probs(logits=labeled),
            targets=jax.nn.one_hot(x=y_labeled, num_classes=hparams.num_classes)))
        per_image = log_softmax_cross_entropy(
            targets=jax.nn.one_hot(x=top, num_classes=hparams.num_classes),
            log_probs=logits_to_log_probs(logits=strong))
        unsupervised = jnp.mean(a=mask * per_image)
        mask_rate, error_rate = jnp.mean(a=mask), jnp.mean(a=jnp.not_equal(top, y_unlabeled))
""",
        ),
        (
            "an integer mask and bool targets",
            "",
            """
        top = weak.argmax(axis=-1).astype(jnp.int8)
        log_probs = jax.nn.log_softmax(weak)
        mask = (log_probs.max(axis=-1) >= jnp.log(hparams.confidence_threshold)).astype(jnp.int32)
        classes = jnp.arange(hparams.num_classes)
        supervised = -jnp.sum(
            jax.nn.log_softmax(labeled), where=y_labeled[:, None] == classes) / len(y_labeled)
        confident = (top[:, None] == classes) & (mask[:, None] > 0)
        unsupervised = -jnp.sum(jax.nn.log_softmax(strong), where=confident) / len(mask)
        mask_rate, error_rate = jnp.count_nonzero(mask) / mask.size, (top != y_unlabeled).mean()
""",
        ),
        (
            "a scan with dynamic slices",
            "@jax.jit",
            """
        def count(total, i):
            w, s = (jax.lax.dynamic_index_in_dim(z, i, keepdims=False) for z in (weak, strong))
            q, p = jax.nn.log_softmax(w), jax.nn.log_softmax(s)
            top = jnp.argmax(q)
            sure = q[top] >= jnp.log(hparams.confidence_threshold)
            loss = jax.lax.select(sure, -p[top], jnp.zeros_like(p[top]))
            return total + loss, (sure, top)
        total, (mask, top) = jax.lax.scan(count, jnp.zeros(()), jnp.arange(weak.shape[0]))
        unsupervised = total / weak.shape[0]
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(labeled), rows).mean()
        mask_rate, error_rate = mask.mean(), (top != y_unlabeled).mean()
""",
        ),
        (
            "the unlabeled loss as a function with its own helper",
            "",
            """
        def consistency(weak, strong):
            top, log_threshold = weak.argmax(-1), jnp.log(hparams.confidence_threshold)
            sure = jnp.take_along_axis(logits_to_log_probs(weak), top[:, None], -1)[:, 0] >= log_threshold
            return top, sure, sure * log_softmax_cross_entropy(
                logits_to_log_probs(strong), jax.nn.one_hot(top, hparams.num_classes, dtype=strong.dtype))
        top, mask, losses = consistency(weak, strong)
        unsupervised = losses.mean()
        rows = jax.nn.one_hot(y_labeled, hparams.num_classes)
        supervised = log_softmax_cross_entropy(logits_to_log_probs(labeled), rows).mean()
        mask_rate, error_rate = jnp.average(mask), jnp.average(top != y_unlabeled)
""",
        ),
    ]
}

_VALIDATE = {
    "Python floats": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        errors = [float((model.apply(variables, x).argmax(-1) != y).mean()) for x, y in batches]
        return {"val error rate": sum(errors) / len(errors)}
    return validate
""",
    "NumPy": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        params = get_params(opt_state)
        errors = []
        for x, y in batches:
            logits = np.asarray(model.apply({"params": params, "batch_stats": batch_stats}, x))
            errors.append(np.mean(np.argmax(logits, axis=1) != np.asarray(y), dtype=np.float64))
        return {"val error rate": np.mean(errors)}
    return validate
""",
    "the whole loop jitted, as in the practical": """
def get_validate_fn(get_params, model, batches=val_batches):
    @jax.jit
    def validate(opt_state, batch_stats):
        params = get_params(opt_state)
        errors = []
        for x, y in batches:
            logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
            errors.append(jnp.not_equal(jnp.argmax(logits, axis=-1), y).mean())
        return {"val error rate": jnp.stack(errors).mean()}
    return validate
""",
    "one minus accuracy, a running sum": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        total, n = 0.0, 0
        for x, y in batches:
            variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
            logits = model.apply(variables, x, mutable=False)
            total += 1 - jnp.mean(jnp.argmax(logits, axis=-1) == y)
            n += 1
        return dict([("val error rate", total / n)])
    return validate
""",
    "helper with the variables": """
def error_of(logits, y):
    return (jnp.argmax(logits, axis=-1) != y).astype(jnp.float32).mean()

def get_validate_fn(get_params, model, batches=val_batches):
    apply = jax.jit(lambda variables, x: model.apply(variables, x))
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        errors = jnp.array([error_of(apply(variables, x), y) for x, y in batches])
        return {"val error rate": errors.mean(), "batches": len(errors)}
    return validate
""",
    "top-1 by sorting": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        params, errors = get_params(opt_state), []
        for x, y in batches:
            logits = model.apply({"batch_stats": batch_stats, "params": params}, x)
            best = jax.lax.top_k(logits, 1)[1][:, 0]
            errors.append(jnp.mean(best != y))
        return {"val error rate": jnp.average(jnp.asarray(errors))}
    return validate
""",
    "keyword calls": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables = dict(params=get_params(opt_state), batch_stats=batch_stats)
        rates = []
        for images, labels in batches:
            logits = model.apply(variables=variables, x=images)
            rates.append(jnp.mean(a=jnp.argmax(a=logits, axis=1) != labels, dtype=jnp.float32))
        return {"val error rate": jnp.mean(a=jnp.array(rates))}
    return validate
""",
    "one image's logits at a time with vmap": """
def get_validate_fn(get_params, model, batches=val_batches):
    wrong = jax.vmap(lambda logits, label: logits[label] < jnp.max(logits))
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        rates = [wrong(model.apply(variables, x), y).mean() for x, y in batches]
        return {"val error rate": sum(rates) / len(rates)}
    return validate
""",
    "the last batch filled up, so that one size is compiled": """
def get_validate_fn(get_params, model, batches=val_batches):
    @jax.jit
    def wrong(params, batch_stats, x, y):
        logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
        return jnp.argmax(logits, axis=-1) != y

    def validate(opt_state, batch_stats):
        params, size, rates = get_params(opt_state), max(len(y) for _, y in batches), []
        for x, y in batches:
            missing = size - len(y)
            filled = np.concatenate([x, np.repeat(x[:1], missing, axis=0)])
            labels = np.concatenate([y, np.repeat(y[:1], missing)])
            rates.append(wrong(params, batch_stats, filled, labels)[:len(y)].mean())
        return {"val error rate": jnp.mean(jnp.stack(rates))}
    return validate
""",
    "a NumPy scalar of float32, small integers": """
from functools import partial

@partial(jax.jit, static_argnums=0)
def predict(model, variables, x):
    return model.apply(variables, x).argmax(axis=-1).astype(jnp.int8)

def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        rates = [np.mean(np.asarray(predict(model, variables, x)) != y) for x, y in batches]
        return {"val error rate": np.float32(np.mean(rates))}
    return validate
""",
}

_MEAN = {
    "weighted average": """
def mean_over_images(error_rates, batch_sizes):
    return jnp.average(error_rates, weights=batch_sizes)
""",
    "dot products": """
@jax.jit
def mean_over_images(error_rates, batch_sizes):
    return jnp.dot(error_rates, batch_sizes) / batch_sizes.sum()
""",
    "shares of the images": """
def mean_over_images(error_rates, batch_sizes):
    shares = batch_sizes / jnp.sum(batch_sizes)
    return jnp.sum(shares * error_rates)
""",
    "einsum, keyword calls": """
def wrong_answers(rates, sizes):
    return jnp.einsum("b,b->", rates, sizes.astype(jnp.float32))

def mean_over_images(error_rates, batch_sizes):
    return wrong_answers(sizes=batch_sizes, rates=error_rates) / jnp.sum(a=batch_sizes)
""",
    "a loop over mini-batches": """
def mean_over_images(error_rates, batch_sizes):
    wrong, images = 0, 0
    for rate, size in zip(error_rates, batch_sizes):
        wrong = wrong + rate * size
        images = images + size
    return wrong / images
""",
    "one minus the accuracy": """
def mean_over_images(error_rates, batch_sizes):
    right = (1 - error_rates) @ batch_sizes
    return 1 - right / batch_sizes.sum()
""",
    "a Python float outside of jit": """
def mean_over_images(error_rates, batch_sizes):
    mean = jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)
    return mean if isinstance(mean, jax.core.Tracer) else float(mean)
""",
    "a scan": """
def mean_over_images(error_rates, batch_sizes):
    def add(totals, batch):
        rate, size = batch
        return (totals[0] + rate * size, totals[1] + size), None
    zeros = (jnp.zeros_like(error_rates[0]), jnp.zeros_like(batch_sizes[0]))
    (wrong, images), _ = jax.lax.scan(add, zeros, (error_rates, batch_sizes))
    return wrong / images
""",
}

ALTERNATIVES = tuple(
    Alternative(exercise, title, source)
    for exercise, sources in {
        "logits_to_log_probs": _LOG_PROBS,
        "log_softmax_cross_entropy": _CROSS_ENTROPY,
        "cosine_decay_schedule": _SCHEDULE,
        "get_forward_fn": _FORWARD,
        "get_fixmatch_loss_fn": _LOSS,
        "get_validate_fn": _VALIDATE,
        "mean_over_images": _MEAN,
    }.items()
    for title, source in sources.items()
)
