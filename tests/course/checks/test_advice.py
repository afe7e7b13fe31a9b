"""What a report says of a student's exception: the cause in words, the values in the line, the name meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import solutions.fixmatch
import solutions.flexmatch
from autograder.units.mutant import run_text
from course.checks import Result, State, check, render_text
from course.checks.advice import _ADVICE, advise, advise_difference
from course.checks.case import Failure
from course.checks.compare import Difference, Tolerance, find_difference
from course.checks.plain import Opaque

RunCell = Callable[..., dict[str, Any]]

LOSS = inspect.getsource(solutions.fixmatch.get_fixmatch_loss_fn)
PIECES = (
    "def logits_to_log_probs(logits):\n    return jax.nn.log_softmax(logits)\n"
    "def log_softmax_cross_entropy(log_probs, targets):\n    return -jnp.sum(targets * log_probs, -1)\n"
)
ONE_HOT = "jax.nn.one_hot(pseudo_labels, hparams.num_classes)"


@pytest.fixture
def run_loss(run_cell: RunCell) -> Callable[[str, str], Result]:
    """The check's result on the reference's loss with one text replaced, its source known as in Jupyter."""

    def run(old: str, new: str) -> Result:
        assert old in LOSS
        cell = PIECES + LOSS.replace(old, new)
        return check.run(
            "get_fixmatch_loss_fn", run_text(cell, "a cell", run_cell(""))["get_fixmatch_loss_fn"]
        )

    return run


RunLoss = Callable[[str, str], Result]


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ("log_softmax_cross_entropy(logits_to_log_probs(strong)", "log_softmax_crossentropy((strong)",
         "Did you mean: 'log_softmax_cross_entropy'?"),
        ("weak_log_probs = jax.lax.stop_gradient", "math.floor(1.5)\n        weak_log_probs = ",
         "Did you forget to import 'math'?"),
        ("weak_log_probs = ", "path = 1\n        math.floor(1.5)\n        weak_log_probs = ",
         "Did you mean: 'path'? Or did you forget to import 'math'?"),
        ("hparams.lambda_coef", "hparams.lambda_coeff", "Did you mean: 'lambda_coef'?"),
        ("hparams.confidence_threshold", "hparams.threshold", "Did you mean: 'confidence_threshold'?"),
        ("jnp.argmax(weak_log_probs", "jnp.argmx(weak_log_probs", "Did you mean: 'argmax'?"),
        ("jnp.argmax(weak_log_probs", "jnp.ArgMax(weak_log_probs", "Did you mean: 'argmax'?"),
        ("weak_log_probs = ", "from jax.nn import log_sofmax\n        weak_log_probs = ",
         "Did you mean: 'log_softmax'?"),
        ("weak_log_probs = ", "{'mask rate': 1}['mask_rate']\n        weak_log_probs = ", ""),
        ("weak_log_probs = ", "d = {'mask rate': 1}\n        d['mask_rate']\n        weak_log_probs = ",
         "Did you mean: 'mask rate'?"),
        ("weak_log_probs = ", "utterly_unheard_of\n        weak_log_probs = ", ""),
    ],
)  # fmt: skip
def test_the_name_that_was_meant_is_asked_for(old: str, new: str, suggestion: str, run_loss: RunLoss) -> None:
    result = run_loss(old, new)
    assert result.failure is not None
    assert result.failure.suggestion == suggestion
    assert (f"{result.failure.message}. {suggestion}" in render_text(result)) == bool(suggestion)
    assert "site-packages" not in render_text(result)


@pytest.mark.parametrize("alike", ["", "path = 1\n        "])
def test_a_module_that_is_not_imported_is_no_misspelt_name(alike: str, run_loss: RunLoss) -> None:
    """Python's own question comes first, even beside a name that looks alike."""
    result = run_loss("weak_log_probs = ", f"{alike}math.floor(1.5)\n        weak_log_probs = ")
    assert result.message == "`math` is one of Python's modules, and no cell that you ran imports it."
    assert result.look == "Write import math in the first line of your cell, and run the cell again."


