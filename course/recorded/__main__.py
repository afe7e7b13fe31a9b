"""``python -m course.recorded RUN_FOLDER RUN``: keep a finished run's log for the notebooks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course.console import plain_where_needed
from course.errors import CourseError
from course.recorded import RUNS, record


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write the two files. Returns the exit code."""
    plain_where_needed()
    parser = argparse.ArgumentParser(prog="python -m course.recorded", description=__doc__)
    parser.add_argument("run_folder", type=Path, help="made by `python -m solutions train`")
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: beside this file")
    options = parser.parse_args(arguments)
    try:
        for path in record(options.run_folder, options.run, options.out):
            print(path)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
