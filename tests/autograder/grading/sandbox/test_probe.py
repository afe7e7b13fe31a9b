"""The probe finds each hole, a level with a hole is not used, and the doctor says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.grading.sandbox import (
    Limits,
    Place,
    Sandbox,
    choice,
    environment,
    examine,
    find_sandbox,
    forkserver,
)
from autograder.grading.sandbox.bubblewrap import BWRAP, Bubblewrap, BubblewrapCell
from autograder.grading.sandbox.place import USER
from autograder.grading.sandbox.probe import PROMISES, Finding, probe
from autograder.grading.sandbox.unsafe import NoSandbox
from course.errors import CourseError

linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandboxes are Linux's")


@pytest.fixture
def fresh() -> Iterator[None]:
    """The verdict is made again, before and after the test."""
    choice.examine_level.cache_clear()
    yield
    choice.examine_level.cache_clear()


@linux
def test_continuous_integration_has_a_sandbox() -> None:
    """Elsewhere the tests of this folder may be skipped, there never."""
    if os.environ.get("CI") != "true":
        pytest.skip("not continuous integration")
    assert [level.reason for level in examine()] == ["", ""]


def test_a_level_that_keeps_its_promises_is_used(sandbox: Sandbox) -> None:
    assert find_sandbox() is examine()[0].sandbox
    assert [finding.promise for finding in examine()[0].findings] == list(PROMISES)


@linux
def test_the_probe_finds_what_no_sandbox_leaves_open() -> None:
    holes = {finding.promise: finding.hole for finding in probe(NoSandbox())}
    assert "can be read" in holes["files of others cannot be read"]
    assert "can be read" in holes["the environment is its own"]
    assert "can be reached" in holes["no network and no sockets of others"]
    assert "can be seen" in holes["processes of others are out of reach"]
    assert holes["no privileges to be had"]
    assert "can be started" in holes["the number of processes is limited"]
    if os.geteuid() == 0:
        assert "can be changed" in holes["interpreter, course and system cannot be changed"]


@linux
@pytest.mark.parametrize(
    ("without", "promise"),
    [
        ("--unshare-net", "no network and no sockets of others"),
        ("--unshare-pid", "processes of others are out of reach"),
        ("/usr/bin/prlimit", "memory is limited"),
        ("/usr/bin/setpriv", "no privileges to be had"),
        ("--seccomp", "no privileges to be had"),
        ("-i", "the environment is its own"),
    ],
)
def test_the_probe_finds_what_is_left_out(
    without: str, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if without == ("-i" if os.geteuid() == 0 else "/usr/bin/setpriv"):
        pytest.skip("makes no difference for this user")
    if without == "--seccomp" and os.geteuid() != 0:
        pytest.skip("--disable-userns has the same effect")
    whole = BubblewrapCell.command

    def leaky(self: BubblewrapCell, argv: list[str]) -> list[str]:
        command = whole(self, argv)
        at = command.index(without)
        after = at + 1
        if without == "--seccomp":
            after += 1
        if without.startswith("/"):  # with its options
            after = command.index("/usr/bin/choom" if "prlimit" in without else sys.executable)
        return command[:at] + command[after:]

    monkeypatch.setattr(BubblewrapCell, "command", leaky)
    holes = {finding.promise for finding in probe(Bubblewrap()) if finding.hole}
    assert promise in holes


# What a fork gives up, line by line → what is found where the line is missing. Without the last two, it does
# not even start.
GIVEN_UP = {
    "resource.setrlimit(kind, (value, value))": "memory is limited",
    'os.setresuid(*[request["uid"]] * 3)': "no privileges to be had",
    '_must(_C.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0), "seccomp")': "no privileges to be had",
    '_must(_C.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")': PROMISES[0],
    '_must(_C.setns(files["sandbox"], spaces), "setns")': PROMISES[0],
}


def fork_without(changes: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use a fork server that has other code in place of some lines."""
    text = Path(forkserver.__file__).read_text()
    for line, instead in changes.items():
        assert text.count(line) == 1
        text = text.replace(line, instead)
    changed = tmp_path / "forkserver.py"
    changed.write_text(text)
    monkeypatch.setattr(forkserver, "__file__", str(changed))


