"""PyTorch in the common loop: one program for every method.

It is given the model, the loss, the optimizer, the schedule and the averaging of the weights, and knows
nothing of what they do: the notebook passes what the student wrote, `solutions` the reference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.errors import CourseError
from course.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from course.training.engine import Batches, IfExists, TrainResult, run_loop
from course.training.metrics import Metrics
from course.training.observers import Observer
from course.training.run_log import Span
from course.training.runfolder import RunFolder
from course.training.torch.checkpoint import (
    architecture,
    load_arrays,
    load_optimizer,
    load_variables,
    optimizer_arrays,
    to_arrays,
    variables_of,
    with_prefix,
)
from course.training.torch.hparams import TorchHparams
from course.training.torch.launch import leads, number
from course.training.torch.parts import to_tensors

State = dict[str, Tensor]
Loss = Callable[[nn.Module, State, Mapping[str, Any]], tuple[Tensor, State, Mapping[str, Any]]]
EmaUpdate = Callable[[nn.Module, nn.Module, int, float], Any]
STEP_STREAM = 3  # the loaders draw from streams 0, 1 and 2


def default_device() -> torch.device:
    """The GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TorchState:
    """What a PyTorch run changes.

    Attributes:
        step: updates done.
        model: the network, BatchNorm's statistics included.
        ema_model: a copy that holds the averaged weights, or None.
        optimizer: over the model's parameters.
        method: what the method remembers between steps, tensors by name.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, method: State, use_ema: bool
    ) -> None:
        self.step, self.model, self.optimizer, self.method = 0, model, optimizer, method
        self.ema_model = copy.deepcopy(model).requires_grad_(False) if use_ema else None

    @property
    def evaluated(self) -> nn.Module:
        """The model that is validated and tested."""
        return self.model if self.ema_model is None else self.ema_model


class TorchProgram:
    """A loss over a state that changes in place, as `run_loop` wants it."""

    def __init__(
        self,
        hparams: TorchHparams,
        state: TorchState,
        loss: Loss,
        schedule: Callable[[int], float],
        ema_update: EmaUpdate,
        validate: Callable[[nn.Module], Mapping[str, Any]],
        described: Mapping[str, Any],
    ) -> None:
        self.hparams, self.state, self.loss, self.schedule = hparams, state, loss, schedule
        self.ema_update, self._validate, self.described = ema_update, validate, described
        self.device = next(state.model.parameters()).device
        self.network = state.model  # what the loss is given

    @property
    def step(self) -> int:
        """Updates done."""
        return self.state.step

    @property
    def waiting(self) -> str | None:
        """Nothing is compiled."""
        return None

    def advance(self, batch: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """One update: the loss and the metrics."""
        state = self.state
        # What dropout draws in a step depends on the step alone, so that a resumed run draws it again.
        entropy = np.random.SeedSequence((self.hparams.seed, STEP_STREAM, state.step))
        torch.manual_seed(int(entropy.generate_state(1)[0]))
        for group in state.optimizer.param_groups:
            group["lr"] = float(self.schedule(state.step))
        self.network.train()
        inputs = {**to_tensors(batch, self.device), "step": state.step}
        loss, state.method, metrics = self.loss(self.network, state.method, inputs)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        if state.ema_model is not None:
            self.ema_update(state.ema_model, state.model, state.step, self.hparams.ema_decay)
        state.step += 1
        return loss.detach(), {n: v.detach() if torch.is_tensor(v) else v for n, v in metrics.items()}

    def validate(self) -> Mapping[str, Any]:
        """Scalars on held-out images."""
        return self._validate(self.state.evaluated)

    def not_finite(self) -> str | None:
        """What in the state is NaN or infinite, or None."""
        models = [m for m in (self.state.model, self.state.ema_model) if m is not None]
        remembered = self.state.optimizer.state.values()
        for part, tensors in (
            ("weights", [p for model in models for p in model.parameters()]),
            ("BatchNorm statistics", [b for model in models for b in model.buffers()]),
            ("optimizer's averages", [v for s in remembered for v in s.values() if torch.is_tensor(v)]),
        ):
            if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
                return part
        return None

    def as_checkpoint(self, manifest: Mapping[str, Any]) -> Checkpoint:
        """All that a run needs to go on from here."""
        state = self.state
        variables, extra = variables_of(state.model)
        if state.ema_model is not None:
            extra |= to_arrays(state.ema_model.state_dict(), "ema")
        extra |= to_arrays(state.method, "method") | optimizer_arrays(state.optimizer)
        return Checkpoint(variables, {**manifest, "step": state.step}, extra)

    def save(self, folder: RunFolder, manifest: Mapping[str, Any]) -> None:
        """Write everything that a resumed run needs."""
        now = self.as_checkpoint(manifest)
        save_checkpoint(folder.checkpoint, now.variables, now.manifest, extra=now.extra)

    def restore(self, folder: RunFolder) -> None:
        """Take up the state last saved. Raises CourseError: it is another method's."""
        stored = load_checkpoint(folder.checkpoint, self.described["architecture"])
        begun, now = stored.manifest.get("method"), self.described.get("method")
        if begun != now:
            raise CourseError(f"{folder.path} holds a run of {begun}, not of {now}: choose another folder")
        self.take_up(stored)
        folder.cut_log(self.step)

    def take_up(self, stored: Checkpoint) -> None:
        """Go on from what `as_checkpoint` made."""
        state = self.state
        load_variables(state.model, stored)
        if state.ema_model is not None:
            load_arrays(state.ema_model, with_prefix(stored.extra, "ema"))
        method = with_prefix(stored.extra, "method")
        state.method = {name: torch.as_tensor(array, device=self.device) for name, array in method.items()}
        load_optimizer(state.optimizer, stored.extra)
        state.step = int(stored.manifest["step"])


