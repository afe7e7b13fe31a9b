"""What leaves the repository: the bundle of a unit and the folder of the students' repository."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder import bundle
from autograder.builder.build import Drift
from autograder.files import REPOSITORY
from course import __version__
from course.environment import setup_cell
from course.errors import CourseError

UNIT = "fixmatch"
WHEEL = f"ssl_course-{__version__}-py3-none-any.whl"
# Takes this checkout's `course` off the import path, as on a machine that has never seen it; runs the cell.
ELSEWHERE = """
import sys
sys.meta_path = [f for f in sys.meta_path if not getattr(f, "__module__", "").startswith("__editable__")]
sys.path = [p for p in sys.path if p not in ("", {repository!r})]
import importlib.util
assert importlib.util.find_spec("course") is None
exec({cell!r}, globals())
import course, jax_resnet
print("COURSE", course.__file__)
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.write_bundle(UNIT, tmp_path_factory.mktemp("dist"))


def names_in(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def test_bundle_holds_what_a_student_needs_and_no_more(packed: Path) -> None:
    assert packed.name == "fixmatch.zip"
    archive = zipfile.ZipFile(packed)
    names = {name.removeprefix("fixmatch/") for name in archive.namelist()}
    release = {path.name for path in (REPOSITORY / "release" / UNIT).iterdir()}
    provided = {path.name for path in (REPOSITORY / "course/checkpoints").glob(f"{bundle.PROVIDED.stem}.*")}
    others = {WHEEL, "jax_resnet-0.0.4-py3-none-any.whl", "README.md", "LICENSE", "LICENSE-TEXT"}
    assert names == release | provided | others
    notebook = "fixmatch/01_fixmatch.ipynb"
    assert archive.read(notebook) == (REPOSITORY / "release" / UNIT / "01_fixmatch.ipynb").read_bytes()
    assert archive.testzip() is None


def test_wheel_in_the_bundle_is_the_course_alone(packed: Path) -> None:
    wheel = zipfile.ZipFile(packed).read(f"fixmatch/{WHEEL}")
    roots = {name.partition("/")[0] for name in names_in(wheel)}
    assert roots == {"course", f"ssl_course-{__version__}.dist-info"}
    assert "course/units.yml" in names_in(wheel)
    assert "course/checks/expected/fixmatch.json" in names_in(wheel)


def test_equal_content_gives_an_equal_bundle(packed: Path, tmp_path: Path) -> None:
    assert bundle.write_bundle(UNIT, tmp_path).read_bytes() == packed.read_bytes()


@pytest.mark.parametrize("unpacked", [True, False])
def test_a_bundle_sets_itself_up_without_pip_and_network(
    packed: Path, tmp_path: Path, unpacked: bool
) -> None:
    if unpacked:
        zipfile.ZipFile(packed).extractall(tmp_path)
    else:
        (tmp_path / UNIT).mkdir()
        (tmp_path / UNIT / packed.name).write_bytes(packed.read_bytes())
    cell = setup_cell(None, UNIT, ["."])
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
    assert f"Course {__version__} is taken from {source}; nothing was installed" in done.stdout


def test_wheel_of_jax_resnet_can_be_installed(tmp_path: Path) -> None:
    ((name, content),) = bundle.added_wheel().items()
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


def test_readme_lists_the_units_and_has_badges_only_with_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    course = bundle.load_course()
    plain = bundle.student_readme(course, list(course.units), folders=True).decode()
    assert "(fixmatch/01_fixmatch.ipynb)" in plain
    assert "{" not in plain
    assert "colab-badge" not in plain
    known = type(course)("someone/somewhere", course.units)
    assert (
        "someone/somewhere/blob/main/fixmatch/"
        in bundle.student_readme(known, list(course.units), folders=True).decode()
    )


def test_published_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "ssl_course-0.0.1-py3-none-any.whl").write_bytes(b"old")
    written = {path.as_posix() for path in bundle.publish_course(tmp_path)}
    assert {
        "README.md",
        "LICENSE",
        "LICENSE-TEXT",
        WHEEL,
        "fixmatch/01_fixmatch.ipynb",
        f"fixmatch/{WHEEL}",
    } <= written
    assert not (tmp_path / "ssl_course-0.0.1-py3-none-any.whl").exists()
    assert (tmp_path / ".git").is_dir()
    assert {path.suffix for path in tmp_path.rglob("*.py")} == set()
    assert bundle.publish_course(tmp_path) == []


def test_the_repository_with_the_answers_is_not_published_over(tmp_path: Path) -> None:
    for place in (REPOSITORY, REPOSITORY.parent):
        with pytest.raises(CourseError, match="name another folder"):
            bundle.publish_course(place)


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "autograder", "bundle", UNIT, "--out", str(tmp_path / "file" / "dist")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_release_that_drifted_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drifted(*_: object) -> list:
        return [Drift(Path("release/x"), "differs from its source", "python -m autograder build x")]

    monkeypatch.setattr(bundle, "find_drift", drifted)
    with pytest.raises(CourseError, match="differs from its source: python -m autograder build"):
        bundle.write_bundle(UNIT, tmp_path)
    assert list(tmp_path.iterdir()) == []
