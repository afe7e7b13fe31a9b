"""Metrics as the practical keeps them, and what observers write."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from course.errors import CourseError
from course.training import Metrics, convert_to_numpy, jnp_to_np_u8, read_metrics
from course.training.observers import JsonlLog, LogLines, ProgressBar, TensorBoardLog, log_line
from course.training.prefetch import prefetch

RECORD = {
    "step": 20050,
    "epoch": 0,
    "error rate": 0.3664,
    "mask rate": 0.196,
    "supervised loss": 0.799,
    "total loss": 0.970,
    "unsupervised loss": 0.108,
    "weight decay": 0.063,
    "lr": 0.03,
}


def test_metrics_keep_the_history_of_each_name() -> None:
    metrics = Metrics()
    metrics.merge({"a": 1.0, "b": 2.0})
    metrics.merge({"a": 3.0})
    np.testing.assert_array_equal(metrics["a"], [1, 3])
    assert list(metrics.keys()) == ["a", "b"] and "b" in metrics and "c" not in metrics
    assert dict(metrics.items()) == {"a": [1.0, 3.0], "b": [2.0]} and list(metrics.values())[1] == [2.0]


def test_convert_to_numpy_keeps_names_and_values() -> None:
    converted = convert_to_numpy({"a": jnp.asarray(1.5), "b": 2})
    assert {name: (type(v), float(v)) for name, v in converted.items()} == {
        "a": (np.ndarray, 1.5),
        "b": (np.ndarray, 2.0),
    }


def test_images_become_bytes_rounded_and_clipped() -> None:
    image = jnp_to_np_u8(jnp.asarray([[[0.0, 1.0, 0.5], [-0.1, 1.2, 99.6 / 255]]]))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, [[[0, 255, 128], [0, 255, 100]]])


def test_log_line_has_what_students_watch() -> None:
    assert log_line(RECORD) == ("epoch  0 | step 20050 | loss 0.970 | mask 0.196 | error 0.366 | lr 0.030")
    assert log_line({**RECORD, "val error rate": 0.25}) == log_line(RECORD) + " | val error 0.250"


FIXMATCH = {name: 0.5 for name in RECORD if name not in ("step", "epoch")}
VALIDATED = {f"{part} {name}": 0.5 for part in ("train", "val") for name in ("loss", "error rate", "top-1")}
RECORDS = {
    "supervised": {n: v for n, v in FIXMATCH.items() if n not in ("mask rate", "unsupervised loss")},
    "fixmatch": FIXMATCH,
    "flexmatch": FIXMATCH | {f"threshold/{c}": c / 20 for c in range(10)},
    "mixmatch": {n: v for n, v in FIXMATCH.items() if n not in ("mask rate", "weight decay")},
    "one's own": FIXMATCH | {f"a rather long name of a metric, number {k}": 0.5 for k in range(20)},
}


@pytest.mark.parametrize("method", RECORDS)
@pytest.mark.parametrize("scale", [1.0, -3e8])
def test_a_log_line_fits_a_hundred_columns_and_is_one_line(method: str, scale: float) -> None:
    for validated in ({}, VALIDATED):
        record = {n: v * scale for n, v in {**RECORDS[method], **validated}.items()}
        line = log_line({"step": 1048576, "epoch": 1023, **record})
        assert len(line) <= 100 and "\n" not in line
        assert line.startswith("epoch 1023 | step 1048576 | loss ")
        assert ("val error" in line) == bool(validated)


def test_lines_with_and_without_a_validation_have_the_same_columns() -> None:
    for record in RECORDS.values():
        begun = {"step": 50, "epoch": 0, **record}
        assert log_line({**begun, **VALIDATED}).removesuffix(" | val error 0.500") == log_line(begun)


def test_the_thresholds_of_ten_classes_are_their_least_and_largest() -> None:
    line = log_line({"step": 50, "epoch": 0, **RECORDS["flexmatch"]})
    assert " | tau 0.00-0.45" in line and "threshold" not in line


def test_log_lines_come_every_so_many_steps(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LogLines(every=3)
    for step in range(1, 11):
        lines.on_step({**RECORD, "step": step}, {})
    lines.close()
    assert re.findall(r"step +(\d+)", capsys.readouterr().out) == ["3", "6", "9"]


def test_jsonl_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "metrics.jsonl")
    for step in (1, 2):
        log.on_step({**RECORD, "step": step}, {})
        assert [r["step"] for r in read_metrics(log.path)] == list(range(1, step + 1))
    log.close()
    log = JsonlLog(log.path)
    log.on_step({**RECORD, "step": 3}, {})
    log.close()
    assert read_metrics(log.path) == [{**RECORD, "step": step} for step in (1, 2, 3)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_jsonl_on_a_full_disk_is_one_line() -> None:
    log = JsonlLog(Path("/dev/full"))
    with pytest.raises(CourseError, match=r"/dev/full cannot be written .No space left"):
        log.on_step(RECORD, {})
    log.close()


def test_read_metrics_drops_a_torn_last_line_only(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    line = json.dumps(RECORD)
    path.write_text(f"{line}\n{line[:40]}")
    assert read_metrics(path) == [RECORD]
    path.write_text(f"{line}\n{line[:40]}\n{line}\n")
    with pytest.raises(CourseError, match="line 2, is not JSON"):
        read_metrics(path)
    with pytest.raises(CourseError, match=r"nowhere.jsonl does not exist: train this run first, or give"):
        read_metrics(tmp_path / "nowhere.jsonl")


def test_progress_bar_counts_from_where_the_run_went_on(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(4, 6)
    for _ in range(2):
        bar.on_step(RECORD, {})
    bar.close()
    shown = capsys.readouterr().err
    assert "4/6" in shown and "6/6" in shown
    assert "total loss=0.970" in shown and "mask rate=0.196" in shown


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """tag → (step, value) as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()
    tags = events.Tags()
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
    return found | {tag: [(e.step, float(e.width)) for e in events.Images(tag)] for tag in tags["images"]}


