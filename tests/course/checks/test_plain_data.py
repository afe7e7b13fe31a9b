"""Plain data: what passes, what does not, and that JSON loses nothing."""

import itertools
import json
from collections.abc import Iterator
from unittest.mock import ANY

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch
from flax.core import freeze

from course.checks.plain import MAX_DEPTH, MAX_VALUES, Opaque, Plain, from_json, to_json, to_plain


def same(one: Plain, other: Plain) -> bool:
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        )
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -0.1,
        float("nan"),
        float("-inf"),
        "text",
        np.array([[1.5, np.nan], [np.inf, -0.0]], dtype=np.float32),
        np.array(7, dtype=np.int32),
        np.zeros((0, 3)),
        np.array([True, False]),
        {"a": [1, {"b": np.arange(3)}], "empty": {}, "array": 1},
        Opaque("generator", "<generator>"),
    ],
    ids=repr,
)
def test_json_round_trip(value: Plain) -> None:
    text = json.dumps(to_json(value), allow_nan=False)
    assert same(from_json(json.loads(text)), value)


def test_arrays_of_jax_and_numpy_scalars_become_numpy_arrays() -> None:
    got = to_plain({"jax": jnp.ones((2, 1)), "numpy": np.float32(2), "bool": jnp.array(True)})
    assert same(
        got, {"jax": np.ones((2, 1), np.float32), "numpy": np.array(2, np.float32), "bool": np.array(True)}
    )


def test_constants_that_a_checkpointed_function_returns_become_numpy_arrays() -> None:
    """JAX has classes of its own for them: they are no `jax.Array`, int or float."""
    function = jax.checkpoint(lambda x: {"sum": x.sum(), "zero": jnp.zeros(()), "half": 0.5, "two": 2})
    returned = function(jnp.ones(3))
    assert {type(returned[name]) for name in ("half", "two")}.isdisjoint({int, float, jax.Array})
    got = to_plain(returned)
    assert isinstance(got, dict) and {type(value) for value in got.values()} == {np.ndarray}
    assert got == {"sum": 3.0, "zero": 0.0, "half": 0.5, "two": 2}


def test_bfloat16_is_widened() -> None:
    assert same(to_plain(np.array([1.5], ml_dtypes.bfloat16)), np.array([1.5], np.float32))


def test_tensors_become_numpy_arrays() -> None:
    leaf = torch.tensor([1.5, 2.0], requires_grad=True)
    got = to_plain({"leaf": leaf, "half": leaf.to(torch.bfloat16), "mask": leaf > 1.7, "n": torch.tensor(3)})
    assert same(
        got,
        {
            "leaf": np.array([1.5, 2.0], np.float32),
            "half": np.array([1.5, 2.0], np.float32),
            "mask": np.array([False, True]),
            "n": np.array(3),
        },
    )


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(2, device="meta"),
        torch.ones(2).to(torch.float8_e4m3fn),
        torch.ones(2, 2).to_sparse(),
        torch.ones(2, dtype=torch.complex64),
    ],
    ids=["meta", "float8", "sparse", "complex"],
)
def test_tensors_without_comparable_numbers_are_opaque(tensor: torch.Tensor) -> None:
    assert to_plain(tensor) == Opaque(ANY, ANY)


def test_tuples_and_frozen_dicts_become_plain_containers() -> None:
    assert to_plain((1, freeze({"a": {"b": 2}}))) == [1, {"a": {"b": 2}}]


def test_the_result_does_not_share_memory_with_the_student() -> None:
    array = np.zeros(3)
    plain = to_plain(array)
    array[0] = 1
    assert plain[0] == 0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ((i for i in range(2)), "generator"),
        (np.array(["a"]), "array of str32"),
        (np.array([None]), "array of object"),
        ({1: 2}, "dict"),
        (1j, "complex"),
        (np.array(1j), "array of complex128"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_other_objects_are_named_only(value: object, kind: str) -> None:
    plain = to_plain(value)
    assert isinstance(plain, Opaque)
    assert plain.type == kind


def test_tracers_are_named() -> None:
    leaked = []
    jax.jit(lambda x: leaked.append(x) or x)(1.0)
    plain = to_plain(leaked[0])
    assert isinstance(plain, Opaque)
    assert plain.type == "JAX tracer"


def test_objects_that_claim_to_equal_everything_or_raise_in_repr_do_no_harm() -> None:
    class Always:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None

        def __repr__(self) -> str:
            raise RuntimeError("no")

    plain = to_plain(Always())
    assert isinstance(plain, Opaque)
    assert plain.type == "Always"


def test_objects_that_pass_for_another_type_do_no_harm() -> None:
    pretender = type("deque", (), {})()  # reprlib looks at names, and finds no elements here
    assert to_plain(pretender) == Opaque("deque", "<its repr raises TypeError>")


def test_long_texts_are_cut() -> None:
    class Long:
        def __repr__(self) -> str:
            return "x" * 10_000

    plain = to_plain(Long())
    assert isinstance(plain, Opaque)
    assert len(plain.text) < 200


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ([0.0] * (MAX_VALUES + 1), "list", "it holds more than 100,000 values"),
        ({str(i): i for i in range(MAX_VALUES + 1)}, "dict", "it holds more than 100,000 values"),
        ([[[0] * 100] * 100] * 100, "list", "it holds more than 100,000 values"),
        (nested(MAX_DEPTH + 1), "list", "it is nested more than 40 levels deep"),
        (np.broadcast_to(0.0, (10**6, 10**6)), "array of shape (1000000, 1000000)", "too large to compare"),
        ("x" * 10**6, "str", "1,000,000 characters"),
        (2**64, "int", "a number of more than 64 bits"),
        (-(10**5000), "int", "a number of more than 64 bits"),
    ],
    ids=lambda value: None if isinstance(value, str) and len(value) < 60 else type(value).__name__,
)
def test_what_is_too_large_is_named_only(value: object, type_: str, text: str) -> None:
    assert to_plain(value) == Opaque(type_, text)


def test_what_is_just_small_enough_passes() -> None:
    assert to_plain([0.0] * (MAX_VALUES - 1)) == [0.0] * (MAX_VALUES - 1)
    assert to_plain(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert to_plain([2**64 - 1, -(2**63), "x" * 10_000]) == [2**64 - 1, -(2**63), "x" * 10_000]


def test_an_endless_iterable_of_a_container_is_cut() -> None:
    class Endless(list):
        def __iter__(self) -> Iterator[int]:
            return itertools.count()

    assert to_plain(Endless()) == Opaque("Endless", "it holds more than 100,000 values")


def test_a_long_double_becomes_a_number_that_json_has() -> None:
    plain = to_plain(np.array([0.1], np.longdouble))
    assert same(plain, np.array([0.1]))


def test_a_claimed_class_counts_for_nothing() -> None:
    class Liar:
        __class__ = np.ndarray  # type: ignore[assignment]

    assert isinstance(Liar(), np.ndarray)
    plain = to_plain(Liar())
    assert isinstance(plain, Opaque)
    assert plain.type == "Liar"
