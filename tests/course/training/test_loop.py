"""The training loop: what a run leaves behind, interruptions, errors, and going on."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from course.errors import CourseError
from course.training import (
    FixMatchHparams,
    TrainState,
    get_ema_params,
    get_params,
    labeled_batches,
    load_checkpoint,
    momentum,
    paired_batches,
    read_metrics,
    start,
    train_loop,
)
from course.training.engine import NonFiniteLoss
from tests.support import tiny_run

COLUMNS = [
    *("error rate", "mask rate", "supervised loss", "total loss", "unsupervised loss", "weight decay", "lr"),
]


class Watcher:
    """An observer that remembers, and does something at one step."""

    def __init__(self, at: int | None = None, act: Callable[[], Any] = lambda: None) -> None:
        self.at, self.act = at, act
        self.steps: list[int] = []
        self.closed = 0

    def on_step(self, record: Any, batch: Any) -> None:
        self.steps.append(record["step"])
        if record["step"] == self.at:
            self.act()

    def close(self) -> None:
        self.closed += 1


def saved_step(folder: Path) -> int:
    return int(load_checkpoint(folder / "checkpoint.safetensors").manifest["step"])


def assert_same_run(folder: Path, expected: Path) -> None:
    for name in ("metrics.jsonl", "checkpoint.safetensors"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


# --- what a run leaves behind -----------------------------------------------------------------


def test_metrics_have_every_step_the_rate_used_and_the_validations(whole_run: tuple[Path, Any]) -> None:
    folder, result = whole_run
    records = read_metrics(folder / "metrics.jsonl")
    assert [r["step"] for r in records] == list(range(1, 25))
    assert [r["epoch"] for r in records] == [k // 5 for k in range(24)]
    assert [list(r)[2:9] for r in records] == [COLUMNS] * 24
    assert [r["step"] for r in records if "val error rate" in r] == [5, 10, 15, 20, 24]
    expected = [0.03 * np.cos(np.pi * 7 / 16 * k / 24) for k in range(24)]
    np.testing.assert_allclose([r["lr"] for r in records], expected, rtol=1e-5)
    for name in COLUMNS:
        np.testing.assert_array_equal(result.metrics[name], [r[name] for r in records])
    assert len(result.metrics["val error rate"]) == 5
    assert (result.state.step, result.interrupted, result.began_at) == (24, False, 0)


def test_a_run_learns(whole_run: tuple[Path, Any]) -> None:
    metrics = whole_run[1].metrics
    assert metrics["error rate"][-5:].mean() < metrics["error rate"][:3].mean() - 0.2


def test_the_checkpoint_is_the_last_state(whole_run: tuple[Path, Any]) -> None:
    folder, result = whole_run
    stored = load_checkpoint(folder / "checkpoint.safetensors")
    assert stored.manifest["step"] == 24 and stored.manifest["normalization"] == "cifar10"
    state = result.state
    for ours, expected in (
        (stored.variables["params"]["last"], get_params(state.opt_state)["last"]),
        (stored.variables["batch_stats"]["norm"], state.batch_stats["norm"]),
    ):
        for name in expected:
            np.testing.assert_array_equal(ours[name], expected[name])
    np.testing.assert_array_equal(
        stored.extra["opt_state/ema/last/kernel"], get_ema_params(state.opt_state)["last"]["kernel"]
    )
    assert stored.extra["opt_state/updates"] == 24


def test_tensorboard_events_lie_in_the_folder(whole_run: tuple[Path, Any]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole_run[0]), size_guidance={"scalars": 0, "images": 0}).Reload()
    assert set(events.Tags()["scalars"]) == {*COLUMNS, "val error rate"}
    assert [e.step for e in events.Scalars("val error rate")] == [5, 10, 15, 20, 24]
    for title in ("weakly augmented image", "strongly augmented image"):
        assert [e.step for e in events.Images(title)] == [6, 12, 18, 24]


def test_progress_and_log_lines_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_run.train(tmp_path / "run", {"steps": 6, "log_every_steps": 3})
    shown = capsys.readouterr()
    lines = [line for line in re.split(r"[\r\n]", shown.out) if line.startswith("epoch")]
    assert len(lines) == 2
    number = r"-?\d+\.\d{3}"
    names = ("loss", "mask", "error", "lr")
    pattern = r"epoch +\d+ \| step +\d+ \| " + r" \| ".join(f"{name} {number}" for name in names)
    assert re.fullmatch(pattern, lines[0])
    assert re.fullmatch(pattern + rf" \| val error {number}", lines[1])
    assert "6/6" in shown.err


def test_a_status_in_words_stands_where_the_bar_will_be_until_the_step_is_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_loop(tmp_path / "run", healthy)
    status, bar, *later = [text.strip() for text in capsys.readouterr().err.split("\r") if text.strip()]
    assert status == "compiling the training step, about ten seconds"
    assert "0/10" in bar and "10/10" in later[-1]
    # A finished run compiles nothing.
    run_loop(tmp_path / "run", healthy, if_exists="resume")
    assert capsys.readouterr().err == ""


def test_observers_see_every_step_and_are_closed_once(tmp_path: Path) -> None:
    watchers = [Watcher(), Watcher()]
    tiny_run.train(tmp_path / "run", {"steps": 6}, observers=watchers)
    assert [w.steps for w in watchers] == [list(range(1, 7))] * 2
    assert [w.closed for w in watchers] == [1, 1]


def test_a_run_may_begin_at_another_step(tmp_path: Path) -> None:
    result = tiny_run.train(
        tmp_path / "run", {"steps": 6, "init_total_step": 20_000, "write_checkpoint_every": 3}
    )
    records = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [r["step"] for r in records] == list(range(20_001, 20_007))
    assert [r["epoch"] for r in records] == [0] * 5 + [1]
    expected = [0.03 * np.cos(np.pi * 7 / 16 * k / 20_006) for k in range(20_000, 20_006)]
    np.testing.assert_allclose([r["lr"] for r in records], expected, rtol=1e-4)
    assert result.state.step == saved_step(tmp_path / "run") == 20_006
    again = tiny_run.train(
        tmp_path / "run",
        {"steps": 6, "init_total_step": 20_000, "write_checkpoint_every": 3},
        if_exists="resume",
    )
    assert again.began_at == again.state.step == 20_006


def test_labeled_batches_are_the_labeled_half_of_the_pairs() -> None:
    hparams = tiny_run.hparams("unused")
    labeled, unlabeled, _ = tiny_run.parts()
    alone = list(labeled_batches(hparams, labeled)(2, 6))
    pairs = list(paired_batches(hparams, labeled, unlabeled)(2, 6))
    assert len(alone) == len(pairs) == 4
    for ours, theirs in zip(alone, pairs, strict=True):
        assert set(ours) == {"x_labeled", "y_labeled"}
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name])
        assert theirs["x_unlabeled_weak"].shape == theirs["x_unlabeled_strong"].shape == (8, 32, 32, 3)


def test_a_run_from_scratch_draws_its_weights_from_the_seed() -> None:
    def weights(seed: int) -> Any:
        with tiny_run.tiny_resnet18():
            _, state = start(tiny_run.hparams("unused", seed=seed), momentum(lambda step: 0.1, 0.9).init)
        return state.opt_state.params["last"]["kernel"]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert np.any(weights(1) != weights(2))


# --- folders ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typo", ["overwrit", "Resume", "", None])
def test_an_unknown_if_exists_is_said_before_anything_is_touched(typo: Any, tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        tiny_run.train(tmp_path / "run", if_exists=typo)
    assert str(caught.value) == (
        f'if_exists is {typo!r}, which is unknown: use "error", "resume" or "overwrite"'
    )
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_left_alone(whole_run: tuple[Path, Any], tmp_path: Path) -> None:
    tiny_run.train(tmp_path / "run", {"steps": 4})
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    watcher = Watcher()
    with pytest.raises(
        CourseError, match=r"run already holds a run: resume it .*overwrite it .*another folder"
    ):
        tiny_run.train(tmp_path / "run", observers=[watcher])
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before
    assert watcher.closed == 1


def test_overwriting_leaves_nothing_of_the_old_run(whole_run: tuple[Path, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny_run.train(folder, {"seed": 5})
    (folder / "result.json").write_text("{}")
    (folder / "curves.png").write_bytes(b"old")
    (folder / "notes.txt").write_text("the user's own")
    tiny_run.train(folder, if_exists="overwrite")
    assert_same_run(folder, whole_run[0])
    assert sorted(p.name for p in folder.iterdir() if "tfevents" not in p.name) == [
        *("checkpoint.safetensors", "metrics.jsonl", "notes.txt", "run.json"),
    ]
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1


def test_resuming_where_nothing_is_begins(whole_run: tuple[Path, Any], tmp_path: Path) -> None:
    result = tiny_run.train(tmp_path / "run", if_exists="resume")
    assert result.began_at == 0
    assert_same_run(tmp_path / "run", whole_run[0])


def test_resuming_a_finished_run_changes_nothing_and_says_so(
    whole_run: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    tiny_run.train(folder)
    capsys.readouterr()
    result = tiny_run.train(folder, if_exists="resume")
    out, err = capsys.readouterr()
    assert out.startswith("This run was finished before, so nothing is trained: for a new one, if_exists=")
    assert err == "", "a bar of no steps says nothing"
    assert_same_run(folder, whole_run[0])
    assert result.began_at == result.state.step == 24
    np.testing.assert_array_equal(result.metrics["lr"], whole_run[1].metrics["lr"])


def test_a_run_of_another_model_is_not_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny_run.train(folder, {"steps": 4})
    with pytest.raises(CourseError, match="different architecture"):
        tiny_run.train(folder, {"num_classes": 7}, if_exists="resume")


def test_an_unwritable_folder_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    watcher = Watcher()
    with pytest.raises(CourseError, match=r"cannot be written .*choose a writable folder") as caught:
        tiny_run.train(tmp_path / "file" / "run", observers=[watcher])
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "in the way"
    assert (watcher.steps, watcher.closed) == ([], 1)


def test_a_disk_that_fills_up_leaves_the_earlier_checkpoint(
    whole_run: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, watcher, writes = tmp_path / "run", Watcher(), []
    stock = os.fsync

    def full(descriptor: int) -> None:
        writes.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        if writes.count(".checkpoint.safetensors.part") == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        stock(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CourseError, match=r"checkpoint\.safetensors cannot be written .No space left"):
            tiny_run.train(folder, observers=[watcher])
    assert saved_step(folder) == 4
    assert not list(folder.glob(".*"))
    assert watcher.steps == list(range(1, 9)) and watcher.closed == 1
    tiny_run.train(folder, if_exists="resume")
    assert_same_run(folder, whole_run[0])


def test_hyperparameters_must_be_fitted(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"hparams\.fitted"):
        train_loop(
            FixMatchHparams(logdir=str(tmp_path / "run")),
            TrainState(0, None, None),
            train_step=lambda *a, **k: (0, 0, 0, {}),
            batches=lambda first, end: [],
            schedule=float,
            validate=lambda opt_state, batch_stats: {},
            normalization="none",
        )
    assert not (tmp_path / "run").exists()


# --- interruptions ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def handlers_are_put_back() -> Iterator[None]:
    assert threading.current_thread() is threading.main_thread()
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def press(number: signal.Signals) -> Callable[[], None]:
    # In this thread, so that the handler has run before the next line does.
    return lambda: signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_at_once_and_the_run_goes_on_as_if_nothing_had_been(
    number: signal.Signals, whole_run: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, watcher = tmp_path / "run", Watcher(6, press(number))
    result = tiny_run.train(folder, observers=[watcher])
    assert result.interrupted
    # The step in flight is finished; none after it is begun.
    assert result.state.step == saved_step(folder) == watcher.steps[-1] == 8 - (saved_step(folder) == 7)
    assert watcher.closed == 1
    out = capsys.readouterr().out
    assert f"Partial run: stopped at step {result.state.step} of 24 after" in out and str(folder) in out
    assert out.endswith('.\nContinue with if_exists="resume".\n')
    resumed = tiny_run.train(folder, if_exists="resume")
    assert not resumed.interrupted and resumed.began_at == result.state.step
    assert_same_run(folder, whole_run[0])
    np.testing.assert_array_equal(resumed.metrics["total loss"], whole_run[1].metrics["total loss"])


def test_an_interrupt_in_the_last_step_is_a_finished_run(whole_run: tuple[Path, Any], tmp_path: Path) -> None:
    result = tiny_run.train(tmp_path / "run", observers=[Watcher(24, press(signal.SIGINT))])
    assert not result.interrupted
    assert_same_run(tmp_path / "run", whole_run[0])


@pytest.fixture
def keyboard() -> Iterator[None]:
    """Ctrl-C as in a terminal: a shell starts background jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