def test_tensorboard_gets_every_metric_and_both_views(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path, images_every=2, first_step=0)
    views = np.random.default_rng(0).random((2, 3, 32, 32, 3)).astype(np.float32)
    for step in (1, 2, 3):
        log.on_step({**RECORD, "step": step}, {"x_unlabeled_weak": views[0], "x_unlabeled_strong": views[1]})
    # What is written is there to be looked at before the run ends.
    found = scalars(tmp_path)
    log.close()
    names = set(RECORD) - {"step", "epoch"}
    assert set(found) == names | {"weakly augmented image", "strongly augmented image"}
    for name in names:
        assert [step for step, _ in found[name]] == [1, 2, 3]
        assert found[name][0][1] == pytest.approx(RECORD[name])
    assert found["weakly augmented image"] == found["strongly augmented image"] == [(2, 32.0)]


def test_tensorboard_gets_views_that_are_on_another_device(tmp_path: Path) -> None:
    class OnGPU:
        """What NumPy cannot read, like a PyTorch tensor there."""

        def __getitem__(self, i: int) -> OnGPU:
            return self

        def cpu(self) -> np.ndarray:
            return np.zeros((32, 32, 3), np.float32)

    log = TensorBoardLog(tmp_path, images_every=1, first_step=0)
    log.on_step({**RECORD, "step": 1}, {"x_unlabeled_weak": OnGPU()})
    log.close()
    assert scalars(tmp_path)["weakly augmented image"] == [(1, 32.0)]


def test_tensorboard_shows_a_step_as_soon_as_it_is_done(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path, images_every=100, first_step=0)
    for step in (1, 2, 3):
        log.on_step({"step": step, "epoch": 0, "lr": 0.1}, {})
        assert [s for s, _ in scalars(tmp_path)["lr"]] == list(range(1, step + 1))
    log.close()


def test_tensorboard_of_a_resumed_run_hides_the_steps_that_are_done_again(tmp_path: Path) -> None:
    for first, steps, value in ((0, range(1, 8), 0.1), (4, range(5, 10), 0.2)):
        log = TensorBoardLog(tmp_path, images_every=100, first_step=first)
        for step in steps:
            log.on_step({"step": step, "epoch": 0, "lr": value}, {})
        log.close()
    assert [s for s, _ in scalars(tmp_path)["lr"]] == list(range(1, 10))
    assert [round(v, 1) for _, v in scalars(tmp_path)["lr"]] == [0.1] * 4 + [0.2] * 5


# --- prefetch ---------------------------------------------------------------------------------


def test_prefetch_changes_nothing_but_the_thread() -> None:
    assert list(prefetch(range(100))) == list(range(100))
    assert list(prefetch([])) == []


def test_prefetch_stays_at_most_so_far_ahead() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for i in range(50):
            taken.append(i)
            yield i

    upcoming = prefetch(source(), depth=2)
    for i in upcoming:
        assert taken[-1] <= i + 2 + 2  # two in the queue, one in each hand


def test_prefetch_hands_errors_on_after_what_came_before() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise CourseError("no more")

    upcoming = prefetch(source())
    assert next(upcoming) == 1
    with pytest.raises(CourseError, match="no more"):
        next(upcoming)


def test_prefetch_that_is_abandoned_ends_its_thread() -> None:
    upcoming = prefetch(iter(int, 1))
    next(upcoming)
    upcoming.close()
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]
