"""Plain data in a folder: nothing is lost on the way, and nothing hostile gets in."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.checks.case import Failure, Outcome
from course.checks.exchange import DTYPES, Limits, read_folder, read_outcome, write_folder, write_outcome
from course.checks.plain import Opaque, Plain, to_json
from course.errors import CourseError

SMALL = Limits(json_bytes=400, array_bytes=100, arrays=3, depth=4)

arrays = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
texts = st.text(st.characters(codec=None), max_size=5)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    texts,
    arrays,
    st.builds(Opaque, texts, texts),
)
plain = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def text_of(value: Plain) -> str:
    """All of a value: types, dtypes, shapes, order of keys, signs of zeros."""
    return json.dumps(to_json(value), allow_nan=False)


@settings(deadline=None, max_examples=150)
@given(plain)
def test_what_is_read_equals_what_was_written(value: Plain) -> None:
    with tempfile.TemporaryDirectory() as root:
        write_folder(value, Path(root, "data"))
        assert text_of(read_folder(Path(root, "data"))) == text_of(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3).T,
        np.arange(8)[::2],
        np.arange(3, dtype=">i4"),
        np.zeros((0, 2)),
        np.array(1.5),
    ],
    ids=["transposed", "strided", "big-endian", "empty", "scalar"],
)
def test_the_layout_in_memory_does_not_matter(array: np.ndarray, tmp_path: Path) -> None:
    write_folder(array, tmp_path / "data")
    got = read_folder(tmp_path / "data")
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.dtype) == (array.shape, array.dtype.newbyteorder("="))
    assert np.array_equal(got, array)
    got[...] = 0  # it is the reader's own


def test_arrays_lie_in_one_file_that_numpy_reads(tmp_path: Path) -> None:
    write_folder({"a": [np.arange(3), np.float32(2.0) * np.ones(2)]}, tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["arrays.npy", "data.json"]
    with (tmp_path / "data" / "arrays.npy").open("rb") as file:
        assert [np.load(file, allow_pickle=False).tolist() for _ in range(2)] == [[0, 1, 2], [2.0, 2.0]]
    document = json.loads((tmp_path / "data" / "data.json").read_text())
    assert document == {"format": 2, "data": {"dict": {"a": [{"npy": 0}, {"npy": 1}]}}}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.array(["a"]), "an array of str32"),
        (np.array([None]), "an array of object"),
        (np.array(1j), "an array of complex128"),
        (np.zeros(2, np.longdouble), "an array of (longdouble|float128)"),
        (object(), "a object, which is not plain"),
        ((1, 2), "a tuple, which is not plain"),
        ({1: 2}, "other keys than texts"),
        (2**64, "more than 64 bits"),
        (np.zeros(101, np.int8), "exceed 3 arrays or 100 bytes"),
        ([np.zeros(1)] * 4, "exceed 3 arrays or 100 bytes"),
        ("x" * 400, "exceed 400 characters"),
        (nested(5), "nested more than 4 deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_plain_or_too_large_is_not_written(value: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=reason):
        write_folder(value, tmp_path / "data", SMALL)
    assert not (tmp_path / "data" / "data.json").exists()


def test_a_folder_is_written_once(tmp_path: Path) -> None:
    write_folder(1, tmp_path / "data")
    with pytest.raises(FileExistsError):
        write_folder(2, tmp_path / "data")
    assert read_folder(tmp_path / "data") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not strict JSON"),
        ("{", "is not strict JSON"),
        ("[1]", "is not of format 2"),
        ('{"format": 1, "data": 1}', "is not of format 2"),
        ('{"format": 2, "data": 1, "more": 1}', "is not of format 2"),
        ('{"format": 2, "data": NaN}', "NaN is no JSON"),
        ('{"format": 2, "data": 1e999}', "a number that is too large"),
        ('{"format": 2, "data": 18446744073709551616}', "more than 64 bits"),
        ('{"format": 2, "data": 1, "data": 2}', "a key occurs twice"),
        ('{"format": 2, "data": {"dict": {"a": 1, "a": 2}}}', "a key occurs twice"),
        ('{"format": 2, "data": {}}', "without a known tag"),
        ('{"format": 2, "data": {"dict": []}}', "without a known tag"),
        ('{"format": 2, "data": {"float": "1.0"}}', "without a known tag"),
        ('{"format": 2, "data": {"float": ["nan"]}}', "without a known tag"),
        ('{"format": 2, "data": {"opaque": ["a"]}}', "without a known tag"),
        ('{"format": 2, "data": {"opaque": [1, 2]}}', "without a known tag"),
        ('{"format": 2, "data": {"npy": "../../0"}}', "without a known tag"),
        ('{"format": 2, "data": {"npy": true}}', "without a known tag"),
        ('{"format": 2, "data": {"npy": 1}}', "names array 1, where 0 is due"),
        ('{"format": 2, "data": {"npy": -1}}', "names array -1, where 0 is due"),
        ('{"format": 2, "data": {"npy": 0}}', "arrays.npy: cannot be read"),
        ('{"format": 2, "data": [[[[[[1]]]]]]}', "nested more than 4 deep"),
        ('{"format": 2, "data": "' + 400 * "x" + '"}', "is larger than 400 bytes"),
    ],
)
def test_other_json_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(text)
    with pytest.raises(CourseError, match=reason):
        read_folder(tmp_path, SMALL)


def test_json_that_exhausts_the_parser_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"format": 2, "data": ' + "[" * 1_000_000)
    with pytest.raises(CourseError, match="is not strict JSON"):
        read_folder(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_bytes(b'{"format": 2, "data": "\xff"}')
    with pytest.raises(CourseError, match="is not strict JSON"):
        read_folder(tmp_path)


def with_array(folder: Path, content: bytes) -> Path:
    (folder / "data.json").write_text('{"format": 2, "data": {"npy": 0}}')
    (folder / "arrays.npy").write_bytes(content)
    return folder


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    padded = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(padded).to_bytes(2, "little") + padded + content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not an .npy file of version 1"),
        (pickle.dumps([1, 2]), "is not an .npy file of version 1"),
        (npy("{}", version=b"\x02\x00"), "is not an .npy file of version 1"),
        (b"\x93NUMPY\x01\x00\xff\xff", "has a header of 65535 bytes"),
        (
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
            "header that np.save does not write",
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"), "does not write"),
        (npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }"), "does not write"),
        (npy("__import__('os').abort()"), "does not write"),
        (npy("{'descr': '<f16', 'fortran_order': False, 'shape': (0,), }"), "has the dtype <f16"),
        (npy("{'descr': '<U4', 'fortran_order': False, 'shape': (0,), }"), "does not write"),
        (npy("{'descr': '<c8', 'fortran_order': False, 'shape': (0,), }"), "has the dtype <c8"),
        (npy("{'descr': '>f8', 'fortran_order': False, 'shape': (0,), }"), "has the dtype >f8"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }"), "exceeds the 100 bytes"),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 9999999999999), }"),
            "that no exercise needs",
        ),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 40 + "1), }"),
            "no exercise needs",
        ),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", 8 * b"\0"),
            r"has \d+ bytes; its headers state",
        ),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 9 * b"\0"),
            r"goes on behind the last array of data.json, number 0",
        ),
        (npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", b"\7"), "truth values other than"),
    ],
)
def test_other_array_files_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=reason):
        read_folder(with_array(tmp_path, content), SMALL)


def test_all_arrays_together_are_limited(tmp_path: Path) -> None:
    write_folder([np.zeros(8), np.zeros(8)], tmp_path / "data")
    with pytest.raises(CourseError, match="arrays\\.npy: exceeds the 100 bytes"):
        read_folder(tmp_path / "data", SMALL)


def test_the_second_array_is_looked_at_like_the_first(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
    with_array(tmp_path, npy(header, 8 * b"\0") + npy(header, 7 * b"\0"))
    (tmp_path / "data.json").write_text('{"format": 2, "data": [{"npy": 0}, {"npy": 1}]}')
    with pytest.raises(CourseError, match=r"has \d+ bytes; its headers state"):
        read_folder(tmp_path, SMALL)


def test_an_array_counts_once(tmp_path: Path) -> None:
    write_folder([np.zeros(8)], tmp_path / "data")
    (tmp_path / "data" / "data.json").write_text('{"format": 2, "data": [{"npy": 0}, {"npy": 0}]}')
    with pytest.raises(CourseError, match="names array 0, where 1 is due"):
        read_folder(tmp_path / "data")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize("name", ["data.json", "arrays.npy"])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to(path.with_name("elsewhere")), "is a link"),
        (lambda path: path.symlink_to("/dev/zero"), "is a link"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.mkdir(), "is not a regular file|cannot be read"),
    ],
    ids=["link", "link to a device", "pipe", "folder"],
)
def test_only_regular_files_are_read(
    name: str, make: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    write_folder(np.zeros(2), tmp_path / "data")
    path = tmp_path / "data" / name
    path.rename(path.with_name("elsewhere"))
    make(path)
    with pytest.raises(CourseError, match=f"{name}: ({reason})"):
        read_folder(tmp_path / "data")


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_to_somebody_elses_folder_is_not_read(tmp_path: Path) -> None:
    write_folder("a secret", tmp_path / "theirs")
    (tmp_path / "mine").symlink_to(tmp_path / "theirs")
    with pytest.raises(CourseError, match="lies in one"):
        read_folder(tmp_path / "mine")


FAILURE = Failure("TypeError", "no", "f(x=…)", (("x", "float32 (3,)"), ("y", "1")), "return x", False, "f")


@pytest.mark.parametrize(
    "outcome", [Outcome(returned=[1, {"a": 2.5}], refused=2), Outcome(), Outcome(failure=FAILURE)]
)
def test_outcomes_come_back(outcome: Outcome, tmp_path: Path) -> None:
    write_outcome(outcome, tmp_path / "outcome")
    assert read_outcome(tmp_path / "outcome") == outcome


def failure(**fields: Any) -> Plain:
    stated: dict[str, Any] = {
        **{field.name: "" for field in dataclasses.fields(Failure)},
        "type": "E",
        "arguments": [],
        "values": [],
        "unfinished": False,
    }
    return {"failure": stated | fields, "refused": 0}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "holds no outcome"),
        ({"returned": 1}, "holds no outcome"),
        ({"returned": 1, "refused": True}, "holds no outcome"),
        ({"returned": 1, "failure": None, "refused": 0}, "holds no outcome"),
        ({"failure": None, "refused": 0}, "holds no failure"),
        ({"failure": {"type": "E"}, "refused": 0}, "holds no failure"),
        (failure(more=1), "holds no failure"),
        (failure(message=1), "fields have other types"),
        (failure(unfinished=1), "fields have other types"),
        (failure(arguments=["ab"]), "fields have other types"),
        (failure(arguments=[["a", "b", "c"]]), "fields have other types"),
    ],
)
def test_other_outcomes_are_refused(value: Plain, reason: str, tmp_path: Path) -> None:
    write_folder(value, tmp_path / "outcome")
    with pytest.raises(CourseError, match=reason):
        read_outcome(tmp_path / "outcome")


def test_a_whole_failure_is_accepted(tmp_path: Path) -> None:
    write_folder(failure(message="m"), tmp_path / "outcome")
    assert read_outcome(tmp_path / "outcome").failure == Failure("E", "m", "", (), "", False, "")
