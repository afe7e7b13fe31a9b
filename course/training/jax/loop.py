"""JAX in the common loop: it is given the step, the batches, the schedule and the validation.

It knows nothing of losses. The notebook passes what the student wrote, `solutions` the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from course.models import architecture
from course.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from course.training.engine import Batches, IfExists, TrainResult, run_loop
from course.training.hparams import SupervisedHparams
from course.training.jax.devices import Spread
from course.training.jax.trees import flatten, unflatten_like
from course.training.observers import Observer
from course.training.runfolder import RunFolder


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


def start(
    hparams: SupervisedHparams, opt_init: Callable[[Any], Any], checkpoint: Checkpoint | None = None
) -> tuple[Any, TrainState]:
    """The model and the state that a run begins with.

    Args:
        hparams: ``num_classes``, ``width``, ``seed`` and ``init_total_step`` are read.
        opt_init: params → optimizer state.
        checkpoint: weights to start from; None draws fresh ones from the seed.

    Raises:
        CourseError: the checkpoint is of another architecture or number of classes.
    """
    from course.models import resnet18

    normalization = checkpoint.manifest["normalization"] if checkpoint else "cifar10"
    model = resnet18(hparams.num_classes, normalization, hparams.width)
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


class _JaxProgram:
    """A jitted step over an immutable state, as `run_loop` wants it."""

    def __init__(
        self,
        state: TrainState,
        train_step: Callable[..., tuple[Any, Any, Any, Mapping[str, Any]]],
        validate: Callable[[Any, Any], Mapping[str, Any]],
        spread: Spread,
    ) -> None:
        self.state, self.train_step, self._validate, self.spread = state, train_step, validate, spread

    @property
    def step(self) -> int:
        return self.state.step

    @property
    def waiting(self) -> str | None:
        return "compiling the training step, about ten seconds"

    def advance(self, batch: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        step, opt_state, batch_stats = self.state
        changing = self.spread.state((jnp.asarray(step), opt_state, batch_stats))
        loss, batch_stats, opt_state, metrics = self.train_step(*changing, **self.spread.batch(batch))
        self.state = TrainState(step + 1, opt_state, batch_stats)
        return loss, metrics

    def validate(self) -> Mapping[str, Any]:
        return self._validate(self.state.opt_state, self.state.batch_stats)

    def not_finite(self) -> str | None:
        for part, tree in (
            ("weights", self.state.opt_state),
            ("BatchNorm statistics", self.state.batch_stats),
        ):
            if not all(np.isfinite(leaf).all() for leaf in flatten(tree, part).values()):
                return part
        return None

    def save(self, folder: RunFolder, manifest: Mapping[str, Any]) -> None:
        opt_state, batch_stats = self.state.opt_state, self.state.batch_stats
        variables = {"params": opt_state.params, "batch_stats": batch_stats}
        rest = flatten(opt_state._replace(params=()), "opt_state")
        save_checkpoint(folder.checkpoint, variables, {**manifest, "step": int(self.step)}, extra=rest)

    def restore(self, folder: RunFolder) -> None:
        stored = load_checkpoint(folder.checkpoint)
        likes = {"params": self.state.opt_state.params, "batch_stats": self.state.batch_stats}
        params, batch_stats = (
            unflatten_like(like, flatten(stored.variables[part], part), part) for part, like in likes.items()
        )
        bare = self.state.opt_state._replace(params=())
        opt_state = unflatten_like(bare, stored.extra, "opt_state")._replace(params=params)
        self.state = TrainState(int(stored.manifest["step"]), opt_state, batch_stats)
        folder.cut_log(self.step)


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

    Where there are several devices, each works on a part of every mini-batch
    (`course.training.jax.devices`).

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
        CourseError: the folder cannot be written, or holds a run and ``if_exists`` is "error".
    """
    spread = Spread(jax.local_devices(), hparams.labeled_batch_size)
    if len(spread.devices) > 1:
        print(f"Each step is shared by {len(spread.devices)} devices.")
    program = _JaxProgram(state, train_step, validate, spread)
    network = {"architecture": architecture(hparams.width), "normalization": normalization}
    ended = run_loop(
        hparams,
        program,
        batches=batches,
        schedule=schedule,
        manifest=network | dict(manifest or {}),
        if_exists=if_exists,
        observers=observers,
    )
    return replace(ended, state=program.state)
