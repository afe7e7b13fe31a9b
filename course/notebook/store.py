"""What is kept of a student's way through a unit: one small JSON file in the work folder.

It holds states and guesses and no work: losing it costs a table, never a point.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from course.checks import State
from course.errors import CourseError
from course.files import write_atomically
from course.records import build

FORMAT = 1
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class LastCheck:
    """What the last check of an exercise found.

    Attributes:
        state: of the last check.
        function: digest of the function that was checked; "" where its code could not be read.
        passed: digest of the function that last passed, or None when none has.
    """

    state: State
    function: str = ""
    passed: str | None = None


@dataclass(frozen=True)
class Progress:
    """Everything that is kept of a unit.

    Attributes:
        exercises: name → the last check.
        guesses: name of a prediction → the last guess.
    """

    exercises: Mapping[str, LastCheck] = field(default_factory=dict)
    guesses: Mapping[str, float] = field(default_factory=dict)


class DamagedFile(Exception):
    """The file is not what `Store` writes; the message says why, in a few words."""


class Store:
    """A unit's progress and its file.

    The file is read again before each change, so that a second notebook on the same folder loses nothing.
    Where the file can be neither read nor written, the progress lives on in memory.

    Attributes:
        path: the file.
        remarks: what the student should know, once; whoever shows them empties the list.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.remarks: list[str] = []
        self._progress = Progress()

    def read(self) -> Progress:
        """What is kept. A damaged file is set aside, and a remark names it."""
        try:
            content = self._read()
        except OSError as error:
            self._remark(f"{self.path} cannot be read ({error.strerror or error}).")
            return self._progress
        if content is None:
            return self._progress
        try:
            self._progress = parse(content)
        except DamagedFile as damage:
            self._set_aside(str(damage))
        return self._progress

    def note_check(self, name: str, state: State, function: str) -> None:
        """Keep what a check found.

        Args:
            name: the exercise.
            state: what the check found.
            function: digest of the checked function.

        Raises:
            CourseError: the file cannot be written; the note is kept in memory.
        """
        progress = self.read()
        earlier = progress.exercises.get(name)
        passed = function if state is State.CORRECT else earlier.passed if earlier else None
        checked = LastCheck(state, function, passed)
        self._save(replace(progress, exercises={**progress.exercises, name: checked}))

    def note_guess(self, name: str, guess: float) -> None:
        """Keep a guess.

        Raises:
            CourseError: the file cannot be written; the guess is kept in memory.
        """
        progress = self.read()
        self._save(replace(progress, guesses={**progress.guesses, name: guess}))

    def _read(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _save(self, progress: Progress) -> None:
        self._progress = progress
        content = {"format": FORMAT, **asdict(progress)}
        write_atomically(self.path, (json.dumps(content, indent=1) + "\n").encode())

    def _set_aside(self, reason: str) -> None:
        aside = self.path.with_suffix(".damaged.json")
        number = 2
        while aside.exists():
            aside = self.path.with_suffix(f".damaged-{number}.json")
            number += 1
        try:
            self.path.replace(aside)
        except OSError as error:
            self._remark(f"{self.path} is damaged ({reason}) and cannot be moved ({error.strerror}).")
            return
        self._remark(
            f"{self.path.name} is damaged ({reason}). It is now called {aside.name}, and the table of your "
            "progress starts over: run your checks again."
        )

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)


def parse(content: bytes) -> Progress:
    """The progress in a file's bytes.

    Raises:
        DamagedFile: the bytes are not what `Store` writes.
    """
    if len(content) > MOST_BYTES:
        raise DamagedFile("it is far too long")
    try:
        data = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise DamagedFile("it is not JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DamagedFile("it has another format")
    exercises, guesses = data.get("exercises"), data.get("guesses")
    if not isinstance(exercises, dict) or not isinstance(guesses, dict):
        raise DamagedFile("parts of it are missing")
    return Progress(
        {name: _checked(raw) for name, raw in exercises.items()},
        {name: _guess(raw) for name, raw in guesses.items()},
    )


def _checked(raw: Any) -> LastCheck:
    try:
        return build(LastCheck, raw, "an exercise")
    except CourseError:
        raise DamagedFile("an exercise is not described as it should be") from None


def _guess(raw: Any) -> float:
    # JSON as Python reads it knows NaN, Infinity and integers of any length.
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not -1e300 < raw < 1e300:
        raise DamagedFile("a guess is not a number")
    return float(raw)
