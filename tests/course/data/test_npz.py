"""Reading PATH.npz: what is accepted, and the one line that each fault gets."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.data import load_dataset
from course.errors import CourseError

Arrays = dict[str, Any]


def arrays(n_classes: int = 3) -> Arrays:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (12, 32, 32, 3), np.uint8),
        "y_train": np.arange(12) % n_classes,
        "x_test": rng.integers(0, 256, (6, 32, 32, 3), np.uint8),
        "y_test": np.arange(6) % n_classes,
    }


def save(path: Path, content: Arrays) -> Path:
    np.savez(path, **content)
    return path


def test_the_keras_convention_is_read(tmp_path) -> None:
    content = arrays()
    splits = load_dataset(save(tmp_path / "photos.npz", content))
    np.testing.assert_array_equal(splits.train.data, content["x_train"])
    np.testing.assert_array_equal(splits.test.data, content["x_test"])
    np.testing.assert_array_equal(splits.train.targets, content["y_train"])
    np.testing.assert_array_equal(splits.test.targets, content["y_test"])
    assert splits.train.targets.dtype == splits.test.targets.dtype == np.int64
    assert splits.train.name == splits.test.name == "photos"
    assert splits.train.classes == ("0", "1", "2")
    np.testing.assert_array_equal(splits.train.indices, np.arange(12))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_may_be_a_column_of_any_integer_dtype(dtype, tmp_path) -> None:
    content = arrays()
    for key in ("y_train", "y_test"):
        content[key] = content[key].astype(dtype)[:, None]
    splits = load_dataset(str(save(tmp_path / "a.npz", content)))
    np.testing.assert_array_equal(splits.train.targets, arrays()["y_train"])
    assert splits.train.targets.dtype == np.int64


def test_compressed_files_other_keys_and_upper_case_are_fine(tmp_path) -> None:
    path = tmp_path / "A.NPZ"
    with path.open("wb") as file:
        np.savez_compressed(file, note=np.array("x"), **arrays())
    assert load_dataset(path).train.num_classes == 3


def test_the_home_folder_s_short_form_is_understood(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "a.npz", arrays())
    assert load_dataset("~/a.npz").train.name == "a"


def change(key: str, value: Callable[[np.ndarray], Any]) -> Callable[[Arrays], None]:
    def apply(content: Arrays) -> None:
        content[key] = value(content[key])

    return apply


FAULTS: dict[str, tuple[Callable[[Arrays], Any], str]] = {
    "missing key": (lambda c: c.pop("y_test"), "lacks y_test: save x_train, y_train, x_test, y_test"),
    "missing keys": (lambda c: (c.pop("x_train"), c.pop("y_test")), "lacks x_train, y_test: save"),
    "float images": (
        change("x_train", lambda x: x / 255),
        "x_train has dtype float64: save the pixels as uint8",
    ),
    "int images": (
        change("x_test", lambda x: x.astype(int)),
        "x_test has dtype int64: save the pixels as uint8",
    ),
    "gray images": (
        change("x_train", lambda x: x[..., 0]),
        "x_train has shape (12, 32, 32): images must be (N, 32, 32, 3)",
    ),
    "one channel": (
        change("x_train", lambda x: x[..., :1]),
        "x_train has shape (12, 32, 32, 1): images must be (N, 32, 32, 3)",
    ),
    "channels first": (
        change("x_test", lambda x: x.transpose(0, 3, 1, 2)),
        "x_test has shape (6, 3, 32, 32): images must be (N, 32, 32, 3)",
    ),
    "other size": (
        change("x_test", lambda x: x[:, :28, :28]),
        "x_test has shape (6, 28, 28, 3): images must be (N, 32, 32, 3)",
    ),
    "object images": (change("x_train", lambda x: x.astype(object)), "x_train is not a plain array"),
    "object labels": (change("y_test", lambda y: y.astype(object)), "y_test is not a plain array"),
    "float labels": (change("y_train", lambda y: y * 1.0), "y_train has dtype float64: save integer class"),
    "text labels": (change("y_train", lambda y: y.astype(str)), "save integer class indices"),
    "boolean labels": (change("y_train", lambda y: y > 0), "y_train has dtype bool: save integer class"),
    "one-hot labels": (
        change("y_train", lambda y: np.eye(3, dtype=int)[y]),
        "y_train has shape (12, 3): class indices must be (N,) or (N, 1)",
    ),
    "scalar labels": (change("y_train", lambda y: np.int64(1)), "y_train has shape (): class indices"),
    "fewer labels": (change("y_train", lambda y: y[:-1]), "x_train has 12 images but y_train 11 labels"),
    "more labels": (change("y_test", lambda y: np.tile(y, 2)), "x_test has 6 images but y_test 12 labels"),
    "negative label": (
        change("y_train", lambda y: y - 1),
        "y_train has the label -1: number the classes from 0",
    ),
    "from one": (change("y_train", lambda y: y + 1), "y_train has labels up to 3 but none is 0: number"),
    "gap": (
        change("y_train", lambda y: y * 2),
        "y_train has labels up to 4 but none is 1: number the classes from 0 to 2",
    ),
    "huge label": (
        change("y_train", lambda y: y * 10**15),
        "y_train has the label 2000000000000000 for 12 images",
    ),
    "beyond int64": (
        change("y_test", lambda y: y.astype(np.uint64) + np.uint64(2**63)),
        "y_test has the label 9223372036854775810",
    ),
    "a class only in train": (
        change("y_test", lambda y: y % 2),
        "y_train has 3 classes and y_test 2, label 2 is in one of them only: give both the same classes",
    ),
    "a class only in test": (
        change("y_test", lambda y: np.array([0, 1, 2, 3, 0, 1])),
        "y_train has 3 classes and y_test 4, label 3 is in one of them only",
    ),
    "a single class": (
        lambda c: c.update(y_train=c["y_train"] * 0, y_test=c["y_test"] * 0),
        "a single class",
    ),
    "empty": (lambda c: c.update(x_test=c["x_test"][:0], y_test=c["y_test"][:0]), "x_test is empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_in_one_line(fault, tmp_path) -> None:
    spoil, expected = FAULTS[fault]
    content = arrays()
    spoil(content)
    path = save(tmp_path / "data.npz", content)
    with pytest.raises(CourseError) as error:
        load_dataset(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message


def test_missing_file(tmp_path) -> None:
    with pytest.raises(CourseError, match=r"none\.npz does not exist"):
        load_dataset(tmp_path / "none.npz")


def test_a_folder_is_not_a_file(tmp_path) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(CourseError, match=r"folder\.npz does not exist or is not a file"):
        load_dataset(tmp_path / "folder.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY\x01\x00"], ids=["empty", "text", "npy"])
def test_not_a_zip(content, tmp_path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=r"is not an \.npz file: save x_train"):
        load_dataset(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_truncated(keep, tmp_path) -> None:
    path = save(tmp_path / "a.npz", arrays())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(CourseError, match="is truncated: copy it again"):
        load_dataset(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_inside(compressed, tmp_path) -> None:
    path = tmp_path / "a.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays())
    content = bytearray(path.read_bytes())
    content[5000:5100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(CourseError, match=r"x_train is damaged .* copy the file again"):
        load_dataset(path)


def test_a_member_that_is_no_array(tmp_path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        for key in ("x_train", "y_train", "x_test", "y_test"):
            file.writestr(f"{key}.npy", b"text")
    with pytest.raises(CourseError, match="x_train is not an array"):
        load_dataset(path)


def test_a_header_that_claims_too_much(tmp_path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**13, 32, 32, 3)}
        with file.open("x_train.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, header)
        for key in ("y_train", "x_test", "y_test"):
            file.writestr(f"{key}.npy", b"")
    with pytest.raises(CourseError, match="x_train does not fit into memory"):
        load_dataset(path)


@pytest.mark.parametrize("name", ["cifar", "CIFAR10", "cifar-10", "shapes2", "", "data.npy", "folder/data"])
def test_unknown_names_are_errors(name) -> None:
    with pytest.raises(
        CourseError, match=r"unknown data set .* shapes, digits, cifar10 or the path of an \.npz file"
    ):
        load_dataset(name)
