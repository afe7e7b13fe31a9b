"""What instructors have of ``cosine_decay_schedule``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number, size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.checks.functions import Draw, other

Rng = np.random.RandomState

_MUTANTS = (
    Mutant(
        "half cosine",
        "This is the usual cosine schedule, (1 + cos)/2; FixMatch uses the cosine itself.",
        "Look at the formula in the docstring.",
        body="return init_value * 0.5 * (1 + jnp.cos(jnp.pi * alpha * count / decay_steps))",
    ),
    Mutant(
        "half cosine",
        name="half cosine, without alpha",
        body="return init_value * 0.5 * (1 + jnp.cos(jnp.pi * count / decay_steps))",
    ),
    Mutant(
        "alpha twice",
        "7/16 stands beside alpha, which is this fraction already.",
        "The fraction comes in once: as the argument.",
        body="return init_value * jnp.cos(7 * jnp.pi * alpha * count / (16 * decay_steps))",
    ),
    Mutant(
        "1 − alpha",
        "1 − alpha is used as the fraction of a half-turn.",
        "The angle grows from 0 to π · alpha.",
        body="return init_value * jnp.cos(jnp.pi * (1 - alpha) * count / decay_steps)",
    ),
    Mutant(
        "fraction outside",
        "The fraction of the run multiplies the cosine from outside.",
        "It belongs to the angle. Look at where the parenthesis of the cosine closes.",
        body="return init_value * jnp.cos(jnp.pi * alpha) * count / decay_steps",
    ),
    Mutant(
        "length outside",
        "decay_steps divides the cosine from outside.",
        "It belongs to the angle. Look at where the parenthesis of the cosine closes.",
        body="return init_value * jnp.cos(jnp.pi * alpha * count) / decay_steps",
    ),
    Mutant(
        "no alpha",
        "alpha is missing inside the cosine.",
        "The cosine covers a fraction alpha of a half-turn.",
        body="return init_value * jnp.cos(jnp.pi * count / decay_steps)",
    ),
    Mutant(
        "alpha outside",
        "alpha multiplies the cosine from outside.",
        "It belongs to the angle: at step 0 the rate is init_value.",
        body="return alpha * init_value * jnp.cos(jnp.pi * count / decay_steps)",
    ),
    Mutant(
        "alpha as floor",
        "alpha is used as the final fraction of the rate, as optax does.",
        "Here alpha is the fraction of a half-turn.",
        body="""
            cosine = 0.5 * (1 + jnp.cos(jnp.pi * count / decay_steps))
            return init_value * ((1 - alpha) * cosine + alpha)
            """,
    ),
    Mutant(
        "no pi",
        "π is missing inside the cosine.",
        "The angle is π · alpha · count / decay_steps.",
        body="return init_value * jnp.cos(alpha * count / decay_steps)",
        common="Forgetting π, or reading the angle in degrees. The rate then hardly changes, and no error "
        "tells you.",
    ),
    Mutant(
        "degrees",
        "The angle is in degrees.",
        "jnp.cos takes radians: π is a half-turn.",
        body="return init_value * jnp.cos(180 * alpha * count / decay_steps)",
    ),
    Mutant(
        "two pi",
        "The angle is twice as large as it should be.",
        "A half-turn is π, not 2π.",
        body="return init_value * jnp.cos(2 * jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "sine",
        "The sine is used: the rate starts at zero.",
        "Look at the formula.",
        body="return init_value * jnp.sin(jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "upside down",
        "count and decay_steps are swapped in the fraction.",
        "The fraction runs from 0 to 1 over the run.",
        body="return init_value * jnp.cos(jnp.pi * alpha * decay_steps / jnp.maximum(count, 1))",
    ),
    Mutant(
        "upside down",
        name="upside down, which divides by step 0",
        body="return init_value * jnp.cos(jnp.pi * alpha * decay_steps / count)",
    ),
    Mutant(
        "upside down",
        name="upside down, the fraction first",
        body="return init_value * jnp.cos(jnp.pi * alpha * (decay_steps / count))",
    ),
    Mutant(
        "no initial value",
        "init_value does not scale the result.",
        "At step 0 the rate has to be init_value.",
        body="return jnp.cos(jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "linear",
        "The rate falls in a straight line.",
        "The formula has a cosine.",
        body="return init_value * (1 - alpha * count / decay_steps)",
    ),
    Mutant(
        "fixed alpha",
        "7/16 is hard-coded; alpha is an argument.",
        "Replace the number with the argument.",
        body="return init_value * jnp.cos(7 * jnp.pi * count / (16 * decay_steps))",
    ),
    Mutant(
        "a method of arrays",
        "A method of arrays is called on the step number, which outside of jit is a Python int.",
        "Python converts by itself: an int divided by an int is a float.",
        body="return init_value * jnp.cos(jnp.pi * alpha * count.astype(jnp.float32) / decay_steps)",
    ),
    Mutant(
        "Python's math",
        "math.cos and float() take Python numbers only, and inside jit the step number is traced.",
        "Use jnp.cos.",
        body="""
            import math

            return init_value * math.cos(math.pi * alpha * count / decay_steps)
            """,
    ),
    Mutant(
        "fixed length",
        "2**20 is hard-coded; the length of the run is the argument decay_steps.",
        "Replace the number with the argument.",
        body="return init_value * jnp.cos(jnp.pi * alpha * count / 2**20)",
        common="Leaving K at the paper's 2²⁰ in a run of a thousand steps, with the same effect.",
    ),
    Mutant(
        "whole division",
        "The fraction is rounded down, so the rate does not change until the last step.",
        "Use /, not //.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (count // decay_steps))",
        common="Integer division of the step by K, which gives 0 until the very last step.",
    ),
    Mutant(
        "reversed",
        "The schedule runs backwards: it starts low and rises.",
        "The angle is 0 at step 0 and grows with count.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (1 - count / decay_steps))",
    ),
    Mutant(
        "own counter",
        "The schedule counts its own calls and ignores count.",
        "Use the argument: the optimizer passes its current step.",
        body="""
            schedule.calls = getattr(schedule, "calls", 0) + 1
            return init_value * jnp.cos(jnp.pi * alpha * (schedule.calls - 1) / decay_steps)
            """,
    ),
    Mutant(
        "alpha as floor",
        name="alpha as floor, by optax",
        body="""
            import optax

            return optax.cosine_decay_schedule(init_value, decay_steps, alpha)(count)
            """,
    ),
    Mutant(
        "half the angle",
        "The angle is half as large as it should be.",
        "A half-turn is π.",
        body="return init_value * jnp.cos(jnp.pi / 2 * alpha * count / decay_steps)",
    ),
    Mutant(
        "divided by alpha",
        "The angle is divided by alpha.",
        "The angle is π · alpha · count / decay_steps.",
        body="return init_value * jnp.cos(jnp.pi * count / (alpha * decay_steps))",
    ),
    Mutant(
        "one step ahead",
        "The schedule is one step ahead: it gives each step the rate of the next.",
        "Steps count from 0, where the rate is init_value.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (count + 1) / decay_steps)",
    ),
    Mutant(
        "one step behind",
        "The schedule is one step behind: it gives each step the rate of the one before.",
        "Use count as it comes.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (count - 1) / decay_steps)",
    ),
    Mutant(
        "one step shorter",
        "The run is taken for one step shorter than it is.",
        "Divide by decay_steps.",
        body="return init_value * jnp.cos(jnp.pi * alpha * count / (decay_steps - 1))",
    ),
    Mutant(
        "starts over",
        "The schedule starts over at decay_steps, where it should be lowest.",
        "Look for the operator %.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (count % decay_steps) / decay_steps)",
    ),
    Mutant(
        "warm-up",
        "The rate grows from zero in the first tenth of the run.",
        "The formula has no warm-up.",
        body="""
            rate = init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
            return jnp.minimum(count / (0.1 * decay_steps), 1.0) * rate
            """,
    ),
    Mutant(
        "there and back",
        "The rate falls in the first half of the run, and grows again in the second.",
        "The angle grows with count until the end.",
        body="return init_value * jnp.cos(jnp.pi * alpha * (1 - jnp.abs(1 - 2 * count / decay_steps)))",
    ),
    Mutant(
        "in stairs",
        "The rate changes in ten stairs, not with each step.",
        "Use count itself, without rounding.",
        body="return init_value * jnp.cos(jnp.pi * alpha * jnp.floor(10 * count / decay_steps) / 10)",
    ),
    Mutant(
        "one minus the cosine",
        "The rate is init_value · (1 − cos): it grows from zero.",
        "At step 0 the rate has to be init_value.",
        body="return init_value * (1 - jnp.cos(jnp.pi * alpha * count / decay_steps))",
    ),
    Mutant(
        "square of the cosine",
        "The cosine is squared.",
        "Look at the formula in the docstring.",
        body="return init_value * jnp.square(jnp.cos(jnp.pi * alpha * count / decay_steps))",
    ),
    Mutant(
        "initial value inside",
        "init_value stands inside the cosine.",
        "It multiplies the cosine from outside.",
        body="return jnp.cos(init_value * jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "initial value added",
        "The cosine is added to init_value, not multiplied by it.",
        "Look at the formula in the docstring.",
        body="return init_value + jnp.cos(jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "sign",
        "The rate is the negative of what it should be, so training would climb.",
        "Look for a minus sign in front.",
        body="return -init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "exponential",
        "The rate falls exponentially, by the factor alpha over the run.",
        "The formula has a cosine.",
        body="return init_value * alpha ** (count / decay_steps)",
    ),
    Mutant(
        "constant",
        "The rate does not change: count is not used.",
        "The angle grows with count.",
        body="return init_value * jnp.cos(0.0 * count)",
    ),
    Mutant(
        "fixed initial value",
        "0.03 is hard-coded; the first rate is the argument init_value.",
        "Replace the number with the argument.",
        body="return 0.03 * jnp.cos(jnp.pi * alpha * count / decay_steps)",
    ),
    Mutant(
        "rounded",
        "The rate is rounded to two decimals.",
        "Look for round.",
        body="return jnp.round(init_value * jnp.cos(jnp.pi * alpha * count / decay_steps), 2)",
    ),
    Mutant(
        "π cut short",
        "π is written as 3, which is not near enough.",
        "Use jnp.pi.",
        body="return init_value * jnp.cos(3 * alpha * count / decay_steps)",
    ),
    Mutant(
        "settings of the first schedule",
        "Later schedules use the settings of the first one.",
        "Look for values that are kept outside of cosine_decay_schedule.",
        body="""
            kept = globals().setdefault("settings", (init_value, decay_steps, alpha))
            return kept[0] * jnp.cos(jnp.pi * kept[2] * count / kept[1])
            """,
    ),
    Mutant(
        "if on the step",
        "An if depends on the step number, which inside jit is not known yet.",
        "One formula serves all steps.",
        body="""
            if count <= 0:
                return init_value
            return init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
            """,
    ),
    keeps_a_trace(
        body="""
            rate = init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
            globals().setdefault("rates", []).append(rate)
            return rate
            """,
    ),
)

_ALTERNATIVES = {
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

_EQUIVALENTS = (
    Equivalent(
        "whole turns added",
        "The cosine repeats after a turn of 2π.",
        edits=(
            (
                "jnp.cos(jnp.pi * alpha * count / decay_steps)",
                "jnp.cos(jnp.pi * (2 - alpha * count / decay_steps))",
            ),
        ),
    ),
    Equivalent(
        "negative angle",
        "The cosine is even.",
        edits=(("jnp.cos(jnp.pi", "jnp.cos(-jnp.pi"),),
    ),
    Equivalent(
        "absolute value",
        "With an alpha of at most 1/2, all that the settings allow, the angle stays within a quarter-turn.",
        body="return init_value * jnp.abs(jnp.cos(jnp.pi * alpha * count / decay_steps))",
    ),
    Equivalent(
        "held after the last step",
        "A run has no steps beyond decay_steps.",
        edits=(("* count /", "* jnp.minimum(count, decay_steps) /"),),
    ),
)


def _run(n_counts: int) -> Draw:
    """Settings of a run, and steps of it, the first and the last among them if there are more than one."""

    def draw(rng: Rng) -> Inputs:
        steps = size(rng, 300, 5000)
        inner = [int(count) for count in rng.randint(1, steps, n_counts)]
        counts = inner if n_counts == 1 else [0, *sorted(inner), steps]
        rate, alpha = number(rng, 0.02, 3.0, 3), number(rng, 0.1, 0.4, 3)
        return {"init_value": rate, "decay_steps": steps, "alpha": alpha, "counts": counts}

    return draw


def _two_runs(rng: Rng) -> Inputs:
    """The second run is the longer one: what a schedule gives beyond its last step is left open."""
    first, second = sorted((_run(2)(rng), _run(2)(rng)), key=lambda inputs: inputs["decay_steps"])
    del second["counts"]
    return first | other(second)


_HIDDEN = {
    "published": Hidden("one step of a run", _run(1)),
    "whole run": Hidden("steps from the first to the last of a run", _run(5)),
    "other settings": Hidden("other settings", _run(3)),
    "traced": Hidden("step numbers that are arrays inside jit", _run(4)),
    "two schedules": Hidden("two schedules with their own settings, called in turn", _two_runs),
}

COSINE_DECAY_SCHEDULE = InstructorExercise(
    "cosine_decay_schedule",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (COSINE_DECAY_SCHEDULE,)