def test_a_second_ctrl_c_stops_without_saving(whole_run: tuple[Path, Any], tmp_path: Path) -> None:
    def twice() -> None:
        press(signal.SIGINT)()
        press(signal.SIGINT)()
        raise AssertionError("the second Ctrl-C must not wait")

    folder, watcher = tmp_path / "run", Watcher(6, twice)
    with pytest.raises(KeyboardInterrupt):
        tiny_run.train(folder, observers=[watcher])
    assert watcher.closed == 1
    assert saved_step(folder) == 4
    tiny_run.train(folder, if_exists="resume")
    assert_same_run(folder, whole_run[0])


def test_outside_the_main_thread_a_run_works_without_signal_handlers(
    whole_run: tuple[Path, Any], tmp_path: Path
) -> None:
    thread = threading.Thread(target=tiny_run.train, args=(tmp_path / "run",))
    thread.start()
    thread.join()
    assert_same_run(tmp_path / "run", whole_run[0])


# --- a loop of one's own: any tree of parameters, and losses that go wrong ----------------------

StepMetrics = dict[str, Any]


def run_loop(folder: Path, spoil: Callable[[int, Any, StepMetrics, Any], Any], **options: Any) -> Any:
    """Ten steps towards zero of a tree of lists and tuples; ``spoil`` gets (step, loss, metrics, weights)."""
    hparams = FixMatchHparams(
        logdir=str(folder), steps=10, validate_every_steps=5, write_checkpoint_every=3, log_every_steps=100
    ).fitted(448)
    optimizer = momentum(lambda step: 0.1, 0.9)
    state = optimizer.init([jnp.ones((2, 2)), (jnp.asarray(3.0), {"kernel": jnp.ones(1)})])

    def train_step(step: Any, opt_state: Any, batch_stats: Any, x: Any) -> Any:
        params = optimizer.get_params(opt_state)
        opt_state = optimizer.update(step, jax.tree.map(lambda w: w * x, params), opt_state)
        metrics = {"supervised loss": 1.0, "unsupervised loss": 0.5, "weight decay": 0.1, "mask rate": 0.5}
        metrics["total loss"] = 1.6
        loss, metrics, params = spoil(int(step) + 1, 1.6, metrics, opt_state.params)
        return loss, batch_stats + 1, opt_state._replace(params=params), metrics

    return train_loop(
        hparams,
        TrainState(0, state, jnp.zeros(())),
        train_step=train_step,
        batches=lambda first, end: ({"x": np.float32(k + 1)} for k in range(first, end)),
        schedule=lambda step: 0.1,
        validate=lambda opt_state, batch_stats: {"val error rate": jnp.mean(opt_state.params[0])},
        normalization="none",
        **options,
    )


