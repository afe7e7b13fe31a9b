"""The comparison: every method with every number of labels and every seed, in parallel on dask.distributed.

Each run is that of ``python -m solutions train`` in a folder of its own, so a sweep that was stopped goes on
where each run stood, and runs that were made by hand are taken up. Workers are given plain data and write to
the runs' folders; this process alone writes the tidy files.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.errors import CourseError, unknown_name
from course.files import cannot_write
from solutions.cost import forward_equivalents, images_per_step
from solutions.tidy import METHODS, Tidy

# Each worker has a core. JAX and OpenMP read these when they are imported.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC")
ONE_THREAD = dict.fromkeys(THREADS, "1")
REACH_SCHEDULER = 10.0  # seconds until a scheduler counts as absent
LOCKS = ".locks"
LOOK = 0.2  # seconds between looks at the runs
SHOW = 2.0  # seconds between updates of the bar
OF_A_RUN = (
    "seed",
    "n_labeled",
    "num_labeled_training_samples_per_class",
)  # hyperparameters that rows differ in

_alone = threading.Lock()  # a process trains one network at a time, whatever the worker's number of threads


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
        methods: each once.
        labels: labeled images in all, each number once.
        seeds: 0, 1 … below this.
        given: hyperparameters for every run, by name.
    """

    methods: Sequence[str]
    labels: Sequence[int]
    seeds: int
    out: Path
    framework: str = "torch"
    model: str | None = None
    preset: str | None = None
    data: str = "shapes"
    note: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what can be no sweep.

        Raises:
            CourseError: an unknown method, a number that is too small, or an empty list.
        """
        for method in self.methods:
            if method not in METHODS:
                raise unknown_name("method", method, METHODS)
        for flag, values in (("--methods", self.methods), ("--labels", self.labels)):
            if not values:
                raise CourseError(f"{flag} is missing: give one or more, such as {flag} {EXAMPLES[flag]}")
        for labels in self.labels:
            if labels < 1:
                raise CourseError(f"--labels {labels} is no number of labels: give at least 1 for each class")
        if self.seeds < 1:
            raise CourseError(f"--seeds {self.seeds} makes no run: give at least 1")


EXAMPLES = {"--methods": " ".join(METHODS), "--labels": "40 100 400"}


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        name: of its folder.
        config: what its config.json holds.
        cost: of a step, in forward passes of an image.
        steps: of the whole run.
        words: what a worker needs to know, plain data.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    cost: int
    steps: int
    words: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int, int]:
        """Which row of the tidy files is its."""
        return self.words["method"], self.words["labels"], self.words["seed"]

    def steps_done(self) -> int:
        """How far the run has come, by its log."""
        try:
            return min(self.steps, (self.folder / "metrics.jsonl").read_bytes().count(b"\n"))
        except OSError:
            return 0


def _command(words: Mapping[str, Any], name: str) -> str:
    """The command that makes the same run."""
    line = ["python", "-m", "solutions", "train", words["method"], "--framework", words["framework"]]
    for flag, value in (("--preset", words["preset"]), ("--model", words["model"])):
        line += [flag, value] if value else []
    line += [
        "--data",
        Path(words["data"]).name,
        "--labels",
        str(words["labels"]),
        "--seed",
        str(words["seed"]),
    ]
    for option, value in words["given"].items():
        flag = option.replace("_", "-")
        line += (
            [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
        )
    line += ["--note", words["note"]] if words["note"] else []
    return shlex.join([*line, "--out", f"runs/{name}"])


def make_cells(asked: Asked) -> list[Cell]:
    """All runs, those of the first seed first, so that an unfinished table is balanced.

    Raises:
        CourseError: any of the runs can not be.
    """
    from course.data import load_dataset
    from course.training import RunFolder
    from solutions.experiment import begun_config, check_same_config, plan, resolve
    from solutions.options import Given

    asked.check()
    data = asked.data
    if Path(data).suffix:
        data = str(Path(data).absolute())
    splits = None
    cells = []
    for seed in range(asked.seeds):
        for labels in asked.labels:
            for method in asked.methods:
                words = {
                    "method": method,
                    "labels": labels,
                    "seed": seed,
                    "framework": asked.framework,
                    "model": asked.model,
                    "preset": asked.preset,
                    "data": data,
                    "note": asked.note,
                    "given": dict(asked.given),
                }
                name = f"{method}-{labels}-{seed}"
                out = asked.out.absolute() / "runs" / name
                given = Given({**asked.given, "seed": seed})
                framework, model, make_hparams = resolve(
                    method, asked.framework, asked.model, asked.preset, given
                )
                splits = splits or load_dataset(data)
                planned = plan(
                    method,
                    make_hparams,
                    out=out,
                    framework=framework,
                    model=model,
                    preset=asked.preset,
                    data=data,
                    labels=labels,
                    note=asked.note,
                    splits=splits,
                )
                folder, config = RunFolder(out), planned.config
                if folder.result.is_file() or folder.holds_run():
                    # A note changes no number: the run keeps its own.
                    words["note"] = config["note"] = begun_config(folder).get("note", "")
                    check_same_config(folder, config)
                words |= {"out": str(out), "command": _command(words, name)}
                steps = planned.hparams.steps
                cost = forward_equivalents(1, *images_per_step(method, config["hparams"]))
                cells.append(Cell(name, out, config, cost, steps, words))
    return cells


class Abandoned(Exception):
    """Nobody waits for this run any longer."""


class _WhileWanted:
    """An observer that ends a run whose sweep was stopped or killed: the scheduler has then let go of it."""

    def __init__(self) -> None:
        from distributed import get_worker

        self.task = None
        with contextlib.suppress(ValueError):  # no worker: the run was called directly
            worker = get_worker()
            self.task = worker.state.tasks[worker.get_current_task()]

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Raise Abandoned, if so."""
        if self.task is not None and self.task.state == "cancelled":
            raise Abandoned

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the run's bar and log lines, which would run into those of the others."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def train_cell(words: Mapping[str, Any]) -> dict[str, str]:
    """One run, in a worker.

    Args:
        words: of a `Cell`.

    Returns:
        Nothing, or "error" and, for what was not foreseen, "traceback".
    """
    from filelock import FileLock

    from solutions.experiment import resolve, run
    from solutions.options import Given

    out = Path(words["out"])
    try:
        locks = out.parents[1] / LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        # A killed sweep's worker may still be in its last step.
        with _alone, FileLock(locks / out.name), _quiet():
            framework, model, make_hparams = resolve(
                words["method"],
                words["framework"],
                words["model"],
                words["preset"],
                Given({**words["given"], "seed": words["seed"]}),
            )
            run(
                words["method"],
                make_hparams,
                out=out,
                if_exists="resume",
                observers=[_WhileWanted()],
                command_line=words["command"],
                framework=framework,
                model=model,
                **{name: words[name] for name in ("preset", "data", "labels", "note")},
            )
    except CourseError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    return {}