def torch_train_loop(
    hparams: TorchHparams,
    model: nn.Module,
    *,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    batches: Batches,
    schedule: Callable[[int], float],
    ema_update: EmaUpdate,
    validate: Callable[[nn.Module], Mapping[str, Any]],
    model_name: str,
    method_state: State | None = None,
    if_exists: IfExists = "error",
    observers: Sequence[Observer] = (),
    manifest: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Run from step 0, or from the last checkpoint, to ``hparams.steps``.

    Where ``torchrun`` has started several processes, each calls this, and they share each step
    (`course.training.torch.processes`). All but the one that leads return with the last state and no metrics.

    Args:
        hparams: ``steps`` must be filled in (`TorchHparams.fitted`).
        model: on its device, with the weights to start from; images (n, 3, H, W) in [0, 1] → logits.
        loss: ``(model, method_state, batch) -> (loss, method_state, metrics)`` with the model in training
            mode. ``batch`` holds the arrays of ``batches`` as tensors on the model's device, images as
            (…, 3, H, W), and "step", the number of updates done.
        optimizer: over the model's parameters; its rate is set before each step.
        batches: ``(start_step, total_steps) -> mini-batches``, from `course.training.batches`.
        schedule: step number → learning rate.
        ema_update: ``(ema_model, model, step, decay)``, called after each step; it changes ``ema_model`` in
            place. Not called when ``hparams.use_ema`` is off.
        validate: model → scalars by name, "val error rate" among them.
        model_name: as for `make_model`, for the checkpoints' manifest.
        method_state: what the method remembers, tensors by name.
        if_exists: what to do when ``hparams.logdir`` holds a run: "error", "resume" from its last
            checkpoint, or "overwrite" it.
        observers: told of each step besides progress bar, log lines, metrics.jsonl and TensorBoard.
        manifest: what else to write into the run's checkpoints. A run is resumed only where it was begun
            with the same "method" in it.

    Returns:
        How the run ended; its ``state`` is a `TorchState`.

    Raises:
        NonFiniteLoss: names the step and the term.
        CourseError: the folder cannot be written, or holds a run and ``if_exists`` is "error".
    """
    state = TorchState(model, optimizer, dict(method_state or {}), hparams.use_ema)
    described = {
        "architecture": architecture(model_name),
        "normalization": getattr(model, "normalization", "none"),
        **(manifest or {}),
    }
    made = hparams, state, loss, schedule, ema_update, validate, described
    if number() == 1:
        program = TorchProgram(*made)
    else:
        # Not every build of torch can do this, so that it is imported where it is wanted.
        from course.training.torch.processes import dismiss
        from course.training.torch.shared_run import LeadingProgram, follow

        if not leads():
            follow(TorchProgram(*made))
            nothing = Span(state.step, 0.0)
            return TrainResult(state, Metrics(), False, 0, state.step, nothing, 0.0, Path(hparams.logdir))
        program = LeadingProgram(*made)
    ended = run_loop(
        hparams,
        program,
        batches=batches,
        schedule=schedule,
        manifest=described,
        if_exists=if_exists,
        observers=observers,
    )
    if number() > 1:
        dismiss()
    return replace(ended, state=state)
