"""What instructors have of ``logits_to_log_probs`` and ``log_softmax_cross_entropy``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number
from autograder.units.equivalent import Equivalent
from autograder.units.fixmatch.common import twice
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.checks.functions import Draw, uniform
from course.units.fixmatch.checks.log_probs import MANY_CLASSES, log_of_distribution, targets_of

Rng = np.random.RandomState

# --- logits_to_log_probs

_LOG_PROBS_MUTANTS = (
    Mutant(
        "probabilities",
        "These are probabilities; the logarithm is missing.",
        "The name says log_probs: all of them are ≤ 0.",
        body="return jax.nn.softmax(logits, axis=-1)",
    ),
    Mutant(
        "over the batch",
        "The softmax runs over the images of the batch, not over the classes of one image.",
        "Look at the axis: the classes are the last one.",
        body="return jax.nn.log_softmax(logits, axis=0)",
        common="Normalizing over the batch. With as many images as classes even the shape looks right, but "
        "every image affects all the others.",
    ),
    Mutant(
        "over everything",
        "The softmax runs over the whole array at once, so images influence each other.",
        "Name the class axis: for some functions, the default is all axes.",
        body="return logits - jax.nn.logsumexp(logits)",
    ),
    Mutant(
        "sign",
        "The sign is wrong: log-probabilities are never positive.",
        "Look at which term is subtracted from which.",
        body="return -jax.nn.log_softmax(logits, axis=-1)",
    ),
    Mutant(
        "negative logits",
        "This is the softmax of the negative logits: the largest becomes the least probable.",
        "Look for a minus sign in front of the logits.",
        body="return jax.nn.log_softmax(-logits, axis=-1)",
    ),
    Mutant(
        "base 2",
        "The logarithm has base 2; the cross-entropy needs the natural logarithm.",
        "Use jnp.log.",
        body="return jax.nn.log_softmax(logits, axis=-1) / jnp.log(2.0)",
    ),
    Mutant(
        "unchanged",
        "The logits are returned unchanged.",
        "Nothing is normalized yet: exp of a row does not sum to 1.",
        body="return logits",
    ),
    Mutant(
        "maximum only",
        "The row's maximum is subtracted, but not the logarithm of the sum of exponentials.",
        "Subtracting the maximum only prevents overflow; the normalization still has to follow.",
        body="return logits - jnp.max(logits, axis=-1, keepdims=True)",
    ),
    Mutant(
        "maximum not put back",
        "The maximum is subtracted inside the exponentials, and not put back afterward.",
        "logsumexp(z) = m + logsumexp(z − m): whatever is taken out inside has to be added outside.",
        body="""
            largest = jnp.max(logits, axis=-1, keepdims=True)
            return logits - jnp.log(jnp.sum(jnp.exp(logits - largest), axis=-1, keepdims=True))
            """,
    ),
    Mutant(
        "softmax first",
        "The logits are turned into probabilities first, and these are normalized once more.",
        "The identity in the docstring starts from the logits themselves.",
        body="return jax.nn.log_softmax(jax.nn.softmax(logits, axis=-1), axis=-1)",
    ),
    Mutant(
        "ten classes",
        "Only the first ten classes are summed over, which is the number of CIFAR-10.",
        "Take the whole class axis, however long it is.",
        body="return logits - jax.nn.logsumexp(logits[:, :10], axis=-1, keepdims=True)",
    ),
    Mutant(
        "maximum of the batch",
        "The maximum of the whole batch is subtracted, and the exponentials of rows far below it are all 0.",
        "Each row has a maximum of its own: look at axis and keepdims.",
        body="""
            shifted = logits - jnp.max(logits)
            return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))
            """,
    ),
    Mutant(
        "overflow",
        name="overflow of both steps",
        body="""
            exponentials = jnp.exp(logits)
            return jnp.log(exponentials / jnp.sum(exponentials, axis=-1, keepdims=True))
            """,
    ),
    Mutant(
        "sum of logits",
        "The sum of the logits is subtracted, not the logarithm of the sum of their exponentials.",
        "logsumexp(z) = log Σ exp(z).",
        body="return logits - jnp.sum(logits, axis=-1, keepdims=True)",
    ),
    Mutant(
        "sigmoid",
        "Each class is treated on its own, as in a sigmoid; in a softmax the classes compete.",
        "Each row of exp(result) has to sum to 1.",
        body="return jax.nn.log_sigmoid(logits)",
    ),
    Mutant(
        "overflow",
        "The exponential of a large logit overflows: the maximum is not subtracted first.",
        "Use a stable logsumexp, or the log-softmax of jax.nn.",
        body="return logits - jnp.log(jnp.sum(jnp.exp(logits), axis=-1, keepdims=True))",
    ),
    Mutant(
        "log of softmax",
        "The softmax underflows to exactly 0, and its logarithm is −∞.",
        "Do not take log(softmax(…)) in two steps: use the identity in the docstring.",
        body="return jnp.log(jax.nn.softmax(logits, axis=-1))",
        common="Taking the softmax first and the logarithm afterwards. It works in every small test, and "
        "fails once the network has become very confident.",
    ),
    Mutant(
        "no gradient",
        "No gradient flows through your function, so training could not change anything.",
        "Look for stop_gradient.",
        body="return jax.lax.stop_gradient(jax.nn.log_softmax(logits, axis=-1))",
    ),
    Mutant(
        "squeezed",
        "An axis of length 1 is dropped, so a batch of one image loses its batch axis.",
        "Look for squeeze.",
        body="return jnp.squeeze(jax.nn.log_softmax(logits, axis=-1))",
    ),
    Mutant(
        "another dtype",
        "The result is always float32; it has to keep the dtype of the logits.",
        "Look for astype and for a dtype in your code.",
        body="return jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1)",
    ),
    Mutant(
        "base 10",
        "The logarithm has base 10; the cross-entropy needs the natural logarithm.",
        "Use jnp.log.",
        body="return jax.nn.log_softmax(logits, axis=-1) / jnp.log(10.0)",
    ),
    Mutant(
        "logarithm of 1 + p",
        "The logarithm of 1 + p is taken, not that of p.",
        "Look for log1p, and for a 1 that is added.",
        body="return jnp.log1p(jax.nn.softmax(logits, axis=-1))",
    ),
    Mutant(
        "ε added",
        "A small number is added to the probabilities before the logarithm, so improbable classes are wrong.",
        "Do not take log(softmax(…)) in two steps: use the identity in the docstring.",
        body="return jnp.log(jax.nn.softmax(logits, axis=-1) + 1e-8)",
        common="Adding a small ε to the probabilities. The −∞ is gone, and so is the gradient of every class "
        "that the network holds for impossible.",
    ),
    Mutant(
        "clamped probabilities",
        "The probabilities are clamped before the logarithm: improbable classes come out wrong.",
        "Do not take log(softmax(…)) in two steps: use the identity in the docstring.",
        body="return jnp.log(jnp.clip(jax.nn.softmax(logits, axis=-1), 1e-7, 1.0))",
    ),
    Mutant(
        "clamped logits",
        "Large logits are cut off before they are normalized.",
        "No logit is too large for the identity in the docstring.",
        body="return jax.nn.log_softmax(jnp.clip(logits, -50.0, 50.0), axis=-1)",
    ),
    Mutant(
        "−∞ replaced",
        "The softmax underflows to 0; the −∞ of its logarithm is replaced by another number.",
        "Do not take log(softmax(…)) in two steps: use the identity in the docstring.",
        body="return jnp.nan_to_num(jnp.log(jax.nn.softmax(logits, axis=-1)), neginf=-100.0)",
    ),
    Mutant(
        "mean of logits",
        "The mean of the logits is subtracted, not the logarithm of the sum of their exponentials.",
        "logsumexp(z) = log Σ exp(z).",
        body="return logits - jnp.mean(logits, axis=-1, keepdims=True)",
    ),
    Mutant(
        "logarithm of the mean",
        "The logarithm of the mean of the exponentials is subtracted, not that of their sum.",
        "logsumexp(z) = log Σ exp(z).",
        body="return jax.nn.log_softmax(logits, axis=-1) + jnp.log(logits.shape[-1])",
    ),
    Mutant(
        "shares of the logits",
        "The logits themselves are divided by their sum, not their exponentials.",
        "The softmax takes the exponential first.",
        body="return jnp.log(logits / jnp.sum(logits, axis=-1, keepdims=True))",
    ),
    Mutant(
        "temperature",
        "The logits are multiplied by a factor before they are normalized.",
        "Use the logits as they come.",
        body="return jax.nn.log_softmax(logits / 0.5, axis=-1)",
    ),
    Mutant(
        "standardized",
        "The logits of each row are divided by their spread first.",
        "Use the logits as they come.",
        body="return jax.nn.log_softmax(logits / jnp.std(logits, axis=-1, keepdims=True), axis=-1)",
    ),
    Mutant(
        "maximum of each class",
        "The maximum of each class over the batch is subtracted, and so the images influence each other.",
        "Any number may be subtracted from a row, but the same one from all of its logits.",
        body="return jax.nn.log_softmax(logits - jnp.max(logits, axis=0), axis=-1)",
    ),
    Mutant(
        "lost axis",
        "The normalizer has lost the class axis, so it does not fit the logits.",
        "Keep that axis with length 1.",
        body="return logits - jax.nn.logsumexp(logits, axis=-1)",
    ),
    Mutant(
        "transposed",
        "Rows and columns of the result are exchanged.",
        "The result has the shape of the logits.",
        body="return jax.nn.log_softmax(logits, axis=-1).T",
    ),
    Mutant(
        "rounded",
        "The result is rounded to two decimals.",
        "Look for round.",
        body="return jnp.round(jax.nn.log_softmax(logits, axis=-1), 2)",
    ),
    Mutant(
        "no gradient of the normalizer",
        "The gradient is cut in what is subtracted from the logits.",
        "Only the maximum may be cut, because it cancels.",
        body="return logits - jax.lax.stop_gradient(jax.nn.logsumexp(logits, axis=-1, keepdims=True))",
    ),
    keeps_a_trace(
        body="""
            global last_logits
            last_logits = logits
            return jax.nn.log_softmax(logits, axis=-1)
            """,
    ),
)

_LOG_PROBS_ALTERNATIVES = {
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
    "checkpointed": """
