"""``python -m benchmarks [NAME ...] [--rounds N] [--write]``"""

from __future__ import annotations

import argparse
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
    train_step,
    validate_compile,
)
from benchmarks.measure import Line

MEASUREMENTS: dict[str, Callable[[int], list[Line]]] = {
    "train_step": train_step.measure,
    "torch_step": torch_step.measure,
    "augment": augment.measure,
    "validate_compile": validate_compile.measure,
    "check_latency": check_latency.measure,
    "import_time": import_time.measure,
    "autograde": autograde.measure,
    "class_size": class_size.measure,
    "mutants": mutants.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(MEASUREMENTS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure, by default all: {known}")
    parser.add_argument(
        "--only", choices=MEASUREMENTS, action="append", default=[], help="the same; may be repeated"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each alternative is timed (default 5)"
    )
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.md and results.json")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    for name in options.names:
        if name not in MEASUREMENTS:
            parser.error(f"there is no measurement {name!r}: use {known}")
    chosen = [*options.names, *options.only]
    if options.write and chosen:
        parser.error("--write keeps the whole table: leave out the names")

    console = Console()
    lines = []
    for name in chosen or MEASUREMENTS:
        with console.status(f"measuring {name}"):
            measured = MEASUREMENTS[name](options.rounds)
        lines += measured
        for line in measured:  # at once: a later measurement may fail
            console.print(f"{line.name}: {line.ratio:.2f}")
    console.print(report.table(lines))
    facts = machine.describe()
    console.print("; ".join(f"{name} {value}" for name, value in facts.items()), style="dim")
    if options.write:
        for path in report.write(lines, facts, options.rounds, Path(__file__).parent):
            console.print(f"wrote {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
