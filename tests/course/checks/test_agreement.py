"""Public and hidden checks agree on answers that were made for neither.

A student must be able to find every mistake that costs points: what a hidden draw rejects, the public check
rejects as well, and the other way round. Only a function that knows the public inputs is an exception.
"""

from __future__ import annotations

import copy
import random
import sys

import pytest

from autograder.expected.hidden import hidden_check
from autograder.units.alternative import alternatives_of, load_alternative
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import load_edited, load_mutant, mutants_of
from course.checks import State, check
from course.checks.case import Verdict
from course.checks.runner import find_check, judge_case
from tests.support.single_edits import single_edits

pytestmark = pytest.mark.usefixtures("operations_one_by_one")
FEW, MANY = 6, 60
SECRETS = 20


def disagreements(exercise: str, edits: int, secrets: int) -> list[str]:
    """Edits of the answer on which the public check and one of the hidden ones differ."""
    unit, _ = find_check(exercise)
    rng = random.Random(exercise)
    found = single_edits(unit, exercise)
    hidden = [hidden_check(unit, exercise, bytes([number]) * 16) for number in range(1, 1 + secrets)]
    wrong = []
    for edit in rng.sample(found, min(edits, len(found))):
        function = load_edited(unit, edit)[exercise]
        public = check.run(exercise, function).state is State.CORRECT
        for cases, expectation in hidden:
            passed = all(
                judge_case(case, expectation, function, case.inputs()).passed for case in cases.cases
            )
            if passed != public:
                wrong.append(f"{'accepted' if public else 'rejected'} in public alone: {edit.body}")
    return wrong


def test_public_and_hidden_agree(exercise: str) -> None:
    assert disagreements(exercise, FEW, secrets=1) == []


@pytest.mark.slow
def test_public_and_hidden_agree_for_many_secrets(exercise: str) -> None:
    assert disagreements(exercise, MANY, secrets=SECRETS) == []


@pytest.mark.slow
def test_known_answers_are_judged_alike_for_many_secrets(exercise: str) -> None:
    """Each mutant fails every one of twenty hidden checks; each right answer passes them all."""
    unit, _ = find_check(exercise)
    wrong = {m.id: load_mutant(unit, m) for m in mutants_of(unit) if m.exercise == exercise}
    right = {a.title: load_alternative(unit, a) for a in alternatives_of(unit) if a.exercise == exercise}
    right |= {e.id: load_mutant(unit, e) for e in equivalents_of(unit) if e.exercise == exercise}
    for number in range(SECRETS):
        cases, expectation = hidden_check(unit, exercise, bytes([number]) * 16)
        drawn = [(case, case.inputs()) for case in cases.cases]
        for passes, functions in ((False, wrong), (True, right)):
            for name, function in functions.items():
                # Of its own, as some of them change what they are given.
                own = ((case, copy.deepcopy(inputs)) for case, inputs in drawn)
                verdicts = (judge_case(case, expectation, function, inputs) for case, inputs in own)
                assert all(verdict.passed for verdict in verdicts) is passes, (number, name)


def test_answers_are_edited_in_many_places(exercise: str) -> None:
    unit, _ = find_check(exercise)
    bodies = [edit.body for edit in single_edits(unit, exercise)]
    assert len(set(bodies)) == len(bodies) >= 9


@pytest.mark.parametrize(("passes", "where"), [(False, "accepted"), (True, "rejected")])
def test_a_disagreement_is_found(passes: bool, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "judge_case", lambda *arguments: Verdict(passes))
    found = disagreements("labels_to_reach", MANY, secrets=1)
    assert found and all(one.startswith(f"{where} in public alone") for one in found)