def healthy(step: int, loss: Any, metrics: StepMetrics, weights: Any) -> Any:
    return loss, metrics, weights


def test_any_tree_of_parameters_can_be_trained_and_resumed(tmp_path: Path) -> None:
    whole = run_loop(tmp_path / "whole", healthy)
    stopped = run_loop(tmp_path / "run", healthy, observers=[Watcher(4, press(signal.SIGINT))])
    assert stopped.interrupted
    resumed = run_loop(tmp_path / "run", healthy, if_exists="resume")
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    assert jax.tree.structure(resumed.state) == jax.tree.structure(whole.state)
    jax.tree.map(np.testing.assert_array_equal, resumed.state, whole.state)
    assert float(whole.state.batch_stats) == 10


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("term", ["supervised loss", "unsupervised loss", "weight decay", "total loss"])
def test_a_loss_that_is_not_finite_names_the_step_and_the_term(
    tmp_path: Path, term: str, value: float
) -> None:
    def spoil(step: int, loss: Any, metrics: StepMetrics, weights: Any) -> Any:
        if step < 8:
            return loss, metrics, weights
        return (
            value,
            {**metrics, "total loss": value, term: value},
            jax.tree.map(lambda w: w * value, weights),
        )

    folder, watcher = tmp_path / "run", Watcher()
    with pytest.raises(NonFiniteLoss, match=rf"^step 8: the {term} is {value}") as caught:
        run_loop(folder, spoil, observers=[watcher])
    assert "\n" not in str(caught.value)
    assert watcher.steps == list(range(1, 8)) and watcher.closed == 1
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl")] == list(range(1, 8))
    assert saved_step(folder) == 6
    # From the last checkpoint a mended loss goes on.
    assert run_loop(folder, healthy, if_exists="resume").state.step == 10


