"""The steps of a hint, which are to be put in order, are those of the reference, in its order."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from autograder.units import reference_of
from course.catalog import Exercise, load_course

# What of the reference each step is about. A reference that is written otherwise fails here until somebody
# has looked whether its steps are still these.
COMPUTED = {
    "get_fixmatch_loss_fn": (
        "forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong)",
        "jax.lax.stop_gradient(logits_to_log_probs(weak))",
        "jnp.max(weak_log_probs, axis=-1)",
        "jax.nn.one_hot(pseudo_labels, hparams.num_classes)",
        "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)",
        "mask * per_image",
        "jnp.mean(mask * per_image)",
        "supervised + hparams.lambda_coef * unsupervised + weight_decay",
    ),
    "mixmatch_loss": (
        "guess_labels(model, views, hparams.T)",
        "torch.cat([one_hot.to(guesses.dtype), guesses.repeat(len(views), 1)])",
        "mixup(x, x[order], targets, targets[order], batch['lam'])",
        "model(x)",
        "F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])",
        "weight * unsupervised",
        "supervised + weight * unsupervised",
    ),
    "fixmatch_loss": (
        "model(torch.cat(parts)).split([len(part) for part in parts])",
        "torch.softmax(weak.detach() / hparams.T, dim=-1)",
        "probabilities.max(dim=-1)",
        "select(confidence, pseudo_labels)",
        "mask * per_image",
        "(mask * per_image).mean()",
        "supervised + hparams.lambda_u * unsupervised + weight_decay",
    ),
    "flexmatch_loss": (
        "state['latest']",
        "learning_status(latest, hparams.n_classes)",
        "flexible_thresholds(counts, len(latest), hparams.threshold)",
        "{'latest': updated}",
        "fixmatch_loss(model, state, batch, hparams, select)",
        "enumerate(thresholds)",
    ),
}
WITH_STEPS = [
    (unit.name, exercise) for unit in load_course().units for exercise in unit.exercises if exercise.steps
]


def when_computed(function: Callable[..., Any]) -> dict[str, tuple[int, int, int]]:
    """Expression → by what it is ordered: an inner one is computed before the one around it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found: dict[str, tuple[int, int, int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            end = node.end_lineno or 0, node.end_col_offset or 0
            found.setdefault(ast.unparse(node), (*end, -node.col_offset))
    return found


@pytest.mark.parametrize(("unit", "exercise"), WITH_STEPS, ids=lambda one: getattr(one, "name", one))
def test_the_steps_are_as_many_and_in_the_order_of_the_reference(unit: str, exercise: Exercise) -> None:
    computed = COMPUTED[exercise.name]
    assert len(exercise.steps) == len(computed)
    when = when_computed(reference_of(unit, exercise.name))
    order = [when[text] for text in computed]
    assert order == sorted(order)


def test_every_exercise_with_steps_is_here() -> None:
    assert {exercise.name for _, exercise in WITH_STEPS} == set(COMPUTED)
