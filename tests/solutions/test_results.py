"""The comparison of runs: each number recomputed, and what is no comparison refused."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course.errors import CourseError
from solutions.experiments.curves import plot_runs
from solutions.experiments.results import load_run, table, write_results

STEPS = 40


def fake_run(folder: Path, method: str, seed: int, ema: float, raw: float, **changed: Any) -> Path:
    """A finished run's folder with made-up numbers."""
    folder.mkdir(parents=True)
    records = []
    for step in range(1, STEPS + 1):
        record = {"step": step, "epoch": 0, "supervised loss": 1 / step + seed / 1e7, "lr": 0.03}
        if method == "fixmatch":
            record |= {"error rate": 0.5 - step / 1000, "mask rate": 0.3, "unsupervised loss": 0.1}
        if step % 20 == 5:
            record["val error rate"] = 0.4
        records.append(record)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    result = {
        "method": method,
        "augmentation": "course",
        "seed": seed,
        "steps": STEPS,
        "test error (EMA)": ema,
        "test error (raw)": raw,
        "val error rate": 0.4,
        "seconds_this_process": 20.0 + seed,
        "steps_this_process": STEPS,
        "data": "cifar10",
        "labels": 4000,
        "checkpoint": "provided",
        "note": "",
        "hardware": "a CPU",
        "versions": {"jax": "0.7.2"},
        "hparams": {"lr": 0.03, "seed": seed},
        "command": f"python -m solutions train {method} --seed {seed}",
    }
    if method == "fixmatch":
        result |= {"error rate, first 40 steps": 0.335 + seed / 100, "error rate, last 40 steps": 0.287}
        result |= {"mask rate, first 40 steps": 0.48, "mask rate, last 40 steps": 0.60}
    (folder / "result.json").write_text(json.dumps({**result, **changed}))
    return folder


EMA = {"fixmatch": [0.301, 0.296, 0.311], "supervised": [0.336, 0.341, 0.329]}
RAW = {"fixmatch": [0.311, 0.306, 0.324], "supervised": [0.346, 0.357, 0.338]}


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [
        fake_run(tmp_path / "runs" / f"{method}-{seed}", method, seed, EMA[method][seed], RAW[method][seed])
        for method in ("fixmatch", "supervised")
        for seed in (2, 0, 1)
    ]


def rows(markdown: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    assert len({len(row) for row in cells}) == 1
    return {row[0]: row[1:] for row in cells}


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def test_the_table_has_mean_and_sample_standard_deviation_over_seeds(
    runs: list[Path], tmp_path: Path
) -> None:
    markdown = write_results(runs, tmp_path / "out")
    found = rows(markdown)
    assert list(found) == ["arm", "---", "supervised", "fixmatch"]
    for method in ("supervised", "fixmatch"):
        seeds, steps, ema, raw, weak_error, mask, seconds = found[method]
        assert (seeds, steps) == ("0, 1, 2", "40")
        assert (ema, raw) == (spread(EMA[method]), spread(RAW[method]))
        assert seconds == f"{21 / 40:.2f}"
        assert (weak_error, mask) == (
            ("0.345 → 0.287", "0.480 → 0.600") if method == "fixmatch" else ("–", "–")
        )
    # The sample and the population's deviation differ in what is shown.
    assert f"{statistics.pstdev(EMA['fixmatch']):.3f}" != f"{statistics.stdev(EMA['fixmatch']):.3f}"


def test_the_files_are_small_text_and_one_picture(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    markdown = write_results(runs, out)
    assert sorted(p.name for p in out.iterdir()) == ["curves.png", "results.json", "table.md"]
    text = (out / "table.md").read_text()
    assert text.startswith(markdown)
    for fact in (
        "cifar10",
        "4000",
        "provided",
        "a CPU",
        "jax 0.7.2",
        "sample standard deviation",
        "--seed 2",
    ):
        assert fact in text
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((out / "results.json").read_text())
    assert [(r["method"], r["seed"]) for r in kept] == [
        (m, s) for m in ("fixmatch", "supervised") for s in (0, 1, 2)
    ]
    for run in kept:
        assert [r["step"] for r in run["records"]] == [5, 10, 20, 25, 30, 40]
        assert run["test error (EMA)"] == EMA[run["method"]][run["seed"]]
    assert kept[1]["records"][1]["supervised loss"] == 0.1


def test_steps_are_counted_from_the_runs_own_first_one(runs: list[Path], tmp_path: Path) -> None:
    log = runs[0] / "metrics.jsonl"
    late = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps({**r, "step": r["step"] + 20_000}) + "\n" for r in late))
    assert [r["step"] for r in load_run(runs[0]).records] == list(range(1, STEPS + 1))


