"""The expected values: generated, the same bytes each time, and the only form in which answers ship."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from autograder.builder import expected
from autograder.units.mutant import Mutant
from course.checks.case import Signature
from course.checks.earlier import Library
from course.checks.expectations import FORMAT, Expectation, _decode, dump_expectations
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
    assert len(text) < 100_000


def test_equal_expectations_give_equal_bytes() -> None:
    made = {
        "a": Expectation(
            {"one": np.array([1.0, np.nan])}, {"slip": Signature("one", error="TypeError", first="none")}
        ),
        "b": Expectation({"two": [1, {"x": float("inf")}]}, {"slip": Signature("two", returned=2.0)}),
    }
    assert dump_expectations("unit", made) == dump_expectations("unit", dict(made))
    written = json.loads(dump_expectations("unit", made))["checks"]
    assert {name: _decode(entry).signatures for name, entry in written.items()} == {
        name: expectation.signatures for name, expectation in made.items()
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


def with_mutants(monkeypatch: pytest.MonkeyPatch, *mutants: Mutant) -> None:
    monkeypatch.setattr(expected, "mutants_of", lambda unit: mutants)


def bodies(**answers: str) -> list[Mutant]:
    by_id = {slip.id: f"return {answer}" for slip, answer in zip(SLIPS, answers.values(), strict=True)}
    return [Mutant("logits_to_log_probs", slip, body=body) for slip, body in by_id.items()]


CHECK = log_probs.LOGITS_TO_LOG_PROBS
SLIPS = CHECK.slips[:2]


def generate_for(monkeypatch: pytest.MonkeyPatch, *mutants: Mutant) -> Expectation:
    import dataclasses

    with_mutants(monkeypatch, *mutants)
    return expected._expectation("fixmatch", dataclasses.replace(CHECK, slips=SLIPS))


def test_a_slip_without_a_mutant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="do not correspond: over the batch"):
        generate_for(monkeypatch, bodies(one="jax.nn.softmax(logits)", two="logits")[0])


def test_a_surviving_mutant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match="no case rejects these slips in a way of their own: 'over the batch'"
    ):
        generate_for(monkeypatch, *bodies(one="logits", two="jax.nn.log_softmax(logits)"))


def test_two_mutants_that_look_alike_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="in a way of their own: 'probabilities', 'over the batch'"):
        generate_for(monkeypatch, *bodies(one="logits + 1", two="1 + logits"))


def test_two_mutants_are_told_apart_by_a_later_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """They agree on four classes and differ on three."""
    found = generate_for(monkeypatch, *bodies(one="logits + 4", two="logits + logits.shape[1]"))
    assert {signature.case for signature in found.signatures.values()} == {"batch"}
    assert {signature.first for signature in found.signatures.values()} == {"published"}


def test_the_reference_must_agree_with_published_values(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    case = dataclasses.replace(CHECK.cases[0], stated=CHECK.cases[0].stated + 0.01)
    with_mutants(monkeypatch)
    with pytest.raises(ValueError, match="the reference contradicts it"):
        expected._expectation("fixmatch", dataclasses.replace(CHECK, slips=(), cases=(case,)))


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
