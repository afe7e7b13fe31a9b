"""The download against a loopback server that misbehaves in every way a mirror can, and the reading."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.data import cifar10, download, load_dataset
from course.errors import CourseError

REAL_ARCHIVE = cifar10.ARCHIVE
PER_BATCH = 20
NAME = "cifar-10-python.tar.gz"


# --- a small archive of CIFAR-10's form --------------------------------------------------------


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes bytes and NumPy's module names as Python 2 did, in which CIFAR-10 was pickled."""

    dispatch = pickle._Pickler.dispatch.copy()  # type: ignore[attr-defined]

    def save_as_string(self, obj: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(obj)) + obj)

    dispatch[bytes] = save_as_string

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = obj.__module__.replace("numpy._core", "numpy.core")
        self.write(pickle.GLOBAL + f"{module}\n{obj.__name__}\n".encode())

    dispatch[type(len)] = save_global
    dispatch[type(np.empty)] = save_global


def pickled(value: Any) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(value)
    return file.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@dataclass(frozen=True)
class FakeCifar:
    content: bytes
    images: np.ndarray  # (120, 32, 32, 3)
    labels: np.ndarray

    def remote(self) -> download.RemoteFile:
        return remote_for(self.content)


def remote_for(content: bytes) -> download.RemoteFile:
    return download.RemoteFile(
        NAME, len(content), hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
    )


