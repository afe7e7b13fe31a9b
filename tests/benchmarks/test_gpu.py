"""``make gpu`` at a tiny size on the CPU: every part, what is done already, and what cannot be done."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import part, parts
from benchmarks.gpu.parts import PARTS, Unfinished
from benchmarks.gpu.report import page, read_part
from benchmarks.gpu.settings import Settings
from course.data.shapes import make_shapes
from course.errors import CourseError
from course.training import load_checkpoint
from tests.support.tiny_run import tiny_resnet18

ORDER = ["steps", "wide-step", "ten-epochs-fixmatch", "ten-epochs-supervised"]
CELLS = [f"{m}-{n}" for n in (500, 2000) for m in ("supervised", "fixmatch", "flexmatch", "mixmatch")]


@pytest.fixture(scope="session")
def few_shapes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set's file: as few of `shapes` as a tiny run can do with."""
    train, test = make_shapes(300, 20)
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x_train=train.data, y_train=train.targets, x_test=test.data, y_test=test.targets)
    return str(path)


@pytest.fixture
def settings(tmp_path: Path, few_shapes: str) -> Settings:
    return Settings(str(tmp_path / "out"), few_shapes, device="cpu", tiny=True)


def keep(settings: Settings, name: str, **figures: Any) -> None:
    """A part's file."""
    Path(settings.out).mkdir(exist_ok=True)
    content = {"part": name, "figures": {"test error (EMA)": 0.5, **figures}}
    Path(settings.out, f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def test_what_is_worth_most_comes_first() -> None:
    assert list(PARTS) == ORDER + CELLS


def test_finished_parts_are_not_done_again(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    keep(settings, CELLS[0])
    Path(settings.out, f"{CELLS[1]}.json").write_text('{"part": "half', encoding="utf-8")
    done: list[str] = []

    def run(name: str, given: Settings, seconds: float) -> None:
        done.append(name)
        keep(given, name)

    assert gpu.conduct(settings, CELLS, 25.0, run) == {}
    assert done == CELLS[1:], "a damaged file is no result"
    assert f"1/8 {CELLS[0]}: supervised with 500 labels: there already" in capsys.readouterr().out
    assert gpu.conduct(settings, CELLS, 25.0, run) == {}
    assert done == CELLS[1:]


def test_a_part_that_fails_is_named_and_the_others_go_on(settings: Settings) -> None:
    def run(name: str, given: Settings, seconds: float) -> str | None:
        if name == CELLS[1]:
            return "failed: no luck"
        keep(given, name)
        return None

    assert gpu.conduct(settings, CELLS[:3], 25.0, run) == {CELLS[1]: "failed: no luck"}
    text = Path(settings.out, "report.md").read_text(encoding="utf-8")
    assert "| 500 | 0.5000 |  | 0.5000 |  |" in text
    assert f"- {CELLS[1]}: failed: no luck" in text


def test_a_comparison_without_all_of_its_pipelines_is_made_again(settings: Settings) -> None:
    left_out = {"plain PyTorch": "memory ran out"}
    keep(settings, "steps", markdown="## A table", again=True, **{"left out": left_out})
    done: list[str] = []

    def run(name: str, given: Settings, seconds: float) -> None:
        done.append(name)

    problems = gpu.conduct(settings, ["steps"], 25.0, run)
    assert problems == {"steps": "incomplete: plain PyTorch: memory ran out"}
    assert done == ["steps"]
    assert "## A table" in page(Path(settings.out), problems), "what was measured is shown all the same"


def test_nothing_is_begun_after_the_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(gpu.time, "monotonic", lambda: now[0])
    given_time: list[float] = []

    def run(name: str, given: Settings, seconds: float) -> None:
        given_time.append(seconds)
        now[0] += 80.0
        keep(given, name)

    Path(settings.out).mkdir()
    assert gpu.conduct(settings, CELLS[:3], 2.0, run) == {CELLS[2]: gpu.NOT_BEGUN}
    assert given_time == [120.0, 40.0]


def test_a_cell_goes_on_where_it_was_stopped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is lost at the third step of four; the last checkpoint is of the first two."""
    name, steps = "fixmatch-500", parts._Steps.on_step
    run = Path(settings.out, "runs", f"{name}-0")

    def losing(self: Any, record: Any, batch: Any) -> None:
        steps(self, record, batch)
        if record["step"] == 3:
            raise RuntimeError("CUDA error: unspecified launch failure")

    stock = parts.Given
    monkeypatch.setattr(parts, "Given", lambda given: stock({**given, "write_checkpoint_every": 2}))
    with monkeypatch.context() as patched:
        patched.setattr(parts._Steps, "on_step", losing)
        with pytest.raises(CourseError, match="the device can no longer be used"):
            part.find(name, settings)
    assert read_part(Path(settings.out), name) is None
    assert load_checkpoint(run / "checkpoint.safetensors", "torch wrn-10-1").manifest["step"] == 2
    part.find(name, settings)
    content = read_part(Path(settings.out), name)
    assert content is not None and content["figures"]["steps_this_process"] == 2
    assert content["figures"]["steps"] == 4 and 0 <= content["figures"]["test error (EMA)"] <= 1
    assert content["machine"]["torch"] == torch.__version__.partition("+")[0]


@pytest.mark.parametrize("method", ["fixmatch", "supervised"])
def test_ten_epochs_are_timed_after_a_run_that_compiles(settings: Settings, method: str) -> None:
    with tiny_resnet18():
        figures = parts.ten_epochs(method, settings)
    runs = Path(settings.out, "runs")
    assert sorted(path.name for path in runs.iterdir()) == [f"{method}-compiled", f"{method}-practical"]
    configs = {
        path.name: json.loads((path / "config.json").read_text(encoding="utf-8"))["hparams"]
        for path in runs.iterdir()
    }
    first, counted = configs[f"{method}-compiled"], configs[f"{method}-practical"]
    assert (first["steps"], counted["steps"]) == (2, 4)
    assert {**first, "steps": 4} == counted, "another program would be compiled"
    assert figures["seconds after the first step"] > 0


def test_the_practical_s_run_has_its_length() -> None:
    """Ten epochs of 448 unlabeled images a step, from the provided checkpoint."""
    spec = parts._spec(
        Settings("out", "d.npz"), "x", method="fixmatch", framework="jax", given={"epochs": 10}
    )
    assert spec.augmentation == "device" and spec.given.values == {"epochs": 10}
    assert parts.EPOCHS == 10 and parts.STEPS == 16_384


def test_an_interrupted_run_is_not_finished(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solutions.experiments.experiment.run", lambda *_, **__: None)
    with pytest.raises(Unfinished):
        part.find("supervised-500", settings)
    monkeypatch.setattr(part, "find", lambda *_: (_ for _ in ()).throw(Unfinished))
    monkeypatch.setattr(part.signal, "signal", lambda *_: None)
    assert part.main(["supervised-500", json.dumps({"out": "", "data": ""})]) == part.UNFINISHED


def test_a_part_that_is_asked_to_stop_ends_what_it_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def asked(name: str, given: Settings) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            closed.append(name)

    monkeypatch.setattr(part, "find", asked)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stopped:
            part.main(["steps", json.dumps({"out": "", "data": ""})])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == part.UNFINISHED and closed == ["steps"]


def test_memory_that_ran_out_names_what_to_lower(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def large(given: Settings) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setitem(PARTS, "wide-step", replace(PARTS["wide-step"], find=large))
    with pytest.raises(CourseError, match=r"memory ran out: lower --batch \(64\)"):
        part.find("wide-step", settings)


BAD = {
    "there is no device called 'gpu': use cpu": ["--device", "gpu"],
    "there is no precision called 'float8': use float32": ["--precision", "float8", "--device", "cpu"],
    "there is no part called 'step': use steps": ["--only", "step"],
    "--minutes 0 leaves no time: give more than 0": ["--minutes", "0"],
    "--batch 0 makes no step: give at least 1": ["--batch", "0"],
    "/nowhere.npz does not exist or is not a file: give the path of an .npz file": [
        "--device",
        "cpu",
        "--data",
        "/nowhere.npz",
    ],
}


@pytest.fixture
def no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun, should bad input be taken for good."""
    monkeypatch.setattr(gpu, "conduct", lambda *_: pytest.fail("the parts were begun"))


@pytest.mark.usefixtures("no_parts")
@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_line(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert gpu.main(["--out", str(out), "--data", "shapes", *BAD[line]]) == 2
    assert capsys.readouterr().err == f"error: {line}\n"
    assert not out.exists()


@pytest.mark.usefixtures("no_parts")
def test_a_device_or_precision_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "out"), "--data", "shapes"]) == 2
    assert capsys.readouterr().err.startswith("error: PyTorch finds no GPU here: see what nvidia-smi says")
    monkeypatch.setattr("course.models.mixed_precision.has_bfloat16", lambda device: False)
    arguments = ["--out", str(tmp_path / "out"), "--data", "shapes", "--device", "cpu"]
    assert gpu.main([*arguments, "--precision", "bfloat16"]) == 2
    assert capsys.readouterr().err.startswith("error: precision is bfloat16, for which this processor has no")


