"""Progress bars that are still there the next day.

tqdm's own bar in a notebook is a widget: after a restart of the kernel it is an error message. Here it is
text that a notebook keeps as it was last. In a terminal it is tqdm's, in ASCII where the encoding needs it.
"""

from __future__ import annotations

import io
from typing import Any

from tqdm import tqdm

from course.frontend import shell

REDRAWN_EVERY = 0.25  # seconds; each drawing is a message to the browser
COLUMNS = 100


class _BelowTheCell(io.StringIO):
    """A file that shows the last line written to it below the cell that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.shown, self.handle = "", "", None

    def write(self, text: str) -> int:
        """Take a line; tqdm begins each with a carriage return and ends the last with a newline."""
        if text != "\n":
            self.line = text.strip("\r").rstrip()
        return len(text)

    def flush(self) -> None:
        """Show the line, if it has changed."""
        from IPython.display import display

        if self.line == self.shown:
            return
        content = {"text/plain": self.line}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)
        self.shown = self.line


def print_beside_bars(line: str) -> None:
    """Print a line while bars may be open.

    A terminal's bar has to step aside for it, as `tqdm.write` sees to. In a notebook the course's bars are
    displays of their own, and `tqdm.write` would draw every bar again that a student has left open.
    """
    if _in_a_notebook():
        print(line)
    else:
        tqdm.write(line)


def _in_a_notebook() -> bool:
    return getattr(shell(), "kernel", None) is not None


def progress_bar(iterable: Any = None, *, brief: bool = False, **options: Any) -> Any:
    """A tqdm bar for where the code runs.

    Args:
        iterable: what to go through; without it the bar is moved by ``update``.
        brief: in a notebook, show it only when the work takes more than two seconds.
        **options: tqdm's own.
    """
    if not _in_a_notebook():
        return tqdm(iterable, dynamic_ncols=True, **options)
    return tqdm(
        iterable,
        file=_BelowTheCell(),
        ncols=COLUMNS,
        # Each bar is a display of its own. Below an open bar, such as a student's `progress = tqdm(...)`,
        # tqdm would write line feeds and cursor codes, and the display would hold these alone.
        position=0,
        ascii=False,
        mininterval=REDRAWN_EVERY,
        delay=2.0 if brief else 0.0,
        **options,
    )
