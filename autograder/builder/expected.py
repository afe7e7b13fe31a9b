"""The files of expected values, generated from the reference and from its mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autograder.expected.values import double_precision, reference_values, round_floats
from autograder.units.mutant import load_mutant, mutants_of
from course.catalog import checks_of
from course.checks.case import Check, drive
from course.checks.expectations import Expectation, dump_expectations, dump_way
from course.checks.slips import Seen, Slip, Way, effect_of, explain


def generate(unit: str) -> dict[str, bytes]:
    """The derived files of a unit's checks: path within the repository → bytes.

    Raises:
        ValueError: the reference fails on a case or contradicts a published value, a mutant lacks its texts,
            no case rejects a mutant in a way that tells it from the others, or no mistake is a common one.
    """
    with double_precision():
        expectations = {check.name: _expectation(unit, check) for check in checks_of(unit)}
    return {f"course/units/{unit}/expected.json": dump_expectations(unit, expectations)}


def _expectation(unit: str, check: Check) -> Expectation:
    values = reference_values(unit, check)
    own = [mutant for mutant in mutants_of(unit) if mutant.exercise == check.name]
    if not own:
        raise ValueError(f"{check.name} has no mutant: add its record to a file in autograder/units/{unit}/")
    trials = [(m.slip, list(_trials(check, values, load_mutant(unit, m)))) for m in own]
    slips = {m.slip: Slip(m.slip, m.message, m.look, _ways(m.slip, trials)) for m in own if not m.name}
    _require_own_explanations(check, slips, trials)
    return replace(values, slips=slips, common=_common(unit, check.name))


def _common(unit: str, exercise: str) -> tuple[str, ...]:
    """What learners read of common mistakes."""
    common = tuple(m.common for m in mutants_of(unit) if m.exercise == exercise and m.common)
    if not common:
        raise ValueError(f"{exercise}: no mistake is a common one: give one of its mutants the text `common`")
    return common


_Trials = Sequence[tuple[str, list[Seen]]]  # of each mutant, by its slip


def _trials(check: Check, values: Expectation, mutant: Callable[..., Any]) -> Iterator[Seen]:
    """What a mutant leads to in each case that a check tries of it."""
    failed = False
    for case in check.cases:
        if failed and case.last:
            continue
        outcome, expected = drive(case, mutant, case.inputs()), values.cases[case.name]
        effect = effect_of(case, expected, outcome)
        if effect is not None:
            places = {place: round_floats(value) for place, value in effect.places.items()}
            effect = replace(effect, places=places)
        yield Seen(case, expected, effect)
        failed = failed or effect is not None
        if outcome.failure is not None and outcome.failure.settles:
            return


def _ways(slip: str, trials: _Trials) -> tuple[Way, ...]:
    """How the mutants of a slip show themselves, without those that are written like an earlier one."""
    ways = [
        {one.case.name: one.effect for one in seen if one.effect} for name, seen in trials if name == slip
    ]
    return tuple({dump_way(way): way for way in ways}.values())


def _require_own_explanations(check: Check, slips: Mapping[str, Slip], trials: _Trials) -> None:
    """Raise ValueError where a mutant passes every case, or does in all of them what another slip's does."""
    faults = [f"{name!r}: {said}" for name, seen in trials if (said := _fault(slips[name], seen, slips))]
    if faults:
        raise ValueError(
            f"{check.name}: no case tells these slips from others: {', '.join(dict.fromkeys(faults))}"
        )


def _fault(slip: Slip, seen: list[Seen], slips: Mapping[str, Slip]) -> str:
    """Why a mutant is not told from others; empty where it is."""
    if not any(one.effect for one in seen):
        return "passes all cases"
    if explain(seen, slips.values()) == (slip,):
        return ""
    others = [
        other.id for other in slips.values() if other != slip and explain(seen, (slip, other)) != (slip,)
    ]
    return f"looks like {' and '.join(map(repr, others))}"
