"""Sweeps: every run once, whatever stops them; the tidy files; what the command line refuses."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import solutions.experiments.sweep
from course.errors import CourseError
from course.training.torch.methods import STRONG_BASELINE, TORCH_METHODS
from course.units.comparison import results as comparison
from course.units.comparison.results import COLUMNS, CURVE_COLUMNS
from course.wording import NOTEBOOK, wording
from solutions.experiments.methods import METHODS
from solutions.experiments.options import shared_hparams
from solutions.experiments.run_result import seconds_of
from solutions.experiments.spec import Given, RunSpec
from solutions.experiments.sweep.cells import Cell
from solutions.experiments.sweep.processes import processes_here
from solutions.experiments.sweep.progress import Lines, Progress
from solutions.experiments.sweep.worker import train_cell
from solutions.experiments.tidy import Tidy, csv_text, read_csv, read_results
from solutions.experiments.words import spread_words

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds; for machines that do other things as well
RESULTS_HEADER = (
    "method,framework,model,preset,data,labels,seed,steps,trained_images,forward_images,seconds,test_error,"
    "test_error_raw,val_error"
)


class Inline:
    """A dask client that runs a task in this process when somebody asks whether it is done."""

    def __init__(self) -> None:
        self.submitted: list[dict[str, Any]] = []
        self.before: Callable[[dict[str, Any]], None] = lambda words: None

    def submit(self, function: Any, words: dict[str, Any], **options: Any) -> Any:
        assert json.loads(json.dumps(words)) == words, "only plain data passes to workers"
        assert options["priority"] == -options["key"][1], "the first is the most urgent"
        self.submitted.append(words)
        return _Future(self, function, words)

    def cancel(self, futures: list[Any], force: bool) -> None:
        """Nothing runs when nobody asks."""

    @property
    def names(self) -> list[str]:
        return [Path(words["out"]).name for words in self.submitted]


class _Future:
    status = "finished"

    def __init__(self, client: Inline, function: Any, words: dict[str, Any]) -> None:
        self.client, self.function, self.words = client, function, words

    def done(self) -> bool:
        self.client.before(self.words)
        self.answer = self.function(self.words)
        return True

    def cancelled(self) -> bool:
        return False

    def exception(self) -> None:
        return None

    def result(self) -> Any:
        return self.answer

    def release(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Inline:
    client = Inline()

    @contextmanager
    def processes_here(jobs: int) -> Iterator[Inline]:
        yield client

    monkeypatch.setattr("solutions.experiments.sweep.processes_here", processes_here)
    return client


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "sweep"


@pytest.fixture
def sweep(cli: Any, small_npz: Path, out: Path) -> Any:
    """``sweep`` of runs of two steps."""
    sizes = ("--preset", "tiny", "--steps", "2", "--eval-step", "1", "--data", small_npz, "--out", out)
    return lambda *words: cli("sweep", *sizes, *words)


SUPERVISED = ("--methods", "supervised", "--labels", "40")


def rows_of(folder: Path) -> dict[Any, dict[str, Any]]:
    """What is the same however often a sweep was stopped."""
    rows = Tidy.read(folder).rows
    return {key: {n: v for n, v in row.items() if n != "seconds"} for key, row in rows.items()}


# --- the command line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--labels 40 100 --seeds 3", "--labels 40 --labels 100 --seeds 3"),
        ("--labels 40,100, 400 --x", "--labels 40 --labels 100 --labels 400 --x"),
        ("--labels=40 100 --methods a b", "--labels 40 --labels 100 --methods a --methods b"),
        ("--labels 40 --seeds 3 --labels 100", "--labels 40 --seeds 3 --labels 100"),
        ("--labels -40 -o x", "--labels -40 -o x"),
        ("--out labels --seeds 1", "--out labels --seeds 1"),
    ],
)
def test_several_words_after_one_flag(line: str, meant: str) -> None:
    assert spread_words(line.split(), ("--labels", "--methods")) == meant.split()


@pytest.mark.parametrize("line", ["--labels", "--labels --seeds 3", "--labels , --seeds 3", "--labels="])
def test_a_flag_without_words_is_refused(line: str) -> None:
    with pytest.raises(CourseError, match="--labels has no value"):
        spread_words(line.split(), ("--labels",))


BAD_INPUT: dict[str, tuple[tuple[str, ...], str]] = {
    "a method": (("--labels", "40", "--methods", "fixmach"), "no method called 'fixmach': use fixmatch"),
    "no labels": (("--methods", "mixmatch"), "--labels is missing"),
    "labels that do not divide": (("--labels", "40", "45"), "--labels 45 does not divide among 10 classes"),
    "more labels than images": (("--labels", "4000"), "small has 40 images of class 0"),
    "negative labels": (("--labels", "-40"), "--labels -40 is no number of labels"),
    "labels in words": (("--labels", "forty"), "--labels forty is not a whole number"),
    "labels of which one is in words": (("--labels", "+5 x"), "--labels +5 x is not a whole number"),
    "a word after a number": (("--labels", "+40", "x"), "--labels x is not a whole number"),
    "more digits than Python reads": (
        ("--labels", "4" * 5000),
        f"--labels {'4' * 20}… is not a whole number",
    ),
    "no seeds": (("--labels", "40", "--seeds", "0"), "--seeds 0 makes no run"),
    "no jobs": (("--labels", "40", "--jobs", "0"), "--jobs 0 makes no run"),
    "here and there": (("--labels", "40", "--jobs", "2", "--scheduler", "tcp://a:1"), "give one"),
    "no scheduler there": (
        ("--labels", "40", "--scheduler", "tcp://127.0.0.1:1"),
        "no dask scheduler at tcp://127.0.0.1:1",
    ),
    "no address": (("--labels", "40", "--scheduler", "foo://x:1"), "no dask scheduler at foo://x:1"),
    "a framework": (("--labels", "40", "--framework", "tf"), "no framework called 'tf': use jax or torch"),
    "a preset in jax": (("--labels", "40", "--framework", "jax"), "use --framework torch"),
    "a preset": (("--labels", "40", "--preset", "gpu"), "no preset called 'gpu': use "),
    "a hyperparameter": (("--labels", "40", "--ema-decay", "2"), "ema_decay is 2.0: it must be between"),
    "a data set": (("--labels", "40", "--data", "mnist"), 'unknown data set "mnist"'),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_nothing_is_written(
    case: str, sweep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solutions.experiments.sweep.processes.REACH_SCHEDULER", 0.3)
    words, message = BAD_INPUT[case]
    answer = sweep(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1 and message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_hyperparameters_that_differ_between_methods_are_no_options(cli: Any) -> None:
    from solutions.experiments.cli import SHARED

    shared = shared_hparams(method.torch.hparams for method in METHODS.values())
    assert {"steps", "batch_size", "n_unlabeled"} <= set(SHARED) < set(shared)
    assert not {"lr", "weight_decay", "mu", "T", "lambda_u"} & set(shared)


# --- runs and rows ------------------------------------------------------------------------------


def test_a_sweep_makes_the_runs_of_train_and_a_row_for_each(
    sweep: Any, inline: Inline, out: Path, cli: Any, small_npz: Path, tmp_path: Path
) -> None:
    answer = sweep("--labels", "40", "--seeds", "1")
    assert answer.code == 0, answer.err
    assert f"5 of 5 runs are in {out / 'results.csv'}" in answer.out
    text = (out / "results.csv").read_text()
    assert text.splitlines()[0] == RESULTS_HEADER
    rows = read_results([out])
    methods = ["supervised", "supervised-strong", "mixmatch", "fixmatch", "flexmatch"]
    assert [row["method"] for row in rows] == methods == [words["method"] for words in inline.submitted]
    assert [(r["trained_images"], r["forward_images"]) for r in rows] == [
        *((8, 0), (8, 0), (24, 16), (40, 0), (40, 0)),
    ]
    curves = read_csv(out / "curves.csv", CURVE_COLUMNS)
    assert [(c["method"], c["step"]) for c in curves] == [(m, step) for m in methods for step in (1, 2)]
    for row in rows:
        assert (row["framework"], row["model"], row["preset"], row["data"]) == (
            *("torch", "wrn-10-1", "tiny", "small"),
        )
        assert row["seconds"] > 0 and row["steps"] == 2
        assert row["val_error"] == [c for c in curves if c["method"] == row["method"]][-1]["val_error"]
        result = json.loads((out / "runs" / f"{row['method']}-40-0" / "result.json").read_text())
        assert row["test_error"] == round(result["test error (EMA)"], 6)
        assert row["test_error_raw"] == round(result["test error (raw)"], 6)
    about = json.loads((out / "about.json").read_text())
    assert (about["preset"], about["data"], about["labels"], about["seeds"]) == ("tiny", "small", [40], [0])
    assert about["hparams"]["fixmatch"]["mu"] == 2 and "seed" not in about["hparams"]["fixmatch"]
    assert about["versions"]["torch"] and "cores" in about["hardware"] and "--resume" not in about["command"]

    # The command that a run's result names makes the same run.
    folder = out / "runs" / "flexmatch-40-0"
    result = json.loads((folder / "result.json").read_text())
    words = result["command"].split()[3:]
    words[words.index("--data") + 1], words[words.index("--out") + 1] = (
        str(small_npz),
        str(tmp_path / "by hand"),
    )
    assert cli(*words).code == 0
    assert (tmp_path / "by hand" / "config.json").read_text() == (folder / "config.json").read_text()
    assert (tmp_path / "by hand" / "metrics.jsonl").read_text() == (folder / "metrics.jsonl").read_text()
    assert {p.name.split(".out.")[0] for p in folder.iterdir()} == {
        p.name.split(".out.")[0] for p in (tmp_path / "by hand").iterdir()
    }


def test_a_whole_table_of_the_first_seed_comes_before_the_second(
    sweep: Any, inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solutions.experiments.sweep.train_cell", lambda words: {"error": "not today"})
    answer = sweep(
        "--methods", "fixmatch,supervised", "--labels", "40", "80", "--labels", "40", "--seeds", "2"
    )
    assert answer.code == 1
    assert inline.names == [
        f"{method}-{labels}-{seed}"
        for seed in (0, 1)
        for labels in (40, 80)
        for method in ("fixmatch", "supervised")
    ]


def test_a_jax_sweep(
    sweep: Any, cli: Any, inline: Inline, tiny_npz: Path, tiny_network: None, out: Path
) -> None:
    answer = cli(
        *("sweep", "--framework", "jax", "--labels", "16", "--seeds", "1", "--data", tiny_npz, "--out", out),
        *("--num-validation-samples-per-class", "3", "--batch-size", "4", "--steps", "2"),
    )
    assert answer.code == 0, answer.err
    found = [(r["method"], r["framework"], r["model"], r["preset"]) for r in read_results([out])]
    assert found == [(m, "jax", "resnet18", None) for m in ("supervised", "fixmatch")]
    assert [r["trained_images"] for r in read_results([out])] == [4, 4 + 2 * 7 * 4]


# --- going on -----------------------------------------------------------------------------------


def test_results_are_not_touched_without_resume_and_not_repeated_with_it(
    sweep: Any, inline: Inline, out: Path
) -> None:
    assert sweep(*SUPERVISED, "--seeds", "1").code == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    refused = sweep(*SUPERVISED, "--seeds", "1")
    assert refused.code == 2 and "already holds results: continue with --resume" in refused.err
    assert sweep(*SUPERVISED, "--seeds", "1", "--resume").code == 0
    assert len(inline.submitted) == 1
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    # More seeds and labels can be added.
    assert sweep("--methods", "supervised", "--labels", "80", "--seeds", "1", "--resume").code == 0
    assert inline.names == ["supervised-40-0", "supervised-80-0"]
    assert [key[1] for key in Tidy.read(out).rows] == [40, 80]
    about = json.loads((out / "about.json").read_text())
    assert about["labels"] == [40, 80]
    # Each command once: that with both numbers would make more than there is.
    sizes = "--framework torch --preset tiny --data small.npz --steps 2 --eval-step 1 --out sweep"
    assert about["command"].splitlines() == [
        f"python -m solutions sweep --methods supervised --labels {n} --seeds 1 {sizes}" for n in (40, 80)
    ]


@pytest.fixture
def by_hand(cli: Any, small_npz: Path, out: Path) -> Any:
    """A run of ``train`` where the sweep would make it."""

    def train(*words: str) -> None:
        sizes = (
            "--framework",
            "torch",
            "--preset",
            "tiny",
            "--steps",
            "2",
            "--eval-step",
            "1",
            "--labels",
            "40",
        )
        folder = out / "runs" / "supervised-40-0"
        answer = cli("train", "supervised", *sizes, "--data", small_npz, "--out", folder, *words)
        assert answer.code == 0, answer.err

    return train


def test_a_run_made_by_hand_is_taken_up(by_hand: Any, sweep: Any, inline: Inline, out: Path) -> None:
    by_hand("--note", "by hand")
    result = json.loads((out / "runs" / "supervised-40-0" / "result.json").read_text())
    assert sweep(*SUPERVISED, "--seeds", "2").code == 2
    assert sweep(*SUPERVISED, "--seeds", "2", "--resume").code == 0
    assert inline.names == ["supervised-40-1"]
    row = Tidy.read(out).rows["supervised", 40, 0]
    assert (row["test_error"], row["seconds"]) == (round(result["test error (EMA)"], 6), result["seconds"])
    (
        out / "runs" / "supervised-40-0" / "checkpoint.safetensors"
    ).unlink()  # the largest file; nobody needs it
    assert sweep(*SUPERVISED, "--seeds", "2", "--resume").code == 0
    assert inline.names == ["supervised-40-1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--batch-size", "4"), "begun with batch_size 4, not 8"),
        (("--lr", "0.1"), "begun with lr 0.1, not 0.03"),
        (("--seed", "1"), "begun with seed 1, not 0"),
        (("--labels", "80"), "begun with n_labeled 80, not 40"),
        (("--model", "wrn-10-2"), "begun with model wrn-10-2, not wrn-10-1"),
    ],
)
def test_a_folder_of_another_run_is_named(
    words: tuple[str, ...], message: str, by_hand: Any, sweep: Any, inline: Inline, out: Path
) -> None:
    by_hand(*words)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    answer = sweep(*SUPERVISED, "--seeds", "1", "--resume")
    assert answer.code == 2 and answer.err.count("\n") == 1
    assert f"{out / 'runs' / 'supervised-40-0'} was {message}" in answer.err
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_rows_without_their_folder_stay_if_the_settings_are_the_same(
    sweep: Any, inline: Inline, out: Path, tmp_path: Path
) -> None:
    assert sweep(*SUPERVISED, "--seeds", "1").code == 0
    before = (out / "results.csv").read_bytes(), (out / "curves.csv").read_bytes()
    (out / "runs").rename(tmp_path / "elsewhere")
    assert sweep(*SUPERVISED, "--seeds", "1", "--resume").code == 0
    assert ((out / "results.csv").read_bytes(), (out / "curves.csv").read_bytes()) == before
    answer = sweep(*SUPERVISED, "--seeds", "1", "--resume", "--steps", "3")
    assert answer.code == 2 and f"{out} was begun with steps of supervised 2, not 3" in answer.err
    (out / "about.json").unlink()
    answer = sweep(*SUPERVISED, "--seeds", "1", "--resume")
    assert answer.code == 2 and "results.csv without about.json" in answer.err


def test_what_was_interrupted_goes_on(sweep: Any, inline: Inline, out: Path) -> None:
    def second(words: dict[str, Any]) -> None:
        if words["given"]["values"]["seed"] == 1:
            raise KeyboardInterrupt

    inline.before = second
    answer = sweep(*SUPERVISED, "--seeds", "3")
    assert answer.code == 130
    assert (
        f"1 of 3 runs are in {out / 'results.csv'}; continue with the same command and --resume" in answer.err
    )
    assert len(Tidy.read(out).rows) == 1
    inline.before = lambda words: None
    assert sweep(*SUPERVISED, "--seeds", "3", "--resume").code == 0
    assert sorted(Tidy.read(out).rows) == [("supervised", 40, seed) for seed in range(3)]


def test_a_failed_run_does_not_stop_the_others(
    sweep: Any, inline: Inline, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "runs").mkdir(parents=True)
    (out / "runs" / "supervised-40-0").write_text("in the way")
    real = solutions.experiments.experiment.run

    def run(spec: RunSpec, **options: Any) -> Any:
        if spec.labels == 80:
            raise ZeroDivisionError("of a kind\nnobody foresaw")
        return real(spec, **options)

    monkeypatch.setattr("solutions.experiments.experiment.run", run)
    answer = sweep("--methods", "supervised", "--labels", "40", "80", "--seeds", "2")
    assert answer.code == 1
    assert "error: supervised-40-0: " in answer.err and "cannot be written" in answer.err
    assert "error: supervised-80-1: ZeroDivisionError: of a kind" in answer.err
    assert answer.err.count("Traceback") == 2
    assert "1 of 4 runs are in" in answer.err
    assert list(Tidy.read(out).rows) == [("supervised", 40, 1)]
    (out / "runs" / "supervised-40-0").unlink()
    monkeypatch.setattr("solutions.experiments.experiment.run", real)
    assert sweep("--methods", "supervised", "--labels", "40", "80", "--seeds", "2", "--resume").code == 0
    assert len(Tidy.read(out).rows) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"framework": ...}, "it lacks framework"),
        ({"test error (raw)": ...}, "lacks test error (raw)"),
        ({"val error rate": ...}, "it lacks val error rate"),
        ({"hparams": {}}, "it lacks labeled_batch_size"),
        ({"labels": None}, "its labels is None"),
        ({"test error (EMA)": "0.5"}, "a value has the wrong type"),
        ({"test error (EMA)": 1.5}, "test_error 1.5 is not between 0 and 1"),
    ],
)
def test_a_run_whose_result_is_damaged_failed_and_the_others_count(
    change: dict[str, Any],
    message: str,
    sweep: Any,
    inline: Inline,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def damage(words: dict[str, Any]) -> dict[str, str]:
        answer = train_cell(words)
        if words["given"]["values"]["seed"] == 0:
            path = Path(words["out"]) / "result.json"
            result = {**json.loads(path.read_text()), **change}
            path.write_text(json.dumps({name: value for name, value in result.items() if value is not ...}))
        return answer

    monkeypatch.setattr("solutions.experiments.sweep.train_cell", damage)
    answer = sweep(*SUPERVISED, "--seeds", "2")
    assert answer.code == 1 and "Traceback" not in answer.err
    (error,) = (line for line in answer.err.splitlines() if line.startswith("error:"))
    assert error.startswith("error: supervised-40-0: ") and message in error
    assert list(Tidy.read(out).rows) == [("supervised", 40, 1)]
    again = sweep(*SUPERVISED, "--seeds", "2", "--resume")
    assert again.code == 2 and again.err.count("\n") == 1 and message in again.err
    (out / "runs" / "supervised-40-0" / "result.json").unlink()
    monkeypatch.setattr("solutions.experiments.sweep.train_cell", train_cell)
    assert sweep(*SUPERVISED, "--seeds", "2", "--resume").code == 0


def test_a_log_without_steps_is_one_line(by_hand: Any, sweep: Any, inline: Inline, out: Path) -> None:
    by_hand()
    (out / "runs" / "supervised-40-0" / "metrics.jsonl").write_text('{"step": 1}\n{}\n')
    answer = sweep(*SUPERVISED, "--seeds", "1", "--resume")
    assert answer.code == 2 and "metrics.jsonl has a line without a step" in answer.err


@pytest.mark.parametrize(
    "change",
    [
        None,
        [],
        3,
        {"models": ["wrn-10-1"]},
        {"models": {"supervised": 3}},
        {"models": ...},
        {"hparams": {"supervised": [1]}},
        {"hparams": "none"},
        {"labels": 40},
        {"labels": ["forty"]},
        {"seeds": None},
        {"versions": {"torch": 2}},
        {"versions": []},
        {"hardware": 3},
        {"command": 3},
    ],
)
def test_an_about_of_another_shape_is_damaged(
    change: Any, sweep: Any, inline: Inline, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = out / "about.json"
    out.mkdir()
    known = {"preset": "tiny", "data": "small", "framework": "torch", "models": {"supervised": "wrn-10-1"}}
    known |= {
        "labels": [40],
        "seeds": [0],
        "methods": ["supervised"],
        "note": "",
        "command": "",
        "hparams": {},
    }
    assert sweep(*SUPERVISED, "--seeds", "0", "--resume").code == 2
    path.write_text(json.dumps(known))
    assert Tidy.read(out).about == known
    about = (
        {n: v for n, v in (known | change).items() if v is not ...} if isinstance(change, dict) else change
    )
    path.write_text(json.dumps(about))
    answer = sweep(*SUPERVISED, "--seeds", "1", "--resume")
    assert answer.code == 2 and answer.err.count("\n") == 1
    assert f"{path} is damaged: delete it" in answer.err and not inline.submitted


def test_a_note_in_another_language_is_read_whatever_the_machines_encoding(
    sweep: Any, inline: Inline, out: Path
) -> None:
    assert sweep(*SUPERVISED, "--seeds", "1", "--note", "größer, --resume und mehr").code == 0
    command = json.loads((out / "about.json").read_text(encoding="utf-8"))["command"]
    assert "--note 'größer, --resume und mehr'" in command
    read = (
        "import sys; from pathlib import Path; from solutions.experiments.tidy import Tidy; "
        "Tidy.read(Path(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", "LC_ALL": "C"}
    environment["PYTHONCOERCECLOCALE"] = "0"
    done = subprocess.run(
        [sys.executable, "-c", read, str(out)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_two_sweeps_do_not_write_to_one_folder(sweep: Any, inline: Inline, out: Path) -> None:
    (out / ".locks").mkdir(parents=True)
    with FileLock(out / ".locks" / "sweep"):
        answer = sweep(*SUPERVISED)
    assert answer.code == 2 and f"another sweep writes to {out}" in answer.err


def test_a_run_that_is_not_here_failed(sweep: Any, inline: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solutions.experiments.sweep.train_cell", lambda words: {})
    answer = sweep(*SUPERVISED, "--seeds", "1")
    assert answer.code == 1 and "machines must share --out" in answer.err


# --- processes and machines ---------------------------------------------------------------------

LONG = (  # two runs of some seconds, saved every 6 steps
    *("sweep", "--preset", "tiny", "--steps", "42", "--labels", "40", "--methods", "supervised", "mixmatch"),
    *("--seeds", "1"),
)


@contextmanager
def started(*words: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process in a session of its own, killed at the end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", *map(str, words)]
    process = subprocess.Popen(command, env=environment, start_new_session=True, text=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what} within {PATIENCE} seconds"
        time.sleep(0.05)


def quiet(folder: Path) -> dict[str, Any]:
    return {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@contextmanager
def lone_scheduler(folder: Path) -> Iterator[str]:
    """The address of a dask scheduler without workers, started as users start it."""
    file = folder / "scheduler.json"
    here = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    with started("dask", "scheduler", *here, **quiet(folder)):
        wait_for(lambda: file.exists() and file.read_text().endswith("}"), "scheduler")
        yield json.loads(file.read_text())["address"]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one with a worker."""
    folder = tmp_path_factory.mktemp("dask")
    worker = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    with lone_scheduler(folder) as address, started("dask", "worker", address, *worker, **quiet(folder)):
        yield address


