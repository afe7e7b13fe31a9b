"""The set-up cell: with and without Colab, wheel, network, GPU and Drive."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from course.environment import (
    SETUP_CELL,
    TESTED,
    Machine,
    _jax_backend,
    choose_mode,
    device_note,
    find_files,
    install,
    setup,
    setup_cell,
    tensorboard_beside,
    version_notes,
    work_folder,
    work_note,
)
from course.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = {
    "jax": "0.7.2",
    "flax": "0.11.2",
    "optax": "0.2.8",
    "jax-resnet": "0.0.4",
    "numpy": "2.1.3",
    "torch": "2.11.0+cu128",
    "torchvision": "0.26.0",
}


class Pip:
    """Records commands; a successful one makes jax-resnet appear."""

    def __init__(self, versions, code=0, stderr=""):
        self.versions, self.code, self.stderr, self.commands = versions, code, stderr, []

    def __call__(self, command):
        self.commands.append(list(command))
        if self.code == 0:
            self.versions["jax-resnet"] = "0.0.4"
        return subprocess.CompletedProcess(command, self.code, stdout="", stderr=self.stderr)


def a_machine(tmp_path, **changes):
    versions = dict(VERSIONS)
    machine = Machine(
        colab=False,
        drive=tmp_path / "drive" / "MyDrive",
        folder=tmp_path,
        environ={},
        python="3.11",
        version=versions.get,
        run=Pip(versions),
        backend=lambda: ("cpu", "cpu"),
        nvidia=False,
    )
    return replace(machine, **changes)


def test_a_complete_machine_installs_nothing_and_says_what_it_found(tmp_path, capsys):
    machine = a_machine(tmp_path)
    env = setup(machine)
    out, err = capsys.readouterr()
    assert machine.run.commands == []
    assert err == ""
    assert out == str(env) + "\n"
    assert env.mode == "cpu"
    assert "numpy 2.1.3" in out and "CPU mode" in out and str(env.work) in out
    assert not env.work.exists(), "nothing is written before there is something to write"


def test_colab_without_jax_resnet_installs_that_alone(tmp_path):
    versions = {k: v for k, v in VERSIONS.items() if k != "jax-resnet"}
    pip = Pip(versions)
    env = setup(a_machine(tmp_path, colab=True, version=versions.get, run=pip))
    assert pip.commands == [
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "jax-resnet==0.0.4"]
    ]
    assert env.notes[0].startswith("Installed jax-resnet==0.0.4")


def test_a_wheel_beside_the_notebook_is_preferred_to_the_network(tmp_path):
    wheel = tmp_path / "bundle" / "jax_resnet-0.0.4-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    machine = a_machine(tmp_path)
    install(machine, "jax-resnet", "jax-resnet==0.0.4")
    assert machine.run.commands[0][-1] == str(wheel)


def test_offline_names_the_command_to_run_by_hand(tmp_path):
    versions = {k: v for k, v in VERSIONS.items() if k != "jax-resnet"}
    pip = Pip(versions, code=1, stderr="WARNING: retrying\nERROR: No matching distribution found")
    with pytest.raises(CourseError) as raised:
        setup(a_machine(tmp_path, version=versions.get, run=pip))
    assert "No matching distribution found" in str(raised.value)
    assert "pip install --no-deps jax-resnet==0.0.4" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_big_package_is_named_and_never_installed(tmp_path):
    versions = {k: v for k, v in VERSIONS.items() if k != "torchvision"}
    pip = Pip(versions)
    with pytest.raises(CourseError, match="torchvision is not installed"):
        setup(a_machine(tmp_path, version=versions.get, run=pip))
    assert pip.commands == []


@pytest.mark.parametrize(
    ("name", "version", "warned"),
    [
        ("jax", "0.7.2", False),
        ("jax", "0.7.1", True),
        ("jax", "0.12.3", False),
        ("jax", "0.13.0", True),
        ("torch", "2.11.0+cu128", False),
        ("torch", "2.12.0", True),
        ("numpy", "1.26.4", True),
        ("numpy", "2.4.0rc1", False),
    ],
)
def test_versions_warn_and_never_stop(name, version, warned):
    notes = version_notes("3.13", {**VERSIONS, name: version})
    assert notes[0].startswith("Versions: Python 3.13")
    assert [f"{name} {version}" in note for note in notes[1:]] == ([True] if warned else [])


def test_an_old_python_is_warned_about():
    assert any("Python 3.10" in note for note in version_notes("3.10", VERSIONS)[1:])


@pytest.mark.parametrize("lock", ["dev.txt", "colab.txt"])
def test_the_tested_ranges_hold_the_versions_that_are_tested(lock):
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, flags=re.MULTILINE))
    assert len(version_notes("3.12", {name: pins[name] for name in TESTED})) == 1


def test_the_tested_ranges_begin_where_the_package_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = dict(re.findall(r"^([a-z-]+)[>=]=([\d.]+)$", "\n".join(project["dependencies"]), re.MULTILINE))
    assert {name: declared[name] for name in TESTED} == {name: low for name, (low, _) in TESTED.items()}


def test_the_mode_follows_the_device_unless_it_is_asked_for():
    assert choose_mode({}, "cpu") == "cpu"
    assert choose_mode({}, "gpu") == "gpu"
    assert choose_mode({"SSL_COURSE_MODE": "cpu"}, "gpu") == "cpu"
    assert choose_mode({"SSL_COURSE_MODE": "GPU"}, "cpu") == "gpu"
    with pytest.raises(CourseError, match="SSL_COURSE_MODE is 'tpu'"):
        choose_mode({"SSL_COURSE_MODE": "tpu"}, "cpu")


def test_the_gpu_is_asked_for_in_words_where_there_could_be_one(tmp_path):
    colab = device_note(a_machine(tmp_path, colab=True), "cpu", "cpu", "cpu")
    assert "Change runtime type" in colab and "T4 GPU" in colab and "from its top" in colab
    unused = device_note(a_machine(tmp_path, nvidia=True), "cpu", "cpu", "cpu")
    assert "jax[cuda12]" in unused and "Runtime" not in unused
    plain = device_note(a_machine(tmp_path), "cpu", "cpu", "cpu")
    assert "CPU mode" in plain and "jax[cuda12]" not in plain
    assert "Tesla T4" in device_note(a_machine(tmp_path, colab=True), "gpu", "gpu", "Tesla T4")
    assert "CPU mode" in device_note(a_machine(tmp_path), "cpu", "gpu", "Tesla T4")
    assert "hours" in device_note(a_machine(tmp_path), "gpu", "cpu", "cpu")


def test_work_is_kept_in_drive_when_it_is_mounted_and_its_loss_is_said_plainly_when_not(tmp_path):
    colab = a_machine(tmp_path, colab=True)
    assert "DELETED" in work_note(colab, work_folder(colab))
    assert work_folder(colab) == Path("/content/ssl-course-work")
    colab.drive.mkdir(parents=True)
    assert work_folder(colab) == colab.drive / "ssl-course"
    assert "survive" in work_note(colab, work_folder(colab))
    local = a_machine(tmp_path)
    assert work_folder(local) == tmp_path / "ssl-course-work"
    assert "DELETED" not in work_note(local, work_folder(local))
    chosen = a_machine(tmp_path, environ={"SSL_COURSE_WORK": str(tmp_path / "here")})
    assert work_folder(chosen) == tmp_path / "here"


def test_files_are_found_nearest_first_and_not_deeper_than_two_folders(tmp_path):
    for name in ("a/b/c/f.bin", "a/b/f.bin", "a/f.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_files("f.bin", (tmp_path,)) == [tmp_path / "a/f.bin", tmp_path / "a/b/f.bin"]
    env = setup(a_machine(tmp_path))
    assert env.find("unit", "f.bin") == tmp_path / "a/f.bin"
    assert env.find("unit", "g.bin") is None


def test_a_published_file_is_fetched_once_with_its_description(tmp_path):
    published, here = tmp_path / "published", tmp_path / "here"
    (published / "unit").mkdir(parents=True)
    here.mkdir()
    (published / "unit" / "f.bin").write_bytes(b"content")
    (published / "unit" / "f.json").write_text("{}")
    env = replace(
        setup(a_machine(here)), published=published.as_uri(), work=here / "work", places=(here / "nowhere",)
    )
    found = env.find("unit", "f.bin")
    assert found == here / "work" / "f.bin"
    assert found.read_bytes() == b"content"
    assert (here / "work" / "f.json").read_text() == "{}"
    (published / "unit" / "f.bin").unlink()
    assert env.find("unit", "f.bin") == found, "the second time it is there"


def test_a_published_file_that_is_not_there_leaves_nothing_behind(tmp_path):
    env = replace(setup(a_machine(tmp_path)), published=tmp_path.as_uri(), work=tmp_path / "work")
    with pytest.raises(CourseError, match=r"f\.json can not be fetched"):
        env.find("unit", "f.bin")
    assert list((tmp_path / "work").iterdir()) == []


# --- the cell itself, run by a Python that has neither the course nor pip ------------------------


def test_tensorboard_is_found_in_an_environment_that_is_not_activated(tmp_path):
    beside, on_path = tmp_path / "bin", tmp_path / "elsewhere"
    for folder in (beside, on_path):
        folder.mkdir()
    environ = {"PATH": str(on_path)}

    def put(folder):
        program = folder / ("tensorboard.exe" if sys.platform == "win32" else "tensorboard")
        program.touch(0o755)
        return program

    assert tensorboard_beside(beside / "python", environ) is None, "there is none"
    program = put(beside)
    assert tensorboard_beside(beside / "python", environ) == program
    assert tensorboard_beside(beside / "python", {**environ, "TENSORBOARD_BINARY": "mine"}) is None
    put(on_path)
    assert tensorboard_beside(beside / "python", environ) is None, "the notebook finds this one by itself"


STUB = 'def setup():\n    print("set up")\n    return "environment"\n'
PIP = """
    import os, pathlib, sys, zipfile
    pathlib.Path(os.environ["PIP_LOG"]).write_text("\\n".join(sys.argv[1:]))
    if os.environ.get("PIP_FAILS"):
        print("ERROR: no network", file=sys.stderr)
        sys.exit(1)
    with zipfile.ZipFile(sys.argv[-1]) as wheel:
        wheel.extractall(os.environ["PYTHONPATH"])
