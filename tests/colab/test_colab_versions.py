"""The packages are those of Colab, and the course says nothing against them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.colab


def test_set_up_finds_every_version_among_the_tested_ones(set_up_text: str) -> None:
    assert "Versions: course" in set_up_text
    assert "than tested" not in set_up_text


def test_versions_are_those_of_the_lock(interpreter: Path) -> None:
    lock = (ROOT / "requirements" / "colab.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lock if "==" in line and ";" not in line)
    asked = (
        "import json; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in %r}))"
    )
    names = ["jax", "flax", "optax", "numpy", "torchvision", "ipywidgets", "ipython"]
    done = subprocess.run([interpreter, "-c", asked % names], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: pins[name] for name in names}
    assert sys.version_info >= (3, 12)
