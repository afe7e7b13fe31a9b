"""The loop itself: logging, validation, checkpoints, interruptions. It knows no framework and no method."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from course.errors import CourseError, device_lost, out_of_memory
from course.files import CannotWrite, cannot_write, is_full
from course.training.memory import keep_freed_memory
from course.training.metrics import Metrics
from course.training.observers import Beginner, JsonlLog, LogLines, Observer, ProgressBar, TensorBoardLog
from course.training.prefetch import prefetch
from course.training.run_log import Span, read_metrics, summary
from course.training.runfolder import RunFolder
from course.training.stopwatch import Stopwatch
from course.wording import wording

IfExists = Literal["error", "resume", "overwrite"]
Batches = Callable[[int, int], Iterable[Mapping[str, Any]]]


class LoopSettings(Protocol):
    """What the loop reads of a run's hyperparameters."""

    @property
    def init_total_step(self) -> int:
        """Number of the first step."""

    @property
    def steps(self) -> int | None:
        """Steps to train, set once the hyperparameters are fitted to the data."""

    @property
    def epoch_steps(self) -> int | None:
        """Steps in an epoch, likewise."""

    @property
    def validate_every_steps(self) -> int:
        """Steps between validations."""

    @property
    def log_every_steps(self) -> int:
        """Steps between log lines."""

    @property
    def write_checkpoint_every(self) -> int:
        """Steps between checkpoints."""

    @property
    def logdir(self) -> str:
        """The run's folder."""


