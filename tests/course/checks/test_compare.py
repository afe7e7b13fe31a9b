"""Comparison: the order of what is looked for, tolerances, and the report on the first difference."""

import numpy as np
import pytest

from course.checks.compare import (
    Difference,
    Kind,
    Tolerance,
    describe,
    find_difference,
    format_value,
    place_in_words,
)
from course.checks.plain import Opaque, Plain

TIGHT = Tolerance(1e-4, 1e-5, "a test")


def differ(expected: Plain, got: Plain, **options: object) -> Difference | None:
    return find_difference(expected, got, TIGHT, **options)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (np.array(1.0), 1.0),
        (np.array(1.0), np.array(1.0, np.float16)),
        (0.5, np.array(0.5, np.float32)),
        (2.0, 2),
        (250.0, np.array(250)),
        (np.array(250.0), np.array(250, np.uint16)),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0000999], np.float32)),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.array(3), np.array(3.0)),
        ({"a": 1.0}, {"a": 1.0, "extra": "text"}),
        ([1.0, {"b": np.zeros(2)}], [1.0, {"b": np.zeros(2, np.float32)}]),
        (None, None),
        ("name", "name"),
    ],
)
def test_agreement(expected: Plain, got: Plain) -> None:
    assert differ(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "kind", "where"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 1.0}, Kind.STRUCTURE, "returned"),
        ([1.0, 2.0], [1.0], Kind.STRUCTURE, "returned"),
        ([1.0, [2.0]], [1.0, 2.0], Kind.STRUCTURE, "returned[1]"),
        (1.0, Opaque("Always", ""), Kind.STRUCTURE, "returned"),
        (1.0, None, Kind.STRUCTURE, "returned"),
        (1.0, "1.0", Kind.STRUCTURE, "returned"),
        ("name", "other", Kind.STRUCTURE, "returned"),
        (np.zeros(3), np.zeros((3, 1)), Kind.SHAPE, "returned"),
        (np.array(0.5), np.array([0.5]), Kind.SHAPE, "returned"),
        (np.array([0.5]), 0.5, Kind.SHAPE, "returned"),
        (np.zeros(2), np.zeros(2, np.int32), Kind.DTYPE, "returned"),
        (np.zeros(2), np.zeros(2, bool), Kind.DTYPE, "returned"),
        (0.5, np.array(0), Kind.DTYPE, "returned"),
        (1.0, np.array(True), Kind.DTYPE, "returned"),
        ({"a": {"b": 1.0}}, {"a": {"b": 1.001}}, Kind.VALUES, 'returned["a"]["b"]'),
        (np.array(0.0), np.array(np.nan), Kind.VALUES, "returned"),
        (np.array(np.inf), np.array(-np.inf), Kind.VALUES, "returned"),
        (np.array(2), np.array(3), Kind.VALUES, "returned"),
    ],
)
def test_difference(expected: Plain, got: Plain, kind: Kind, where: str) -> None:
    difference = differ(expected, got)
    assert difference is not None
    assert (difference.kind, difference.where) == (kind, where)


def test_structure_before_shape_before_dtype_before_values() -> None:
    expected = [np.zeros(2), np.zeros(2), np.zeros(2), {"a": 1.0}]
    wrong_value, wrong_dtype, wrong_shape = np.ones(2), np.zeros(2, int), np.zeros(3)
    worst_last = [wrong_value, wrong_dtype, wrong_shape, {}]
    found = []
    for position in (3, 2, 1, 0):
        difference = differ(expected, worst_last)
        assert difference is not None
        found.append(difference.kind)
        worst_last[position] = expected[position]
    assert found == [Kind.STRUCTURE, Kind.SHAPE, Kind.DTYPE, Kind.VALUES]
    assert differ(expected, worst_last) is None


def test_the_smallest_differing_element_is_shown() -> None:
    expected = np.arange(6.0).reshape(2, 3)
    got = expected.copy()
    got[0, 2] += 1
    got[1, 0] -= 1
    difference = differ(expected, got)
    assert difference is not None
    assert (difference.element, difference.expected_element, difference.got_element) == ("[0, 2]", "2", "3")
    assert (difference.n_different, difference.n_elements) == (2, 6)


def test_places_are_reported_in_the_order_asked_for_and_the_others_named() -> None:
    expected = {"total": 1.0, "part": 2.0, "same": 3.0}
    got = {"total": 5.0, "part": 6.0, "same": 3.0}
    difference = differ(expected, got, first=['returned["part"]'])
    assert difference is not None
    assert (difference.where, difference.others) == ('returned["part"]', ('returned["total"]',))


def test_extra_keys_can_be_refused() -> None:
    difference = differ({"a": 1.0}, {"a": 1.0, "b": 2.0}, extra_keys=False)
    assert difference is not None
    assert difference.kind is Kind.STRUCTURE


@pytest.mark.parametrize(("offset", "agrees"), [(0.9e-5, True), (1.1e-5, False)])
def test_absolute_tolerance(offset: float, agrees: bool) -> None:
    assert (differ(np.array(0.0), np.array(offset)) is None) == agrees