"""


def run_cell(tmp_path, cell, **environ):
    """Run the cell in a fresh interpreter whose pip unpacks wheels into its only import folder."""
    site = tmp_path / "site"
    (site / "pip").mkdir(parents=True)
    (site / "pip" / "__main__.py").write_text(textwrap.dedent(PIP))
    (site / "pip" / "__init__.py").touch()
    notebook = tmp_path / "notebook"
    notebook.mkdir(exist_ok=True)
    script = tmp_path / "cell.py"
    script.write_text(cell)
    # -S: no site-packages, where an installed course could be found; sys.path[0] is the script's folder.
    return subprocess.run(
        [sys.executable, "-S", str(script)],
        cwd=notebook,
        env={"PYTHONPATH": str(site), "PIP_LOG": str(tmp_path / "pip.log"), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def a_wheel(folder, version="0.1.0"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ssl_course-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("course/__init__.py", "")
        wheel.writestr("course/environment.py", STUB)
    return path


def test_the_cell_is_one_import_long_when_the_course_is_there(tmp_path):
    (tmp_path / "site" / "course").mkdir(parents=True)
    (tmp_path / "site" / "course" / "__init__.py").touch()
    (tmp_path / "site" / "course" / "environment.py").write_text(STUB)
    done = run_cell(tmp_path, SETUP_CELL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "set up\n", "")
    assert not (tmp_path / "pip.log").exists()


@pytest.mark.parametrize("place", [".", "bundle", "Colab Notebooks/bundle"])
def test_the_cell_installs_the_wheel_that_lies_with_the_notebook(tmp_path, place):
    a_wheel(tmp_path / "notebook" / place)
    done = run_cell(tmp_path, SETUP_CELL)
    assert (done.returncode, done.stdout) == (0, "set up\n"), done.stderr
    assert (tmp_path / "pip.log").read_text().splitlines()[:3] == ["install", "--quiet", "--no-deps"]


def test_the_cell_takes_the_newest_of_two_wheels(tmp_path):
    for version in ("0.1.0", "0.2.0"):
        a_wheel(tmp_path / "notebook", version)
    assert run_cell(tmp_path, SETUP_CELL).returncode == 0
    assert "0.2.0" in (tmp_path / "pip.log").read_text()


def test_without_a_wheel_the_cell_says_where_to_put_it(tmp_path):
    done = run_cell(tmp_path, setup_cell(None))
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "Put ssl_course-*.whl from the bundle beside this notebook" in last and "Colab" in last
    assert "During handling of" not in done.stderr


def test_a_published_course_is_fetched_from_its_repository(tmp_path):
    done = run_cell(tmp_path, setup_cell("someone/ssl"), PIP_FAILS="1")
    address = "https://github.com/someone/ssl/raw/main/ssl_course-0.1.0-py3-none-any.whl"
    assert (tmp_path / "pip.log").read_text().splitlines()[-1] == address
    assert done.returncode == 1
    assert f"RuntimeError: {address} could not be installed" in done.stderr and "no network" in done.stderr


@pytest.mark.parametrize(("given", "kept"), [(None, "false"), ("true", "true")])
def test_jax_leaves_a_gpus_memory_to_pytorch(
    given: str | None, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.setenv(name, given or "")
    if given is None:
        monkeypatch.delenv(name)
    _jax_backend()
    assert os.environ[name] == kept
