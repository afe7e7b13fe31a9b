"""Prepare the next mini-batches while the device works on this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any


def prefetch(batches: Iterable[Any], depth: int = 2) -> Generator[Any, None, None]:
    """Iterate over ``batches`` in a thread, at most ``depth`` ahead; its exceptions surface here."""
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    abandoned = threading.Event()

    def offer(item: tuple[str, Any]) -> bool:
        while not abandoned.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for batch in batches:
                if not offer(("batch", batch)):
                    return
            offer(("end", None))
        except Exception as error:
            offer(("error", error))

    worker = threading.Thread(target=produce, daemon=True, name="prefetch")
    worker.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        abandoned.set()
        worker.join()
