"""TensorBoard below a notebook's cell, for a folder with any name."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from course.errors import CourseError


def arguments(folder: str | Path) -> str:
    r"""TensorBoard's command line for a folder of logs.

    ``tensorboard.notebook.start`` takes one string and splits it as a POSIX shell does, on Windows too: a
    blank would end the folder's name, ``#`` begin a comment, and the backslashes of ``C:\runs`` would go.

    Args:
        folder: with runs below it.
    """
    return f"--logdir={shlex.quote(str(folder))}"


def show_tensorboard(folder: str | Path) -> None:
    """Start TensorBoard, or find the one that runs already, and show it below the cell.

    Args:
        folder: with runs below it.

    Raises:
        CourseError: TensorBoard is not installed.
    """
    try:
        from tensorboard import notebook
    except ImportError as error:
        raise CourseError(
            "TensorBoard is not installed; the curves above are drawn from the same logs. "
            "To have it as well: %pip install tensorboard, then run this cell again."
        ) from error
    # Jupyter of an environment that is not activated has its commands beside Python, and not on the PATH.
    program = Path(sys.executable).with_name("tensorboard.exe" if os.name == "nt" else "tensorboard")
    if program.is_file():
        os.environ.setdefault("TENSORBOARD_BINARY", str(program))
    notebook.start(arguments(folder))
