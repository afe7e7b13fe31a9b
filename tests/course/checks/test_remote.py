"""Driving a function in another session gives the verdicts of driving it here, and trusts nothing of it."""

from __future__ import annotations

import linecache
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.grading.remote import Remote, failure
from autograder.reference import solution_text
from autograder.units.alternative import Alternative, alternatives_of, imports_of, load_alternative
from autograder.units.mutant import Mutant, load_mutant, mutants_of
from course.checks.case import Case, Check, Failure, Inputs, Outcome, Verdict, attempt, judge
from course.checks.exchange import write_folder, write_outcome
from course.checks.expectations import load_expectations
from course.checks.runner import examine, find_check
from course.checks.subject import Kind, Local, Replaced, Trial
from course.checks.worker import serve
from course.errors import CourseError
from course.units.fixmatch.checks import CHECKS
from course.units.fixmatch.checks.log_probs import LOGITS_TO_LOG_PROBS
from tests.support.sessions import names_of, session_of

ROOT = Path(__file__).parents[3]


def judge_all(check: Check, drive_case: Callable[[Case, Inputs], Outcome]) -> list[Verdict]:
    """The verdicts on all cases, with the texts of differences and failures."""
    expectation = load_expectations(find_check(check.name)[0])[check.name]
    outcomes = [drive_case(case, case.inputs()) for case in check.cases]
    return [
        judge(case, outcome, expectation.cases[case.name])
        for case, outcome in zip(check.cases, outcomes, strict=True)
    ]


def source_of(function: Callable[..., object]) -> str:
    """The whole text of the module in which a function stands."""
    return "".join(linecache.getlines(function.__code__.co_filename))


def here_and_there(
    name: str, function: Callable[..., object], source: str, folder: Path
) -> tuple[list[Verdict], list[Verdict]]:
    _, check = find_check(name)
    there = Remote(session_of(names_of(source), folder), name)
    return (
        judge_all(check, lambda case, inputs: attempt(case, function, inputs, echo=False)),
        judge_all(check, lambda case, inputs: there.attempt(check, case, inputs)),
    )


def test_the_reference_passes_there_too(
    exercise: str, reference: Callable[..., object], tmp_path: Path
) -> None:
    unit, _ = find_check(exercise)
    here, there = here_and_there(exercise, reference, solution_text(unit), tmp_path)
    assert there == here == [Verdict(True)] * len(here)


TITLES = {"helper in another cell", "Python floats where possible", "Python floats"}
ALTERNATIVES = [
    item
    for item in alternatives_of("fixmatch")
    if item.exercise in ("logits_to_log_probs", "cosine_decay_schedule", "get_validate_fn")
    and item.title in TITLES
]


def test_three_alternatives_are_tried() -> None:
    assert len(ALTERNATIVES) == 3


@pytest.mark.parametrize("item", ALTERNATIVES, ids=lambda item: item.exercise)
def test_alternatives_pass_there_too(item: Alternative, tmp_path: Path) -> None:
    function = load_alternative("fixmatch", item)
    here, there = here_and_there(item.exercise, function, imports_of("fixmatch") + item.source, tmp_path)
    assert there == here == [Verdict(True)] * len(here)


# Of each exercise one that gives other values, and one that raises.
BY_VALUE_AND_BY_EXCEPTION = {
    "logits_to_log_probs": ("probabilities", "kept for later"),
    "log_softmax_cross_entropy": ("sign", "kept for later"),
    "cosine_decay_schedule": ("half cosine", "Python's math"),
    "get_forward_fn": ("views exchanged", "equal thirds"),
    "get_fixmatch_loss_fn": ("views exchanged", "ten classes"),
    "get_validate_fn": ("accuracy", "batches used up"),
    "mean_over_images": ("plain mean", "kept for later"),
}
# And some that return something of another structure.
OF_ANOTHER_STRUCTURE = ("batch_stats dropped", "batch_stats not unpacked", "squeezed")
WRONG = [
    mutant
    for mutant in mutants_of("fixmatch")
    if mutant.id in BY_VALUE_AND_BY_EXCEPTION[mutant.exercise]
    or (mutant.exercise == "get_forward_fn" and mutant.id in OF_ANOTHER_STRUCTURE)
]


