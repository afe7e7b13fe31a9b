"""The expected values: generated, the same bytes each time, and the only form in which answers ship."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from autograder.builder import expected
from autograder.expected.values import double_precision
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import Mutant, edited_answer, mutants_of
from course.catalog import load_course
from course.checks.earlier import Library
from course.checks.expectations import FORMAT, Expectation, _decode, dump_expectations, load_expectations
from course.checks.runner import find_check
from course.checks.slips import Effect, Slip
from course.units.fixmatch.checks import CHECKS, log_probs

ROOT = Path(__file__).parents[3]
CHECK_FILES = [*ROOT.glob("course/checks/*.py"), *ROOT.glob("course/units/*/checks/*.py")]


def test_the_file_is_strict_json_in_short_lines() -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    text = (ROOT / "course" / "units" / "fixmatch" / "expected.json").read_text(encoding="utf-8")
    data = json.loads(text, parse_constant=refuse)
    assert (data["format"], data["unit"]) == (FORMAT, "fixmatch")
    assert list(data["checks"]) == [check.name for check in CHECKS]
    assert len(text) < 700_000


def test_equal_expectations_give_equal_bytes() -> None:
    made = {
        "a": Expectation(
            {"one": np.array([1.0, np.nan])},
            {"slip": Slip("slip", "This is λ.", "Look.", ({"one": Effect(error="TypeError", message="λ")},))},
            common=("One.", "Another."),
        ),
        "b": Expectation(
            {"two": [1, {"x": float("inf")}]},
            {"slip": Slip("slip", "This is 2.", "Look.", ({"two": Effect({"returned": 2.0})}, {}))},
        ),
    }
    assert dump_expectations("unit", made) == dump_expectations("unit", dict(made))
    written = json.loads(dump_expectations("unit", made))["checks"]
    read = {name: _decode(entry) for name, entry in written.items()}
    for name, expectation in made.items():
        assert (read[name].slips, read[name].common) == (expectation.slips, expectation.common)


def test_the_words_that_are_kept_are_those_of_the_mutants() -> None:
    for unit in load_course().units:
        words = {(m.exercise, m.slip): (m.message, m.look) for m in mutants_of(unit.name) if not m.name}
        kept = load_expectations(unit.name)
        assert words == {
            (exercise, slip.id): (slip.message, slip.look)
            for exercise, found in kept.items()
            for slip in found.slips.values()
        }


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1 / 3, 0.333333333),
        (1e-17, 0.0),
        (12345.678912345, 12345.6789),
        (-2.5, -2.5),
        (3, 3),
        (float("inf"), float("inf")),
    ],
)
def test_rounding(value: float, rounded: float) -> None:
    assert expected.round_floats(value) == rounded
    assert expected.round_floats([{"a": value}]) == [{"a": rounded}]


def test_float32_keeps_the_digits_that_no_machine_disputes() -> None:
    """A mean of a mask stays float32 in double precision; its last digit depends on the order of the sum."""
    neighbors = np.array([3 / 7, np.nextafter(np.float32(3 / 7), np.float32(1))], np.float32)
    rounded = expected.round_floats(neighbors)
    assert list(rounded) == [0.428571, 0.428571]


CHECK = log_probs.LOGITS_TO_LOG_PROBS
FIRST, SECOND = "probabilities", "over the batch"


def with_mutants(monkeypatch: pytest.MonkeyPatch, *mutants: Mutant) -> None:
    monkeypatch.setattr(expected, "mutants_of", lambda unit: mutants)


@pytest.mark.parametrize("exercise", [e.name for unit in load_course().units for e in unit.exercises])
def test_what_is_kept_is_what_reference_and_mutants_give(
    exercise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the slips, and the common ones; all of them in a long test of `test_derived.py`."""
    unit, check = find_check(exercise)
    own = [mutant for mutant in mutants_of(unit) if mutant.exercise == exercise]
    slips = [mutant.slip for mutant in own if not mutant.name]
    tried = {*slips[::10], *(mutant.slip for mutant in own if mutant.common)}
    kept = load_expectations(unit)[exercise]
    assert list(kept.slips) == slips
    with_mutants(monkeypatch, *(mutant for mutant in own if mutant.slip in tried))
    with double_precision():
        made = expected._expectation(unit, check)
    assert made.slips.keys() == tried
    some = dataclasses.replace(kept, slips={slip: kept.slips[slip] for slip in made.slips})
    assert dump_expectations(unit, {exercise: made}) == dump_expectations(unit, {exercise: some})


def bodies(one: str, two: str, common: str = "A common mistake.") -> list[Mutant]:
    return [
        Mutant(slip, f"It is {slip}.", "Look.", body=f"return {answer}", common=text, exercise=CHECK.name)
        for slip, answer, text in ((FIRST, one, common), (SECOND, two, ""))
    ]


def generate_for(monkeypatch: pytest.MonkeyPatch, *mutants: Mutant) -> Expectation:
    with_mutants(monkeypatch, *mutants)
    return expected._expectation("fixmatch", CHECK)


