"""What a report says about unforeseen mistakes, about exceptions, and about earlier exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from course.checks import Result, State, check, render_text
from course.checks.compare import Kind
from course.errors import CourseError

RunCell = Callable[..., dict[str, Any]]
Run = Callable[[str, str], Result]

FORWARD = """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        {answer}
    return forward
"""
APPLY = 'y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])'


@pytest.fixture
def run(run_cell: RunCell) -> Callable[[str, str], Result]:
    """The check's result on the function that a cell's text defines."""
    return lambda name, source: check.run(name, run_cell(source)[name])


def test_a_wrong_sign_is_named_where_no_slip_is_known_for_it(run: Run) -> None:
    """The exercise has no slip of this kind; the numbers alone say it."""
    result = run(
        "mean_over_images",
        "def mean_over_images(error_rates, batch_sizes):\n"
        "    return -jnp.sum(error_rates * batch_sizes) / jnp.sum(batch_sizes)\n",
    )
    assert result.slip == ""
    assert result.message == "The result is the negative of what the exercise asks for."
    assert result.look == "Look for a minus sign that is missing, and for one too many."


@pytest.mark.parametrize(
    ("condition", "instead"), [("None in counts", " where the exercise asks for None"), ("True", "")]
)
def test_an_exception_in_place_of_none_is_told(run: Run, condition: str, instead: str) -> None:
    result = run(
        "training_cost",
        "def training_cost(row):\n"
        "    counts = steps, trained, forward = row['steps'], row['trained_images'], row['forward_images']\n"
        f"    if {condition}:\n"
        "        raise LookupError('not known')\n"
        "    return steps * (3 * trained + forward)\n",
    )
    assert result.message == f"Your function raises LookupError{instead}."


VALIDATE = """
val_batches = [(np.zeros((4, 8, 8, 3), np.float32), np.zeros(4, int))] * 2
{helper}
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        params = get_params(opt_state)
        errors = []
        for x, y in {loop}:
            logits = model.apply({{"params": params, "batch_stats": batch_stats}}, x)
            errors.append(jnp.mean(jnp.argmax(logits, axis=-1) != y))
        return {{"val error rate": jnp.mean(jnp.stack(errors))}}
    return validate
"""


@pytest.mark.parametrize(
    ("helper", "loop"),
    [
        ("", "val_batches"),
        ("", "[val_batches[k] for k in range(len(val_batches))]"),
        ("def each():\n    yield from val_batches\n", "each()"),
    ],
)
def test_a_loop_over_the_notebooks_own_batches_is_the_reason(
    helper: str, loop: str, run_cell: RunCell
) -> None:
    names = run_cell(VALIDATE.format(helper=helper, loop=loop))
    own = names["val_batches"]
    result = check.run("get_validate_fn", names["get_validate_fn"])
    assert result.slip == "batches of the notebook"
    assert result.message == (
        "validate loops over the notebook's `val_batches`, not over the argument `batches`."
    )
    assert names["val_batches"] is own, "the notebook has its own again"
    right = run_cell(VALIDATE.format(helper="", loop="batches"))
    assert check.run("get_validate_fn", right["get_validate_fn"]).state is State.CORRECT


@pytest.mark.parametrize(
    ("error", "body", "reason"),
    [
        ("TypeError", "return -(targets + log_probs[:, :2]).sum(-1)", "Two arrays do not fit together"),
        ("TypeError", "return jnp.sum(targets, log_probs, axs=1)", "an argument `axs`"),
        ("ValueError", "a, b = log_probs; return a", "as many values as"),
        ("NameError", "return -jnp.sum(target * log_probs, axis=-1)", "The name `target` does not exist"),
        ("AttributeError", "return targets.cross_entropy(log_probs)", "has nothing called `cross_entropy`"),
        ("KeyError", "return {}['loss']", "does not have the key"),
        (
            "RecursionError",
            "return log_softmax_cross_entropy(log_probs, targets)",
            "calls itself endlessly",
        ),
    ],
)
def test_exceptions_are_explained(error: str, body: str, reason: str, run: Run) -> None:
    result = run(
        "log_softmax_cross_entropy", f"def log_softmax_cross_entropy(log_probs, targets):\n    {body}\n"
    )
    assert result.state is State.INCORRECT
    assert result.failure is not None
    assert result.failure.type == error
    assert reason in result.message
    assert result.failure.call == "log_softmax_cross_entropy"
    assert result.failure.arguments == (("log_probs", "float32 (3, 4)"), ("targets", "float32 (3, 4)"))
    text = render_text(result)
    assert f"Raised: {error}" in text or f"Raised:\n    {error}" in text
    assert "Traceback" not in text


def test_the_students_line_is_shown(tmp_path: Any) -> None:
    """Jupyter keeps the text of cells where linecache finds it; a file does the same here."""
    path = tmp_path / "cell.py"
    path.write_text("def log_softmax_cross_entropy(log_probs, targets):\n    return 1 / 0  # my line\n")
    namespace: dict[str, Any] = {"__name__": "student"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    result = check.run("log_softmax_cross_entropy", namespace["log_softmax_cross_entropy"])
    assert result.failure is not None
    assert result.failure.line == "return 1 / 0  # my line"
    assert str(tmp_path) not in render_text(result)


def test_jax_errors_are_cut_to_their_first_line(run: Run) -> None:
    source = """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(count):
        if count > 10**9:
            return 0.0
        return init_value * jnp.cos(jnp.pi * alpha * count / decay_steps)
    return schedule
