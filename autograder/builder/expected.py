"""The files of expected values, generated from the reference and from its mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograder.expected.values import double_precision, reference_values, round_floats
from autograder.units.mutant import load_mutant, mutants_of
from course.catalog import checks_of
from course.checks.case import FINDINGS, Check, drive
from course.checks.expectations import Expectation, dump_expectations, dump_way
from course.checks.slips import Effect, Seen, Slip, Way, effect_of, explain


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
    slips = {m.slip: Slip(m.slip, m.message, m.look, ()) for m in own if not m.name}
    for mutant in own:
        way = _way(check, values, load_mutant(unit, mutant))
        slip = slips[mutant.slip]
        slips[mutant.slip] = replace(slip, ways=(*slip.ways, way))
    slips = {name: replace(slip, ways=_distinct(slip.ways)) for name, slip in slips.items()}
    _require_own_explanations(check, values, slips)
    return replace(values, slips=slips, common=_common(unit, check.name))


def _common(unit: str, exercise: str) -> tuple[str, ...]:
    """What learners read of common mistakes."""
    common = tuple(m.common for m in mutants_of(unit) if m.exercise == exercise and m.common)
    if not common:
        raise ValueError(f"{exercise}: no mistake is a common one: give one of its mutants the text `common`")
    return common


def _way(check: Check, values: Expectation, mutant: Callable[..., Any]) -> Way:
    """What a mutant leads to, in each case that it fails. Where a check would stop, so does this."""
    way: dict[str, Effect] = {}
    for case in check.cases:
        if way and case.last:
            continue
        outcome = drive(case, mutant, case.inputs())
        effect = effect_of(case, values.cases[case.name], outcome)
        if effect is not None:
            places = {place: round_floats(value) for place, value in effect.places.items()}
            way[case.name] = replace(effect, places=places)
        if outcome.failure is not None and outcome.failure.settles:
            break
    return way


def _distinct(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """Without those that are written like an earlier one."""
    return tuple({dump_way(way): way for way in ways}.values())


def _require_own_explanations(check: Check, values: Expectation, slips: Mapping[str, Slip]) -> None:
    """Raise ValueError where a mutant passes every case, or does in all of them what another slip's does."""
    alike = [
        f"{slip.id!r}: {said}"
        for slip in slips.values()
        for way in slip.ways
        if (said := _fault(check, values, slip, way, slips)) is not None
    ]
    if alike:
        raise ValueError(f"{check.name}: no case tells these slips from others: {', '.join(alike)}")


def _fault(check: Check, values: Expectation, slip: Slip, way: Way, slips: Mapping[str, Slip]) -> str | None:
    if not way:
        return "passes all cases"
    seen = list(_tried(check, values, way))
    if explain(seen, slips.values()) == (slip,):
        return None
    others = [
        other.id for other in slips.values() if other != slip and explain(seen, (slip, other)) != (slip,)
    ]
    return f"looks like {' and '.join(map(repr, others))}"


def _tried(check: Check, values: Expectation, way: Way) -> Iterator[Seen]:
    """The cases that a check tries of a function that fails in this way."""
    failed = False
    for case in check.cases:
        if failed and case.last:
            continue
        effect = way.get(case.name)
        yield Seen(case, values.cases[case.name], effect)
        failed = failed or effect is not None
        if effect is not None and effect.error in FINDINGS:
            return
