"""What leaves the repository as a zip file, and the texts that tell students how to start."""

import io
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder import cli
from autograder.builder.derived import derived_files
from autograder.files import REPOSITORY
from autograder.publish import bundle
from autograder.publish.student_readme import PYTHONS, bundle_readme, published_readme
from course import __version__
from course.catalog import load_course
from course.errors import CourseError
from course.notebook.setup import setup_cell

UNIT = "fixmatch"
WHEEL = f"ssl_course-{__version__}-py3-none-any.whl"
CUDA = re.compile(r"cuda|nvidia|triton")
# Takes this checkout's `course` off the import path, as on a machine that has never seen it; runs the cell.
ELSEWHERE = """
import sys
sys.meta_path = [f for f in sys.meta_path if not getattr(f, "__module__", "").startswith("__editable__")]
sys.path = [p for p in sys.path if p not in ("", {repository!r})]
import importlib.util
assert importlib.util.find_spec("course") is None
exec({cell!r}, globals())
import course, jax_resnet
from course.training import load_provided_checkpoint
load_provided_checkpoint("shapes")  # what CPU mode starts from comes with the package
print("COURSE", course.__file__)
"""


@pytest.fixture(scope="module")
def derived() -> dict[Path, bytes]:
    return derived_files(REPOSITORY, UNIT)