def test_a_misspelt_name_is_still_a_matter_of_spelling(run_loss: RunLoss) -> None:
    result = run_loss("hparams.lambda_coef", "hparam.lambda_coef")
    assert result.message == "The name `hparam` does not exist at that point."
    assert "Did you mean: 'hparams'?" in render_text(result)


@pytest.mark.parametrize("name", ["aply", "batche", "statistic", "_watc", "modulse"])
def test_the_models_of_the_checks_suggest_nothing_of_theirs(name: str, run_cell: RunCell) -> None:
    """`batches` and the like count what a function does; students know `apply`, and PyTorch's own names."""
    unit = "flexmatch" if name == "modulse" else "fixmatch"
    function = "fixmatch_loss" if name == "modulse" else "get_forward_fn"
    inner = {
        "fixmatch_loss": "def fixmatch_loss(model, state, batch, hparams):\n    model.modulse()\n",
        "get_forward_fn": "def get_forward_fn(model):\n    def forward(*args):\n"
        f"        return model.{name}\n    return forward\n",
    }[function]
    result = check.run(function, run_cell(inner, unit=unit)[function])
    assert result.failure is not None
    expected = {"aply": "'apply'", "modulse": "'modules'"}.get(name)
    assert result.failure.suggestion == (f"Did you mean: {expected}?" if expected else "")


def test_a_suggestion_survives_an_object_that_refuses_to_be_asked(run_cell: RunCell) -> None:
    source = """
class Shy:
    def __dir__(self):
        raise SystemExit

def logits_to_log_probs(logits):
    return Shy().log_softmax
"""
    result = check.run("logits_to_log_probs", run_cell(source)["logits_to_log_probs"])
    assert result.failure is not None
    assert (result.failure.type, result.failure.suggestion) == ("AttributeError", "")


@pytest.mark.parametrize(
    ("body", "error", "reason", "look"),
    [
        ("return -log_probs[targets == 1]", "NonConcreteBooleanIndexError", "A mask picks out elements",
         "multiply by the mask, or choose with jnp.where"),
        ("return jnp.sum(log_probs) if log_probs[0, 0] > 0 else -jnp.sum(targets * log_probs, -1)",
         "TracerBoolConversionError", "An if, while, and, or, not or assert", "jnp.where instead of if"),
        ("np.asarray(log_probs); return -jnp.sum(targets * log_probs, -1)", "TracerArrayConversionError",
         "NumPy was given a value that JAX is still tracing", "jax.numpy (jnp) instead of NumPy"),
        ("range(99)[jnp.argmax(log_probs)]; return -jnp.sum(targets * log_probs, -1)",
         "TracerIntegerConversionError", "where Python needs a whole number", "Sizes come from shapes"),
        ("float(log_probs[0, 0]); return -jnp.sum(targets * log_probs, -1)", "ConcretizationTypeError",
         "float(), int(), .item()", "Leave out float(), int() and .item()"),
    ],
)  # fmt: skip
def test_errors_of_tracing_are_explained(
    body: str, error: str, reason: str, look: str, run_cell: RunCell
) -> None:
    source = f"def log_softmax_cross_entropy(log_probs, targets):\n    {body}\n"
    result = check.run("log_softmax_cross_entropy", run_cell(source)["log_softmax_cross_entropy"])
    assert result.state is State.INCORRECT
    assert result.failure is not None and result.failure.type == error
    assert reason in result.message
    assert look in result.look


def test_labels_in_place_of_rows_are_named_with_the_line_that_passes_them(run_loss: RunLoss) -> None:
    result = run_loss(ONE_HOT, "pseudo_labels")
    assert result.message.startswith("Labels are used where one-hot rows belong: `targets` holds")
    assert result.failure is not None
    assert result.failure.values == (("targets", "int32 (3,)"), ("log_probs", "float32 (3, 2)"))
    text = render_text(result)
    assert "At the line in log_softmax_cross_entropy: return -jnp.sum(targets * log_probs, -1)" in text
    assert "Called from the line: per_image = log_softmax_cross_entropy(" in text


