"""The text of the set-up cell: the source of `set_up_course`, and a call of it.

The function runs where nothing of the course is there yet, so it needs the standard library alone. It finds
the course's package and hands over to `course.notebook.setup.start_notebook`. The package is not installed
but unpacked into a temporary folder. That works without pip, without a network and where nothing can be
installed, and leaves the machine as it was.
"""

# No `from __future__` here: the function's text stands in a notebook, which has none.
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course import __version__

if TYPE_CHECKING:
    from course.notebook.setup.start import Environment

# Where files lie that a student has uploaded: beside the notebook, in Colab, on Kaggle, on other hosts
# (whose users often find the files in their home folder).
PLACES = (
    ".",
    "/content",
    "/content/drive/MyDrive",
    "/kaggle/input",
    "/kaggle/working",
    "/notebooks",
    "/storage",
    "/datasets",
    "~",
    "~/SageMaker",
)
# The first lines of the cell with the imports. They import nothing: the course may not be there yet.
SET_UP_FIRST = """\
if "env" not in globals():  # what the set-up cell makes

    class SetUpFirst(Exception):
        def _render_traceback_(self):
            return [str(self)]

    raise SetUpFirst("Run the set-up cell first (the folded cell above this one), then this one again.")
"""


def set_up_course(version: str, repository: str | None, checkpoint: str, places: list[str]) -> "Environment":
    """Find the course's package on this machine or on GitHub, and let it make the notebook ready."""
    import atexit, io, os, pathlib, re, shutil, sys, tempfile, urllib.request, zipfile

    class SetUpStopped(Exception):
        def _render_traceback_(self) -> list[str]:
            return [str(self)]  # a notebook shows the message and no traceback

    def numbers(version: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", version)]  # 1.10 is newer than 1.9

    def course() -> "Any":
        try:
            from course.notebook.setup import start_notebook
        except Exception:  # not there, too old, or something else of that name
            other = sys.modules.get("course")
            if other:
                place = getattr(other, "__file__", None) or next(iter(other.__path__))
                passed_over.append((str(place), getattr(other, "__version__", None)))
            for name in [name for name in sys.modules if name.partition(".")[0] == "course"]:
                del sys.modules[name]
            return None
        return start_notebook

    passed_over: list[tuple[str, str | None]] = []
    source: str | None = None
    folders = [pathlib.Path(os.path.expanduser(place)).resolve() for place in places]
    roots = list(dict.fromkeys(folder for folder in folders if folder.is_dir()))
    start = course()
    if start is None:  # perhaps a folder or file beside the notebook is called course: look there last
        sys.path.sort(key=lambda entry: entry in ("", os.getcwd()))
        start = course()
    if start is None:
        folders, wheels, incomplete = roots[:], [], None
        for folder in folders:  # the list grows, near folders first
            try:
                paths = sorted(folder.iterdir())
                below = [path for path in paths if path.is_dir() and path.name[0] not in "._"]
            except OSError:
                continue
            folders += [path for path in below if path not in folders][: max(0, 500 - len(folders))]
            for path in [path for path in paths if path.suffix in (".whl", ".zip") and path not in below]:
                if not zipfile.is_zipfile(path):
                    incomplete = path if folder == roots[0] else incomplete
                    continue
                names = [path.name] if path.suffix == ".whl" else zipfile.ZipFile(path).namelist()
                found = [re.search(r"(?:^|/)ssl_course-([^-/]+)-[^/]*\.whl$", name) for name in names]
                wheels += [(numbers(match[1]), path, match.string) for match in found if match]
            if wheels and max(wheels)[0] >= numbers(version):
                break
        problem = "files of the course are missing"
        try:
            if wheels:
                _, path, name = max(wheels)
                source = str(path)
                wheel = path.read_bytes() if path.suffix == ".whl" else zipfile.ZipFile(path).read(name)
            elif repository:
                name = f"ssl_course-{version}-py3-none-any.whl"
                source = f"https://github.com/{repository}/raw/main/{name}"
                with urllib.request.urlopen(source, timeout=60) as answer:
                    wheel = answer.read()
            if source:
                unpacked = tempfile.mkdtemp(prefix="ssl-course-")
                atexit.register(shutil.rmtree, unpacked, ignore_errors=True)
                zipfile.ZipFile(io.BytesIO(wheel)).extractall(unpacked)
                sys.path.insert(0, unpacked)
                start = course()
                if start is None:
                    sys.path.remove(unpacked)
                    problem = f"{source} is too old for this notebook"
        except Exception as error:
            problem = f"{source} cannot be read ({error})"
        if start is None:
            missing = [f"ssl_course-{version}-py3-none-any.whl (the course's package)"]
            gpu = checkpoint and not repository and shutil.which("nvidia-smi")
            if gpu and not any((folder / checkpoint).is_file() for folder in folders):
                missing.append(f"{checkpoint} (training on this GPU starts from it)")
            step = f"put the zip file of this unit, as it is, into {os.getcwd()}"
            if incomplete:
                step = f"wait until the upload of {incomplete.name} is complete"
            elif repository and not wheels:
                step = f"connect to the internet, or open the unit again from github.com/{repository}"
            elif "google.colab" in sys.modules:
                step = "drag the zip file of this unit, as it is, into the file panel on the left"
            elif os.path.isdir("/kaggle/input"):
                step = "upload the zip file of this unit in the panel on the right (Upload, New Dataset)"
            looked = [f"{', '.join(map(str, roots))} and the folders in them ({len(folders)} in all)"]
            looked += [f"{place} is not the package that this notebook needs" for place, _ in passed_over[:1]]
            raise SetUpStopped(
                f"Set-up stopped: {problem}.\nMissing: {', '.join(missing)}.\n"
                f"Searched: {'; '.join(looked)}.\nNext step: {step}, then run this cell again."
            ) from None
    facts = {"notebook": version, "repository": repository, "checkpoint": checkpoint, "places": roots}
    return start({**facts, "source": source, "passed over": passed_over[:1]})


def setup_cell(repository: str | None, checkpoint: str | None = None, places: Sequence[str] = PLACES) -> str:
    """The set-up cell's text.

    Args:
        repository: "owner/name" on GitHub of the published course, whose top folder holds the wheel, or None.
        checkpoint: what the notebook's unit needs on a GPU beside the package, or None.
        places: where to look for the package, nearest first.
    """
    return (
        f"{inspect.getsource(set_up_course)}\n\n"
        "env = set_up_course(\n"
        f"    version={__version__!r},  # the release that this notebook comes from\n"
        f"    repository={repository!r},  # on GitHub; None: the course came as a zip file\n"
        f"    checkpoint={checkpoint or ''!r},\n"
        f"    places={list(places)!r},\n"
        ")\n"
    )
