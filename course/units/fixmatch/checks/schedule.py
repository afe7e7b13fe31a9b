"""Check of ``cosine_decay_schedule``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.case import Call, Case, Check, Inputs
from course.checks.compare import Tolerance
from course.checks.functions import KEPT, KEPT_LOOK, Function, other
from course.checks.jax_functions import arrays
from course.checks.programs import compiled
from course.checks.purity import trace

# The absolute part is far below a learning rate; it is for cosines near zero.
_PUBLISHED_RATE = Tolerance(2e-4, 1e-6, "the published value has four digits")
_RATE = Tolerance(1e-4, 1e-6, "the order of float32 operations may differ")


def _published(rng: np.random.RandomState) -> Inputs:
    return {"init_value": 3e-2, "decay_steps": 2**20, "alpha": 7 / 16, "counts": [2**17]}


def _whole_run(rng: np.random.RandomState) -> Inputs:
    return {"init_value": 0.2, "decay_steps": 1000, "alpha": 0.4375, "counts": [0, 1, 250, 500, 999, 1000]}


def _other_settings(rng: np.random.RandomState) -> Inputs:
    return {"init_value": 1.5, "decay_steps": 7, "alpha": 0.3, "counts": [0, 3, 5, 7]}


def _two_settings(rng: np.random.RandomState) -> Inputs:
    return {"init_value": 0.5, "decay_steps": 40, "alpha": 0.5, "counts": [4, 20]} | other(
        {"init_value": 2.0, "decay_steps": 90, "alpha": 0.25}
    )


def _schedule(call: Call, function: Function, inputs: Inputs) -> Any:
    return call(function, inputs["init_value"], inputs["decay_steps"], inputs["alpha"])


def _python_counts(call: Call, function: Function, inputs: Inputs) -> Any:
    schedule = _schedule(call, function, inputs)
    return [call(schedule, count) for count in inputs["counts"]]


def _traced_counts(call: Call, function: Function, inputs: Inputs) -> Any:
    schedule = _schedule(call, function, inputs)
    rates = compiled(jax.vmap(lambda count: call(schedule, count)))(jnp.asarray(np.array(inputs["counts"])))
    return list(np.asarray(rates))  # a rate for each step, as in the other cases


def _two_schedules(call: Call, function: Function, inputs: Inputs) -> Any:
    """Two schedules side by side, the first of which is asked again after the second."""
    first = _schedule(call, function, inputs)
    second = call(function, *(inputs[f"other {name}"] for name in ("init_value", "decay_steps", "alpha")))
    rates = {
        name: [call(rate, count) for count in inputs["counts"]]
        for name, rate in zip(_SCHEDULES, (first, second, first), strict=True)
    }
    trace(call, first, arrays(inputs["counts"][0]))
    return rates


def _at_steps(inputs: Inputs) -> dict[str, str]:
    """The names of the rates, one for each step."""
    return {f"returned[{i}]": f"the learning rate at step {step}" for i, step in enumerate(inputs["counts"])}


def _at_steps_of_two(inputs: Inputs) -> dict[str, str]:
    return {
        f'returned["{name}"][{i}]': f"{name}, at step {step}"
        for name in _SCHEDULES
        for i, step in enumerate(inputs["counts"])
    }


_SCHEDULES = ("the first schedule", "the second schedule", "the first schedule, called again")
_SHOWN = ("init_value", "decay_steps", "alpha", "counts")

COSINE_DECAY_SCHEDULE = Check(
    name="cosine_decay_schedule",
    cases=(
        Case(
            name="published",
            tries="the published value: an eighth of the practical's run",
            draw=_published,
            drive=_python_counts,
            tolerance=_PUBLISHED_RATE,
            stated=[0.02955833],
            misconception="The value is not init_value · cos(π · alpha · count / decay_steps).",
            look="Compare your expression with the formula, factor by factor.",
            names={"returned[0]": "the learning rate at step 2**17"},
            shown=_SHOWN,
        ),
        Case(
            name="whole run",
            tries="steps from the first to the last of a run of 1,000",
            draw=_whole_run,
            drive=_python_counts,
            tolerance=_RATE,
            misconception="The curve is not the cosine over a fraction alpha of a half-turn.",
            look="It starts at init_value and ends at init_value · cos(π · alpha).",
            names_of=_at_steps,
            shown=_SHOWN,
        ),
        Case(
            name="other settings",
            tries="another alpha, another length and another initial value",
            draw=_other_settings,
            drive=_python_counts,
            tolerance=_RATE,
            misconception="A number from the paper is hard-coded where an argument belongs.",
            look="alpha, decay_steps and init_value all come from the arguments of cosine_decay_schedule.",
            names_of=_at_steps,
            shown=_SHOWN,
        ),
        Case(
            name="traced",
            tries="a step number that is an array inside jit",
            draw=_whole_run,
            drive=_traced_counts,
            tolerance=_RATE,
            misconception="Inside jit the step number is an array; your expression treats it differently.",
            look="Look for integer division, int() and if.",
            names_of=_at_steps,
            shown=_SHOWN,
        ),
        Case(
            name="two schedules",
            tries="two schedules with their own settings, called in turn",
            draw=_two_settings,
            drive=_two_schedules,
            tolerance=_RATE,
            misconception=KEPT,
            look=KEPT_LOOK,
            names={f'returned["{name}"][0]': name for name in _SCHEDULES},  # in the order of the calls
            names_of=_at_steps_of_two,
            shown=(*_SHOWN, *(f"other {name}" for name in _SHOWN[:3])),
        ),
    ),
)

CHECKS = (COSINE_DECAY_SCHEDULE,)
