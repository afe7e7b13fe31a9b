"""Driving in another process gives the verdicts of driving in this one, and survives whatever code does."""

from __future__ import annotations

import linecache
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from autograder.grading.separate import WORKER, SeparateProcess
from autograder.reference import solution_text
from autograder.units.alternative import Alternative, alternatives_of, imports_of
from autograder.units.mutant import Mutant, load_mutant, mutants_of
from course.checks.case import Case, Check, Inputs, Outcome, Verdict, attempt, judge
from course.checks.expectations import load_expectations
from course.checks.runner import find_check
from course.errors import CourseError
from course.units.fixmatch.checks import CHECKS
from course.units.fixmatch.checks.log_probs import LOGITS_TO_LOG_PROBS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[str], SeparateProcess]]:
    """One worker process a unit for all hand-ins of this file that do it no harm."""
    with ExitStack() as stack:
        yield cache(lambda unit: stack.enter_context(SeparateProcess(unit)))


@pytest.fixture
def separate(workers: Callable[[str], SeparateProcess]) -> SeparateProcess:
    """That of the unit fixmatch."""
    return workers("fixmatch")


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a hand-in's text to a file."""

    def write(source: str) -> Path:
        path = tmp_path / "hand_in.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


def judge_all(check: Check, drive_case: Callable[..., Outcome]) -> list[Verdict]:
    """The verdicts on all cases, with the texts of differences and failures."""
    expectation = load_expectations(find_check(check.name)[0])[check.name]
    outcomes = [drive_case(case, case.inputs()) for case in check.cases]
    return [
        judge(case, outcome, expectation.cases[case.name], expectation.slips.values())
        for case, outcome in zip(check.cases, outcomes, strict=True)
    ]


def source_of(function: Callable[..., object]) -> str:
    """The whole text of the module in which a function stands."""
    return "".join(linecache.getlines(function.__code__.co_filename))


def judged_there(name: str, file: Path, separate: SeparateProcess) -> list[Verdict]:
    _, check = find_check(name)
    return judge_all(check, lambda case, inputs: separate.drive(file, name, case.name, inputs))


def test_the_reference_passes_there_too(
    exercise: str, hand_in: Callable[[str], Path], workers: Callable[[str], SeparateProcess]
) -> None:
    unit, check = find_check(exercise)
    file = hand_in(solution_text(unit))  # the worker need not find the package that it is from
    assert judged_there(exercise, file, workers(unit)) == [Verdict(True)] * len(check.cases)


TITLES = {"helper in another cell", "Python floats where possible", "Python floats"}
ALTERNATIVES = [
    item
    for item in alternatives_of("fixmatch")
    if item.exercise in ("logits_to_log_probs", "cosine_decay_schedule", "get_validate_fn")
    and item.title in TITLES
]


def test_three_alternatives_are_tried() -> None:
    assert len(ALTERNATIVES) == 3


