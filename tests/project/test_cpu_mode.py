"""The benchmark of CPU mode: its arithmetic, its commands, what it keeps, and which runs it makes."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import autograder.units
from benchmarks import cpu_mode, unit_runs
from benchmarks.cpu_mode import UNITS, Result
from course.catalog import load_course
from course.data import make_shapes
from course.training import modes
from course.training.checkpoint import PROVIDED_SHAPES
from course.training.recorded import load_recorded
from course.units.flexmatch.figures import load_index_bug

ERRORS = {"fixmatch": 0.2, "without": 0.3, "base": 0.4, "mixmatch": 0.2, "mixmatch-labeled": 0.3}
ERRORS |= {"flexmatch": 0.25, "flexmatch-bug": 0.24, "start": 0.5}
METRICS = ("mask rate", "mean threshold", "agreement", "wrong labels by image", "wrong labels by class")


def results(*gaps: float) -> list[Result]:
    return [
        Result("3.11.7", "jax 0.7.2", 1, seed, {"fixmatch": 0.2, "without": 0.2 + gap, "base": 0.5}, 90.0)
        for seed, gap in enumerate(gaps)
    ]


@pytest.mark.parametrize(
    ("gaps", "holds"),
    [
        ((0.10, 0.11, 0.12), True),
        ((0.04, 0.04, 0.05), False),  # less than five points on average
        ((0.05, 0.10, 0.15), False),  # mean .10, spread .05: only twice
        ((0.30, 0.30, -0.01), False),  # one seed for which it did not help
    ],
)
def test_the_result_holds_only_if_every_condition_does(gaps: tuple[float, ...], holds: bool) -> None:
    held, said = cpu_mode.verdict("fixmatch", results(*gaps))
    assert held is holds
    assert ("DOES NOT HOLD" in said) is not holds
    assert f"from {min(gaps):.3f} to {max(gaps):.3f}" in said


def test_only_where_it_is_asked_for_the_gap_must_be_worth_three_spreads() -> None:
    wide = [
        Result("3.11.7", "torch 2.11.0", 1, seed, {"a": 0.1, "b": error}, 90.0)
        for seed, error in enumerate((0.2, 0.6))
    ]
    assert cpu_mode.verdict("mixmatch", wide)[0] and not cpu_mode.verdict("fixmatch", wide)[0]
    against = [*wide, Result("3.11.7", "torch 2.11.0", 1, 2, {"a": 0.2, "b": 0.1}, 90.0)]
    assert not cpu_mode.verdict("mixmatch", against)[0]


def test_where_neither_method_is_promised_to_win_the_numbers_are_only_shown() -> None:
    held, said = cpu_mode.verdict("flexmatch", results(-0.1, 0.1))
    assert held and "shown, not promised" in said


def test_the_two_runs_of_a_pair_differ_in_the_unlabeled_loss_alone() -> None:
    with_it, without, _ = UNITS["fixmatch"].commands(3, Path("out"))
    assert with_it[-1] == "out/fixmatch" and without[-1] == "out/without"
    assert [word for word in without[:-1] if word not in with_it] == ["--lambda-coef", "0.0"]
    assert with_it[with_it.index("--seed") + 1] == "3"
    assert cpu_mode.ROOT / with_it[with_it.index("--checkpoint") + 1] == PROVIDED_SHAPES


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Runs that take no time, and their commands."""
    commands: list[list[str]] = []

    def pretend(folder: Path, seed: int, settings: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        last = {"step": 10, "epoch": 0, "val error rate": ERRORS[folder.name] + seed / 1000}
        lines = [{"step": step, "epoch": 0} for step in range(1, 10)] + [last]
        lines = [line | dict.fromkeys(METRICS, step / 10) for step, line in enumerate(lines, 1)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        about = dict.fromkeys(("method", "labels", "checkpoint", "hardware", "note", "command"))
        about |= {"data": "shapes", "seconds": 10.0, "steps": 10, "seed": seed}
        versions = {"python": "3.11.7", "jax": "0.7.2", "torch": "2.11.0"}
        (folder / "result.json").write_text(
            json.dumps({**about, "versions": versions, "hparams": dict(settings)})
        )

    def run(command: list[str], env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        out = cpu_mode.ROOT / command[command.index("--out") + 1]
        assert env["OMP_NUM_THREADS"] == {"one": "1", "two": "2"}[Path(command[0]).name]
        seed = int(command[command.index("--seed") + 1])
        unit = command[3] if "benchmarks.unit_runs" in command else "fixmatch"
        settings = UNITS[unit].settings(seed)
        folders = [out] if unit == "fixmatch" else [out / name for name in settings]
        for folder in folders:
            pretend(folder, seed, settings[folder.name])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_only_what_is_missing_or_made_with_other_settings_is_trained(
    trained: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["one", "two", "--seeds", "2", "--out", str(tmp_path)]
    assert cpu_mode.main(arguments) == 0
    assert len(trained) == 2 * 2 * (3 + 1 + 1)
    assert cpu_mode.main([*arguments, "--jobs", "2"]) == 0
    assert len(trained) == 2 * 2 * (3 + 1 + 1), "nothing was missing"
    monkeypatch.setitem(modes._MIXMATCH["cpu"], "lambda_u", 19.0)
    assert cpu_mode.main(arguments) == 0
    assert [command[3] for command in trained[20:]] == ["mixmatch"] * 4, "the unit whose settings changed"
    (tmp_path / "flexmatch" / "0-1-0" / "start" / "result.json").write_text("{")
    assert cpu_mode.main(arguments) == 0
    assert [command[3] for command in trained[24:]] == ["flexmatch"]


def test_what_is_kept_holds_every_run(
    trained: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_mode, "HERE", tmp_path / "benchmarks")
    units = tmp_path / "course" / "units"
    monkeypatch.setattr(cpu_mode, "UNITS_FOLDER", units)
    (tmp_path / "benchmarks").mkdir()
    for unit in ("fixmatch", "mixmatch", "flexmatch"):
        (units / unit / "runs").mkdir(parents=True)
    arguments = ["one", "--seeds", "2", "--out", str(tmp_path / "runs"), "--write", "--units"]
    assert cpu_mode.main([*arguments, "fixmatch"]) == 0
    page = (tmp_path / "benchmarks" / "cpu_mode.md").read_text(encoding="utf-8")
    assert "2 pairs, error without minus with: 0.100 ± 0.000, from 0.100 to 0.100; holds" in page
    assert "| 3.11.7 | jax 0.7.2 | 1 | 1 | 0.201 | 0.301 | 0.401 | 0.100 | 30 |" in page
    monkeypatch.setattr("course.training.recorded.resources.files", lambda package: units)
    about = load_recorded("shapes", "fixmatch").about
    assert (about["runs"], about["with"]) == (2, ["Python 3.11.7, jax 0.7.2, 1 thread"])
    assert about["band"]["val error rate"] == [[10, 0.2, 0.2005, 0.201]]
    assert [row[0] for row in about["band"]["mask rate"]] == list(range(1, 11))
    names = sorted(path.name for path in units.glob("fixmatch/runs/*.jsonl"))
    assert names == ["shapes-base.jsonl", "shapes-fixmatch.jsonl", "shapes-without.jsonl"]

    assert cpu_mode.main([*arguments, "mixmatch", "flexmatch"]) == 0
    both = (tmp_path / "benchmarks" / "cpu_mode.md").read_text(encoding="utf-8")
    assert both.startswith(page), "the unit that was not trained again keeps its table"
    assert "| 3.11.7 | torch 2.11.0 | 1 | 0 | 0.250 | 0.200 | 0.240 | -0.050 | 30 |" in both
    assert load_recorded("shapes", "mixmatch").about["band"]["val error rate"] == [[10, 0.2, 0.2005, 0.201]]
    monkeypatch.setattr("course.units.flexmatch.figures.folder_of", lambda unit: units / unit)
    found = load_index_bug()
    assert (found["about"]["runs"], found["about"]["steps"]) == (2, 10)
    assert [(run["run"], run["seed"]) for run in found["runs"]] == [
        (run, seed) for seed in (0, 1) for run in ("flexmatch", "flexmatch-bug", "fixmatch")
    ]
    assert found["runs"][0]["agreement"] == [0.55], "one number is the mean of ten steps"


def test_a_failed_run_is_named_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = subprocess.CompletedProcess([], 2, "", "much\nerror: no disk\n")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: failed)
    assert cpu_mode.main(["python", "--seeds", "1", "--out", str(tmp_path)]) == 2
    assert "fixmatch, seed 0: error: no disk" in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """`shapes` as far as these runs need it: drawing all of it takes longer than their steps."""
    splits = make_shapes(n_train=2000, n_test=20)
    monkeypatch.setattr("autograder.units.torch_runs.load_dataset", lambda name: {"shapes": splits}[name])


@pytest.mark.parametrize("unit", ["mixmatch", "flexmatch"])
@pytest.mark.usefixtures("few_images")
def test_the_runs_of_a_unit_are_made_with_the_notebooks_settings(
    unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"steps": 4, "batch_size": 4, "num_validation_samples_per_class": 2}
    for settings in (modes._MIXMATCH, modes._FLEXMATCH_START, modes._FLEXMATCH_RUN):
        monkeypatch.setitem(settings, "cpu", {**settings["cpu"], **short})
    monkeypatch.setitem(
        modes._FLEXMATCH, "cpu", {**modes._FLEXMATCH["cpu"], "num_validation_samples_per_class": 2}
    )
    monkeypatch.setitem(modes._MIXMATCH["cpu"], "num_iter", 4)
    assert unit_runs.main([unit, "--seed", "1", "--out", str(tmp_path)]) == 0
    asked = UNITS[unit].settings(1)
    assert {folder.name for folder in tmp_path.iterdir()} == set(asked)
    for run, settings in asked.items():
        assert cpu_mode.holds_run(tmp_path / run, settings), run
        assert not cpu_mode.holds_run(tmp_path / run, {**settings, "seed": 2}), run
    result = cpu_mode.read_result(unit, cpu_mode.Place(Path("python"), 1, 1, tmp_path))
    assert list(result.errors) == list(UNITS[unit].titles) and all(0 < e < 1 for e in result.errors.values())


NEW_UNIT = """
from types import SimpleNamespace

from autograder.units.runs import torch_runs
from autograder.units.torch_runs import train_run
from course.training.modes import mixmatch_hparams
from solutions.supervised_torch import labeled_only_loss

RATES = {"fast": 0.01, "slow": 0.001}
SHORT = {"steps": 3, "batch_size": 4, "num_validation_samples_per_class": 2, "eval_step": 3}


def hparams(seed, out):
    return {run: mixmatch_hparams("cpu", str(out / run), seed=seed, lr=RATES[run], **SHORT) for run in RATES}


def train(seed, out):
    for chosen in hparams(seed, out).values():
        train_run("mixmatch", chosen, labeled_only_loss, lambda lr, *_: lambda step: lr)


TITLES = {run: f"{run} rate" for run in RATES}
RUNS = torch_runs("toy", TITLES, hparams, train, shown=("supervised loss",), must_win=False)
UNIT = SimpleNamespace(runs=lambda: RUNS)
"""


@pytest.mark.usefixtures("few_images")
def test_a_new_unit_that_trains_is_benchmarked_without_an_edit_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "units" / "toy" / "runs").mkdir(parents=True)
    (tmp_path / "units" / "toy" / "__init__.py").write_text(NEW_UNIT)
    monkeypatch.setattr(autograder.units, "__path__", [*autograder.units.__path__, str(tmp_path / "units")])
    course = load_course()
    with_toy = replace(course, units=(*course.units, replace(course.units[0], name="toy")))
    monkeypatch.setattr(cpu_mode, "load_course", lambda: with_toy)
    monkeypatch.setattr(cpu_mode, "UNITS", cpu_mode.units_that_train())
    monkeypatch.setattr(cpu_mode, "HERE", tmp_path)
    monkeypatch.setattr(cpu_mode, "UNITS_FOLDER", tmp_path / "units")

    def here(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[1:3] == ["-m", "benchmarks.unit_runs"]
        return subprocess.CompletedProcess(command, unit_runs.main(command[3:]), "", "")

    monkeypatch.setattr(subprocess, "run", here)
    arguments = ["--units", "toy", "--seeds", "1", "--out", str(tmp_path / "out"), "--write"]
    monkeypatch.chdir(cpu_mode.ROOT)
    assert cpu_mode.main(arguments) == 0
    page = (tmp_path / "cpu_mode.md").read_text(encoding="utf-8")
    assert "## `toy`" in page and "(shown, not promised)" in page
    kept = {path.name for path in (tmp_path / "units" / "toy" / "runs").iterdir()}
    assert kept == {f"shapes-{run}.{kind}" for run in ("fast", "slow") for kind in ("json", "jsonl")}


def test_the_commands_name_no_unit() -> None:
    for module in (cpu_mode, unit_runs):
        text = Path(module.__file__).read_text(encoding="utf-8")
        assert not [unit.name for unit in load_course().units if unit.name in text]
