"""``python -m solutions train`` in both frameworks: options, presets, what does not exist, whole runs."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solutions.experiments.experiment as experiment
from course.data.dataset import Splits
from course.errors import CourseError
from course.training import FixMatchHparams, SupervisedHparams, load_checkpoint, read_metrics
from course.training.checkpoint import PROVIDED
from course.training.torch.hparams import TorchFixMatchHparams
from course.training.torch.methods import TORCH_METHODS
from course.training.vocabulary import SAME, recorded, translated
from solutions.experiments.experiment import cut
from solutions.experiments.presets import PRESETS, settings_of
from solutions.experiments.spec import Given
from tests.support import tiny_run

TORCH = ("supervised", "mixmatch", "fixmatch", "flexmatch")
SMALL_RUN = [
    *("--labels", "16", "--num-validation-samples-per-class", "3", "--batch-size", "4"),
    *("--val-batch-size", "8", "--steps", "6", "--eval-step", "3", "--write-checkpoint-every", "2"),
    *("--model", "wrn-10-1", "--framework", "torch"),
]


@pytest.fixture
def asked(asked: Any) -> Any:
    """What ``train`` with these words would run."""
    return lambda *words: asked("train", *words)


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (m, f.name)
        for m in TORCH
        for f in fields(TORCH_METHODS[m].hparams)
        if f.name not in ("logdir", "n_labeled")
    ],
)
def test_every_hyperparameter_has_an_option_under_its_own_name(
    method: str, name: str, asked: Any, another: Any
) -> None:
    _, default, _ = asked(method, "--framework", "torch")
    assert default == TORCH_METHODS[method].hparams(logdir=f"runs/{method}")
    value = another(getattr(default, name))
    for flag in {f"--{name}", f"--{name.replace('_', '-')}"}:
        off = f"--no-{name.replace('_', '-')}"
        words = [off] if value is False else [flag] if value is True else [flag, str(value)]
        got_method, hparams, options = asked(method, "--framework", "torch", *words)
        assert (got_method, options["framework"]) == (method, "torch")
        assert getattr(hparams, name) == value
        others = [f.name for f in fields(hparams) if f.name != name]
        assert [getattr(hparams, other) for other in others] == [getattr(default, other) for other in others]


@pytest.mark.parametrize("flag", ["--labels", "--n-labeled", "--n_labeled"])
def test_labels_have_three_names(flag: str, asked: Any) -> None:
    for framework in ("jax", "torch"):
        assert asked("fixmatch", "--framework", framework, flag, "40")[2]["labels"] == 40


def test_the_framework_is_that_of_the_methods_unit(asked: Any) -> None:
    chosen = {method: asked(method)[2]["framework"] for method in TORCH}
    assert chosen == {"supervised": "jax", "fixmatch": "jax", "mixmatch": "torch", "flexmatch": "torch"}


@pytest.mark.parametrize(("jax_name", "torch_name", "factor"), [(s.jax, s.torch, s.factor) for s in SAME])
def test_a_thing_may_be_called_by_either_name(
    jax_name: str, torch_name: str, factor: Any, asked: Any, another: Any
) -> None:
    value = another(getattr(FixMatchHparams(), jax_name))
    in_jax, in_torch = (value, value * (factor or 1)), (value / (factor or 1), value)
    for given, (jax_value, torch_value) in ((jax_name, in_jax), (torch_name, in_torch)):
        words = (f"--{given.replace('_', '-')}", str(value))
        assert getattr(asked("fixmatch", *words)[1], jax_name) == pytest.approx(jax_value)
        hparams = asked("fixmatch", "--framework", "torch", *words)[1]
        assert type(hparams) is TorchFixMatchHparams
        assert getattr(hparams, torch_name) == pytest.approx(torch_value)


def test_loop_and_results_read_a_setting_under_its_shared_name() -> None:
    h = TorchFixMatchHparams(batch_size=5, n_classes=6, num_iter=7, eval_step=8)
    for name, value in (
        ("labeled_batch_size", 5),
        ("num_classes", 6),
        ("epoch_steps", 7),
        ("validate_every_steps", 8),
    ):
        assert getattr(h, name) == recorded(vars(h), name) == value
        assert recorded(vars(FixMatchHparams(**{name: value})), name) == value
    with pytest.raises(KeyError, match="labeled_batch_size"):
        recorded({}, "labeled_batch_size")


def test_a_name_that_both_have_is_not_translated(asked: Any) -> None:
    """MixMatch's alpha is the Beta distribution's; FixMatch's, of JAX's unit, the schedule's."""
    assert asked("mixmatch", "--alpha", "0.3")[1].alpha == 0.3
    assert asked("fixmatch", "--framework", "torch", "--alpha", "0.3")[1].decay_fraction == 0.3
    assert translated("warmup", 3, FixMatchHparams) is None