@contextmanager
def _signals(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Other signal handlers for a while; in the main thread alone can there be any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def default_jobs(framework: str) -> int:
    """One run a core, or with a GPU one run."""
    from solutions.machine import cores

    if framework == "torch":
        import torch

        return 1 if torch.cuda.is_available() else cores()
    import jax

    return cores() if jax.default_backend() == "cpu" else 1


@contextmanager
def reach(scheduler: str) -> Iterator[Any]:
    """A client of the dask scheduler at an address.

    Raises:
        CourseError: there is none.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout=REACH_SCHEDULER, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CourseError(
            f"there is no dask scheduler at {scheduler} ({reason}): start one with 'dask scheduler', or "
            "leave --scheduler out"
        ) from None
    with client:
        yield client


@contextmanager
def processes_here(jobs: int) -> Iterator[Any]:
    """A client of that many processes on this machine, which end with this one."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        "distributed.worker.daemon": True,
    }
    # A terminal's Ctrl-C goes to all processes. Workers inherit here to ignore it: this one ends them.
    with dask.config.set(settings), _signals({signal.SIGINT: signal.SIG_IGN}):
        cluster = LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",  # of the status pages; None would be dask's fixed port
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            env=ONE_THREAD,
        )
        client = Client(cluster, set_as_default=False)
    try:
        yield client
    finally:
        with _signals({signal.SIGINT: signal.SIG_IGN}):
            client.close()
            cluster.close()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """A bar over the images that all runs have to work through, and how long they still take at this pace."""

    def __init__(self, cells: Sequence[Cell], done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bar

        self.cells, self.runs_done, self.runs = cells, done, done + len(cells)
        self.work = sum(cell.cost * cell.steps for cell in cells)
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.bar = Bar(
            TextColumn("{task.fields[runs]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=self.work, runs=f"{done} of {self.runs} runs", left="")
        self.begin()

    def begin(self) -> None:
        """From now on runs make steps."""
        self.began = self.shown = time.monotonic()
        self.at_first = self._work_done()

    def _work_done(self) -> int:
        return sum(cell.cost * cell.steps_done() for cell in self.cells)

    def left(self) -> str:
        """Until the last run ends, by the pace since the beginning; empty while there is none."""
        done = self._work_done()
        if not self.at_first < done < self.work:
            return ""
        seconds = (time.monotonic() - self.began) * (self.work - done) / (done - self.at_first)
        return f"about {_duration(seconds)} left"

    def show(self) -> None:
        """Renew the bar, if it is time."""
        if not self.bar.disable and time.monotonic() - self.shown >= SHOW:
            self.shown = time.monotonic()
            self.bar.update(
                self.task,
                completed=self._work_done(),
                runs=f"{self.runs_done} of {self.runs} runs",
                left=self.left(),
            )

    def ended(self, name: str, how: str) -> None:
        """Say how a run ended."""
        self.runs_done += 1
        words = ", ".join(filter(None, [f"{self.runs_done} of {self.runs}", self.left()]))
        self.console.print(f"{name}: {how} ({words})", markup=False)


def _check_about(tidy: Tidy, about: Mapping[str, Any]) -> None:
    """Rows that have no run's folder any more are of this sweep if their settings are.

    Raises:
        CourseError: the files in the folder are of another sweep.
    """
    before = tidy.about
    if not before:
        if tidy.rows:
            raise CourseError(
                f"{tidy.folder} holds results.csv without about.json: delete it; --resume collects the "
                "finished runs again"
            )
        return
    pairs = [(name, before.get(name), about[name]) for name in ("preset", "data", "framework")]
    for method in METHODS:
        old, new = (a.get("hparams", {}).get(method) for a in (before, about))
        if old is not None and new is not None:
            pairs += [(f"{name} of {method}", old.get(name), value) for name, value in new.items()]
            pairs += [(f"model of {method}", before["models"].get(method), about["models"][method])]
    for name, was, now in pairs:
        if was != now:
            raise CourseError(
                f"{tidy.folder} was begun with {name} {was}, not {now}: give the same options, or choose "
                "another --out"
            )


def _about(cells: Sequence[Cell], data: str, command: str) -> dict[str, Any]:
    first = cells[0].config
    hparams: dict[str, dict[str, Any]] = {}
    for cell in cells:
        own = {name: v for name, v in cell.config["hparams"].items() if name not in OF_A_RUN}
        known = hparams.setdefault(cell.words["method"], own)
        for name in [n for n in known if own[n] != known[n]]:
            del known[name]
    return {
        "preset": first["preset"],
        "data": data,
        "framework": first["framework"],
        "models": {cell.words["method"]: cell.config["model"] for cell in cells},
        "methods": [m for m in METHODS if m in hparams],
        "labels": sorted({cell.words["labels"] for cell in cells}),
        "seeds": sorted({cell.words["seed"] for cell in cells}),
        "note": first["note"],
        "command": command,
        "hparams": hparams,
    }


def _united(before: Mapping[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """The description of a sweep that has been extended."""
    for name in ("labels", "seeds"):
        about[name] = sorted({*before.get(name, ()), *about[name]})
    for name in ("hparams", "models"):
        about[name] = {**before.get(name, {}), **about[name]}
    about["methods"] = [m for m in METHODS if m in about["hparams"]]
    for name in ("hardware", "versions"):  # of the rows that are there already
        if name in before:
            about[name] = before[name]
    return about


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes:
        runs: all that were asked for.
        failed: folder → one line that says why.
        tracebacks: folder → where, for what was not foreseen.
        interrupted: Ctrl-C or a termination signal stopped it.
        finished: runs that have a row.
    """

    runs: int
    failed: Mapping[str, str]
    tracebacks: Mapping[str, str]
    interrupted: bool
    finished: int


def sweep(
    asked: Asked,
    *,
    resume: bool = False,
    scheduler: str | None = None,
    jobs: int | None = None,
    command: str = "",
) -> Outcome:
    """Make all runs that are asked for and that the folder does not hold yet.

    Args:
        asked: which.
        resume: go on in a folder that holds some.
        scheduler: address of a dask scheduler; None starts processes here.
        jobs: how many processes; None takes one a core.
        command: for about.json.

    Raises:
        CourseError: a run can not be, the folder holds other runs, or there is no scheduler.
    """
    from filelock import FileLock, Timeout

    if jobs is not None and jobs < 1:
        raise CourseError(f"--jobs {jobs} makes no run: give at least 1")
    if jobs is not None and scheduler is not None:
        raise CourseError("--jobs is for this machine and --scheduler for others: give one")
    asked.check()
    out = asked.out
    if out.exists() and not out.is_dir():
        raise CourseError(f"{out} is no folder: choose another --out")
    if not resume and any(p.exists() for p in (out / "results.csv", *out.glob("runs/*/"))):
        raise CourseError(f"{out} already holds results: go on with --resume, or choose another --out")
    cells = make_cells(asked)
    with nullcontext() if scheduler is None else reach(scheduler) as remote:
        lock = FileLock(out / LOCKS / "sweep", timeout=0)
        try:
            (out / LOCKS).mkdir(parents=True, exist_ok=True)
            held = lock.acquire()
        except Timeout:
            raise CourseError(
                f"another sweep writes to {out}: wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise cannot_write(out, error) from None
        with held:
            return _sweep(cells, asked, remote, jobs, command)


def _sweep(cells: Sequence[Cell], asked: Asked, remote: Any, jobs: int | None, command: str) -> Outcome:
    tidy = Tidy.read(asked.out)
    about = _about(cells, Path(asked.data).stem, command)
    _check_about(tidy, about)
    tidy.about = _united(tidy.about, about)
    for cell in cells:
        if (cell.folder / "result.json").is_file():
            tidy.collect(cell.folder)
    todo = [cell for cell in cells if cell.key not in tidy.rows]
    progress = Progress(todo, done=len(cells) - len(todo))
    failed: dict[str, str] = {}
    tracebacks: dict[str, str] = {}
    interrupted = False

    def take(cell: Cell, answer: Mapping[str, str]) -> None:
        if "error" in answer:
            failed[cell.name] = answer["error"]
            if "traceback" in answer:
                tracebacks[cell.name] = answer["traceback"]
            progress.ended(cell.name, f"failed: {answer['error']}")
            return
        if not (cell.folder / "result.json").is_file():
            lost = f"a worker finished it, but {cell.folder} is not here: machines must share --out"
            take(cell, {"error": lost})
            return
        row = tidy.collect(cell.folder)
        tidy.write()
        progress.ended(cell.name, f"test error {row['test_error']:.4f}")

    tidy.write()
    if todo:
        try:
            with _signals({signal.SIGTERM: _interrupt}), progress.bar:
                jobs = min(len(todo), jobs or default_jobs(asked.framework))
                with processes_here(jobs) if remote is None else nullcontext(remote) as client:
                    _run_all(client, todo, take, progress)
        except KeyboardInterrupt:
            interrupted = True
    finished = sum(cell.key in tidy.rows for cell in cells)
    return Outcome(len(cells), failed, tracebacks, interrupted, finished)


def _run_all(
    client: Any,
    todo: Sequence[Cell],
    take: Callable[[Cell, Mapping[str, str]], None],
    progress: Progress,
) -> None:
    """Submit everything, the first the most urgent, and hand each answer on as it comes."""
    progress.begin()
    token = f"{os.getpid()}-{time.time_ns()}"
    pending = {
        client.submit(train_cell, dict(cell.words), key=(f"run-{token}", n), priority=-n, pure=False): cell
        for n, cell in enumerate(todo)
    }
    try:
        while pending:
            for future in list(pending):
                if not future.done():
                    continue
                if future.cancelled() or future.status == "lost":
                    raise CourseError(
                        "the scheduler is gone: see its log, start it again, and go on with --resume"
                    )
                cell = pending.pop(future)
                error = future.exception()
                take(
                    cell, future.result() if error is None else {"error": f"{type(error).__name__}: {error}"}
                )
                future.release()
            progress.show()
            time.sleep(LOOK if pending else 0)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing left to cancel
            client.cancel(list(pending), force=True)