def test_labels_in_place_of_rows_never_fit_by_chance(run_loss: RunLoss) -> None:
    """With as many labeled images as classes they would be broadcast, and the loss would be some number."""
    result = run_loss("targets = jax.nn.one_hot(y_labeled, hparams.num_classes)", "targets = y_labeled")
    assert result.message.startswith("Labels are used where one-hot rows belong: `targets` holds")


def test_rows_that_are_compared_with_labels_are_told_apart(run_loss: RunLoss) -> None:
    result = run_loss("pseudo_labels != y_unlabeled", "pseudo_targets != y_unlabeled")
    assert result.message.startswith("Rows with one entry per class are compared with labels")


def test_classes_of_the_wrong_axis_are_not_taken_for_rows(run_loss: RunLoss) -> None:
    """The line names rows and labels, but compares others: the most probable images of each class."""
    result = run_loss("pseudo_labels != y_unlabeled", "jnp.argmax(weak, axis=0) != y_unlabeled")
    assert result.message == "Two arrays do not fit together."


def test_labels_of_a_batch_are_named_with_their_key(run_cell: RunCell) -> None:
    source = """
def mixmatch_loss(model, state, batch, hparams):
    guesses = torch.zeros(3, 2)
    torch.cat([batch["y_labeled"], guesses])
"""
    namespace = run_text(source, "a cell of mixmatch", run_cell("", unit="mixmatch"))
    result = check.run("mixmatch_loss", namespace["mixmatch_loss"])
    assert '`batch["y_labeled"]` holds one whole number per image' in result.message