class Program(Protocol):
    """What a framework gives to the loop: a state that one mini-batch after the other moves on."""

    @property
    def step(self) -> int:
        """Updates done, ``init_total_step`` included."""

    @property
    def waiting(self) -> str | None:
        """What the first step waits for, in words, if that is worth a word."""

    def advance(self, batch: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """One update: the loss and the metrics, scalars that the device may still be working on."""

    def validate(self) -> Mapping[str, Any]:
        """Scalars on held-out images."""

    def not_finite(self) -> str | None:
        """What in the state is NaN or infinite ("weights"), or None."""

    def save(self, folder: RunFolder, manifest: Mapping[str, Any]) -> None:
        """Write everything that a resumed run needs."""

    def restore(self, folder: RunFolder) -> None:
        """Take up the state last saved."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        state: the last state.
        metrics: every metric's history, one value per step; "val error rate" one per validation.
        interrupted: Ctrl-C or a termination signal stopped it before its last step.
        began_at: the step that a resumed run went on from, otherwise ``init_total_step``.
        ended_at: the last step that was done.
        span: the step that was to be the last, and the seconds of training, earlier processes' included.
        seconds: of training in this process.
        folder: of the run.
    """

    state: Any
    metrics: Metrics
    interrupted: bool
    began_at: int
    ended_at: int
    span: Span
    seconds: float
    folder: Path

    @property
    def partial(self) -> bool:
        """Whether it ended before its last step."""
        return self.ended_at < self.span.ends

    def __str__(self) -> str:
        return summary(self.ended_at, self.span, self.metrics.dict_)


class NonFiniteLoss(CourseError):
    """A loss term is NaN or infinite."""


@contextmanager
def _stop_requested() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or termination signal into a request that the loop reads between steps."""
    asked: list[int] = []
    previous: dict[int, Any] = {}

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        signal.signal(number, previous[number])

    if threading.current_thread() is threading.main_thread():
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            previous[number] = signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _check_finite(record: Mapping[str, Any], loss: float, folder: RunFolder) -> None:
    # The sum is looked at last: the term that broke it says more.
    terms = [name for name in record if name.endswith(("loss", "decay")) and name != "total loss"]
    values = {**{name: record[name] for name in terms}, "total loss": loss}
    for name, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteLoss(
                f"step {record['step']}: the {name} is {value}; look for a logarithm of 0 or an "
                f"overflow in that term, or lower lr; {folder.path} keeps "
                "the log and the last checkpoint before it"
            )


def _check_state(program: Program, folder: RunFolder) -> None:
    # A finite loss can have a gradient that is not; what is saved must be fit to go on from.
    part = program.not_finite()
    if part is not None:
        raise NonFiniteLoss(
            f"step {program.step}: the {part} are no longer finite although the loss is; look for an "
            f"infinite gradient (a square root or a division at 0), or lower lr; {folder.path} keeps "
            "the last checkpoint before it"
        )


@contextmanager
def _in_one_line(hparams: LoopSettings, program: Program, folder: RunFolder) -> Iterator[None]:
    """Turn a full disk, a lack of memory and a lost device into one line that says what to do."""
    try:
        yield
    except CannotWrite as error:
        raise CourseError(f"{error}; then {_next_step(folder)}") from None
    except OSError as error:
        if not is_full(error):
            raise
        full = cannot_write(Path(error.filename or folder.path), error)
        raise CourseError(f"{full}; then {_next_step(folder)}") from None
    except (MemoryError, RuntimeError) as error:
        if device_lost(error):
            said = str(error).partition("\n")[0]
            raise CourseError(
                f"step {program.step}: the device can no longer be used ({said}); {_next_step(folder)}"
            ) from None
        if not out_of_memory(error):
            raise
        raise CourseError(
            f"step {program.step}: memory ran out; lower {_sizes(hparams)} and start over, or close other "
            f"programs and {_next_step(folder)}"
        ) from None


def require_known(if_exists: str) -> None:
    """Raise CourseError where ``if_exists`` is none of the three: a misspelt one would mean "error"."""
    known = get_args(IfExists)
    if if_exists not in known:
        *others, last = (f'"{name}"' for name in known)
        raise CourseError(f"if_exists is {if_exists!r}, which is unknown: use {', '.join(others)} or {last}")


def _goes_on(step: int, end: int) -> str:
    """What resuming a run means, in one line."""
    if step < end:
        return f"Going on after step {step} of {end}."
    return f"This run was finished before, so nothing is trained: for a new one, {wording.get().overwrite}."


def _next_step(folder: RunFolder) -> str:
    if folder.holds_run():
        return f"continue from the last checkpoint with {wording.get().resume}"
    return "start the run again"


def _sizes(hparams: LoopSettings) -> str:
    """The settings that decide how much memory a run takes, with their values."""
    names = ("mu", "labeled_batch_size", "batch_size", "val_batch_size")
    sizes = {name: getattr(hparams, name, 1) for name in names}
    shown = [f"{name} ({size})" for name, size in sizes.items() if size > 1] or ["the network's width"]
    *others, last = shown
    return f"{', '.join(others)} or {last}" if others else last


@dataclass(frozen=True)
class _Step:
    """A step whose numbers the device may still be working on."""

    number: int
    loss: Any
    metrics: Mapping[str, Any]
    validation: Mapping[str, Any]
    batch: Mapping[str, Any]


@dataclass(frozen=True)
class _Cadence:
    """At which steps of a run something is due."""

    first: int
    end: int
    epoch_steps: int
    validate_every: int
    save_every: int

    @classmethod
    def of(cls, hparams: LoopSettings) -> _Cadence:
        if hparams.steps is None or hparams.epoch_steps is None:
            raise CourseError("hparams.steps is not set: call hparams.fitted(len(unlabeled_dataset)) first")
        first = hparams.init_total_step
        every = hparams.validate_every_steps, hparams.write_checkpoint_every
        return cls(first, first + hparams.steps, hparams.epoch_steps, *every)

    def epoch(self, step: int) -> int:
        return (step - 1 - self.first) // self.epoch_steps

    def validates(self, step: int) -> bool:
        return step % self.validate_every == 0 or step == self.end

    def saves(self, step: int) -> bool:
        return step % self.save_every == 0 or step == self.end


class _Run:
    """A run on its way: its program, its folder, and who is told of each step."""

    def __init__(
        self, cadence: _Cadence, program: Program, folder: RunFolder, schedule: Callable[[int], Any]
    ) -> None:
        self.cadence, self.program, self.folder, self.schedule = cadence, program, folder, schedule
        self.stopwatch = Stopwatch(folder.path, cadence.end)
        self.metrics = Metrics()
        self.watchers: list[Observer] = []

    def begin(self, if_exists: IfExists) -> None:
        """Make the folder ready, or take up the run that it holds."""
        if if_exists == "resume" and self.folder.holds_run():
            self.program.restore(self.folder)
            for record in read_metrics(self.folder.metrics):
                self._keep(record)
            self.stopwatch.go_on()
            print(_goes_on(self.program.step, self.cadence.end))
        else:
            self.folder.prepare(overwrite=if_exists == "overwrite")
        self.stopwatch.write()
        for observer in self.watchers:
            if isinstance(observer, Beginner):
                observer.begin(self.folder.path)

    def watch(self, hparams: LoopSettings, cleanup: ExitStack) -> None:
        """Add what each run has: files, log lines, and a bar where there is something to wait for."""
        step, every = self.program.step, hparams.log_every_steps
        self.add(JsonlLog(self.folder.metrics), cleanup)
        self.add(TensorBoardLog(self.folder.path, every, step), cleanup)
        self.add(self.stopwatch, cleanup)
        self.add(LogLines(every), cleanup)
        if step < self.cadence.end:
            done, steps = step - self.cadence.first, self.cadence.end - self.cadence.first
            self.add(ProgressBar(done, steps, self.program.waiting), cleanup)

    def add(self, observer: Observer, cleanup: ExitStack) -> None:
        """Tell an observer of each step from now on, and close it at the end, however that comes."""
        self.watchers.append(cleanup.enter_context(closing(observer)))

    def done(self, batch: Mapping[str, Any], loss: Any, metrics: Mapping[str, Any]) -> _Step:
        """What came of an update, with the validation where one is due."""
        step = self.program.step
        validation = self.program.validate() if self.cadence.validates(step) else {}
        return _Step(step, loss, metrics, validation, batch)

    def tell(self, step: _Step) -> None:
        """Fetch a step's numbers and pass them on. Raises NonFiniteLoss."""
        values = {**step.metrics, "lr": self.schedule(step.number - 1), **step.validation}
        where = {"step": step.number, "epoch": self.cadence.epoch(step.number)}
        record = {**where, **{name: float(value) for name, value in values.items()}}
        _check_finite(record, float(step.loss), self.folder)
        for watcher in self.watchers:
            watcher.on_step(record, step.batch)
        self._keep(record)

    def save(self, manifest: Mapping[str, Any]) -> None:
        """Write a checkpoint. Raises NonFiniteLoss for a state that is not fit to go on from."""
        _check_state(self.program, self.folder)
        self.program.save(self.folder, {"holds": "optimizer state and step", **manifest})

    def _keep(self, record: Mapping[str, Any]) -> None:
        self.metrics.merge({name: v for name, v in record.items() if name not in ("step", "epoch")})


def run_loop(
    hparams: LoopSettings,
    program: Program,
    *,
    batches: Batches,
    schedule: Callable[[int], Any],
    manifest: Mapping[str, Any],
    if_exists: IfExists = "error",
    observers: Sequence[Observer] = (),
) -> TrainResult:
    """Run from ``program.step`` to ``init_total_step + steps``.

    Args:
        hparams: with ``steps`` and ``epoch_steps`` filled in.
        program: moved on by each mini-batch; afterwards it holds the last state.
        batches: ``(start_step, total_steps) -> mini-batches``, arrays by name.
        schedule: step number → learning rate, for the log.
        manifest: what to write into the run's checkpoints beside the step.
        if_exists: what to do when ``hparams.logdir`` holds a run: "error", "resume" from its last
            checkpoint, or "overwrite" it.
        observers: told of each step besides progress bar, log lines, metrics.jsonl and TensorBoard;
            closed when the run ends, however it ends.

    Returns:
        How the run ended; its ``state`` is the program.

    Raises:
        NonFiniteLoss: names the step and the term.
        CourseError: ``if_exists`` is unknown; the folder cannot be written, or holds a run and ``if_exists``
            is "error"; or memory ran out.
    """
    require_known(if_exists)
    keep_freed_memory()
    cadence = _Cadence.of(hparams)
    run = _Run(cadence, program, RunFolder(hparams.logdir), schedule)
    interrupted = False
    with _in_one_line(hparams, program, run.folder), ExitStack() as cleanup:
        for observer in observers:
            run.add(observer, cleanup)
        run.begin(if_exists)
        began_at = program.step
        run.watch(hparams, cleanup)
        remaining = batches(began_at - cadence.first, cadence.end - cadence.first)
        stop = cleanup.enter_context(_stop_requested())
        pending: _Step | None = None
        for batch in cleanup.enter_context(closing(prefetch(remaining))):
            loss, numbers = program.advance(batch)
            # Reading a step's metrics one step late lets a GPU work while this thread prepares the next.
            if pending is not None:
                run.tell(pending)
            pending, interrupted = run.done(batch, loss, numbers), stop() and program.step < cadence.end
            if cadence.saves(program.step) or interrupted:
                run.tell(pending)
                pending = None
                run.save(manifest)
            if interrupted:
                break
    clock = run.stopwatch
    result = TrainResult(
        program, run.metrics, interrupted, began_at, program.step, clock.kept, clock.here, run.folder.path
    )
    print(result)
    if interrupted:
        # A line of its own: a folder's name may be long, and a notebook breaks lines within words.
        print(f"Everything is saved in {result.folder}.\nContinue with {wording.get().resume}.")
    return result