@pytest.fixture(scope="module")
def packed(derived: dict[Path, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.write_bundle(UNIT, derived, tmp_path_factory.mktemp("dist"))


def names_in(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def test_bundle_holds_what_a_student_needs_and_no_more(packed: Path, derived: dict[Path, bytes]) -> None:
    assert packed.name == "fixmatch.zip"
    archive = zipfile.ZipFile(packed)
    names = {name.removeprefix("fixmatch/") for name in archive.namelist()}
    release = {path.name for path in derived if path.is_relative_to(Path("release", UNIT))}
    provided = {path.name for path in (REPOSITORY / "course/checkpoints").glob(f"{bundle.PROVIDED.stem}.*")}
    others = {WHEEL, "jax_resnet-0.0.4-py3-none-any.whl", "README.md", "LICENSE", "LICENSE-TEXT"}
    others |= {"constraints.txt", "AI.md", "AGENTS.md", "nnx.md", "debugging.html"}
    assert names == release | provided | others
    notebook = derived[Path("release", UNIT, "01_fixmatch.ipynb")]
    assert archive.read("fixmatch/01_fixmatch.ipynb") == notebook
    assert archive.testzip() is None


def test_wheel_in_the_bundle_is_the_course_alone(packed: Path) -> None:
    wheel = zipfile.ZipFile(packed).read(f"fixmatch/{WHEEL}")
    roots = {name.partition("/")[0] for name in names_in(wheel)}
    assert roots == {"course", f"ssl_course-{__version__}.dist-info"}
    assert "course/course.yml" in names_in(wheel)
    assert "course/units/fixmatch/expected.json" in names_in(wheel)


def test_equal_content_gives_an_equal_bundle(
    packed: Path, derived: dict[Path, bytes], tmp_path: Path
) -> None:
    assert bundle.write_bundle(UNIT, derived, tmp_path).read_bytes() == packed.read_bytes()


def test_everything_in_a_bundle_has_the_day_of_the_release(packed: Path) -> None:
    newest = re.findall(r"## \[.+\] - (\d+)-(\d+)-(\d+)", (REPOSITORY / "CHANGELOG.md").read_text())[0]
    noon = (*map(int, newest), 12, 0, 0)
    archive = zipfile.ZipFile(packed)
    assert {item.date_time for item in archive.infolist()} == {noon}
    wheels = [name for name in archive.namelist() if name.endswith(".whl")]
    assert len(wheels) == 2
    for name in wheels:
        inside = zipfile.ZipFile(io.BytesIO(archive.read(name)))
        assert {item.date_time for item in inside.infolist()} == {noon}, name


def test_the_day_of_the_release_is_the_newest_of_the_changelog(tmp_path: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("## [Unreleased]\n\n## [0.2.0] - 2027-02-01\n\n## [0.1.0] - 2026-11-22\n")
    assert bundle.release_date(tmp_path) == datetime(2027, 2, 1, 12, tzinfo=UTC)
    changelog.write_text("## [Unreleased]\n")
    with pytest.raises(CourseError, match="names no dated release"):
        bundle.release_date(tmp_path)
    changelog.write_text("## [0.2.0] - 2027-02-30\n")
    with pytest.raises(CourseError, match="2027-02-30 is not a date"):
        bundle.release_date(tmp_path)


@pytest.mark.parametrize("unpacked", [True, False])
def test_a_bundle_sets_itself_up_without_pip_and_network(
    packed: Path, tmp_path: Path, unpacked: bool
) -> None:
    if unpacked:
        zipfile.ZipFile(packed).extractall(tmp_path)
    else:
        (tmp_path / UNIT).mkdir()
        (tmp_path / UNIT / packed.name).write_bytes(packed.read_bytes())
    cell = setup_cell(None, load_course().unit(UNIT).checkpoint, ["."])
    environment = os.environ | {"SSL_COURSE_MODE": "cpu", "JAX_PLATFORMS": "cpu", "TMPDIR": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(repository=str(REPOSITORY), cell=cell)],
        cwd=tmp_path / UNIT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.partition("COURSE ")[2].strip())
    assert place.is_relative_to(tmp_path) and place.name == "__init__.py", done.stdout
    source = tmp_path / UNIT / (WHEEL if unpacked else packed.name)
    told = " ".join(done.stdout.split())  # a long path has a line of its own
    assert f"Course {__version__} is taken from {source}; nothing was installed" in told


def test_wheel_of_jax_resnet_can_be_installed(tmp_path: Path) -> None:
    ((name, content),) = bundle.added_wheel(bundle.release_date(REPOSITORY)).items()
    (tmp_path / name).write_bytes(content)
    arguments = [
        "install",
        "--no-index",
        "--no-deps",
        "--quiet",
        "--target",
        str(tmp_path / "t"),
        str(tmp_path / name),
    ]
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
    assert (tmp_path / "t" / "jax_resnet" / "__init__.py").is_file()
    assert any("LICENSE" in item for item in names_in(content))


def pins(text: str) -> set[str]:
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def names_of(lines: set[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def applies(line: str, extras: set[str]) -> bool:
    marker = Requirement(line).marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})


def needed(lines: list[str], found: set[str]) -> set[str]:
    """What pip installs for these requirements on this machine, by what the installed packages say."""
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        if name not in found:
            found.add(name)
            needed([x for x in metadata.requires(name) or [] if applies(x, requirement.extras)], found)
    return found


def test_constraints_are_the_tested_pins_of_what_students_install(packed: Path) -> None:
    archive = zipfile.ZipFile(packed)
    carried = pins(archive.read("fixmatch/constraints.txt").decode())
    tested = pins((REPOSITORY / "requirements" / "dev.txt").read_text(encoding="utf-8"))
    versions = {line.partition(" ;")[0] for line in tested}
    assert {line.partition(" ;")[0] for line in carried} <= versions
    assert not [line for line in carried if CUDA.match(line)], "only machines with Linux have these"
    assert not {"nbgrader", "pytest", "ruff"} & names_of(carried)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["student"]
    installed = {name for name in needed(wanted, set()) if not CUDA.match(name)}
    assert {"torch", "jaxlib", "ipykernel"} <= installed
    assert installed <= names_of(carried)


def student_texts() -> dict[str, str]:
    """Every text that tells students how to start on their own machine."""
    course = load_course()
    online = replace(course, repository="someone/somewhere")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return {
        "README.md": readme.partition("## For students")[2].partition("\n## ")[0],
        **{f"bundle of {unit.name}": bundle_readme(course, unit, WHEEL).decode() for unit in course.units},
        "published": published_readme(course, WHEEL).decode(),
        "published on GitHub": published_readme(online, WHEEL).decode(),
    }


TEXTS = student_texts()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_students_texts_are_those_that_name_the_wheel() -> None:
    """Another text with commands for students belongs into this list."""
    patterns = ("*.md", "autograder/**/*.md", "course/**/*.md", "course/**/*.yml", "source_notebooks/**/*.py")
    sources = {path for pattern in patterns for path in REPOSITORY.glob(pattern)}
    found = {path.name for path in sources if "-m venv" in path.read_text(encoding="utf-8")}
    assert found == {"README.md", "student_readme.md"}


@pytest.mark.parametrize("where", TEXTS)
def test_a_block_for_linux_and_macos_has_the_one_for_windows_beside_it(where: str) -> None:
    blocks = [(kind, lines.splitlines()) for kind, lines in BLOCK.findall(TEXTS[where])]
    assert [kind for kind, _ in blocks] in (["sh", "bat"], ["bash", "bat"])
    (_, posix), (_, windows) = blocks
    translated = [
        line.replace("python3 ", "py ").replace("/bin/", "/Scripts/").replace("/", "\\") for line in posix
    ]
    assert windows == translated
    # What PowerShell and cmd do not both understand, and what only a POSIX shell does.
    assert not re.search(r"[$`'%;&|~*]|^\s*(source|export|cd|ls) ", "\n".join(posix + windows), re.MULTILINE)
    assert TEXTS[where].index("PowerShell") < TEXTS[where].index("py -m venv")
    subprocess.run(["bash", "-n"], input="\n".join(posix), text=True, check=True)


def test_the_commands_install_from_an_unpacked_bundle(packed: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packed).extractall(tmp_path)
    (_, lines), _ = BLOCK.findall(TEXTS["bundle of fixmatch"])
    make, fill, start = lines.splitlines()
    assert make == "python3 -m venv .venv" and start == ".venv/bin/jupyter lab"
    program, _, rest = fill.partition(" -m pip install ")
    assert program == ".venv/bin/python"
    command = f"{sys.executable} -m pip install --no-index --no-deps --target .venv --quiet {rest}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / "course" / "course.yml").is_file()


@pytest.mark.parametrize("where", [where for where in TEXTS if where != "README.md"])
def test_a_students_readme_says_what_a_start_costs_and_what_to_hand_in(where: str) -> None:
    text = TEXTS[where]
    hand_in = "Hand in only the `.ipynb` file"
    for said in ("GB", "PIP_EXTRA_INDEX_URL", "one environment", hand_in, "## Questions"):
        assert said in text, said
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]} " in text
    assert "{" not in text and "%}" not in text and "\n\n\n" not in text


def test_the_readme_has_badges_only_with_an_address() -> None:
    assert "colab-badge" not in TEXTS["published"]
    assert TEXTS["published on GitHub"].count("colab-badge") == len(load_course().units)
    assert "someone/somewhere/blob/main/fixmatch/" in TEXTS["published on GitHub"]


def test_the_readme_names_whom_to_ask() -> None:
    course = load_course()
    assert course.about is not None and course.about.contact is None
    assert "Ask the person who teaches the course." in TEXTS["published"]
    known = replace(course, about=replace(course.about, contact="[Ann](mailto:ann@example.org)"))
    text = published_readme(known, WHEEL).decode()
    assert "## Questions\n\n[Ann](mailto:ann@example.org)\n" in text


def test_the_readme_names_what_other_files_say_too() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert f"PYTHONS := {' '.join(PYTHONS)}\n" in makefile
    about = load_course().about
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about is not None
    assert project["license"] == f"{about.code_license} AND {about.text_license}"


def test_a_course_that_says_nothing_about_itself_has_no_readme() -> None:
    with pytest.raises(CourseError, match="nothing `about` the course: add its title"):
        published_readme(replace(load_course(), about=None), WHEEL)


def test_a_place_that_cannot_be_written_to_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def built(_: Path) -> dict:
        raise AssertionError("a place that cannot be written to is refused at once")

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cli, "brought_up_to_date", built)
    for place in ("file", "file/dist"):
        arguments = ["autograder", "bundle", UNIT, "--out", str(tmp_path / place)]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, error = capsys.readouterr()
        assert (ended.value.code, out, error.count("\n")) == (2, "", 1)
        assert error.startswith("error: ")