def test_a_returned_loss_that_no_metric_shows_is_noticed(tmp_path: Path) -> None:
    def spoil(step: int, loss: Any, metrics: StepMetrics, weights: Any) -> Any:
        return (float("nan") if step == 5 else loss), metrics, weights

    with pytest.raises(NonFiniteLoss, match="step 5: the total loss is nan"):
        run_loop(tmp_path / "run", spoil)


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    def spoil(step: int, loss: Any, metrics: StepMetrics, weights: Any) -> Any:
        return loss, metrics, jax.tree.map(lambda w: w / 0, weights) if step == 6 else weights

    folder, watcher = tmp_path / "run", Watcher()
    with pytest.raises(NonFiniteLoss, match="step 6: the weights are no longer finite"):
        run_loop(folder, spoil, observers=[watcher])
    assert saved_step(folder) == 3
    assert all(
        np.isfinite(a).all() for a in load_checkpoint(folder / "checkpoint.safetensors").extra.values()
    )
    assert watcher.closed == 1


def test_an_error_in_the_step_the_batches_or_an_observer_closes_everything(tmp_path: Path) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("the student's")

    for number, arguments in enumerate(
        ({"spoil": fail}, {"spoil": healthy, "observers": [Watcher(2, fail)]})
    ):
        watcher = Watcher()
        observers = [*arguments.pop("observers", []), watcher]
        with pytest.raises(ZeroDivisionError, match="the student's"):
            run_loop(tmp_path / str(number), observers=observers, **arguments)
        assert [w.closed for w in observers] == [1] * len(observers)
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]


def test_metrics_on_disk_are_plain_json_numbers(whole_run: tuple[Path, Any]) -> None:
    for line in (whole_run[0] / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert isinstance(record["step"], int) and isinstance(record["epoch"], int)
        assert all(isinstance(v, float) for n, v in record.items() if n not in ("step", "epoch"))