@jax.checkpoint
def logits_to_log_probs(logits):
    return logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)
""",
    "one dynamic slice a row": """
def logits_to_log_probs(logits):
    def row(i):
        z = jax.lax.dynamic_slice_in_dim(logits, i, 1, axis=0)[0]
        return jax.nn.log_softmax(z)
    return jax.lax.map(row, jnp.arange(logits.shape[0]))
""",
}

_LOG_PROBS_EQUIVALENTS = (
    Equivalent(
        "normalized twice",
        "Log-probabilities are normalized already: the logarithm that a second pass subtracts is that of 1.",
        body="return jax.nn.log_softmax(jax.nn.log_softmax(logits, axis=-1), axis=-1)",
    ),
    Equivalent(
        "maximum of the whole batch subtracted first",
        "A constant added to all logits of a row cancels, whichever constant it is.",
        body="return jax.nn.log_softmax(logits - jnp.max(logits), axis=-1)",
    ),
    Equivalent(
        "axis counted from the front",
        "Of two axes the last is the second.",
        edits=(("axis=-1", "axis=1"),),
    ),
)


def _logits(rows: int, classes: int) -> Draw:
    """A draw of logits. Sizes are those of the public cases, so that a class compiles the same operations."""
    return lambda rng: {"logits": uniform(rng, (rows, classes), -5.0, 5.0)}


def _large_logits(rng: Rng) -> Inputs:
    # Float32 keeps a thousandth of numbers up to 8,192, which the tolerance allows for.
    large = number(rng, 3e3, 8e3, 0)
    rows = np.array(
        [[large, 0.0, -large, 1.0], [-large, 2.0 - large, -large, -large], [large, 0.0, large, -large]]
    )
    return {"logits": rows[:, rng.permutation(4)][rng.permutation(3)]}


def _logits_and_weights(rng: Rng) -> Inputs:
    logits = _logits(5, 3)(rng)["logits"]
    return {"logits": logits, "weights": uniform(rng, logits.shape)}


def _quarters(rng: Rng) -> Inputs:
    """Quarters up to four: bfloat16 holds them exactly."""
    return {"logits": rng.randint(-16, 17, (2, 4)) / 4.0}


_LOG_PROBS_HIDDEN = {
    "published": Hidden("some rows of logits", _logits(3, 4)),
    "batch": Hidden("more rows of logits", _logits(5, 3)),
    "one row": Hidden("a batch of a single image, with many classes", _logits(1, MANY_CLASSES)),
    "large logits": Hidden("logits of many thousands", _large_logits),
    "gradient": Hidden("the gradient under jit, as training computes it", _logits_and_weights),
    "bfloat16": Hidden("logits in bfloat16", _quarters),
    "called again": Hidden("three calls, and one inside jit", twice(_logits(5, 3))),
}

LOGITS_TO_LOG_PROBS = InstructorExercise(
    "logits_to_log_probs",
    mutants=_LOG_PROBS_MUTANTS,
    alternatives=_LOG_PROBS_ALTERNATIVES,
    equivalents=_LOG_PROBS_EQUIVALENTS,
    hidden=_LOG_PROBS_HIDDEN,
)

# --- log_softmax_cross_entropy

_CROSS_ENTROPY_MUTANTS = (
    Mutant(
        "sign",
        "The result is the negative of the cross-entropy, which is never negative.",
        "Look for the minus sign of the formula, and for one that stands there twice.",
        body="return jnp.sum(targets * log_probs, axis=-1)",
    ),
    Mutant(
        "mean over the batch",
        "You average over the batch; the exercise asks for one number per sample.",
        "Leave the averaging to the caller: FixMatch masks samples before it averages.",
        body="return -jnp.sum(targets * log_probs, axis=-1).mean()",
        common="Averaging inside the function. The supervised loss still comes out right, but the masked "
        "one can no longer be computed.",
    ),
    Mutant(
        "sum over the batch",
        "You sum over the batch as well as over the classes.",
        "Sum over the class axis alone.",
        body="return -jnp.sum(targets * log_probs)",
        common="Summing without an axis, which reduces the whole batch to a single number.",
    ),
    Mutant(
        "over the batch",
        "The sum runs over the samples, not over the classes of each sample.",
        "Look at the axis: the classes are the last one.",
        body="return -jnp.sum(targets * log_probs, axis=0)",
    ),
    Mutant(
        "mean over classes",
        "You average over the classes, which divides the result by their number.",
        "The formula has a sum over the classes.",
        body="return -jnp.mean(targets * log_probs, axis=-1)",
    ),
    Mutant(
        "kept axis",
        "The class axis is still there, with length 1.",
        "Look for keepdims: the result has the shape (batch,).",
        body="return -jnp.sum(targets * log_probs, axis=-1, keepdims=True)",
    ),
    Mutant(
        "not summed",
        "The products of targets and log-probabilities are not summed yet.",
        "Sum over the classes.",
        body="return -targets * log_probs",
    ),
    Mutant(
        "logarithm twice",
        "You take the logarithm of log-probabilities, which are negative: the result is NaN.",
        "The inputs already are logarithms.",
        body="return -jnp.sum(targets * jnp.log(log_probs), axis=-1)",
        common="Taking the logarithm of something that already is one.",
    ),
    Mutant(
        "probability",
        "This is the probability of the label, not its negative logarithm.",
        "The inputs already are logarithms: no exponential is needed.",
        body="return jnp.sum(targets * jnp.exp(log_probs), axis=-1)",
    ),
    Mutant(
        "ten classes",
        "Only the first ten classes are summed over, which is the number of CIFAR-10.",
        "Take the whole class axis, however long it is.",
        body="return -jnp.sum((targets * log_probs)[:, :10], axis=-1)",
    ),
    Mutant(
        "negative probability",
        "This is the negative of the label's probability: the logarithm was undone, and a minus put before.",
        "The inputs already are logarithms: no exponential is needed.",
        body="return -jnp.sum(targets * jnp.exp(log_probs), axis=-1)",
    ),
    Mutant(
        "all but the label",
        "You sum over the classes that are not the label.",
        "The one-hot row has its 1 at the label: use it as it is.",
        body="return -jnp.sum((1 - targets) * log_probs, axis=-1)",
    ),
    Mutant(
        "maximum",
        "You take the most probable class of each sample; the label decides which class counts.",
        "Multiply by the targets before you reduce over the classes.",
        body="return -jnp.max(log_probs, axis=-1)",
    ),
    Mutant(
        "entropy",
        "This is the entropy of the prediction itself: the targets are not used.",
        "Weight the log-probabilities by the targets.",
        body="return -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)",
    ),
    Mutant(
        "squared error",
        "This is a squared error between targets and probabilities, not a cross-entropy.",
        "Look at the formula in the docstring.",
        body="return jnp.sum(jnp.square(targets - jnp.exp(log_probs)), axis=-1)",
    ),
    Mutant(
        "through probabilities",
        "You turn log-probabilities into probabilities and back: exp(−10,000) is 0, and log(0) is −∞.",
        "Use the log-probabilities as they are.",
        body="return -jnp.log(jnp.sum(targets * jnp.exp(log_probs), axis=-1))",
    ),
    Mutant(
        "no gradient",
        "No gradient flows through your function, so training could not change anything.",
        "Look for stop_gradient.",
        body="return -jnp.sum(targets * jax.lax.stop_gradient(log_probs), axis=-1)",
    ),
    Mutant(
        "ε added",
        "A small number is added to the probability before the logarithm: improbable labels come out wrong.",
        "Use the log-probabilities as they are.",
        body="return -jnp.log(jnp.sum(targets * jnp.exp(log_probs), axis=-1) + 1e-8)",
    ),
    Mutant(
        "cut off",
        "Log-probabilities below a bound are cut off, so improbable labels cost less than they should.",
        "Use the log-probabilities as they are.",
        body="return -jnp.sum(targets * jnp.maximum(log_probs, -100.0), axis=-1)",
    ),
    Mutant(
        "base 2",
        "The result is in bits: it is divided by the logarithm of 2.",
        "The formula has no factor.",
        body="return -jnp.sum(targets * log_probs, axis=-1) / jnp.log(2.0)",
    ),
    Mutant(
        "class numbers",
        "The targets are read as class numbers, but they are one-hot rows.",
        "Look at the shape of targets in the docstring.",
        body="return -jnp.take_along_axis(log_probs, targets.astype(int), axis=-1).sum(axis=-1)",
    ),
    Mutant(
        "binary cross-entropy",
        "Each class is treated as a question of its own, as in a binary cross-entropy.",
        "The formula has one term for each class, without 1 − targets.",
        body="""
            others = (1 - targets) * jnp.log1p(-jnp.exp(log_probs))
            return -jnp.sum(targets * log_probs + others, axis=-1)
            """,
    ),
    Mutant(
        "logarithm of the targets",
        "The logarithm of the targets is taken, which is −∞ wherever a row holds 0.",
        "Only the prediction stands in the logarithm.",
        body="return jnp.sum(targets * (jnp.log(targets) - log_probs), axis=-1)",
    ),
    Mutant(
        "logarithm of the targets",
        name="logarithm of the targets as the weight",
        body="return -jnp.sum(log_probs * jnp.log(targets), axis=-1)",
    ),
    Mutant(
        "roles exchanged",
        name="roles exchanged, without ε",
        body="return -jnp.sum(jnp.exp(log_probs) * jnp.log(targets), axis=-1)",
    ),
    Mutant(
        "roles exchanged",
        "Prediction and target are exchanged: the targets stand in the logarithm.",
        "H(p, q) = −Σ p · log q: the targets are the weights.",
        body="return -jnp.sum(jnp.exp(log_probs) * jnp.log(targets + 1e-12), axis=-1)",
    ),
    Mutant(
        "smoothed targets",
        "A tenth of each target is spread over all classes.",
        "Use the targets as they come.",
        body="""
            smoothed = 0.9 * targets + 0.1 / targets.shape[-1]
            return -jnp.sum(smoothed * log_probs, axis=-1)
            """,
    ),
    Mutant(
        "focal",
        "Samples count less the more probable their label is.",
        "The formula has no weight beside the targets.",
        body="return -jnp.sum(targets * jnp.square(1 - jnp.exp(log_probs)) * log_probs, axis=-1)",
    ),
    Mutant(
        "targets of the first sample",
        "All samples are given the label of the first.",
        "Multiply the two arrays element by element.",
        body="return -jnp.sum(targets[0] * log_probs, axis=-1)",
    ),
    Mutant(
        "least probable class",
        "You take the least probable class of each sample; the label decides which class counts.",
        "Multiply by the targets before you reduce over the classes.",
        body="return -jnp.min(log_probs, axis=-1)",
    ),
    Mutant(
        "targets not used",
        "You sum over all classes: the targets are not used.",
        "Weight the log-probabilities by the targets.",
        body="return -jnp.sum(log_probs, axis=-1)",
    ),
    Mutant(
        "every sample with every other",
        "You return the cross-entropy of each sample with the targets of all the others.",
        "A matrix product pairs all rows with all rows.",
        body="return -targets @ log_probs.T",
    ),
    Mutant(
        "sum over the targets of all",
        "Each sample's cross-entropies with the targets of all samples are summed.",
        "A matrix product pairs all rows with all rows. Multiply entry by entry.",
        body="return -jnp.sum(log_probs @ targets.T, axis=-1)",
    ),
    Mutant(
        "mean where the label is",
        "You divide by the number of classes or of samples, though one number for each sample is asked for.",
        "Which axis is the sum over, and is there a division?",
        body="return -jnp.sum(targets * log_probs, axis=-1) / log_probs.shape[0]",
    ),
    Mutant(
        "first and last class",
        "Only some of the classes are summed over.",
        "Look for a slice of the class axis.",
        body="return -jnp.sum((targets * log_probs)[:, 1:], axis=-1)",
    ),
    Mutant(
        "perplexity",
        "This is the perplexity, the exponential of the cross-entropy.",
        "The inputs already are logarithms: no exponential is needed.",
        body="return jnp.exp(-jnp.sum(targets * log_probs, axis=-1))",
    ),
    Mutant(
        "whole numbers",
        "The result is rounded to whole numbers.",
        "Look for astype and int.",
        body="return jnp.round(-jnp.sum(targets * log_probs, axis=-1))",
    ),
    Mutant(
        "gradient of the targets",
        "The gradient does not come from the label: it is cut where the label is picked out.",
        "Look for stop_gradient.",
        body="""
            others = log_probs - jax.lax.stop_gradient(log_probs)
            return -jnp.sum(targets * jax.lax.stop_gradient(log_probs), axis=-1) - jnp.sum(others, axis=-1)
            """,
    ),
    keeps_a_trace(
        body="""
            losses = -jnp.sum(targets * log_probs, axis=-1)
            globals().setdefault("history", []).append(losses)
            return losses
            """,
    ),
)

_CROSS_ENTROPY_ALTERNATIVES = {
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
    "checkpointed": """
