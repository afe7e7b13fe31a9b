"""``python -m solutions``: every option under its name, every bad input one line, every run resumable."""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import typer

from course.data import make_shapes
from course.training import (
    FixMatchHparams,
    SupervisedHparams,
    load_checkpoint,
    read_metrics,
    save_checkpoint,
)
from course.training.checkpoint import PROVIDED
from course.training.observers import JsonlLog
from solutions.experiments.cli import app
from solutions.experiments.frameworks import error_rate
from solutions.experiments.spec import Given
from tests.support import tiny_run

SMALL_RUN = [
    *("--labels", "16", "--num-validation-samples-per-class", "3", "--labeled-batch-size", "4", "--mu", "2"),
    *(
        "--val-batch-size",
        "8",
        "--steps",
        "6",
        "--validate-every-steps",
        "3",
        "--write-checkpoint-every",
        "2",
    ),
]
METHODS = {"fixmatch": FixMatchHparams, "supervised": SupervisedHparams}


def commands() -> dict[str, Any]:
    """name → command, "train fixmatch" included."""
    found = {}

    def walk(command: Any, name: str) -> None:
        if hasattr(command, "commands"):
            for child, sub in command.commands.items():
                walk(sub, f"{name} {child}".strip())
        else:
            found[name] = command

    walk(typer.main.get_command(app), "")
    return found


# --- help and options -------------------------------------------------------------------------


def test_the_commands() -> None:
    methods = ("supervised", "supervised-strong", "mixmatch", "fixmatch", "flexmatch")
    trained = {f"train {method}" for method in methods}
    assert set(commands()) == {*trained, "pretrain", "results", "sweep", "table", "tutorial", "plot"}


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_is_explained(name: str, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    answer = cli(*name.split(), "--help")
    assert (answer.code, answer.err) == (0, "")
    command = commands()[name]
    assert command.help and command.help.split("\n")[0] in answer.out
    for parameter in command.params:
        assert parameter.help and parameter.help.endswith("."), parameter.name
        for option in [o for o in parameter.opts if o.startswith("--")]:
            assert option in answer.out


def test_help_says_what_holds_in_which_framework() -> None:
    helps = {p.name: p.help for p in commands()["train fixmatch"].params}
    assert helps["epochs"] == (
        "In jax: passes over the unlabeled images; in torch: epochs of num_iter steps. "
        "Default: 10 in jax, 16 in torch."
    )
    assert "in torch:" in helps["lr"] and helps["beta"] == "Momentum. Default: 0.9."
    assert helps["threshold"].startswith("τ, ")
    assert "preset" not in {p.name: p.help for p in commands()["pretrain"].params}["labels"]


@pytest.mark.parametrize("words", [(), ("train",)])
def test_without_a_command_help_is_shown(words: tuple[str, ...], cli: Any) -> None:
    answer = cli(*words)
    assert "Usage" in answer.out + answer.err and "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("method", "name"), [(m, f.name) for m, hparams in METHODS.items() for f in fields(hparams)]
)
def test_every_hyperparameter_has_an_option_under_its_own_name(
    method: str, name: str, asked: Any, another: Any
) -> None:
    _, default, _ = asked("train", method)
    value = another(getattr(default, name))
    for flag in {f"--{name}", f"--{name.replace('_', '-')}"}:
        words = [f"--no-{name}"] if value is False else [flag, str(value)]
        got_method, hparams, _ = asked("train", method, *words)
        assert got_method == method and type(hparams) is METHODS[method]
        assert getattr(hparams, name) == value
        others = [f.name for f in fields(hparams) if f.name != name]
        assert [getattr(hparams, other) for other in others] == [getattr(default, other) for other in others]


def test_defaults_are_the_dataclasses(asked: Any) -> None:
    for method, hparams in METHODS.items():
        _, got, options = asked("train", method)
        assert got == hparams(logdir=f"runs/{method}")
        assert options == {
            "method": method,
            "given": Given(),
            "command": None,
            "framework": "jax",
            "model": "resnet18",
            "preset": None,
            "data": "shapes",
            "checkpoint": "none",
            "labels": None,
            "out": Path(f"runs/{method}"),
            "augmentation": "auto",
            "note": "",
            "if_exists": "error",
        }


