"""A misconception is named where it explains all that was seen, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from course.checks.case import Case, Failure, Outcome
from course.checks.functions import FLOAT32
from course.checks.plain import Opaque, Plain
from course.checks.slips import Effect, Seen, Slip, effect_of, explain, message_pattern

EXPECTED: dict[str, Plain] = {"a": 1.0, "b": np.array([1.0, 2.0])}
A, B = 'returned["a"]', 'returned["b"]'


def case(name: str) -> Case:
    return Case(
        name, name, lambda rng: {}, lambda call, function, inputs: None, FLOAT32, "It is wrong.", "Look."
    )


def seen(**effects: Effect | None) -> list[Seen]:
    return [Seen(case(name), EXPECTED, effect) for name, effect in effects.items()]


def slip(name: str, *ways: Mapping[str, Effect]) -> Slip:
    return Slip(name, f"It is {name}.", "Look.", ways)


def a(value: float) -> Effect:
    return Effect({A: value})


RAISED = Effect(error="TypeError", message="no")
DOUBLED = slip("doubled", {"one": a(2.0), "two": a(2.0)})
LATER = slip("later", {"two": a(2.0)})
OTHER = slip("other", {"one": Effect({B: np.array([1.0, 3.0])})})


def explained(trials: list[Seen], *slips: Slip) -> list[str]:
    return [one.id for one in explain(trials, slips)]


def test_a_slip_explains_every_case_that_fails() -> None:
    assert explained(seen(one=a(2.0), two=a(2.0)), DOUBLED, LATER, OTHER) == ["doubled"]


@pytest.mark.parametrize("two", [a(2.1), None, Effect({A: 2.0, B: np.array([0.0, 0.0])}), RAISED])
def test_the_same_number_in_one_case_is_not_enough(two: Effect | None) -> None:
    named = ["doubled"] if two is RAISED else []  # an exception afterwards may be another mistake
    assert explained(seen(one=a(2.0), two=two), DOUBLED, LATER) == named


def test_a_slip_that_changes_what_passes_is_none() -> None:
    assert explained(seen(one=None, two=a(2.0)), DOUBLED, LATER) == ["later"]
    assert explained(seen(one=None, two=a(2.0)), DOUBLED) == []


def test_cases_that_were_not_tried_tell_nothing() -> None:
    assert explained(seen(one=a(2.0)), DOUBLED) == ["doubled"]
    assert explained(seen(two=a(2.0)), DOUBLED, LATER) == [], "both would do"


def test_two_slips_are_named_where_each_explains_a_part() -> None:
    both = seen(one=Effect({A: 2.0, B: np.array([1.0, 3.0])}), two=a(2.0))
    assert explained(both, DOUBLED, OTHER) == ["doubled", "other"]
    assert explained(both, DOUBLED, slip("third", {"three": a(0.0)})) == []


def test_two_pairs_that_would_do_are_none() -> None:
    both = seen(one=Effect({A: 2.0, B: np.array([1.0, 3.0])}), two=a(2.0))
    assert explained(both, DOUBLED, OTHER, slip("again", *OTHER.ways)) == []


def test_any_way_of_a_slip_will_do() -> None:
    several = slip("several", {"one": RAISED}, {"one": a(2.0)})
    assert explained(seen(one=a(2.0)), several) == ["several"]
    assert explained(seen(one=RAISED), several) == ["several"]


def test_what_raises_first_has_to_be_explained() -> None:
    assert explained(seen(one=RAISED, two=a(2.0)), LATER) == []
    assert explained(seen(one=Effect(error="TypeError", message="yes")), slip("no", {"one": RAISED})) == []


def test_another_structure_hides_what_values_would_have_been() -> None:
    whole = slip("a list", {"one": Effect({"returned": [1.0]})})
    trials = seen(one=Effect({"returned": [1.0]}), two=a(2.0))
    assert explained(trials, whole, DOUBLED) == ["a list", "doubled"]
    assert explained(trials, whole, DOUBLED, LATER) == [], "both would do"


def test_a_rounding_decides_nothing() -> None:
    """float32 passes what double precision fails by a hair, or the reverse."""
    hair = slip("hair", {"one": Effect({A: 1.0002, B: np.array([9.0, 9.0])})})
    assert explained(seen(one=Effect({B: np.array([9.0, 9.0])})), hair) == ["hair"]
    assert explained(seen(one=Effect({A: 1.0002, B: np.array([1.0, 3.0])})), OTHER) == ["other"]
    assert explained(seen(one=Effect({A: 1.2, B: np.array([1.0, 3.0])})), OTHER) == []


def test_the_effect_of_an_outcome() -> None:
    one = case("one")
    assert effect_of(one, EXPECTED, Outcome(EXPECTED)) is None
    changed = effect_of(one, EXPECTED, Outcome({"a": 3.0, "b": np.array([1.0, 2.0]), "more": 1}))
    assert changed == Effect({A: 3.0})
    other = effect_of(one, EXPECTED, Outcome([Opaque("Model", "at 0x7f"), {"x": Opaque("set", "{1}")}]))
    assert other == Effect({"returned": [Opaque("Model", ""), {"x": Opaque("set", "")}]})
    failure = Failure("TypeError", "no float32 at 0x7fab", "", (), "", False, "")
    assert effect_of(one, EXPECTED, Outcome(failure=failure)) == Effect(
        error="TypeError", message="no float at …"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("got DynamicJaxprTracer", "got ArrayImpl"),
        ("two elements, with value (Array([1.]), {'a': 2})", "two elements, with value (Tracer, {})"),
        ("expected Double but found Float", "expected Half but found Float"),
        ("at 0x7fab", "at 0x12"),
    ],
)
def test_the_text_of_an_exception_without_precision_and_mode(one: str, other: str) -> None:
    assert message_pattern(one) == message_pattern(other)


def test_numbers_of_another_structure_may_be_those_of_another_mistake() -> None:
    flat = slip("flat", {"one": Effect({"returned": [1.0, np.array([1.0, 2.0])]})})
    long = slip("long", {"one": Effect({"returned": [1.0, np.array([1.0, 2.0, 3.0])]})})
    trials = seen(one=Effect({"returned": [7.0, np.array([8.0, 9.0])]}))
    assert explained(trials, flat, long) == ["flat"]
    assert explained(trials, flat, slip("again", *flat.ways)) == [], "both would do"


def test_what_differs_by_little_more_than_the_tolerance_has_no_slip() -> None:
    """Such as a result that is rounded: no slip explains so little, and the report does without."""
    nearly = a(1 + 3 * FLOAT32.rtol)
    assert effect_of(case("one"), EXPECTED, Outcome({"a": nearly.places[A], "b": np.array([1.0, 2.0])}))
    assert explain(seen(one=nearly), [DOUBLED, OTHER]) == ()