def cross_entropy(log_probs, targets):
    return -jnp.vecdot(targets, log_probs)

def log_softmax_cross_entropy(log_probs, targets):
    return jax.checkpoint(cross_entropy)(log_probs, targets)
""",
    "batched matrix product": """
def log_softmax_cross_entropy(log_probs, targets):
    return -(targets[:, None, :] @ log_probs[:, :, None]).reshape(-1)
""",
}

_CROSS_ENTROPY_EQUIVALENTS = (
    Equivalent(
        "log-probabilities normalized once more",
        "They are normalized already. The gradient changes only in the direction that leaves the "
        "log-probabilities' surface, along which no logits can move them.",
        body="return -jnp.sum(targets * jax.nn.log_softmax(log_probs, axis=-1), axis=-1)",
    ),
    Equivalent(
        "targets divided by their sum",
        "The rows are one-hot, so their sum is 1.",
        body="""
            shares = targets / jnp.sum(targets, axis=-1, keepdims=True)
            return -jnp.sum(shares * log_probs, axis=-1)
            """,
    ),
    Equivalent(
        "absolute value instead of the minus sign",
        "A log-probability is never positive. At probability 1 the derivative becomes 0, and that of the "
        "cross-entropy for the logits is 0 there as well.",
        body="return jnp.abs(jnp.sum(targets * log_probs, axis=-1))",
    ),
)


def _targets(rows: int, classes: int) -> Draw:
    def draw(rng: Rng) -> Inputs:
        labels = rng.randint(0, classes, rows)
        return {"log_probs": log_of_distribution(rng, rows, classes), "targets": targets_of(labels, classes)}

    return draw


def _one_target(rng: Rng) -> Inputs:
    label = MANY_CLASSES - rng.randint(1, 3)
    log_probs = log_of_distribution(rng, 1, MANY_CLASSES)
    return {"log_probs": log_probs, "targets": targets_of([label], MANY_CLASSES)}


def _improbable_targets(rng: Rng) -> Inputs:
    large = number(rng, 3e3, 3e4, 0)
    log_probs = np.array([[0.0, -large, -3 * large, -2 * large]] * 3)
    return {"log_probs": log_probs[:, rng.permutation(4)], "targets": targets_of(rng.permutation(4)[:3], 4)}


def _targets_and_weights(rng: Rng) -> Inputs:
    inputs = _targets(5, 3)(rng)
    return inputs | {"weights": uniform(rng, inputs["targets"].shape[:1])}


_CROSS_ENTROPY_HIDDEN = {
    "published": Hidden("some samples", _targets(3, 4)),
    "batch": Hidden("more samples, one number for each", _targets(5, 3)),
    "one sample": Hidden("a batch of a single sample of a late class", _one_target),
    "improbable labels": Hidden("log-probabilities far below zero", _improbable_targets),
    "gradient": Hidden("the gradient under jit, as training computes it", _targets_and_weights),
    "called again": Hidden("three calls, and one inside jit", twice(_targets(5, 3))),
}

LOG_SOFTMAX_CROSS_ENTROPY = InstructorExercise(
    "log_softmax_cross_entropy",
    mutants=_CROSS_ENTROPY_MUTANTS,
    alternatives=_CROSS_ENTROPY_ALTERNATIVES,
    equivalents=_CROSS_ENTROPY_EQUIVALENTS,
    hidden=_CROSS_ENTROPY_HIDDEN,
)

EXERCISES = (LOGITS_TO_LOG_PROBS, LOG_SOFTMAX_CROSS_ENTROPY)
