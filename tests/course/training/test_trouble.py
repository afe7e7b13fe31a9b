"""A full disk and too little memory: one line that says what to do, and a run that can go on."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import course.training.observers as observers
from course.errors import CourseError, device_lost, out_of_memory
from course.files import cannot_write
from course.training import FixMatchHparams, load_checkpoint, read_metrics
from course.training.engine import run_loop
from course.training.observers import TensorBoardLog
from course.training.runfolder import RunFolder
from tests.support import tiny_run

RESUME = 'continue from the last checkpoint with if_exists="resume"'


def saved_step(folder: Path) -> int:
    return int(load_checkpoint(folder / "checkpoint.safetensors").manifest["step"])


class Filling:
    """A file on a disk that is full after so many writes."""

    def __init__(self, file: Any, left: int) -> None:
        self.file, self.left = file, left

    def write(self, content: bytes) -> int:
        self.left -= 1
        if self.left < 0:
            self.file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self.file.write(content))

    def close(self) -> None:
        self.file.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Called with a part of a file's name: that file cannot take more than so many writes."""
    stock = observers._Appended.__init__

    def fill(name: str, writes: int) -> None:
        def opened(self: Any, path: Path) -> None:
            stock(self, path)
            if name in path.name:
                self.file = Filling(self.file, writes)

        monkeypatch.setattr(observers._Appended, "__init__", opened)

    return fill