@pytest.mark.parametrize(
    ("old", "new", "missing", "instead"),
    [
        ('"total loss": total,', '"total_loss": total,', ("total loss",), ("total_loss",)),
        ('"total loss": total,', "", ("total loss",), ()),
        ('"total loss": total,\n            "supervised loss"', '"total": total,\n            "supervised"',
         ("supervised loss", "total loss"), ("supervised", "total")),
    ],
)  # fmt: skip
def test_the_missing_key_alone_is_told_and_what_is_there_instead(
    old: str, new: str, missing: tuple[str, ...], instead: tuple[str, ...], run_loss: RunLoss
) -> None:
    result = run_loss(old, new)
    assert result.difference is not None
    assert (result.difference.missing, result.difference.unexpected) == (missing, instead)
    keys = " and ".join(f'"{key}"' for key in missing)
    assert f"{keys} {'are' if len(missing) > 1 else 'is'} missing from the metrics." in result.message
    assert all(f'"{key}"' in result.message for key in instead)
    assert ("instead" in result.message) == bool(instead)
    # The four or five other names stand nowhere.
    assert "mask rate" not in render_text(result)


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        ("TypeError", "'MockHparams' object is not subscriptable", "read like a dictionary"),
        ("TypeError", "'types.SimpleNamespace' object is not subscriptable", "read like a dictionary"),
        ("TypeError", "'FlexMatchHparams' object is not subscriptable", "read like a dictionary"),
        ("AttributeError", "'dict' object has no attribute 'latest'", "A dictionary is read with a dot"),
        ("TypeError", "'NoneType' object is not callable", "Something is None"),
        ("TypeError", "a function is expected here, not NoneType", "Your function returns None"),
        ("TypeError", "a function is expected here, not ArrayImpl", "Your function returns a value"),
        ("TypeError", "'float' object is not callable", "is followed by parentheses"),
        ("TypeError", "'Tensor' object is not callable", "is followed by parentheses"),
        ("TypeError", "'jaxlib._jax.ArrayImpl' object is not callable", "is followed by parentheses"),
        ("TypeError", "'MockModel' object is not callable", "a flax model is not"),
        ("TypeError", "'method' object is not iterable", "it was not called"),
        ("TypeError", "'type' object does not support the context manager protocol", "`with` needs an"),
        ("TypeError", "unhashable type: 'list'", "is used as a key"),
        ("TypeError", "unhashable type: 'slice'", "A slice is taken of a dictionary"),
        ("KeyError", "slice(None, 3, None)", "A slice is taken of a dictionary"),
        ("TypeError", "'<' not supported between instances of 'dict' and 'dict'", "types dict and dict"),
        ("TypeError", "unsupported operand type(s) for ** or pow(): 'float' and 'LinearNet'",
         "The operator ** or pow() has a value of type float on its left"),
        ("RuntimeError", "Boolean value of Tensor with more than one value is ambiguous", "one yes or no"),
        ("TypeError", "log_softmax(): argument 'input' must be Tensor, not jaxlib._jax.ArrayImpl",
         "given a JAX array"),
        ("TypeError", "maximum(): argument 'other' must be Tensor, not int", "an object of type int"),
        ("TypeError", "mean requires ndarray or scalar arguments, got <class 'list'> at position 0.",
         "was given a list"),
        ("TypeError", "Only integer scalar arrays can be converted to a scalar index.", "one whole number"),
        ("ValueError", "All input arrays must have the same shape.", "stack joins arrays"),
        ("ValueError", "axis 2 is out of bounds for array of dimension 2", "names an axis"),
        ("IndexError", "list index out of range", "An index is past"),
        ("TypeError", "log_softmax() got an unexpected keyword argument 'dim'", "`dim` is PyTorch's word"),
        ("TypeError", "one_hot() missing 1 required positional argument: 'num_classes'",
         "`one_hot` was called without 'num_classes'."),
        ("TypeError", "function missing 1 required positional argument: 'x'", "A function was called"),
        ("UnboundLocalError", "cannot access local variable 'spread' where it is not associated with a value",
         "The variable `spread` is read before"),
        ("NotImplementedError", "\"softmax_lastdim_kernel_impl\" not implemented for 'Long'",
         "numbers of type Long: what it calls `softmax`"),
        ("NotImplementedError", "\"bitwise_and_cpu\" not implemented for 'Float'", "it calls `bitwise_and`"),
        ("IndexError", "tensors used as indices must be long, int, byte or bool tensors",
         "Floating-point numbers are used as an index"),
        ("RuntimeError", "gather(): Expected dtype int32/int64 for index", "are used as an index"),
        ("IndexError", "The shape of the mask [7] at index 0 does not match the shape of the indexed tensor "
         "[40] at index 0", "A mask with 7 entries picks from a tensor with 40"),
        ("IndexError", "slice() cannot be applied to a 0-dim tensor.", "as if it had entries"),
        ("TypeError", "iteration over a 0-d tensor", "as if it held several"),
        ("TypeError", "only integer tensors of a single element can be converted to an index",
         "one whole number is needed"),
        ("TypeError", "bincount(): argument 'minlength' must be int, not Tensor",
         "The argument `minlength` of a PyTorch function has to be of type int, but is of type Tensor"),
        ("TypeError", "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor",
         "`torch.cat` takes the tensors that it joins as one argument"),
        ("TypeError", "max() received an invalid combination of arguments - got (Tensor, int, Tensor), but",
         "PyTorch's `max` does not take these arguments, which are of the types: Tensor, int, Tensor."),
        ("TypeError", "softmax() received an invalid combination of arguments - got (), but expected one of:",
         "`softmax` was called without an argument that it needs"),
        ("TypeError", "sum() received an invalid combination of arguments - got (axis=int, dim=int, ), but",
         "of the types: axis=int, dim=int."),
        ("TypeError", "bincount(): argument 'weights' (position 2) must be Tensor, not int",
         "The argument at position 2, `weights`, takes a tensor, but was given a value of type int."),
        ("TypeError", "can't multiply sequence by non-int of type 'float'", "as if it were an array"),
        ("TypeError", "flexmatch_loss.<locals>.select() takes 0 positional arguments but 2 were given",
         "`select` was called with 2 arguments by position, but takes 0."),
        ("RuntimeError", "shape '[2, 3, 3]' is invalid for input of size 24",
         "A tensor with 24 numbers cannot have the shape (2, 3, 3)"),
        ("RuntimeError", "split_with_sizes expects split_sizes to sum exactly to 18 (input tensor's size at",
         "do not add up to its length, 18"),
        ("RuntimeError", "where expected condition to be a boolean tensor, but got a tensor with dtype Long",
         "chooses by truth values"),
        ("RuntimeError", "Index put requires the source and destination dtypes match, got Long for the "
         "destination and Float for the source.", "written into a tensor of another type"),
        ("RuntimeError", "Subtraction, the `-` operator, with two bool tensors is not supported.",
         "An operator does not fit"),
        ("ZeroDivisionError", "division by zero", "divides by 0"),
        ("StdinNotImplementedError", "raw_input was called, but", "waits for somebody to type"),
        ("BdbQuit", "", "waits for somebody to type"),
        ("ModuleNotFoundError", "No module named 'tensorflow'", "not installed here"),
        ("AssertionError", "", "An assert in the code does not hold"),
        ("TypeError", "where requires ndarray or scalar arguments, got <class 'NoneType'> at position 2.",
         "a condition and one array"),
        ("TypeError", "mean() received an invalid combination of arguments - got (dtype=NoneType, "
         "out=NoneType, axis=NoneType, ), but expected one of:", "A NumPy function was given a PyTorch"),
        ("AttributeError", "'torch.return_types.max' object has no attribute 'mean'", "returns two tensors"),
        ("TypeError", "'>=' not supported between instances of 'torch.return_types.max' and 'float'",
         "PyTorch's `max` with an axis returns two tensors"),
        ("AttributeError", "'jaxlib._jax.ArrayImpl' object has no attribute 'unsqueeze'",
         "`.unsqueeze` belongs to PyTorch's tensors"),
        ("AttributeError", "'Tensor' object has no attribute 'astype'", "`.astype` belongs to arrays of JAX"),
        ("AttributeError", "'numpy.ndarray' object has no attribute 'backward'", "where a tensor is needed"),
        ("RuntimeError", "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy()",
         "turned into a NumPy array"),
        ("TypeError", "unsupported operand type(s) for +: 'builtin_function_or_method' and 'int'",
         "it was not called"),
        ("TypeError", "'module' object is not callable", "A module is called like a function"),
        ("TypeError", "'torch.Size' object is not callable", "is followed by parentheses"),
        ("TypeError", "'dict_items' object is not subscriptable", "type dict_items is used like a list"),
        ("TypeError", "object of type 'zip' has no len()", "type zip is used like a list"),
        ("TypeError", "'itertools.groupby' object is not subscriptable", "type itertools.groupby is used"),
        ("TypeError", "'NumpyLoader' object is not subscriptable", "type NumpyLoader is used like a list"),
        ("TypeError", "list indices must be integers or slices, not str", "A list is read by a key"),
        ("TypeError", "string indices must be integers, not 'str'", "A text is read by a key"),
        ("TypeError", "list indices must be integers or slices, not float", "at a position of type float"),
        ("TypeError", "'float' object cannot be interpreted as an integer", "with a decimal point"),
        ("TypeError", "'tuple' object does not support item assignment", "type tuple is written into"),
        ("RuntimeError", "dictionary changed size during iteration", "while a loop goes through it"),
        ("ValueError", "max() arg is an empty sequence", "a list without entries"),
        ("ValueError", "max() iterable argument is empty", "a list without entries"),
        ("StatisticsError", "stdev requires at least two data points", "a spread of one value"),
        ("ValueError", "3 is not in list", "searched for something"),
        ("ValueError", "setting an array element with a sequence. The requested array has an inhomogeneous "
         "shape after 1 dimensions.", "lists that have different lengths"),
        ("ValueError", "could not convert string to float: 'fixmatch'", "A text is turned into a number"),
        ("ValueError", "math domain error", "is not defined for"),
        ("UFuncTypeError", "ufunc 'add' did not contain a loop with signature matching types "
         "(dtype('float64'), dtype('<U1')) -> None", "compute with texts"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'a.csv'", "a file that is not there"),
        ("ValueError", "can only convert an array of size 1 to a Python scalar", "where one number is"),
        ("TypeError", "Only scalar arrays can be converted to Python scalars; got arr.ndim=2",
         "where one number is needed"),
        ("RuntimeError", "a Tensor with 16 elements cannot be converted to Scalar", "where one number is"),
        ("IndexError", "Too many indices: 2-dimensional array indexed with 3 indices.", "names an axis"),
        ("RuntimeError", "element 0 of tensors does not require grad and does not have a grad_fn",
         "it is a constant, or something was detached"),
        ("RuntimeError", "Trying to backward through the graph a second time", "and then once more"),
        ("RuntimeError", "Found no NVIDIA driver on your system.", "this computer has none"),
        ("AssertionError", "Torch not compiled with CUDA enabled", "this computer has none"),
        ("ValueError", "non is not a valid value for reduction", "`non` is no reduction"),
        ("RuntimeError", "Output 0 of SelectBackward0 is a view and is being modified inplace. This view is",
         "A part of a tensor"),
        ("NameError", "cannot access free variable 'total' where it is not associated with a value in "
         "enclosing scope", "`total` is read in an inner function"),
        ("NameError", "name 'F' is not defined", "`F` is what a module is usually called"),
        ("TypeError", "unsupported operand type(s) for ^: 'float' and 'int'", "as a power"),
        ("TypeError", "unsupported operand type(s) for -: 'int' and 'dict'", "A whole dictionary"),
        ("TypeError", "unsupported operand type(s) for -: 'list' and 'float'", "as if it were an array"),
        ("AttributeError", "'list' object has no attribute 'mean'", "`.mean` belongs to arrays"),
        ("AttributeError", "'function' object has no attribute 'mean'", "is read from a function"),
        ("StopIteration", "", "next() was asked"),
        ("TypeError", "sequence item 0: expected str instance, int found", "Texts are joined"),
        ("ValueError", "dictionary update sequence element #0 has length 5; 2 is required", "of pairs"),
        ("TypeError", "float() argument must be a string or a real number, not 'list'", "of type list is"),
        ("IndexError", "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
         "boolean arrays are valid indices", "no whole number, slice or mask"),
    ],
)  # fmt: skip
def test_common_exceptions_are_put_into_words(error: str, text: str, reason: str) -> None:
    advice = advise(Failure(error, text, "f", (), "", False, "f"))
    assert advice is not None
    assert reason in advice[0]
    assert "{" not in "".join(advice)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("def mean_and_spread(values):\n    sum = 0\n    return sum(values), 1\n", "sum"),
        ("sum = 0.0\ndef mean_and_spread(values):\n    return sum(values), 1\n", "sum"),
        ("list = [1]\ndef mean_and_spread(values):\n    return list(map(float, values))\n", "list"),
        ("def mean_and_spread(values):\n    n = len(values)\n    len = n\n    return n, len\n", "len"),
        ("def mean_and_spread(values):\n    def inner():\n        return max(values)\n"
         "    low = inner()\n    max = 3\n    return low, max\n", "max"),
    ],
)  # fmt: skip
def test_a_function_of_pythons_own_that_was_overwritten_is_named(
    cell: str, name: str, run_cell: RunCell
) -> None:
    result = check.run("mean_and_spread", run_cell(cell, unit="comparison")["mean_and_spread"])
    assert (
        result.message == f"`{name}` is one of Python's own functions, but a value was assigned to that name."
    )
    assert f"del {name} in a cell" in result.look


