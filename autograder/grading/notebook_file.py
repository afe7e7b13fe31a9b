"""From a file that was handed in as a notebook to its JSON data, or to the reason why there is none.

What can be read is, with a remark: other encodings, half characters, text behind the notebook's end. Outputs
are never graded, and are taken out before anything is counted or parsed; of one of them the logbook is read.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.notebook.cells import cell_id, grade_id, mapping, source_of
from course.notebook.logbook import MARK

# Far above a notebook without its outputs; far below what would fill the grader's memory.
MAX_CHARACTERS = 64_000_000
MAX_BYTES = 1 << 28  # with its outputs
MOST_OUTPUTS = 1_000_000  # of the cell that shows the logbook

AGAIN = "Hand in the notebook itself again, as JupyterLab or Colab saves it."
# A string, also one that has no end. Nothing in these expressions goes back, so time is linear in the length.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_KEY = rb'"outputs"\s*+:\s*+\['
_BEFORE_OUTPUTS = re.compile(rb'(?:[^"]++|(?!%b)%b)*+' % (_KEY, _STRING), re.DOTALL)
_OUTPUTS = re.compile(_KEY)
_PLAIN = rb'(?:[^"\[\]{}]++|%b)*+' % _STRING
# Pairs of brackets that hold no others are among what lies between.
_BETWEEN_BRACKETS = re.compile(rb"(?:%b(?:\[%b\]|\{%b\}))*+%b" % ((_PLAIN,) * 4), re.DOTALL)
_BRACKETS = re.compile(rb"[\[{]++|[\]}]++")
_SOMETHING = re.compile(rb"[^\0 \t\r\n]")
_BLANK = "\ufeff \t\r\n"
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |\r?$)", re.MULTILINE)
_MARKS = _BEGIN, _BASE, _MIDDLE, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"
# Where a line stands, and the mark that it is → where the lines behind it stand.
_NEXT_SIDE = {
    ("", _BEGIN): "ours",
    ("ours", _BASE): "before",
    ("ours", _MIDDLE): "theirs",
    ("before", _MIDDLE): "theirs",
    ("theirs", _END): "",
}
_HALF = re.compile(r"[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"<": "a web page",
}


class UnreadableHandIn(Exception):
    """A file is not a notebook; the message says why in a few words, and ``remedy`` what to do."""

    def __init__(self, reason: str, remedy: str = AGAIN) -> None:
        super().__init__(reason)
        self.remedy = remedy


class _Conflict(UnreadableHandIn):
    """A file holds the markers of a merge conflict outside of its cells' texts."""


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        data: a JSON object without its outputs.
        remarks: what was wrong with the file and could be mended, a sentence each.
        logbook: the text of the output that says that it is the logbook, which may be anything; or "".
    """

    data: dict[str, Any]
    remarks: tuple[str, ...] = ()
    logbook: str = ""


def a_link(what: str) -> UnreadableHandIn:
    """What to raise for a link."""
    return UnreadableHandIn(f"{what} is a link, and links are not followed", "Hand in the notebook itself.")


@contextmanager
def bytes_of(path: Path) -> Iterator[bytes | mmap.mmap]:
    """A file's content, not all of it in memory. A link in its place is not followed.

    Raises:
        UnreadableHandIn: it is a link, a folder, a device, too long, or this account may not read it.
        FileNotFoundError: there is nothing.
    """
    if path.is_symlink():
        raise a_link("it")
    try:
        # A pipe in its place must not be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableHandIn(f"it cannot be opened ({error.strerror})") from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableHandIn("it is a folder" if stat.S_ISDIR(facts.st_mode) else "it is not a file")
        if facts.st_size > MAX_BYTES:
            raise UnreadableHandIn(f"the file is longer than {MAX_BYTES:,} bytes", "Clear its outputs.")
        if facts.st_size:
            with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
        else:
            yield b""
    finally:
        os.close(handle)


def content_of(raw: bytes | mmap.mmap) -> Content:
    """What the bytes of a file hold.

    Raises:
        UnreadableHandIn: they are no JSON object, or it is too long even without its outputs.
    """
    remarks: list[str] = []
    if not _SOMETHING.search(raw):
        raise UnreadableHandIn(
            "the file holds nothing but zeros" if b"\0" in bytes(raw[:1]) else "the file is empty"
        )
    plain = _in_utf8(raw, remarks)
    text = _text(plain, remarks)
    if not text.strip(_BLANK):
        raise UnreadableHandIn("the file is empty")
    try:
        data, end = _parsed(text, _what_it_is(raw))
    except _Conflict as conflict:
        return _merged(raw, conflict)
    if not isinstance(data, dict):
        raise UnreadableHandIn("the file is not a notebook")
    behind = text[end:].strip()
    if behind:
        remarks.append(
            f"After the notebook's end came {len(behind):,} more characters, as an older and longer file "
            "leaves them; they were left out."
        )
    if _HALF.search(text) or _ESCAPED_HALF.search(text):
        # A pair of escapes is one character; what is alone is half of one, which no file can hold.
        mended, halves = _without_halves(data)
        if halves:
            data = mended
            remarks.append("Half a character (of an emoji, for example) was replaced by \ufffd.")
    return Content(data, tuple(remarks), _logbook(plain))


def _merged(raw: bytes | mmap.mmap, conflict: _Conflict) -> Content:
    """The first side of each merge conflict, that of HEAD, where both sides are notebooks.

    These are all that the file had when it was merged, so nothing of it is a mixture.

    Raises:
        UnreadableHandIn: one of them is none, or the markers belong to no two sides.
    """
    if len(raw) > MAX_CHARACTERS:
        raise conflict
    sides = _sides(bytes(raw))
    if sides is None:
        raise conflict
    try:
        ours, theirs = map(content_of, sides)
    except UnreadableHandIn:
        raise conflict from None
    if not all(isinstance(side.data.get("cells"), list) for side in (ours, theirs)):
        raise conflict
    names = _different_cells(ours.data["cells"], theirs.data["cells"])
    remark = "The file held the markers of a merge conflict (<<<<<<<), of which both sides are notebooks"
    if names:
        remark += (
            f". The first one counts; the other one differs in {_listed(names)}. If that one is meant, "
            "resolve the conflict and hand in again."
        )
    else:
        remark += " with the same texts."
    return Content(ours.data, (*ours.remarks, remark), ours.logbook)


def _sides(raw: bytes) -> tuple[bytes, bytes] | None:
    """A file as either side of its conflicts has it; None without conflicts, and for marks out of order."""
    ours, theirs = [], []
    where, conflicts = "", 0
    for line in raw.splitlines(keepends=True):
        mark = line[:7] if line[7:8] in (b"", b" ", b"\r", b"\n") else b""
        if mark in _MARKS:
            if (where, mark) not in _NEXT_SIDE:
                return None
            where = _NEXT_SIDE[where, mark]
            conflicts += mark == _BEGIN
        elif where in ("", "ours", "theirs"):
            if where != "theirs":
                ours.append(line)
            if where != "ours":
                theirs.append(line)
    return (b"".join(ours), b"".join(theirs)) if conflicts and not where else None


def _different_cells(ours: list[Any], theirs: list[Any]) -> list[str]:
    """Cells whose texts differ, or that only one side has, by their ids or else their places."""
    texts = [
        {grade_id(cell) or cell_id(cell) or f"cell {number}": source_of(cell) for number, cell in cells}
        for cells in (enumerate(map(mapping, side), start=1) for side in (ours, theirs))
    ]
    names = dict.fromkeys([*texts[0], *texts[1]])
    return [name for name in names if texts[0].get(name) != texts[1].get(name)]


def _listed(names: list[str]) -> str:
    """Names of a student's, of any number and length."""
    return ", ".join([name[:40] for name in names[:6]] + ["more"] * (len(names) > 6))


