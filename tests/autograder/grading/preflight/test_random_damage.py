"""Randomly damaged notebooks under random names, from the folder to the repaired notebook: nobody is lost."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.classroom.sample_class import SampleClass
from autograder.grading.hand_in import notebook_of
from autograder.grading.matching import repair
from autograder.grading.stops import stops

from .conftest import Course

A_CLASS = 50
FOLDERS = (
    *("{}/toy", "{}/toy", "{}/toy", "{}/Toy", "{}/toy/work", "{}/toy/01_toy.ipynb", "toy/{}", "TOY/{}/a/b"),
    *("{}", "{}/01_toy", "{}/toy/.ipynb_checkpoints", "{}/homework"),
)
NAMES = (
    *("01_toy.ipynb", "01_toy.ipynb", "01_toy (1).ipynb", "01_toy-Copy1.ipynb", "Copy of 01_toy.ipynb"),
    *("01_TOY.IPYNB", "01_toy.ipynb.txt", "x_late_1_2_01_toy-3.ipynb", "01_toy", "01_toy.json", "mine.ipynb"),
    *("02_other.ipynb", "-.ipynb", ".ipynb", "[a]*?.ipynb", "\x1b[31m.ipynb", "é\u202e.ipynb", "a\nb.ipynb"),
    *("timestamp.txt", "helpers.py", os.fsdecode(b"01_toy\xff.ipynb")),
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**30, float("nan"), "", "\ud83d", "\0", "<<<<<<< a\nb\n>>>>>>> c", "code"),
    *([], {}, [[]], {"cells": []}, {"grade_id": "add"}, ["add", 5]),
    {"nbgrader": {"grade_id": "check-add", "grade": True}},
)
Random = random.Random


def flip(rng: Random, raw: bytes) -> bytes:
    content = bytearray(raw)
    for _ in range(rng.randint(1, 9)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def splice(rng: Random, raw: bytes) -> bytes:
    a, b = sorted((rng.randrange(len(raw)), rng.randrange(len(raw))))
    return rng.choice((raw[:a] + raw[b:], raw[:b] + raw[a:], raw[:a], raw[b:], raw + raw[a:b], raw[a:b]))


def insert(rng: Random, raw: bytes) -> bytes:
    what = rng.choice(
        (
            *(b"\n<<<<<<< HEAD\n", b"\n=======\n", b"\n>>>>>>> x\n", b"\\ud83d", b"\xff", b"\0", b'"', b"\\"),
            *(b"9" * 5000, b"[" * 5000, b'{"a":' * 5000, b"NaN", b"\xef\xbb\xbf", b'"outputs": ['),
        )
    )
    at = rng.randrange(len(raw))
    return raw[:at] + what + raw[at:]


def encode(rng: Random, raw: bytes) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(
        rng.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "utf-8-sig", "utf-7", "cp037")), "replace"
    )


def another(rng: Random, raw: bytes) -> bytes:
    return rng.choice(
        (b"", b"\0" * 5000, b"%PDF-1.7", b"PK\x03\x04", b"<html>", rng.randbytes(500), b" \n", b"{}")
    )


def in_json(rng: Random, raw: bytes) -> bytes:
    """One to five places of the notebook get another value, go, or come twice."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return flip(rng, raw) if raw else raw
    for _ in range(rng.randint(1, 5)):
        node = content
        while isinstance(node, dict | list) and node:
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            deeper = node[key]
            if rng.random() < 0.3 or not isinstance(deeper, dict | list) or not deeper:
                change(rng, node, key)
                break
            node = deeper
    return json.dumps(content, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def change(rng: Random, node: Any, key: Any) -> None:
    how = rng.randrange(3)
    if how == 0:
        del node[key]
    elif how == 1 and isinstance(node, list):
        node.insert(rng.randrange(len(node)), deepcopy(node[key]))
    else:
        node[key] = deepcopy(rng.choice(VALUES))


KINDS: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(flip, splice, insert, encode, another, in_json, in_json, in_json),
)


def hand_in(course: Course, rng: Random, student: str, notebooks: list[bytes]) -> list[bytes]:
    """A student's files, links and folders. Returns the contents of all files that count."""
    written = []
    for _ in range(rng.randint(1, 3)):
        raw = rng.choice(notebooks)
        for _ in range(rng.randint(0, 2)):
            raw = rng.choice(KINDS)(rng, raw) if raw else raw
        place = f"{rng.choice(FOLDERS).format(student)}/{rng.choice(NAMES)}"
        if os.path.lexists(course.root / "submitted" / place):
            continue
        try:
            course.hand_in(place, raw, rng.randint(0, 3))
        except OSError:
            continue  # a file stands where a folder should be, or the other way round
        written.append(raw)
    home = course.root / "submitted" / student / "toy"
    home.mkdir(parents=True, exist_ok=True)
    for _ in range(rng.randint(0, 2)):
        free = home / rng.choice(("01_toy.ipynb", "data.csv", "x.ipynb", "timestamp.txt", "a b"))
        if not os.path.lexists(free):
            how = rng.randrange(4)
            if how == 0:
                free.symlink_to(rng.choice(("/etc/passwd", "nowhere", ".", "01_toy.ipynb")))
            elif how == 1:
                os.mkfifo(free)
            elif how == 2:
                free.mkdir()
            else:
                free.write_bytes(rng.randbytes(20))
    return written


def contents(course: Course) -> Counter[bytes]:
    files = (path for path in course.root.rglob("*") if path.is_file() and not path.is_symlink())
    return Counter(path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(100), id="100"),
        pytest.param(range(100, 2100), id="2000", marks=pytest.mark.slow),
    ],
)
def test_nobody_is_lost(
    seeds: range, course: Course, toy_class: SampleClass, tmp_path: Path, built_toy_root: Path
) -> None:
    released = nbformat.read(built_toy_root / "release/toy/01_toy.ipynb", as_version=4)
    notebooks = [one.content for one in (toy_class.perfect(), toy_class.untouched(), toy_class.half())]
    for first in range(seeds.start, seeds.stop, A_CLASS):
        one = Course(tmp_path / f"class-{first}", json.dumps(released).encode())
        handed_in: Counter[bytes] = Counter()
        students = [f"student-{seed}" for seed in range(first, min(first + A_CLASS, seeds.stop))]
        for seed, student in enumerate(students, first):
            handed_in.update(hand_in(one, Random(seed), student, notebooks))
        found = one.preflight()
        assert sorted(each.student for each in found.checked) == sorted(students)
        assert not handed_in - contents(one)
        for student in students:
            read_as_nbgrader_would(one, student, released)
        steady = one.tree()
        again = one.preflight()
        assert [*zip(again.checked, found.checked, strict=True)] == [(each, each) for each in found.checked]
        assert one.tree() == steady


def read_as_nbgrader_would(course: Course, student: str, released: NotebookNode) -> None:
    home = course.root / "submitted" / student / "toy"
    place = home / "01_toy.ipynb"
    assert place.is_file() and not place.is_symlink(), student
    assert not [path for path in home.rglob("*") if not path.is_file() and not path.is_dir()], student
    notebook = notebook_of(place)
    nbformat.validate(notebook)
    repaired, repairs = repair(notebook, released)
    nbformat.validate(repaired)
    nbformat.writes(repaired).encode()
    code = [cell for cell in repaired.cells if cell.cell_type == "code"]
    "\n".join([*repairs.describe(), *stops(code, code)]).encode()