@pytest.mark.parametrize(("factor", "agrees"), [(1 + 0.9e-4, True), (1 + 1.2e-4, False)])
def test_relative_tolerance(factor: float, agrees: bool) -> None:
    assert (differ(np.array(1e6), np.array(1e6 * factor)) is None) == agrees


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 3), np.float32), "float32 array of shape (2, 3)"),
        (np.array(1), "int64 scalar"),
        ({}, "empty dict"),
        ({"a": 1}, "dict with keys 'a'"),
        ([1.0, None], "2 values: (float 1.0, None)"),
        (Opaque("generator", "<g>"), "generator: <g>"),
        ("x" * 100, "str of 100 characters"),
    ],
)
def test_describe(value: Plain, text: str) -> None:
    assert describe(value) == text


@pytest.mark.parametrize(
    ("got", "got_type"),
    [
        (None, "NoneType"),
        (Opaque("generator", ""), "generator"),
        ({}, "dict"),
        ([[1.0]], "list"),
        ("1", "str"),
    ],
)
def test_the_type_of_what_came_is_kept(got: Plain, got_type: str) -> None:
    difference = differ(1.0, got)
    assert difference is not None
    assert difference.got_type == got_type


@pytest.mark.parametrize(
    ("expected", "got", "nan"),
    [
        (np.array(1.0), np.array(np.nan), True),
        (np.array(1.0), float("nan"), True),
        (np.array([1.0, 2.0]), np.array([1.0, np.nan]), True),
        (np.array([np.nan, 2.0]), np.array([np.nan, 3.0]), False),
        (np.array([1.0, 2.0]), np.array([1.0, np.inf]), False),
        (np.array([1, 2]), np.array([1, 3]), False),
    ],
)
def test_a_nan_is_noted_where_a_number_was_expected(expected: Plain, got: Plain, nan: bool) -> None:
    difference = differ(expected, got)
    assert difference is not None
    assert difference.nan is nan


@pytest.mark.parametrize(
    ("expected", "got", "negated"),
    [
        (np.array(1.0), np.array(-1.0), True),
        (np.array(1.0), -1.0, True),
        (np.array([1.0, -2.0, 0.0]), np.array([-1.0, 2.0, 0.0], np.float32), True),
        (np.array([1, 2]), np.array([-1, -2]), True),
        (np.array([1.0, 2.0]), np.array([-1.0, 2.0]), False),
        (np.array([1.0, np.nan]), np.array([2.0, np.nan]), False),
        (np.array([True, False]), np.array([False, True]), False),
    ],
)
def test_a_wrong_sign_is_noted(expected: Plain, got: Plain, negated: bool) -> None:
    difference = differ(expected, got)
    assert difference is not None
    assert difference.negated is negated


def test_of_what_is_expected_no_precision_is_told_and_of_what_came_its_own() -> None:
    """The expected values are stored in double precision, which is not what the function should return."""
    difference = differ([np.zeros((3, 4)), np.array(1)], np.zeros((3, 4), np.float32))
    assert difference is not None
    assert difference.expected == "2 values: (float array of shape (3, 4), int scalar)"
    assert difference.got == "float32 array of shape (3, 4)"


def test_descriptions_are_short_whatever_they_describe() -> None:
    deep: Plain = 1.0
    for _ in range(12):
        deep = [deep] * 6
    assert len(describe(deep)) < 5000
    assert len(describe({"k" * 10**6: 1, **{str(i): i for i in range(1000)}})) < 500
    assert describe({str(i): i for i in range(13)}).endswith("'11', …")


def test_large_arrays_are_cut() -> None:
    assert len(format_value(np.zeros((1000, 1000))).splitlines()) <= 12


def test_a_batch_of_small_images_is_shown_without_blank_lines() -> None:
    shown = format_value(np.arange(12.0).reshape(2, 2, 1, 3)).splitlines()
    assert shown == ["[[[[ 0.  1.  2.]]", "  [[ 3.  4.  5.]]]", " [[[ 6.  7.  8.]]", "  [[ 9. 10. 11.]]]]"]


def test_numbers_have_the_digits_of_float32() -> None:
    assert format_value(np.array(1 / 3)) == "0.3333333"
    assert [format_value(x) for x in (24_213_760.0, np.array(3.0), 1e300, float("inf"), True)] == [
        "24213760",
        "3",
        "1e+300",
        "inf",
        "True",
    ]
    assert format_value([1, np.array([2])]) == "[1, [2]]"


def test_rows_of_a_table_are_shown_below_each_other_and_not_all_of_many() -> None:
    rows: list[Plain] = [{"method": "a", "labels": k, "seconds": None} for k in range(3)]
    assert format_value(rows).splitlines() == [
        "[{'method': 'a', 'labels': 0, 'seconds': None},",
        " {'method': 'a', 'labels': 1, 'seconds': None},",
        " {'method': 'a', 'labels': 2, 'seconds': None}]",
    ]
    assert describe(rows) == "3 values, each a dict with keys 'method', 'labels', 'seconds'"
    many = format_value(rows * 10).splitlines()
    assert len(many) == 13 and many[-1] == " … 18 more]"


def test_dicts_with_different_keys_are_described_one_by_one() -> None:
    assert describe([{"a": 1}, {"b": 1}]) == "2 values: (dict with keys 'a', dict with keys 'b')"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("returned", "what your function returns"),
        ('returned["returned"]', "what your function returns"),
        ("returned[1]", "value 2"),
        ('returned["returned"][2]["mask rate"]', 'value 3, "mask rate"'),
        ('returned["forward passes"]', '"forward passes"'),
    ],
)
def test_a_place_without_a_name_is_told_in_words(where: str, words: str) -> None:
    assert place_in_words(where) == words