@pytest.fixture(scope="module")
def fake() -> FakeCifar:
    rng = np.random.default_rng(0)
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    images = rng.integers(0, 256, (PER_BATCH * len(names), 32, 32, 3), np.uint8)
    labels = rng.permutation(np.arange(len(images)) % 10)
    members = {"cifar-10-batches-py/readme.html": b"<html>", "cifar-10-batches-py/batches.meta": b"unread"}
    for i, name in enumerate(names):
        rows = slice(i * PER_BATCH, (i + 1) * PER_BATCH)
        planes = np.ascontiguousarray(images[rows].transpose(0, 3, 1, 2)).reshape(PER_BATCH, 3072)
        batch = {"batch_label": name, "labels": labels[rows].tolist(), "data": planes}
        members[f"cifar-10-batches-py/{name}"] = pickled(batch)
    return FakeCifar(tar_of(members), images, labels)


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, fake: FakeCifar, tmp_path: Path) -> None:
    """The small archive in CIFAR-10's place, an empty data folder, short timeouts, no proxy."""
    monkeypatch.setattr(cifar10, "ARCHIVE", fake.remote())
    monkeypatch.setattr(download, "STALL_SECONDS", 0.4)
    monkeypatch.setenv("SSL_COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("SSL_COURSE_CIFAR10_URL", raising=False)


# --- the loopback server --------------------------------------------------------------------------


@dataclass
class Behavior:
    """How one address answers."""

    content: bytes = b""
    status: int = 200
    ranges: bool = True
    total: int | None = None  # the length it claims
    tells_length: bool = True
    cut_at: int | None = None  # closes the connection at this offset, but only if it started before
    stall_at: int | None = None
    trickle_at: int | None = None
    wrong_range: bool = False
    requests: list[str | None] = field(default_factory=list)  # each request's Range
    sent: int = 0


class Mirrors:
    """A server whose addresses misbehave as told."""

    def __init__(self) -> None:
        self.behaviors: dict[str, Behavior] = {}
        self.done = threading.Event()
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirrors.answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def add(self, name: str, **behavior: Any) -> str:
        self.behaviors[f"/{name}"] = Behavior(**behavior)
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def __getitem__(self, name: str) -> Behavior:
        return self.behaviors[f"/{name}"]

    def close(self) -> None:
        self.done.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        how = self.behaviors[handler.path]
        asked = handler.headers.get("Range")
        how.requests.append(asked)
        if how.status >= 400:
            handler.send_error(how.status)
            return
        total = len(how.content) if how.total is None else how.total
        start = 0
        if asked and how.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            shown = 0 if how.wrong_range else start
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {shown}-{total - 1}/{total}")
        else:
            handler.send_response(200)
        if how.tells_length:
            handler.send_header("Content-Length", str(total - start))
        handler.end_headers()
        stops = [n for n in (how.cut_at, how.stall_at, how.trickle_at) if n is not None and n > start]
        end = min(stops, default=len(how.content))
        try:
            handler.wfile.write(how.content[start:end])
            how.sent += end - start
            if end == how.stall_at:
                self.done.wait(10)
            for _ in range(100 if end == how.trickle_at else 0):  # 5 s
                handler.wfile.write(b"x")
                self.done.wait(0.05)
        except ConnectionError:  # the client gave up, as it should
            return


@pytest.fixture
def mirrors() -> Iterator[Mirrors]:
    server = Mirrors()
    yield server
    server.close()


def use(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setenv("SSL_COURSE_CIFAR10_URL", " ".join(urls))


def data_folder() -> Path:
    return Path(os.environ["SSL_COURSE_DATA"])


def files() -> set[str]:
    """What the data folder holds, the lock left out."""
    return {path.name for path in data_folder().iterdir() if not path.name.endswith(".lock")}


def assert_is(splits: Any, fake: FakeCifar) -> None:
    n = 5 * PER_BATCH
    np.testing.assert_array_equal(splits.train.data, fake.images[:n])
    np.testing.assert_array_equal(splits.train.targets, fake.labels[:n])
    np.testing.assert_array_equal(splits.test.data, fake.images[n:])
    np.testing.assert_array_equal(splits.test.targets, fake.labels[n:])


# --- downloads that succeed ---------------------------------------------------------------------


def test_good_mirror_gives_the_images_in_their_order(mirrors, monkeypatch, fake) -> None:
    use(monkeypatch, mirrors.add("good", content=fake.content))
    splits = load_dataset("cifar10")
    assert_is(splits, fake)
    assert splits.train.name == "cifar10"
    assert splits.train.classes[:3] == ("airplane", "automobile", "bird")
    assert splits.train.data.flags["C_CONTIGUOUS"]
    assert files() == {NAME}

    load_dataset("cifar10")
    assert mirrors["good"].requests == [None], "the second time nothing is downloaded"


def test_the_public_mirrors_are_used_without_an_override(mirrors, monkeypatch, fake) -> None:
    monkeypatch.setattr(cifar10, "MIRRORS", (mirrors.add("good", content=fake.content),))
    assert_is(load_dataset("cifar10"), fake)


def test_root_is_used_instead_of_the_environment(mirrors, monkeypatch, fake, tmp_path) -> None:
    use(monkeypatch, mirrors.add("good", content=fake.content))
    load_dataset("cifar10", root=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / NAME).read_bytes() == fake.content
    assert not data_folder().exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"status": 404},
        {"status": 503},
        {"corrupt": True},
        {"cut_at": 0},
        {"stall_at": 100},
        {"trickle_at": 100},
        {"total": 170},
    ],
    ids=["404", "503", "corrupt", "closes", "stalls", "trickles", "other size"],
)
def test_a_bad_mirror_is_passed_over(bad, mirrors, monkeypatch, fake) -> None:
    content = bytes(255 - b for b in fake.content) if bad.pop("corrupt", False) else fake.content
    bad_url = mirrors.add("bad", content=content, ranges=False, **bad)
    use(monkeypatch, bad_url, mirrors.add("good", content=fake.content))
    started = time.monotonic()
    assert_is(load_dataset("cifar10"), fake)
    assert time.monotonic() - started < 5
    assert files() == {NAME}


def test_a_cut_connection_is_resumed_at_the_same_mirror(mirrors, monkeypatch, fake) -> None:
    use(monkeypatch, mirrors.add("cutting", content=fake.content, cut_at=100_000))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["cutting"].requests == [None, "bytes=100000-"]
    assert mirrors["cutting"].sent == len(fake.content), "no byte is sent twice"