def test_two_wrong_versions_of_every_exercise_are_tried() -> None:
    counts = Counter(mutant.exercise for mutant in WRONG)
    others = Counter({"get_forward_fn": len(OF_ANOTHER_STRUCTURE)})
    assert counts - others == Counter(dict.fromkeys((check.name for check in CHECKS), 2))


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: f"{mutant.exercise}: {mutant.id}")
def test_wrong_versions_get_the_same_verdicts_there(mutant: Mutant, tmp_path: Path) -> None:
    """Differences with their texts; exceptions with their line and the arguments of the call."""
    function = load_mutant("fixmatch", mutant)
    here, there = here_and_there(mutant.exercise, function, source_of(function), tmp_path)
    assert there == here
    assert not all(verdict.passed for verdict in there)
    if mutant.id in BY_VALUE_AND_BY_EXCEPTION[mutant.exercise]:
        by_value, _ = BY_VALUE_AND_BY_EXCEPTION[mutant.exercise]
        shown = [verdict.difference if mutant.id == by_value else verdict.failure for verdict in there]
        assert any(one is not None for one in shown)


def test_a_stub_is_unfinished_there_too(
    exercise: str, stub_text: Callable[[str], str], tmp_path: Path
) -> None:
    unit, check = find_check(exercise)
    there = Remote(session_of(names_of(imports_of(unit) + stub_text(exercise)), tmp_path), exercise)
    outcome = there.attempt(check, check.cases[0], check.cases[0].inputs())
    assert outcome.failure is not None
    assert outcome.failure.unfinished


def test_a_librarys_function_stands_in_for_a_wrong_earlier_exercise(tmp_path: Path) -> None:
    text = (ROOT / "solutions" / "fixmatch.py").read_text(encoding="utf-8")
    assert text.count("jax.nn.log_softmax(logits, axis=-1)") == 1
    wrong = text.replace("jax.nn.log_softmax(logits, axis=-1)", "jax.nn.softmax(logits, axis=-1)")
    check = next(check for check in CHECKS if check.name == "get_fixmatch_loss_fn")
    there = Remote(session_of(names_of(wrong), tmp_path), check.name)

    def passed(*names: str) -> bool:
        verdicts = judge_all(check, lambda case, inputs: there.attempt(check, case, inputs, Replaced(names)))
        return all(verdict.passed for verdict in verdicts)

    assert not passed()
    assert passed("logits_to_log_probs", "get_forward_fn")  # for the second there is none
    assert not passed()


@pytest.mark.parametrize("wrong", ["logits_to_log_probs", "log_softmax_cross_entropy"])
def test_an_examination_there_is_that_of_here(wrong: str, tmp_path: Path) -> None:
    """With its look at earlier exercises: a mistake counts once, in both places."""
    name = "get_fixmatch_loss_fn"
    names = names_of(solution_text("fixmatch") + f"\n\ndef {wrong}(*arguments):\n    return 0\n")
    here = examine(name, Local(names[name]), echo=False)
    there = examine(name, Remote(session_of(names, tmp_path), name), echo=False)
    assert here.result == there.result
    assert here.replaced.names == there.replaced.names
    assert wrong in here.result.note


CASE = LOGITS_TO_LOG_PROBS.cases[0]
NAME = LOGITS_TO_LOG_PROBS.name
RIGHT = "import jax\n\ndef logits_to_log_probs(logits):\n    return jax.nn.log_softmax(logits)\n"


def drive_it(there: Remote) -> Outcome:
    return there.attempt(LOGITS_TO_LOG_PROBS, CASE, CASE.inputs())


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("x = 1", "NameError", "defines no logits_to_log_probs"),
        ("logits_to_log_probs = 3", "TypeError", "a function is expected here, not int"),
        ("def logits_to_log_probs(logits):\n    return logits.nothing", "AttributeError", "nothing"),
        ("def logits_to_log_probs(logits):\n    raise SystemExit(4)", "SystemExit", "4"),
        (
            "import numpy as np\ndef logits_to_log_probs(logits):\n    return [np.zeros(1)] * 5000",
            "CourseError",
            "4096 arrays or 256000000 bytes: return less",
        ),
    ],
)
def test_what_code_raises_comes_back(source: str, kind: str, message: str, tmp_path: Path) -> None:
    outcome = drive_it(Remote(session_of(names_of(source), tmp_path), NAME))
    assert outcome.failure is not None
    assert outcome.failure.type == kind
    assert message in outcome.failure.message