def test_the_two_weight_decays_are_the_same_by_default() -> None:
    assert translated("w_decay", FixMatchHparams().w_decay, TorchFixMatchHparams) == ("weight_decay", 5e-4)


BAD_INPUT: dict[str, tuple[tuple[str, ...], str]] = {
    "mixmatch in jax": (
        ("mixmatch", "--framework", "jax"),
        "jax does not have mixmatch: use --framework torch",
    ),
    "flexmatch in jax": (("flexmatch", "--framework", "jax"), "jax does not have flexmatch"),
    "a wide network in jax": (("fixmatch", "--model", "wrn-28-2"), "jax has resnet18 alone, not wrn-28-2"),
    "another framework": (
        ("fixmatch", "--framework", "tf"),
        "there is no framework called 'tf': use jax or torch",
    ),
    "another network": (("mixmatch", "--model", "vgg"), "model 'vgg' is unknown"),
    "an odd depth": (("mixmatch", "--model", "wrn-11-1"), "depth 11 does not exist"),
    "another preset": (("mixmatch", "--preset", "gpu"), "no preset called 'gpu': use "),
    "an option of torch": (("fixmatch", "--warmup", "3"), "--warmup is not an option of fixmatch in jax"),
    "an option of jax": (
        ("supervised", "--framework", "torch", "--init_total_step", "3"),
        "--init-total-step is not an option of supervised in torch",
    ),
    "one thing twice": (
        ("fixmatch", "--batch-size", "4", "--labeled-batch-size", "4"),
        "given twice, under two names",
    ),
    "epochs and the schedule's length": (
        ("mixmatch", "--epochs", "16", "--total-steps", "3"),
        "--epochs and --total-steps exclude each other",
    ),
    "a warm-up longer than the schedule": (
        ("flexmatch", "--steps", "6", "--warmup", "6"),
        "warmup is 6 but the schedule has 6 steps",
    ),
    "an image twice in a step": (
        ("flexmatch", "--mu", "7", "--batch-size", "6"),
        "42 unlabeled images in a step are more than the 36",
    ),
    "a preset in jax": (
        ("fixmatch", "--framework", "jax", "--preset", "tiny"),
        "jax lacks the presets' networks and some of their settings: use --framework torch",
    ),
    "epochs and steps": (("mixmatch", "--epochs", "2", "--steps", "3"), "exclude each other"),
    "the practical's views": (
        ("mixmatch", "--augmentation", "practical"),
        "torch has no augmentation 'practical'",
    ),
    "processes beside the device": (
        ("mixmatch", "--augmentation", "device", "--num-workers", "1"),
        "num_workers is 1: augmentation on the device needs no processes",
    ),
    "jax's checkpoint": (("mixmatch", "--checkpoint", "provided"), "the provided checkpoint is JAX's"),
    "a checkpoint of jax": (
        ("mixmatch", "--checkpoint", str(PROVIDED)),
        "is a resnet18: use one of a torch wrn-28-2",
    ),
    "a missing checkpoint": (("mixmatch", "--checkpoint", "none.safetensors"), "none.safetensors"),
    "a threshold": (("flexmatch", "--threshold", "3"), "threshold is 3.0: it must be between 0 and 1"),
    "dropout of resnet18": (("mixmatch", "--model", "resnet18", "--dropout", "0.1"), "resnet18 has none"),
    "schedule shorter than the run": (
        ("flexmatch", "--steps", "6", "--total-steps", "2", "--labels", "16"),
        "total_steps is 2",
    ),
    "more unlabeled images than there are": (
        ("mixmatch", "--n-unlabeled", "37"),
        "between 16, the labeled images",
    ),
    "fewer unlabeled than labeled images": (("mixmatch", "--n-unlabeled", "15"), "n_unlabeled is 15"),
    "fewer classes than the data": (("mixmatch", "--n-classes", "3"), "n_classes is 3 but tiny has 4"),
    "labels that do not divide": (("mixmatch", "--labels", "17"), "multiple of 4"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_nothing_is_written(
    case: str, cli: Any, tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, message = BAD_INPUT[case]
    monkeypatch.chdir(tmp_path)
    sizes = ["--num-validation-samples-per-class", "3", *(() if "--labels" in words else ("--labels", "16"))]
    answer = cli("train", *words, *sizes, "--data", tiny_npz)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1 and message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_the_processor_lacks(
    cli: Any, tiny_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course.models.mixed_precision.has_bfloat16", lambda device: False)
    words = ("--data", tiny_npz, *SMALL_RUN, "--out", tmp_path / "run", "--precision", "bfloat16")
    answer = cli("train", "mixmatch", *words)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "precision is bfloat16, for which this processor has no instructions" in answer.err
    assert list(tmp_path.iterdir()) == []


# --- presets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("method", TORCH)
def test_a_preset_is_what_the_command_line_does_not_say(method: str, preset: str, asked: Any) -> None:
    words = (method, "--framework", "torch", "--preset", preset)
    _, hparams, options = asked(*words)
    for name, value in settings_of(preset, method).items():
        assert getattr(hparams, name) == value
    assert (options["preset"], options["labels"]) == (preset, None)
    assert hparams.n_labeled == PRESETS[preset].n_labeled
    assert options["model"] == PRESETS[preset].model
    _, hparams, options = asked(
        *words, "--seed", "3", "--batch-size", "2", "--labels", "20", "--model", "resnet18"
    )
    assert (hparams.seed, hparams.batch_size, options["labels"], options["model"]) == (3, 2, 20, "resnet18")
    _, hparams, _ = asked(*words, "--epochs", "3")
    assert hparams.steps is None and hparams.fitted(1).steps == 3 * hparams.num_iter
    assert hparams.fitted(1).steps != PRESETS[preset].settings["steps"]


@pytest.mark.parametrize("preset", PRESETS)
def test_with_a_preset_every_method_is_pytorchs(preset: str, asked: Any) -> None:
    for method in TORCH:
        _, hparams, options = asked(method, "--preset", preset)
        assert type(hparams) is TORCH_METHODS[method].hparams
        assert (options["framework"], options["model"]) == ("torch", PRESETS[preset].model)


def test_every_setting_of_a_preset_belongs_to_every_method() -> None:
    for preset in PRESETS:
        for name, method in TORCH_METHODS.items():
            assert set(settings_of(preset, name)) <= {field.name for field in fields(method.hparams)}


def test_methods_of_a_preset_train_equally_long_on_the_same_images() -> None:
    for preset in PRESETS:
        made = [Given().maker(m.hparams, settings_of(preset, n), n)() for n, m in TORCH_METHODS.items()]
        for name in ("steps", "batch_size", "n_unlabeled", "ema_decay", "num_validation_samples_per_class"):
            assert len({getattr(h, name) for h in made}) == 1, (preset, name)


def test_a_learning_rate_three_times_as_large_is_all_that_differs() -> None:
    for name, method in TORCH_METHODS.items():
        usual, tripled = (settings_of(preset, name) for preset in ("digits", "digits-lr"))
        assert tripled.pop("lr") == pytest.approx(3 * method.hparams().lr)
        assert tripled == usual and "lr" not in usual


@pytest.mark.parametrize("preset", PRESETS)
def test_the_ramp_is_the_papers_in_every_preset(preset: str) -> None:
    kind = TORCH_METHODS["mixmatch"].hparams
    assert Given().maker(kind, settings_of(preset, "mixmatch"), "mixmatch")().rampup_length == 16_384


# --- whole runs ---------------------------------------------------------------------------------


@pytest.fixture
def train(cli: Any, tiny_npz: Path) -> Any:
    return lambda method, out, *words: cli(
        "train", method, "--data", tiny_npz, *SMALL_RUN, "--out", out, *words
    )


def test_the_precision_that_was_used_is_kept(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for there, used in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr("course.models.mixed_precision.has_bfloat16", lambda device, there=there: there)
        assert train("fixmatch", tmp_path / used, *sized("fixmatch")).code == 0
        result = json.loads((tmp_path / used / "result.json").read_text(encoding="utf-8"))
        assert result["hparams"]["precision"] == used


def sized(method: str) -> tuple[str, ...]:
    return ("--mu", "2") if method in ("fixmatch", "flexmatch") else ()


@pytest.mark.usefixtures("drawn_curves")
@pytest.mark.parametrize("method", TORCH)
def test_a_run_writes_its_folder(method: str, train: Any, tmp_path: Path) -> None:
    out = tmp_path / "run"
    answer = train(method, out, *sized(method), "--note", "a test")
    assert answer.code == 0, answer.err
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert {p.name.split(".out.")[0] for p in out.iterdir()} == {
        *("checkpoint.safetensors", "config.json", "curves.png", "events"),
        *("metrics.jsonl", "result.json", "run.json"),
    }
    result = json.loads((out / "result.json").read_text())
    config = json.loads((out / "config.json").read_text())
    assert (config["framework"], config["model"], config["preset"]) == ("torch", "wrn-10-1", None)
    assert {name: result[name] for name in config} == config | {"data": "tiny"}
    assert (result["labels"], result["steps"], result["steps_this_process"]) == (16, 6, 6)
    assert result["versions"]["torch"] and "cores" in result["hardware"]
    assert (
        0 <= result["test error (EMA)"] == pytest.approx(1 - result["test top-1"])
        and result["test top-5"] == 1
    )
    assert f"test error (EMA) {result['test error (EMA)']:.4f} on tiny" in answer.out
    manifest = load_checkpoint(out / "checkpoint.safetensors", "torch wrn-10-1").manifest
    assert manifest["labeled_indices"] and len(manifest["labeled_indices"]) == 16
    assert result["hparams"]["n_unlabeled"] == 36 and result["hparams"]["total_steps"] == 6


def test_a_preset_runs_from_end_to_end(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from course.data import make_shapes

    splits = make_shapes(n_train=400, n_test=20)
    monkeypatch.setattr(
        "solutions.experiments.experiment.load_dataset", lambda name: {"shapes": splits}[name]
    )
    answer = cli("train", "flexmatch", "--preset", "tiny", "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["preset"], result["model"], result["labels"]) == ("tiny", "wrn-10-1", 40)
    assert result["hparams"]["n_unlabeled"] == 200
    assert len(read_metrics(tmp_path / "run" / "metrics.jsonl")) == PRESETS["tiny"].settings["steps"]


def test_resnet18_trains_too(train: Any, tmp_path: Path) -> None:
    answer = train("mixmatch", tmp_path / "run", "--model", "resnet18", "--steps", "2")
    assert answer.code == 0, answer.err
    stored = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors", "torch resnet18")
    assert sum(a.size for a in stored.variables["params"].values()) == 11_178_564


def test_a_finished_run_is_reported_again_and_an_other_one_is_not_resumed(train: Any, tmp_path: Path) -> None:
    first = train("mixmatch", tmp_path / "run")
    again = train("mixmatch", tmp_path / "run", "--resume")
    assert again.code == 0 and again.out.splitlines()[-3:] == first.out.splitlines()[-3:]
    for words, message in (
        (("--lr", "0.1"), "begun with lr 0.002, not 0.1"),
        (("--model", "wrn-10-2"), "begun with model wrn-10-1, not wrn-10-2"),
        (("--labels", "20"), "begun with n_labeled 16, not 20"),
    ):
        answer = train("mixmatch", tmp_path / "run", *words, "--resume")
        assert answer.code == 2 and message in answer.err
    other = train("supervised", tmp_path / "run", "--resume")
    assert other.code == 2 and "begun with method mixmatch, not supervised" in other.err


def test_a_run_goes_on_from_another_runs_weights_with_its_images(train: Any, tmp_path: Path) -> None:
    assert train("supervised", tmp_path / "first").code == 0
    start = tmp_path / "first" / "checkpoint.safetensors"
    answer = train(
        "mixmatch", tmp_path / "on", "--checkpoint", start, "--seed", "5", "--lr", "0", "--steps", "1"
    )
    assert answer.code == 0, answer.err
    first, on = (
        load_checkpoint(tmp_path / n / "checkpoint.safetensors", "torch wrn-10-1") for n in ("first", "on")
    )
    np.testing.assert_array_equal(first.labeled_indices, on.labeled_indices)
    for name, array in first.variables["params"].items():
        np.testing.assert_array_equal(array, on.variables["params"][name])


def test_a_default_number_of_labels_yields_to_the_checkpoints_and_a_given_one_does_not(
    train: Any, cli: Any, tiny_npz: Path, tmp_path: Path
) -> None:
    assert train("supervised", tmp_path / "first").code == 0
    start = tmp_path / "first" / "checkpoint.safetensors"
    words = ["--data", tiny_npz, "--checkpoint", start, "--num-validation-samples-per-class", "3"]
    words += ["--n-unlabeled", "30", "--batch-size", "4", "--steps", "1"]
    for name, more in (("default", ("--model", "wrn-10-1")), ("preset", ("--preset", "tiny"))):
        answer = cli("train", "mixmatch", *words, *more, "--out", tmp_path / name)
        assert answer.code == 0, answer.err
        result = json.loads((tmp_path / name / "result.json").read_text())
        assert result["labels"] == result["hparams"]["n_labeled"] == 16
        refused = cli("train", "mixmatch", *words, *more, "--labels", "20", "--out", tmp_path / "no")
        assert refused.code == 2 and "5 labels per class contradict the checkpoint" in refused.err


def test_results_keep_the_frameworks_apart(train: Any, cli: Any, tiny_network: None, tmp_path: Path) -> None:
    for seed in (0, 1):
        assert train("fixmatch", tmp_path / f"torch{seed}", "--mu", "2", "--seed", str(seed)).code == 0
        jax_run = train(
            *("fixmatch", tmp_path / f"jax{seed}", "--mu", "2", "--seed", str(seed)),
            *("--framework", "jax", "--model", "resnet18"),
        )
        assert jax_run.code == 0, jax_run.err
    folders = [tmp_path / f"{name}{seed}" for name in ("torch", "jax") for seed in (0, 1)]
    answer = cli("results", *folders, "--out", tmp_path / "table")
    assert answer.code == 0, answer.err
    assert "| fixmatch | 0, 1 |" in answer.out and "| fixmatch (torch, wrn-10-1) | 0, 1 |" in answer.out


# --- the split ----------------------------------------------------------------------------------

SPLITS = Splits(tiny_run.images(80, 1), tiny_run.images(20, 2))


def test_both_frameworks_see_the_same_images() -> None:
    jax_h = SupervisedHparams(num_classes=4, num_validation_samples_per_class=3, seed=2)
    torch_h = TorchFixMatchHparams(n_classes=4, num_validation_samples_per_class=3, seed=2)
    one, other = cut(jax_h, SPLITS, None, 16), cut(torch_h, SPLITS, None, 16)
    for part in ("labeled", "unlabeled", "validation"):
        np.testing.assert_array_equal(getattr(one, part).indices, getattr(other, part).indices)


def test_unlabeled_images_can_be_fewer_and_keep_the_labeled_ones() -> None:
    h = TorchFixMatchHparams(n_classes=4, num_validation_samples_per_class=3)
    whole, some, again = (cut(h, SPLITS, None, 16, n) for n in (None, 30, 30))
    assert len(whole.unlabeled) == 68 and len(some.unlabeled) == 30
    np.testing.assert_array_equal(some.labeled.indices, whole.labeled.indices)
    np.testing.assert_array_equal(some.validation.indices, whole.validation.indices)
    np.testing.assert_array_equal(some.unlabeled.indices, again.unlabeled.indices)
    assert set(some.labeled.indices) < set(some.unlabeled.indices) < set(whole.unlabeled.indices)
    assert len(cut(h, SPLITS, None, 16, 68).unlabeled) == 68
    for wrong in (15, 69):
        with pytest.raises(CourseError, match=f"n_unlabeled is {wrong}: it must be between 16"):
            cut(h, SPLITS, None, 16, wrong)


def test_labels_can_be_expanded_to_an_epoch() -> None:
    """Shuffled together, an image may come twice before another has come once."""
    from course.training.torch.train import expanded

    dataset = expanded(tiny_run.images(16), 4 * 10)
    assert len(dataset) == 48 and np.bincount(dataset.indices).tolist() == [3] * 16


def test_expanded_labels_are_drawn_from_all_copies(tmp_path: Path) -> None:
    from tests.support import tiny_torch

    seen: dict[bool, list[Any]] = {}
    for expand in (False, True):
        labels: list[Any] = []

        class Watcher:
            def __init__(self, into: list[Any]) -> None:
                self.into = into

            def on_step(self, record: Any, batch: Any) -> None:
                self.into.append(batch["x_labeled"].mean((1, 2)))

            def close(self) -> None:
                """Nothing is held open."""

        changed = {"expand_labels": expand, "steps": 4, "n_labeled": 16}
        tiny_torch.train("supervised", tmp_path / str(expand), changed, observers=[Watcher(labels)])
        seen[expand] = labels
    assert [x.shape for x in seen[True]] == [(4, 3)] * 4
    assert not np.allclose(seen[True][0], seen[False][0])


def test_jax_is_kept_off_the_gpu_in_a_pytorch_run(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    updated: list[tuple[str, str]] = []
    monkeypatch.setattr("jax.config.update", lambda *pair: updated.append(pair))
    experiment.framework_for("mixmatch", None).check("wrn-10-1", "course")
    assert updated == []  # a notebook's process is left alone
    asked("mixmatch")
    assert updated == [("jax_platforms", "cpu")]
