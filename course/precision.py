"""The precisions that a network's layers can compute in, by name."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """What the layers of a network compute in. ``AUTO`` leaves it to the hardware."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