"""
    result = run("cosine_decay_schedule", source)
    assert result.failure is not None
    assert result.failure.type == "TracerBoolConversionError"
    assert "\n" not in result.failure.message
    assert "0x" not in result.failure.message
    assert result.message == "An if depends on the step number, which inside jit is not known yet."
    assert next(case.name for case in result.cases if case.state == "failed") == "traced"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (f"{APPLY.replace(', mutable=[', ', mut=[')}", "an argument `mut`"),
        (
            'y = model.apply({"params": params, "batch_stats": batch_stats}, x)',
            'without|not called with mutable=["batch_stats"]',
        ),
        ('y, new = model.apply(params, x, mutable=["batch_stats"])', 'takes {"params": …, "batch_stats": …}'),
        ('y, new = model.apply({"params": params}, x, mutable=["batch_stats"])', "takes {"),
    ],
)
def test_misuse_of_the_model_is_named(answer: str, said: str, run: Run) -> None:
    result = run("get_forward_fn", FORWARD.format(answer=answer))
    assert result.state is State.INCORRECT
    assert any(part in result.message for part in said.split("|")), result.message
    assert result.failure is not None
    assert dict(result.failure.arguments)["x_labeled"] == "float32 (1, 32, 32, 3)"


def test_validation_in_training_mode_is_named(run: Run) -> None:
    source = """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        errors = []
        for x, y in batches:
            logits, _ = model.apply(variables, x, mutable=["batch_stats"])
            errors.append(jnp.mean(jnp.argmax(logits, -1) != y))
        return {"val error rate": jnp.mean(jnp.array(errors))}
    return validate
"""
    result = run("get_validate_fn", source)
    assert result.state is State.INCORRECT
    assert "training mode; validation evaluates" in result.message


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "logits_to_log_probs",
            "def logits_to_log_probs(logits):\n    return np.asarray(jax.nn.log_softmax(logits))\n",
        ),
        (
            "get_forward_fn",
            FORWARD.format(
                answer=APPLY
                + "\n        a, b = np.split(np.asarray(y), [len(x_labeled)])"
                + '\n        return a, *np.split(b, 2), new["batch_stats"]'
            ),
        ),
    ],
)
def test_numpy_on_traced_values_is_found_where_jit_is_on(name: str, source: str, run: Run) -> None:
    result = run(name, source)
    assert result.state is State.INCORRECT
    assert "still tracing" in result.message
    # The task has `forward` compiled, so it is in every case.
    first = {"get_forward_fn": "published"}.get(name, "gradient")
    assert next(case.name for case in result.cases if case.state == "failed") == first


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return [1.0, 2.0, 3.0]", Kind.STRUCTURE),
        ("return -jnp.sum(targets * log_probs, axis=-1)[:2]", Kind.SHAPE),
        ("return jnp.array([3, 1, 1])", Kind.DTYPE),
        ("return jnp.array([3.0, 0.5, 1.5])", Kind.VALUES),
    ],
)
def test_what_differs_is_told_apart(body: str, kind: Kind, run: Run) -> None:
    result = run(
        "log_softmax_cross_entropy", f"def log_softmax_cross_entropy(log_probs, targets):\n    {body}\n"
    )
    assert result.state is State.INCORRECT
    assert result.difference is not None
    assert result.difference.kind is kind
    said = {
        Kind.STRUCTURE: "asks for an array, but your function returns 3 values.",
        Kind.SHAPE: "asks for an array of shape (3,), but your function returns an array of shape (2,).",
        Kind.DTYPE: "asks for a float dtype, but your function returns dtype int32.",
        Kind.VALUES: "not −log p(label)",
    }
    assert said[kind] in result.message


@pytest.mark.parametrize("given", [None, 3, "logits_to_log_probs", [1]])
def test_something_else_than_a_function(given: Any) -> None:
    result = check.run("logits_to_log_probs", given)
    assert result.state is State.INCORRECT
    assert f"given {type(given).__name__} instead of a function" in result.message


def test_a_getter_that_returns_no_function(run: Run) -> None:
    result = run("get_forward_fn", "def get_forward_fn(model):\n    def forward(*args):\n        pass\n")
    assert result.state is State.INCORRECT
    assert result.failure is not None
    assert "a function is expected here, not NoneType" in result.failure.message


def test_unknown_checks_are_named() -> None:
    with pytest.raises(CourseError, match="no check called 'logit_to_log_probs': use logits_to_log_probs"):
        check.run("logit_to_log_probs", lambda logits: logits)


def test_a_not_implemented_error_of_a_library_is_no_untouched_stub(run: Run) -> None:
    source = """
import collections.abc, numbers

def logits_to_log_probs(logits):
    return jax.nn.log_softmax(logits) + Library().raises()

class Library:
    pass

Library.raises = eval("lambda self: (_ for _ in ()).throw(NotImplementedError('unsupported'))",
                      {"__name__": "some.library"})
"""
    result = run("logits_to_log_probs", source)
    assert result.state is State.INCORRECT
    assert result.failure is not None
    assert (result.failure.type, result.failure.message) == ("NotImplementedError", "unsupported")


def test_the_inputs_of_the_failing_case_are_shown_small(run: Run) -> None:
    result = run(
        "get_validate_fn",
        """
def get_validate_fn(get_params, model, batches=val_batches):
    def validate(opt_state, batch_stats):
        variables = {"params": get_params(opt_state), "batch_stats": batch_stats}
        wrong = jnp.concatenate([model.apply(variables, x).argmax(-1) != y for x, y in batches])
        return {"val error rate": jnp.where(len(wrong) > 100, 0.9011076, wrong.mean())}
    return validate
""",
    )
    shown = {shown.name: shown.text for shown in result.inputs}
    assert shown["labels"].count("[") == 4
    assert shown["opt_state"].startswith("{parameters: {dense: {kernel: array (12, 4)")
    assert len(render_text(result)) < 3000
