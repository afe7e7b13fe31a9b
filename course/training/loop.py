"""One loop for every method: it is given the step, the batches, the schedule and the validation.

It knows nothing of losses. The notebook passes what the student wrote, `solutions` the reference.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from course.errors import CourseError
from course.training.checkpoint import ARCHITECTURE, Checkpoint, flatten, unflatten_like
from course.training.hparams import SupervisedHparams
from course.training.metrics import Metrics, convert_to_numpy
from course.training.observers import JsonlLog, LogLines, Observer, ProgressBar, TensorBoardLog
from course.training.prefetch import prefetch
from course.training.runfolder import RunFolder, read_metrics

IfExists = Literal["error", "resume", "overwrite"]
Batches = Callable[[int, int], Iterable[Mapping[str, Any]]]


class TrainState(NamedTuple):
    """What a step changes.

    Attributes:
        step: updates done, ``init_total_step`` included.
        opt_state: the optimizer's, weights included.
        batch_stats: BatchNorm's running statistics.
    """

    step: int
    opt_state: Any
    batch_stats: Any


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        state: the last state.
        metrics: every metric's history, one value per step; "val error rate" one per validation.
        interrupted: Ctrl-C or a termination signal stopped it before its last step.
    """

    state: TrainState
    metrics: Metrics
    interrupted: bool


class NonFiniteLoss(CourseError):
    """A loss term is NaN or infinite."""


def start(
    hparams: SupervisedHparams, opt_init: Callable[[Any], Any], checkpoint: Checkpoint | None = None
) -> tuple[Any, TrainState]:
    """The model and the state that a run begins with.

    Args:
        hparams: ``num_classes``, ``seed`` and ``init_total_step`` are read.
        opt_init: params → optimizer state.
        checkpoint: weights to start from; None draws fresh ones from the seed.

    Raises:
        CourseError: the checkpoint is of another architecture or number of classes.
    """
    from course.models import resnet18

    model = resnet18(hparams.num_classes, checkpoint.manifest["normalization"] if checkpoint else "cifar10")
    variables = model.init(jax.random.PRNGKey(hparams.seed), jnp.zeros((1, 32, 32, 3)))
    if checkpoint is not None:
        variables = {
            part: unflatten_like(variables[part], flatten(checkpoint.variables[part], part), part)
            for part in ("params", "batch_stats")
        }
    return model, TrainState(hparams.init_total_step, opt_init(variables["params"]), variables["batch_stats"])


def paired_batches(hparams: SupervisedHparams, labeled_dataset: Any, unlabeled_dataset: Any) -> Batches:
    """Labeled and unlabeled mini-batches under the names of a FixMatch step's arguments."""
    from course.data.loaders import get_training_generator

    def batches(start_step: int, total_steps: int) -> Iterator[Mapping[str, Any]]:
        pairs = get_training_generator(
            labeled_dataset,
            unlabeled_dataset,
            seed=hparams.seed,
            labeled_batch_size=hparams.labeled_batch_size,
            unlabeled_batch_size=hparams.unlabeled_batch_size,
            start_step=start_step,
            total_steps=total_steps,
            num_workers=hparams.num_workers,
        )
        for (x_labeled, y_labeled), ((x_weak, x_strong), y_unlabeled) in pairs:
            yield {
                "x_labeled": x_labeled,
                "x_unlabeled_weak": x_weak,
                "x_unlabeled_strong": x_strong,
                "y_labeled": y_labeled,
                "y_unlabeled": y_unlabeled,
            }

    return batches


def labeled_batches(hparams: SupervisedHparams, labeled_dataset: Any) -> Batches:
    """Labeled mini-batches alone, the same ones that `paired_batches` draws."""
    from course.data.loaders import get_labeled_generator

    def batches(start_step: int, total_steps: int) -> Iterator[Mapping[str, Any]]:
        loader = get_labeled_generator(
            labeled_dataset,
            seed=hparams.seed,
            labeled_batch_size=hparams.labeled_batch_size,
            start_step=start_step,
            total_steps=total_steps,
            num_workers=hparams.num_workers,
        )
        for x, y in loader:
            yield {"x_labeled": x, "y_labeled": y}

    return batches


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


def _check_finite(record: Mapping[str, Any], folder: RunFolder) -> None:
    # The sum is looked at last: the term that broke it says more.
    losses = sorted((n for n in record if n.endswith(("loss", "decay"))), key=lambda n: n == "total loss")
    for name in losses:
        if not math.isfinite(record[name]):
            raise NonFiniteLoss(
                f"step {record['step']}: the {name} is {record[name]}; look for a logarithm of 0 or an "
                f"overflow in that term, or lower lr; {folder.path} keeps "
                "the log and the last checkpoint before it"
            )


