"""The set-up cell itself, run by a Python that has neither the course nor pip nor any other package."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import nbclient
import nbformat
import pytest

import course
import course.notebook.setup.start as reporting
from autograder.grading.kernel import session_environment
from course.notebook.setup import newer, setup_cell
from course.notebook.setup.cell import PLACES
from course.notebook.setup.newer import newer_package
from course.notebook.setup.start import course_notes, start_notebook
from course.notebook.setup.versions import is_newer, is_older
from course.training.checkpoint import PROVIDED
from tests.course.notebook.test_environment import a_machine, a_zip

pytestmark = pytest.mark.process

# What a package of the course needs for the cell: it says what it was told.
STUB = """
import json
def start_notebook(cell):
    cell = {**cell, "places": [str(place) for place in cell["places"]]}
    print(json.dumps({"ran": __file__, **cell}, default=str))
    return "environment"
"""
WITHOUT_COURSE = """
import sys
class NoCourse:
    def find_spec(name, *rest):
        if name == "course":
            raise ImportError
sys.meta_path.insert(0, NoCourse)
"""
GITHUB = 'f"https://github.com/{repository}/raw/main/{name}"'


def a_wheel(version, start=STUB):
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("course/__init__.py", f'__version__ = "{version}"\n')
        wheel.writestr("course/notebook/setup/__init__.py", start)
    return content.getvalue()


def put_wheel(path, version="1.0.0", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(a_wheel(version, **options))
    return path


def install(folder, version="1.0.0", **options):
    zipfile.ZipFile(BytesIO(a_wheel(version, **options))).extractall(folder)


class Student:
    """A folder with a notebook in it, beside a Drive, and a Python with one folder for packages."""

    def __init__(self, tmp_path):
        self.folder, self.drive, self.site = (tmp_path / name for name in ("notebook", "drive", "site"))
        self.bin = tmp_path / "bin"
        for folder in (self.folder, self.drive, self.site, self.bin):
            folder.mkdir()

    def cell(self, checkpoint=PROVIDED.name, version="1.0.0", repository=None):
        text = setup_cell(repository, checkpoint, [".", str(self.drive), str(self.drive / "not there")])
        return text.replace(f"version={course.__version__!r}", f"version={version!r}")

    def run(self, text):
        # -S: no site-packages, where an installed course could be found.
        return subprocess.run(
            [sys.executable, "-S", "-c", text],
            cwd=self.folder,
            env={"PYTHONPATH": str(self.site), "PATH": str(self.bin)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def told(self, text=None):
        """What the package was told by a cell that found it."""
        done = self.run(text or self.cell())
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)

    def stopped(self, text=None):
        """The message of a cell that found no package, as a notebook shows it: without a traceback."""
        shown = (
            "try:\n    exec({!r}, {{}})\nexcept Exception as e:\n    print(*e._render_traceback_(), sep='|')"
        )
        done = self.run(shown.format(text or self.cell()))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        lines = done.stdout.strip().split("\n")
        assert [line.split(":")[0] for line in lines] == [
            "Set-up stopped",
            "Missing",
            "Searched",
            "Next step",
        ]
        assert lines[2].startswith(f"Searched: {self.folder}, {self.drive} and the folders in them")
        assert lines[3].endswith(", then run this cell again.")
        return lines


@pytest.fixture
def student(tmp_path):
    return Student(tmp_path)


# --- a package is there ------------------------------------------------------------------------------------


def test_the_cell_only_starts_what_is_installed(student):
    install(student.site)
    put_wheel(student.folder / "ssl_course-2.0.0-py3-none-any.whl")
    told = student.told()
    assert told.pop("ran") == str(student.site / "course/notebook/setup/__init__.py")
    assert told == {
        "notebook": "1.0.0",
        "repository": None,
        "checkpoint": PROVIDED.name,
        "places": [str(student.folder), str(student.drive)],
        "source": None,
        "passed over": [],
    }


WHEEL = "ssl_course-1.0.0-py3-none-any.whl"


@pytest.mark.parametrize("place", ["notebook", "notebook/bundle", "drive", "drive/a/b/c/deep"])
@pytest.mark.parametrize("name", [WHEEL, "ssl_course-1.0.0-py3-none-any (1).whl", "fixmatch.zip"])
def test_the_cell_takes_wheels_and_zip_files_wherever_they_lie(student, place, name):
    path = student.folder.parent / place / name
    if name.endswith(".zip"):
        a_zip(path, {f"fixmatch/{WHEEL}": a_wheel("1.0.0"), "fixmatch/README.md": "read"})
    else:
        put_wheel(path)
    told = student.told()
    assert told["source"] == str(path)
    assert not Path(told["ran"]).exists(), "the folder it was unpacked into is gone when Python ends"
    assert list(student.site.iterdir()) == [], "nothing was installed"


def test_the_newest_wins_by_version_and_not_by_text(student):
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        put_wheel(student.folder / f"ssl_course-{version}-py3-none-any.whl", version)
    newest = a_zip(student.folder / "z.zip", {"ssl_course-1.10.1-py3-none-any.whl": a_wheel("1.10.1")})
    assert student.told()["source"] == str(newest)


def test_a_wheel_as_new_as_the_notebook_is_looked_for_behind_an_older_one(student):
    put_wheel(student.folder / "ssl_course-1.9.0-py3-none-any.whl", "1.9.0")
    far = put_wheel(student.drive / "a" / "b" / "ssl_course-1.10.0-py3-none-any.whl", "1.10.0")
    assert student.told(student.cell(version="1.10.0"))["source"] == str(far)


def test_nothing_in_a_package_gets_out_of_its_folder(student):
    content = BytesIO(a_wheel("1.0.0"))
    with zipfile.ZipFile(content, "a") as wheel:
        wheel.writestr("../../../../../../../../../../../../" + str(student.folder / "evil.txt"), "evil")
    (student.folder / WHEEL).write_bytes(content.getvalue())
    student.told()
    assert [path.name for path in student.folder.iterdir()] == [WHEEL]


@pytest.mark.parametrize("other", ["course/README.md", "course/__init__.py", "course.py"])
@pytest.mark.parametrize("installed", [True, False])
def test_something_else_called_course_is_passed_over_and_named(student, other, installed):
    path = student.folder / other
    path.parent.mkdir(exist_ok=True)
    path.write_text("broken = 1\n" if path.suffix == ".py" else "a clone")
    if installed:
        install(student.site)
    else:
        put_wheel(
            student.folder / "course" / WHEEL if path.parent.name == "course" else student.folder / WHEEL
        )
    told = student.told()
    assert (told["source"] is None) == installed
    # A folder without __init__.py does not hide what is installed.
    harmless = installed and path.suffix == ".md"
    shown = str(path.parent if path.suffix == ".md" else path)
    assert told["passed over"] == ([] if harmless else [[shown, None]])


def test_an_installed_course_without_this_entry_gives_way(student):
    install(student.site, "0.1.0", start="def setup(): ...")
    put_wheel(student.folder / WHEEL)
    told = student.told()
    assert told["source"] == str(student.folder / WHEEL)
    assert told["passed over"] == [[str(student.site / "course" / "__init__.py"), "0.1.0"]]


def test_a_second_run_of_the_cell_keeps_the_package(student):
    put_wheel(student.folder / WHEEL)
    done = student.run(f"{student.cell()}\n{student.cell()}")
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["ran"] == second["ran"]
    assert second["source"] is None


def test_a_published_course_is_fetched_from_its_repository(student, tmp_path):
    put_wheel(tmp_path / "published" / WHEEL)
    text = student.cell(repository="someone/ssl")
    assert GITHUB in text and "repository='someone/ssl'" in text
    near = text.replace(GITHUB, f'"{(tmp_path / "published").as_uri()}/" + name')
    assert student.told(near)["source"] == (tmp_path / "published" / WHEEL).as_uri()
    (tmp_path / "published" / WHEEL).unlink()
    lines = student.stopped(near)
    assert "cannot be read" in lines[0]
    assert "connect to the internet, or open the unit again from github.com/someone/ssl" in lines[3]


# --- none is there -----------------------------------------------------------------------------------------


def test_all_that_is_missing_is_named_at_once(student):
    lines = student.stopped()
    assert WHEEL in lines[1] and PROVIDED.name not in lines[1]
    assert f"put the zip file of this unit, as it is, into {student.folder}" in lines[3]
    (student.bin / "nvidia-smi").touch(0o755)
    assert WHEEL in student.stopped()[1] and PROVIDED.name in student.stopped()[1]
    assert PROVIDED.name not in student.stopped(student.cell(None))[1]
    (student.drive / PROVIDED.name).touch()
    assert PROVIDED.name not in student.stopped()[1]


def test_colab_is_told_of_its_file_panel(student):
    lines = student.stopped("import sys\nsys.modules['google.colab'] = sys\n" + student.cell())
    assert "drag the zip file of this unit, as it is, into the file panel on the left" in lines[3]


@pytest.mark.parametrize("name", ["fixmatch.zip", WHEEL])
def test_an_upload_under_way_is_waited_for(student, name):
    a_zip(student.folder / name, {f"fixmatch/{WHEEL}": a_wheel("1.0.0")})
    whole = (student.folder / name).read_bytes()
    (student.folder / name).write_bytes(whole[: len(whole) // 2])
    assert f"wait until the upload of {name} is complete" in student.stopped()[3]
    (student.folder / name).rename(student.drive / name)
    assert "put the zip file of this unit" in student.stopped()[3], "elsewhere it is just some damaged file"


def test_a_package_that_is_too_old_is_named(student):
    old = put_wheel(student.folder / "ssl_course-0.1.0-py3-none-any.whl", "0.1.0", start="def setup(): ...")
    assert f"{old} is too old for this notebook" in student.stopped()[0]


def test_what_only_looks_like_the_course_is_named(student):
    (student.folder / "course").mkdir()
    assert f"{student.folder / 'course'} is not the package that this notebook needs" in student.stopped()[2]


def test_a_failed_set_up_is_an_error_and_has_no_traceback(tmp_path):
    """So the run of a notebook ends there, in the browser, in nbclient and in nbgrader."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(WITHOUT_COURSE + setup_cell(None, PROVIDED.name, ["."]))]
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="Next step: put the zip file"):
        nbclient.NotebookClient(book, resources={"metadata": {"path": str(tmp_path)}}, timeout=120).execute()
    (error,) = [output for output in book.cells[0].outputs if output.output_type == "error"]
    assert error.traceback == [error.evalue]
    assert len(error.evalue.splitlines()) == 4