def test_pretraining_is_supervised_at_a_constant_rate_on_cifar10(asked: Any) -> None:
    method, hparams, options = asked("pretrain")
    assert (method, options["data"], options["checkpoint"]) == ("supervised", "cifar10", "none")
    assert hparams.alpha == 0 and hparams.steps >= 1000
    assert hparams.num_labeled_training_samples_per_class == 400


def test_epochs_that_are_asked_for_win_over_a_default_number_of_steps(asked: Any) -> None:
    assert asked("pretrain")[1].steps == 5000
    _, hparams, _ = asked("pretrain", "--epochs", "3")
    assert (hparams.epochs, hparams.steps) == (3, None)


@pytest.mark.parametrize(("flag", "expected"), [("--resume", "resume"), ("--overwrite", "overwrite")])
def test_what_to_do_with_a_run_that_exists(flag: str, expected: str, asked: Any) -> None:
    assert asked("train", "fixmatch", flag)[2]["if_exists"] == expected


# --- bad input --------------------------------------------------------------------------------


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def workplace(tmp_path: Path, tiny_npz: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good and bad inputs, which commands run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("course.training.checkpoint.PROVIDED", tmp_path / "nowhere" / PROVIDED.name)
    good = tiny_npz.read_bytes()
    (tmp_path / "tiny.npz").write_bytes(good)
    (tmp_path / "cut.npz").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.npz").write_text("no arrays")
    arrays = dict(np.load(tiny_npz))

    def variant(name: str, **changed: Any) -> None:
        kept = {k: v for k, v in {**arrays, **changed}.items() if v is not None}
        np.savez(tmp_path / f"{name}.npz", **kept)

    variant("floats", x_train=arrays["x_train"] / 255)
    variant("wide", x_test=np.zeros((20, 28, 28, 3), np.uint8))
    variant("gray", x_train=arrays["x_train"][..., :1])
    variant("gap", y_train=np.where(arrays["y_train"] == 2, 5, arrays["y_train"]))
    variant("negative", y_test=arrays["y_test"] - 1)
    variant("classes", y_test=arrays["y_test"] % 3)
    variant("short", y_train=arrays["y_train"][:-1])
    variant("lacking", y_test=None)
    variant("realvalued", y_train=arrays["y_train"].astype(float))

    weights = tiny_run.TinyModel(4).init(jax.random.PRNGKey(0), None)
    manifest = {"architecture": "resnet18", "normalization": "cifar10"}
    save_checkpoint(tmp_path / "good.safetensors", weights, manifest)
    save_checkpoint(tmp_path / "wrn.safetensors", weights, {**manifest, "architecture": "wrn-28-2"})
    fewer = tiny_run.TinyModel(3).init(jax.random.PRNGKey(0), None)
    save_checkpoint(tmp_path / "three.safetensors", fewer, manifest)
    save_checkpoint(tmp_path / "hash.safetensors", weights, manifest, sidecar=True)
    content = bytearray((tmp_path / "hash.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "hash.safetensors").write_bytes(content)
    (tmp_path / "short.safetensors").write_bytes(bytes(content[:200]))
    (tmp_path / "pickle.safetensors").write_bytes(b"\x80\x04\x95" + bytes(300))
    named = {**manifest, "data": "tiny", "labeled_indices": [0, 1, 2, 3]}
    save_checkpoint(tmp_path / "four.safetensors", weights, named)

    run = tmp_path / "run"
    run.mkdir()
    save_checkpoint(run / "checkpoint.safetensors", weights, {**manifest, "step": 1})
    (run / "config.json").write_text("{")
    (tmp_path / "file").write_text("not a folder")
    return tmp_path


TINY = ("--data", "tiny.npz", *SMALL_RUN)
BAD_INPUT: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown data": (("--data", "imagenet"), "imagenet"),
    "no data": (("--data", ""), "data"),
    "missing data": (("--data", "none.npz"), "none.npz"),
    "truncated data": (("--data", "cut.npz"), "cut.npz"),
    "other file": (("--data", "text.npz"), "text.npz"),
    "dtype of images": (("--data", "floats.npz"), "x_train"),
    "size of images": (("--data", "wide.npz"), "x_test"),
    "gray images": (("--data", "gray.npz"), "x_train"),
    "gap in labels": (("--data", "gap.npz"), "y_train"),
    "negative labels": (("--data", "negative.npz"), "y_test"),
    "other classes in test": (("--data", "classes.npz"), "classes"),
    "too few labels": (("--data", "short.npz"), "47 labels"),
    "missing array": (("--data", "lacking.npz"), "y_test"),
    "dtype of labels": (("--data", "realvalued.npz"), "y_train"),
    "missing checkpoint": ((*TINY, "--checkpoint", "none.safetensors"), "none.safetensors"),
    "truncated checkpoint": ((*TINY, "--checkpoint", "short.safetensors"), "truncated"),
    "checkpoint of another hash": ((*TINY, "--checkpoint", "hash.safetensors"), "sha256"),
    "pickled checkpoint": ((*TINY, "--checkpoint", "pickle.safetensors"), "pickle.safetensors"),
    "another architecture": ((*TINY, "--checkpoint", "wrn.safetensors"), "wrn-28-2"),
    "another number of classes": ((*TINY, "--checkpoint", "three.safetensors"), "number of classes"),
    "other labels than the checkpoint's": ((*TINY, "--checkpoint", "four.safetensors"), "contradict"),
    "no provided checkpoint": ((*TINY, "--checkpoint", "provided"), PROVIDED.name),
    "more labels than images": ((*TINY, "--labels", "52"), "12 images of class 0"),
    "labels that do not divide": ((*TINY, "--labels", "17"), "multiple of 4"),
    "more held out than there are": ((*TINY, "--num_validation_samples_per_class", "9"), "8 images of class"),
    "nothing held out": ((*TINY, "--num_validation_samples_per_class", "0"), "hold out"),
    "unknown augmentation": (
        (*TINY, "--augmentation", "mine"),
        "no augmentation called 'mine': use auto or course or device or practical",
    ),
    "processes beside the device": (
        (*TINY, "--augmentation", "device", "--num-workers", "1"),
        "num_workers is 1: augmentation on the device needs no processes",
    ),
    "negative rate": ((*TINY, "--lr", "-1"), "lr is -1"),
    "rate that is no number": ((*TINY, "--lr", "nan"), "lr is nan"),
    "no steps": ((*TINY, "--steps", "0"), "steps is 0"),
    "schedule shorter than the run": ((*TINY, "--total_steps", "2"), "total_steps is 2"),
    "fewer classes than the data": ((*TINY, "--num_classes", "3"), "num_classes is 3"),
    "folder in a file": ((*TINY, "--out", "file/run"), "file/run"),
    "folder that is a file": ((*TINY, "--out", "file"), "file"),
    "a run is there": ((*TINY, "--out", "run"), "already holds a run"),
    "resumed run without its configuration": ((*TINY, "--out", "run", "--resume"), "config.json"),
    "epochs and steps": ((*TINY, "--steps", "3", "--epochs", "2"), "exclude each other"),
    "resume and overwrite": ((*TINY, "--resume", "--overwrite"), "exclude each other"),
}


def assert_one_line(answer: Any, named: str) -> None:
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1 and answer.err.endswith("\n")
    assert named in answer.err
    # The thing, and after it the remedy.
    assert ": " in answer.err.removeprefix("error: ")


@pytest.mark.parametrize("case", BAD_INPUT)
@pytest.mark.usefixtures("tiny_network")
def test_bad_input_is_one_line_and_nothing_is_written(case: str, workplace: Path, cli: Any) -> None:
    words, named = BAD_INPUT[case]
    before = snapshot(workplace)
    assert_one_line(cli("train", "fixmatch", *words), named)
    assert snapshot(workplace) == before


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--export", "weights.pt"), "weights.pt"),
        (("--export", "file/weights.safetensors"), "file/weights.safetensors"),
        (("--data", "imagenet"), "imagenet"),
    ],
)
def test_pretraining_refuses_before_it_trains(
    words: tuple[str, ...], named: str, workplace: Path, cli: Any
) -> None:
    before = snapshot(workplace)
    assert_one_line(cli("pretrain", *TINY, *words), named)
    assert snapshot(workplace) == before