def train_loop(
    hparams: SupervisedHparams,
    state: TrainState,
    *,
    train_step: Callable[..., tuple[Any, Any, Any, Mapping[str, Any]]],
    batches: Batches,
    schedule: Callable[[int], Any],
    validate: Callable[[Any, Any], Mapping[str, Any]],
    if_exists: IfExists = "error",
    observers: Sequence[Observer] = (),
    manifest: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Run from ``state.step`` to ``init_total_step + steps``.

    Args:
        hparams: ``steps`` must be filled in (`SupervisedHparams.fitted`).
        state: where to begin, from `start`.
        train_step: ``(step, opt_state, batch_stats, **batch) -> (loss, batch_stats, opt_state, metrics)``.
        batches: ``(start_step, total_steps) -> mini-batches``, keyed by ``train_step``'s argument names.
        schedule: step number → learning rate, for the log.
        validate: ``(opt_state, batch_stats) -> {"val error rate": scalar}``.
        if_exists: what to do when ``hparams.logdir`` holds a run: "error", "resume" from its last
            checkpoint, or "overwrite" it.
        observers: told of each step besides progress bar, log lines, metrics.jsonl and TensorBoard.
        manifest: what to write into the run's checkpoints besides architecture and normalization.

    Raises:
        NonFiniteLoss: names the step and the term.
        CourseError: the folder can not be written, or holds a run and ``if_exists`` is "error".
    """
    if hparams.steps is None or hparams.epoch_steps is None:
        raise CourseError("hparams.steps is not set: call hparams.fitted(len(unlabeled_dataset)) first")
    first, end = hparams.init_total_step, hparams.init_total_step + hparams.steps
    epoch_steps = hparams.epoch_steps
    folder = RunFolder(hparams.logdir)
    described = {"architecture": ARCHITECTURE, "holds": "optimizer state and step", **(manifest or {})}
    metrics = Metrics()
    if if_exists == "resume" and folder.holds_run():
        state = folder.restore(state)
        for record in read_metrics(folder.metrics):
            metrics.merge({n: v for n, v in record.items() if n not in ("step", "epoch")})
    else:
        folder.prepare(overwrite=if_exists == "overwrite")
    watchers: list[Observer] = [
        ProgressBar(state.step - first, hparams.steps),
        LogLines(hparams.log_every_steps),
        JsonlLog(folder.metrics),
        TensorBoardLog(folder.path, hparams.log_every_steps, state.step),
        *observers,
    ]

    def finish(
        step: int, device_metrics: Mapping[str, Any], validation: Mapping[str, Any], batch: Any
    ) -> None:
        values = {
            **convert_to_numpy(device_metrics),
            "lr": schedule(step - 1),
            **convert_to_numpy(validation),
        }
        record = {
            "step": step,
            "epoch": (step - 1 - first) // epoch_steps,
            **{n: float(v) for n, v in values.items()},
        }
        _check_finite(record, folder)
        for watcher in watchers:
            watcher.on_step(record, batch)
        metrics.merge({n: v for n, v in record.items() if n not in ("step", "epoch")})

    pending: tuple[int, Any, Any, Any] | None = None
    interrupted = False
    try:
        upcoming = prefetch(batches(state.step - first, hparams.steps))
        with closing(upcoming), _stop_requested() as stop:
            for batch in upcoming:
                _, batch_stats, opt_state, step_metrics = train_step(
                    jnp.asarray(state.step), state.opt_state, state.batch_stats, **batch
                )
                state = TrainState(state.step + 1, opt_state, batch_stats)
                # Reading a step's metrics one step late lets a GPU work while this thread prepares the next.
                if pending is not None:
                    finish(*pending)
                validation: Mapping[str, Any] = {}
                due = state.step == end or stop()
                if state.step % hparams.validate_every_steps == 0 or state.step == end:
                    validation = validate(opt_state, batch_stats)
                pending = (state.step, step_metrics, validation, batch)
                if due or state.step % hparams.write_checkpoint_every == 0:
                    finish(*pending)
                    pending = None
                    folder.save(state, described)
                if stop() and due and state.step < end:
                    interrupted = True
                    break
    finally:
        for watcher in watchers:
            watcher.close()
    if interrupted:
        print(
            f"interrupted after step {state.step}: everything is saved in {folder.path}; "
            'go on with if_exists="resume" (--resume)'
        )
    return TrainResult(state, metrics, interrupted)