# --- the text ----------------------------------------------------------------------------------------------


def test_the_cell_adds_two_names_to_the_notebook_and_imports_nothing_of_the_course_before_it_is_found():
    tree = ast.parse(setup_cell(None, PROVIDED.name))
    assert [type(node) for node in tree.body] == [ast.FunctionDef, ast.Assign]
    assert (tree.body[0].name, tree.body[1].targets[0].id) == ("set_up_course", "env")


def test_the_cell_carries_the_release_and_what_its_unit_needs():
    assert f"version={course.__version__!r}" in setup_cell(None)
    assert f"checkpoint={PROVIDED.name!r}" in setup_cell(None, PROVIDED.name)
    assert "checkpoint=''" in setup_cell(None)
    for place in ("/content", "/content/drive/MyDrive", "/kaggle/input", "/notebooks", "~"):
        assert place in PLACES


# --- a newer package beside an older one -------------------------------------------------------------------


@pytest.mark.parametrize(("older", "than"), [("1.9.0", "1.10.0"), ("0.2.0", "0.2.1"), ("2.0rc1", "2.1")])
def test_versions_are_compared_by_number(older, than):
    assert is_older(older, than) and not is_older(than, older)
    assert is_newer(than, older) and not is_newer(older, than)
    assert not is_older(older, older) and not is_newer(older, older)