@linux
@pytest.mark.parametrize("line", GIVEN_UP)
def test_the_probe_finds_what_a_fork_keeps(
    line: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.geteuid() != 0 and ("uid" in line or "SECCOMP" in line):
        pytest.skip("makes no difference for this user")
    assert sandbox.level == "bubblewrap, with a fork server"
    fork_without({line: "pass", "_look_twice(request)\n": "pass\n"}, monkeypatch, tmp_path)
    found = {finding.promise: finding.hole for finding in probe(sandbox) if finding.hole}
    assert GIVEN_UP[line] in found


@linux
def test_a_fork_looks_twice(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where something was not given up, nothing of a student's runs."""
    line = '_must(_C.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0), "seccomp")'
    fork_without({line: "pass"}, monkeypatch, tmp_path)
    (hole,) = [finding.hole for finding in probe(sandbox)]
    assert hole == "a sandbox cannot be joined (not everything was given up: no filter of system calls)"


@linux
def test_where_a_fork_does_not_get_in_commands_do(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = '_must(_C.setns(files["sandbox"], spaces), "setns")'
    fork_without({line: "raise OSError(1, 'refused')"}, monkeypatch, tmp_path)
    assert find_sandbox() == Bubblewrap()
    assert "refused" in examine()[0].reason


@linux
def test_a_level_with_a_hole_is_refused(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding(PROMISES[0], ""), Finding(PROMISES[1], "/elsewhere can be read")]
    monkeypatch.setattr(choice, "probe", lambda sandbox: findings)
    monkeypatch.setattr(choice, "BWRAP", Path("/bin/sh"))
    with pytest.raises(CourseError, match=r"^no sandbox .*/elsewhere can be read.* doctor") as raised:
        find_sandbox()
    assert "\n" not in str(raised.value)


@linux
def test_a_bwrap_that_cannot_start_is_no_sandbox(
    fresh: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As where user namespaces are forbidden."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("autograder.grading.sandbox.bubblewrap.BWRAP", broken)
    with pytest.raises(CourseError, match="setting up uid map: Permission denied"):
        find_sandbox()


def test_only_the_instructor_does_without(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "BWRAP", Path("/nowhere/bwrap"))
    with pytest.raises(CourseError, match="no sandbox for students' code"):
        find_sandbox()
    assert find_sandbox(unsafe=True).level == "none"


def test_the_doctor_prescribes(sandbox: Sandbox) -> None:
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == 0
    assert f"Grading runs students' code in: {sandbox.level}" in done.output
    for promise in PROMISES:
        assert f"✓ {promise}: tried, held" in done.output


@linux
def test_the_doctor_names_the_package(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "BWRAP", Path("/nowhere/bwrap"))
    monkeypatch.setattr(choice, "_RESTRICTED", Path("/nowhere/restricted"))
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == cli.NO_SANDBOX == 1
    assert "bubblewrap: not usable: /nowhere/bwrap is missing" in done.output
    assert "apt-get install bubblewrap" in done.output
    assert "apparmor" not in done.output
    assert "--unsafe-no-sandbox" in done.output


@linux
def test_the_doctor_knows_ubuntu(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "restricted").write_text("1\n")
    monkeypatch.setattr(choice, "_RESTRICTED", tmp_path / "restricted")
    monkeypatch.setattr(choice, "BWRAP", Path("/bin/sh"))
    monkeypatch.setattr(choice, "probe", lambda sandbox: [Finding(PROMISES[0], "uid map: Permission denied")])
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == 1
    assert f"✗ {PROMISES[0]}: uid map: Permission denied" in done.output
    copied = "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/"
    assert copied in done.output
    assert "apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict" in done.output


def test_a_place_is_as_the_parent_sees_it(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "mine"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    for wrong in (Path("mine"), tmp_path / "link", folder / "missing"):
        with pytest.raises(CourseError, match="give an existing path, resolved"):
            Place((), (wrong,), folder, {})
    with pytest.raises(CourseError, match="make it one of the writable folders"):
        Place((folder,), (), folder, {})


def test_no_sandbox_gives_folder_environment_and_limits(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    where = Place((), (folder,), folder, environment(folder) | {"X": "a=b c"})
    code = """
import os, resource
print(os.getcwd(), os.environ["X"], os.environ["USER"], resource.getrlimit(resource.RLIMIT_FSIZE)[1])
"""
    with NoSandbox().cell(where, Limits(file_bytes=4096)) as cell:
        printed = subprocess.check_output(cell.command([sys.executable, "-c", code]), text=True)
    assert printed == f"{folder} a=b c {USER} 4096\n"


def test_the_distributions_bwrap_is_taken() -> None:
    assert Path("/usr/bin/bwrap") == BWRAP
