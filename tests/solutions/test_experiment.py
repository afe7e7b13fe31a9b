"""How a run is put together from options: which images it sees, what it starts from, what it writes."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import solutions.experiments.experiment as experiment
from course.data.dataset import ImageDataset, Splits
from course.errors import CourseError
from course.training import Checkpoint, FixMatchHparams, SupervisedHparams, load_checkpoint, read_metrics
from course.training.stopwatch import Stopwatch
from solutions.experiments.experiment import command, cut
from solutions.experiments.frameworks import FRAMEWORKS, error_rate
from solutions.experiments.machine import jax_hardware, processor, versions
from solutions.experiments.spec import Given, RunSpec
from tests.support import tiny_run

N_TRAIN, N_TEST, PER_CLASS, HELD_OUT = 80, 20, 4, 3
SPLITS = Splits(tiny_run.images(N_TRAIN, 1), tiny_run.images(N_TEST, 2))
HPARAMS = SupervisedHparams(
    num_classes=4, num_labeled_training_samples_per_class=PER_CLASS, num_validation_samples_per_class=HELD_OUT
)


def checkpoint(indices: Any, data: str = "tiny") -> Checkpoint:
    manifest = {"architecture": "resnet18", "normalization": "cifar10", "data": data}
    return Checkpoint({}, manifest if indices is None else {**manifest, "labeled_indices": indices}, {})


def numbers(dataset: ImageDataset) -> set[int]:
    return set(dataset.indices.tolist())


# --- cutting up a data set --------------------------------------------------------------------


def test_validation_is_held_out_of_everything_and_labeled_images_are_unlabeled_ones_too() -> None:
    parts = cut(HPARAMS, SPLITS, None, None)
    assert np.bincount(parts.labeled.targets).tolist() == [PER_CLASS] * 4
    assert np.bincount(parts.validation.targets).tolist() == [HELD_OUT] * 4
    assert numbers(parts.labeled) < numbers(parts.unlabeled)
    assert not numbers(parts.validation) & numbers(parts.unlabeled)
    assert numbers(parts.validation) | numbers(parts.unlabeled) == set(range(N_TRAIN))
    assert parts.test is SPLITS.test
    for part in (parts.labeled, parts.unlabeled, parts.validation):
        np.testing.assert_array_equal(part.data, SPLITS.train.data[part.indices])


def test_labels_count_all_classes_together() -> None:
    assert len(cut(HPARAMS, SPLITS, None, 24).labeled) == 24
    assert len(cut(HPARAMS, SPLITS, None, None).labeled) == 16


def test_the_seed_decides_the_split() -> None:
    first, again = (cut(HPARAMS, SPLITS, None, None) for _ in range(2))
    other = cut(SupervisedHparams(**{**vars(HPARAMS), "seed": 1}), SPLITS, None, None)
    assert numbers(first.labeled) == numbers(again.labeled) != numbers(other.labeled)
    assert numbers(first.validation) == numbers(again.validation) != numbers(other.validation)


def test_a_checkpoint_of_the_same_data_brings_its_labeled_images() -> None:
    named = [1, 2, 3, 4, 9, 10, 15, 16]
    hparams = SupervisedHparams(num_classes=4, num_validation_samples_per_class=HELD_OUT)
    for seed in (0, 1):
        parts = cut(SupervisedHparams(**{**vars(hparams), "seed": seed}), SPLITS, checkpoint(named), None)
        assert numbers(parts.labeled) == set(named)
        assert not numbers(parts.validation) & set(named)
    assert numbers(cut(hparams, SPLITS, checkpoint(named), 8).labeled) == set(named)


@pytest.mark.parametrize("start", [checkpoint([1, 2, 3, 4], data="cifar10"), checkpoint(None)])
def test_a_checkpoint_of_other_data_or_without_names_brings_none(start: Checkpoint) -> None:
    assert numbers(cut(HPARAMS, SPLITS, start, None).labeled) == numbers(
        cut(HPARAMS, SPLITS, None, None).labeled
    )


@pytest.mark.parametrize(
    ("hparams", "start", "labels", "message"),
    [
        (HPARAMS, None, 10, r"--labels 10 does not divide among 4 classes"),
        (HPARAMS, None, 84, r"20 images of class 0"),
        (HPARAMS, None, 0, r"ask for at least 1"),
        (HPARAMS, checkpoint([0, 1, 2, 3]), 8, r"2 labels per class contradict the checkpoint.*4 labeled"),
        (HPARAMS, checkpoint([0, 1, 2, 3]), None, r"4 labels per class contradict the checkpoint"),
        (SupervisedHparams(num_classes=4), checkpoint([0, 999]), None, r"lacks 1 of the images"),
        (
            SupervisedHparams(**{**vars(HPARAMS), "num_validation_samples_per_class": 0}),
            None,
            None,
            r"hold out at least 1",
        ),
        (
            SupervisedHparams(**{**vars(HPARAMS), "num_validation_samples_per_class": 17}),
            None,
            None,
            r"16 images of class",
        ),
    ],
)
def test_what_cannot_be_cut_is_one_line(hparams: Any, start: Any, labels: int | None, message: str) -> None:
    with pytest.raises(CourseError, match=message) as caught:
        cut(hparams, SPLITS, start, labels)
    assert "\n" not in str(caught.value)


# --- the test error ---------------------------------------------------------------------------


def test_error_rate_counts_images_whatever_the_batches_are() -> None:
    model = tiny_run.TinyModel(4)
    variables = model.init(jax.random.PRNGKey(0), None)
    logits = model.apply(variables, jnp.asarray(SPLITS.test.data / 255, jnp.float32))
    expected = np.mean(np.argmax(logits, -1) != SPLITS.test.targets)
    assert 0 < expected < 1
    for batch_size in (20, 7, 250):
        got = error_rate(model, variables["params"], variables["batch_stats"], SPLITS.test, batch_size)
        assert got == pytest.approx(expected)


def test_the_processor_is_named_where_the_system_does_not_tell_the_cores_of_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert f"{os.cpu_count()} of {os.cpu_count()} cores" in processor()


def test_hardware_and_versions_are_named() -> None:
    assert "cores" in jax_hardware() or "device" in jax_hardware()
    named = versions()
    assert named["jax"] == jax.__version__ and named["numpy"] == np.__version__
    assert named["python"] == ".".join(map(str, sys.version_info[:3]))


def test_the_command_is_kept_without_the_machines_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", ["x", "train", "--data", "/somewhere/data.npz", "--out", "runs/a", "--note", "a b"]
    )
    assert command() == "python -m solutions train --data data.npz --out runs/a --note 'a b'"
    words = [
        "train",
        "--data=/some where/data.npz",
        "--out=runs/a",
        "--note=a=/b",
        "--note",
        "x=/y/z",
        "--k=",
    ]
    monkeypatch.setattr(sys, "argv", ["x", *words])
    told = "--data=data.npz --out=runs/a --note=a=/b --note x=/y/z --k="
    assert command() == f"python -m solutions train {told}"


# --- whole runs of the tiny network -----------------------------------------------------------

SETTINGS = {
    "num_labeled_training_samples_per_class": PER_CLASS,
    "num_validation_samples_per_class": HELD_OUT,
    "labeled_batch_size": 4,
    "mu": 2,
    "val_batch_size": 8,
    "steps": 6,
    "validate_every_steps": 3,
    "write_checkpoint_every": 2,
}


def run(method: str, settings: dict[str, Any] = SETTINGS, **options: Any) -> dict[str, Any] | None:
    """The content of a run's result.json; ``options`` are its other ones and those of `experiment.run`."""
    own = {name: options.pop(name) for name in ("if_exists", "observers") if name in options}
    result = experiment.run(RunSpec(method, given=Given(settings), **options), **own)
    return None if result is None else result.to_json()


