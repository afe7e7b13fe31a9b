"""Each promise, and code that tries to break it; where that does no harm, it succeeds without a sandbox."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.files import REPOSITORY
from autograder.grading.sandbox import Limits, Place, Sandbox, environment
from autograder.grading.sandbox.place import COURSE
from autograder.grading.sandbox.unsafe import NoSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandboxes are Linux's")
Run = Callable[..., subprocess.CompletedProcess[str]]
AS_ROOT = sys.platform == "linux" and os.geteuid() == 0

TRY_TO_READ = """
import os, sys
for path in sys.argv[1:]:
    try:
        print(path, os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError as error:
        print(path, type(error).__name__)
"""
HEARTBEAT = """
import os, sys, time
if os.fork():
    sys.stdin.read() if sys.argv[2] == "stay" else time.sleep(.3)
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for _ in range(200):
    with open(sys.argv[1], "a") as file:
        file.write(".")
    time.sleep(.02)
"""


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_other_hand_ins_cannot_be_read(run: Run, folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    (other / "hand-in.ipynb").write_text("secret")
    assert _lines(run(TRY_TO_READ, other, other / "hand-in.ipynb", level=NoSandbox()))[1].endswith("secret")
    for line in _lines(run(TRY_TO_READ, other, other / "hand-in.ipynb")):
        assert line.endswith("FileNotFoundError")


def test_a_link_leads_nowhere(run: Run, folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "folder").symlink_to(folder.parent)
    assert _lines(run(TRY_TO_READ, folder / "link", level=NoSandbox())) == [f"{folder}/link secret"]
    assert _lines(run(TRY_TO_READ, folder / "link", folder / "folder/secret")) == [
        f"{folder}/link FileNotFoundError",
        f"{folder}/folder/secret FileNotFoundError",
    ]


def test_nothing_of_the_repository_is_there_but_the_course(run: Run) -> None:
    (answers,) = _lines(run(TRY_TO_READ, REPOSITORY / "solutions/fixmatch.py"))
    assert answers.endswith("FileNotFoundError")
    (seen,) = _lines(run("import os, sys; print(*os.listdir(sys.argv[1]))", REPOSITORY))
    assert set(seen.split()) <= {"course", ".venv"}


def test_homes_and_the_system_hold_no_secrets(run: Run) -> None:
    places = ["/etc/shadow", "/etc/hostname", "/run", "/var", "/sys", "/boot", "/proc/1/environ"]
    for line in _lines(run(TRY_TO_READ, *places)):
        assert line.split()[1] in ("FileNotFoundError", "PermissionError", "\0") or line.split()[1:] == [], (
            line
        )
    names = _lines(run("import os; print(*os.listdir('/'))"))[0].split()
    assert not {"boot", "home", "mnt", "opt", "run", "srv", "sys", "var"} & set(names) - {
        COURSE.parts[1],
        *(Path(prefix).parts[1] for prefix in (sys.prefix, sys.base_prefix)),
    }


def test_the_environment_is_the_one_that_was_given(
    run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "token-of-the-parent")
    search = """
import glob, os
print(sorted(set(os.environ) - {"LC_CTYPE"}))
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        print("token" in open(path).read())
    except PermissionError:
        pass
"""
    names, *found = _lines(run(search))
    assert names == str(sorted([*environment(folder), "PWD"]))
    assert set(found) == {"False"}


def test_no_network(run: Run) -> None:
    call = """
import socket, sys
tcp = sys.argv[1].isdigit()
address = ("127.0.0.1", int(sys.argv[1])) if tcp else "\\0" + sys.argv[1]
try:
    socket.socket(socket.AF_INET if tcp else socket.AF_UNIX).connect(address)
except OSError as error:
    print(type(error).__name__)
else:
    print("connected")
"""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0test-{os.getpid()}")
        abstract.listen()
        tcp.settimeout(0.2)
        for address in (tcp.getsockname()[1], f"test-{os.getpid()}"):
            assert _lines(run(call, address, level=NoSandbox())) == ["connected"]
        tcp.accept()[0].close()
        for address in (tcp.getsockname()[1], f"test-{os.getpid()}"):
            assert _lines(run(call, address)) == ["ConnectionRefusedError"]
        with pytest.raises(TimeoutError):
            tcp.accept()
    assert _lines(run("import socket; print(socket.if_nameindex())")) == ["[(1, 'lo')]"]


def test_processes_outside_cannot_be_seen_or_stopped(run: Run) -> None:
    attempt = """
import glob, os, signal, sys
print(any(sys.argv[2][::-1] in open(path).read() for path in glob.glob("/proc/[0-9]*/cmdline")))
try:
    os.kill(int(sys.argv[1]), signal.SIGKILL)
except OSError as error:
    print(type(error).__name__)
"""
    bystander = subprocess.Popen(["cat", "-", "bystander"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert _lines(run(attempt, bystander.pid, "bystander"[::-1])) == ["False", "ProcessLookupError"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.communicate()


def test_interpreter_course_and_system_cannot_be_changed(run: Run) -> None:
    attempt = """
import os, sys
for folder in sys.argv[1:]:
    try:
        open(folder + "/planted.py", "w")
        print("changed", folder)
    except OSError as error:
        print(type(error).__name__)
"""
    folders = [COURSE, sys.prefix, sys.base_prefix, "/usr/bin", "/etc", "/", "/dev", "/proc/sys/kernel"]
    for line in _lines(run(attempt, *folders)):
        assert line in ("OSError", "PermissionError", "FileNotFoundError")
    assert not (COURSE / "planted.py").exists()


def test_what_is_readable_stays_so_inside_what_is_writable(sandbox: Sandbox, folder: Path) -> None:
    inputs = folder / "inputs"
    inputs.mkdir()
    (inputs / "x").write_text("given")
    code = "print(open('inputs/x').read()); open('y', 'w'); open('inputs/x', 'w')"
    where = Place((inputs,), (folder,), folder, environment(folder))
    with sandbox.cell(where) as cell:
        done = subprocess.run(cell.command([sys.executable, "-c", code]), capture_output=True, text=True)
    assert done.stdout == "given\n"
    assert "Read-only file system" in done.stderr
    assert (inputs / "x").read_text() == "given"
    assert (folder / "y").exists()


def test_no_capabilities_and_no_way_to_them(run: Run) -> None:
    status = dict(
        line.split(":\t") for line in _lines(run("print(open('/proc/self/status').read().strip())"))
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


CALLS = """
import ctypes, errno, fcntl, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
NAMESPACE = 0x10000000
clone = 56 if platform.machine() == "x86_64" else 220
calls = {
    "user namespace": lambda: libc.unshare(NAMESPACE),
    "user namespace by clone": lambda: libc.syscall(clone, NAMESPACE | 17, 0, 0, 0, 0) or os._exit(0),
    "any namespace by clone3": lambda: libc.syscall(435, 0, 0),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "chroot": lambda: libc.chroot(b"/tmp"),
    "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
    "memory without a name": lambda: libc.memfd_create(b"x", 0),
    "System V's memory": lambda: libc.shmget(0, 4096, 0o1600),
    "io_uring": lambda: libc.syscall(425, 1, ctypes.create_string_buffer(256)),
    "typing into a terminal": lambda: libc.ioctl(0, 0x5412, b"x"),
    "the kernel's log": lambda: libc.klogctl(10, None, 0),
}
for name, call in calls.items():
    result = call()
    print(name, "done" if result >= 0 else errno.errorcode[ctypes.get_errno()], sep=": ")
for name in ("AF_VSOCK", "AF_ALG", "AF_PACKET"):
    try:
        socket.socket(getattr(socket, name), socket.SOCK_STREAM)
        print(name, "done", sep=": ")
    except OSError as error:
        print(name, errno.errorcode[error.errno], sep=": ")
"""


def test_system_calls_that_nobody_needs_are_refused(run: Run) -> None:
    outside = dict(line.split(": ") for line in _lines(run(CALLS, level=NoSandbox())))
    assert outside["memory without a name"] == outside["System V's memory"] == outside["ptrace"] == "done"
    inside = dict(line.split(": ") for line in _lines(run(CALLS)))
    assert inside.pop("any namespace by clone3") == "ENOSYS"
    assert {inside.pop(name) for name in ("AF_VSOCK", "AF_ALG", "AF_PACKET")} == {"EAFNOSUPPORT"}
    assert set(inside.values()) == {"EPERM"}, inside


@pytest.mark.skipif(not AS_ROOT, reason="only root can make a program that is setuid root")
def test_setuid_programs_give_nothing(run: Run, tmp_path: Path) -> None:
    program = tmp_path.resolve() / "who"
    shutil.copy("/usr/bin/id", program)
    program.chmod(0o4755)
    for folder in (*tmp_path.parents, tmp_path):
        if folder.stat().st_uid == 0 and stat.S_IMODE(folder.stat().st_mode) == 0o700:
            folder.chmod(0o711)
    outside = subprocess.run([program, "-u"], user=65534, group=65534, capture_output=True, text=True)
    assert outside.stdout == "0\n"
    code = "import subprocess, sys; print(subprocess.check_output([sys.argv[1], '-u'], text=True))"
    assert _lines(run(code, program, readable=(program,)))[0] not in ("0", "")


def test_limits_hold_inside(run: Run) -> None:
    code = "import resource as r; print([r.getrlimit(getattr(r, 'RLIMIT_' + n)) for n in %r])"
    names = ("AS", "NPROC", "FSIZE", "NOFILE", "CPU", "CORE")
    limits = Limits(2**29, 31, 2**20, 2**20, 60, 19)
    expected = [(value, value) for value in (2**29, 31, 2**20, 60, 19, 1)]
    assert _lines(run(code % (names,), limits=limits)) == [str(expected)]


def test_a_lower_limit_of_the_parent_stays(folder: Path, sandbox: Sandbox) -> None:
    code = """
import resource
from autograder.grading.sandbox.bubblewrap import rlimits
from autograder.grading.sandbox import Limits
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
print([option for option in rlimits(Limits(open_files=200)).items() if "nofile" in option])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout == "[('nofile', 100)]\n", done.stderr


def test_too_much_memory(run: Run) -> None:
    code = """
held = []
try:
    while True:
        held.append(bytearray(2**24))
except MemoryError:
    held.clear()
    print("refused")
"""
    assert _lines(run(code)) == ["refused"]


def test_too_large_files(run: Run, folder: Path) -> None:
    code = """
import os
for folder in (".", os.environ["TMPDIR"], "/dev/shm"):
    path = os.path.join(folder, "large")
    try:
        with open(path, "wb") as file:
            for _ in range(64):
                file.write(bytes(2**16))
                file.flush()
        print("written", path)
    except OSError as error:
        print(error.strerror)
"""
    assert _lines(run(code)) == ["File too large", "File too large", "File too large"]
    assert (folder / "large").stat().st_size <= 2**20
    roomy = Limits(memory_bytes=2**29, file_bytes=2**24, scratch_bytes=2**20)
    assert _lines(run(code, limits=roomy)) == [
        "written ./large",
        "No space left on device",
        "No space left on device",
    ]


def test_endless_computing_ends(run: Run) -> None:
    done = run("while True: pass", limits=Limits(memory_bytes=2**29, cpu_seconds=1))
    assert done.returncode != 0


def _processes_with(token: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture
def bomb(sandbox: Sandbox, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running fork bomb, and a word in the command line of each of its processes."""
    token = f"bomb-{os.getpid()}-{time.monotonic_ns()}"
    code = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    where = Place((), (folder,), folder, environment(folder))
    with sandbox.cell(where, Limits(memory_bytes=2**29, processes=40)) as cell:
        process = subprocess.Popen(
            cell.command([sys.executable, "-S", "-c", code, token]), stderr=subprocess.DEVNULL
        )
        yield process, token
        process.kill()
        process.wait()


def test_a_fork_bomb_is_bounded_and_ends(
    bomb: tuple[subprocess.Popen[bytes], str], sandbox: Sandbox, tmp_path: Path
) -> None:
    process, token = bomb
    assert _wait_for(lambda: len(_processes_with(token)) > 20)
    time.sleep(0.3)
    assert len(_processes_with(token)) < 50
    # Another sandbox, and the parent, go on at the same time.
    second = tmp_path.resolve() / "second"
    second.mkdir()
    threads = "import threading; [threading.Thread(target=print).start() for _ in range(20)]"
    with sandbox.cell(Place((), (second,), second, environment(second)), Limits(2**31, 40)) as cell:
        subprocess.run(cell.command([sys.executable, "-S", "-c", threads]), check=True, timeout=60)
    process.kill()
    process.wait()
    assert _wait_for(lambda: not _processes_with(token))


@pytest.mark.parametrize("end", ["killed", "ended", "parent killed"])
def test_a_daemon_ends_with_its_sandbox(end: str, sandbox: Sandbox, folder: Path) -> None:
    beat = folder / "beat"
    where = Place((), (folder,), folder, environment(folder))
    with sandbox.cell(where) as cell:
        behavior = "leave" if end == "ended" else "stay"
        command = cell.command([sys.executable, "-S", "-c", HEARTBEAT, str(beat), behavior])
        if end == "parent killed":
            command = [
                sys.executable,
                "-S",
                "-c",
                "import subprocess, sys; subprocess.run(sys.argv[1:])",
                *command,
            ]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert _wait_for(lambda: beat.exists() and beat.stat().st_size > 3)
        if end == "ended":
            assert process.wait(20) == 0
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        time.sleep(0.1)
        beats = beat.stat().st_size
        time.sleep(0.3)
        assert beat.stat().st_size == beats


def test_a_daemon_goes_on_without_a_sandbox(folder: Path) -> None:
    beat = folder / "beat"
    with NoSandbox().cell(Place((), (folder,), folder, environment(folder))) as cell:
        argv = [sys.executable, "-S", "-c", HEARTBEAT, str(beat), "leave"]
        subprocess.run(cell.command(argv), check=True)
    beats = beat.stat().st_size
    assert _wait_for(lambda: beat.stat().st_size > beats + 3)


def test_a_folder_of_its_owner_alone(run: Run, folder: Path) -> None:
    """As ``tempfile.mkdtemp`` makes it."""
    folder.chmod(0o700)
    assert _lines(run("import os; open('made', 'w'); print(os.getcwd(), os.environ['PWD'])")) == [
        f"{folder} {folder}"
    ]


def test_the_status_comes_back(run: Run) -> None:
    assert run("import sys; sys.exit(7)").returncode == 7
    assert run("import os; os.kill(os.getpid(), 9)").returncode == 128 + 9


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user has one uid")
def test_root_gives_each_sandbox_a_user_of_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import os, pwd
open("made", "w")
print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), pwd.getpwuid(os.getuid()).pw_name)
"""
    folders = [tmp_path.resolve() / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "there").write_text("x")
        (folder / "link").symlink_to("/etc/hostname")
    before = Path("/etc/hostname").stat().st_uid
    with (
        sandbox.cell(Place((), (folders[0],), folders[0], environment(folders[0]))) as first,
        sandbox.cell(Place((), (folders[1],), folders[1], environment(folders[1]))) as second,
    ):
        argv = [sys.executable, "-S", "-c", code]
        shown = [subprocess.check_output(cell.command(argv), text=True).split() for cell in (first, second)]
        assert (folders[0] / "there").stat().st_uid == int(shown[0][0])
    assert shown[0][0] != shown[1][0] and "0" not in (*shown[0], *shown[1])
    assert {line[-1] for line in shown} == {"student"}
    for folder in folders:
        assert {path.lstat().st_uid for path in (folder, *folder.iterdir())} == {0}
    assert Path("/etc/hostname").stat().st_uid == before


@pytest.mark.skipif(not AS_ROOT, reason="as an ordinary user, all other tests show it")
def test_an_ordinary_user_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the interpreter, which such a user may be unable to read here, nothing is needed."""
    from autograder.grading.sandbox import bubblewrap

    nobody = 65534
    folder = tmp_path.resolve() / "mine"
    folder.mkdir()
    os.chown(folder, nobody, nobody)
    for above in folder.parents:
        if above.stat().st_uid == 0 and stat.S_IMODE(above.stat().st_mode) == 0o700:
            above.chmod(0o711)
    course = folder.parent / "course"
    course.mkdir()
    monkeypatch.setattr(bubblewrap, "interpreter_folders", list)
    monkeypatch.setattr(bubblewrap, "COURSE", course)
    monkeypatch.setattr(os, "geteuid", lambda: nobody)
    monkeypatch.setattr(os, "getegid", lambda: nobody)
    code = """
id -u; echo $HOME; ls /; cat /proc/net/dev | wc -l; echo x > made; ls -d /proc/[0-9]* | wc -l
grep -c -E 'Cap(Prm|Eff|Inh):.0000000000000000' /proc/self/status
unshare --user true && echo nested
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 5 & done
echo all
"""
    with bubblewrap.Bubblewrap().cell(
        Place((), (folder,), folder, {"HOME": str(folder)}), Limits(processes=8)
    ) as cell:
        command = cell.command(["/bin/sh", "-c", code])
        try:
            done = subprocess.run(
                command,
                user=nobody,
                group=nobody,
                extra_groups=[],
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            monkeypatch.undo()
    if "namespace" in done.stderr:
        pytest.skip(done.stderr.strip())
    lines = done.stdout.split()
    assert lines[:2] == [str(nobody), str(folder)], done.stderr
    assert "root" not in lines and "etc" in lines
    assert lines[-1] == "3", lines  # no capabilities
    assert "nested" not in lines and "all" not in lines  # the shell ends where it cannot fork
    assert (folder / "made").read_text() == "x\n"
