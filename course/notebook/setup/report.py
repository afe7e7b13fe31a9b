"""Which device computes, where the work is kept, and how the set-up says so."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from course.errors import CourseError
from course.mode import Mode
from course.notebook.setup.machine import COLAB_DISK, Machine

WIDTH = 100  # columns of a line


def in_columns(note: str) -> str:
    """A note in lines of at most `WIDTH` columns; a path, `a command` and "numpy 2.1" stay whole."""
    whole = re.sub(r"`[^`]*`|[\w-]+ (?=\d)", lambda command: command[0].replace(" ", "\0"), note)
    lines = [
        textwrap.fill(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for line in whole.splitlines()
    ]
    return "\n".join(lines).replace("\0", " ")


def choose_mode(environ: Mapping[str, str], backend: str) -> Mode:
    """ "gpu" where JAX has an accelerator, else "cpu"; $SSL_COURSE_MODE decides when it is set.

    Raises:
        CourseError: $SSL_COURSE_MODE is neither cpu nor gpu.
    """
    asked = environ.get("SSL_COURSE_MODE", "").lower()
    if asked == "":
        return "cpu" if backend == "cpu" else "gpu"
    if asked == "cpu":
        return "cpu"
    if asked == "gpu":
        return "gpu"
    raise CourseError(f"SSL_COURSE_MODE is {asked!r}: set it to cpu or gpu, or leave it unset")


def device_note(machine: Machine, mode: Mode, backend: str, device: str) -> str:
    """Which device computes, and, where no GPU is found, how to get one."""
    if backend != "cpu":
        if mode == "gpu":
            return f"JAX computes on {device}: GPU mode, the training runs on CIFAR-10."
        return f"JAX computes on {device}, but SSL_COURSE_MODE=cpu asks for CPU mode: small data, few steps."
    if mode == "gpu":
        return (
            "SSL_COURSE_MODE=gpu asks for CIFAR-10, but JAX found no GPU: on a CPU expect hours, not minutes."
        )
    here = "No GPU: CPU mode, the training runs on small procedural data and takes a few minutes."
    if machine.colab:
        return (
            f"{here}\nTo switch one on: menu Runtime, then Change runtime type, then T4 GPU, then Save. "
            "Colab restarts the session, so run the notebook again from its top. "
            "You need the GPU only for the training in section 7; the exercises are just as fast without it."
        )
    if machine.nvidia:
        return (
            f"{here}\nThis machine has an NVIDIA GPU that JAX does not use. To let it: "
            '`pip install "jax[cuda12]"`, then restart the kernel.'
        )
    return f"{here} Everything else is the same."


def work_folder(machine: Machine) -> Path:
    """Where logs and checkpoints go: $SSL_COURSE_WORK, the mounted Drive, Colab's disk, or right here."""
    if machine.environ.get("SSL_COURSE_WORK"):
        return Path(machine.environ["SSL_COURSE_WORK"]).expanduser()
    if machine.drive_mounted:
        return machine.drive / "ssl-course"
    return (COLAB_DISK if machine.colab else machine.folder) / "ssl-course-work"


def work_note(machine: Machine, work: Path) -> str:
    """Where the work is kept, and for how long."""
    if not machine.colab:
        return f"Logs and checkpoints go to {work}."
    if machine.drive_mounted:
        return f"Your Google Drive is mounted: logs and checkpoints go to {work} and survive the session."
    return (
        f"Logs and checkpoints go to {work}, on this session's disk: THEY ARE DELETED WHEN THE SESSION ENDS. "
        "To keep them: file panel on the left, button Mount Drive, then run this cell again. "
        "To keep the notebook itself: File, then Save a copy in Drive."
    )