def fixmatch(**changed: Any) -> dict[str, Any]:
    return {**SETTINGS, **changed}


@pytest.fixture(autouse=True)
def tiny_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "load_dataset", lambda name: SPLITS)


@pytest.mark.usefixtures("tiny_network", "drawn_curves")
def test_a_run_writes_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    summary = run("fixmatch", out=out, note="a test")
    assert summary is not None
    assert sorted(p.name for p in out.iterdir() if "tfevents" not in p.name) == [
        *("checkpoint.safetensors", "config.json", "curves.png", "metrics.jsonl", "result.json", "run.json"),
    ]
    assert len(list(out.glob("events.out.tfevents.*"))) == 1
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "result.json").read_text()) == summary

    config = json.loads((out / "config.json").read_text())
    assert {k: config[k] for k in ("method", "data", "checkpoint", "augmentation", "note")} == {
        "method": "fixmatch",
        "data": "shapes",
        "checkpoint": "none",
        "augmentation": "course",
        "note": "a test",
    }
    assert config["hparams"] | SETTINGS == config["hparams"] == summary["hparams"]
    assert config["hparams"]["total_steps"] == 6 and config["hparams"]["num_classes"] == 4

    manifest = load_checkpoint(out / "checkpoint.safetensors").manifest
    parts = cut(HPARAMS, SPLITS, None, None)
    assert manifest["labeled_indices"] == parts.labeled.indices.tolist()
    assert (manifest["data"], manifest["num_classes"], manifest["seed"], manifest["step"]) == (
        "tiny",
        4,
        0,
        6,
    )

    records = read_metrics(out / "metrics.jsonl")
    assert summary["error rate, last 6 steps"] == pytest.approx(np.mean([r["error rate"] for r in records]))
    assert summary["mask rate, first 6 steps"] == pytest.approx(np.mean([r["mask rate"] for r in records]))
    assert summary["val error rate"] == records[-1]["val error rate"]
    assert (summary["labels"], summary["steps"], summary["steps_this_process"]) == (16, 6, 6)
    assert summary["data"] == "tiny" and summary["seconds_this_process"] > 0