def test_what_is_no_function_is_told(tmp_path: Path) -> None:
    there = Remote(session_of(names_of("logits_to_log_probs = 3"), tmp_path), NAME)
    assert there.kind() == Kind(callable=False, a_class=False, type="int")
    assert "was given int instead of a function" in examine(NAME, there, echo=False).result.message
    assert there.earlier("get_forward_fn") is None


def test_only_plain_inputs_are_sent(tmp_path: Path) -> None:
    there = Remote(session_of(names_of(RIGHT), tmp_path), NAME)
    with pytest.raises(CourseError, match="a object, which is not plain"):
        there.attempt(LOGITS_TO_LOG_PROBS, CASE, {"logits": object()})


def test_questions_and_answers_are_gone_afterwards(tmp_path: Path) -> None:
    """A session sees the inputs of one check at a time."""
    session = session_of(names_of(RIGHT), tmp_path)
    assert drive_it(Remote(session, NAME)).failure is None
    assert list(session.questions.iterdir()) == list(session.answers.iterdir()) == []


def answer_of(request: Mapping[str, Any]) -> Path:
    """Where the answer to a request is expected, or the one to its first case."""
    return Path(request.get("answer") or request["cases"][0]["answer"])


def _nothing(answer: Path) -> None:
    """No answer at all."""


def _a_text(answer: Path) -> None:
    answer.write_text("correct")


def _another_shape(answer: Path) -> None:
    write_folder({"passed": True}, answer)


def _a_link_to_a_right_answer(answer: Path) -> None:
    elsewhere = answer.with_name(f"elsewhere of {answer.name}")
    write_outcome(Outcome(returned=1.0), elsewhere)
    answer.symlink_to(elsewhere)


def _a_pipe(answer: Path) -> None:
    answer.mkdir()
    os.mkfifo(answer / "data.json")


@pytest.mark.parametrize(
    "leave", [_nothing, _a_text, _another_shape, _a_link_to_a_right_answer, _a_pipe], ids=lambda f: f.__name__
)
def test_an_answer_that_is_none_is_a_failure(leave: Callable[[Path], None], tmp_path: Path) -> None:
    session = session_of({}, tmp_path, lambda request: leave(answer_of(request)))
    there = Remote(session, NAME)
    outcome = drive_it(there)
    assert outcome.failure is not None and outcome.failure.type == "NoAnswer"
    assert there.called(["get_forward_fn"]) == []
    assert there.kind() == Kind(True, False, "function")


def test_a_link_in_the_place_of_an_answer_is_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("another's")
    session = session_of({}, tmp_path / "session", lambda request: os.symlink(kept, answer_of(request)))
    drive_it(Remote(session, NAME))
    assert (kept / "file").read_text() == "another's"


def test_a_session_that_does_not_serve_is_a_failure(tmp_path: Path) -> None:
    there = Remote(session_of({}, tmp_path, lambda request: LATE), NAME)
    assert drive_it(there) == Outcome(failure=LATE)
    assert there.called(["get_forward_fn"]) == []


def announced(there: Remote) -> list[Trial]:
    """All cases with their inputs, which the function has been told to expect."""
    drawn = [(case, case.inputs()) for case in LOGITS_TO_LOG_PROBS.cases]
    there.look_ahead(drawn)
    return drawn


def all_of_them(there: Remote) -> list[Outcome]:
    """What attempting each case gives, where they have been announced."""
    return [there.attempt(LOGITS_TO_LOG_PROBS, *trial) for trial in announced(there)]


def served(names: Mapping[str, Any], asked: list[int], answers: Mapping[int, int]) -> Any:
    """A session that notes how many cases it is asked for, and serves some of them.

    Args:
        names: of the session.
        asked: gets the number of cases of each request.
        answers: number of cases of a request → how many of these are served, if not all.
    """

    def meanwhile(request: Mapping[str, Any]) -> Failure | None:
        cases = request["cases"]
        asked.append(len(cases))
        n = answers.get(len(cases), len(cases))
        serve({**request, "cases": cases[:n]}, names)
        return LATE if n < len(cases) else None

    return meanwhile


LATE = failure("TimeLimit", "no answer after 60 seconds")
N = len(LOGITS_TO_LOG_PROBS.cases)


