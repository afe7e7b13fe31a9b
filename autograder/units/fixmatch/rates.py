"""What instructors have of ``mean_over_images``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size, until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.checks.functions import Draw

Rng = np.random.RandomState

_MUTANTS = (
    Mutant(
        "wrong answers",
        "This is the number of wrong answers; a rate is between 0 and 1.",
        "Divide by the number of images.",
        body="return jnp.sum(error_rates * batch_sizes)",
    ),
    Mutant(
        "divided by the number of batches",
        "The wrong answers are divided by the number of mini-batches.",
        "Divide by the number of images.",
        body="return jnp.sum(error_rates * batch_sizes) / len(batch_sizes)",
        common="Dividing by the number of mini-batches after weighing them.",
    ),
    Mutant(
        "last batch dropped",
        "The last mini-batch is left out.",
        "Its images count like all others; there are just fewer of them.",
        body="return jnp.sum((error_rates * batch_sizes)[:-1]) / jnp.sum(batch_sizes[:-1])",
        common="Leaving out the last, smaller mini-batch. The result is right for the remaining images, but "
        "those are not all of them.",
    ),
    Mutant(
        "last batch dropped",
        name="plain mean without the last batch",
        body="return jnp.mean(error_rates[:-1])",
    ),
    Mutant(
        "plain mean",
        "This is still the plain mean of the rates: the sizes are not used.",
        "A mini-batch of 16 images should count an eighth of one of 128.",
        body="return jnp.mean(error_rates)",
        common="Trusting a number because the program ran. Here it was off by eleven wrong answers that "
        "nobody had given.",
    ),
    Mutant(
        "divided by the largest batch",
        "All mini-batches are treated as if they were as large as the largest.",
        "Divide by the sum of the sizes.",
        body="return jnp.mean(error_rates * batch_sizes) / jnp.max(batch_sizes)",
    ),
    Mutant(
        "rates divided by sizes",
        "The rates are divided by the sizes, so small mini-batches count even more.",
        "A rate times a size is a number of wrong answers.",
        body="return jnp.sum(error_rates / batch_sizes) / jnp.sum(1 / batch_sizes)",
    ),
    Mutant(
        "weights squared",
        "The sizes are used twice: large mini-batches count too much.",
        "A rate times a size is a number of wrong answers; add these up.",
        body="return jnp.sum(error_rates * batch_sizes**2) / jnp.sum(batch_sizes**2)",
    ),
    Mutant(
        "accuracy",
        "This is the accuracy; the exercise asks for the error rate.",
        "Leave the rates as they are.",
        body="return 1 - jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)",
    ),
    Mutant(
        "median",
        "This is the median of the rates.",
        "Every image counts, not only the middle mini-batch.",
        body="return jnp.median(error_rates)",
    ),
    Mutant(
        "fixed sizes",
        "128 and 16 are hard-coded.",
        "Read the sizes from batch_sizes.",
        body="""
            sizes = jnp.full(len(error_rates), 128).at[-1].set(16)
            return jnp.sum(error_rates * sizes) / jnp.sum(sizes)
            """,
    ),
    Mutant(
        "fixed sizes",
        name="fixed size of all but the last batch",
        body="""
            wrong = jnp.sum(error_rates[:-1]) * 128 + error_rates[-1] * batch_sizes[-1]
            return wrong / jnp.sum(batch_sizes)
            """,
    ),
    Mutant(
        "one size but for the last",
        "All mini-batches but the last are treated as if they were as large as the first.",
        "Any mini-batch may have another size: use all of batch_sizes.",
        body="""
            sizes = jnp.full(len(batch_sizes), batch_sizes[0]).at[-1].set(batch_sizes[-1])
            return jnp.sum(error_rates * sizes) / jnp.sum(sizes)
            """,
    ),
    Mutant(
        "one rate for each batch",
        "You return an array; the exercise asks for one number.",
        "Add up over the mini-batches.",
        body="return error_rates * batch_sizes / jnp.sum(batch_sizes)",
    ),
    Mutant(
        "first batch dropped",
        "The first mini-batch is left out.",
        "Its images count like all others.",
        body="return jnp.sum((error_rates * batch_sizes)[1:]) / jnp.sum(batch_sizes[1:])",
    ),
    Mutant(
        "last batch dropped from the sizes",
        "The last mini-batch's images are missing from the number of all images.",
        "Divide by the number of all images.",
        body="return jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes[:-1])",
    ),
    Mutant(
        "rates divided by images",
        "The sum of the rates is divided by the number of images.",
        "A rate times a size is a number of wrong answers; add these up.",
        body="return jnp.sum(error_rates) / jnp.sum(batch_sizes)",
    ),
    Mutant(
        "divided by the rates",
        "The wrong answers are divided by the sum of the rates, so this is a size and no rate.",
        "Divide by the number of images. An average takes its values first, and then the weights.",
        body="return jnp.average(batch_sizes, weights=error_rates)",
    ),
    Mutant(
        "wrong answers cut",
        "The wrong answers of each mini-batch are cut to whole numbers, and some lose one that way.",
        "A rate times a size can end in .9999999: leave it as it is.",
        edits=(("error_rates * batch_sizes", "(error_rates * batch_sizes).astype(int)"),),
    ),
    Mutant(
        "rounded down",
        "The last division is one of whole numbers, which rounds a rate below 1 down to 0.",
        "/ divides, // divides and rounds down.",
        edits=(("/ jnp.sum(batch_sizes)", "// jnp.sum(batch_sizes)"),),
    ),
    Mutant(
        "size of the first batch",
        "All mini-batches are treated as if they were as large as the first.",
        "Divide by the sum of the sizes.",
        body="return jnp.mean(error_rates * batch_sizes) / batch_sizes[0]",
    ),
    Mutant(
        "size of the last batch",
        "All mini-batches are treated as if they were as large as the last.",
        "Divide by the sum of the sizes.",
        body="return jnp.mean(error_rates * batch_sizes) / batch_sizes[-1]",
    ),
    Mutant(
        "percent",
        "The rate is given in percent.",
        "An error rate lies between 0 and 1.",
        body="return 100 * jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)",
    ),
    Mutant(
        "roots of the sizes",
        "The square roots of the sizes are the weights: small mini-batches count too much.",
        "A rate times a size is a number of wrong answers; add these up.",
        body="""
            weights = jnp.sqrt(batch_sizes)
            return jnp.sum(error_rates * weights) / jnp.sum(weights)
            """,
    ),
    Mutant(
        "softmax of the sizes",
        "A softmax of the sizes gives the weights, so that the largest mini-batch nearly decides alone.",
        "The share of a mini-batch is its size divided by the number of all images.",
        body="return jnp.sum(error_rates * jax.nn.softmax(1.0 * batch_sizes))",
    ),
    Mutant(
        "rate of the largest batch",
        "You return the rate of the largest mini-batch alone.",
        "Every image counts, in whichever mini-batch it is.",
        body="return error_rates[jnp.argmax(batch_sizes)]",
    ),
    Mutant(
        "worst batch",
        "You return the largest of the rates.",
        "Every image counts, in whichever mini-batch it is.",
        body="return jnp.max(error_rates)",
    ),
    Mutant(
        "running mean",
        "You average the rate so far with the next one, so later mini-batches count more.",
        "Add up the wrong answers of all mini-batches first.",
        body="""
            rate = error_rates[0]
            for another in error_rates[1:]:
                rate = (rate + another) / 2
            return rate
            """,
    ),
    Mutant(
        "geometric mean",
        "This is a geometric mean of the rates.",
        "Add up wrong answers: nothing is multiplied over the mini-batches.",
        body="return jnp.exp(jnp.sum(jnp.log(error_rates) * batch_sizes) / jnp.sum(batch_sizes))",
    ),
    Mutant(
        "whole numbers",
        "The sizes are divided as whole numbers, so the shares are rounded down.",
        "Use / for shares.",
        body="return jnp.sum(error_rates * (batch_sizes // jnp.max(batch_sizes))) / len(batch_sizes)",
    ),
    keeps_a_trace(
        body="""
            rate = jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)
            globals().setdefault("rates", []).append(rate)
            return rate
            """,
    ),
)

_ALTERNATIVES = {
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

_EQUIVALENTS = (
    Equivalent(
        "wrong answers rounded to whole numbers",
        "A rate times a size is a whole number already, but for the last digits of float32.",
        edits=(("jnp.sum(error_rates * batch_sizes)", "jnp.sum(jnp.round(error_rates * batch_sizes))"),),
    ),
    Equivalent(
        "sizes in other units",
        "A factor of all sizes cancels between the two sums.",
        edits=(
            ("jnp.sum(error_rates * batch_sizes)", "jnp.sum(error_rates * (batch_sizes / batch_sizes[0]))"),
            ("/ jnp.sum(batch_sizes)", "/ jnp.sum(batch_sizes / batch_sizes[0])"),
        ),
    ),
)


def _rates(n: int, *, equal: bool = False) -> Draw:
    """Rates of n mini-batches whose sizes differ unless they are to be equal.

    There are as many as in the public cases, so that a class compiles the same operations.
    """

    def draw(rng: Rng) -> Inputs:
        sizes = np.full(n, size(rng, 9, 60)) if equal else 5 + rng.permutation(100)[:n]
        return {"error_rates": rng.randint(1, sizes) / sizes, "batch_sizes": sizes}

    return draw


def _cut_below(inputs: Inputs) -> bool:
    """Whether a rate times its size is less than the number of wrong answers, in the float32 of the check."""
    rates, sizes = inputs["error_rates"], inputs["batch_sizes"]
    return bool(np.any(np.float32(rates) * np.float32(sizes) < np.round(rates * sizes)))


_HIDDEN = hidden_function(
    {
        "published": ("mini-batches of other sizes", until(_rates(79), _cut_below)),
        "unequal batches": ("a few mini-batches of other sizes", _rates(4)),
        "equal batches": ("mini-batches of one size", _rates(4, equal=True)),
        "one batch": ("one mini-batch", _rates(1)),
    }
)

MEAN_OVER_IMAGES = InstructorExercise(
    "mean_over_images",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (MEAN_OVER_IMAGES,)
