"""Colab's own list of its packages as constraints for `make lock`.

    python requirements/colab_freeze.py CLONE

CLONE is a clone of the GitHub repository googlecolab/backend-info, in which Google keeps what `pip freeze`
prints in Colab. Its newest commit is read, and colab-freeze.txt is written beside this file. Then run
`make lock`, `make setup` and `make test-colab`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

SOURCE = "pip-freeze.txt"  # of runtimes without a GPU
TARGET = Path(__file__).with_name("colab-freeze.txt")
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")
# Colab takes torch and its kin from PyTorch's own index; PyPI has these versions, without +cpu.
WHEEL = re.compile(r"([a-z]+) @ https://download\.pytorch\.org/\S+/\1-([0-9.]+)(?:%2B\w+)?-\S+\.whl")
# Colab's torch is built without CUDA's libraries, and PyPI's names the versions that it needs.
CUDA = re.compile(r"(cuda|nvidia|triton)\b")
# Debian's own package, which has no version there.
NOT_ON_PYPI = {"python-apt"}


def constraints(freeze: str) -> tuple[list[str], list[str]]:
    """What pip may be held to, and what is left out.

    Args:
        freeze: what `pip freeze` printed.

    Returns:
        lines ``name==version`` and the names of what is left out, both in the order of the list.
    """
    kept, left_out = [], []
    for line in (line.strip() for line in freeze.splitlines()):
        if not line or line.startswith("#"):
            continue
        found = PIN.fullmatch(line) or WHEEL.fullmatch(line)
        name = found[1] if found else line.partition(" ")[0]
        if found is None or name in NOT_ON_PYPI or CUDA.match(name):
            left_out.append(name)
        else:
            kept.append(f"{name}=={found[2]}")
    return kept, left_out


def _git(clone: str, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", clone, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def _refuse(why: str) -> NoReturn:
    print(f"error: {why}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Write the constraints of a clone's newest commit."""
    if len(sys.argv) != 2:
        _refuse(f"name a clone of googlecolab/backend-info: python {sys.argv[0]} CLONE")
    clone = sys.argv[1]
    try:
        commit, day = _git(clone, "log", "-1", "--format=%H %cs").split()
        kept, left_out = constraints(_git(clone, "show", f"{commit}:{SOURCE}"))
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        _refuse(f"{clone} is no clone of googlecolab/backend-info with {SOURCE} ({said})")
    head = [
        f"# Colab's own packages: {SOURCE} of github.com/googlecolab/backend-info,",
        f"# commit {commit}, {day}. Made by requirements/colab_freeze.py.",
        f"# Left out, because PyPI does not have it or torch chooses its version: {', '.join(left_out)}.",
    ]
    beside = TARGET.with_suffix(".part")
    beside.write_text("\n".join([*head, *kept, ""]), encoding="utf-8")
    beside.replace(TARGET)
    print(f"{TARGET.name}: {len(kept)} packages of {day}; left out: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
