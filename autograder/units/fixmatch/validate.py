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
        "argmax over the batch",
        name="argmax over the batch, which does not fit",
        edits=(("axis=-1", "axis=0"),),
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
        edits=(("for x, y in batches", "for x, y in batches if len(y) == len(next(iter(batches))[1])"),),
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
        "batches used up",
        name="batches used up, and the mean of nothing",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    remaining = iter(batches)\n\n    def validate(opt_state, batch_stats):",
            ),
            ("for x, y in batches", "for x, y in remaining"),
            ("jnp.mean(jnp.stack(errors))", "jnp.mean(jnp.array(errors))"),
        ),
    ),
    Mutant(
        "arguments of validate exchanged",
        "validate takes batch_stats first; opt_state comes first.",
        "Compare the def line of validate with the docstring.",
        edits=(("def validate(opt_state, batch_stats):", "def validate(batch_stats, opt_state):"),),
    ),
    Mutant(
        "one mini-batch more",
        "The sum of the rates is divided by one more than the number of mini-batches.",
        "Divide by as many as there are.",
        edits=(("jnp.mean(jnp.stack(errors))", "sum(errors) / (len(errors) + 1)"),),
    ),
    Mutant(
        "batches by position",
        "`batches` is a loader, which has no positions: it can only be looped over.",
        "A loop gives one mini-batch at a time. Nothing needs to be known of them before it begins.",
        edits=(("for x, y in batches", "for x, y in (batches[i] for i in range(len(batches)))"),),
        common="Reading mini-batches by position, as in a list. The training loop passes a loader, which can "
        "only be looped over.",
    ),
    Mutant(
        "batches by position",
        name="batches by position, the last one apart",
        edits=(
            (
                "errors = [batch_error(params, batch_stats, x, y) for x, y in batches]",
                "errors = [batch_error(params, batch_stats, x, y) for x, y in batches[:-1]]\n"
                "        errors.append(batch_error(params, batch_stats, *batches[-1]))",
            ),
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
                "jnp.sum(jnp.argmax(logits, axis=-1) != y) / len(next(iter(batches))[1])",
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
    Mutant(
        "compiled with its loop",
        "The loop is compiled with its body: one program does the work on all of the mini-batches.",
        "Look at what stands under jax.jit: is it the work on one mini-batch, or all of them?",
        edits=(("    def validate(opt_state", "    @jax.jit\n    def validate(opt_state"),),
        common="Compiling the loop along with its body. The result is right, but the compiled program "
        "contains the network once for each mini-batch, and every image as a constant.",
    ),
    Mutant(
        "compiled with its loop",
        name="compiled with its loop, as in the practical",
        body=f"""
            @jax.jit
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                errors = []
                for x, y in batches:
                    errors.append(jnp.not_equal({_LOGITS_OF_BATCH}, y).mean())
                return {{"val error rate": jnp.stack(errors).mean()}}
            """,
    ),
    Mutant(
        "copies of the network",
        "The loop is compiled with its body: the program has a copy of the network for each mini-batch.",
        "Look at what stands under jax.jit: is it the work on one mini-batch, or all of them?",
        body=f"""
            @jax.jit
            def error_rate(params, batch_stats, batches):
                errors = [jnp.mean({_LOGITS_OF_BATCH} != y) for x, y in batches]
                return jnp.mean(jnp.stack(errors))

            def validate(opt_state, batch_stats):
                rate = error_rate(get_params(opt_state), batch_stats, tuple(batches))
                return {{"val error rate": rate}}
            """,
    ),
    Mutant(
        "compiled with its loop",
        name="compiled with its loop, a scan",
        body="""
            @jax.jit
            def validate(opt_state, batch_stats):
                variables, rates = {"params": get_params(opt_state), "batch_stats": batch_stats}, []
                groups = {}
                for x, y in batches:
                    groups.setdefault(len(y), []).append((x, y))
                for group in groups.values():
                    xs, ys = (jnp.stack(part) for part in zip(*group, strict=True))
                    logits = jax.lax.map(lambda x: model.apply(variables, x), xs)
                    rates.append(jnp.mean(jnp.argmax(logits, axis=-1) != ys, axis=-1))
                return {"val error rate": jnp.mean(jnp.concatenate(rates))}
            """,
    ),
    Mutant(
        "compiled for each mini-batch",
        "jax.jit is inside the loop: the network is compiled again for each mini-batch.",
        "A program is kept together with its function: how often is that function made?",
        body="""
            def validate(opt_state, batch_stats):
                params = get_params(opt_state)
                errors = []
                for x, y in batches:

                    @jax.jit
                    def batch_error(params, batch_stats, x, y):
                        logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
                        return jnp.mean(jnp.argmax(logits, axis=-1) != y)

                    errors.append(batch_error(params, batch_stats, x, y))
                return {"val error rate": jnp.mean(jnp.stack(errors))}
            """,
    ),
    Mutant(
        "an array beside the rate",
        "The dictionary holds an array beside the rate; the training loop logs one number for each key.",
        "Look at what else you put into the dictionary.",
        edits=(("jnp.mean(jnp.stack(errors))}", 'jnp.mean(jnp.stack(errors)), "rates": jnp.stack(errors)}'),),
    ),
    Mutant(
        "batch_stats of the first call",
        "Later calls of validate use the batch_stats of the first one.",
        "Give the model the batch_stats of each call.",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    first = []\n\n    def validate(opt_state, batch_stats):",
            ),
            (
                "batch_error(params, batch_stats, x, y) for",
                "batch_error(params, first[0], x, y) for",
            ),
            (
                "params = get_params(opt_state)",
                "first.append(batch_stats)\n        params = get_params(opt_state)",
            ),
        ),
    ),
    Mutant(
        "rate of the first call",
        "Later calls of validate return the rate of the first one.",
        "Look for a value that is kept outside of validate.",
        edits=(
            (
                "    def validate(opt_state, batch_stats):",
                "    kept = {}\n\n    def validate(opt_state, batch_stats):",
            ),
            (
                'return {"val error rate": jnp.mean(jnp.stack(errors))}',
                'return kept.setdefault("rates", {"val error rate": jnp.mean(jnp.stack(errors))})',
            ),
        ),
    ),
    Mutant(
        "last mini-batch always dropped",
        "The last mini-batch is left out, whatever its size.",
        "Iterate over all of batches.",
        edits=(("for x, y in batches", "for x, y in (list(batches)[:-1] or batches)"),),
    ),
    Mutant(
        "first mini-batch dropped",
        "The first mini-batch is left out.",
        "Iterate over all of batches.",
        edits=(("for x, y in batches", "for x, y in (list(batches)[1:] or batches)"),),
    ),
    Mutant(
        "worst mini-batch",
        "You return the largest of the mini-batches' rates.",
        "Which of the rates should count, and how much?",
        edits=(("jnp.mean(jnp.stack(errors))", "jnp.max(jnp.stack(errors))"),),
    ),
    Mutant(
        "best mini-batch",
        "You return the smallest of the mini-batches' rates.",
        "Which of the rates should count, and how much?",
        edits=(("jnp.mean(jnp.stack(errors))", "jnp.min(jnp.stack(errors))"),),
    ),
    Mutant(
        "median",
        "You return the median of the mini-batches' rates.",
        "Look at how the rates of the mini-batches become one number.",
        edits=(("jnp.mean(jnp.stack(errors))", "jnp.median(jnp.stack(errors))"),),
    ),
    Mutant(
        "halved after each mini-batch",
        "Later mini-batches count more: in each round you average the rate so far with the new one.",
        "Every mini-batch's rate counts the same; add them up first.",
        edits=(
            (
                'return {"val error rate": jnp.mean(jnp.stack(errors))}',
                "rate = errors[0]\n        for error in errors[1:]:\n            rate = (rate + error) / 2\n"
                '        return {"val error rate": rate}',
            ),
        ),
    ),
    Mutant(
        "any wrong answer",
        "A mini-batch counts as wrong altogether as soon as one of its images is.",
        "Take the share of wrong predictions in each mini-batch.",
        edits=(
            ("jnp.mean(jnp.argmax(logits, axis=-1) != y)", "jnp.any(jnp.argmax(logits, axis=-1) != y) * 1.0"),
        ),
    ),
    Mutant(
        "all answers wrong",
        "A mini-batch counts as wrong only if all of its images are.",
        "Take the share of wrong predictions in each mini-batch.",
        edits=(
            ("jnp.mean(jnp.argmax(logits, axis=-1) != y)", "jnp.all(jnp.argmax(logits, axis=-1) != y) * 1.0"),
        ),
    ),
    Mutant(
        "doubt",
        "This is how much probability the labels do not get; an error rate counts wrong predictions.",
        "A prediction is the most probable class, and is either right or wrong.",
        edits=(
            (
                "jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "jnp.mean(1 - jax.nn.softmax(logits)[jnp.arange(len(y)), y])",
            ),
        ),
    ),
    Mutant(
        "cross-entropy",
        "This is the cross-entropy of the labels, not the share of wrong predictions.",
        "Compare the most probable class of each image with its label.",
        edits=(
            (
                "jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "-jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])",
            ),
        ),
    ),
    Mutant(
        "best two",
        "An image counts as right where its label is among the two most probable classes.",
        "Only the most probable class is the prediction.",
        edits=(
            (
                "jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "jnp.mean(jnp.all(jax.lax.top_k(logits, 2)[1] != y[:, None], axis=-1))",
            ),
        ),
    ),
    Mutant(
        "labels counted from 1",
        "The predictions are one class too high.",
        "Classes count from 0.",
        edits=(("jnp.argmax(logits, axis=-1) != y", "jnp.argmax(logits, axis=-1) + 1 != y"),),
    ),
    Mutant(
        "every image with every label",
        "Each prediction is compared with the labels of all images of the mini-batch.",
        "Look at the shapes of the two things that you compare.",
        edits=(("jnp.argmax(logits, axis=-1) != y", "jnp.argmax(logits, axis=-1, keepdims=True) != y"),),
    ),
    Mutant(
        "shares of right and wrong",
        "A mini-batch's number of wrong predictions is divided by that of its right ones.",
        "A share is divided by the number of all images.",
        edits=(
            (
                "return jnp.mean(jnp.argmax(logits, axis=-1) != y)",
                "wrong = jnp.sum(jnp.argmax(logits, axis=-1) != y)\n"
                "        return wrong / jnp.maximum(len(y) - wrong, 1)",
            ),
        ),
    ),
    Mutant(
        "filled up with wrong images",
        "The last mini-batch is filled up, and the images that were added count as wrong.",
        "Leave out what you have added before you take the mean.",
        body="""
            @jax.jit
            def batch_error(params, batch_stats, x, y):
                logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
                return jnp.mean(jnp.argmax(logits, axis=-1) != y)

            def validate(opt_state, batch_stats):
                params, errors = get_params(opt_state), []
                size = max(len(y) for _, y in batches)
                for x, y in batches:
                    filled = jnp.zeros((size, *x.shape[1:])).at[: len(y)].set(x)
                    labels = jnp.full(size, -1).at[: len(y)].set(y)
                    errors.append(batch_error(params, batch_stats, filled, labels))
                return {"val error rate": jnp.mean(jnp.stack(errors))}
            """,
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
    "mini-batches of one size in one loop of JAX": """
def get_validate_fn(get_params, model, batches=val_batches):
    @jax.jit
    def rates_of(params, batch_stats, xs, ys):
        def rate(batch):
            logits = model.apply({"params": params, "batch_stats": batch_stats}, batch[0])
            return jnp.mean(jnp.argmax(logits, axis=-1) != batch[1])
        return jax.lax.map(rate, (xs, ys))

    def validate(opt_state, batch_stats):
        params, groups = get_params(opt_state), {}
        for x, y in batches:
            groups.setdefault(len(y), []).append((x, y))
        rates = [rates_of(params, batch_stats, *map(np.stack, zip(*group))) for group in groups.values()]
        return {"val error rate": jnp.concatenate(rates).mean()}
    return validate
""",
    "shapes asked for in advance, compiled in every call": """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables, rates = {"params": get_params(opt_state), "batch_stats": batch_stats}, []
        predict = jax.jit(lambda x: jnp.argmax(model.apply(variables, x), axis=-1))
        for x, y in batches:
            if not rates:
                assert jax.eval_shape(predict, x).shape == y.shape
            rates.append((predict(x) != y).mean())
        return {"val error rate": jnp.mean(jnp.array(rates))}
    return validate
""",
    "a checkpointed network": """
def get_validate_fn(get_params, model, batches=val_batches):
    apply = jax.checkpoint(lambda variables, x: model.apply(variables, x))

    @jax.jit
    def rate(variables, x, y):
        return jnp.mean(apply(variables, x).argmax(axis=-1) != y)

    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        return {"val error rate": np.mean([rate(variables, x, y) for x, y in batches])}
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
        "probabilities of float32",
        "The conversion changes nothing where the logits are float32 already.",
        edits=(("jnp.argmax(logits, axis=-1)", "jnp.argmax(logits.astype(jnp.float32), axis=-1)"),),
    ),
    Equivalent(
        "every mini-batch twice",
        "Each rate is there twice, which leaves their mean as it is, at twice the cost.",
        edits=(("for x, y in batches", "for x, y in [*batches, *batches]"),),
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


_STATES = (
    ("opt_state", "batch_stats"),
    ("later opt_state", "batch_stats"),
    ("opt_state", "later batch_stats"),
)


def _rate(inputs: Inputs, state: str, stats: str) -> float:
    """The mean over mini-batches of the share of wrong predictions in a state."""
    rates = []
    for images, labels in inputs["batches"]:
        logits = numpy_dense(inputs[state]["parameters"], images) - inputs[stats]["norm"]["mean"]
        rates.append(np.mean(np.argmax(logits, axis=1) != labels))
    return float(np.mean(rates))


def _later(inputs: Inputs) -> bool:
    """No ties, and each state has another rate, so that it shows which one was evaluated."""
    rates = [_rate(inputs, *state) for state in _STATES]
    return _distinct(_STATES)(inputs) and len({round(rate, 6) for rate in rates}) == len(rates)


def _lost(inputs: Inputs) -> bool:
    """No ties, and the rate is another one where every image is given the first class, as after 0 / 0."""
    first = np.mean([np.mean(labels != 0) for _, labels in inputs["batches"]])
    return _distinct(margin=1.0)(inputs) and abs(first - _rate(inputs, *_STATES[0])) > MARGIN


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
            _lost,
        ),
    ),
    "nothing kept": Hidden(
        "many mini-batches, while JAX watches what is traced",
        until(validate.draw_batches(*validate.MANY), _distinct()),
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