@pytest.mark.usefixtures("no_parts")
def test_an_unreadable_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.npz"
    np.savez(damaged, x_train=np.zeros((4, 32, 32, 3), np.uint8))
    damaged.write_bytes(damaged.read_bytes()[:500])
    assert gpu.main(["--out", str(tmp_path / "out"), "--data", str(damaged), "--device", "cpu"]) == 2
    assert capsys.readouterr().err == f"error: {damaged} is truncated: copy it again\n"


def test_a_folder_belongs_to_one_set_of_options(settings: Settings) -> None:
    settings.claim()
    settings.claim()
    with pytest.raises(CourseError, match="was begun with batch 64, not 32"):
        replace(settings, batch=32).claim()


@pytest.mark.process
def test_a_framework_without_the_device_fails_its_part_alone(settings: Settings) -> None:
    problem = gpu.run_part("ten-epochs-fixmatch", replace(settings, device="bogus"), 120.0)
    assert problem is not None
    assert problem.startswith("failed: JAX_PLATFORMS is bogus, which JAX cannot use here: install JAX for it")
    assert problem.endswith(f"(ten-epochs-fixmatch.txt in {Path(settings.out, 'logs')} has the rest)")


@pytest.mark.process
def test_a_part_is_stopped_when_the_time_is_over(settings: Settings) -> None:
    assert gpu.run_part("supervised-500", settings, 0.2) == gpu.STOPPED
    assert read_part(Path(settings.out), "supervised-500") is None


@pytest.mark.slow
@pytest.mark.process
def test_all_parts_at_a_tiny_size(
    tmp_path: Path, few_shapes: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command, each part in its process; and again, when there is nothing left to do."""
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--data", few_shapes, "--device", "cpu", "--tiny"]
    assert gpu.main(arguments) == 0, capsys.readouterr().err
    files = {name: read_part(out, name) for name in PARTS}
    assert all(files.values())
    report = (out / "report.md").read_text(encoding="utf-8")
    for said in ("| practical |", "| ours, JAX |", "| ours, PyTorch |", "| plain PyTorch |", "| 2,000 |"):
        assert said in report
    assert "left out" not in report
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*-*.json")}
    capsys.readouterr()
    assert gpu.main(arguments) == 0
    assert capsys.readouterr().out.count("there already") == len(PARTS)
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*-*.json")} == before
