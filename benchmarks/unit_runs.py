"""``python -m benchmarks.unit_runs UNIT``: the runs of a PyTorch unit's notebook in CPU mode.

They are trained with the reference solutions, from the settings in `course.training.modes`, one folder a run.
``python -m benchmarks.cpu_mode`` repeats them over seeds and versions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import jax

from benchmarks.cpu_mode import units_that_train
from course.console import command_line


@command_line
def main(arguments: list[str] | None = None) -> int:
    """Train a unit's runs. Returns the exit code."""
    jax.config.update("jax_platforms", "cpu")  # it only draws the splits here
    made = {unit: runs.train for unit, runs in units_that_train().items() if runs.train is not None}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unit_runs", description=__doc__)
    parser.add_argument("unit", choices=made)
    parser.add_argument("--seed", type=int, default=0, help="of splits, weights, order and views")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs' folders")
    options = parser.parse_args(arguments)
    made[options.unit](options.seed, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
