"""Viva sheets: questions on a student's own lines, the same each time, without running anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder import cli
from autograder.assess.draw import pick
from autograder.assess.viva import applied, related, sheet_of, to_markdown
from autograder.assess.work import Answer, Folders, answers_in, folders_of, hand_in_of, own_lines
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.units.mutant import mutants_of
from course.catalog import Unit, load_unit
from course.errors import CourseError
from course.notebook.logbook import Logbook
from course.notebook.store import Guess
from course.notebook.texts import load_texts

UNIT = "comparison"
SECRET = bytes(range(32))
MASK = "mask = jnp.max(weak_log_probs, axis=-1) >= jnp.log(hparams.confidence_threshold)"


@pytest.fixture(scope="module")
def sample() -> SampleClass:
    return SampleClass(REPOSITORY, UNIT)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    unit = load_unit(UNIT)
    return Folders(tmp_path / "submitted", REPOSITORY / "release" / UNIT / f"{unit.notebook}.ipynb")


def hand_in(folders: Folders, student: str, content: bytes) -> None:
    path = folders.submitted / student / UNIT / f"{load_unit(UNIT).notebook}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def answers_of(folders: Folders, unit: Unit, student: str) -> list[Answer]:
    return answers_in(hand_in_of(folders, unit, student), folders, unit)


def test_a_sheet_asks_about_the_students_own_lines(sample: SampleClass, folders: Folders) -> None:
    hand_in(folders, "ann", sample.perfect().content)
    unit = load_unit(UNIT)
    answers = answers_of(folders, unit, "ann")
    assert [answer.exercise for answer in answers] == [exercise.name for exercise in unit.exercises]
    sheet = sheet_of(unit, "ann", answers, SECRET)
    line, change, recall = sheet.questions
    assert line.code in {own for answer in answers for own in answer.lines}
    assert any(text.startswith("Not this mistake: ") for text in line.good)
    assert change.good[0].startswith("What is wrong then: ")
    text = to_markdown(sheet)
    assert f"```\n{line.code}\n```" in text and recall.question in text
    assert text == to_markdown(sheet_of(unit, "ann", answers, SECRET))


def test_sheets_depend_on_the_student_and_on_the_secret(sample: SampleClass, folders: Folders) -> None:
    hand_in(folders, "ann", sample.perfect().content)
    unit = load_unit(UNIT)
    answers = answers_of(folders, unit, "ann")
    students = [f"student {number}" for number in range(20)]
    texts = {to_markdown(sheet_of(unit, one, answers, SECRET)).partition("\n")[2] for one in students}
    assert len(texts) > 15
    other = bytes(32)
    assert any(sheet_of(unit, s, answers, SECRET) != sheet_of(unit, s, answers, other) for s in students[:3])


def test_a_logbook_adds_a_question_on_the_guess_that_was_furthest_off(
    sample: SampleClass, folders: Folders
) -> None:
    hand_in(folders, "ann", sample.perfect().content)
    unit = load_unit(UNIT)
    answers, texts = answers_of(folders, unit, "ann"), load_texts(UNIT).predictions
    guesses = {
        "five_runs": Guess(20, 10, before=True),  # off by a third of its range
        "step_cost": Guess(5, 15, before=True),  # ... by more of it
        "three_of_five": Guess(15, 0, before=False),  # given once the result was known
        "labels_for_80": Guess(None, 1000, before=False),
    }
    *others, asked = sheet_of(unit, "ann", answers, SECRET, Logbook(UNIT, guesses, {})).questions
    assert tuple(others) == sheet_of(unit, "ann", answers, SECRET).questions
    assert texts["step_cost"].question in asked.question and "you guessed 5, and it was 15" in asked.question
    assert asked.good[0] == texts["step_cost"].explanation
    right = Logbook(UNIT, {"five_runs": Guess(10, 10, before=True)}, {})
    assert len(sheet_of(unit, "ann", answers, SECRET, right).questions) == 3


def test_nothing_of_a_hand_in_is_run(sample: SampleClass, folders: Folders, tmp_path: Path) -> None:
    notebook = json.loads(sample.perfect().content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = f"open({str(tmp_path / 'ran')!r}, 'w')\n" + "".join(cell["source"])
    hand_in(folders, "ann", json.dumps(notebook).encode())
    to_markdown(sheet_of(load_unit(UNIT), "ann", answers_of(folders, load_unit(UNIT), "ann"), SECRET))
    assert not (tmp_path / "ran").exists()


def test_who_has_no_sheet_is_told_why_in_one_line(sample: SampleClass, folders: Folders) -> None:
    unit = load_unit(UNIT)
    with pytest.raises(CourseError, match="collect hand-ins"):
        answers_of(folders, unit, "ann")
    hand_in(folders, "untouched", sample.untouched().content)
    hand_in(folders, "pdf", b"%PDF-1.7")
    (folders.submitted / "none" / UNIT).mkdir(parents=True)
    assert answers_of(folders, unit, "untouched") == []
    with pytest.raises(CourseError, match="untouched has written nothing"):
        sheet_of(unit, "untouched", [], SECRET)
    for student, why in {
        "pdf": "not JSON but a PDF",
        "none": "handed in no",
        "../x": "use a folder's name",
    }.items():
        with pytest.raises(CourseError, match=why) as raised:
            answers_of(folders, unit, student)
        assert "\n" not in str(raised.value)


def test_a_class_gets_files_and_whoever_gets_none_is_named(
    sample: SampleClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = folders_of(tmp_path, load_unit(UNIT))
    folders.release.parent.mkdir(parents=True)
    folders.release.write_bytes((REPOSITORY / "release" / UNIT / folders.release.name).read_bytes())
    hand_in(folders, "an n", sample.perfect().content)
    hand_in(folders, "untouched", sample.untouched().content)
    monkeypatch.setattr("sys.argv", ["autograder", "viva", UNIT, f"--course={tmp_path}"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == cli.DRIFTED
    assert [path.name for path in (tmp_path / "viva" / UNIT).iterdir()] == ["an_n.md"]
    assert capsys.readouterr().err.startswith("no sheet: untouched has written nothing")


def test_a_line_is_tied_to_the_mistakes_that_are_made_in_it() -> None:
    lines = {
        MASK: ["mask of the strong view", "inverted mask", "logits compared with threshold"],
        "total = supervised + hparams.lambda_coef * unsupervised + weight_decay": [
            *("no lambda", "lambda on all", "lambda in the metric")
        ],
        "sizes = weak.shape[0], strong.shape[0], labeled.shape[0]": [],
        "x = y": [],
    }
    for line, slips in lines.items():
        assert [mutant.slip for mutant in related("fixmatch", "get_fixmatch_loss_fn", line)] == slips


def test_a_measured_change_says_what_was_measured() -> None:
    answer = Answer("get_fixmatch_loss_fn", f"def f():\n    {MASK}\n", (MASK,))
    for number in range(10):
        change = sheet_of(load_unit("fixmatch"), f"student {number}", [answer], SECRET).questions[1]
        assert "in one run of 300 steps on `shapes` with 200 labels: it " in change.good[1]


def test_a_change_is_shown_in_the_students_own_text_where_it_fits() -> None:
    mutant = next(one for one in mutants_of("fixmatch") if one.slip == "inverted mask")
    assert applied(f"def f():\n    {MASK}\n", mutant) == f"- {MASK}\n+ {MASK.replace('>=', '<')}"
    assert applied("def f():\n    sure = q > 0.95\n", mutant) == ""


def test_own_lines_are_those_that_the_stub_lacks() -> None:
    stub = 'def f(x):\n    """Do it."""\n    raise NotImplementedError()\n'
    body = "    # thinking\n    for i in x:\n        y = [\n            i,\n        ]\n    return y\n"
    source = stub.partition("    raise")[0] + body
    assert list(own_lines(source, stub)) == ["y = [\n    i,\n]", "return y"]
    assert list(own_lines("def f(x:\n    return 1", stub)) == ["def f(x:", "return 1"]
    assert list(own_lines(stub, stub)) == []


def test_a_fence_is_longer_than_what_it_holds() -> None:
    answer = Answer("mean_spread", "", ('y = "```\x1b[2J"',))
    unit = load_unit(UNIT)
    name = unit.exercises[0].name
    text = to_markdown(sheet_of(unit, "a*b", [Answer(name, answer.source, answer.lines)], SECRET))
    assert '````\ny = "```\ufffd[2J"\n````' in text and "# Viva: a\\*b" in text


def test_draws_are_even() -> None:
    counts = [0] * 4
    for number in range(400):
        counts[pick(range(4), SECRET, "test", str(number))] += 1
    assert min(counts) > 70
