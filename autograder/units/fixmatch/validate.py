"""What instructors have of ``get_validate_fn``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import MARGIN, lead, number, until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.units.fixmatch.checks import validate
from course.units.fixmatch.checks.common import numpy_dense

Rng = np.random.RandomState

_LOGITS_OF_BATCH = 'jnp.argmax(model.apply({"params": params, "batch_stats": batch_stats}, x), axis=-1)'

_MUTANTS = (
    Mutant(
        "accuracy",
        "This is the accuracy; the error rate is 1 − accuracy.",
        "Count the wrong predictions.",
        edits=(("jnp.argmax(logits, axis=-1) != y", "jnp.argmax(logits, axis=-1) == y"),),
    ),
    Mutant(
        "mean over images",
        "You average over all images at once; the exercise averages the mini-batches' error rates.",
        "Take the mean within each mini-batch first, then the mean of these.",
        body=f"""
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                wrong = [{_LOGITS_OF_BATCH} != y for x, y in batches]
                return {{"val error rate": jnp.mean(jnp.concatenate(wrong))}}
            """,
    ),
    Mutant(
        "sum over batches",
        "The error rates of the mini-batches are summed, not averaged.",
        "Divide by the number of mini-batches.",
        edits=(("jnp.mean(jnp.stack(errors))", "jnp.sum(jnp.stack(errors))"),),
    ),
    Mutant(
        "counts",
        "Wrong predictions are counted; a rate is between 0 and 1.",
        "Take the mean within each mini-batch.",
        edits=(("jnp.mean(jnp.argmax(logits, axis=-1) != y)", "jnp.sum(jnp.argmax(logits, axis=-1) != y)"),),
    ),
    Mutant(
        "argmax over the batch",
        "argmax runs over the images of the batch, not over the classes.",
        "Look at its axis: the classes are the last one.",
        body=f"""
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                errors = []
                for x, y in batches:
                    predicted = {_LOGITS_OF_BATCH.replace("axis=-1", "axis=0")}
                    errors.append(jnp.mean(jnp.resize(predicted, y.shape) != y))
                return {{"val error rate": jnp.mean(jnp.stack(errors))}}
            """,
    ),
    Mutant(
        "argmin",
        "You take the least probable class as the prediction.",
        "Use argmax.",
        edits=(("jnp.argmax(", "jnp.argmin("),),
    ),
    Mutant(
        "training mode",
        "model.apply was called with mutable, so it ran in training mode; validation evaluates.",
        "Look at your call to the model and at the steps in the docstring.",
        edits=(("logits = model", "logits, _ = model"), (", x)", ', x, mutable=["batch_stats"])')),
        common="Passing `mutable`, so that the validation images change the statistics and are normalized "
        "by their own batch.",
    ),
    Mutant(
        "last batch only",
        "Only the last mini-batch counts.",
        "Collect the rate of every mini-batch before you average.",
        edits=(("jnp.mean(jnp.stack(errors))", "errors[-1]"),),
    ),
    Mutant(
        "first batch only",
        "Only the first mini-batch counts.",
        "Look for a return inside the loop.",
        edits=(("jnp.mean(jnp.stack(errors))", "errors[0]"),),
    ),
    Mutant(
        "last batch dropped",
        "The last, smaller mini-batch is left out.",
        "Iterate over all of batches.",
        edits=(("for x, y in batches", "for x, y in batches if len(y) == len(batches[0][1])"),),
    ),
    Mutant(
        "percent",
        "The rate is given in percent.",
        "An error rate lies between 0 and 1.",
        edits=(("jnp.mean(jnp.stack(errors))", "100 * jnp.mean(jnp.stack(errors))"),),
    ),
    Mutant(
        "bare number",
        'You return the bare rate; the exercise asks for a dictionary with the key "val error rate".',
        "Look at the Returns section of the docstring.",
        edits=(('{"val error rate": jnp.mean(jnp.stack(errors))}', "jnp.mean(jnp.stack(errors))"),),
    ),
    Mutant(
        "another name",
        'The key in the dictionary is not "val error rate".',
        "Compare letter by letter: the training loop reads this name.",
        edits=(('{"val error rate": ', '{"error rate": '),),
    ),
    Mutant(
        "no get_params",
        "The optimizer state is used as if it were the parameters.",
        "Call get_params(opt_state) first.",
        edits=(("params = get_params(opt_state)", "params = opt_state"),),
    ),
    Mutant(
        "not averaged",
        "You return a list of the mini-batches' rates; the exercise asks for their mean.",
        "Average over the mini-batches at the end.",
        edits=(("jnp.mean(jnp.stack(errors))", "jnp.stack(errors)"),),
    ),
    Mutant(
        "batches used up",
        "The second call finds no batches left, because an iterator is made outside of validate.",
        "Iterate over batches inside validate.",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    remaining = iter(batches)\n\n    def validate(opt_state, batch_stats):",
            ),
            ("for x, y in batches", "for x, y in remaining"),
        ),
    ),
    Mutant(
        "batches of the notebook",
        "validate loops over the notebook's `val_batches`, not over the argument `batches`.",
        "val_batches is only its default: the check passes other batches, as does the test in section 7.",
        edits=(("for x, y in batches", "for x, y in val_batches"),),
    ),
    Mutant(
        "rates of earlier calls",
        "The list of error rates is made outside of validate, so it still holds those of earlier calls.",
        "Make the list inside validate.",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    errors = []\n\n    def validate(opt_state, batch_stats):",
            ),
            (
                "errors = [batch_error(params, batch_stats, x, y) for x, y in batches]",
                "errors.extend(batch_error(params, batch_stats, x, y) for x, y in batches)",
            ),
        ),
    ),
    Mutant(
        "parameters of the first call",
        "Later calls of validate use the parameters of the first one.",
        "Read the parameters inside validate.",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    first = []\n\n    def validate(opt_state, batch_stats):",
            ),
            (
                "params = get_params(opt_state)",
                "first.append(get_params(opt_state))\n        params = first[0]",
            ),
        ),
        common="Reading the parameters once, outside `validate`. Every later validation then reports on the "
        "first weights.",
    ),
    Mutant(
        "size of the first batch",
        "The wrong predictions of every mini-batch are divided by the size of the first.",
        "The last mini-batch may be smaller: take the mean over its own images.",
        edits=(
            (
                "jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "jnp.sum(jnp.argmax(logits, axis=-1) != y) / len(batches[0][1])",
            ),
        ),
    ),
    Mutant(
        "overflow",
        "The exponentials of large or very negative logits overflow or are all 0, which leads to NaN.",
        "The largest logit has the largest probability: no exponential is needed.",
        edits=(
            (
                "jnp.argmax(logits, axis=-1)",
                "jnp.argmax(jnp.exp(logits) / jnp.exp(logits).sum(axis=-1, keepdims=True), axis=-1)",
            ),
        ),
    ),
    keeps_a_trace(
        edits=(
            (
                "        return jnp.mean(jnp.argmax(",
                '        globals().setdefault("seen", []).append(logits)\n'
                "        return jnp.mean(jnp.argmax(",
            ),
        ),
    ),
)

_ALTERNATIVES = {
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

_EQUIVALENTS = (
    Equivalent(
        "predictions from probabilities",
        "The softmax keeps the order of the logits.",
        edits=(("jnp.argmax(logits, axis=-1)", "jnp.argmax(jax.nn.softmax(logits), axis=-1)"),),
    ),
    Equivalent(
        "axis of length 1 dropped",
        "Of a single image one class remains, which is compared with its label all the same.",
        edits=(("jnp.argmax(logits, axis=-1)", "jnp.argmax(jnp.squeeze(logits), axis=-1)"),),
    ),
    Equivalent(
        "gradient cut",
        "Nobody takes the gradient of a validation.",
        edits=(("params = get_params(opt_state)", "params = jax.lax.stop_gradient(get_params(opt_state))"),),
    ),
    Equivalent(
        "loop compiled as well",
        "The result is the same. The compiled program holds every image as a constant, so it is large.",
        edits=(("    def validate(opt_state", "    @jax.jit\n    def validate(opt_state"),),
        common="Compiling the loop along with its body. The result is right, but the compiled program "
        "contains every image as a constant.",
    ),
)


_BATCHES = (128, 16)


def _floors(n: int, scale: float) -> np.ndarray:
    """The numbers of which ``mocks.ValMockModel`` rounds down to logits, on a batch of n images."""
    return np.linspace(0.0, n, 10) * scale % 10


def _constant_answers(rng: Rng) -> Inputs:
    """Labels of images that the model all gives one class, some of which have it as label.

    The sizes of the mini-batches are those of the public case, so that a class compiles the same programs.
    """
    opt_state, batch_stats = number(rng, 0.8, 2.0), number(rng, 0.5, 1.5)
    labels = []
    for rows in _BATCHES:
        answer = int(np.argmax(np.floor(_floors(rows, 0.5 * opt_state * batch_stats))))
        shares = rng.uniform(size=rows) < rng.uniform(0.1, 0.6)
        labels.append(np.where(shares, answer, rng.randint(0, 10, rows)))
    shown = {"labels": np.concatenate(labels), "batch size": _BATCHES[0]}
    return {"opt_state": opt_state, "batch_stats": batch_stats, **shown}


def _certain(inputs: Inputs) -> bool:
    """No rounding can move a logit to the next whole number, and one class is above all others.

    It is the same one for either size of mini-batch, so that a small one may be filled up.
    """
    answers = set()
    scale = 0.5 * inputs["opt_state"] * inputs["batch_stats"]
    for rows in _BATCHES:
        # The first number is exactly 0.
        numbers = _floors(rows, scale)
        if np.any(np.abs(numbers[1:] - np.round(numbers[1:])) < MARGIN) or lead(np.floor(numbers)) == 0:
            return False
        answers.add(int(np.argmax(np.floor(numbers))))
    return len(answers) == 1


def _distinct(
    states: tuple[tuple[str, str], ...] = (("opt_state", "batch_stats"),), margin: float = MARGIN
) -> Callable[[Inputs], bool]:
    """Whether in each state every image has one class that is above the others by more than ``margin``."""

    def accept(inputs: Inputs) -> bool:
        for state, stats in states:
            params: Any = inputs[state]["parameters"]
            for images, _ in inputs["batches"]:
                if lead(numpy_dense(params, images) - inputs[stats]["norm"]["mean"]) <= margin:
                    return False
        return True

    return accept


_later = _distinct(
    (("opt_state", "batch_stats"), ("later opt_state", "batch_stats"), ("opt_state", "later batch_stats"))
)


_HIDDEN = {
    "published": Hidden("a model that always gives the same answer", until(_constant_answers, _certain)),
    "smaller last batch": Hidden(
        "mini-batches of which the last is smaller",
        until(validate.draw_batches(6, 6, 3), _distinct()),
    ),
    "one image": Hidden("one batch of a single image", until(validate.draw_batches(1), _distinct())),
    "called again": Hidden(
        "the same validate function for a later training state", until(validate.two_states(7, 7), _later)
    ),
    "large logits": Hidden(
        "logits far below zero",
        until(
            lambda rng: validate.draw_batches(
                6, 6, 3, level=-number(rng, 5e3, 2e4, 0), gap=number(rng, 2e3, 4e3, 0)
            )(rng),
            _distinct(margin=1.0),
        ),
    ),
    "nothing kept": Hidden(
        "one batch, while a watch is kept on traced values",
        until(validate.draw_batches(4), _distinct()),
    ),
}

GET_VALIDATE_FN = InstructorExercise(
    "get_validate_fn",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (GET_VALIDATE_FN,)
