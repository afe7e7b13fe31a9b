"""A class whose gradebook is a PostgreSQL database, on a server that the tests start."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.class_report import read_class
from autograder.grading.config import CONFIGURATION, course_directory
from course.errors import CourseError
from tests.support.gradebooks import dump
from tests.support.postgresql import programs, server

UNIT = "comparison"
SETTINGS = """\
import sys

sys.path.insert(0, {repository!r})

from autograder.grading import configure

c = get_config()
configure(c)
c.CourseDirectory.db_url = {url!r}
c.CourseDirectory.course_id = "a-course"
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here: apt-get install --no-install-recommends postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("no driver for PostgreSQL here: make setup")
    with server(found) as url:
        yield url


@pytest.fixture(scope="module")
def sample() -> SampleClass:
    return SampleClass(REPOSITORY, UNIT)


@pytest.fixture(scope="module")
def classroom(url: str, sample: SampleClass, tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """A class of two that has been graded once."""
    folder = tmp_path_factory.mktemp("class") / "course"
    classroom = Classroom(folder, UNIT)
    classroom.copy_sources()
    (folder / CONFIGURATION).write_text(SETTINGS.format(repository=str(REPOSITORY), url=url))
    classroom.release()
    for hand_in in (sample.perfect(), sample.half()):
        classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    done = classroom.grade("--jobs=2")
    assert done.returncode == 0, done.stdout + done.stderr
    return classroom


def totals(classroom: Classroom) -> dict[str, float]:
    return {who: sum(value or 0 for value in grades.values()) for who, grades in classroom.points().items()}


def test_both_doors_grade_into_it_and_agree(classroom: Classroom, url: str, sample: SampleClass) -> None:
    assert totals(classroom) == {"perfect": 13.0, "half": 5.0}
    assert not (classroom.folder / "gradebook.db").exists()
    before = dump(url)
    classroom.autograde("--force")
    assert dump(url) == before
    assert len(list(read_class(course_directory(classroom.folder), sample.unit))) == 2


@pytest.mark.slow
def test_two_commands_at_once_do_not_harm_it_and_a_new_hand_in_is_graded(
    classroom: Classroom, url: str, sample: SampleClass
) -> None:
    before = dump(url)
    command = [sys.executable, "-m", "autograder", "grade", UNIT, f"--course={classroom.folder}", "--regrade"]
    graders = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    told = [grader.communicate()[0] for grader in graders]
    # One may refuse a hand-in that the other one has in hand; it says so, and nothing is lost.
    assert 0 in [grader.returncode for grader in graders], "\n".join(told)
    assert not any("Traceback" in text for text in told)
    done = classroom.grade()
    assert done.returncode == 0, done.stdout + done.stderr
    assert dump(url) == before
    classroom.hand_in("half", sample.unit.notebook, sample.perfect().content)
    done = classroom.grade("--jobs=1")
    assert "13 of 13 (5 before)" in done.stdout, done.stdout + done.stderr
    assert totals(classroom) == {"perfect": 13.0, "half": 13.0}


def test_a_configuration_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / CONFIGURATION).write_text("c = get_config()\nc.CourseDirectory.db_url = nothing\n")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py fails: NameError: name 'nothing'"):
        course_directory(tmp_path)


def test_a_database_that_wants_a_course_gets_one(tmp_path: Path) -> None:
    """nbgrader enters assignments for the course "" otherwise, which PostgreSQL refuses: there is none."""
    settings = SETTINGS.format(repository=str(REPOSITORY), url="postgresql+psycopg://a@b/c")
    (tmp_path / CONFIGURATION).write_text(settings.replace("c.CourseDirectory.course_id", "name"))
    with pytest.raises(CourseError, match=r"set c\.CourseDirectory\.course_id in .*nbgrader_config\.py"):
        course_directory(tmp_path)
    (tmp_path / CONFIGURATION).write_text(settings)
    assert course_directory(tmp_path).course_id == "a-course"


def test_a_course_folder_has_its_own_configuration_or_the_repositorys(tmp_path: Path) -> None:
    assert course_directory(tmp_path).db_url == f"sqlite:///{tmp_path / 'gradebook.db'}"
    (tmp_path / CONFIGURATION).write_text(SETTINGS.format(repository=str(REPOSITORY), url="sqlite:///other"))
    assert course_directory(tmp_path).db_url == "sqlite:///other"
    assert course_directory(tmp_path).config.RunCells.timeout == 120
