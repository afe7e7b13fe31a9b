"""docs/checks.md says what the checks do now."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.proof import page
from autograder.proof.practical import passes
from autograder.proof.trials import FunctionTrial, Kind, TrialVerdict
from autograder.units.alternative import alternatives_of, load_cells
from autograder.units.consequence import Consequences, Ending, MeasuredRun, digest
from autograder.units.equivalent import equivalents_of
from autograder.units.fixmatch import consequences as fixmatch
from autograder.units.mutant import edited_answer, load_edited, mutants_of
from course.catalog import load_course
from course.checks.runner import find_check

ROOT = Path(__file__).parents[3]
UNITS = load_course().units
Others = dict[str, list[FunctionTrial]]


def told_of_the_practical(trials: list[FunctionTrial]) -> list[bool | None]:
    """Whether the page says of each trial that the practical's own check accepts it; None: it has none."""
    text = (ROOT / page.PATH).read_text(encoding="utf-8")
    sections = dict(re.findall(r"### `(\w+)`\n(.*?)(?=\n### |\Z)", text, re.DOTALL))

    def told(trial: FunctionTrial) -> bool | None:
        section = sections[trial.exercise]
        if "| none published |" in section:
            return None
        mutant = trial.kind is Kind.MUTANT
        begins = f"| {trial.id} | " if mutant else f"- {trial.id}"
        line = next(line for line in section.splitlines() if line.startswith(begins))
        return "| accepts it |" in line if mutant else "(the practical's check rejects it)" not in line

    return [told(trial) for trial in trials]


def test_the_page_is_what_its_sources_give(trials: list[FunctionTrial], of_others: Others) -> None:
    """With the verdicts that the checks' tests assert one by one; the practical's are tried below."""
    told = told_of_the_practical(trials)
    known = [dataclasses.replace(t, practical=said) for t, said in zip(trials, told, strict=True)]
    rendered = page.render({"fixmatch": known} | of_others).decode()
    repair = "run `python -m autograder mutants --write`"
    committed = (ROOT / page.PATH).read_text(encoding="utf-8")
    assert rendered.splitlines() == committed.splitlines(), f"{page.PATH} is stale: {repair}"


def test_the_practicals_own_checks_do_what_the_page_says(trials: list[FunctionTrial]) -> None:
    """A tenth of them, in each exercise; the command, in a long test, tries them all."""
    names = {}
    for item in (*mutants_of("fixmatch"), *equivalents_of("fixmatch")):
        names[item.exercise, item.id] = lambda item=item: load_edited("fixmatch", item)
    for item in alternatives_of("fixmatch"):
        names[item.exercise, item.title] = lambda item=item: load_cells("fixmatch", item)
    told = list(zip(trials, told_of_the_practical(trials), strict=True))[::10]
    assert {said for _, said in told} == {True, False, None}
    assert {trial.exercise for trial, _ in told} == {exercise.name for exercise in UNITS[0].exercises}
    for trial, said in told:
        found = passes("fixmatch", trial.exercise, names[trial.exercise, trial.id]())
        assert found == said, f"{trial.exercise}, {trial.id}: run `python -m autograder mutants --write`"


