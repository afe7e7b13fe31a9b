"""The set-up: with and without Colab, package, network, pip, GPU and Drive."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from course.checks import state
from course.errors import CourseError
from course.notebook.setup import Machine, machine, setup
from course.notebook.setup.machine import Python, _jax_backend
from course.notebook.setup.packages import (
    ADDED,
    NEEDED,
    TESTED,
    add_package,
    how_to_install,
    require_packages,
    version_notes,
)
from course.notebook.setup.report import choose_mode, device_note, in_columns, work_folder, work_note
from course.notebook.setup.search import MOST_FOLDERS, FoundFile, search, unpack_beside
from course.notebook.setup.start import checkpoint_notes, tensorboard_beside

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = {
    "jax": "0.7.2",
    "flax": "0.11.2",
    "optax": "0.2.8",
    "jax-resnet": "0.0.4",
    "numpy": "2.1.3",
    "torch": "2.11.0+cu128",
    "torchvision": "0.26.0",
}
WITHOUT_RESNET = {name: version for name, version in VERSIONS.items() if name != "jax-resnet"}
PLAIN = Python(executable="/py", pip=True, uv=False, virtual=True, managed=False, writable=True)


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
        places=(tmp_path,),
        environ={},
        python="3.11",
        packages=PLAIN,
        version=versions.get,
        importable=lambda module: True,
        add=lambda content: versions.update({"jax-resnet": "0.0.4"}),
        tidy=lambda: None,
        run=Pip(versions),
        backend=lambda: ("cpu", "cpu"),
        nvidia=False,
    )
    return replace(machine, **changes)


def a_machine_without_resnet(tmp_path, code=0, stderr="", **changes):
    versions = dict(WITHOUT_RESNET)
    return a_machine(tmp_path, version=versions.get, run=Pip(versions, code, stderr), **changes)


def a_zip(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


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


@pytest.mark.parametrize(
    "changes",
    [{"colab": True}, {"nvidia": True}, {"backend": lambda: ("gpu", "Tesla T4")}, {"python": "3.9"}],
    ids=["Colab", "an idle GPU", "a GPU", "an old Python"],
)
def test_no_line_of_the_report_is_longer_than_100_columns(tmp_path, capsys, changes):
    env = setup(
        a_machine_without_resnet(tmp_path, **changes),
        checkpoint="resnet18-cifar10-400.safetensors",
        notes=["Note: this one is long. " * 9],
    )
    lines = capsys.readouterr().out.splitlines()
    assert "\n".join(lines) == str(env)
    long = [line for line in lines if len(line) > 100 and str(tmp_path) not in line]
    assert long == []
    assert len(lines) > len(env.notes), "something was longer"


def test_a_path_and_a_command_are_not_broken():
    path, command = f"/{'folder/' * 20}", '`pip install "jax[cuda12]" --upgrade`'
    text = in_columns(f"{'word ' * 15}{command}, then {path}.\nA second line.")
    first, second, third, fourth = text.split("\n")
    assert first == ("word " * 15).strip()
    assert second == f"  {command}, then" and third == f"  {path}." and fourth == "A second line."


def test_colab_without_jax_resnet_installs_that_alone(tmp_path):
    machine = a_machine_without_resnet(tmp_path, colab=True)
    env = setup(machine)
    assert machine.run.commands == [
        ["/py", "-m", "pip", "install", "--quiet", "--no-deps", "jax-resnet==0.0.4"]
    ]
    assert env.notes[0].startswith("Installed jax-resnet==0.0.4")


@pytest.mark.parametrize("place", ["bundle", "in.zip"])
def test_a_wheel_near_the_notebook_is_preferred_to_the_network(tmp_path, place):
    name, added = "jax_resnet-0.0.4-py3-none-any.whl", []
    if place == "in.zip":
        a_zip(tmp_path / place, {f"fixmatch/{name}": b"wheel"})
    else:
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_bytes(b"wheel")
    machine = a_machine(tmp_path, add=added.append)
    assert str(tmp_path / place) in add_package(machine, "jax-resnet", "jax-resnet==0.0.4")
    assert added == [b"wheel"]
    assert machine.run.commands == []


def test_without_pip_uv_installs(tmp_path):
    machine = a_machine_without_resnet(tmp_path, packages=replace(PLAIN, pip=False, uv=True))
    setup(machine)
    assert machine.run.commands[0][:5] == ["uv", "pip", "install", "--python", "/py"]


PEP_668 = "error: externally-managed-environment\n\nhint: See PEP 668 for the detailed specification."
OFFLINE = "WARNING: retrying\nERROR: No matching distribution found for jax-resnet==0.0.4"
FORBIDDEN = "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/lib'"


@pytest.mark.parametrize(
    ("packages", "stderr", "cause"),
    [
        ({}, OFFLINE, "this machine is offline"),
        ({}, "error: dns error: failed to lookup address", "this machine is offline"),
        ({}, PEP_668, "this Python belongs to the operating system"),
        ({}, FORBIDDEN, "you may not write into this environment"),
        ({"virtual": False}, FORBIDDEN, "you may not write into this Python's folder"),
        ({"managed": True, "virtual": False}, None, "this Python belongs to the operating system"),
        ({"pip": False}, None, "this Python has no pip"),
        ({"pip": False, "uv": True}, "error: read-only", "this Python has no pip"),
        ({}, "WARNING: odd\nERROR: strange", "it could not be installed (ERROR: strange)"),
        ({}, "", "it could not be installed (no reason was given)"),
    ],
)
def test_what_cannot_be_installed_is_a_note_and_the_set_up_goes_on(tmp_path, packages, stderr, cause):
    machine = a_machine_without_resnet(
        tmp_path, code=1, stderr=stderr or "", packages=replace(PLAIN, **packages)
    )
    note, *others = setup(machine).notes
    assert note.startswith(f"jax-resnet is missing here, and {cause}") and "\n" not in note
    assert "The course's own ResNet18 takes its place." in note and note.endswith("there is nothing to do.")
    assert bool(machine.run.commands) == (stderr is not None), "what cannot work is not tried"
    assert len(others) == 3, "versions, device and folder, as elsewhere"


def test_all_that_is_missing_is_named_at_once_and_never_installed(tmp_path):
    versions = {
        name: version for name, version in WITHOUT_RESNET.items() if name not in ("jax", "torchvision")
    }
    pip = Pip(versions)
    machine = a_machine(tmp_path, version=versions.get, run=pip, importable=lambda name: name != "yaml")
    with pytest.raises(CourseError) as raised:
        setup(machine)
    assert "jax, torchvision, pyyaml, jax-resnet are not installed" in str(raised.value)
    assert "`%pip install jax torchvision pyyaml jax-resnet`" in str(raised.value)
    assert pip.commands == []
    with pytest.raises(CourseError, match="uv pip install"):
        require_packages(replace(machine, packages=replace(PLAIN, pip=False, uv=True)))


@pytest.mark.parametrize("virtual", [True, False])
def test_an_operating_systems_python_is_known_by_its_marker(tmp_path, monkeypatch, virtual):
    monkeypatch.setattr(machine.sysconfig, "get_path", lambda name: str(tmp_path / name))
    monkeypatch.setattr(sys, "prefix", "here" if virtual else sys.base_prefix)
    (tmp_path / "stdlib").mkdir()
    assert not Python.this_one().managed
    (tmp_path / "stdlib" / "EXTERNALLY-MANAGED").touch()
    found = Python.this_one()
    assert (found.managed, found.virtual) == (not virtual, virtual)
    assert not found.writable, "there is no such folder"


@pytest.mark.process
def test_a_users_own_folder_of_packages_is_known_once_pip_has_made_it(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(machine.site, "getusersitepackages", lambda: str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert machine._run([sys.executable, "-S", "-c", ""]).returncode == 0
    assert str(tmp_path) in sys.path


def test_a_wheel_that_was_added_can_be_imported(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    wheel = a_zip(tmp_path / "w.whl", {"a_package_of_this_test/__init__.py": "value = 7"})
    machine._add(wheel.read_bytes())
    assert importlib.import_module("a_package_of_this_test").value == 7
    del sys.modules["a_package_of_this_test"]


def test_what_is_known_already_is_said_before_something_missing_ends_the_cell(tmp_path, capsys):
    with pytest.raises(CourseError):
        setup(a_machine(tmp_path, importable=lambda name: False), notes=["Note: the package is old."])
    assert capsys.readouterr().out == "Note: the package is old.\n"


def test_a_plain_python_has_nothing_in_the_way():
    assert how_to_install(PLAIN, "x") == ("", "run `%pip install x` in a new cell")


@pytest.mark.parametrize(
    ("name", "version", "note"),
    [
        ("jax", "0.7.2", None),
        ("jax", "0.7.1", "Note: older than tested"),
        ("jax", "0.12.3", None),
        ("jax", "0.13.0", "Newer than tested, and most likely fine"),
        ("torch", "2.11.0+cu128", None),
        ("torch", "2.15.0", "Newer than tested, and most likely fine"),
        ("numpy", "1.26.4", "Note: older than tested"),
        ("numpy", "2.4.0rc1", None),
    ],
)
def test_versions_are_a_note_and_never_stop(name, version, note):
    notes = version_notes("3.13", {**VERSIONS, name: version})
    assert notes[0].startswith("Versions: course ") and ", Python 3.13" in notes[0]
    assert len(notes) == (1 if note is None else 2)
    if note:
        assert notes[1].startswith(note) and f"{name} {version}" in notes[1]
        assert ("instructor" in notes[1]) == note.startswith("Note"), "a newer version is no alarm"


def test_several_newer_versions_are_one_line():
    notes = version_notes("3.14", {**VERSIONS, "jax": "1.0", "torch": "3.0"})
    assert len(notes) == 2
    assert all(name in notes[1] for name in ("Python 3.14", "jax 1.0", "torch 3.0"))


def test_an_old_python_is_noted():
    assert any("Python 3.10" in note for note in version_notes("3.10", VERSIONS)[1:])


@pytest.mark.parametrize("lock", ["dev.txt", "colab.txt"])
def test_the_tested_ranges_hold_the_versions_that_are_tested(lock):
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, flags=re.MULTILINE))
    assert len(version_notes("3.12", {name: pins[name] for name in TESTED})) == 1


def requirements(part):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = project["dependencies"] if part is None else project["optional-dependencies"][part]
    return dict(re.fullmatch(r"([a-z-]+)(.*)", line).groups() for line in given)


def test_the_tested_ranges_begin_where_the_package_declares():
    declared = requirements(None)
    assert {name: re.sub("[>=]", "", declared[name]) for name in TESTED} == {
        name: low for name, (low, _) in TESTED.items()
    }
    assert set(NEEDED) == set(declared) - set(TESTED), "what is looked for is what is declared"
    assert ADDED["jax-resnet"] == f"jax-resnet{declared['jax-resnet']}"


def test_students_install_nothing_newer_than_what_is_tested():
    student = requirements("student")

    def next_one(high):
        *front, last = high.split(".")
        return ".".join([*front, str(int(last) + 1)])

    bounded = {name: high for name, (_, high) in TESTED.items() if name not in ADDED}
    assert {name: student.get(name) for name in bounded} == {
        name: f"<{next_one(high)}" for name, high in bounded.items()
    }


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


def test_files_are_found_nearest_first_and_in_hidden_folders_never(tmp_path):
    for name in ("a/b/c/d/f.bin", "a/b/f.bin", "z/f.bin", ".venv/f.bin", "__pycache__/f.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    a_zip(tmp_path / "a" / "some.zip", {"inside/f.bin": b"content"})
    assert list(search("f.bin", (tmp_path,))) == [
        FoundFile(tmp_path / "a/some.zip", "inside/f.bin"),
        *(FoundFile(tmp_path / name) for name in ("z/f.bin", "a/b/f.bin", "a/b/c/d/f.bin")),
    ]
    assert list(search("f.bin", (tmp_path, tmp_path / "z"), most=1)) == []
    env = setup(a_machine(tmp_path))
    assert env.find("unit", "g.bin") is None


def test_a_drive_with_many_folders_is_not_searched_to_its_end(tmp_path):
    for number in range(MOST_FOLDERS + 20):
        (tmp_path / f"{number:04d}").mkdir()
    (tmp_path / "0000" / "f.bin").touch()
    (tmp_path / f"{MOST_FOLDERS + 10:04d}" / "f.bin").touch()
    assert list(search("f.bin", (tmp_path,))) == [FoundFile(tmp_path / "0000" / "f.bin")]


def test_a_checkpoint_is_taken_out_of_the_zip_file_with_its_description(tmp_path):
    up = tmp_path / "up"
    a_zip(up / "fixmatch.zip", {"fixmatch/f.bin": b"content", "fixmatch/f.json": "{}"})
    (up / "a uploading.zip").write_bytes(b"PK")
    env = setup(a_machine(tmp_path))
    assert env.find("fixmatch", "f.bin") == up / "f.bin"
    assert (up / "f.bin").read_bytes() == b"content"
    assert sorted(path.name for path in up.iterdir()) == [
        "a uploading.zip",
        "f.bin",
        "f.json",
        "fixmatch.zip",
    ]
    (up / "fixmatch.zip").unlink()
    assert env.find("fixmatch", "f.bin") == up / "f.bin", "the second time it is there"


def test_nothing_in_a_zip_file_gets_out_of_the_folder(tmp_path):
    up = tmp_path / "a" / "up"
    a_zip(up / "bad.zip", {"../../f.bin": b"outside", "/f.json": b"root"})
    assert unpack_beside(up / "bad.zip", ("f.bin", "f.json"), tmp_path / "spare") == up / "f.bin"
    assert sorted(path.name for path in tmp_path.rglob("f.*")) == ["f.bin", "f.json"]


def test_a_zip_file_in_a_read_only_folder_is_unpacked_into_the_work_folder(tmp_path, monkeypatch):
    a_zip(tmp_path / "fixmatch.zip", {"f.bin": b"content"})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    env = setup(a_machine(tmp_path))
    assert env.find("fixmatch", "f.bin") == env.work / "f.bin"
    assert not (tmp_path / "f.bin").exists()
    (tmp_path / "fixmatch.zip").unlink()
    assert env.find("fixmatch", "f.bin") == env.work / "f.bin", "the second time it is there"


def test_a_zip_file_that_cannot_be_unpacked_is_named(tmp_path):
    path = a_zip(tmp_path / "fixmatch.zip", {"f.bin": b"content"})
    path.write_bytes(path.read_bytes().replace(b"content", b"damaged"))
    with pytest.raises(CourseError, match=r"f\.bin cannot be extracted from .*fixmatch\.zip"):
        setup(a_machine(tmp_path)).find("fixmatch", "f.bin")


def test_a_missing_checkpoint_is_named_in_the_first_cell_where_a_gpu_needs_it(tmp_path):
    gpu = {"backend": lambda: ("gpu", "Tesla T4")}
    env = setup(a_machine(tmp_path, **gpu), checkpoint="f.bin")
    (note,) = [note for note in env.notes if "f.bin" in note]
    assert note.startswith("Missing: f.bin") and str(tmp_path) in note and "run this cell again" in note
    assert checkpoint_notes(replace(env, mode="cpu"), "f.bin") == []
    assert checkpoint_notes(env, "") == []
    assert checkpoint_notes(replace(env, published="https://x"), "f.bin") == [], "it is fetched when needed"
    (tmp_path / "f.bin").touch()
    assert checkpoint_notes(env, "f.bin") == [f"On a GPU, training starts from {tmp_path / 'f.bin'}."]


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
    with pytest.raises(CourseError, match=r"f\.json cannot be fetched"):
        env.find("unit", "f.bin")
    assert list((tmp_path / "work").iterdir()) == []


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


def test_the_set_up_cell_notes_what_jax_starts_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_defaults", {})
    _jax_backend()
    assert state._defaults["jax_enable_x64"] is False
