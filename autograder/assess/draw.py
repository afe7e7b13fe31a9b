"""Draws for one student, which nobody can know who does not have the course's secret."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def pick(items: Sequence[T], secret: bytes, *parts: str) -> T:
    """One of several items; the same secret and parts always give the same one.

    Args:
        items: at least one.
        secret: the course's, as `autograder.grading.secret` keeps it.
        *parts: what the draw is for: purpose, unit, student.
    """
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    # 64 bits: no item is likelier than another by more than one part in 10^17 for pools of a hundred.
    return items[int.from_bytes(hmac.digest(secret, text, "sha256")[:8], "big") % len(items)]