@pytest.fixture(scope="module")
def unbroken(
    scheduler: str, small_npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Any, dict[str, Any]]:
    """The rows of a sweep that nothing stopped, made by the worker."""
    out = tmp_path_factory.mktemp("unbroken") / "sweep"
    words = ("solutions", *LONG, "--data", small_npz, "--out", out, "--scheduler", scheduler)
    with started(*words, stdout=subprocess.DEVNULL) as process:
        assert process.wait(PATIENCE) == 0
    return rows_of(out)


def test_a_scheduler_at_an_address_makes_the_runs(unbroken: dict[Any, dict[str, Any]]) -> None:
    assert sorted(unbroken) == [("mixmatch", 40, 0), ("supervised", 40, 0)]
    assert {row["steps"] for row in unbroken.values()} == {42}


def test_a_scheduler_without_workers_is_named(small_npz: Path, out: Path, tmp_path: Path) -> None:
    with lone_scheduler(tmp_path) as address:
        words = ("solutions", *LONG, "--data", small_npz, "--out", out, "--scheduler", address)
        with started(*words, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert f"{address} has no workers yet: start 'python -m dask worker {address}" in said
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=PATIENCE)
            assert process.returncode == 130 and "no workers" not in rest


def test_a_killed_sweep_goes_on_to_the_same_rows(
    unbroken: dict[Any, dict[str, Any]], small_npz: Path, out: Path
) -> None:
    words = ("solutions", *LONG, "--data", small_npz, "--out", out, "--jobs", "1")

    def begun() -> bool:
        log = out / "runs" / "mixmatch-40-0" / "metrics.jsonl"
        return log.exists() and log.read_bytes().count(b"\n") > 14

    with started(*words, stderr=subprocess.PIPE) as process:
        wait_for(begun, "step of a run")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        # Its workers end as well, and let go of the error stream.
        process.communicate(timeout=PATIENCE)
    assert rows_of(out) == {key: row for key, row in unbroken.items() if key[0] == "supervised"}
    with started(*words, "--resume", stderr=subprocess.PIPE) as process:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    assert rows_of(out) == unbroken
    result = json.loads((out / "runs" / "mixmatch-40-0" / "result.json").read_text())
    assert result["steps_this_process"] < 42 and result["seconds"] > result["seconds_this_process"]


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(small_npz: Path, out: Path) -> None:
    words = ("solutions", *LONG, "--steps", "100000", "--data", small_npz, "--out", out, "--jobs", "1")
    with started(*words, stderr=subprocess.PIPE) as process:
        log = out / "runs" / "supervised-40-0" / "metrics.jsonl"
        wait_for(lambda: log.exists() and log.stat().st_size, "step of a run")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors.splitlines() == [
        f"interrupted: 0 of 2 runs are in {out / 'results.csv'}; continue with the same command and --resume"
    ]