@pytest.mark.parametrize(
    "cell",
    [
        "spread = 0.5\ndef mean_and_spread(values):\n    return spread(values)\n",
        "max = 3\nrates = 0.5\ndef mean_and_spread(values):\n    return max - rates(values)\n",
        "sum = 3\nmax = 4\ndef mean_and_spread(values):\n    return sum(values) + max(values)\n",
    ],
)
def test_a_value_that_is_called_is_no_overwritten_function(cell: str, run_cell: RunCell) -> None:
    """Where two could be meant, neither is named."""
    result = check.run("mean_and_spread", run_cell(cell, unit="comparison")["mean_and_spread"])
    assert result.message.startswith("A value that is not a function is followed by parentheses")


def difference_of(expected: Any, got: Any) -> Difference:
    found = find_difference(expected, got, Tolerance(0, 0, ""))
    assert found is not None
    return found


def test_a_forgotten_return_is_asked_for() -> None:
    reason, look, code = advise_difference(difference_of(1.0, None)) or ("", "", "")
    assert reason == "Your function returns None."
    assert look.startswith("Look for its return")
    packed = advise_difference(
        difference_of({"first": 1.0}, {"first": None}), "first: what your function returns"
    )
    assert packed == (reason, look, code)


def test_where_none_is_a_right_answer_too_no_return_is_asked_for() -> None:
    reason, look, _ = advise_difference(difference_of(1.0, None), may_be_none=True) or ("", "", "")
    assert reason == "The exercise asks for one number, but your function returns None."
    assert look.startswith("None is right elsewhere, but not here")