def test_a_newer_package_is_looked_for_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(newer, "__version__", "1.9.0")
    assert newer_package("1.9.0", (tmp_path,), "someone/ssl") is None, (
        "as new as the notebook: nothing is fetched"
    )
    put_wheel(tmp_path / "ssl_course-1.8.0-py3-none-any.whl")
    put_wheel(tmp_path / "deeper" / "ssl_course-3.0.0-py3-none-any.whl")
    assert newer_package("1.9.0", (tmp_path,), None) is None
    beside = put_wheel(tmp_path / "ssl_course-1.10.0-py3-none-any (1).whl", "1.10.0")
    assert newer_package("1.9.0", (tmp_path,), None) == (beside, a_wheel("1.10.0"))
    packed = a_zip(tmp_path / "new.zip", {"unit/ssl_course-1.11.0-py3-none-any.whl": b"wheel"})
    assert newer_package("1.9.0", (tmp_path,), None) == (packed, b"wheel")


def test_for_a_newer_notebook_a_newer_package_is_looked_for_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(newer, "__version__", "1.9.0")
    far = put_wheel(tmp_path / "a" / "b" / "ssl_course-1.10.0-py3-none-any.whl", "1.10.0")
    assert newer_package("1.10.0", (tmp_path,), None) == (far, a_wheel("1.10.0"))
    far.unlink()
    asked = []
    monkeypatch.setattr(newer, "urlopen", lambda address, timeout: asked.append(address) or BytesIO(b"wheel"))
    address, content = newer_package("1.10.0", (tmp_path,), "someone/ssl")
    assert [address] == asked and address.endswith("someone/ssl/raw/main/ssl_course-1.10.0-py3-none-any.whl")
    assert content == b"wheel"