@pytest.mark.parametrize("item", ALTERNATIVES, ids=lambda item: item.exercise)
def test_alternatives_pass_there_too(
    item: Alternative, hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    there = judged_there(item.exercise, hand_in(imports_of("fixmatch") + item.source), separate)
    assert there == [Verdict(True)] * len(there)


# Of each exercise one that gives other values, and one that raises.
BY_VALUE_AND_BY_EXCEPTION = {
    "logits_to_log_probs": ("probabilities", "kept for later"),
    "log_softmax_cross_entropy": ("sign", "kept for later"),
    "cosine_decay_schedule": ("half cosine", "Python's math"),
    "get_forward_fn": ("views exchanged", "equal thirds"),
    "get_fixmatch_loss_fn": ("views exchanged", "ten classes"),
    "get_validate_fn": ("accuracy", "batches used up"),
    "mean_over_images": ("plain mean", "kept for later"),
}
# And some that return something of another structure.
OF_ANOTHER_STRUCTURE = ("batch_stats dropped", "batch_stats not unpacked", "squeezed")
WRONG = [
    mutant
    for mutant in mutants_of("fixmatch")
    if mutant.id in BY_VALUE_AND_BY_EXCEPTION[mutant.exercise]
    or (mutant.exercise == "get_forward_fn" and mutant.id in OF_ANOTHER_STRUCTURE)
]


def test_two_wrong_versions_of_every_exercise_are_tried() -> None:
    counts = Counter(mutant.exercise for mutant in WRONG)
    others = Counter({"get_forward_fn": len(OF_ANOTHER_STRUCTURE)})
    assert counts - others == Counter(dict.fromkeys((check.name for check in CHECKS), 2))


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: f"{mutant.exercise}: {mutant.id}")
def test_wrong_versions_get_the_same_verdicts_there(
    mutant: Mutant, hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    """Differences with their texts and slips; exceptions with their line and the arguments of the call."""
    function = load_mutant("fixmatch", mutant)
    _, check = find_check(mutant.exercise)
    here = judge_all(check, lambda case, inputs: attempt(case, function, inputs, echo=False))
    there = judged_there(mutant.exercise, hand_in(source_of(function)), separate)
    assert there == here
    assert not all(verdict.passed for verdict in there)
    assert any(verdict.slip is not None and verdict.slip.id == mutant.slip for verdict in there)
    _, by_exception = BY_VALUE_AND_BY_EXCEPTION[mutant.exercise]
    shown = [verdict.failure if mutant.id == by_exception else verdict.difference for verdict in there]
    assert any(one is not None for one in shown)


def test_a_stub_is_unfinished_there_too(
    exercise: str,
    stub_text: Callable[[str], str],
    hand_in: Callable[[str], Path],
    workers: Callable[[str], SeparateProcess],
) -> None:
    unit, check = find_check(exercise)
    file = hand_in(imports_of(unit) + stub_text(exercise))
    outcome = workers(unit).drive(file, exercise, check.cases[0].name, check.cases[0].inputs())
    assert outcome.failure is not None
    assert outcome.failure.unfinished


def test_a_librarys_function_stands_in_for_a_wrong_earlier_exercise(
    hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    text = (ROOT / "solutions" / "fixmatch.py").read_text(encoding="utf-8")
    assert text.count("jax.nn.log_softmax(logits, axis=-1)") == 1
    file = hand_in(text.replace("jax.nn.log_softmax(logits, axis=-1)", "jax.nn.softmax(logits, axis=-1)"))
    check = next(check for check in CHECKS if check.name == "get_fixmatch_loss_fn")

    def passed(stand_ins: tuple[str, ...]) -> bool:
        def drive_case(case: Case, inputs: Inputs) -> Outcome:
            return separate.drive(file, check.name, case.name, inputs, stand_ins=stand_ins)

        return all(verdict.passed for verdict in judge_all(check, drive_case))

    assert not passed(())
    assert passed(("logits_to_log_probs", "get_forward_fn"))  # for the second there is none
    assert not passed(())


CASE = LOGITS_TO_LOG_PROBS.cases[0]
RIGHT = "import jax\n\ndef logits_to_log_probs(logits):\n    return jax.nn.log_softmax(logits)\n"


def drive_it(separate: SeparateProcess, file: Path) -> Outcome:
    return separate.drive(file, LOGITS_TO_LOG_PROBS.name, CASE.name, CASE.inputs())


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("def f(:", "SyntaxError", ""),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("x = 1", "NameError", "defines no logits_to_log_probs"),
        ("logits_to_log_probs = 3", "TypeError", "a function is expected here, not int"),
        ("def logits_to_log_probs(logits):\n    return logits.nothing", "AttributeError", "nothing"),
        ("def logits_to_log_probs(logits):\n    raise SystemExit(4)", "SystemExit", "4"),
        (
            "import numpy as np\ndef logits_to_log_probs(logits):\n    return [np.zeros(1)] * 5000",
            "CourseError",
            "4096 arrays or 256000000 bytes: return less",
        ),
    ],
)
def test_what_code_raises_comes_back(
    source: str, kind: str, message: str, hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    outcome = drive_it(separate, hand_in(source))
    assert outcome.failure is not None
    assert outcome.failure.type == kind
    assert message in outcome.failure.message


def test_a_name_defined_before_the_hand_in_failed_counts(
    hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    assert drive_it(separate, hand_in(RIGHT + "1 / 0\n")).failure is None


def test_printing_and_reading_do_not_disturb_the_channel(
    hand_in: Callable[[str], Path], separate: SeparateProcess
) -> None:
    source = """
        import os, sys
        import jax

        def logits_to_log_probs(logits):
            print('{"number": 1}')
            os.write(1, b'{"number": 2}\\n')
            assert sys.stdin.read() == ""
            return jax.nn.log_softmax(logits)
    """
    assert drive_it(separate, hand_in(source)).failure is None


HOSTILE = {
    "ends the process": ("os._exit(0)", "ProcessEnded"),
    "is killed": ("os.kill(os.getpid(), 9)", "ProcessEnded"),
    "hangs": ("os.read(os.pipe()[0], 1)", "TimeLimit"),
    "leaves a process behind": ("os.fork() or time.sleep(600); os._exit(0)", "ProcessEnded|TimeLimit"),
    "answers in the worker's place": (
        "[os.write(fd, b'{\"number\": 77}\\n') for fd in range(3, 20) if writable(fd)]",
        "BadOutcome",
    ),
    "writes without end": (
        "while True:\n        [os.write(fd, b'x' * 5000) for fd in range(3, 20) if writable(fd)]",
        "BadOutcome",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and fork")
@pytest.mark.parametrize("title", HOSTILE)
def test_whatever_code_does_the_next_case_is_served(title: str, hand_in: Callable[[str], Path]) -> None:
    statement, kinds = HOSTILE[title]
    source = (
        "import os, time\n"
        "def writable(fd):\n"
        "    path = f'/proc/self/fd/{fd}'\n"
        "    return os.path.exists(path) and 'pipe' in os.readlink(path) and os.lstat(path).st_mode & 0o200\n"
        f"def logits_to_log_probs(logits):\n    {statement}\n"
    )
    with SeparateProcess("fixmatch", seconds=6.0) as separate:
        file = hand_in(RIGHT)
        assert drive_it(separate, file).failure is None  # so that starting is not part of the time
        bad = file.with_name("bad.py")
        bad.write_text(source)
        began = time.monotonic()
        outcome = drive_it(separate, bad)
        assert time.monotonic() - began < 20
        assert outcome.failure is not None
        assert outcome.failure.type in kinds.split("|")
        assert drive_it(separate, file).failure is None


@pytest.mark.parametrize(
    "command",
    [
        ("no-such-program",),
        (sys.executable, "-c", "raise SystemExit"),
        (sys.executable, "-c", "print('hello')"),
    ],
    ids=["missing", "ends", "says something else"],
)
def test_a_worker_that_does_not_start_is_an_error(
    command: tuple[str, ...], hand_in: Callable[[str], Path]
) -> None:
    with (
        SeparateProcess("fixmatch", command=command) as separate,
        pytest.raises(CourseError, match="the worker does not start"),
    ):
        drive_it(separate, hand_in(RIGHT))


def test_only_plain_inputs_are_sent(hand_in: Callable[[str], Path]) -> None:
    with (
        SeparateProcess("fixmatch", command=("no-such-program",)) as separate,
        pytest.raises(CourseError, match="a object, which is not plain"),
    ):
        separate.drive(hand_in(RIGHT), "logits_to_log_probs", "published", {"logits": object()})


def test_the_worker_needs_neither_answers_nor_hidden_checks(hand_in: Callable[[str], Path]) -> None:
    """It runs with the course's package alone, as a sandbox installs it."""
    blocked = (
        "import sys\n"
        "for name in ('autograder', 'solutions'):\n"
        "    sys.modules[name] = None\n"
        "from course.checks.worker import main\n"
        "main(sys.argv[1])\n"
    )
    with SeparateProcess("fixmatch", command=(*WORKER[:2], "-c", blocked)) as separate:
        assert drive_it(separate, hand_in(RIGHT)).failure is None
        other = hand_in(RIGHT).with_name("other.py")
        other.write_text("import solutions\n" + RIGHT, encoding="utf-8")
        outcome = drive_it(separate, other)
        assert outcome.failure is not None
        assert outcome.failure.type == "ModuleNotFoundError"