@pytest.mark.parametrize(
    ("answer", "look"),
    [
        ("None if max(accuracies) < 0.7 else target", "None is right elsewhere, but not here"),
        ("target if accuracies[-1] < target else print(target)", "None is right elsewhere, but not here"),
    ],
)
def test_a_function_that_may_return_none_is_not_asked_for_a_return(
    answer: str, look: str, run_cell: RunCell
) -> None:
    cell = f"def labels_to_reach(labels, accuracies, target):\n    return {answer}\n"
    result = check.run("labels_to_reach", run_cell(cell, unit="comparison")["labels_to_reach"])
    assert result.difference is not None and result.difference.got_type == "NoneType"
    assert result.look.startswith(look)


def test_a_none_within_an_answer_is_no_forgotten_return(run_loss: RunLoss) -> None:
    result = run_loss("return total, (batch_stats", "return None, (batch_stats")
    assert (
        result.message
        == "For the total loss, the exercise asks for one number, but your function returns None."
    )
    assert result.look.startswith("None comes from")
    nested = advise_difference(difference_of([1.0, {"a": 2.0}], [1.0, {"a": lambda: 3}]))
    assert nested is None or "Your function returns a function" not in nested[0]


def test_a_function_in_place_of_one_value_is_named_with_its_place() -> None:
    difference = difference_of([1.0, 2.0], [1.0, Opaque("function", "<function>")])
    reason, look, _ = advise_difference(difference, "the spread") or ("", "", "")
    assert reason == "For the spread, the exercise asks for one number, but your function returns function."
    assert look.startswith("Call the inner function")


