"""``report.md``: what the finished parts have found, in one page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import (
    GOAL_DATA_SHARE,
    GOAL_EPOCHS_SECONDS,
    GOAL_WIDE_STEP_SECONDS,
    LABELS,
    METHODS,
    NETWORK,
    PARTS,
)

_HAVING_ERROR = "test error (EMA)"


def read_part(out: Path, name: str) -> dict[str, Any] | None:
    """A part's figures; None where there are none, or the file is damaged."""
    try:
        content = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "figures" in content else None


def page(out: Path, problems: Mapping[str, str]) -> str:
    """The page.

    Args:
        out: folder with the parts' files.
        problems: part → why it is not there.
    """
    found = {name: content["figures"] for name in PARTS if (content := read_part(out, name)) is not None}
    lines = ["# On a GPU", ""]
    for name in ("steps", "wide-step"):
        if name in found:
            lines += [found[name]["markdown"], ""]
    epochs = [name for name in found if name.startswith("ten-epochs")]
    if epochs:
        lines += ["## The practical's ten epochs", "", "| run | test error | seconds after the first step |"]
        lines += ["| --- | --- | --- |"]
        for name in epochs:
            seconds = found[name].get("seconds after the first step")
            shown = "of an earlier process" if seconds is None else f"{seconds:.1f}"
            lines.append(f"| {PARTS[name].explained} | {found[name][_HAVING_ERROR]:.4f} | {shown} |")
        lines.append("")
    if any(f"{method}-{labels}" in found for method in METHODS for labels in LABELS):
        lines += [f"## Test error of {NETWORK}", "", "| labels | " + " | ".join(METHODS) + " |"]
        lines += ["| --- |" + " --- |" * len(METHODS)]
        for labels in LABELS:
            cells = [found.get(f"{method}-{labels}") for method in METHODS]
            shown = " | ".join("" if c is None else f"{c[_HAVING_ERROR]:.4f}" for c in cells)
            lines.append(f"| {labels:,} | {shown} |")
        lines.append("")
    lines += [
        f"Goals on an H100: ten epochs in {GOAL_EPOCHS_SECONDS:g} s after compilation, a share of data below "
        f"{GOAL_DATA_SHARE:.0%}, FixMatch's step on {NETWORK} in {GOAL_WIDE_STEP_SECONDS * 1000:g} ms.",
        "",
        *(f"- {name}: {why}" for name, why in problems.items()),
        "",
    ]
    return "\n".join(lines)