def test_a_later_run_resumes_what_an_earlier_one_left(mirrors, monkeypatch, fake) -> None:
    data_folder().mkdir()
    (data_folder() / f"{NAME}.part").write_bytes(fake.content[:250_000])
    use(monkeypatch, mirrors.add("good", content=fake.content))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["good"].requests == ["bytes=250000-"]
    assert mirrors["good"].sent == len(fake.content) - 250_000


def test_another_mirror_resumes_where_the_first_stalled(mirrors, monkeypatch, fake) -> None:
    # On resuming, the first stalls at once: it brings the download no further and is given up.
    first = mirrors.add("stalling", content=fake.content[:90_000], total=len(fake.content), stall_at=90_000)
    use(monkeypatch, first, mirrors.add("good", content=fake.content))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["stalling"].requests == [None, "bytes=90000-"], "not asked a third time"
    assert mirrors["good"].requests == ["bytes=90000-"]


def test_a_server_without_ranges_starts_again(mirrors, monkeypatch, fake) -> None:
    data_folder().mkdir()
    (data_folder() / f"{NAME}.part").write_bytes(b"x" * 1000)
    use(monkeypatch, mirrors.add("plain", content=fake.content, ranges=False))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["plain"].sent == len(fake.content)


def test_wrong_bytes_left_by_another_run_do_not_condemn_a_good_mirror(mirrors, monkeypatch, fake) -> None:
    data_folder().mkdir()
    (data_folder() / f"{NAME}.part").write_bytes(b"x" * 1000)
    use(monkeypatch, mirrors.add("good", content=fake.content))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["good"].requests == ["bytes=1000-", None]


@pytest.mark.parametrize("extra", [0, 10])
def test_a_part_of_full_length_or_more(extra, mirrors, monkeypatch, fake) -> None:
    data_folder().mkdir()
    (data_folder() / f"{NAME}.part").write_bytes(fake.content + b"x" * extra)
    use(monkeypatch, mirrors.add("good", content=fake.content))
    assert_is(load_dataset("cifar10"), fake)
    assert mirrors["good"].requests == ([None] if extra else [])


