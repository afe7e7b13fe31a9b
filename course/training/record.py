"""``python -m course.training.record RUN_FOLDER UNIT RUN``: keep a finished run's log for the notebooks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course.catalog import load_course
from course.console import plain_where_needed
from course.errors import CourseError
from course.training.recorded import RUNS, record
from course.units import folder_of


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write the two files. Returns the exit code."""
    plain_where_needed()
    parser = argparse.ArgumentParser(prog="python -m course.training.record", description=__doc__)
    parser.add_argument("run_folder", type=Path, help="made by `python -m solutions train`")
    parser.add_argument("unit", choices=[unit.name for unit in load_course().units])
    parser.add_argument("run", help="the name that notebooks load it by")
    parser.add_argument("--out", type=Path, help="default: the unit's folder of runs")
    options = parser.parse_args(arguments)
    out = options.out or Path(str(folder_of(options.unit) / RUNS))
    try:
        for path in record(options.run_folder, options.run, out):
            print(path)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