def test_one_run_has_no_spread_and_the_practicals_arm_is_last(runs: list[Path], tmp_path: Path) -> None:
    practical = fake_run(
        tmp_path / "p", "fixmatch", 0, 0.33, 0.34, augmentation="practical", hparams={"lr": 0.5}
    )
    found = rows(write_results([practical, *runs], tmp_path / "out"))
    assert list(found)[2:] == ["supervised", "fixmatch", "fixmatch, the practical's settings"]
    assert found["fixmatch, the practical's settings"][2:4] == ["0.330", "0.340"]
    assert found["fixmatch"][0] == "0, 1, 2"


def test_runs_augmented_on_the_device_are_no_repetitions_of_the_others(
    runs: list[Path], tmp_path: Path
) -> None:
    device = fake_run(tmp_path / "d", "fixmatch", 0, 0.33, 0.34, augmentation="device")
    found = rows(write_results([device, *runs], tmp_path / "out"))
    assert found["fixmatch, augmented on the device"][2] == "0.330"
    assert found["fixmatch"][0] == "0, 1, 2"


def test_seconds_a_step_are_those_of_the_process_that_measured_them(tmp_path: Path) -> None:
    whole = fake_run(tmp_path / "a", "fixmatch", 0, 0.3, 0.3, seconds_this_process=40.0)
    resumed = fake_run(
        tmp_path / "b", "fixmatch", 1, 0.3, 0.3, seconds_this_process=6.0, steps_this_process=4
    )
    nothing = fake_run(
        tmp_path / "c", "fixmatch", 2, 0.3, 0.3, seconds_this_process=0.1, steps_this_process=0
    )
    assert rows(table([load_run(f).result for f in (whole, resumed, nothing)]))["fixmatch"][-1] == "1.25"
    assert rows(table([load_run(nothing).result]))["fixmatch"][-1] == "–"


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "data": ({"data": "shapes"}, r"on cifar10 and on shapes"),
    "setting": ({"hparams": {"lr": 0.1, "seed": 7}}, r"lr 0.03 and 0.1 are no repetitions"),
    "labels": ({"labels": 40}, r"have 4000 and 40 labels: compare them separately"),
    "start": ({"checkpoint": "none"}, r"checkpoint provided and none are no repetitions"),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_runs_that_differ_in_more_than_the_seed_are_no_repetitions(
    case: str, runs: list[Path], tmp_path: Path
) -> None:
    changed, message = DIFFERENT[case]
    other = fake_run(
        tmp_path / "other", "supervised", 7, 0.3, 0.3, **{"hparams": {"lr": 0.03, "seed": 7}, **changed}
    )
    with pytest.raises(CourseError, match=message):
        write_results([*runs, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_arms_with_other_numbers_of_labels_are_not_compared(runs: list[Path], tmp_path: Path) -> None:
    other = fake_run(tmp_path / "other", "mixmatch", 0, 0.3, 0.3, labels=40)
    with pytest.raises(CourseError, match="4000 and 40 labels"):
        write_results([*runs, other], tmp_path / "out")


def test_the_same_run_twice_is_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="two fixmatch runs have seed 2"):
        write_results([*runs, runs[0]], tmp_path / "out")


def without(name: str) -> Callable[[Path], Any]:
    def drop(run: Path) -> None:
        path = run / "result.json"
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != name}))

    return drop


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "unfinished": (lambda run: (run / "result.json").unlink(), r"holds no result\.json: finish the run"),
    "truncated": (
        lambda run: (run / "result.json").write_text('{"method": "fix'),
        r"result\.json is damaged",
    ),
    "a number": (lambda run: (run / "result.json").write_text("3"), r"result\.json is damaged"),
    "incomplete": (without("hparams"), r"result\.json lacks hparams"),
    "no metrics": (lambda run: (run / "metrics.jsonl").unlink(), r"metrics\.jsonl does not exist"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_run_is_named(case: str, runs: list[Path], tmp_path: Path) -> None:
    damage, message = DAMAGES[case]
    damage(runs[1])
    with pytest.raises(CourseError, match=message) as caught:
        write_results(runs, tmp_path / "out")
    assert runs[1].name in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


# --- curves -----------------------------------------------------------------------------------


def test_curves_in_a_folder_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match=r"curves\.png cannot be written"):
        plot_runs({"a": [[{"step": 1, "lr": 0.1}]]}, tmp_path / "file" / "curves.png", "a")