def test_four_at_once_fetch_it_once(mirrors, monkeypatch, fake) -> None:
    use(monkeypatch, mirrors.add("good", content=fake.content))
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(load_dataset("cifar10"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert mirrors["good"].requests == [None]


# --- downloads that fail --------------------------------------------------------------------------


def test_when_all_fail_each_is_named_with_its_reason(mirrors, monkeypatch, fake) -> None:
    half = len(fake.content) // 2
    corrupt = fake.content[:half] + bytes([fake.content[half] ^ 1]) + fake.content[half + 1 :]
    port = mirrors.server.server_port
    use(
        monkeypatch,
        mirrors.add("missing", status=404),
        mirrors.add("stalls", content=fake.content, stall_at=5000, ranges=False),
        mirrors.add("cuts", content=fake.content, cut_at=7000, ranges=False),
        mirrors.add("corrupt", content=corrupt, ranges=False),
        mirrors.add("jumps", content=fake.content, cut_at=9000, wrong_range=True),
        mirrors.add("other", content=fake.content, total=12),
        "http://127.0.0.1:1/refused",
        "ftp://127.0.0.1/x",
    )
    with pytest.raises(CourseError) as failure:
        load_dataset("cifar10")
    message = str(failure.value)
    size = f"{len(fake.content):,}"
    for reason in (
        f"127.0.0.1:{port}: HTTP 404 Not Found",
        f"no byte for 0.4 s at 5,000 of {size} bytes",
        f"broke off at 7,000 of {size} bytes",
        "what it sent has the wrong MD5",
        "answered a request to resume with another part of the file",
        f"offers 12 bytes instead of {len(fake.content)}",
        "127.0.0.1:1: Connection refused",
        "is not an http(s) address",
    ):
        assert reason in message, reason
    assert "by hand" in message and "SSL_COURSE_CIFAR10_URL" in message and "shapes" in message
    assert "\n" not in message
    assert NAME not in files(), "nothing unfinished under the final name"


def test_sha256_is_checked_as_well(mirrors, monkeypatch, fake) -> None:
    remote = fake.remote()
    wrong = download.RemoteFile(remote.name, remote.size, remote.md5, "0" * 64)
    monkeypatch.setattr(cifar10, "ARCHIVE", wrong)
    use(monkeypatch, mirrors.add("good", content=fake.content))
    with pytest.raises(CourseError, match="wrong SHA-256"):
        load_dataset("cifar10")
    assert files() == set()


def test_a_mirror_that_sends_too_much_is_stopped(mirrors, monkeypatch, fake) -> None:
    content = fake.content + b"x" * 50_000_000
    use(monkeypatch, mirrors.add("long", content=content, tells_length=False))
    with pytest.raises(CourseError, match="bytes instead of"):
        load_dataset("cifar10")
    assert mirrors["long"].sent == 0, "it was cut off before it had sent everything"
    assert files() == set()


def test_a_mirror_that_tells_no_length(mirrors, monkeypatch, fake) -> None:
    use(monkeypatch, mirrors.add("silent", content=fake.content, tells_length=False))
    assert_is(load_dataset("cifar10"), fake)


def test_a_folder_that_cannot_be_made(mirrors, monkeypatch, fake, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    use(monkeypatch, mirrors.add("good", content=fake.content))
    with pytest.raises(CourseError, match=r"cannot write .* SSL_COURSE_DATA"):
        load_dataset("cifar10", root=tmp_path / "file" / "data")


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_archive_is_named_and_left_alone(damage, mirrors, monkeypatch, fake) -> None:
    data_folder().mkdir()
    damaged = fake.content[:-10] if damage == "truncated" else fake.content[:-1] + b"x"
    (data_folder() / NAME).write_bytes(damaged)
    use(monkeypatch, mirrors.add("good", content=fake.content))
    reason = "bytes instead of" if damage == "truncated" else "wrong MD5"
    with pytest.raises(CourseError, match=f"{NAME} has .*{reason}.*delete it"):
        load_dataset("cifar10")
    assert mirrors["good"].requests == []
    assert (data_folder() / NAME).read_bytes() == damaged


# --- reading ---------------------------------------------------------------------------------------


def test_the_archive_is_read_only_after_its_checksums_agree(monkeypatch, fake) -> None:
    data_folder().mkdir()
    (data_folder() / NAME).write_bytes(fake.content + b"x")
    monkeypatch.setattr(cifar10, "_read_batches", lambda file: pytest.fail("read before it was checked"))
    with pytest.raises(CourseError, match="instead of"):
        load_dataset("cifar10")


class Attack:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_the_unpickler_runs_nothing(monkeypatch, tmp_path) -> None:
    marker = tmp_path / "executed"
    content = tar_of({"cifar-10-batches-py/data_batch_1": pickle.dumps(Attack(marker), protocol=2)})
    monkeypatch.setattr(cifar10, "ARCHIVE", remote_for(content))  # even with checksums that agree
    data_folder().mkdir()
    (data_folder() / NAME).write_bytes(content)
    with pytest.raises(CourseError, match=r"asks for (posix|nt)\.mkdir"):
        load_dataset("cifar10")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "builtins.getattr", "numpy.load", "os.system"])
def test_the_unpickler_looks_up_arrays_alone(name) -> None:
    module, _, attribute = name.rpartition(".")
    stream = pickle.GLOBAL + f"{module}\n{attribute}\n".encode() + pickle.STOP
    with pytest.raises(CourseError, match=name):
        cifar10.ArrayUnpickler(io.BytesIO(stream)).load()


def test_name_and_md5_are_torchvision_s() -> None:
    theirs = pytest.importorskip("torchvision.datasets").CIFAR10
    assert (REAL_ARCHIVE.name, REAL_ARCHIVE.md5) == (theirs.filename, theirs.tgz_md5)
    assert theirs.url in cifar10.MIRRORS
    names = [f"{theirs.base_folder}/{name}" for name, _ in theirs.train_list + theirs.test_list]
    assert names == list(cifar10._TRAIN + cifar10._TEST)