def without_outputs(raw: bytes | mmap.mmap) -> bytes:
    """JSON in which each list under the key ``outputs`` is empty.

    Raises:
        UnreadableHandIn: what is left is too long.
    """
    kept: list[bytes] = []
    length = start = 0
    for begin, end in _lists_of_outputs(raw):
        kept.append(raw[start:begin])
        length += len(kept[-1])
        _refuse_above(length)
        start = end
    _refuse_above(length + len(raw) - start)
    kept.append(raw[start:])
    return b"".join(kept)


def _lists_of_outputs(raw: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where what stands in the brackets behind each key ``outputs`` begins and ends."""
    end = 0
    while key := _OUTPUTS.match(raw, _skipped(_BEFORE_OUTPUTS, raw, end)):
        end = _end_of_list(raw, key.end())
        yield key.end(), end


def _logbook(raw: bytes | mmap.mmap) -> str:
    """The plain text of the last output that shows a logbook.

    Outputs are not parsed but for the ones of that cell, and these not where they are long.
    """
    mark = MARK.encode()
    if raw.find(mark) < 0:
        return ""
    found = [place for place in _lists_of_outputs(raw) if raw.find(mark, *place) >= 0]
    if not found or found[-1][1] - found[-1][0] > MOST_OUTPUTS:
        return ""
    try:
        outputs = json.loads(b"[%b]" % raw[slice(*found[-1])])
    except (ValueError, RecursionError):
        return ""
    bundles = [mapping(mapping(output).get("data")) for output in outputs]
    texts = [source_of({"source": bundle.get("text/plain", "")}) for bundle in bundles]
    return next((text for text in reversed(texts) if MARK in text), "")


def _skipped(what: re.Pattern[bytes], raw: bytes | mmap.mmap, position: int) -> int:
    """Where something ends that may be empty."""
    found = what.match(raw, position)
    return found.end() if found else position


def has_conflict(text: str) -> bool:
    """Whether a merge left its markers in a text."""
    return {found[0][0] for found in _CONFLICT.finditer(text)} >= {"<", ">"}


def _refuse_above(length: int) -> None:
    if length > MAX_CHARACTERS:
        raise UnreadableHandIn(
            f"the file is longer than {MAX_CHARACTERS:,} characters without its outputs",
            "Take out what it should not hold, such as pictures pasted into texts.",
        )


def _end_of_list(raw: bytes | mmap.mmap, position: int) -> int:
    """Where the bracket stands that ends a list, or the end of a text in which none does."""
    depth = 1
    while brackets := _BRACKETS.match(raw, _skipped(_BETWEEN_BRACKETS, raw, position)):
        position = brackets.end()
        count = position - brackets.start()
        if raw[brackets.start()] in b"[{":
            depth += count
        elif count < depth:
            depth -= count
        else:
            return brackets.start() + depth - 1
    return len(raw)


def _in_utf8(raw: bytes | mmap.mmap, remarks: list[str]) -> bytes | mmap.mmap:
    """A file whose encoding is UTF-16 or UTF-32 in UTF-8; every other one as it is.

    Raises:
        UnreadableHandIn: it is neither.
    """
    encoding = json.detect_encoding(bytes(raw[:4]))
    if encoding not in ("utf-8", "utf-8-sig"):
        try:
            raw = bytes(raw).decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            raise UnreadableHandIn("the file is not text") from error
        remarks.append(f"The file was in {encoding[:6].upper()}, not UTF-8, and was read as such.")
    return raw


def _text(raw: bytes | mmap.mmap, remarks: list[str]) -> str:
    """The text without its outputs, of a file that should be in UTF-8."""
    raw = without_outputs(raw).removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if sum(character > "\x7f" for character in text) - damaged > damaged:
        remarks.append(f"{damaged} damaged character(s) were replaced by \ufffd.")
        return text
    remarks.append(
        "The file was not in UTF-8 and was read as Windows-1252: letters with accents may be wrong."
    )
    return raw.decode("cp1252", "replace")


def _parsed(text: str, what: str) -> tuple[Any, int]:
    """The first JSON value of a text, and where it ends.

    Args:
        text: of the file.
        what: that the file's first bytes say it is, or "".
    """
    begin = len(text) - len(text.lstrip(_BLANK))
    try:
        # Control characters in strings do no harm.
        return json.JSONDecoder(strict=False).raw_decode(text, begin)
    except (ValueError, RecursionError) as error:
        if has_conflict(text):
            raise _Conflict(
                "it holds the markers of a merge conflict (<<<<<<<, =======, >>>>>>>)",
                "Resolve the conflict, open the notebook once, and hand it in again.",
            ) from error
        if what:
            reason, remedy = f"the file is not JSON but {what}", AGAIN
        elif sum(not (c.isprintable() or c.isspace()) for c in text[:4096]) > 16:
            reason, remedy = "the file is not text", AGAIN
        elif isinstance(error, json.JSONDecodeError) and text[begin] == "{" and _is_cut(text, error):
            reason, remedy = "the file is cut off", "Hand the notebook in again, and wait until it is sent."
        else:
            reason, remedy = "the file is not JSON", AGAIN
        raise UnreadableHandIn(reason, remedy) from error


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether a text went wrong where it ends."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - 8


def _what_it_is(raw: bytes | mmap.mmap) -> str:
    """What a file is that is no notebook, where its first bytes say so; else ""."""
    start = bytes(raw[:64]).removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((what for magic, what in _KINDS.items() if start.startswith(magic)), "")


def _without_halves(value: Any) -> tuple[Any, int]:
    """JSON data with each half of a character replaced, and how many there were.

    Raises:
        UnreadableHandIn: it is nested too deeply.
    """
    halves = 0

    def mended(value: Any) -> Any:
        nonlocal halves
        if isinstance(value, str):
            text, found = _HALF.subn("\ufffd", value)
            halves += found
            return text
        if isinstance(value, list):
            return [mended(item) for item in value]
        if isinstance(value, dict):
            return {mended(key): mended(item) for key, item in value.items()}
        return value

    try:
        return mended(value), halves
    except RecursionError as error:
        raise UnreadableHandIn("the file is not a notebook: it is nested too deeply") from error
