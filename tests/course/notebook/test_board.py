"""TensorBoard for a folder with any name, and the names that the notebooks call through ``course``."""

import subprocess
import sys
from pathlib import Path

import pytest

import course
from course.errors import CourseError
from course.notebook.board import show_tensorboard

FOLDERS = [
    "ssl-course-work/fixmatch/cpu",
    "/data/kim lee/my course/#1 work",
    r"C:\Users\Kim Lee\Semi-Supervised Learning\work",
    r"\\server\share\new folder\runs",
    'D:\\work\\kim\'s "runs" & more; $HOME',
    "/data/준지도 학습/실행",
    "--logdir",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folders_name_survives_tensorboards_way_of_splitting(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard import notebook

    started = []

    def start(words: list[str]) -> object:
        started.append(words)
        return notebook.manager.StartFailed(exit_code=1, stdout="", stderr="")

    monkeypatch.setattr(notebook.manager, "start", start)
    monkeypatch.setattr(notebook, "_get_context", lambda: notebook._CONTEXT_NONE)
    show_tensorboard(folder)
    assert started == [[f"--logdir={folder}"]]


def test_without_tensorboard_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(CourseError, match="TensorBoard is not installed; the curves above"):
        show_tensorboard("runs")


def test_course_offers_what_the_notebooks_call() -> None:
    from course import checks
    from course.notebook import predictions

    assert course.check is checks.check and course.predict is predictions.predict
    assert course.show_tensorboard is show_tensorboard
    for name in course.__all__:
        assert callable(getattr(course, name)) and name in dir(course)
    with pytest.raises(AttributeError, match="module 'course' has no attribute 'chekc'"):
        _ = course.chekc


@pytest.mark.process
def test_a_name_is_imported_when_it_is_first_asked_for() -> None:
    program = (
        "import sys, course; assert 'course.notebook' not in sys.modules; course.hint; "
        "assert 'course.notebook' in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(course.__file__).parents[1])
