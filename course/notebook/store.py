"""What is kept of a student's way through a unit: one small JSON file in the work folder.

It holds states and guesses and no work: losing it costs a table, never a point.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from course.checks import State
from course.errors import CourseError
from course.files import write_atomically
from course.records import build

FORMAT = 2  # 1 had neither results nor versions nor hints
MOST_BYTES = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True)
class LastCheck:
    """What the last check of an exercise found.

    Attributes:
        state: of the last check.
        function: digest of the function that was checked; "" where its code could not be read.
        passed: digest of the function that last passed, or None when none has.
        versions: of the function that were checked, up to the first that passed.
    """

    state: State
    function: str = ""
    passed: str | None = None
    versions: int = 0


@dataclass(frozen=True)
class Guess:
    """A prediction.

    Attributes:
        guess: the last one, or None where there is none.
        result: what came out, or None before it was shown.
        before: whether the guess was made before the result was shown.
    """

    guess: float | None = None
    result: float | None = None
    before: bool = False


@dataclass(frozen=True)
class Progress:
    """Everything that is kept of a unit.

    Attributes:
        exercises: name → the last check.
        guesses: name of a prediction → its guess and result.
        hints: name of an exercise → the highest number of a hint that was shown before its check passed.
        logbook: whether this may be put into the notebook; see `course.notebook.logbook`.
    """

    exercises: Mapping[str, LastCheck] = field(default_factory=dict)
    guesses: Mapping[str, Guess] = field(default_factory=dict)
    hints: Mapping[str, int] = field(default_factory=dict)
    logbook: bool = True


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
        versions = earlier.versions if earlier else 0
        if state is not State.NOT_ATTEMPTED and (earlier is None or _is_another_attempt(earlier, function)):
            versions += 1
        checked = LastCheck(state, function, passed, versions)
        self._save(replace(progress, exercises={**progress.exercises, name: checked}))

    def note_guess(self, name: str, guess: float) -> None:
        """Keep a guess.

        Raises:
            CourseError: the file cannot be written; the guess is kept in memory.
        """
        progress = self.read()
        earlier = progress.guesses.get(name, Guess())
        # A notebook that runs again from the top records the same guess again.
        before = earlier.before if guess == earlier.guess else earlier.result is None
        noted = Guess(guess, earlier.result, before)
        self._save(replace(progress, guesses={**progress.guesses, name: noted}))

    def note_result(self, name: str, result: float) -> None:
        """Keep the result of a prediction, which is shown now.

        Raises:
            CourseError: the file cannot be written; the result is kept in memory.
        """
        progress = self.read()
        noted = replace(progress.guesses.get(name, Guess()), result=result)
        self._save(replace(progress, guesses={**progress.guesses, name: noted}))

    def note_hint(self, name: str, number: int) -> None:
        """Keep that a hint is shown, unless the exercise is solved.

        Raises:
            CourseError: the file cannot be written; the number is kept in memory.
        """
        progress = self.read()
        checked, earlier = progress.exercises.get(name), progress.hints.get(name, 0)
        if number > earlier and (checked is None or checked.passed is None):
            self._save(replace(progress, hints={**progress.hints, name: number}))

    def delete_logbook(self) -> None:
        """Delete guesses, results, hints and numbers of versions; from now on none is put into the notebook.

        Raises:
            CourseError: the file cannot be written.
        """
        exercises = {name: replace(one, versions=0) for name, one in self.read().exercises.items()}
        self._save(Progress(exercises, logbook=False))

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
    if not isinstance(data, dict) or data.get("format") not in (1, FORMAT):
        raise DamagedFile("it has another format")
    if data["format"] == 1:
        data = _from_format_1(data)
    parts = [data.get(name) for name in ("exercises", "guesses", "hints")]
    if not all(isinstance(part, dict) for part in parts) or not isinstance(data.get("logbook"), bool):
        raise DamagedFile("parts of it are missing")
    exercises, guesses, hints = parts
    return Progress(
        {name: _built(LastCheck, raw, "an exercise") for name, raw in exercises.items()},
        {name: parse_guess(raw) for name, raw in guesses.items()},
        {name: _count(raw) for name, raw in hints.items()},
        data["logbook"],
    )


def _is_another_attempt(earlier: LastCheck, function: str) -> bool:
    """Whether a check of a function is one more on the way to a right one."""
    changed = earlier.state is State.NOT_ATTEMPTED or earlier.function != function
    return earlier.passed is None and changed


def _from_format_1(data: dict[str, Any]) -> dict[str, Any]:
    exercises, guesses = data.get("exercises"), data.get("guesses")
    if not isinstance(exercises, dict) or not isinstance(guesses, dict):
        raise DamagedFile("parts of it are missing")
    return {
        "exercises": {
            name: raw | {"versions": 0} if isinstance(raw, dict) else raw for name, raw in exercises.items()
        },
        "guesses": {name: {"guess": raw, "result": None, "before": True} for name, raw in guesses.items()},
        "hints": {},
        "logbook": True,
    }


def _built(kind: type[T], raw: Any, what: str) -> T:
    try:
        return build(kind, raw, what)
    except CourseError:
        raise DamagedFile(f"{what} is not described as it should be") from None


def parse_guess(raw: Any) -> Guess:
    """A guess and its result, from the data of a file. Raises DamagedFile."""
    found = _built(Guess, raw, "a guess")
    # JSON as Python reads it knows NaN, Infinity and integers of any length.
    if not all(number is None or -1e300 < number < 1e300 for number in (found.guess, found.result)):
        raise DamagedFile("a guess is not a number")
    return found


def _count(raw: Any) -> int:
    if type(raw) is not int or raw < 0:
        raise DamagedFile("the number of a hint is not a number")
    return raw
