"""The benchmark of CPU mode: its arithmetic, its commands, and what it keeps; the training is its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cpu_mode
from benchmarks.cpu_mode import ARMS, Pair
from course.recorded import load_recorded
from course.training.checkpoint import PROVIDED_SHAPES

ERRORS = {"fixmatch": 0.2, "without": 0.3, "base": 0.4}


def pairs(*gaps: float) -> list[Pair]:
    return [Pair("3.11.7", "0.7.2", seed, 0.2, 0.2 + gap, 0.5, 90.0) for seed, gap in enumerate(gaps)]


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
    held, said = cpu_mode.verdict(pairs(*gaps))
    assert held is holds
    assert ("DOES NOT HOLD" in said) is not holds
    assert f"from {min(gaps):.3f} to {max(gaps):.3f}" in said


def test_the_two_runs_of_a_pair_differ_in_the_unlabeled_loss_alone() -> None:
    with_it, without = (
        cpu_mode.command(Path("python"), arm, 3, Path("out")) for arm in (cpu_mode.WITH, cpu_mode.WITHOUT)
    )
    assert [word for word in without if word not in with_it] == ["--lambda-coef", "0.0"]
    assert with_it[with_it.index("--seed") + 1] == "3"
    assert cpu_mode.ROOT / with_it[with_it.index("--checkpoint") + 1] == PROVIDED_SHAPES


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Runs that take no time, and their commands."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        folder = cpu_mode.ROOT / command[command.index("--out") + 1]
        arm = folder.name.rsplit("-", 1)[1]
        seed = int(command[command.index("--seed") + 1])
        folder.mkdir(parents=True)
        last = {"step": 2, "epoch": 0, "mask rate": 0.5, "val error rate": ERRORS[arm] + seed / 1000}
        lines = [{"step": 1, "epoch": 0, "mask rate": 0.1}, last]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        about = dict.fromkeys(
            ("method", "labels", "steps", "seed", "checkpoint", "hardware", "note", "command")
        )
        result = about | {"data": "shapes", "seconds": 10.0, "versions": {"python": "3.11.7", "jax": "0.7.2"}}
        (folder / "result.json").write_text(json.dumps(result))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_only_what_is_missing_is_trained(trained: list[list[str]], tmp_path: Path) -> None:
    arguments = ["one", "two", "--seeds", "2", "--out", str(tmp_path)]
    assert cpu_mode.main(arguments) == 0
    assert len(trained) == 2 * 2 * len(ARMS)
    assert cpu_mode.main(arguments) == 0
    assert len(trained) == 2 * 2 * len(ARMS), "nothing was missing"


def test_what_is_kept_holds_every_run(
    trained: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_mode, "HERE", tmp_path / "benchmarks")
    monkeypatch.setattr(cpu_mode, "RECORDED", tmp_path / "course" / "recorded")
    (tmp_path / "benchmarks").mkdir()
    recorded = cpu_mode.RECORDED
    recorded.mkdir(parents=True)
    assert cpu_mode.main(["one", "--seeds", "2", "--out", str(tmp_path / "runs"), "--write"]) == 0
    page = (tmp_path / "benchmarks" / "cpu_mode.md").read_text(encoding="utf-8")
    assert "2 pairs: gap 0.100 ± 0.000, from 0.100 to 0.100; holds" in page
    assert "| 3.11.7 | 0.7.2 | 1 | 0.201 | 0.301 | 0.401 | 0.100 | 20 |" in page
    monkeypatch.setattr("course.recorded.resources.files", lambda package: recorded)
    about = load_recorded("shapes", "fixmatch").about
    assert (about["runs"], about["with"]) == (2, ["Python 3.11.7, jax 0.7.2"])
    assert about["band"]["val error rate"] == [[2, 0.2, 0.2005, 0.201]]
    assert [row[0] for row in about["band"]["mask rate"]] == [1, 2]
    names = sorted(path.name for path in recorded.glob("*.jsonl"))
    assert names == ["shapes-base.jsonl", "shapes-fixmatch.jsonl", "shapes-without.jsonl"]


def test_a_failed_run_is_named_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = subprocess.CompletedProcess([], 2, "", "much\nerror: no disk\n")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: failed)
    assert cpu_mode.main(["python", "--seeds", "1", "--out", str(tmp_path)]) == 2
    assert "seed 0, fixmatch: error: no disk" in " ".join(capsys.readouterr().out.split())