@pytest.mark.parametrize("name", ["metrics.jsonl", "tfevents"])
def test_a_disk_that_fills_up_while_a_log_is_written_is_one_line_and_the_run_goes_on(
    name: str,
    disk: Any,
    whole_run: tuple[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context():
        disk(name, 10)
        with pytest.raises(CourseError) as caught:
            tiny_run.train(folder)
    text = str(caught.value)
    assert name in text and text.endswith(
        f"cannot be written (No space left on device): free some space there; then {RESUME}"
    )
    assert "\n" not in text and caught.value.__suppress_context__
    assert "Traceback" not in capsys.readouterr().err, "TensorBoard's thread would print one"
    assert saved_step(folder) == 8
    monkeypatch.undo()
    tiny_run.train(folder, if_exists="resume")
    for file in ("metrics.jsonl", "checkpoint.safetensors"):
        assert (folder / file).read_bytes() == (whole_run[0] / file).read_bytes()


def test_before_the_first_checkpoint_there_is_nothing_to_go_on_from(disk: Any, tmp_path: Path) -> None:
    disk("metrics.jsonl", 2)
    with pytest.raises(CourseError, match=r"free some space there; then start the run again$"):
        tiny_run.train(tmp_path / "run")


def test_a_full_disk_that_an_observer_meets_is_one_line_too(tmp_path: Path) -> None:
    class Copying:
        def on_step(self, record: Any, batch: Any) -> None:
            if record["step"] == 6:
                raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/else")

        def close(self) -> None:
            pass

    with pytest.raises(CourseError, match=rf"^/somewhere/else cannot be written .*{RESUME}$"):
        tiny_run.train(tmp_path / "run", observers=[Copying()])


def test_other_errors_of_the_system_are_not_called_a_full_disk(tmp_path: Path) -> None:
    class Failing:
        def on_step(self, record: Any, batch: Any) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        def close(self) -> None:
            pass

    with pytest.raises(PermissionError):
        tiny_run.train(tmp_path / "run", observers=[Failing()])
    text = str(cannot_write(Path("x"), PermissionError(errno.EACCES, "Permission denied")))
    assert text == "x cannot be written (Permission denied): choose a writable folder with free space"


def test_events_that_do_not_fit_raise_in_the_thread_that_trains(disk: Any, tmp_path: Path) -> None:
    disk("tfevents", 1)
    log = TensorBoardLog(tmp_path, images_every=100, first_step=0)
    with pytest.raises(CourseError, match="No space left"):
        log.on_step({"step": 1, "epoch": 0, "lr": 0.1}, {})
    log.close()


# --- memory -------------------------------------------------------------------------------------


class XlaRuntimeError(RuntimeError):
    """As jaxlib calls it."""


JAX_TRACEBACK = "RESOURCE_EXHAUSTED: Out of memory allocating 68719476736 bytes.\n" + "\n".join(
    f"buffer {k}: 1.00GiB" for k in range(141)
)
NO_MEMORY = {
    "JAX": XlaRuntimeError(JAX_TRACEBACK),
    "PyTorch on a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "PyTorch on a CPU": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "NumPy": np._core._exceptions._ArrayMemoryError((1 << 40,), np.dtype(float)),
    "Python": MemoryError(),
}


@pytest.mark.parametrize("library", NO_MEMORY)
def test_lack_of_memory_is_known_in_every_librarys_words(library: str) -> None:
    assert out_of_memory(NO_MEMORY[library])


@pytest.mark.parametrize("error", [RuntimeError("other shapes"), ValueError("out of memory"), OSError()])
def test_other_errors_are_not_lack_of_memory(error: Exception) -> None:
    assert not out_of_memory(error)


class Countdown:
    """A program without a framework; something runs out of memory at one step."""

    waiting = None

    def __init__(self, where: str, error: Exception) -> None:
        self.step, self.where, self.error, self.saved = 0, where, error, False

    def meet(self, where: str) -> None:
        if where == self.where and self.step >= 3:
            raise self.error

    def advance(self, batch: Any) -> tuple[Any, dict[str, Any]]:
        self.meet("step")
        self.step += 1
        return self.loss(), {"total loss": 0.5}

    def loss(self) -> Any:
        program = self

        class Asynchronous:
            """The device says so only when the value is fetched."""

            def __float__(self) -> float:
                program.meet("fetching")
                return 0.5

        return Asynchronous()

    def validate(self) -> dict[str, float]:
        self.meet("validation")
        return {"val error rate": 0.5}

    def not_finite(self) -> None:
        return None

    def save(self, folder: RunFolder, manifest: Any) -> None:
        self.meet("saving")
        folder.checkpoint.write_bytes(b"")

    def restore(self, folder: RunFolder) -> None:
        pass

    def batches(self, first: int, end: int) -> Iterator[dict[str, Any]]:
        for _ in range(first, end):
            self.meet("batches")
            yield {}


@pytest.mark.parametrize("library", NO_MEMORY)
@pytest.mark.parametrize("where", ["step", "fetching", "validation", "saving", "batches"])
def test_memory_that_runs_out_is_one_line_with_what_to_lower(
    where: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Countdown(where, NO_MEMORY[library])
    hparams = FixMatchHparams(
        logdir=str(tmp_path / "run"), steps=8, validate_every_steps=2, write_checkpoint_every=2
    ).fitted(448)
    with pytest.raises(CourseError) as caught:
        run_loop(hparams, program, batches=program.batches, schedule=lambda step: 0.1, manifest={})
    text = str(caught.value)
    assert text.endswith(
        ": memory ran out; lower mu (7), labeled_batch_size (64) or val_batch_size (128) and start over, "
        f"or close other programs and {RESUME}"
    )
    assert text.startswith("step ") and "\n" not in text and caught.value.__suppress_context__


def test_a_runtime_error_of_the_students_keeps_its_traceback(tmp_path: Path) -> None:
    program = Countdown("step", RuntimeError("shapes do not match"))
    hparams = FixMatchHparams(logdir=str(tmp_path / "run"), steps=8).fitted(448)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run_loop(hparams, program, batches=program.batches, schedule=lambda step: 0.1, manifest={})


LOST = {
    "PyTorch": RuntimeError(
        "CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"
    ),
    "JAX": XlaRuntimeError("INTERNAL: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure"),
    "the driver": RuntimeError("CUDA error: uncorrectable ECC error encountered"),
}


@pytest.mark.parametrize("library", LOST)
def test_a_lost_device_leaves_one_line_and_a_run_that_goes_on(library: str, tmp_path: Path) -> None:
    folder, whole = tmp_path / "run", tmp_path / "whole"

    class Losing:
        def on_step(self, record: Any, batch: Any) -> None:
            if record["step"] == 11:
                raise LOST[library]

        def close(self) -> None:
            pass

    with pytest.raises(CourseError) as caught:
        tiny_run.train(folder, observers=[Losing()])
    text = str(caught.value)
    assert "the device can no longer be used (" in text and text.endswith(f"; {RESUME}") and "\n" not in text
    assert saved_step(folder) == 8
    tiny_run.train(folder, if_exists="resume")
    tiny_run.train(whole)
    assert read_metrics(folder / "metrics.jsonl") == read_metrics(whole / "metrics.jsonl")


@pytest.mark.parametrize("said", ["CUDA error: device-side assert triggered", "other shapes"])
def test_a_mistake_in_the_code_is_no_lost_device(said: str) -> None:
    assert not device_lost(RuntimeError(said))