@pytest.mark.usefixtures("tiny_network")
def test_the_test_errors_are_those_of_the_saved_weights(tmp_path: Path) -> None:
    summary = run("fixmatch", fixmatch(ema_decay=0.5), out=tmp_path / "run")
    assert summary is not None
    stored = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    model, stats = tiny_run.TinyModel(4), stored.variables["batch_stats"]
    ema = {"last": {n: stored.extra[f"opt_state/ema/last/{n}"] for n in ("kernel", "bias")}}
    assert summary["test error (raw)"] == error_rate(model, stored.variables["params"], stats, SPLITS.test)
    assert summary["test error (EMA)"] == error_rate(model, ema, stats, SPLITS.test)


@pytest.mark.usefixtures("tiny_network")
def test_seconds_are_those_of_training_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("course.training.engine.Stopwatch", partial(Stopwatch, clock=lambda: now))
    jax_framework = FRAMEWORKS["jax"]
    test = jax_framework.test

    class Slow:
        def on_step(self, record: Any, batch: Any) -> None:
            nonlocal now
            now += 7

        def close(self) -> None:
            pass

    def slow_test(*arguments: Any, **options: Any) -> Any:
        nonlocal now
        now += 1000
        return test(*arguments, **options)

    monkeypatch.setattr(jax_framework, "test", slow_test)
    summary = run("fixmatch", out=tmp_path / "run", observers=[Slow()])
    assert summary is not None and summary["seconds"] == 7.0 * summary["steps"]


@pytest.mark.usefixtures("tiny_network")
def test_the_test_set_is_looked_at_once_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Watched(ImageDataset):
        def sample(self, i: int, rng: Any = None) -> Any:
            looked.append((tmp_path / "run" / "checkpoint.safetensors").exists())
            return super().sample(i, rng)

    test = Watched.create(SPLITS.test.data, SPLITS.test.targets, SPLITS.test.classes, "tiny")
    monkeypatch.setattr(experiment, "load_dataset", lambda name: Splits(SPLITS.train, test))
    run("fixmatch", out=tmp_path / "run")
    assert looked == [True] * 2 * N_TEST  # averaged and raw weights


@pytest.mark.usefixtures("tiny_network", "drawn_curves")
def test_a_supervised_run_sees_the_labeled_images_alone(tmp_path: Path) -> None:
    summary = run("supervised", out=tmp_path / "run")
    assert summary is not None and summary["method"] == "supervised"
    record = read_metrics(tmp_path / "run" / "metrics.jsonl")[0]
    assert set(record) == {
        *("step", "epoch", "lr", "supervised loss", "total loss", "weight decay", "labeled error rate"),
    }
    assert not [name for name in summary if name.startswith(("mask rate", "error rate"))]