def facts(folder, **changes):
    told = {"notebook": course.__version__, "repository": None, "checkpoint": "", "places": [folder]}
    return {**told, "source": None, "passed over": [], **changes}


def test_the_newer_package_takes_over_from_the_installed_one(tmp_path):
    wheel = put_wheel(tmp_path / "ssl_course-99.0.0-py3-none-any.whl", "99.0.0")
    program = (
        "import pathlib, sys\nfrom course.notebook.setup import start_notebook\n"
        f"start_notebook({facts(str(tmp_path))!r} | {{'places': [pathlib.Path({str(tmp_path)!r})]}})\n"
        "import course\nprint(course.__version__, 'jax' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(course.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    told, after = done.stdout.splitlines()
    assert json.loads(told)["source"] == str(wheel)
    assert json.loads(told)["older"] == course.__version__
    assert after == "99.0.0 False"


def test_a_package_that_was_handed_in_is_not_taken_while_grading(tmp_path):
    put_wheel(tmp_path / "ssl_course-99.0.0-py3-none-any.whl", "99.0.0")
    graded = start_notebook(
        facts(tmp_path), a_machine(tmp_path, environ=session_environment(tmp_path, tmp_path))
    )
    assert graded.notes[0].startswith(f"Versions: course {course.__version__}")


@pytest.mark.parametrize("content", [a_wheel("99.0.0", start="broken = 1"), b"half a wheel"])
def test_a_newer_package_that_cannot_be_used_leaves_the_installed_one_at_work(tmp_path, content, monkeypatch):
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "course"}
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "ssl_course-99.0.0-py3-none-any.whl").write_bytes(content)
    env = start_notebook(facts(tmp_path), a_machine(tmp_path))
    assert env.notes[0].startswith("Note: ") and "newer" in env.notes[0]
    assert all(sys.modules[name] is module for name, module in before.items())


def test_the_first_cell_says_which_release_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "__version__", "1.10.0")
    assert course_notes(facts(tmp_path, notebook="1.10.0"), None, tmp_path) == []
    (note,) = course_notes(facts(tmp_path, notebook="1.11.0"), None, tmp_path)
    assert "release 1.11.0" in note and "older 1.10.0" in note and f"into {tmp_path}" in note
    (note,) = course_notes(facts(tmp_path, notebook="1.9.0"), None, tmp_path)
    assert "release 1.9.0" in note and "1.10.0" in note and "older" not in note
    (note,) = course_notes(facts(tmp_path, notebook="1.10.0", source="a.zip", older="1.9.0"), None, tmp_path)
    assert "Course 1.10.0 is taken from a.zip" in note and "newer than the installed 1.9.0" in note
    passed = [("/content/course", None), ("/site/course/__init__.py", "0.1.0")]
    other, old = course_notes(facts(tmp_path, notebook="1.10.0", **{"passed over": passed}), None, tmp_path)
    assert "/content/course is called course, but is not the course's package" in other
    assert "version 0.1.0" in old and "too old" in old