def test_the_processes_here_end_when_they_are_needed_no_more() -> None:
    with processes_here(1) as client:
        number = client.submit(os.getpid).result()
        assert number in [process.pid for process in multiprocessing.active_children()]
    assert number not in [process.pid for process in multiprocessing.active_children()]


def test_a_worker_drops_a_run_that_nobody_waits_for(scheduler: str, small_npz: Path, tmp_path: Path) -> None:
    from distributed import Client

    out = tmp_path / "runs" / "supervised-40-0"
    spec = RunSpec("supervised", out, preset="tiny", data=str(small_npz), labels=40)
    words = replace(spec, given=Given({"steps": 100_000})).plain()
    with Client(scheduler, set_as_default=False) as client:
        future = client.submit(train_cell, words, pure=False)
        log = out / "metrics.jsonl"
        wait_for(lambda: log.exists() and log.stat().st_size, "step of a run")
        future.cancel()
        with FileLock(tmp_path / ".locks" / out.name, timeout=PATIENCE):
            steps = log.read_text().count("\n")
    assert 0 < steps < 100_000 and not (out / "result.json").exists()


# --- the tidy files -----------------------------------------------------------------------------

RUN = ("mixmatch", "torch", "wrn-10-1", "cpu", "a, b", 40, 0, 5, 24, 16, 1 / 3, 0.1 + 0.2, 1.0, 2e-17)
ROW = dict(zip(RESULTS_HEADER.split(","), RUN, strict=True))


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "seconds": None, "preset": None, "data": 'say "x"'}]
    path = tmp_path / "results.csv"
    path.write_text(csv_text(rows, COLUMNS))
    assert path.read_text().splitlines()[0] == RESULTS_HEADER
    assert read_csv(path, COLUMNS) == rows


