"""``python -m benchmarks.gpu --out FOLDER --data FILE``: ``make gpu``.

Every part that is not in the folder yet is found out in a process of its own, the most valuable first, until
the time is over. Run it again to go on. It needs no network.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.gpu.part import UNFINISHED, environment
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.report import page, read_part
from benchmarks.gpu.settings import DEVICES, Settings
from benchmarks.train.worker import ROOT
from course.console import command_line
from course.errors import CourseError, unknown_name
from course.files import write_atomically
from course.precision import Precision

NOT_BEGUN = "not begun: the time was over"
STOPPED = "stopped when the time was over; the same command goes on with it"
INTERRUPTED = 130
GRACE = 60.0  # seconds in which a part that is asked to stop saves its run

# (part, settings, seconds it may take) → its problem, or None where its file is written
Runner = Callable[[str, Settings, float], str | None]


def run_part(name: str, settings: Settings, seconds: float) -> str | None:
    """Find out a part in a process. Returns what went wrong, in one line, or None."""
    log = Path(settings.out, "logs", f"{name}.txt")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.gpu.part", name, json.dumps(asdict(settings))]
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment(settings), stdout=said, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(timeout=seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
            code = _stop(process)
            if isinstance(stopped, KeyboardInterrupt):
                raise
            return None if code == 0 else STOPPED
    if code == 0:
        return None
    if code == UNFINISHED:
        return STOPPED
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    last = lines[-1].removeprefix("error: ") if lines else f"it ended with code {code} and without a word"
    return f"failed: {last} ({log.name} in {log.parent} has the rest)"


def _stop(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def conduct(
    settings: Settings, names: Sequence[str], minutes: float, run: Runner = run_part
) -> dict[str, str]:
    """Find out the parts that are not there yet.

    Args:
        settings: checked.
        names: of `PARTS`, the most valuable first.
        minutes: after which nothing is begun, and what is running is stopped.
        run: finds out a part.

    Returns:
        part → why it is not there.
    """
    out, end = Path(settings.out), time.monotonic() + 60 * minutes
    problems: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        told = f"{number}/{len(names)} {name}: {PARTS[name].explained}"
        known = read_part(out, name)
        if known is not None and not known["figures"].get("again"):
            print(f"{told}: there already")
            continue
        left = end - time.monotonic()
        if left <= 0:
            problems[name] = NOT_BEGUN
            continue
        print(f"{told} …", flush=True)
        began = time.monotonic()
        problem = run(name, settings, left)
        if problem is None and (known := read_part(out, name)) is not None and known["figures"].get("again"):
            left_out = known["figures"]["left out"]
            problem = "incomplete: " + "; ".join(f"{which}: {why}" for which, why in left_out.items())
        if problem is not None:
            problems[name] = problem
        print(f"  {problem or 'done'}, {time.monotonic() - began:.0f} s", flush=True)
        write_atomically(out / "report.md", page(out, problems).encode())
    write_atomically(out / "report.md", page(out, problems).encode())
    return problems


@command_line
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 where a part failed, 0 where only time was lacking."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("gpu"), help="folder for what is found (default gpu)"
    )
    parser.add_argument(
        "--data",
        default="cifar10.npz",
        help=".npz file with x_train, y_train, x_test, y_test, or a data set's name",
    )
    parser.add_argument("--minutes", type=float, default=25.0, help="after which it stops (default 25)")
    parser.add_argument("--device", default="cuda", help=f"{' or '.join(DEVICES)} (default cuda)")
    parser.add_argument("--precision", default="auto", help=f"of PyTorch's networks: {', '.join(Precision)}")
    parser.add_argument("--batch", type=int, default=64, help="labeled images in a step (default 64)")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--tiny", action="store_true", help="sizes and lengths of a test")
    options = parser.parse_args(arguments)
    for name in options.only:
        if name not in PARTS:
            raise unknown_name("part", name, PARTS)
    if not options.minutes > 0:
        raise CourseError(f"--minutes {options.minutes:g} leaves no time: give more than 0")
    data = str(Path(options.data).absolute()) if Path(options.data).suffix else options.data
    out = str(options.out.absolute())
    settings = Settings(out, data, options.device, options.precision, options.batch, options.tiny)
    settings.check()
    settings.claim()
    try:
        problems = conduct(settings, options.only or list(PARTS), options.minutes)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on with it", file=sys.stderr)
        return INTERRUPTED
    print(f"{options.out / 'report.md'} has what was found")
    for name, problem in problems.items():
        print(f"{name}: {problem}", file=sys.stderr)
    return int(any(problem not in (NOT_BEGUN, STOPPED) for problem in problems.values()))


if __name__ == "__main__":
    sys.exit(main())
