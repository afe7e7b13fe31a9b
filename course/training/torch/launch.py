"""What ``torchrun`` tells each process that it starts."""

from __future__ import annotations

import os


def number() -> int:
    """How many processes share a run; 1 where torchrun started none."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def leads() -> bool:
    """Whether this process is the one that writes files; it is, where it is alone."""
    return int(os.environ.get("RANK", "0")) == 0