def test_a_line_cut_short_is_left_out_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = csv_text([ROW, {**ROW, "seed": 1}], COLUMNS)
    path = tmp_path / "results.csv"
    for length in range(len(whole)):
        path.write_text(whole[:length])
        assert list(Tidy.read(tmp_path).rows.values()) in ([], [ROW])
        if not whole[:length].endswith("\n"):
            with pytest.raises(CourseError, match=r"results\.csv"):
                read_csv(path, COLUMNS)
    path.write_text(whole)
    assert len(Tidy.read(tmp_path).rows) == 2


def test_a_torn_line_is_repaired_from_the_runs_folder(sweep: Any, inline: Inline, out: Path) -> None:
    assert sweep(*SUPERVISED, "--seeds", "2").code == 0
    files = [out / "results.csv", out / "curves.csv"]
    before = [file.read_bytes() for file in files]
    for file, content in zip(files, before, strict=True):
        file.write_bytes(content[:-9])
    assert sweep(*SUPERVISED, "--seeds", "2", "--resume").code == 0
    assert [file.read_bytes() for file in files] == before and len(inline.submitted) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method,framework", "framework,method", "the first line must be method,framework"),
        (",40,0,", ",forty,0,", "line 2 is damaged"),
        (",40,0,", ",40,", "line 2 is damaged"),
        ("1.0", "1.5", "1.5 is not between 0 and 1"),
        ("1.0", "nan", "nan is no finite number"),
        ("mixmatch", "mixmatsch", "there is no method called 'mixmatsch': use mixmatch"),
        (",40,0,", ",0,0,", "labels 0 is below 1"),
        (",40,0,", ",,0,", "has no labels"),
        ("seed", "\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"), "it is not text"),
        ("cpu", "c\0u\n", "line"),
    ],
)
def test_a_damaged_file_is_named(
    old: str, new: Any, message: str, tmp_path: Path, cli: Any, sweep: Any, inline: Inline, out: Path
) -> None:
    out.mkdir()
    new = new if isinstance(new, bytes) else new.encode()
    (out / "results.csv").write_bytes(csv_text([ROW], COLUMNS).encode().replace(old.encode(), new))
    for answer in (cli("table", out), cli("plot", out / "results.csv"), sweep(*SUPERVISED, "--resume")):
        assert answer.code == 2 and answer.err.count("\n") == 1
        assert str(out / "results.csv") in answer.err and message in answer.err
        assert "--resume" in answer.err
    assert not inline.submitted


