"""Right answers that look different from the reference, and edits that change nothing, are accepted."""

from __future__ import annotations

from collections import Counter

import pytest

import autograder.alternatives
from autograder.alternatives import Alternative, alternatives_of, load_alternative
from autograder.equivalents import Equivalent, equivalents_of
from autograder.mutants import apply_edits, edited_answer, load_mutant, mutants_of
from autograder.reference import solution_text
from course.checks import State, check, render_text

ALTERNATIVES = alternatives_of("fixmatch")
EQUIVALENTS = equivalents_of("fixmatch")


@pytest.mark.parametrize("alternative", ALTERNATIVES, ids=lambda item: f"{item.exercise}: {item.title}")
def test_an_alternative_is_accepted(alternative: Alternative) -> None:
    result = check.run(alternative.exercise, load_alternative("fixmatch", alternative))
    assert result.state is State.CORRECT, render_text(result)


@pytest.mark.parametrize("equivalent", EQUIVALENTS, ids=lambda item: f"{item.exercise}: {item.id}")
def test_an_equivalent_is_accepted(equivalent: Equivalent) -> None:
    result = check.run(equivalent.exercise, load_mutant("fixmatch", equivalent))
    assert result.state is State.CORRECT, render_text(result)


def test_eight_alternatives_of_each() -> None:
    counts = Counter(alternative.exercise for alternative in ALTERNATIVES)
    assert min(counts.values()) >= 8, counts


def test_alternatives_stand_on_their_own() -> None:
    """They define the function themselves: none is the reference by mistake."""
    for alternative in ALTERNATIVES:
        function = load_alternative("fixmatch", alternative)
        assert function.__module__ != "solutions.fixmatch"
        assert f"def {alternative.exercise}(" in alternative.source, alternative.title


def test_equivalents_change_the_answer_and_say_why_it_does_not_matter() -> None:
    for equivalent in EQUIVALENTS:
        unchanged = edited_answer("fixmatch", Equivalent(equivalent.exercise, "", ""))
        assert unchanged.strip() in solution_text("fixmatch")
        assert edited_answer("fixmatch", equivalent) != unchanged, equivalent.id
        assert equivalent.why.endswith("."), equivalent.id


def test_no_equivalent_is_listed_as_a_mutant() -> None:
    answers = {
        (item.exercise, edited_answer("fixmatch", item).strip())
        for item in (*mutants_of("fixmatch"), *EQUIVALENTS)
    }
    assert len(answers) == len(mutants_of("fixmatch")) + len(EQUIVALENTS), "two of them are the same text"


def test_two_alternatives_of_one_title_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    module = autograder.alternatives.importlib.import_module("autograder.alternatives.fixmatch")
    monkeypatch.setattr(module, "ALTERNATIVES", (ALTERNATIVES[0], ALTERNATIVES[0]))
    with pytest.raises(ValueError, match=f"{ALTERNATIVES[0].exercise}: '{ALTERNATIVES[0].title}'"):
        alternatives_of.__wrapped__("fixmatch")


def test_a_whole_body_replaces_the_answer_and_keeps_the_rest() -> None:
    function = (
        "def f(x):\n    '''Doc.'''\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n    # end\n"
    )
    edited = apply_edits(Equivalent("f", "other", "", body="\n        y = x\n        return y\n"), function)
    assert edited == function.replace("    return 1\n", "    y = x\n    return y\n")
