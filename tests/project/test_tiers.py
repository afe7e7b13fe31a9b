"""Which tests are `unit`, and that such a test cannot start a process unseen."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TRIES = """
import os, subprocess, sys
import pytest

def test_quiet():
    assert True

def test_process():
    subprocess.run([sys.executable, "-c", ""], check=True)

@pytest.mark.process
def test_known():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_fork():
    child = os.fork() or os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def listed(request: pytest.FixtureRequest) -> list[str]:
    """The places that the conftest of all tests names."""
    (plugin,) = [p for p in request.config.pluginmanager.get_plugins() if hasattr(p, "UNIT_TESTS")]
    return [*plugin.UNIT_TESTS, *plugin.LONGEST]


def test_every_place_in_the_lists_is_there(listed: list[str]) -> None:
    assert [place for place in listed if not (TESTS / place).exists()] == []
    assert len(listed) == len(set(listed))


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_unit_test_that_starts_a_process_fails(tmp_path: Path) -> None:
    for folder in ("course/data", "project"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / f"test_{Path(folder).name}.py").write_text(TRIES)
    (tmp_path / "tests" / "support").mkdir()
    for file in ("conftest.py", "support/quick_commands.py"):
        (tmp_path / "tests" / file).write_bytes((TESTS / file).read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-o", "markers=unit\nprocess\nslow", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "2 failed, 6 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED tests/project" not in done.stdout
    for event in ("subprocess.Popen", "os.fork"):
        assert f"a unit test started {event}" in done.stdout