def test_a_row_that_is_there_twice_is_refused(tmp_path: Path, cli: Any, sweep: Any, out: Path) -> None:
    out.mkdir()
    (out / "results.csv").write_text(csv_text([ROW, ROW], COLUMNS))
    answer = sweep(*SUPERVISED, "--resume")
    assert answer.code == 2 and "two rows of mixmatch, 40 labels, seed 0" in answer.err
    answer = cli("table", out)
    assert answer.code == 2 and "give each run once" in answer.err


# --- one place for each fact --------------------------------------------------------------------


def test_the_methods_are_those_of_the_course() -> None:
    assert {name: method.torch for name, method in METHODS.items()} == TORCH_METHODS
    assert [name for name in METHODS if name != STRONG_BASELINE] == list(comparison.METHODS)


def test_a_workers_messages_name_options_as_the_command_line_does(tmp_path: Path, monkeypatch: Any) -> None:
    def run(*arguments: Any, **options: Any) -> Any:
        raise CourseError(f"continue with {wording.get().resume}")

    monkeypatch.setattr("solutions.experiments.experiment.run", run)
    answer = train_cell(RunSpec("supervised", tmp_path / "runs" / "supervised-40-0").plain())
    assert answer == {"error": "continue with --resume"}
    assert wording.get() == NOTEBOOK