def test_cases_that_follow_are_asked_for_together(tmp_path: Path) -> None:
    asked: list[int] = []
    session = session_of({}, tmp_path, served(names_of(RIGHT), asked, {}))
    found = all_of_them(Remote(session, NAME))
    assert asked == [N]
    alone = Remote(session_of(names_of(RIGHT), tmp_path / "alone"), NAME)
    for case, outcome in zip(LOGITS_TO_LOG_PROBS.cases, found, strict=True):
        expected = alone.attempt(LOGITS_TO_LOG_PROBS, case, case.inputs())
        np.testing.assert_equal(outcome.returned, expected.returned)


def test_what_took_too_long_together_is_asked_for_alone(tmp_path: Path) -> None:
    """Each case has its own time, however many stand before it."""
    asked: list[int] = []
    session = session_of({}, tmp_path, served(names_of(RIGHT), asked, {N: 2}))
    assert all(outcome.failure is None for outcome in all_of_them(Remote(session, NAME)))
    assert asked == [N] + [1] * (N - 2)


def test_what_takes_too_long_alone_too_fails(tmp_path: Path) -> None:
    session = session_of({}, tmp_path, served(names_of(RIGHT), [], {N: 2, 1: 0}))
    found = all_of_them(Remote(session, NAME))
    assert [outcome.failure for outcome in found] == [None] * 2 + [LATE] * (N - 2)


def test_no_case_is_tried_behind_one_that_settles_it(tmp_path: Path) -> None:
    """What was not written yet was not written in the other cases either."""
    names = names_of("def logits_to_log_probs(logits):\n    raise NotImplementedError")
    answered: list[bool] = []

    def meanwhile(request: Mapping[str, Any]) -> None:
        serve(request, names)
        answered.extend(Path(case["answer"]).exists() for case in request["cases"])

    there = Remote(session_of({}, tmp_path, meanwhile), NAME)
    outcome = there.attempt(LOGITS_TO_LOG_PROBS, *announced(there)[0])
    assert outcome.failure is not None and outcome.failure.unfinished
    assert answered == [True] + [False] * (N - 1)


def test_other_inputs_than_those_that_were_announced_are_driven(tmp_path: Path) -> None:
    there = Remote(session_of(names_of(RIGHT), tmp_path), NAME)
    case, inputs = announced(there)[0]
    there.attempt(LOGITS_TO_LOG_PROBS, case, inputs)
    found = there.attempt(LOGITS_TO_LOG_PROBS, case, {**inputs, "logits": np.zeros((1, 2))})
    np.testing.assert_allclose(np.asarray(found.returned), np.log([[0.5, 0.5]]), rtol=1e-6)


@pytest.mark.parametrize(
    ("claim", "called"),
    [
        (["get_forward_fn", "another"], ["get_forward_fn"]),
        ("get_forward_fn", []),
        ({"a": 1}, []),
        ([[1]], []),
    ],
)
def test_a_claim_about_calls_names_known_exercises_alone(
    claim: Any, called: list[str], tmp_path: Path
) -> None:
    def meanwhile(request: Mapping[str, Any]) -> None:
        write_folder(claim, Path(request["answer"]))

    session = session_of({}, tmp_path, meanwhile)
    assert Remote(session, "get_fixmatch_loss_fn").called(["get_forward_fn"]) == called


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ask": "grade"}, "no question"),
        ({"exercise": "nothing"}, "nothing"),
        ({"cases": [{"case": "none"}]}, "no case 'none'"),
        ({"given": "other"}, "inputs and recorded calls are expected"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder({"inputs": [{}], "recorded": {}}, Path("given"))
    write_folder([], Path("other"))
    request = {"ask": "attempt", "exercise": NAME, "cases": [], "stand_ins": [], "given": "given"}
    with pytest.raises(CourseError, match=message):
        serve(request | change, {})


def test_a_broken_answer_leaves_nothing_half_written(tmp_path: Path) -> None:
    """What a function returns may be too much: the folder that was begun is not read."""
    source = "import numpy as np\ndef logits_to_log_probs(logits):\n    return [np.zeros(1)] * 5000"
    session = session_of(names_of(source), tmp_path)
    found: list[Failure | None] = [drive_it(Remote(session, NAME)).failure for _ in range(2)]
    assert found[0] == found[1] is not None
    shutil.rmtree(session.answers)  # and nothing is left that could not be removed