def test_results_of_no_run_are_one_line(workplace: Path, cli: Any) -> None:
    before = snapshot(workplace)
    assert_one_line(cli("results", "run", "--out", "table"), "result.json")
    assert snapshot(workplace) == before


@pytest.mark.parametrize("words", [("--labels", "0"), ("--lr", "fast"), ("--no-such-option",)])
def test_what_is_no_value_of_an_option_is_a_usage_error(words: tuple[str, ...], cli: Any) -> None:
    answer = cli("train", "fixmatch", *words)
    assert answer.code == 2 and words[0] in answer.err and "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("encoding", "module", "words", "code", "shown"),
    [
        ("ascii", "solutions", ("train", "flexmatch", "--help"), 0, "tau, the probability"),
        ("cp1252", "solutions", ("train", "supervised", "--data", "μ → ü.npz"), 2, "mu -> ü.npz"),
        (
            "ascii",
            "solutions.experiments.record",
            ("μ → ü", "mixmatch", "base"),
            2,
            "error: mu -> ? holds no result.json",
        ),
        ("cp1252", "autograder", ("build", "mü→"), 2, "'mü->'"),
    ],
)
def test_a_process_of_its_own_writes_into_a_pipe_without_the_letters(
    encoding: str, module: str, words: tuple[str, ...], code: int, shown: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONIOENCODING": encoding,
            "PYTHONUTF8": "0",
            "COLUMNS": "250",
        },
    )
    out, errors = ended.stdout.decode(encoding), ended.stderr.decode(encoding)
    assert ended.returncode == code and shown in out + errors
    if code == 2:
        assert out == "" and errors.startswith("error: ") and len(errors.splitlines()) == 1
        assert not list(tmp_path.iterdir())
    else:
        assert errors == ""