# --- time ---------------------------------------------------------------------------------------


def test_seconds_of_older_runs_are_known_if_one_process_made_them() -> None:
    old = {"steps": 12, "steps_this_process": 12, "seconds_this_process": 3.5}
    assert seconds_of(old) == 3.5
    assert seconds_of({**old, "steps_this_process": 6}) is None
    assert seconds_of({**old, "seconds": 9.0}) == 9.0


def test_a_log_is_read_from_where_the_last_look_ended(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = Lines(path)
    assert lines.count() == 0
    path.write_bytes(b"{}\n{}\n{")
    assert lines.count() == 2
    with path.open("r+b") as file:  # what was read already is not read again
        file.write(b"\n" * 6)
        file.seek(0, os.SEEK_END)
        file.write(b"}\n{}\n")
    assert lines.count() == 4
    # A run that goes on replaces its log by a shorter one, which may have grown since.
    (tmp_path / "new").write_bytes(b"{}\n" * 7)
    (tmp_path / "new").replace(path)
    assert lines.count() == 7
    path.write_bytes(b"{}\n")
    assert lines.count() == 1
    path.unlink()
    assert lines.count() == 0


def test_the_time_left_follows_from_the_work_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("solutions.experiments.sweep.progress.time.monotonic", lambda: now)
    cells = [
        Cell(RunSpec("fixmatch", tmp_path / name), {}, cost, 100) for name, cost in (("a", 10), ("b", 30))
    ]
    for cell in cells:
        cell.folder.mkdir()
        (cell.folder / "metrics.jsonl").write_text("{}\n" * 10)
    progress = Progress(cells, done=3)
    assert progress.left() == ""
    now = 600.0
    (tmp_path / "b" / "metrics.jsonl").write_text("{}\n" * 20)
    # 300 of 3600 in ten minutes: 3300 more take 110 minutes.
    assert progress.left() == "about 1 h 50 min left"
    for cell in cells:
        (cell.folder / "metrics.jsonl").write_text("{}\n" * 100)
    assert progress.left() == ""
