"""``make site``: the course's website, as a folder of static files."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from autograder.files import REPOSITORY, write_changed
from autograder.site.pages import site_files
from course.errors import CourseError

BAD_INPUT = 2
# By this file a folder is known as a site, and may be replaced.
INDEX = "searchindex.js"


def build_site(out: Path, root: Path = REPOSITORY) -> int:
    """Make the pages and have Sphinx build the site; warnings are errors.

    Args:
        out: a folder that is empty, missing, or an older site. It is replaced once the new one is whole.
        root: the repository, built and executed.

    Returns:
        the number of pages.

    Raises:
        CourseError: ``out`` holds something else, a source is missing, or Sphinx complains.
    """
    _check_folder(out)
    with TemporaryDirectory(prefix="site-") as folder:
        for name, content in site_files(root).items():
            write_changed(Path(folder, name), content)
        beside = out.with_name(f"{out.name}.part")
        rmtree(beside, ignore_errors=True)
        command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going"]
        command += ["--quiet", "--fresh-env"]
        command += ["--doctree-dir", f"{folder}/_doctrees", folder, str(beside)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            rmtree(beside, ignore_errors=True)
            print(done.stderr, file=sys.stderr, end="")
            raise CourseError("the site cannot be built: correct what Sphinx names above")
    if out.exists():
        rmtree(out)
    beside.rename(out)
    return len(list(out.rglob("*.html")))


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise CourseError(f"{out} is a file: name a folder for the site")
    if out.is_dir() and any(out.iterdir()) and not (out / INDEX).is_file():
        raise CourseError(f"{out} is neither empty nor a site of this course: name another folder")


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(prog="python -m autograder.site", description=__doc__)
    parser.add_argument("out", type=Path, metavar="DIR", help="the folder for the site")
    out = parser.parse_args().out
    try:
        pages = build_site(out)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except OSError as error:
        print(
            f"error: {error.filename or out}: {error.strerror or error}; choose another place",
            file=sys.stderr,
        )
        sys.exit(BAD_INPUT)
    print(f"{out}: {pages} pages; open {out / 'index.html'}")


if __name__ == "__main__":
    main()