@pytest.mark.slow
def test_the_command_agrees() -> None:
    command = [sys.executable, "-m", "autograder", "mutants", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "docs/checks.md is up to date" in done.stdout.replace(": ", " ")


def test_every_case_mutant_and_reason_is_on_the_page(trials: list[FunctionTrial], of_others: Others) -> None:
    text = page.render({"fixmatch": trials} | of_others).decode()
    sections = dict(re.findall(r"### `(\w+)`\n(.*?)(?=\n### |\Z)", text, re.DOTALL))
    assert list(sections) == [exercise.name for unit in UNITS for exercise in unit.exercises]
    for name, section in sections.items():
        assert all(f"1. {case.tries}\n" in section for case in find_check(name)[1].cases)
    for mutant in (mutant for unit in UNITS for mutant in mutants_of(unit.name)):
        assert f"\n| {mutant.id} |" in sections[mutant.exercise]
    for item in (item for unit in UNITS for item in equivalents_of(unit.name)):
        assert f"- {item.id}. {item.why}\n" in sections[item.exercise] + "\n"


def test_only_the_unit_that_follows_the_practical_is_set_beside_its_checks(
    trials: list[FunctionTrial], of_others: Others
) -> None:
    text = page.render({"fixmatch": trials} | of_others).decode()
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert ["practical's check" in part for part in parts] == [unit.name == "fixmatch" for unit in UNITS]


def test_measured_consequences_stand_beside_their_mutants(
    trials: list[FunctionTrial], of_others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant, unmeasured = mutants_of("fixmatch")[:2]
    reference = tuple(MeasuredRun(Ending.TRAINS, 9, error=e, reported=e, mask_rate=0.4) for e in (0.28, 0.3))
    run = MeasuredRun(Ending.TRAINS, 9, 0.41, 0.41, 0.4, answer=digest("fixmatch", mutant))
    found = Consequences(
        "fixmatch",
        fixmatch.settings(),
        {"hardware": "a processor", "jax": "0"},
        0.5,
        reference,
        {mutant.exercise: {mutant.id: run}},
    )
    monkeypatch.setattr(page, "load_consequences", {"fixmatch": found}.get)
    text = page.render({"fixmatch": trials} | of_others).decode()
    lines = text.splitlines()

    def row(name: str) -> str:
        return next(line for line in lines if line.startswith(f"| {name} | "))

    assert row(mutant.id).endswith("| trains silently; error .41 against .29 ± .01 |")
    assert row(unmeasured.id).endswith("| not measured |")
    assert row("plain mean").endswith("| not part of the training |")
    assert "The reference ends at a validation error of .29 ± .01 and a mask rate of .40 ± .00" in text
    assert (
        "Of 1 mutants 0 crash or are stopped, 1 train to the end and differ by these numbers, and 0" in text
    )
    assert "happen to win" not in text
    better = dataclasses.replace(run, error=0.1)
    found = dataclasses.replace(found, mutants={mutant.exercise: {mutant.id: better}})
    monkeypatch.setattr(page, "load_consequences", {"fixmatch": found}.get)
    text = page.render({"fixmatch": trials} | of_others).decode()
    assert f"happen to win, by more than that: {mutant.id} (`{mutant.exercise}`). This is no advice." in text
    assert "whose curves look fine" in text and "never evidence for or against a method" in text
    monkeypatch.setattr(page, "load_consequences", lambda unit: None)
    assert "trains silently" not in page.render({"fixmatch": trials} | of_others).decode()


def test_faults_stand_out_on_the_page(trials: list[FunctionTrial], of_others: Others) -> None:
    survived = dataclasses.replace(trials[0], verdict=TrialVerdict.SURVIVED)
    otherwise = dataclasses.replace(trials[1], verdict=TrialVerdict.KILLED_OTHERWISE, message="Other words.")
    rejected = dataclasses.replace(trials[-1], verdict=TrialVerdict.REJECTED, practical=False)
    text = page.render({"fixmatch": [survived, otherwise, *trials[2:-1], rejected]} | of_others).decode()
    assert f"| {survived.id} | **nothing: it survives** |" in text
    assert f"| {otherwise.id} | (another message) Other words. |" in text
    assert f"- **rejected**: {rejected.id} (the practical's check rejects it)" in text


def test_the_page_shows_no_answer(trials: list[FunctionTrial], of_others: Others) -> None:
    """Students can read it: it has words about mistakes, and no line of any answer, right or wrong."""
    text = page.render({"fixmatch": trials} | of_others).decode()
    edits = [
        (unit.name, edit) for unit in UNITS for edit in (*mutants_of(unit.name), *equivalents_of(unit.name))
    ]
    answers = [edited_answer(unit, edit) for unit, edit in edits]
    lines = {line.strip() for answer in answers for line in answer.splitlines() if len(line.strip()) > 15}
    assert len(lines) > 100
    assert not [line for line in lines if line in text]


def test_cells_of_a_table_are_escaped() -> None:
    assert page._escape("a|b") == "a\\|b"


@pytest.mark.parametrize("option", ["--write", "--check"])
def test_one_unit_makes_no_page(option: str) -> None:
    command = [sys.executable, "-m", "autograder", "mutants", "fixmatch", option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: docs/checks.md is about all units: leave the unit out\n"
