"""What an attack may reach around it: files, listeners, processes. Standard library alone (see `stock`)."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def digests(roots: Iterable[Path]) -> dict[str, str]:
    """Path → digest, of files and of all files in folders.

    Of the environment's packages, which are thousands of files, the names have to do, and the content of
    those files that run code when the interpreter starts.
    """
    found = {}
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            deep = "site-packages" in path.parts and path.suffix != ".pth"
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                found[str(path)] = hashlib.sha256(b"" if deep else path.read_bytes()).hexdigest()
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Paths that are new, gone or different."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def processes_with(marker: str) -> list[str]:
    """Command lines that hold the marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended meanwhile
            continue
        if marker in words:
            found.append(" ".join(words))
    return found


@contextmanager
def listeners(marker: str, port: int = 0) -> Iterator[tuple[int, list[Any]]]:
    """Listeners for TCP, UDP and an abstract socket; yields the port, and what has reached them.

    Args:
        marker: name of the abstract socket.
        port: of TCP and UDP; 0 for one that is free.
    """
    reached: list[Any] = []
    tcp, udp, unix = (
        socket.create_server(("127.0.0.1", port)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        socket.socket(socket.AF_UNIX),
    )
    udp.bind(tcp.getsockname())
    unix.bind(f"\0{marker}")
    unix.listen()

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                reached.append(listener.accept() if listener is not udp else listener.recvfrom(100))
            except OSError:  # it is closed
                return

    threads = [threading.Thread(target=accept, args=(one,), daemon=True) for one in (tcp, udp, unix)]
    for thread in threads:
        thread.start()
    try:
        yield tcp.getsockname()[1], reached
    finally:
        for one in (tcp, udp, unix):
            one.close()
