"""The commands of docs/instructor.md, in their order, on a class of two."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY

UNIT = "comparison"
PAGE = REPOSITORY / "docs" / "instructor.md"


def commands() -> Iterator[list[str]]:
    for block in re.findall(
        r"^```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        for line in block.splitlines():
            yield shlex.split(line, comments=True)


def run(classroom: Classroom, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the page in a course folder of its own."""
    if command[0] == "nbgrader":
        arguments = [one.replace("--to=", f"--to={classroom.folder}/") for one in command[2:]]
        arguments = [
            str(classroom.folder / one) if one.endswith(".csv") and "=" not in one else one
            for one in arguments
        ]
        return classroom.nbgrader(command[1], *arguments)
    assert command[:3] == ["python", "-m", "autograder"]
    if command[3:] == ["late"]:  # of all units
        arguments = ["-m", "autograder", "late", f"--course={classroom.folder}"]
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=REPOSITORY)
    assert command[4] == UNIT
    one_process = ("--jobs=1",) if command[3] == "grade" else ()
    return classroom.autograder(command[3], *command[5:], *one_process)


def test_the_page_has_every_step() -> None:
    steps = [" ".join(command[1 if command[0] == "nbgrader" else 3 :][:1]) for command in commands()]
    assert steps == [
        *("db", "generate_assignment", "preflight", "grade", "late", "generate_feedback", "report", "export"),
        *("viva", "grade", "generate_feedback", "grade"),
    ]


def test_the_commands_of_the_page_in_their_order(tmp_path: Path) -> None:
    sample = SampleClass(REPOSITORY, UNIT)
    classroom = Classroom(tmp_path / "course", UNIT)
    classroom.copy_sources()
    (classroom.folder / "students.csv").write_text("id,first_name,last_name\nada,Ada,Lovelace\nbob,Bob,\n")
    # What happens between the commands: number of a command → what comes before it.
    between = {
        2: lambda: [
            classroom.hand_in(student, f"Copy of {sample.unit.notebook}", sample.half().content)
            for student in ("ada", "bob")
        ],
        4: lambda: grade_by_hand(classroom, "ada"),
        9: lambda: classroom.hand_in("bob", sample.unit.notebook, sample.perfect().content),
    }
    graded = []
    for number, command in enumerate(commands()):
        between.get(number, lambda: None)()
        done = run(classroom, command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if "grade" in command:
            graded.append(done.stdout)
    first, second, third = graded
    assert "graded 2 of 2 hand-ins" in first
    assert "graded 1 of 1 hand-ins; 1 had been graded before" in second
    assert "Points that moved" in second and "another hand-in" in second
    assert "graded 2 of 2 hand-ins" in third and "Points that moved" not in third
    page = (classroom.folder / "feedback" / "ada" / UNIT / f"{sample.unit.notebook}.html").read_text()
    assert "Well argued." in page and "not graded yet" in page
    report = (classroom.folder / "reports" / f"{UNIT}.html").read_text()
    assert "2 hand-ins" in report and "ada" not in report
    sheets = sorted(path.name for path in (classroom.folder / "viva" / UNIT).iterdir())
    assert sheets == ["ada.md", "bob.md"]
    assert "Lovelace" in (classroom.folder / "grades.csv").read_text()


def grade_by_hand(classroom: Classroom, student: str) -> None:
    """What formgrader does: two points and a comment for the first question."""
    with Gradebook(f"sqlite:///{classroom.folder / 'gradebook.db'}") as gradebook:
        (notebook,) = gradebook.find_submission(UNIT, student).notebooks
        grade = next(grade for grade in notebook.grades if grade.name.startswith("question-"))
        grade.manual_score, grade.needs_manual_grade = 1.0, False
        comment = next(comment for comment in notebook.comments if comment.name == grade.name)
        comment.manual_comment = "Well argued."
        gradebook.db.commit()


def test_the_page_is_found() -> None:
    assert "docs/instructor.md" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
