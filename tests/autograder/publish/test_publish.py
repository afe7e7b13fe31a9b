"""The folder of the students' repository: what is in it, what an update does, each notebook alone."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from autograder import cli
from autograder.builder.derived import derived_files, write_files
from autograder.files import REPOSITORY
from autograder.publish.bundle import ON_ASSISTANTS
from autograder.publish.picture import PICTURE, views_picture
from autograder.publish.repository import RECORD, check_folder, next_step, publish_course, update_folder
from autograder.publish.student_readme import unit_page
from course.catalog import load_course
from course.errors import CourseError
from course.files import cannot_write
from course.training.checkpoint import PROVIDED
from tests.support.loopback import in_place_of_github

ADDRESS = "someone/ssl"
CODE_CELLS = 10
ON_CPU = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "SSL_COURSE_MODE": "cpu"}
# In a process of its own: the first code cells of a notebook, then one that asks for the provided checkpoint.
RUN = """
import sys, nbclient, nbformat
path, cells, last = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
notebook.cells = code[:int(cells)] + [nbformat.v4.new_code_cell(last, id="asked")]
nbclient.NotebookClient(notebook, timeout=600, allow_errors=True).execute()
nbformat.write(notebook, path)
"""
FILES = {"README.md": b"read me", "ssl_course-0.1.0-py3-none-any.whl": b"wheel", "toy/01_toy.ipynb": b"{}"}


@pytest.fixture(scope="module")
def address_set(clone_files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is published from, whose course.yml has the address of a repository."""
    copy = tmp_path_factory.mktemp("course")
    for name in clone_files:
        if REPOSITORY / name != PROVIDED:  # 22 MB, which are fetched from the address
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
    units = copy / "course" / "course.yml"
    text = units.read_text(encoding="utf-8")
    assert "\nrepository: null\n" in text
    units.write_text(text.replace("\nrepository: null\n", f"\nrepository: {ADDRESS}\n"), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def published(address_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a professor pushes."""
    out = tmp_path_factory.mktemp("published")
    derived = {}
    for unit in load_course().units:
        derived[unit.name] = derived_files(address_set, unit.name)
        write_files(address_set, derived[unit.name])
    publish_course(out, derived, address_set)
    return out


def listing(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_one_wheel_and_what_belongs_to_it(published: Path) -> None:
    names = listing(published)
    (wheel,) = [name for name in names if name.endswith(".whl")]
    notebooks = {f"{unit.name}/{unit.notebook}.ipynb" for unit in load_course().units}
    pages = {f"{unit.name}/README.md" for unit in load_course().units}
    provided = {f"fixmatch/{PROVIDED.name}", f"fixmatch/{PROVIDED.with_suffix('.json').name}"}
    above = {wheel, "README.md", "LICENSE", "LICENSE-TEXT", "constraints.txt", ".gitignore", PICTURE, RECORD}
    pages.add("fixmatch/nnx.md")
    above.add("debugging.html")
    assert names == notebooks | pages | provided | above | set(ON_ASSISTANTS)


def test_git_ignores_what_a_training_makes_and_keeps_what_is_provided(
    published: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(published, clone)
    work = clone / "fixmatch" / "ssl-course-work" / "fixmatch"
    made = [work / "last.safetensors", work / "metrics.jsonl", clone / "mixmatch" / "mine.safetensors"]
    made += [clone / "mixmatch" / "events.out.tfevents.1", clone / ".venv" / "pyvenv.cfg"]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    shown = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(shown.split()) == listing(published)


def test_the_readme_says_it_all_from_course_yml(published: Path) -> None:
    course = load_course()
    assert course.about is not None
    text = (published / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {course.about.title}\n")
    assert f"![{course.about.picture}]({PICTURE})" in text
    places = [text.index(f"### {number}. {unit.title}\n") for number, unit in enumerate(course.units, 1)]
    assert places == sorted(places)
    for unit in course.units:
        badge = f"colab.research.google.com/github/{ADDRESS}/blob/main/{unit.name}/{unit.notebook}.ipynb"
        (row,) = [line for line in text.splitlines() if f"]({unit.name}/{unit.notebook}.ipynb)" in line]
        for part in (unit.framework, str(unit.minutes), f"{unit.points} points", badge):
            assert part in row
        assert all(f"- {item}\n" in text for item in unit.prerequisites)
    assert course.about.code_license in text and course.about.text_license in text
    assert all(
        (published / link).is_file()
        for link in ("LICENSE", "LICENSE-TEXT", "AI.md", "debugging.html", PICTURE)
    )
    assert "{" not in text and "%}" not in text
    assert all(f"[{name}]({name})" in text for name in ("AI.md", "LICENSE", "LICENSE-TEXT", "debugging.html"))


def test_each_unit_has_a_page_that_leads_to_its_notebook(published: Path) -> None:
    units = load_course().units
    for unit, before, after in zip(units, [None, *units], [*units[1:], None], strict=False):
        text = (published / unit.name / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {unit.title}\n\n[![Open in Colab]")
        address = (
            f"https://colab.research.google.com/github/{ADDRESS}/blob/main/{unit.name}/{unit.notebook}.ipynb"
        )
        assert f"[Open the notebook in Colab]({address})" in text
        assert all(f"| {item.title} | " in text for item in (*unit.exercises, *unit.questions))
        numbered = [section for section in unit.sections if section[0].isdigit()]
        assert len(numbered) > 3 and "\n".join(numbered) in text
        assert all(f"| {budget.machine} | {budget.minutes:g} | " in text for budget in unit.budgets)
        links = set(re.findall(r"\]\((\.\./[^)#]+|[\w.]+\.ipynb)", text))
        others = {f"../{other.name}/README.md" for other in (before, after) if other is not None}
        assert links == {"../README.md", f"{unit.notebook}.ipynb"} | others
        assert all((published / unit.name / link).is_file() for link in links)
        assert "{" not in text and "%}" not in text and "\n\n\n" not in text
        alone = unit_page(load_course(), unit).decode()  # no repository is named
        assert "colab.research" not in alone and "](../README.md#start-in-colab)" in alone
        assert "\n\n\n" not in alone


def test_anchors_of_the_units_pages_are_headings_of_the_readme(published: Path) -> None:
    text = (published / "README.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    headings = {title.lower().replace(" ", "-") for title in titles}
    assert {"start-in-colab", "start-on-your-own-computer"} <= headings


def test_what_is_said_of_assistants_speaks_of_each_kind_of_cell(published: Path) -> None:
    text = (published / "AI.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("| ")]
    assert rows[1:] == [
        "text",
        "*Given* code",
        "a prediction or a recall question",
        "an exercise",
        "a check's report",
        "a written answer",
        "set-up, installation, a lost session",
    ]
    assert "[AGENTS.md](AGENTS.md)" in text
    assert "Do not write, complete or correct the body" in (published / "AGENTS.md").read_text()


def test_the_picture_is_small_and_depends_on_nothing() -> None:
    content = views_picture()
    assert content == views_picture()
    assert len(content) < 200_000
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG" and image.width < 800


def test_notebooks_name_the_repository_that_course_yml_names(published: Path) -> None:
    for unit in load_course().units:
        notebook = nbformat.read(published / unit.name / f"{unit.notebook}.ipynb", as_version=4)
        (cell,) = [cell for cell in notebook.cells if cell.id == "setup"]
        assert repr(ADDRESS) in cell.source


def test_every_notebook_opens_with_a_badge_that_leads_to_itself(published: Path) -> None:
    for path in published.glob("*/*.ipynb"):
        opening = nbformat.read(path, as_version=4).cells[0].source
        place = f"{ADDRESS}/blob/main/{path.relative_to(published).as_posix()}"
        assert f"](https://colab.research.google.com/github/{place})" in opening, path.name


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """A Python with the installed packages but without this repository, into which a notebook may install."""
    folder = tmp_path / "layer"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    # Only the folder: the file beside the packages that leads to this checkout is not followed.
    (packages / "installed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / "python"


@pytest.mark.parametrize(
    "name",
    # The unit that trains nothing starts soonest.
    [
        pytest.param(unit.name, marks=[] if unit.name == "comparison" else pytest.mark.slow)
        for unit in load_course().units
    ],
)
def test_a_published_notebook_alone_sets_itself_up(
    name: str, published: Path, interpreter: Path, tmp_path: Path
) -> None:
    unit = load_course().unit(name)
    folder = tmp_path / "empty"
    folder.mkdir()
    path = folder / f"{unit.notebook}.ipynb"
    shutil.copy(published / name / path.name, path)
    last = "import course; print(course.__file__)"
    if name == "fixmatch":  # the start of CPU mode is in the package, and the one of GPU mode is fetched
        last += "\nfrom course.training import load_provided_checkpoint; load_provided_checkpoint('shapes')"
        last += f"\nprint(env.find({name!r}, {PROVIDED.name!r}))"
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SSL_COURSE_"))
    }
    with in_place_of_github(ADDRESS, published) as github:
        done = subprocess.run(
            [interpreter, "-c", RUN, path.name, str(CODE_CELLS), last],
            cwd=folder,
            env=inherited | ON_CPU | github.environment | {"IPYTHONDIR": str(tmp_path / "ipython")},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = nbformat.read(path, as_version=4).cells
    assert len(cells) == CODE_CELLS + 1
    # Nobody has done the exercises: their checks, which are graded cells, say so; a stub raises when it runs.
    broken = {
        cell.id: output.get("evalue")
        for cell in cells
        for output in cell.outputs
        if output.output_type == "error"
        and output.ename != "NotImplementedError"
        and not cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert broken == {}
    printed = "".join(output.get("text", "") for output in cells[-1].outputs).splitlines()
    assert not Path(printed[0]).is_relative_to(REPOSITORY)
    (wheel,) = [path.name for path in published.glob("*.whl")]
    fetched = [wheel]
    if name == "fixmatch":
        fetched += [f"fixmatch/{PROVIDED.with_suffix('.json').name}", f"fixmatch/{PROVIDED.name}"]
        assert (folder / printed[1]).read_bytes() == PROVIDED.read_bytes()
    assert github.asked == [(f"https://github.com/{ADDRESS}/raw/main/{file}", 200) for file in fetched]


def test_an_update_touches_our_files_alone(tmp_path: Path) -> None:
    out = tmp_path / "site"
    update_folder(out, FILES)
    own = {
        "syllabus.md": "week 1",
        "toy/notes.md": "mine",
        ".git/config": "",
        ".github/workflows/check.yml": "on:",
    }
    for name, text in own.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    newer = {
        "README.md": b"read me again",
        "ssl_course-0.2.0-py3-none-any.whl": b"w",
        "other/02.ipynb": b"{}",
    }
    changed = update_folder(out, newer)
    assert {path.as_posix() for path in changed.written} == {*newer}
    assert {path.as_posix() for path in changed.removed} == {*FILES} - {*newer}
    assert listing(out) == {*newer, RECORD, *own}
    assert {name: (out / name).read_text() for name in own} == own
    again = update_folder(out, newer)
    assert (again.written, again.removed) == ((), ())


def test_a_folder_that_was_emptied_is_removed(tmp_path: Path) -> None:
    update_folder(tmp_path / "site", FILES)
    update_folder(tmp_path / "site", {"README.md": b"read me"})
    assert not (tmp_path / "site" / "toy").exists()


def test_what_was_changed_by_hand_is_not_lost(tmp_path: Path) -> None:
    update_folder(tmp_path, FILES)
    (tmp_path / "README.md").write_text("with my office hours")
    for files in ({**FILES, "README.md": b"new"}, {"toy/01_toy.ipynb": b"new"}):
        with pytest.raises(CourseError, match=r"README\.md was changed by hand"):
            update_folder(tmp_path, files)
        assert (tmp_path / "README.md").read_text() == "with my office hours"
        assert (tmp_path / "toy/01_toy.ipynb").read_bytes() == b"{}"


def test_a_file_that_was_not_ours_is_not_replaced(tmp_path: Path) -> None:
    update_folder(tmp_path, FILES)
    (tmp_path / "views.png").write_text("my own")
    with pytest.raises(CourseError, match=r"views\.png was changed by hand"):
        update_folder(tmp_path, FILES | {"views.png": b"ours"})


def test_a_publication_of_before_there_was_a_record_is_taken_over(tmp_path: Path) -> None:
    old = ["ssl_course-0.0.1-py3-none-any.whl", "toy/ssl_course-0.0.1-py3-none-any.whl"]
    for name in (*old, "README.md", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    update_folder(tmp_path, FILES)
    assert listing(tmp_path) == {*FILES, RECORD, "notes.md"}


def test_a_publication_that_was_interrupted_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = update_folder.__globals__["write_changed"]

    def full_disk(path: Path, content: bytes) -> bool:
        if path.name == "01_toy.ipynb":
            raise cannot_write(path, OSError(28, "No space left on device"))
        return real(path, content)

    update_folder(tmp_path, FILES)
    newer = {name: content + b" 2" for name, content in FILES.items()}
    monkeypatch.setitem(update_folder.__globals__, "write_changed", full_disk)
    with pytest.raises(CourseError, match="No space"):
        update_folder(tmp_path, newer)
    monkeypatch.undo()
    assert (tmp_path / "README.md").read_bytes() == newer["README.md"]
    newest = {name: content + b" 3" for name, content in FILES.items()}
    update_folder(tmp_path, newest)
    assert {name: (tmp_path / name).read_bytes() for name in newest} == newest
    assert json.loads((tmp_path / RECORD).read_text()).keys() == newest.keys()


@pytest.mark.parametrize(
    "record", ["no json", "[]", '{"../elsewhere": []}', '{"/elsewhere": []}', '{"a": "b"}']
)
def test_a_damaged_record_removes_nothing(tmp_path: Path, record: str) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    out = tmp_path / "site"
    update_folder(out, FILES)
    (out / RECORD).write_text(record)
    with pytest.raises(CourseError, match="is damaged: restore it from git"):
        update_folder(out, {})
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert listing(out) == {*FILES, RECORD}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "site"
    update_folder(out, {"README.md": b"read me"})
    (out / "toy").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CourseError, match="points outside the folder"):
        update_folder(out, FILES)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``python -m autograder`` says when it refuses: one line on stderr, status 2, nothing built."""

    def built(_: Path) -> dict:
        raise AssertionError("a folder that is refused is refused at once")

    monkeypatch.setattr(cli, "brought_up_to_date", built)
    monkeypatch.setattr(sys, "argv", ["autograder", "publish", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, error = capsys.readouterr()
    assert (ended.value.code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith("error: ")
    return error


def test_wrong_folders_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "thesis").mkdir()
    for name in "abcd":
        (tmp_path / "thesis" / name).write_text("")
    cases = {
        (): "name the folder to publish to: python -m autograder publish DIR",
        (str(tmp_path / "file"),): "file is a file: name a folder",
        (str(tmp_path / "file" / "below"),): "file is a file: name a folder",
        (str(REPOSITORY),): "holds this repository, with its answers: name another folder",
        (str(REPOSITORY.parent),): "holds this repository, with its answers: name another folder",
        (
            str(REPOSITORY / "dist" / "published"),
        ): "is inside this repository, with its answers: name another folder",
        (
            str(tmp_path / "thesis"),
        ): "neither empty nor a publication of this course (a, b, c, …): name a new",
    }
    for arguments, message in cases.items():
        assert message in refused([*arguments], monkeypatch, capsys)
    assert not (REPOSITORY / "dist" / "published").exists()


def test_an_empty_clone_is_a_good_folder(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert check_folder(tmp_path) == {}
    assert check_folder(tmp_path / "not" / "there") == {}


@pytest.mark.parametrize(
    "remote",
    ["https://github.com/prof/ssl.git", "git@github.com:prof/ssl.git", "https://github.com/prof/ssl/"],
)
def test_the_next_step_fits_the_clone(tmp_path: Path, remote: str) -> None:
    course = load_course()
    assert "set `repository: OWNER/NAME` in course/course.yml" in next_step(course, tmp_path)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert "set `repository: prof/ssl` in course/course.yml" in next_step(course, tmp_path)
    assert "is a clone of prof/ssl: correct" in next_step(replace(course, repository="prof/other"), tmp_path)
    assert "push it as the branch main of github.com/prof/ssl" in next_step(
        replace(course, repository="prof/ssl"), tmp_path
    )


def test_what_is_missing_or_stale_is_built_first(toy_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = toy_root / "release/toy/01_toy.ipynb"
    derived = cli.brought_up_to_date(toy_root)
    assert "built release/toy/01_toy.ipynb" in capsys.readouterr().out
    release.write_text("stale")
    assert cli.brought_up_to_date(toy_root) == derived
    assert capsys.readouterr().out == "built release/toy/01_toy.ipynb\n"
    assert json.loads(release.read_text(encoding="utf-8"))["cells"]
    (toy_root / "release/toy/old.png").write_text("")
    with pytest.raises(CourseError, match=r"old\.png has no source: remove release/toy/old\.png"):
        cli.brought_up_to_date(toy_root)
