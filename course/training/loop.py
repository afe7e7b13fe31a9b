"""One loop for every method: it is given the step, the batches, the schedule and the validation.

It knows nothing of losses. The notebook passes what the student wrote, `solutions` the reference.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
        began_at: the step that a resumed run went on from, otherwise ``init_total_step``.
    """

    state: TrainState
    metrics: Metrics
    interrupted: bool
    began_at: int


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
    example = jax.random.PRNGKey(hparams.seed), jnp.zeros((1, 32, 32, 3))
    if checkpoint is None:
        variables = model.init(*example)
    else:
        shapes = jax.eval_shape(model.init, *example)  # compiling a real initialization takes seconds
        variables = {
            part: unflatten_like(shapes[part], flatten(checkpoint.variables[part], part), part)
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


def _check_state(state: TrainState, folder: RunFolder) -> None:
    # A finite loss can have a gradient that is not; what is saved must be fit to go on from.
    for part, tree in (("weights", state.opt_state), ("BatchNorm statistics", state.batch_stats)):
        if not all(np.isfinite(leaf).all() for leaf in flatten(tree, part).values()):
            raise NonFiniteLoss(
                f"step {state.step}: the {part} are no longer finite although the loss is; look for an "
                f"infinite gradient (a square root or a division at 0), or lower lr; {folder.path} keeps "
                "the last checkpoint before it"
            )


def train_loop(
    hparams: SupervisedHparams,
    state: TrainState,
    *,
    train_step: Callable[..., tuple[Any, Any, Any, Mapping[str, Any]]],
    batches: Batches,
    schedule: Callable[[int], Any],
    validate: Callable[[Any, Any], Mapping[str, Any]],
    normalization: str,
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
        normalization: the model's, for the checkpoints' manifest.
        if_exists: what to do when ``hparams.logdir`` holds a run: "error", "resume" from its last
            checkpoint, or "overwrite" it.
        observers: told of each step besides progress bar, log lines, metrics.jsonl and TensorBoard;
            closed when the run ends, however it ends.
        manifest: what else to write into the run's checkpoints.

    Raises:
        NonFiniteLoss: names the step and the term.
        CourseError: the folder can not be written, or holds a run and ``if_exists`` is "error".
    """
    if hparams.steps is None or hparams.epoch_steps is None:
        raise CourseError("hparams.steps is not set: call hparams.fitted(len(unlabeled_dataset)) first")
    first, end = hparams.init_total_step, hparams.init_total_step + hparams.steps
    epoch_steps = hparams.epoch_steps
    folder = RunFolder(hparams.logdir)
    described = {
        "architecture": ARCHITECTURE,
        "normalization": normalization,
        "holds": "optimizer state and step",
        **(manifest or {}),
    }
    metrics = Metrics()
    watchers: list[Observer] = []

    def finish(
        step: int, loss: Any, device_metrics: Mapping[str, Any], validation: Mapping[str, Any], batch: Any
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
        _check_finite(record, float(loss), folder)
        for watcher in watchers:
            watcher.on_step(record, batch)
        metrics.merge({n: v for n, v in record.items() if n not in ("step", "epoch")})

    pending: tuple[int, Any, Any, Any, Any] | None = None
    interrupted = False
    with ExitStack() as cleanup:

        def watch(observer: Observer) -> None:
            watchers.append(cleanup.enter_context(closing(observer)))

        for observer in observers:
            watch(observer)
        if if_exists == "resume" and folder.holds_run():
            state = folder.restore(state)
            for record in read_metrics(folder.metrics):
                metrics.merge({n: v for n, v in record.items() if n not in ("step", "epoch")})
        else:
            folder.prepare(overwrite=if_exists == "overwrite")
        began_at = state.step
        watch(JsonlLog(folder.metrics))
        watch(TensorBoardLog(folder.path, hparams.log_every_steps, state.step))
        watch(LogLines(hparams.log_every_steps))
        watch(ProgressBar(state.step - first, hparams.steps))
        upcoming = cleanup.enter_context(closing(prefetch(batches(state.step - first, hparams.steps))))
        stop = cleanup.enter_context(_stop_requested())
        for batch in upcoming:
            loss, batch_stats, opt_state, step_metrics = train_step(
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
            pending = (state.step, loss, step_metrics, validation, batch)
            if due or state.step % hparams.write_checkpoint_every == 0:
                finish(*pending)
                pending = None
                _check_state(state, folder)
                folder.save(state, described)
            if stop() and due and state.step < end:
                interrupted = True
                break
    if interrupted:
        print(
            f"interrupted after step {state.step}: everything is saved in {folder.path}; "
            'go on with if_exists="resume" (--resume)'
        )
    return TrainResult(state, metrics, interrupted, began_at)
