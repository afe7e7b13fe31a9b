"""The folder of the public student repository: filled, and brought up to date at the next publication."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.files import REPOSITORY, write_changed
from autograder.publish.bundle import released, shared_files, student_wheel
from autograder.publish.picture import PICTURE, views_picture
from autograder.publish.student_readme import published_readme, unit_page
from course.catalog import Course, load_course
from course.errors import CourseError

# What was published, with a hash of each file: the next publication sees what it may replace and remove.
RECORD = ".published.json"
WHEELS = "ssl_course-*.whl"
GITIGNORE = """\
# What working with the notebooks leaves behind is not part of the course.
.venv/
.ipynb_checkpoints/
__pycache__/

# Logs, checkpoints and other files of a training
ssl-course-work/
events.out.tfevents.*
*.log
*.safetensors
"""


@dataclass(frozen=True)
class Publication:
    """What a publication changed, by paths relative to the folder."""

    written: tuple[Path, ...]
    removed: tuple[Path, ...]


def publish_course(
    out: Path, derived: Mapping[str, Mapping[Path, bytes]], root: Path = REPOSITORY
) -> Publication:
    """Fill the folder of the students' repository, or update it; other people's files in it stay.

    Args:
        out: the folder: a new or an empty one, an empty clone, or one that was published to before.
        derived: the derived files of every unit, which the repository holds as well, for the wheel.
        root: the repository.

    Returns:
        what changed; nothing when everything was up to date.

    Raises:
        CourseError: ``out`` cannot be published or written to, a file in it was edited, or there is no wheel.
    """
    check_folder(out, root)
    course = load_course(root / "course")
    return update_folder(out, published_files(course, derived, root), root)


def update_folder(out: Path, files: Mapping[str, bytes], root: Path = REPOSITORY) -> Publication:
    """Write what is published and remove what no longer is; result and errors are `publish_course`'s.

    Args:
        out: the folder.
        files: everything that is published, by its path within the folder.
        root: the repository.
    """
    before = check_folder(out, root)
    _refuse_edited(out, before, files)
    gone = [name for name in before if name not in files and (out / name).is_file()]
    after = {name: [_digest(content)] for name, content in files.items()}
    # Until all is done the record knows the old and the new: what is interrupted here can be published again.
    write_changed(out / RECORD, _record(before, after))
    written = [Path(name) for name in files if write_changed(out / name, files[name])]
    for name in gone:
        (out / name).unlink()
        _remove_empty_folders((out / name).parent, out)
    write_changed(out / RECORD, _record(after))
    return Publication(tuple(written), tuple(map(Path, gone)))


def published_files(
    course: Course, derived: Mapping[str, Mapping[Path, bytes]], root: Path = REPOSITORY
) -> dict[str, bytes]:
    """Everything that is published but the record, by its path within the folder."""
    wheel = student_wheel(root)
    (name,) = wheel
    files = wheel | shared_files(root)
    for unit in course.units:
        beside = released(unit, derived[unit.name])
        files |= {f"{unit.name}/{path}": content for path, content in beside.items()}
        files[f"{unit.name}/README.md"] = unit_page(course, unit)
    provided = "".join(f"!/{path}\n" for path in sorted(files) if path.endswith(".safetensors"))
    files[".gitignore"] = (GITIGNORE + provided).encode()
    if course.about is not None and course.about.picture is not None:
        files[PICTURE] = views_picture()
    files["README.md"] = published_readme(course, name)
    return files


def check_folder(out: Path, root: Path = REPOSITORY) -> dict[str, list[str]]:
    """What an earlier publication left in a folder: path → hashes of what it wrote there.

    Raises:
        CourseError: the folder cannot be published to; the message says why and what to do.
    """
    place, home = out.resolve(), root.resolve()
    if place.is_relative_to(home) or home.is_relative_to(place):
        where = "holds" if home.is_relative_to(place) else "is inside"
        raise CourseError(
            f"{out} {where} this repository, with its answers: name another folder to publish to"
        )
    nearest = next(path for path in (place, *place.parents) if path.exists())
    if not nearest.is_dir():
        raise CourseError(f"{nearest} is a file: name a folder to publish to")
    if nearest != place:
        return {}
    if (out / RECORD).is_file():
        return _read_record(out)
    wheels = [path for depth in ("", "*/") for path in out.glob(depth + WHEELS)]
    if wheels:
        # Published before there was a record: everything that comes is ours, and of the rest the wheels.
        return {path.relative_to(out).as_posix(): [] for path in wheels}
    others = sorted(path.name for path in out.iterdir() if path.name != ".git")
    if others:
        named = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        raise CourseError(
            f"{out} is neither empty nor a publication of this course ({named}): "
            "name a new folder or an empty clone"
        )
    return {}


def next_step(course: Course, out: Path) -> str:
    """One line for whoever has published: where to push, or what is missing for a course on GitHub."""
    origin = _origin(out)
    if course.repository is None:
        name = origin or "OWNER/NAME"
        return (
            "No badges, and in Colab students upload the files by hand: set `repository: "
            f"{name}` in course/course.yml and publish again."
        )
    if origin is not None and origin != course.repository:
        return (
            f"Badges and set-up cells name {course.repository}, but {out} is a clone of {origin}: "
            "correct `repository` in course/course.yml and publish again."
        )
    return f"Commit everything in {out} and push it as the branch main of github.com/{course.repository}."


def _origin(out: Path) -> str | None:
    """ "owner/name" of the GitHub repository that a folder is a clone of, if it is one."""
    if not (out / ".git").exists():
        return None
    command = ["git", "-C", str(out), "config", "--get", "remote.origin.url"]
    address = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    _, _, path = address.replace("github.com:", "github.com/").partition("github.com/")
    return path.removesuffix("/").removesuffix(".git") or None


def _record(*publications: Mapping[str, list[str]]) -> bytes:
    names = sorted({name for publication in publications for name in publication})
    hashes = {
        name: sorted({one for publication in publications for one in publication.get(name, [])})
        for name in names
    }
    return f"{json.dumps(hashes, indent=1)}\n".encode()


def _read_record(out: Path) -> dict[str, list[str]]:
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except ValueError:
        record = None
    sound = isinstance(record, dict) and all(
        _is_inside(name) and isinstance(hashes, list) for name, hashes in record.items()
    )
    if not sound:
        raise CourseError(f"{out / RECORD} is damaged: restore it from git, or publish to a new folder")
    return record


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path != PurePosixPath()


def _refuse_edited(out: Path, before: Mapping[str, list[str]], files: Mapping[str, bytes]) -> None:
    """Raises CourseError where a publication would lose what somebody has written since the last one."""
    place = out.resolve()
    no_record = bool(before) and not any(before.values())
    for name in sorted({*before, *files}):
        path = out / name
        if not path.resolve().is_relative_to(place):
            raise CourseError(f"{path} points outside the folder: remove this link and publish again")
        if no_record or not path.is_file():
            continue
        found = _digest(path.read_bytes())
        ours = [*before.get(name, []), *([_digest(files[name])] if name in files else [])]
        if found not in ours:
            raise CourseError(
                f"{path} was changed by hand since it was published: move it away, with what you want to "
                "keep, and publish again"
            )


def _remove_empty_folders(folder: Path, out: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