def test_slips_and_common_mistakes_have_the_texts_of_the_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    further = Mutant(SECOND, name="again", body="return logits * 1", exercise=CHECK.name)
    found = generate_for(monkeypatch, *bodies(one="jax.nn.softmax(logits)", two="logits"), further)
    said = {name: (slip.id, slip.message, slip.look) for name, slip in found.slips.items()}
    assert said == {slip: (slip, f"It is {slip}.", "Look.") for slip in (FIRST, SECOND)}
    assert found.common == ("A common mistake.",)


def test_an_exercise_without_mutants_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [dataclasses.replace(mutant, exercise="another") for mutant in bodies(one="logits", two="1")]
    with pytest.raises(ValueError, match="logits_to_log_probs has no mutant: add its record to a file in"):
        generate_for(monkeypatch, *others)


def test_an_exercise_without_a_common_mistake_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants = bodies(one="jax.nn.softmax(logits)", two="logits", common="")
    with pytest.raises(ValueError, match="logits_to_log_probs: no mistake is a common one: give one"):
        generate_for(monkeypatch, *mutants)


def test_a_surviving_mutant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="these slips from others: 'over the batch': passes all cases"):
        generate_for(monkeypatch, *bodies(one="logits", two="jax.nn.log_softmax(logits)"))


def test_two_mutants_that_look_alike_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="others: 'probabilities': looks like 'over the batch', 'over the"):
        generate_for(monkeypatch, *bodies(one="logits + 1", two="1 + logits"))


def test_two_mutants_are_told_apart_by_a_later_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """They agree on four classes and differ on three."""
    found = generate_for(monkeypatch, *bodies(one="logits + 4", two="logits + logits.shape[1]"))
    one, two = (slip.ways[0] for slip in found.slips.values())
    assert one.keys() == two.keys() > {"published", "batch"}


def test_what_a_mutant_does_is_kept_for_every_case_that_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises on four classes and returns something on three."""
    found = generate_for(monkeypatch, *bodies(one="logits + jnp.ones(3)", two="logits"))
    (way,) = found.slips["probabilities"].ways
    assert way["published"].error == "ValueError" and way["published"].places == {}
    assert way["batch"].error == "" and way["batch"].places.keys() == {"returned"}


def test_other_code_for_the_same_slip_is_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    further = [
        Mutant(SECOND, name=name, body=f"return {answer}", exercise=CHECK.name)
        for name, answer in (("alike", "1 * logits"), ("raises", "logits + jnp.ones(99)"))
    ]
    found = generate_for(monkeypatch, *bodies(one="jax.nn.softmax(logits)", two="logits"), *further)
    assert [len(slip.ways) for slip in found.slips.values()] == [1, 2]


def test_the_reference_must_agree_with_published_values(monkeypatch: pytest.MonkeyPatch) -> None:
    case = dataclasses.replace(CHECK.cases[0], stated=CHECK.cases[0].stated + 0.01)
    with_mutants(monkeypatch)
    with pytest.raises(ValueError, match="the reference contradicts it"):
        expected._expectation("fixmatch", dataclasses.replace(CHECK, cases=(case,)))


@pytest.mark.parametrize("unit", [unit.name for unit in load_course().units])
def test_what_ships_with_a_slip_is_no_line_of_an_answer(unit: str) -> None:
    """Not even of a wrong one: the texts are written beside the code that they are about."""
    expectations = load_expectations(unit).values()
    slips = [slip for expectation in expectations for slip in expectation.slips.values()]
    texts = [text for slip in slips for text in (slip.id, slip.message, slip.look)]
    texts += [text for expectation in expectations for text in expectation.common]
    answers = [edited_answer(unit, edit) for edit in (*mutants_of(unit), *equivalents_of(unit))]
    lines = {line.strip() for answer in answers for line in answer.splitlines() if len(line.strip()) > 15}
    assert len(lines) > 30 and len(texts) > 200
    assert not [(line, text) for text in texts for line in lines if line in text]


# The calls that the exercises' answers consist of.
ANSWERS = {
    "log_softmax",
    "logsumexp",
    "one_hot",
    "argmax",
    "stop_gradient",
    "cos",
    "split",
    "array_split",
    "softmax",
}


def used_in(path: Path) -> set[str]:
    """Names and attributes in a file, but for a library's function that stands in for an exercise."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = [
        node
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Library"
        for node in ast.walk(call)
    ]
    rest = [node for node in ast.walk(tree) if not any(node is one for one in named)]
    used = {node.attr for node in rest if isinstance(node, ast.Attribute)}
    return used | {node.id for node in rest if isinstance(node, ast.Name)}


def test_no_answer_is_computed_in_the_package() -> None:
    assert len(CHECK_FILES) > 10
    for path in CHECK_FILES:
        assert not used_in(path) & ANSWERS, path


def test_the_only_library_functions_named_are_those_that_stand_in_for_exercises() -> None:
    named = "".join(path.read_text(encoding="utf-8") for path in CHECK_FILES)
    assert named.count("Library(") == 2
    libraries = [use for check in CHECKS for use in check.uses.values() if isinstance(use, Library)]
    assert [use.function for use in libraries] == [jax.nn.log_softmax, optax.softmax_cross_entropy]