# --- runs of the tiny network -----------------------------------------------------------------


@pytest.fixture
def train(cli: Any, tiny_network: None, tiny_npz: Path) -> Callable[..., Any]:
    return lambda out, *words: cli("train", "fixmatch", "--data", tiny_npz, *SMALL_RUN, "--out", out, *words)


def assert_same_run(folder: Path, expected: Path) -> None:
    for name in ("metrics.jsonl", "checkpoint.safetensors", "config.json"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.fixture
def interrupted_at_4(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Ctrl-C is pressed in step 4, until the fixture's value is called."""
    stock = JsonlLog.on_step

    def on_step(self: Any, record: Any, batch: Any) -> None:
        stock(self, record, batch)
        if record["step"] == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(JsonlLog, "on_step", on_step)
        yield patch.undo


def test_an_interrupted_run_exits_130_and_resumes(
    train: Any, tmp_path: Path, interrupted_at_4: Callable[[], Any]
) -> None:
    answer = train(tmp_path / "run")
    assert answer.code == 130
    assert "stopped at step" in answer.out and ".\nContinue with --resume." in answer.out
    assert "if_exists" not in answer.out + answer.err
    assert not (tmp_path / "run" / "result.json").exists()
    interrupted_at_4()
    # Asked again without --resume it refuses, and names the option.
    refused = train(tmp_path / "run")
    assert refused.code == 2 and "--resume" in refused.err and "if_exists" not in refused.err
    resumed = train(tmp_path / "run", "--resume")
    assert resumed.code == 0 and "test error (EMA)" in resumed.out
    assert train(tmp_path / "whole").code == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    results = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("run", "whole")]
    assert results[0]["steps_this_process"] < results[1]["steps_this_process"] == 6
    assert results[0]["test error (EMA)"] == results[1]["test error (EMA)"]


@pytest.mark.parametrize("method", ["supervised", "fixmatch"])
def test_a_run_augmented_on_the_device_is_resumed_exactly(
    method: str,
    cli: Any,
    tiny_network: None,
    tiny_npz: Path,
    tmp_path: Path,
    interrupted_at_4: Callable[[], Any],
) -> None:
    def train(name: str, *more: str) -> Any:
        words = ("--data", tiny_npz, *SMALL_RUN, "--augmentation", "device", "--out", tmp_path / name)
        return cli("train", method, *words, *more)

    assert train("run").code == 130
    interrupted_at_4()
    assert train("run", "--resume").code == train("whole").code == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    assert json.loads((tmp_path / "run" / "result.json").read_text())["augmentation"] == "device"
    # The order of the images is the same, their views are not.
    assert train("course", "--augmentation", "course").code == 0
    mine, theirs = (read_metrics(tmp_path / name / "metrics.jsonl")[0] for name in ("run", "course"))
    assert mine["supervised loss"] != theirs["supervised loss"]


def test_a_finished_run_is_reported_again_and_not_touched(train: Any, tmp_path: Path) -> None:
    first = train(tmp_path / "run")
    before = snapshot(tmp_path)
    again = train(tmp_path / "run", "--resume")
    assert again.code == 0 and again.out.splitlines()[-3:] == first.out.splitlines()[-3:]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--lr", "0.1"), "begun with lr 0.03, not 0.1"),
        (("--seed", "1"), "begun with seed 0, not 1"),
        (("--labels", "20"), "begun with num_labeled_training_samples_per_class 4, not 5"),
        (("--augmentation", "practical"), "begun with augmentation course, not practical"),
        (("--steps", "8"), "begun with steps 6, not 8"),
    ],
)
def test_a_run_is_not_resumed_as_another(words: Any, message: str, train: Any, tmp_path: Path) -> None:
    train(tmp_path / "run")
    before = snapshot(tmp_path)
    answer = train(tmp_path / "run", *words, "--resume")
    assert_one_line(answer, message)
    assert snapshot(tmp_path) == before


