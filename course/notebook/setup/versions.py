"""Versions compared by their numbers, not by their text: 1.9 is older than 1.10."""

from __future__ import annotations

import re


def is_older(version: str, than: str) -> bool:
    """Whether ``version`` comes before ``than``."""
    return numbers(version) < numbers(than)


def is_newer(version: str, than: str) -> bool:
    """Whether ``version`` comes after ``than``, compared to as many numbers as ``than`` has."""
    most = numbers(than)
    return numbers(version)[: len(most)] > most


def numbers(version: str) -> list[int]:
    """The release's numbers: "2.11.0+cu128" and "0.8.0rc1" count as 2.11.0 and 0.8.0."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return [int(part) for part in release.group().split(".")] if release else []