def test_a_stub_that_an_earlier_exercise_is_not(run_cell: RunCell) -> None:
    """PyTorch refuses numbers of a type with the stub's error; the earlier exercise is right, and no stub."""
    earlier = inspect.getsource(solutions.flexmatch.learning_status)
    head = "def flexible_thresholds(counts, n_unlabeled, threshold):\n"
    source = f"{head}    return learning_status(counts.float(), 3)\n"
    names = run_cell(earlier + source, unit="flexmatch")
    result = check.run("flexible_thresholds", names["flexible_thresholds"])
    assert result.state is State.INCORRECT
    assert result.failure is not None and not result.failure.unfinished
    assert result.message.startswith("PyTorch cannot do this with numbers of type Float")
    assert "still raises" not in result.message and result.note == ""


@pytest.mark.parametrize(
    "raised", ["NotImplementedError", "NotImplementedError()", "NotImplementedError('to do')"]
)
def test_a_stub_of_an_earlier_exercise_is_one(raised: str, run_cell: RunCell) -> None:
    stub = f"def logits_to_log_probs(logits):\n    raise {raised}\n"
    names = run_cell(PIECES + stub + LOSS)
    result = check.run("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"])
    assert result.state is State.CORRECT, "a mistake costs once"
    assert "`logits_to_log_probs`" in result.note and "log_softmax_cross_entropy" not in result.note


