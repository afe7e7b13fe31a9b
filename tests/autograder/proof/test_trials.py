"""What becomes of a function in a trial, and what counts as a fault."""

from __future__ import annotations

import dataclasses
import io

import pytest

from autograder.proof import practical
from autograder.proof.summary import Share, faults, rows, table
from autograder.proof.trials import FunctionTrial, Kind, TrialVerdict, try_one
from autograder.units.alternative import Alternative, load_cells
from autograder.units.equivalent import Equivalent
from autograder.units.mutant import Mutant, load_edited, mutants_of
from course.errors import CourseError

LOG_PROBS = "logits_to_log_probs"
STABLE = "return logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)"


def mutant(exercise: str, slip: str) -> Mutant:
    return next(m for m in mutants_of("fixmatch") if (m.exercise, m.slip) == (exercise, slip))


def test_a_mutant_is_killed_with_the_message_of_its_misconception() -> None:
    trial = try_one(("fixmatch", mutant(LOG_PROBS, "overflow")))
    assert (trial.kind, trial.exercise, trial.id) == (Kind.MUTANT, LOG_PROBS, "overflow of both steps")
    assert trial.verdict is TrialVerdict.KILLED
    assert trial.message == "The exponential of a large logit overflows: the maximum is not subtracted first."
    assert trial.practical is True, "the practical's values have no large logit"
    assert trial.seconds > 0


def test_a_mutant_with_another_message_is_told_apart() -> None:
    wrong = dataclasses.replace(mutant(LOG_PROBS, "probabilities"), slip="sign", name="mislabeled")
    trial = try_one(("fixmatch", wrong))
    assert (trial.id, trial.verdict) == ("mislabeled", TrialVerdict.KILLED_OTHERWISE)
    assert trial.message == "These are probabilities; the logarithm is missing."
    assert trial.practical is False


def test_a_mutant_that_is_right_survives() -> None:
    trial = try_one(("fixmatch", Mutant("sign", body=STABLE, exercise=LOG_PROBS)))
    assert trial.verdict is TrialVerdict.SURVIVED
    assert faults([trial]) == [trial]


def test_a_stub_is_no_right_message() -> None:
    trial = try_one(("fixmatch", Mutant("sign", body="raise NotImplementedError()", exercise=LOG_PROBS)))
    assert trial.verdict is TrialVerdict.KILLED_OTHERWISE


@pytest.mark.parametrize("kind", [Kind.ALTERNATIVE, Kind.EQUIVALENT])
@pytest.mark.parametrize(
    ("body", "verdict"), [(STABLE, TrialVerdict.ACCEPTED), ("return logits", TrialVerdict.REJECTED)]
)
def test_right_answers_are_accepted_and_wrong_ones_named(
    kind: Kind, body: str, verdict: TrialVerdict
) -> None:
    candidate = (
        Alternative(LOG_PROBS, "tried", f"def {LOG_PROBS}(logits):\n    {body}\n")
        if kind is Kind.ALTERNATIVE
        else Equivalent("tried", "A test.", body=body, exercise=LOG_PROBS)
    )
    trial = try_one(("fixmatch", candidate))
    assert (trial.kind, trial.id, trial.verdict) == (kind, "tried", verdict)
    assert (faults([trial]) == []) is (verdict is TrialVerdict.ACCEPTED)


def test_the_practical_has_no_check_of_an_exercise_that_the_course_adds() -> None:
    plain_mean = mutant("mean_over_images", "plain mean")
    assert practical.passes("fixmatch", "mean_over_images", load_edited("fixmatch", plain_mean)) is None


def test_the_practicals_check_is_run_by_itself() -> None:
    """It is the values alone: a loss that the course's check rejects can pass it, and the reference does."""
    exercise = "get_fixmatch_loss_fn"
    assert practical.passes("fixmatch", exercise, load_edited("fixmatch", mutant(exercise, "no mask")))
    assert not practical.passes("fixmatch", exercise, load_edited("fixmatch", mutant(exercise, "no lambda")))
    assert "check(" not in practical._bodies("fixmatch")[exercise]


def test_the_practicals_check_leaves_the_names_alone() -> None:
    names = load_edited("fixmatch", mutant(LOG_PROBS, "sign"))
    before = dict(names)
    practical.passes("fixmatch", LOG_PROBS, names)
    assert names == before


def test_a_grade_cell_without_the_practicals_values_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practical, "_bodies", lambda unit: {})
    with pytest.raises(
        CourseError, match=f"the grade cell of {LOG_PROBS} has no `with course.practical_check"
    ):
        practical.passes("fixmatch", LOG_PROBS, {})


def test_only_guarded_statements_are_taken_from_a_grade_cell() -> None:
    source = "with course.practical_check('f', f):\n    x = f(1)\n    assert x == 2\n\ncourse.check('f', f)\n"
    assert practical._guarded(source) == "x = f(1)\nassert x == 2"
    assert practical._guarded("with open('x'):\n    pass\ncheck('f', f)\n") == ""


def test_an_alternative_sees_the_earlier_exercises_and_the_notebooks_imports() -> None:
    names = load_cells("fixmatch", Alternative("get_validate_fn", "none", "later = np.pi\n"))
    assert names["later"] == pytest.approx(3.14159, abs=1e-5)
    assert callable(names["get_forward_fn"])


def test_rows_count(trials: list[FunctionTrial]) -> None:
    spoiled = dataclasses.replace(trials[0], verdict=TrialVerdict.SURVIVED, practical=True)
    other = dataclasses.replace(trials[1], verdict=TrialVerdict.KILLED_OTHERWISE)
    found = {row.name: row for row in rows("fixmatch", [spoiled, other, *trials[2:]])}
    of_log_probs = sum(trial.exercise == LOG_PROBS and trial.kind is Kind.MUTANT for trial in trials)
    assert found[LOG_PROBS].killed == Share(of_log_probs - 1, of_log_probs)
    assert found[LOG_PROBS].told == Share(of_log_probs - 2, of_log_probs)
    assert found[LOG_PROBS].practical_killed == Share(of_log_probs - 1, of_log_probs)
    assert found["all"].killed.whole - found["all"].killed.part == 1
    assert found["all"].accepted.part == found["all"].accepted.whole
    assert found["all"].cases == sum(row.cases for name, row in found.items() if name != "all")


def test_the_table_fits_a_terminal(trials: list[FunctionTrial]) -> None:
    from rich.console import Console

    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table("fixmatch", trials))
    text = console.export_text()
    assert "…" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    line = next(line for line in text.splitlines() if "get_fixmatch_loss_fn" in line)
    assert line.split()[4] == "0"
