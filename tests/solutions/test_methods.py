"""One record a method, one type for a request and one for a result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course.training import FixMatchHparams
from course.training.torch.hparams import TorchFixMatchHparams
from course.units.comparison.figures import NAMES
from solutions.experiments.frameworks import AUGMENTATIONS
from solutions.experiments.methods import METHODS
from solutions.experiments.run_result import Ends, RunResult
from solutions.experiments.spec import Given, RunSpec
from solutions.experiments.tidy import row_of

ROOT = Path(__file__).parents[2]
# Workers, which are other processes, import it as well. The commands are lists of words in JSON.
ONE_MORE = """
import json
import sys
from dataclasses import replace
from solutions.experiments.methods import METHODS, Method
fixmatch = METHODS["fixmatch"]
METHODS["newmatch"] = Method(
    replace(fixmatch.torch, name="newmatch", title="NewMatch"), "A method of tomorrow.", fixmatch.loss,
    presets={"tiny": {"mu": 3}},
)
if __name__ == "__main__":
    from solutions.experiments.cli import app
    for words in json.loads(sys.argv[1]):
        app(words, standalone_mode=False)
"""


def test_a_method_is_one_record(small_npz: Path, tmp_path: Path) -> None:
    """Command, sweep, files and table know a method as soon as it is in the table of methods."""

    script = tmp_path / "one_more.py"
    script.write_text(ONE_MORE)
    out, figure = tmp_path / "sweep", tmp_path / "accuracy.svg"
    sizes = ("--preset", "tiny", "--steps", "2", "--eval-step", "1", "--data", small_npz, "--jobs", "1")
    commands = [
        ("train", "--help"),
        ("sweep", "--methods", "newmatch", "--labels", "40", "--seeds", "1", *sizes, "--out", out),
        ("table", out),
        ("plot", out, "--out", figure),
    ]
    done = subprocess.run(
        [sys.executable, str(script), json.dumps([[str(word) for word in words] for words in commands])],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "A method of tomorrow." in done.stdout
    assert (out / "results.csv").read_text().splitlines()[1].startswith("newmatch,torch,wrn-10-1,tiny,")
    _, table = done.stdout.split("A method of tomorrow.")
    assert "newmatch" in table
    assert "newmatch" in figure.read_text()
    result = json.loads((out / "runs" / "newmatch-40-0" / "result.json").read_text())
    assert (result["method"], result["hparams"]["mu"]) == ("newmatch", 3)


def test_a_list_of_the_methods_does_not_wait_for_pytorch() -> None:
    """``--help`` is there at once."""
    code = "import sys, solutions.experiments.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_figures_have_a_title_for_each_method() -> None:
    assert {name: method.torch.title for name, method in METHODS.items()} == NAMES


def test_the_hyperparameters_are_those_of_the_framework() -> None:
    assert METHODS["fixmatch"].hparams == {"jax": FixMatchHparams, "torch": TorchFixMatchHparams}
    assert list(METHODS["mixmatch"].hparams) == ["torch"]


def test_a_request_passes_through_json(tmp_path: Path) -> None:
    spec = RunSpec("mixmatch", tmp_path / "a", labels=40, note="b", given=Given({"seed": 3}, {"steps": 5}))
    assert RunSpec.of(json.loads(json.dumps(spec.plain()))) == spec


# --- results --------------------------------------------------------------------------------------

NEW = RunResult(
    method="fixmatch",
    framework="torch",
    model="wrn-10-1",
    preset=None,
    seed=1,
    steps=60,
    test_error=0.25,
    test_error_raw=0.3,
    other={"test loss": 1.5},
    val_error=0.2,
    ends={"mask rate": Ends.of([0.0] * 30 + [1.0] * 30)},
    seconds=9.0,
    seconds_this_process=4.0,
    steps_this_process=30,
    hardware="a CPU",
    versions={"torch": "2"},
    data="shapes",
    labels=40,
    checkpoint="none",
    augmentation="course",
    hparams={"batch_size": 4, "mu": 2},
    note="",
    command="python",
)


def test_a_new_result_has_the_files_names_in_the_files_order() -> None:
    content = NEW.to_json()
    assert list(content) == [
        *("method", "framework", "model", "preset", "seed", "steps", "test error (EMA)", "test error (raw)"),
        *("test loss", "val error rate", "mask rate, first 50 steps", "mask rate, last 50 steps"),
        *("seconds", "seconds_this_process", "steps_this_process", "hardware", "versions", "data", "labels"),
        *("checkpoint", "augmentation", "hparams", "note", "command"),
    ]
    assert (content["mask rate, first 50 steps"], content["mask rate, last 50 steps"]) == (0.4, 0.6)
    again = RunResult.read(content)
    assert again.to_json() == content
    assert (again.ends, again.other, again.val_error) == (NEW.ends, NEW.other, 0.2)
    assert row_of(again) | {"test_error": 0.25, "trained_images": 20, "forward_images": 0} == row_of(again)


def recorded() -> list[Any]:
    """All results that the repository keeps."""
    found = json.loads((ROOT / "solutions" / "results" / "results.json").read_text(encoding="utf-8"))
    assert len(found) > 3
    return [{name: value for name, value in run.items() if name != "records"} for run in found]


def test_recorded_results_are_written_as_they_were_read() -> None:
    for content in recorded():
        assert json.dumps(RunResult.read(content).to_json()) == json.dumps(content)


@pytest.mark.parametrize(
    "lacking", ["framework", "seconds", "steps_this_process", "mask rate, first 50 steps"]
)
def test_what_an_older_file_lacks_is_not_made_up(lacking: str) -> None:
    older = {"later": 1, **{k: v for k, v in reversed(NEW.to_json().items()) if k != lacking}}
    result = RunResult.read(older)
    assert json.dumps(result.to_json()) == json.dumps(older)
    assert result.lacks("framework") == ("framework" if lacking == "framework" else None)


@pytest.mark.parametrize("name", ["course", "device"])
def test_jax_mirrors_images_where_the_data_set_allows_it(name: str) -> None:
    for flip in (True, False):
        assert [view.flip for view in AUGMENTATIONS[name](flip)] == [flip, flip]