def test_every_advice_is_whole_sentences() -> None:
    for *_, reason, look in _ADVICE:
        assert reason.endswith(".") and look.endswith((".", "?")), reason


def test_a_changed_signature_is_told_from_a_wrong_call(run_cell: RunCell) -> None:
    source = "def log_softmax_cross_entropy(log_probs):\n    return log_probs\n"
    result = check.run("log_softmax_cross_entropy", run_cell(source)["log_softmax_cross_entropy"])
    assert result.message.startswith("Your function does not take the arguments in the stub")
    assert result.look == "Keep the first line of the stub as it was."


def test_names_of_our_own_classes_stay_out_of_a_message(run_cell: RunCell) -> None:
    source = "def get_fixmatch_loss_fn(forward, hparams):\n    return lambda *args: forward()\n"
    result = check.run("get_fixmatch_loss_fn", run_cell(source)["get_fixmatch_loss_fn"])
    assert result.failure is not None
    assert result.failure.message.startswith("function missing 5 required positional arguments: 'params'")


def assigned_in_the_rule(inner: str) -> str:
    """FlexMatch's loss, whose rule has this line in place of `updated = remember_labels(…)`."""
    text = inspect.getsource(solutions.flexmatch.flexmatch_loss)
    line = next(line.strip() for line in text.splitlines() if "updated = " in line)
    return text.replace(line, inner).replace('{"latest": updated}', '{"latest": latest}')


def test_an_assignment_that_hides_the_name_around_it_is_explained(run_cell: RunCell) -> None:
    earlier = [
        inspect.getsource(getattr(solutions.flexmatch, name))
        for name in ("fixmatch_loss", "learning_status", "flexible_thresholds", "flexible_mask")
    ]
    loss = assigned_in_the_rule("latest = latest.clone()")
    names = run_text("\n".join([*earlier, loss]), "a cell of closures", run_cell("", unit="flexmatch"))
    result = check.run("flexmatch_loss", names["flexmatch_loss"])
    assert result.message.startswith("`latest` has a value outside of `select`, but `select` assigns to it")
    assert "nonlocal latest" in result.look


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("targets_seen = 1\ndef f():\n    targets_seen += 1\n", True),
        ("def f():\n    if len('') > 3:\n        x = 1\n    return x\n", False),
    ],
)
def test_a_name_without_a_value_anywhere_is_told_apart(cell: str, said: bool, run_cell: RunCell) -> None:
    cell += "def logits_to_log_probs(logits):\n    return f()\n"
    result = check.run("logits_to_log_probs", run_cell(cell)["logits_to_log_probs"])
    assert ("has a value outside of `f`" in result.message) == said
    assert ("is read before anything was assigned" in result.message) != said


@pytest.mark.parametrize("body", ["return thresholds <= confidence", "return confidence - thresholds >= 0"])
def test_lengths_that_do_not_fit_are_no_lost_axis(body: str, run_cell: RunCell) -> None:
    cell = f"def flexible_mask(confidence, pseudo_labels, thresholds):\n    {body}\n"
    names = run_text(cell, f"a cell: {body}", run_cell("", unit="flexmatch"))
    result = check.run("flexible_mask", names["flexible_mask"])
    text = render_text(result)
    assert "keepdim" not in text
    assert "different lengths" in text or "one per class, beside one probability per image" in text


def test_the_values_in_the_line_are_shown(run_cell: RunCell) -> None:
    source = (
        "def log_softmax_cross_entropy(log_probs, targets):\n"
        "    best = log_probs.max(axis=1)\n"
        "    return targets * best\n"
    )
    namespace = run_text(source, "a cell of values", run_cell(""))
    result = check.run("log_softmax_cross_entropy", namespace["log_softmax_cross_entropy"])
    assert result.failure is not None
    assert result.failure.values == (("targets", "float32 (3, 4)"), ("best", "float32 (3,)"))
    assert "Values in that line:\n    targets: float32 (3, 4)\n    best: float32 (3,)" in render_text(result)
