"""What exceptions of JAX, PyTorch and Python usually mean in an exercise, for those that no slip explains."""

from __future__ import annotations

import re

from course.checks.case import Failure
from course.checks.compare import Difference, Kind
from course.checks.guard import Stop

_RESTART = " It could not be stopped: restart the kernel before you go on."
_WAIT = "It goes on in the background. Run this cell again when it is done, or restart the kernel."

Advice = tuple[str, str]  # the likely reason, and where to look

# (type of the exception, pattern in its message, likely reason, where to look); the first match counts.
_ADVICE = (
    (
        r"Tracer\w*ConversionError|ConcretizationTypeError",
        r"",
        "A value that JAX is still tracing was given to NumPy, to Python's math, float() or int(), or to if.",
        "Use jax.numpy, and jnp.where instead of if, on everything that depends on the inputs.",
    ),
    (
        r"UnexpectedTracerError",
        r"",
        "A value from inside a jitted function was kept outside of it.",
        "Return everything that is needed later, and assign to nothing outside of the function.",
    ),
    (
        r"FloatingPointError",
        r"",
        "A NaN appeared on the way to the result.",
        "Look for a logarithm of zero, 0/0, or an exponential of a large number.",
    ),
    (
        r"(Type|Value)Error",
        r"(?i)incompatible shapes|broadcast|dot_general|concatenate",
        "Two arrays do not fit together.",
        "Compare the shapes listed below with those in the docstring; a lost axis often wants keepdims=True.",
    ),
    (
        r"RuntimeError",
        r"size of tensor a|mat1 and mat2|Sizes of tensors|shape mismatch|invalid for input of size",
        "Two tensors do not fit together.",
        "Compare the shapes listed below with those in the docstring; a lost axis often wants keepdim=True.",
    ),
    (
        r"RuntimeError",
        r"does not require grad",
        "The result has no gradient: something on the way to it was detached or computed under no_grad.",
        "Only targets are cut off from the gradient; the predictions that learn are not.",
    ),
    (
        r"RuntimeError",
        r"in-place operation",
        "A tensor that the gradient still needs was written into.",
        "Make a new tensor: leave out operations that end in _ and assignments to a part of a tensor.",
    ),
    (
        r"RuntimeError",
        r"grad can be implicitly created only for scalar",
        "The loss is not a scalar, so it has no gradient.",
        "Average over the batch before you add the terms up.",
    ),
    (
        r"RuntimeError|IndexError|TypeError",
        r"expected scalar type|must be .*(long|int|float)|Expected floating point|used as indices",
        "A tensor has another dtype than the operation takes.",
        "Positions are integers (.long()), averages need floating-point numbers (.float()).",
    ),
    (
        r"TypeError",
        r"device type tensor to numpy",
        "A tensor on a GPU was given to NumPy, which knows the CPU alone.",
        "Use PyTorch's own operations: they work wherever the tensor is.",
    ),
    (
        r"MadeOnTheCPU",
        r"",
        "A tensor is made on the CPU, whatever device the arguments are on: on a GPU that fails.",
        "Make it where an argument is: with device=x.device, or with zeros_like, new_zeros and the like.",
    ),
    (
        r"RuntimeError",
        r"same device",
        "Two tensors are on different devices.",
        "Make new tensors on the device of the inputs: device=x.device, or torch.zeros_like(x).",
    ),
    (
        r"TypeError|ValueError",
        r"(?i)unpack",
        "A call returns another number of values than the left-hand side takes.",
        "Look at what the called function is documented to return.",
    ),
    (
        r"TypeError",
        r"positional argument|unexpected keyword|missing \d+ required",
        "A function was called with other arguments than its signature has, or the signature was changed.",
        "Keep the signature of the stub, and compare the call with the signature of what it calls.",
    ),
    (
        r"TypeError",
        r"Gradient only defined for scalar-output",
        "The loss is not a scalar, so it has no gradient.",
        "Average over the batch before you add the terms up.",
    ),
    (
        r"NameError|UnboundLocalError",
        r"",
        "A name is used that does not exist at that point.",
        "Run the cells above in order, and check the spelling.",
    ),
    (
        r"KeyError",
        r"",
        "A dictionary does not have the key that is read.",
        "Compare the key with the names in the docstring, letter by letter.",
    ),
    (
        r"AttributeError",
        r"",
        "An object does not have the attribute that is read.",
        "Compare the attribute with the names in the docstring, letter by letter.",
    ),
    (
        r"RecursionError",
        r"",
        "The function calls itself without end.",
        "Look for a call of the function itself.",
    ),
    (
        r"OutputLimit",
        r"",
        "Your function prints far too much.",
        "Take the print out of the loop, or print a shape in place of an array.",
    ),
    (
        r"ChangedArgument",
        r"",
        "Your function writes into what it is given; whoever calls it still needs that.",
        "Make a new dict, list or array, and leave the arguments as they are.",
    ),
    (
        r"TypeError|ValueError",
        r"immutable|read-only",
        "Arrays of JAX can not be written into.",
        "Compute a new array, with jnp.where or with x.at[index].set(value).",
    ),
    (
        r"SystemExit",
        r"",
        "Your function ends the program.",
        "Take exit() or quit() out, and return a value.",
    ),
)


# Type of what was returned in place of an array, a number or a container of them.
_RETURNED = {
    "NoneType": (
        "Your function returns None.",
        "Is there a return statement, at the end of the function and not inside of an if?",
    ),
    "generator": (
        "Your function returns a generator, which has computed nothing yet.",
        "Put its values into an array, and use return and not yield.",
    ),
    "function": (
        "Your function returns a function where a value is asked for.",
        "Call the inner function, or look at which of the two functions a return belongs to.",
    ),
    "JAX tracer": (
        "Your function returns a tracer: a value that was kept from inside of a jitted function.",
        "Return it from the jitted function, and assign nothing outside of it.",
    ),
}


def advise_difference(difference: Difference) -> Advice | None:
    """What a difference in structure, shape or dtype means; None for one in values."""
    if difference.kind is Kind.VALUES:
        return None
    if difference.got_type in _RETURNED:
        return _RETURNED[difference.got_type]
    return (
        f"What your function returns does not have the {difference.kind.value} that the task states.",
        "Compare the Returns section of the docstring with what you return.",
    )


def advise(failure: Failure) -> Advice | None:
    """What a known kind of exception means, or None."""
    if failure.type == Stop.TIME:
        reason = "Your function does not come to an end."
        look = "Look for a loop whose end is never reached, for input() and for sleep."
        return reason, look + (_RESTART if "still runs" in failure.message else "")
    if failure.type == Stop.BUSY:
        return f"Your function was not judged: {failure.message}, and must not be stopped there.", _WAIT
    if failure.type == "ModelMisuse":  # the checks' own models say what is wrong with a call
        return failure.message, "Look at your call of the model and at the steps in the docstring."
    for error, pattern, reason, look in _ADVICE:
        if re.fullmatch(error, failure.type) and re.search(pattern, failure.message):
            return reason, look
    return None