@pytest.mark.usefixtures("tiny_network")
def test_both_methods_begin_with_the_same_weights_and_labeled_batches(tmp_path: Path) -> None:
    run("fixmatch", out=tmp_path / "fixmatch")
    run("supervised", out=tmp_path / "supervised")
    first = [read_metrics(tmp_path / name / "metrics.jsonl")[0] for name in ("fixmatch", "supervised")]
    assert first[0]["weight decay"] == pytest.approx(first[1]["weight decay"], rel=1e-6)
    configs = [
        json.loads((tmp_path / n / "config.json").read_text())["hparams"] for n in ("fixmatch", "supervised")
    ]
    assert configs[1].items() <= configs[0].items()


@pytest.mark.usefixtures("tiny_network")
def test_a_run_goes_on_from_another_runs_checkpoint_with_its_images(tmp_path: Path) -> None:
    run("fixmatch", out=tmp_path / "first")
    start = tmp_path / "first" / "checkpoint.safetensors"
    default = {k: v for k, v in SETTINGS.items() if k != "num_labeled_training_samples_per_class"}
    run(
        "fixmatch",
        {**default, "seed": 5},
        out=tmp_path / "second",
        checkpoint=str(start),
    )
    first, second = (load_checkpoint(tmp_path / n / "checkpoint.safetensors") for n in ("first", "second"))
    np.testing.assert_array_equal(first.labeled_indices, second.labeled_indices)
    expected = float((first.variables["params"]["last"]["kernel"] ** 2).sum()) * FixMatchHparams().w_decay
    assert read_metrics(tmp_path / "second" / "metrics.jsonl")[0]["weight decay"] == pytest.approx(
        expected, rel=1e-5
    )
    assert json.loads((tmp_path / "second" / "config.json").read_text())["checkpoint"] == start.name


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("framework", ["jax", "torch"])
@pytest.mark.parametrize(
    ("platform", "asked", "workers", "made"),
    [
        ("cpu", "auto", 0, "course"),
        ("gpu", "auto", 0, "device"),
        ("gpu", "auto", 1, "course"),
        ("gpu", "course", 0, "course"),
    ],
)
def test_an_accelerator_makes_the_views_unless_told_otherwise(
    framework: str,
    platform: str,
    asked: str,
    workers: int,
    made: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(FRAMEWORKS[framework]), "platform", lambda self: platform)
    given = Given({"mu": 2, "num_validation_samples_per_class": HELD_OUT, "num_workers": workers})
    spec = RunSpec(
        "fixmatch", tmp_path / "run", framework=framework, labels=8, augmentation=asked, given=given
    )
    planned = experiment.plan(spec)
    assert planned.spec.augmentation == planned.config["augmentation"] == made


@pytest.mark.usefixtures("tiny_network")
def test_the_practicals_augmentation_is_another_run(tmp_path: Path) -> None:
    for name in ("course", "practical"):
        run("fixmatch", out=tmp_path / name, augmentation=name)
    losses = [
        [r["supervised loss"] for r in read_metrics(tmp_path / n / "metrics.jsonl")]
        for n in ("course", "practical")
    ]
    assert losses[0] != losses[1]


@pytest.mark.usefixtures("tiny_network")
def test_the_practicals_augmentation_is_decided_by_the_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("fixmatch", out=tmp_path / name, augmentation="practical")
    a, b = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in ("a", "b"))
    assert a == b


@pytest.mark.usefixtures("tiny_network")
def test_overwriting_killed_at_once_cannot_be_resumed_as_the_old_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    run("fixmatch", out=out)

    def killed(path: Path, content: Any) -> None:
        assert path.name == "config.json"
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(experiment, "_write_json", killed)
        run("fixmatch", fixmatch(lr=0.01), out=out, if_exists="overwrite")
    assert not (out / "checkpoint.safetensors").exists() and not (out / "result.json").exists()
    summary = run("fixmatch", fixmatch(lr=0.01), out=out, if_exists="resume")
    assert summary is not None and summary["steps_this_process"] == 6


def test_settings_are_checked_before_data_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(name: str) -> Any:
        raise AssertionError("nothing should be fetched")

    monkeypatch.setattr(experiment, "load_dataset", fetch)
    with pytest.raises(CourseError, match="lr is -1"):
        run("fixmatch", fixmatch(lr=-1), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
