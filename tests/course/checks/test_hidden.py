"""Hidden checks accept what is right, and reject what is right on the public inputs alone.

That they reject every mutant and accept every alternative stands where the public check does it:
test_verdicts.py and test_alternatives.py.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import solutions.fixmatch
import solutions.flexmatch
from autograder.expected.hidden import hidden_check
from autograder.units import reference_of
from course.catalog import load_course
from course.checks import State, check, render_text
from course.checks.case import Check, drive
from course.checks.expectations import Expectation
from course.checks.plain import to_json, to_plain
from course.checks.runner import find_check, judge_case
from course.checks.state import kept_state
from course.errors import CourseError
from course.units.fixmatch.checks.validate import black

Function = Callable[..., Any]

PUBLIC = {e.name: find_check(e.name) for unit in load_course().units for e in unit.exercises}


def secret(number: int) -> bytes:
    return hashlib.sha256(bytes([number])).digest()


def fresh(exercise: str, number: int) -> tuple[Check, Expectation]:
    return hidden_check(PUBLIC[exercise][0], exercise, secret(number))


hide = cache(fresh)


def failing(hidden: tuple[Check, Expectation], function: Function) -> Iterator[str]:
    """The names of the cases that a function fails, by the same runner as the public ones."""
    found, expectation = hidden
    for case in found.cases:
        if not judge_case(case, expectation, function, case.inputs()).passed:
            yield case.name


def failed(hidden: tuple[Check, Expectation], function: Function) -> list[str]:
    return list(failing(hidden, function))


@pytest.fixture
def hidden(hidden_check_of: Callable[[str], Any]) -> Callable[[str], tuple[Check, Expectation]]:
    """Exercise → its hidden check, of one secret."""
    return hidden_check_of


def test_a_hidden_check_has_the_public_cases_with_other_inputs(
    exercise: str, hidden: Callable[[str], tuple[Check, Expectation]]
) -> None:
    found, expectation = hidden(exercise)
    _, public = PUBLIC[exercise]
    assert [case.name for case in found.cases] == [case.name for case in public.cases]
    assert list(expectation.cases) == [case.name for case in found.cases]
    assert expectation.slips == {}
    for case, other in zip(found.cases, public.cases, strict=True):
        assert (case.drive, case.tolerance, case.names) == (other.drive, other.tolerance, other.names)
        assert case.stated is None
        assert case.shown == ()  # a report must not hand the inputs out
        ours, theirs = jax.tree.leaves(case.inputs()), jax.tree.leaves(other.inputs())
        same = [np.array_equal(one, two) for one, two in zip(ours, theirs, strict=False)]
        assert not all(same)


def test_equal_secrets_give_equal_checks(
    exercise: str, hidden: Callable[[str], tuple[Check, Expectation]]
) -> None:
    first, again = hidden(exercise), fresh(exercise, 0)
    for one, two in zip(first[0].cases, again[0].cases, strict=True):
        assert to_json(one.inputs()) == to_json(two.inputs())
    assert to_json(dict(first[1].cases)) == to_json(dict(again[1].cases))


def test_other_secrets_give_other_values(
    exercise: str, hidden: Callable[[str], tuple[Check, Expectation]]
) -> None:
    first, other = hidden(exercise), hide(exercise, 1)
    for one, two in zip(first[0].cases, other[0].cases, strict=True):
        assert to_json(one.inputs()) != to_json(two.inputs()), one.name


def test_each_case_has_a_seed_of_its_own(hidden: Callable[[str], tuple[Check, Expectation]]) -> None:
    seeds = [case.seed for found, _ in map(hidden, PUBLIC) for case in found.cases]
    assert len(set(seeds)) == len(seeds)


def test_the_reference_passes(
    exercise: str, reference: Function, hidden: Callable[[str], tuple[Check, Expectation]]
) -> None:
    for check_of_a_secret in (hidden(exercise), hide(exercise, 1)):
        assert failed(check_of_a_secret, reference) == []


@pytest.mark.slow
def test_the_reference_passes_for_many_secrets(exercise: str, reference: Function) -> None:
    for number in range(2, 40):
        assert failed(hide(exercise, number), reference) == [], number


def test_draws_accept_any_seed(exercise: str, hidden: Callable[[str], tuple[Check, Expectation]]) -> None:
    """The conditions that keep ties away are met soon enough, whatever the secret."""
    for case in hidden(exercise)[0].cases:
        for seed in range(300):
            case.draw(np.random.RandomState(seed))


# --- a function that is right on the public inputs alone


def agrees(known: Any, given: Any) -> Any:
    """Whether two structures of arrays are equal; only the values may be traced."""
    if jax.tree.structure(known) != jax.tree.structure(given):
        return False
    pairs = list(zip(jax.tree.leaves(known), jax.tree.leaves(given), strict=True))
    if any(np.shape(one) != np.shape(other) for one, other in pairs):
        return False
    one_by_one = [jnp.all(jnp.asarray(one, jnp.float32) == jnp.asarray(other)) for one, other in pairs]
    return jnp.all(jnp.stack(one_by_one))


def looked_up(table: list[Any], given: Any, answer: Any) -> Any:
    """``answer`` where ``given`` stands in the table, and zeros elsewhere."""
    known = jnp.asarray(False)
    for entry in table:
        known = known | agrees(entry, given)
    return jax.tree.map(lambda leaf: jnp.where(known, leaf, jnp.zeros_like(leaf)), answer)


def public_arguments(name: str, *names: str) -> list[Any]:
    """The named inputs of every public case that has them, those of second calls included."""
    drawn = [case.inputs() for case in PUBLIC[name][1].cases]
    drawn += [{key.removeprefix("other "): value for key, value in inputs.items()} for inputs in drawn]
    return [[inputs[key] for key in names] for inputs in drawn if all(key in inputs for key in names)]


def memorized_log_probs() -> Function:
    table = public_arguments("logits_to_log_probs", "logits")
    return lambda logits: looked_up(table, [logits], solutions.fixmatch.logits_to_log_probs(logits))


def memorized_cross_entropy() -> Function:
    table = public_arguments("log_softmax_cross_entropy", "log_probs", "targets")

    def log_softmax_cross_entropy(log_probs: Any, targets: Any) -> Any:
        answer = solutions.fixmatch.log_softmax_cross_entropy(log_probs, targets)
        return looked_up(table, [log_probs, targets], answer)

    return log_softmax_cross_entropy


def memorized_schedule() -> Function:
    names = ("init_value", "decay_steps", "alpha")
    drawn = [case.inputs() for case in PUBLIC["cosine_decay_schedule"][1].cases]
    entries = [(inputs, [inputs[name] for name in names]) for inputs in drawn]
    entries += [
        (inputs, [inputs[f"other {name}"] for name in names])
        for inputs in drawn
        if "other init_value" in inputs
    ]
    table = [[*settings, count] for inputs, settings in entries for count in inputs["counts"]]

    def cosine_decay_schedule(init_value: float, decay_steps: int, alpha: float) -> Function:
        schedule = solutions.fixmatch.cosine_decay_schedule(init_value, decay_steps, alpha)
        return lambda count: looked_up(table, [init_value, decay_steps, alpha, count], schedule(count))

    return cosine_decay_schedule


VIEWS = ("params", "batch_stats", "x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")


def memorized_forward() -> Function:
    table = public_arguments("get_forward_fn", *VIEWS)

    def get_forward_fn(model: Any) -> Function:
        forward = solutions.fixmatch.get_forward_fn(model)
        return lambda *args: looked_up(table, list(args), forward(*args))

    return get_forward_fn


def memorized_loss() -> Function:
    table = public_arguments("get_fixmatch_loss_fn", *VIEWS, "y_labeled", "y_unlabeled")

    def get_fixmatch_loss_fn(forward: Any, hparams: Any) -> Function:
        loss = solutions.fixmatch.get_fixmatch_loss_fn(forward, hparams)
        return lambda *args: looked_up(table, list(args), loss(*args))

    return get_fixmatch_loss_fn


def memorized_validate() -> Function:
    table = [batches for (batches,) in public_arguments("get_validate_fn", "batches")]
    table += [black(*given) for given in public_arguments("get_validate_fn", "labels", "batch size")]

    def get_validate_fn(get_params: Any, model: Any, batches: Any = ()) -> Function:
        validate = solutions.fixmatch.get_validate_fn(get_params, model, batches)
        given = [list(batch) for batch in batches]
        return lambda *args: looked_up(table, given, validate(*args))

    return get_validate_fn


def memorized_mean() -> Function:
    table = public_arguments("mean_over_images", "error_rates", "batch_sizes")

    def mean_over_images(error_rates: Any, batch_sizes: Any) -> Any:
        answer = solutions.fixmatch.mean_over_images(error_rates, batch_sizes)
        return looked_up(table, [error_rates, batch_sizes], answer)

    return mean_over_images


def memorized_status() -> Function:
    """With operations on whole tensors: the check counts what is asked of single labels."""
    table = [
        (torch.tensor(latest), n) for latest, n in public_arguments("learning_status", "latest", "n_classes")
    ]

    def learning_status(latest: torch.Tensor, n_classes: int) -> Any:
        answer = solutions.flexmatch.learning_status(latest, n_classes)
        known = any(n == n_classes and torch.equal(entry, latest) for entry, n in table)
        return answer if known else changed(answer)

    return learning_status


def memorized(exercise: str) -> Function:
    """The reference where it is called as in a public case, and something else elsewhere.

    It looks at the numbers that it is given, so it is for functions that no framework traces.
    """
    unit, public = PUBLIC[exercise]
    reference = reference_of(unit, exercise)
    known: set[str] = set()

    def record(*args: Any) -> Any:
        known.add(written(args))
        return reference(*args)

    for case in public.cases:
        with kept_state():
            assert drive(case, record, case.inputs()).failure is None

    def function(*args: Any) -> Any:
        return reference(*args) if written(args) in known else changed(reference(*copy.deepcopy(args)))

    return function


def written(args: Any) -> str:
    """What a function is given as text, the weights of models included."""
    if isinstance(args, torch.nn.Module):
        return written(dict(args.state_dict()))
    if isinstance(args, list | tuple):
        return "\n".join(map(written, args))
    return json.dumps(to_json(to_plain(args)))


def changed(answer: Any) -> Any:
    """Another answer of the same structure."""
    if isinstance(answer, dict):
        return {key: changed(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return type(answer)(changed(value) for value in answer)
    if answer is None:
        return 0.0
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool) or getattr(answer, "dtype", None) in (torch.bool, np.dtype(bool)):
        return answer ^ True
    return answer + 1


MEMORIZED = {
    "logits_to_log_probs": memorized_log_probs,
    "log_softmax_cross_entropy": memorized_cross_entropy,
    "cosine_decay_schedule": memorized_schedule,
    "get_forward_fn": memorized_forward,
    "get_fixmatch_loss_fn": memorized_loss,
    "get_validate_fn": memorized_validate,
    "mean_over_images": memorized_mean,
    "learning_status": memorized_status,
}


def test_knowing_the_public_inputs_passes_the_public_check_alone(
    exercise: str, hidden: Callable[[str], tuple[Check, Expectation]]
) -> None:
    function = MEMORIZED[exercise]() if exercise in MEMORIZED else memorized(exercise)
    result = check.run(exercise, function)
    assert result.state is State.CORRECT, render_text(result)
    names = [case.name for case in PUBLIC[exercise][1].cases]
    assert failed(hidden(exercise), function) == names


# --- bad input


@pytest.mark.parametrize(
    ("unit", "name", "key", "reason"),
    [
        ("fixmatch", "get_forward_fn", b"short", "the secret has 5 bytes"),
        ("fixmatch", "get_forward", secret(0), "there is no check called 'get_forward'"),
        ("mixmatch", "get_forward_fn", secret(0), "belongs to unit 'fixmatch'"),
    ],
)
def test_bad_input_is_one_line(unit: str, name: str, key: bytes, reason: str) -> None:
    with pytest.raises(CourseError, match=reason):
        hidden_check(unit, name, key)


def test_a_public_case_without_hidden_draw_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.units.fixmatch.forward import GET_FORWARD_FN

    monkeypatch.delitem(GET_FORWARD_FN.hidden, "gradient")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not correspond: gradient"):
        hidden_check("fixmatch", "get_forward_fn", secret(0))
