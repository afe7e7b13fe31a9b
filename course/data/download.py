"""Fetching one large file from whichever of several mirrors works, and trusting none of them.

The bytes go to ``NAME.part`` and are renamed to ``NAME`` only once size, MD5 and SHA-256 agree, so a
file under its final name is whole. An interrupted download goes on where it stopped, even from
another mirror: the checksums decide in the end whether the pieces fit.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from course.errors import CourseError

STALL_SECONDS = 30.0
"""A mirror that sends less than STALL_BYTES in this time is given up."""
STALL_BYTES = 1 << 16
ATTEMPTS = 5
"""Connections to one mirror, as long as each brings the download further."""
_BLOCK = 1 << 18


class MirrorFailure(Exception):
    """Why one mirror did not give the file."""


@dataclass(frozen=True)
class RemoteFile:
    """A file whose content is known by its checksums."""

    name: str
    size: int
    md5: str
    sha256: str

    def fault(self, file: BinaryIO) -> str | None:
        """What is wrong with ``file``, read from its start, in a few words; None if it is the right one."""
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        file.seek(0)
        while block := file.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
            size += len(block)
        if size != self.size:
            return f"has {size:,} bytes instead of {self.size:,}"
        if md5.hexdigest() != self.md5:
            return f"has the wrong MD5 {md5.hexdigest()}"
        if sha256.hexdigest() != self.sha256:
            return f"has the wrong SHA-256 {sha256.hexdigest()}"
        return None


def cache_root(root: Path | None = None) -> Path:
    """The folder for downloads: ``root``, else ``$SSL_COURSE_DATA``, else ``~/.cache/ssl-course``."""
    return Path(root or os.environ.get("SSL_COURSE_DATA") or "~/.cache/ssl-course").expanduser()


def download(remote: RemoteFile, folder: Path, mirrors: Sequence[str], *, otherwise: str) -> Path:
    """Fetch ``remote`` into ``folder`` unless it is there.

    Args:
        remote: what to fetch.
        folder: where to; made if missing.
        mirrors: http(s) addresses, tried in order.
        otherwise: the remedies to name when no mirror works.

    Returns:
        The file's path. A file that was there already is returned unread: check it before use.

    Raises:
        CourseError: every mirror failed (the message gives each one's reason), or the folder can
            not be written.
    """
    from filelock import FileLock

    target = folder / remote.name
    if target.exists():
        return target
    part = folder / f"{remote.name}.part"
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{remote.name}.lock"):  # another process may be fetching it just now
            if target.exists():
                return target
            for url in mirrors:
                try:
                    _from_mirror(url, part, remote)
                except MirrorFailure as failure:
                    failures.append(f"{urlsplit(url).netloc or url}: {failure}")
                    continue
                os.replace(part, target)
                return target
    except OSError as error:
        reason = error.strerror or error
        raise CourseError(
            f"cannot write {remote.name} to {folder} ({reason}): "
            "make room or the folder writable, or set SSL_COURSE_DATA to another folder"
        ) from error
    raise CourseError(f"no mirror gave {remote.name} ({'; '.join(failures)}): {otherwise}")


def _from_mirror(url: str, part: Path, remote: RemoteFile) -> None:
    """Complete ``part`` from one mirror and verify it, or raise MirrorFailure."""
    begun_elsewhere = _size(part) > 0
    failure = MirrorFailure("was not tried")
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            _fetch_rest(url, part, remote.size)
        except MirrorFailure as broken_off:
            failure = broken_off
            if _size(part) <= before:
                break
            continue
        with part.open("rb") as file:
            fault = remote.fault(file)
        if fault is None:
            return
        failure = MirrorFailure(f"what it sent {fault}")
        part.unlink()
        if not begun_elsewhere:
            break
        begun_elsewhere = False  # the wrong bytes may have been there before: ask for all of them
    raise failure


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch_rest(url: str, part: Path, size: int) -> None:
    """Append to ``part`` what it lacks of ``size`` bytes; start again if the server cannot resume."""
    start = _size(part)
    if start == size:
        return
    if start > size:
        part.unlink()
        start = 0
    with _open(url, start) as response:
        start = _agreed_start(response, start, size)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            _copy(response, file, urlsplit(url).netloc, start, size)
            file.flush()
            os.fsync(file.fileno())


def _open(url: str, start: int) -> HTTPResponse:
    if urlsplit(url).scheme not in ("http", "https"):
        raise MirrorFailure("is not an http(s) address")
    request = Request(url, headers={"User-Agent": "ssl-course"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response: HTTPResponse = urlopen(request, timeout=STALL_SECONDS)
    except HTTPError as error:
        error.close()
        raise MirrorFailure(f"HTTP {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise MirrorFailure(_reason(error)) from error
    return response


def _agreed_start(response: HTTPResponse, start: int, size: int) -> int:
    """The offset at which the answer begins; MirrorFailure if it is not a piece of a file of ``size``."""
    if response.status == 206:
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if span.partition("-")[0] != str(start):
            raise MirrorFailure("answered a request to resume with another part of the file")
    else:
        start, total = 0, response.headers.get("Content-Length", "*")
    if total not in ("*", str(size)):
        raise MirrorFailure(f"offers {total} bytes instead of {size}")
    return start


def _copy(response: HTTPResponse, file: BinaryIO, host: str, start: int, size: int) -> None:
    from course.progress_bar import progress_bar

    done, window_start, window_bytes = start, time.monotonic(), 0
    bar = progress_bar(total=size, initial=start, unit="B", unit_scale=True, desc=f"from {host}", leave=False)
    with bar:
        while done <= size:
            try:
                block = response.read1(_BLOCK)
            except (OSError, HTTPException) as error:
                raise MirrorFailure(f"{_reason(error)} at {done:,} of {size:,} bytes") from error
            if not block:
                break
            file.write(block)
            bar.update(len(block))
            done += len(block)
            window_bytes += len(block)
            if time.monotonic() - window_start > STALL_SECONDS:
                if window_bytes < STALL_BYTES:
                    raise MirrorFailure(f"too slow at {done:,} of {size:,} bytes")
                window_start, window_bytes = time.monotonic(), 0
    if done < size:
        raise MirrorFailure(f"broke off at {done:,} of {size:,} bytes")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error  # URLError wraps the cause
    if isinstance(cause, TimeoutError):
        return f"no byte for {STALL_SECONDS:g} s"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
