"""What exceptions of JAX and Python usually mean in an exercise, for those that no slip explains."""

from __future__ import annotations

import re

from course.checks.case import Failure

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
)


def advise(failure: Failure) -> tuple[str, str] | None:
    """(likely reason, where to look) for a known kind of exception, or None."""
    if failure.type == "ModelMisuse":  # the checks' own models say what is wrong with a call
        return failure.message, "Look at your call of model.apply and at the steps in the docstring."
    for error, pattern, reason, look in _ADVICE:
        if re.fullmatch(error, failure.type) and re.search(pattern, failure.message):
            return reason, look
    return None
