"""``python -m benchmarks [NAME ...] [--rounds N] [--write]``"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import (
    augment,
    autograde,
    check_latency,
    class_size,
    import_time,
    machine,
    mutants,
    report,
    torch_step,
    validate_compile,
)
from benchmarks.measure import Line
from benchmarks.throughput import Comparison
from benchmarks.train import compare, growth
from course.console import command_line
from course.files import write_atomically

MEASUREMENTS: dict[str, Callable[[int], list[Line] | Comparison]] = {
    "train": compare.measure,
    "growth": growth.measure,
    "torch_step": torch_step.measure,
    "augment": augment.measure,
    "validate_compile": validate_compile.measure,
    "check_latency": check_latency.measure,
    "import_time": import_time.measure,
    "autograde": autograde.measure,
    "class_size": class_size.measure,
    "mutants": mutants.measure,
}


@command_line
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and write them where asked. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(MEASUREMENTS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure, by default all: {known}")
    parser.add_argument(
        "--only", choices=MEASUREMENTS, action="append", default=[], help="the same; may be repeated"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each alternative is timed (default 5)"
    )
    parser.add_argument("--write", action="store_true", help="write results.md, results.json and growth.svg")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what `train`, `growth` and `augment` found, as JSON"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the picture of `growth`, an SVG")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    for name in options.names:
        if name not in MEASUREMENTS:
            parser.error(f"there is no measurement {name!r}: use {known}")
    chosen = [*options.names, *options.only]
    if options.write and chosen:
        parser.error("--write keeps the whole table: leave out the names")
    if options.plot and chosen and "growth" not in chosen:
        parser.error("--plot is the picture of growth: measure that too")

    console = Console()
    lines: list[Line] = []
    comparisons: dict[str, Comparison] = {}
    for name in chosen or MEASUREMENTS:
        began = time.perf_counter()
        console.print(f"measuring {name}", style="dim")
        measured = MEASUREMENTS[name](options.rounds)
        # At once: a later measurement may fail.
        if isinstance(measured, Comparison):
            comparisons[name] = measured
            console.print(measured.table())
        else:
            lines += measured
            for line in measured:
                console.print(f"{line.name}: {line.ratio:.2f}")
        console.print(f"{time.perf_counter() - began:.0f} s", style="dim")
    if lines:
        console.print(report.table(lines))
    facts = machine.describe()
    console.print("; ".join(f"{name} {value}" for name, value in facts.items()), style="dim")
    if options.json is not None:
        content = {"machine": facts, **{name: made.to_json() for name, made in comparisons.items()}}
        write_atomically(options.json, (json.dumps(content, indent=1) + "\n").encode())
    picture = comparisons["growth"].picture if "growth" in comparisons else None
    if options.plot is not None and picture is not None:
        write_atomically(options.plot, picture)
    if options.write:
        for path in report.write(lines, comparisons, facts, options.rounds, Path(__file__).parent):
            console.print(f"wrote {path.relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