def test_overwriting_replaces_a_run(train: Any, tmp_path: Path) -> None:
    train(tmp_path / "run", "--seed", "3")
    train(tmp_path / "fresh")
    assert train(tmp_path / "run", "--overwrite").code == 0
    assert_same_run(tmp_path / "run", tmp_path / "fresh")


def test_a_loss_that_explodes_is_one_line_after_the_log(train: Any, tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--lr", "1e38")
    assert answer.code == 2
    assert answer.err.splitlines()[-1].startswith("error: step ")
    assert "Traceback" not in answer.err
    assert not (tmp_path / "run" / "result.json").exists()


NO_MEMORY = RuntimeError("RESOURCE_EXHAUSTED: Out of memory\n" + "buffer\n" * 141)
FULL = OSError(errno.ENOSPC, "No space left on device", "/data/somewhere")


@pytest.mark.parametrize(
    ("place", "trouble", "said"),
    [
        ("course.training.observers.JsonlLog.on_step", NO_MEMORY, "memory ran out; lower mu (2)"),
        ("course.training.observers.JsonlLog.on_step", FULL, "free some space there; then continue from the"),
        ("solutions.experiments.frameworks._Jax.test", NO_MEMORY, "memory ran out: close other programs"),
        (
            "solutions.experiments.experiment.plot_run",
            FULL,
            "/data/somewhere cannot be written (No space left",
        ),
    ],
)
def test_a_full_disk_or_no_memory_is_one_line_and_the_run_resumes(
    place: str, trouble: Exception, said: str, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, name = place.rsplit(".", 1)
    owner = pkgutil.resolve_name(names.replace(".JsonlLog", ":JsonlLog").replace("._Jax", ":_Jax"))
    stock = getattr(owner, name)

    def fail(*arguments: Any, **options: Any) -> Any:
        if name != "on_step" or arguments[1]["step"] == 5:
            raise trouble
        return stock(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        answer = train(tmp_path / "run")
    assert answer.code == 2 and "Traceback" not in answer.err
    last = answer.err.splitlines()[-1]
    assert last.startswith("error: ") and said in last and "if_exists" not in last
    assert train(tmp_path / "run", "--resume").code == 0


def test_an_error_of_the_program_keeps_its_traceback(train: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(JsonlLog, "on_step", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(tmp_path / "run")


def test_pretraining_exports_half_precision_weights_that_a_run_starts_from(
    cli: Any, tiny_network: None, tiny_npz: Path, tmp_path: Path
) -> None:
    export = tmp_path / "made" / "start.safetensors"
    words = (
        "--data",
        tiny_npz,
        *SMALL_RUN,
        "--out",
        tmp_path / "pretrain",
        "--export",
        export,
        "--note",
        "a test",
    )
    answer = cli("pretrain", *words)
    assert answer.code == 0, answer.err
    stored, run = load_checkpoint(export), load_checkpoint(tmp_path / "pretrain" / "checkpoint.safetensors")
    for part in ("params", "batch_stats"):
        for ours, full in zip(
            jax.tree.leaves(stored.variables[part]), jax.tree.leaves(run.variables[part]), strict=True
        ):
            np.testing.assert_array_equal(ours, full.astype(np.float16).astype(np.float32))
    described = json.loads(export.with_suffix(".json").read_text())
    promised = {
        *(
            "sha256",
            "architecture",
            "normalization",
            "num_classes",
            "data",
            "labels",
            "steps",
            "command",
            "seed",
        ),
        *("test_error", "versions", "licence", "holds", "labeled_indices", "note", "hparams", "hardware"),
    }
    assert promised <= set(described)
    assert (described["labels"], described["steps"], described["data"]) == (16, 6, "tiny")
    assert described["labeled_indices"] == run.manifest["labeled_indices"]
    assert str(tmp_path) not in described["command"] and described["command"].startswith(
        "python -m solutions pretrain"
    )
    test = tiny_run.images(20, 2)
    variables = stored.variables
    error = error_rate(tiny_run.TinyModel(4), variables["params"], variables["batch_stats"], test)
    assert described["test_error"] == pytest.approx(error)
    assert f"{error:.4f}" in answer.out

    started = cli(
        "train", "fixmatch", "--data", tiny_npz, *SMALL_RUN, "--out", tmp_path / "on", "--checkpoint", export
    )
    assert started.code == 0, started.err
    continued = load_checkpoint(tmp_path / "on" / "checkpoint.safetensors")
    assert continued.manifest["labeled_indices"] == described["labeled_indices"]


def test_results_of_real_runs(train: Any, cli: Any, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(tmp_path / str(seed), "--seed", seed)
    answer = cli("results", tmp_path / "0", tmp_path / "1", "--out", tmp_path / "table")
    assert answer.code == 0 and "| fixmatch | 0, 1 | 6 |" in answer.out
    assert answer.out.strip() in (tmp_path / "table" / "table.md").read_text()
    assert str(tmp_path) not in (tmp_path / "table" / "table.md").read_text()


# --- the real network on shapes ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_resnet18_on_shapes_from_end_to_end(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = make_shapes(n_train=200, n_test=20)
    monkeypatch.setattr(
        "solutions.experiments.experiment.load_dataset", lambda name: {"shapes": splits}[name]
    )
    small = [
        *("--num_validation_samples_per_class", "1", "--labeled_batch_size", "4", "--mu", "2"),
        *("--val_batch_size", "10", "--log_every_steps", "1", "--write_checkpoint_every", "3"),
    ]
    first, second = tmp_path / "fixmatch", tmp_path / "supervised"
    answer = cli("train", "fixmatch", "--labels", "20", *small, "--steps", "3", "--out", first)
    assert answer.code == 0, answer.err
    start = first / "checkpoint.safetensors"
    answer = cli("train", "supervised", *small, "--steps", "2", "--out", second, "--checkpoint", start)
    assert answer.code == 0, answer.err

    for folder, steps in ((first, 3), (second, 2)):
        assert {p.name.split(".out.")[0] for p in folder.iterdir()} == {
            *(
                "checkpoint.safetensors",
                "config.json",
                "curves.png",
                "events",
                "metrics.jsonl",
                "result.json",
                "run.json",
            ),
        }
        records = read_metrics(folder / "metrics.jsonl")
        assert [r["step"] for r in records] == list(range(1, steps + 1))
        assert all(np.isfinite(v) for r in records for v in r.values())
        result = json.loads((folder / "result.json").read_text())
        assert result["data"] == "shapes" and 0 <= result["test error (EMA)"] <= 1
        assert f"test error (EMA) {result['test error (EMA)']:.4f} on shapes" in answer.out or folder == first
        stored = load_checkpoint(folder / "checkpoint.safetensors")
        assert stored.manifest["step"] == steps and len(stored.labeled_indices) == 20
        assert sum(leaf.size for leaf in jax.tree.leaves(stored.variables["params"])) == 11_181_642
    # The second run begins where the first has ended.
    kernels = [
        leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(load_checkpoint(start).variables["params"])
        if path[-1].key == "kernel"
    ]
    expected = FixMatchHparams().w_decay * sum(float((k.astype(np.float64) ** 2).sum()) for k in kernels)
    assert read_metrics(second / "metrics.jsonl")[0]["weight decay"] == pytest.approx(expected, rel=1e-5)
