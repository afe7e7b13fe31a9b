"""PyTorch runs: what they leave behind, what the loop is told, interruptions, errors, learning."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course.augment import image_to_numpy
from course.augment.torch import TorchViews
from course.data.loaders import get_training_generator
from course.errors import CourseError
from course.models.torch_models import make_model
from course.training import (
    TrainResult,
    labeled_batches,
    load_checkpoint,
    mixed_batches,
    paired_batches,
    read_metrics,
)
from course.training.engine import NonFiniteLoss
from course.training.torch.checkpoint import load_variables
from course.training.torch.hparams import FreeMatchHparams, TorchSupervisedHparams
from course.training.torch.loop import TorchProgram, TorchState, torch_train_loop
from course.training.torch.methods import TORCH_METHODS, freematch
from course.training.torch.train import train_torch
from solutions.ema import ema_update
from solutions.freematch import freematch_loss
from solutions.schedules import cosine_with_warmup
from tests.support import tiny_run, tiny_torch
from tests.support.tiny_torch import METHODS, MODEL

ARCHITECTURE = f"torch {MODEL}"
VALIDATED = [
    f"{phase} {what}" for phase in ("train", "val") for what in ("loss", "error rate", "top-1", "top-5")
]
COLUMNS = {
    "supervised": {"labeled error rate", "supervised loss", "total loss", "weight decay", "lr"},
    "mixmatch": {
        *("error rate", "supervised loss", "total loss", "unlabeled weight", "unsupervised loss", "lr"),
    },
    "fixmatch": {
        *(
            "error rate",
            "mask rate",
            "supervised loss",
            "total loss",
            "unsupervised loss",
            "weight decay",
            "lr",
        ),
    },
}
COLUMNS["flexmatch"] = COLUMNS["fixmatch"] | {f"threshold/{c}" for c in range(4)}


@pytest.fixture(scope="module")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Any]]:
    """method → folder and result of a run that nothing disturbed. To be read only."""
    known: dict[str, tuple[Path, Any]] = {}

    def of(method: str) -> tuple[Path, Any]:
        if method not in known:
            folder = tmp_path_factory.mktemp(method) / "run"
            known[method] = folder, tiny_torch.train(method, folder)
        return known[method]

    return of


def assert_same_run(folder: Path, expected: Path) -> None:
    for name in ("metrics.jsonl", "checkpoint.safetensors"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


class Watcher:
    """An observer that remembers, and does something at one step."""

    def __init__(self, at: int | None = None, act: Callable[[], Any] = lambda: None) -> None:
        self.at, self.act = at, act
        self.steps: list[int] = []

    def on_step(self, record: Any, batch: Any) -> None:
        self.steps.append(record["step"])
        if record["step"] == self.at:
            self.act()

    def close(self) -> None:
        self.steps.append(-1)


# --- what a run leaves behind -------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_metrics_have_every_step_and_the_validations(method: str, whole_runs: Any) -> None:
    folder, result = whole_runs(method)
    records = read_metrics(folder / "metrics.jsonl")
    assert [r["step"] for r in records] == list(range(1, 25))
    assert [r["epoch"] for r in records] == [k // 5 for k in range(24)]
    assert {name for r in records for name in r} == {"step", "epoch", *COLUMNS[method], *VALIDATED}
    assert [r["step"] for r in records if "val error rate" in r] == [5, 10, 15, 20, 24]
    hparams = tiny_torch.hparams(method, folder)
    fraction = 0 if method == "mixmatch" else 7 / 16
    expected = [hparams.lr * np.cos(np.pi * fraction * k / 24) for k in range(24)]
    np.testing.assert_allclose([r["lr"] for r in records], expected, rtol=1e-12)
    for r in records:
        if "val top-1" in r:
            assert r["val error rate"] == pytest.approx(1 - r["val top-1"]) and r["val top-5"] == 1
    assert (result.state.step, result.interrupted, result.began_at) == (24, False, 0)
    np.testing.assert_array_equal(result.metrics["total loss"], [r["total loss"] for r in records])


@pytest.mark.parametrize("method", METHODS)
def test_the_checkpoint_is_the_last_state(method: str, whole_runs: Any) -> None:
    folder, result = whole_runs(method)
    stored = load_checkpoint(folder / "checkpoint.safetensors", ARCHITECTURE)
    assert (stored.manifest["step"], stored.manifest["normalization"]) == (24, "cifar10")
    model = make_model(MODEL, 4, seed=99)
    load_variables(model, stored)
    for name, tensor in result.state.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    for name, tensor in result.state.ema_model.state_dict().items():
        np.testing.assert_array_equal(stored.extra[f"ema/{name}"], tensor)
    slots = {n.rpartition("/")[2] for n in stored.extra if n.startswith("optimizer/")}
    assert slots == ({"step", "exp_avg", "exp_avg_sq"} if method == "mixmatch" else {"momentum_buffer"})
    remembered = {n for n in stored.extra if n.startswith("method/")}
    assert remembered == ({"method/latest"} if method == "flexmatch" else set())


def test_the_default_device_of_the_session_changes_nothing(whole_runs: Any, tmp_path: Path) -> None:
    """``torch.set_default_device("cuda")``; here with a device on which nothing can be read."""
    torch.set_default_device("meta")
    try:
        watcher = Watcher(6, lambda: os.kill(os.getpid(), signal.SIGINT))
        assert tiny_torch.train("flexmatch", tmp_path / "run", observers=[watcher]).interrupted
        tiny_torch.train("flexmatch", tmp_path / "run", if_exists="resume")
    finally:
        torch.set_default_device(None)
    assert_same_run(tmp_path / "run", whole_runs("flexmatch")[0])


def test_flexmatch_remembers_labels_of_images_it_has_seen(whole_runs: Any) -> None:
    latest = whole_runs("flexmatch")[1].state.method["latest"]
    assert latest.shape == (40,) and latest.dtype == torch.int64
    known = latest[latest >= 0]
    assert len(known) > 10
    truth = torch.as_tensor(tiny_run.images(40, 2).targets)[latest >= 0]
    assert (known == truth).float().mean() > 0.5  # positions in û are positions in the data set


def test_freematch_which_no_command_trains_goes_on_from_its_averages(tmp_path: Path) -> None:
    hparams = FreeMatchHparams(
        **{**tiny_torch.SETTINGS, "mu": 2, "threshold_decay": 0.5}, logdir=str(tmp_path / "run")
    )
    parts = (tiny_run.images(16, 1), tiny_run.images(40, 2), tiny_run.images(20, 3))

    def run(folder: str, **options: Any) -> TrainResult:
        return train_torch(
            freematch(4),
            replace(hparams, steps=10, logdir=str(tmp_path / folder)),
            make_model(MODEL, 4, seed=0),
            *parts[:2],
            parts[2].with_transform(image_to_numpy),
            loss=freematch_loss,
            make_schedule=cosine_with_warmup,
            ema_update=ema_update,
            model_name=MODEL,
            **options,
        )

    watcher = Watcher(6, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert run("stopped", observers=[watcher]).interrupted
    run("stopped", if_exists="resume")
    averages = run("whole").state.method
    assert 0.25 < averages["mean_confidence"] < 1
    assert averages["mean_prediction"].sum() == pytest.approx(1, abs=1e-5)
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


def test_tensorboard_has_each_step_once_and_the_views(whole_runs: Any) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    titles = {
        "fixmatch": ("weakly augmented image", "strongly augmented image"),
        "mixmatch": ("weakly augmented image, view 1", "weakly augmented image, view 2"),
    }
    for method, named in titles.items():
        events = EventAccumulator(
            str(whole_runs(method)[0]), size_guidance={"scalars": 0, "images": 0}
        ).Reload()
        assert set(events.Tags()["scalars"]) == {*COLUMNS[method], *VALIDATED}
        assert [e.step for e in events.Scalars("total loss")] == list(range(1, 25))
        assert set(events.Tags()["images"]) == set(named)
        assert [e.step for e in events.Images(named[0])] == [6, 12, 18, 24]


def test_thresholds_share_a_column_of_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_torch.train("flexmatch", tmp_path / "run", {"steps": 6})
    shown = capsys.readouterr()
    (line,) = [line for line in re.split(r"[\r\n]", shown.out) if line.startswith("epoch")]
    assert re.search(r" \| tau \d\.\d{2}-\d\.\d{2}( \||$)", line) and "threshold" not in line
    assert "6/6" in shown.err and "compiling" not in shown.err


# --- learning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_hundred_steps_beat_chance_and_repeat_to_the_bit(method: str, tmp_path: Path) -> None:
    changed = {"steps": 100, "eval_step": 50, "log_every_steps": 50, "write_checkpoint_every": 50}
    result = tiny_torch.train(method, tmp_path / "run", changed)
    errors = result.metrics["val error rate"]
    assert errors[-1] < 0.4, errors  # chance is 0.75
    # The same seed again, for as long as it takes to differ if it ever does.
    again = {**changed, "steps": 30, "total_steps": 100, "eval_step": 1000}
    tiny_torch.train(method, tmp_path / "again", again)
    records, first = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("again", "run"))
    assert [r["total loss"] for r in records] == [r["total loss"] for r in first[:30]]
    assert records[:29] == first[:29]
    tiny_torch.train(method, tmp_path / "other", {**again, "seed": 1, "steps": 2})
    assert read_metrics(tmp_path / "other" / "metrics.jsonl")[0]["total loss"] != first[0]["total loss"]


@pytest.mark.parametrize("method", ["fixmatch", "supervised"])
def test_a_run_with_dropout_is_resumed_exactly(method: str, tmp_path: Path) -> None:
    changed = {"dropout": 0.3, "steps": 10}
    tiny_torch.train(method, tmp_path / "whole", changed)
    torch.manual_seed(1)  # whatever else has drawn in between
    stopped = tiny_torch.train(
        method, tmp_path / "run", changed, observers=[Watcher(3, lambda: os.kill(os.getpid(), signal.SIGINT))]
    )
    assert stopped.interrupted
    torch.manual_seed(2)
    tiny_torch.train(method, tmp_path / "run", changed, if_exists="resume")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("method", tiny_torch.METHODS)
def test_a_run_augmented_on_the_device_is_resumed_exactly(method: str, tmp_path: Path) -> None:
    changed = {"steps": 6}
    tiny_torch.train(method, tmp_path / "whole", changed, on_device=True)
    interrupt = Watcher(3, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert tiny_torch.train(
        method, tmp_path / "run", changed, on_device=True, observers=[interrupt]
    ).interrupted
    tiny_torch.train(method, tmp_path / "run", changed, on_device=True, if_exists="resume")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("on_accelerator", [False, True])
def test_what_is_not_said_of_the_views_is_decided_by_the_platform(
    on_accelerator: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def suits(*about: Any) -> bool:
        asked.append(about)
        return on_accelerator

    monkeypatch.setattr("course.training.torch.train.suits", suits)
    tiny_torch.train("fixmatch", tmp_path / "open", {"steps": 2})
    assert asked == [("cpu", 0)]
    tiny_torch.train("fixmatch", tmp_path / "said", {"steps": 2}, on_device=on_accelerator)
    assert asked == [("cpu", 0)]
    assert_same_run(tmp_path / "open", tmp_path / "said")


@pytest.mark.parametrize("method", TORCH_METHODS)
def test_views_made_on_the_device_have_the_form_of_the_others(method: str) -> None:
    known, hparams = TORCH_METHODS[method], tiny_torch.hparams(method, "unused")
    batches = []
    for make in (None, TorchViews()):
        labeled, unlabeled = (
            tiny_run.images(n, n).with_transform(view)
            for n, view in zip((16, 40), known.views(hparams, make), strict=True)
        )
        (batch,) = known.batches(hparams, labeled, unlabeled)(2, 3)
        batches.append({name: np.asarray(array) for name, array in batch.items()})
    assert list(batches[0]) == list(batches[1])
    for name, array in batches[0].items():
        other = batches[1][name]
        assert (array.shape, array.dtype) == (other.shape, other.dtype), name
        # The same images, in other views.
        assert np.array_equal(array, other) != name.startswith("x_"), name


# --- interruptions ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_at_once_and_the_run_goes_on_as_if_nothing_had_been(
    number: signal.Signals, whole_runs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    watcher = Watcher(6, lambda: os.kill(os.getpid(), number))
    result = tiny_torch.train("flexmatch", folder, observers=[watcher])
    assert result.interrupted and watcher.steps[-1] == -1
    saved = load_checkpoint(folder / "checkpoint.safetensors", ARCHITECTURE).manifest["step"]
    assert result.state.step == saved == watcher.steps[-2] < 9
    assert f"stopped at step {saved} of 24" in capsys.readouterr().out
    resumed = tiny_torch.train("flexmatch", folder, if_exists="resume")
    assert (resumed.began_at, resumed.interrupted) == (saved, False)
    assert capsys.readouterr().out.startswith(f"Going on after step {saved} of 24.\n")
    assert_same_run(folder, whole_runs("flexmatch")[0])


@pytest.mark.parametrize("method", ["mixmatch", "flexmatch"])
def test_resuming_a_finished_run_changes_nothing(method: str, tmp_path: Path) -> None:
    tiny_torch.train(method, tmp_path / "run", {"steps": 4})
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    watcher = Watcher()
    result = tiny_torch.train(method, tmp_path / "run", {"steps": 4}, if_exists="resume", observers=[watcher])
    assert (result.began_at, result.state.step) == (4, 4)
    assert watcher.steps == [-1], "closed, and told of no step"
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"n_classes": 7}, r"different architecture \(it differs at last"), ({}, "resnet18")],
)
def test_a_run_of_another_model_is_not_resumed(changed: Any, message: str, tmp_path: Path) -> None:
    if changed:
        tiny_torch.train("supervised", tmp_path / "run", {"steps": 4})
    else:
        tiny_run.train(tmp_path / "run", {"steps": 4})
    with pytest.raises(CourseError, match=message) as caught:
        tiny_torch.train("supervised", tmp_path / "run", changed, if_exists="resume")
    assert "\n" not in str(caught.value)


def test_a_run_of_another_method_is_not_resumed(tmp_path: Path) -> None:
    tiny_torch.train("fixmatch", tmp_path / "run", {"steps": 4})
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(CourseError, match=r"run holds a run of fixmatch, not of mixmatch: choose another"):
        tiny_torch.train("mixmatch", tmp_path / "run", if_exists="resume")
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


# --- a loop of one's own ------------------------------------------------------------------------


def own_loop(
    folder: Path, spoil: Callable[[int, Any, Any], Any] = lambda step, model, loss: loss, **more: Any
) -> Any:
    """Ten steps of a loss that is given the step; ``spoil`` may change model and loss."""
    hparams = TorchSupervisedHparams(
        logdir=str(folder), steps=10, eval_step=5, write_checkpoint_every=3, use_ema=more.pop("use_ema", True)
    ).fitted(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 3))

    def loss(model: nn.Module, state: Any, batch: Any) -> Any:
        assert model.training and batch["x_labeled"].shape == (4, 3, 2, 2)
        assert batch["step"] == int(state["steps"])
        value = spoil(batch["step"] + 1, model, model(batch["x_labeled"]).square().mean())
        state = {"steps": state["steps"] + 1}
        return value, state, {"total loss": value, "supervised loss": torch.ones(())}

    def batches(first: int, end: int) -> Any:
        for step in range(first, end):
            rng = np.random.default_rng(step)
            yield {"x_labeled": rng.random((4, 2, 2, 3), np.float32)}

    options: dict[str, Any] = {
        "loss": loss,
        "optimizer": torch.optim.SGD(model.parameters(), lr=9.0, momentum=0.5),
        "batches": batches,
        "schedule": lambda step: 0.1 / (1 + step),
        "ema_update": ema_update,
        "validate": lambda evaluated: {"val error rate": float(evaluated[2].weight.detach().mean())},
        "model_name": "own",
        "method_state": {"steps": torch.zeros((), dtype=torch.int64)},
    }
    return torch_train_loop(hparams, model, **{**options, **more})


def test_any_model_loss_and_state_can_be_trained_and_resumed(tmp_path: Path) -> None:
    whole = own_loop(tmp_path / "whole")
    interrupt = Watcher(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert own_loop(tmp_path / "run", observers=[interrupt]).interrupted
    resumed = own_loop(tmp_path / "run", if_exists="resume")
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    assert int(resumed.state.method["steps"]) == 10
    for name, tensor in whole.state.evaluated.state_dict().items():
        assert torch.equal(resumed.state.evaluated.state_dict()[name], tensor)


def test_the_schedule_sets_the_optimizers_rate(tmp_path: Path) -> None:
    """One step of plain SGD at rate 0.1, not at the 9 that the optimizer was made with."""
    seen: list[Any] = []

    def spoil(step: int, model: Any, loss: Any) -> Any:
        seen.append(copy.deepcopy(model[2].weight.detach()))
        if step == 1:
            seen.append(torch.autograd.grad(loss, model[2].weight, retain_graph=True)[0])
        return loss

    own_loop(tmp_path / "run", spoil)
    torch.testing.assert_close(seen[2], seen[0] - 0.1 * seen[1])


def test_the_averaged_model_is_the_one_that_is_validated(tmp_path: Path) -> None:
    given: list[Any] = []

    def remember(ema_model: Any, model: Any, step: int, decay: float) -> None:
        assert decay == 0.999 and not any(p.requires_grad for p in ema_model.parameters())
        given.append(step)
        ema_update(ema_model, model, step, decay)

    result = own_loop(tmp_path / "run", ema_update=remember)
    assert given == list(range(10))
    state = result.state
    assert state.evaluated is state.ema_model is not state.model
    assert result.metrics["val error rate"][-1] == float(state.ema_model[2].weight.mean())
    raw = own_loop(tmp_path / "raw", use_ema=False, ema_update=None)
    assert raw.state.evaluated is raw.state.model and raw.state.ema_model is None
    assert torch.equal(raw.state.model[2].weight, state.model[2].weight)
    stored = load_checkpoint(tmp_path / "raw" / "checkpoint.safetensors", "torch own")
    assert not [name for name in stored.extra if name.startswith("ema/")]


def test_a_run_begins_with_the_averages_at_the_weights() -> None:
    model = make_model(MODEL, 4, seed=0)
    before = copy.deepcopy(model.state_dict())
    state = TorchState(model, torch.optim.SGD(model.parameters(), lr=1.0), {}, True)
    assert state.ema_model is not None
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor)
        assert torch.equal(state.ema_model.state_dict()[name], tensor)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_the_step(value: float, tmp_path: Path) -> None:
    def spoil(step: int, model: Any, loss: Any) -> Any:
        return loss * value if step == 8 else loss

    folder, watcher = tmp_path / "run", Watcher()
    with pytest.raises(NonFiniteLoss, match=rf"^step 8: the total loss is {value}") as caught:
        own_loop(folder, spoil, observers=[watcher])
    assert "\n" not in str(caught.value) and watcher.steps == [*range(1, 8), -1]
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl")] == list(range(1, 8))
    assert load_checkpoint(folder / "checkpoint.safetensors", "torch own").manifest["step"] == 6
    assert own_loop(folder, if_exists="resume").state.step == 10


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    def spoil(step: int, model: Any, loss: Any) -> Any:
        return loss + torch.sqrt(0 * model[2].weight.sum()) if step == 6 else loss  # 0, of gradient 0 · ∞

    with pytest.raises(NonFiniteLoss, match="step 6: the weights are no longer finite"):
        own_loop(tmp_path / "run", spoil)
    stored = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors", "torch own")
    assert stored.manifest["step"] == 3
    assert all(np.isfinite(array).all() for array in stored.variables["params"].values())


def test_statistics_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    def spoiling(ema_model: Any, model: Any, step: int, decay: float) -> None:
        if step == 5:
            ema_model[1].running_var.fill_(float("inf"))

    with pytest.raises(NonFiniteLoss, match="step 6: the BatchNorm statistics are no longer finite"):
        own_loop(tmp_path / "run", ema_update=spoiling)
    stored = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors", "torch own")
    assert stored.manifest["step"] == 3


def test_hyperparameters_must_be_fitted(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"hparams\.fitted"):
        torch_train_loop(
            TorchSupervisedHparams(logdir=str(tmp_path / "run")),
            nn.Linear(1, 1),
            loss=lambda *a: None,  # type: ignore[arg-type,return-value]
            optimizer=torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0),
            batches=lambda first, end: [],
            schedule=float,
            ema_update=ema_update,
            validate=lambda model: {},
            model_name="none",
        )
    assert not (tmp_path / "run").exists()


def test_metrics_on_disk_are_plain_json_numbers(whole_runs: Any) -> None:
    for line in (whole_runs("flexmatch")[0] / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert all(isinstance(v, float) for n, v in record.items() if n not in ("step", "epoch"))


def test_an_optimizer_that_is_not_finite_is_found() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    state = TorchState(model, optimizer, {}, use_ema=False)
    program = TorchProgram(TorchSupervisedHparams(), state, None, None, None, None, {})  # type: ignore[arg-type]
    assert program.not_finite() is None
    optimizer.state[model.weight]["exp_avg_sq"].fill_(float("inf"))
    assert program.not_finite() == "optimizer's averages"


def test_the_training_accuracy_is_of_evenly_spaced_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[int]] = {}

    def evaluate(model: Any, dataset: Any, *, batch_size: int, phase: str) -> dict[str, float]:
        seen[phase] = dataset.indices.tolist()
        return {f"{phase} error rate": 0.0}

    monkeypatch.setattr("course.training.torch.train.evaluate", evaluate)
    monkeypatch.setattr("tests.support.tiny_run.images", partial(_images, tiny_run.images))
    tiny_torch.train("supervised", tmp_path / "run", {"steps": 1})
    assert seen["train"] == [0, 3, 6, 9, 12] and len(seen["val"]) == 5


def _images(make: Any, n: int, seed: int) -> Any:
    return make(n, seed).subset(np.arange(5)) if n == 20 else make(n, seed)


def test_what_remembers_each_image_is_given_none_twice() -> None:
    labeled, unlabeled, _ = tiny_run.parts()
    hparams = tiny_torch.hparams("flexmatch", "unused", mu=11)
    with pytest.raises(CourseError, match=r"44 unlabeled images in a step.* 40"):
        paired_batches(hparams, labeled, unlabeled, with_index=True)
    paired_batches(hparams, labeled, unlabeled)


# --- mini-batches -------------------------------------------------------------------------------


def test_indices_name_the_images_of_the_batch() -> None:
    hparams = tiny_torch.hparams("flexmatch", "unused")
    labeled, unlabeled, _ = tiny_run.parts()
    plain = list(paired_batches(hparams, labeled, unlabeled)(2, 7))
    indexed = list(paired_batches(hparams, labeled, unlabeled, with_index=True)(2, 7))
    assert len(plain) == len(indexed) == 5
    for one, other in zip(plain, indexed, strict=True):
        assert set(other) - set(one) == {"index"}
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])
        np.testing.assert_array_equal(unlabeled.targets[other["index"]], other["y_unlabeled"])
    # Five batches of eight are one epoch of forty images.
    epoch = paired_batches(hparams, labeled, unlabeled, with_index=True)(0, 5)
    assert sorted(i for batch in epoch for i in batch["index"]) == list(range(40))
    ((_, unlabeled_batch),) = get_training_generator(
        labeled, unlabeled, total_steps=1, labeled_batch_size=4, unlabeled_batch_size=8, with_index=True
    )
    assert len(unlabeled_batch) == 3 and unlabeled_batch[2].dtype == np.int64


def test_a_mixmatch_step_is_given_its_draws() -> None:
    from course.augment import LabeledDataAug, WeakViews

    hparams = tiny_torch.hparams("mixmatch", "unused", mu=3)
    labeled = tiny_run.images(16, 1).with_transform(LabeledDataAug())
    unlabeled = tiny_run.images(40, 2).with_transform(WeakViews(2))
    batches = list(mixed_batches(hparams, labeled, unlabeled, alpha=0.75)(0, 6))
    alone = list(labeled_batches(hparams, labeled)(0, 6))
    for batch, expected in zip(batches, alone, strict=True):
        np.testing.assert_array_equal(batch["x_labeled"], expected["x_labeled"])
        assert batch["x_unlabeled"].shape == (2, 12, 32, 32, 3) and batch["y_unlabeled"].shape == (12,)
        assert np.any(batch["x_unlabeled"][0] != batch["x_unlabeled"][1])
        assert sorted(batch["order"]) == list(range(4 + 24))
        assert batch["lam"].shape == (28,) and len(set(batch["lam"])) == 28
    for name in ("lam", "order"):
        (late,) = mixed_batches(hparams, labeled, unlabeled, alpha=0.75)(4, 5)
        np.testing.assert_array_equal(late[name], batches[4][name])
        assert np.any(batches[4][name] != batches[5][name])


def test_the_draws_are_a_beta_distributions() -> None:
    hparams = tiny_torch.hparams("mixmatch", "unused", batch_size=250)
    labeled = tiny_run.images(16, 1).with_transform(lambda image: np.zeros(1))
    unlabeled = tiny_run.images(40, 2).with_transform(lambda image: (np.zeros(1), np.zeros(1)))
    for alpha in (0.75, 4.0):
        (batch,) = mixed_batches(hparams, labeled, unlabeled, alpha=alpha)(0, 1)
        variance = 1 / (4 * (2 * alpha + 1))
        assert float(batch["lam"].mean()) == pytest.approx(0.5, abs=0.05)
        assert float(batch["lam"].var()) == pytest.approx(variance, rel=0.2)


# --- the schedule -------------------------------------------------------------------------------


def test_the_schedule_rises_and_follows_the_cosine() -> None:
    plain = cosine_with_warmup(0.03, 0, 100, 7 / 16)
    expected = [0.03 * np.cos(7 * np.pi * k / 1600) for k in range(100)]
    np.testing.assert_allclose([plain(k) for k in range(100)], expected)
    warm = cosine_with_warmup(0.03, 10, 110, 7 / 16)
    np.testing.assert_allclose([warm(k) for k in range(10)], 0.003 * np.arange(1, 11))
    np.testing.assert_allclose([warm(10 + k) for k in range(100)], expected)
    assert cosine_with_warmup(0.002, 0, 50, 0.0)(49) == 0.002
