"""What exceptions of JAX, PyTorch and Python usually mean in an exercise, for those that no slip explains."""

from __future__ import annotations

import re

from course.checks.call import Call
from course.checks.case import Failure
from course.checks.compare import Difference, Kind, listed_keys
from course.checks.guard import Stop

_RESTART = " It could not be stopped: restart the kernel before you go on."
_WAIT = "It goes on in the background. Run this cell again when it is done, or restart the kernel."

Advice = tuple[str, str]  # the likely reason, and where to look

_NAMED_VALUES = "Compare the shapes listed below with those in the docstring; a lost axis often wants {}."
_NONES = (
    "None comes from an argument whose default it is, from a function without return, and from calls that "
    "only change something, such as list.sort()."
)
# Types that hold settings, as they call themselves in an exception.
_SETTINGS = r"'(?:types\.SimpleNamespace|\w*[Hh]params)'"
_FUNCTIONS = r"'(?:function|method|builtin_function_or_method|PjitFunction|type)'"
_VALUES = r"'(?:jaxlib\S*|\w*Tracer\w*|ArrayImpl|Array|Tensor|numpy\S*|float|int|list|tuple|dict|str|bool)'"

# (type of the exception, pattern in its message, likely reason, where to look); the first match counts.
# {1} is what the first group of the pattern matched.
_ADVICE = (
    (
        r"NonConcreteBooleanIndexError",
        r"",
        "A mask picks out elements, as in x[mask]. Inside jit the shape of the result has to be known "
        "beforehand, and here it depends on the values of the mask.",
        "Keep every element: multiply by the mask, or choose with jnp.where(mask, x, 0).",
    ),
    (
        r"TracerBoolConversionError",
        r"",
        "An if, while, and, or, not or assert asks for a value that JAX is still tracing: inside jit it has "
        "no number yet.",
        "Compute both outcomes, and choose with jnp.where instead of if; or multiply by a mask.",
    ),
    (
        r"TracerArrayConversionError",
        r"",
        "NumPy was given a value that JAX is still tracing: inside jit it has no numbers yet.",
        "Use jax.numpy (jnp) in place of NumPy (np) on everything that depends on the inputs.",
    ),
    (
        r"TracerIntegerConversionError",
        r"",
        "A value that JAX is still tracing is used where Python needs a whole number: as a size, in range(), "
        "or as the index of a list.",
        "Sizes come from shapes, such as x.shape[0]; to pick elements by number, index an array of JAX.",
    ),
    (
        r"ConcretizationTypeError",
        r"",
        "float(), int(), .item(), Python's math or a size needs the number itself, and JAX is still tracing "
        "this value: inside jit it has none yet.",
        "Leave float(), int() and .item() out, use jax.numpy in place of math, and take sizes from shapes.",
    ),
    (
        r"UnexpectedTracerError",
        r"",
        "A value from inside a jitted function was kept outside of it, and used later.",
        "Return everything that is needed later, and assign to nothing outside of the function.",
    ),
    (
        r"FloatingPointError",
        r"",
        "A NaN appeared on the way to the result.",
        "Look for a logarithm of zero, 0/0, or an exponential of a large number.",
    ),
    (
        r"ZeroDivisionError",
        r"",
        "Your function divides by 0.",
        "Which number below the line can be 0 for the inputs of this case?",
    ),
    (
        r"TypeError|AttributeError",
        _SETTINGS + r" object is not (?:subscriptable|iterable)|" + _SETTINGS + r" object .* item assignment",
        "The settings are read like a dictionary, but they are an object with attributes.",
        "Write a dot and the name in place of the brackets: hparams.name, not hparams['name'].",
    ),
    (
        r"AttributeError",
        r"'dict' object has no attribute '(\w+)'",
        "A dictionary is read with a dot; its entries are read with square brackets.",
        'Write ["{1}"] in place of .{1}.',
    ),
    (
        r"\w+",
        r"'NoneType'|NoneType object",
        "Something is None here and is used as if it were a value.",
        _NONES,
    ),
    (
        r"AttributeError",
        r"'(tuple|list)' object has no attribute '(\w+)'",
        "Several values in a {1} are used as if they were one.",
        "Give each of them a name first, as in a, b = …, or take one by its position.",
    ),
    (
        r"AttributeError",
        r"'(float|int|bool)' object has no attribute",
        "A Python number is used where an array or tensor is needed; it has no gradient and no shape.",
        "Leave out .item(), float() and int().",
    ),
    (
        r"TypeError",
        _FUNCTIONS + r" object is not (?:subscriptable|iterable)",
        "A function is used in place of what it returns: it was not called.",
        "Put parentheses after its name, with its arguments inside.",
    ),
    (
        r"TypeError",
        r"(?:'type' object|'function' object).* context manager|AttributeError: __enter__",
        "`with` needs an object, and was given a class or a function that was not called.",
        "Put parentheses after the name that follows `with`.",
    ),
    (
        r"TypeError",
        r"'\w*Model' object is not callable",
        "The model is called like a function; a flax model is not.",
        "Its method apply runs it: model.apply(variables, x, …).",
    ),
    (
        r"TypeError",
        _VALUES + r" object is not callable",
        "Parentheses follow a value that is not a function, as if it were called.",
        "To take an entry use square brackets; to multiply write *.",
    ),
    (
        r"TypeError",
        r"'(float|int)' object is not (?:subscriptable|iterable)|object of type '(?:float|int)' has no len",
        "A single number is used as if it held several.",
        "Which of the names in that line holds several values, and which holds one?",
    ),
    (
        r"TypeError",
        r"unhashable type: '(?:list|dict|set|numpy.ndarray)'",
        "A list or dictionary is used as a key, and a key has to be something that cannot change.",
        "A tuple, in parentheses, can be a key.",
    ),
    (
        r"TypeError",
        r"not supported between instances of '([^']+)' and '([^']+)'",
        "Objects of the types {1} and {2} are compared, and Python cannot tell which is larger.",
        "Take the numbers out first; a list is compared element by element only after it became an array.",
    ),
    (
        r"TypeError",
        r"unsupported operand type\(s\) for (.+?): '([^']+)' and '([^']+)'",
        "The operator {1} has a value of type {2} on its left and one of type {3} on its right.",
        "Look at what each of the names in that line holds: print(type(…)) shows it.",
    ),
    (
        r"ValueError|RuntimeError",
        r"(?i)boolean value of tensor with more than one|truth value of an array with more than one",
        "A whole array stands where one yes or no is needed: in if, while, and, or, not, or in Python's own "
        "max() and min().",
        "Use operations that work on each element by itself.",
    ),
    (
        r"TypeError",
        r"must be Tensor, not (?:jaxlib|ArrayImpl|\w*Tracer)|got \(jaxlib|got \(\w*Tracer",
        "A function of PyTorch was given an array of JAX. This unit is written in JAX.",
        "Look for the function in jax.numpy or jax.nn.",
    ),
    (
        r"TypeError",
        r"(?i)(?:torch\.)?Tensor\S* .*(?:not a valid JAX type|is not a valid)|JAX.*torch\.Tensor",
        "A function of JAX was given a tensor of PyTorch. This unit is written in PyTorch.",
        "Look for the function in torch or torch.nn.functional.",
    ),
    (
        r"TypeError",
        r"invalid combination of arguments - got \((?:float|int|list|tuple)\b",
        "A function of PyTorch needs a tensor, and was given a plain number or a list.",
        "Keep everything a tensor on the way there, or use Python's own function for plain numbers.",
    ),
    (
        r"RuntimeError",
        r"mat1 and mat2",
        "A layer was given rows of another length than it has weights for.",
        "Compare the shape of what you pass on with the shape that the docstring says the model takes.",
    ),
    (
        r"TypeError",
        r"must be Tensor, not (\w+)",
        "A function of PyTorch needs a tensor, and was given an object of type {1}.",
        "Keep everything a tensor on the way there, or use Python's own function for plain numbers.",
    ),
    (
        r"TypeError",
        r"requires ndarray or scalar arguments, got <class '(list|tuple)'>",
        "A function of JAX was given a {1}, and takes arrays.",
        "Make one array of it first: jnp.array for numbers, jnp.stack for arrays of one shape.",
    ),
    (
        r"TypeError",
        r"(?i)only integer scalar arrays can be converted to a scalar index",
        "An array stands where one whole number is needed, as an axis or as the index of a list.",
        "A function that joins arrays takes them as one list in square brackets; only arrays take arrays as "
        "index.",
    ),
    (
        r"TypeError|ValueError",
        r"only (?:0-dimensional|length-1|size-1) arrays can be conv|only one element tensors can be conv",
        "An array of several numbers stands where one number is needed, as in float().",
        "Which step should have made one number of them?",
    ),
    (
        r"TypeError|IndexError",
        r"Indexer must have integer or boolean type|arrays used as indices must be of integer",
        "Numbers with decimals are used as an index.",
        "Only whole numbers and masks are: what do the shapes and dtypes listed below say?",
    ),
    (
        r"ValueError|RuntimeError",
        r"All input arrays must have the same shape|stack expects each tensor to be equal size",
        "stack joins arrays of the same shape along a new axis, and these have different shapes.",
        "To join arrays along an axis that they have already, concatenate them.",
    ),
    (
        r"IndexError|ValueError|AxisError",
        r"axis \S+ is out of bounds|Dimension out of range|too many indices",
        "The code names an axis that the array does not have.",
        "Axes count from 0, and −1 is the last one; compare with the shapes listed below.",
    ),
    (
        r"IndexError",
        r"out of (?:bounds|range)",
        "An index lies beyond the last entry.",
        "The last of n entries has the index n − 1; look for i + 1, and for an index into something else.",
    ),
    (
        r"(Type|Value)Error",
        r"(?i)incompatible shapes|broadcast|dot_general|concatenate",
        "Two arrays do not fit together.",
        _NAMED_VALUES.format("keepdims=True"),
    ),
    (
        r"RuntimeError|ValueError",
        r"size of tensor a|Sizes of tensors|shape mismatch|invalid for input of size"
        r"|same number of dimensions|input batch_size",
        "Two tensors do not fit together.",
        _NAMED_VALUES.format("keepdim=True"),
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
        r"RuntimeError",
        r"Class values must be non-negative",
        "one_hot was given a negative label, and has no row for it.",
        "Which of these labels stand for no class?",
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
        "Look at what the call is documented to return; a loop over a dictionary gives its keys alone.",
    ),
    (
        r"TypeError",
        r"unexpected keyword argument '(dim|keepdim)'",
        "`{1}` is PyTorch's word, and this is a function of JAX or NumPy.",
        "They say `axis` for `dim`, and `keepdims` for `keepdim`.",
    ),
    (
        r"TypeError",
        r"unexpected keyword argument '(\w+)'",
        "A function was called with an argument called `{1}`, which it does not have.",
        "Compare the call with the documentation of what it calls, letter by letter.",
    ),
    (
        r"TypeError",
        r"\b([A-Za-z]\w*)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)",
        "`{1}` was called without {2}.",
        "Give it the arguments that its documentation lists, in that order.",
    ),
    (
        r"TypeError",
        r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)",
        "A function was called without {1}.",
        "Give it the arguments that its documentation lists, in that order.",
    ),
    (
        r"TypeError",
        r"positional argument|missing \d+ required",
        "A function was called with other arguments than its signature has.",
        "Compare the call with the documentation of what it calls.",
    ),
    (
        r"TypeError",
        r"Gradient only defined for scalar-output",
        "The loss is not a scalar, so it has no gradient.",
        "Average over the batch before you add the terms up.",
    ),
    (
        r"UnboundLocalError",
        r"variable '(\w+)'",
        "The variable `{1}` is read before anything was assigned to it.",
        "Is it assigned inside of an if, a for or a try that was passed over, or only further down?",
    ),
    (
        r"NameError",
        r"name '(\w+)'",
        "The name `{1}` does not exist at that point.",
        "Check its spelling; if a cell above defines it, run that cell.",
    ),
    (
        r"ModuleNotFoundError",
        r"",
        "A module is imported that is not installed here.",
        "Check its spelling; the exercises need no modules beside those that the notebook imports.",
    ),
    (
        r"ImportError",
        r"cannot import name '(\w+)'",
        "The module has nothing called `{1}`.",
        "Check the spelling, and in which module it is.",
    ),
    (
        r"KeyError",
        r"",
        "A dictionary does not have the key that is read.",
        "Compare the key letter by letter with those that are there; a new one has to be put in first.",
    ),
    (
        r"AttributeError",
        _SETTINGS + r" object has no attribute '(\w+)'",
        "The settings have nothing called `{1}`.",
        "The docstring lists the names of the settings.",
    ),
    (
        r"AttributeError",
        r"module '([\w.]+)' has no attribute '(\w+)'",
        "The module `{1}` has nothing called `{2}`.",
        "Check the spelling, and whether the function is in another module.",
    ),
    (
        r"AttributeError",
        r"'([\w.]+)' object has no attribute '(\w+)'",
        "An object of type {1} has nothing called `{2}`.",
        "Check the spelling, and what the name before the dot holds.",
    ),
    (
        r"AttributeError",
        r"",
        "An object does not have the attribute that is read.",
        "Check the spelling, and what the name before the dot holds.",
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
        "Arrays of JAX cannot be written into.",
        "Compute a new array, with jnp.where or with x.at[index].set(value).",
    ),
    (
        r"SystemExit",
        r"",
        "Your function ends the program.",
        "Take exit() or quit() out, and return a value.",
    ),
)

_SIGNATURE = (
    "Your function takes other arguments than the task says, so the check could not call it.",
    "Keep the first line of the stub as it was.",
)
_LABELS = (
    "Labels are used where one-hot rows belong: `{}` holds one whole number for each image.",
    "A one-hot row has an entry for each class. Turn the labels into rows before you pass them on.",
)
_COMPARED = (
    "Rows with an entry for each class are compared with labels: `{}` holds one whole number for each image.",
    "Both sides of the comparison need one entry for each image.",
)
_MISFIT = re.compile(
    r"(?i)incompatible shapes|broadcast|same number of dimensions|size of tensor a|sizes of tensors"
)

_A_FUNCTION = (
    "Your function returns a function where a value is asked for.",
    "Call the inner function, or look at which of the two functions a return belongs to.",
)
# Type of what was returned in place of an array, a number or a container of them.
_RETURNED = {
    "NoneType": (
        "Your function returns None.",
        "Look for its return: it may be missing, or stand inside of an if. print() shows a value and returns "
        "nothing.",
    ),
    "generator": (
        "Your function returns a generator, which has computed nothing yet.",
        "Put its values into an array, and use return and not yield.",
    ),
    "function": _A_FUNCTION,
    "PjitFunction": _A_FUNCTION,
    "builtin_function_or_method": _A_FUNCTION,
    "method": _A_FUNCTION,
    "JAX tracer": (
        "Your function returns a tracer: a value that was kept from inside of a jitted function.",
        "Return it from the jitted function, and assign nothing outside of it.",
    ),
}


def advise_difference(difference: Difference, place: str = "") -> Advice | None:
    """What a difference in structure, shape or dtype means; None for one in values.

    Args:
        difference: the first one.
        place: the readable name of its place; empty where it has none.
    """
    if difference.kind is Kind.VALUES:
        return None
    if difference.missing:
        return _advise_keys(difference, place)
    if difference.kind is Kind.STRUCTURE and difference.got_type in _RETURNED:
        return _RETURNED[difference.got_type]
    place = place or ("" if difference.where == "returned" else f"`{difference.where}`")
    known = re.match(r"the |what |`", place)
    task = f"For {'' if known else 'the '}{place}, the task" if place else "The task"
    if difference.kind is Kind.DTYPE:
        return (
            f"{task} asks for {difference.expected}, and your function returns {difference.got}.",
            "Look for int(), //, rounding and astype, and for a mask that is still a mask.",
        )
    return (
        f"{task} asks for {difference.asked}, and your function returns {difference.came}.",
        "Compare the Returns section of the docstring with what you return.",
    )


def _advise_keys(difference: Difference, place: str) -> Advice:
    """Keys that are missing, and those that may stand for them."""
    keys, place = listed_keys(difference.missing), place or "the dictionary that your function returns"
    several = len(difference.missing) > 1
    reason = (
        f"The keys {keys} are missing in {place}." if several else f"The key {keys} is missing in {place}."
    )
    if not difference.unexpected:
        return reason, "The Returns section of the docstring lists every key."
    there = "There is" if len(difference.unexpected) == 1 else "There are"
    reason += f" {there} {listed_keys(difference.unexpected)} instead."
    return reason, "Compare the keys letter by letter, blanks and underscores included."


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
    if failure.type == "TypeError" and failure.raised_in == Call.__name__ and "argument" in failure.message:
        return _SIGNATURE
    if _MISFIT.search(failure.message) and (labels := _labels(failure.values)):
        reason, look = _COMPARED if re.search("[!=]=", failure.line) else _LABELS
        return reason.format(labels), look
    for error, pattern, reason, look in _ADVICE:
        found = re.search(pattern, failure.message) if re.fullmatch(error, failure.type) else None
        if found:
            groups = [group or "" for group in found.groups()]
            return reason.format("", *groups), look.format("", *groups)
    return None


def _labels(values: tuple[tuple[str, str], ...]) -> str:
    """The name of whole numbers (n,) that stand beside rows (n, classes); empty where there is none."""
    rows = any(re.fullmatch(r"\S*float\d+ \(\d+, \d+\)", text) for _, text in values)
    labels = [name for name, text in values if re.fullmatch(r"\S*int\d+ \(\d+,\)", text)]
    return labels[0] if rows and labels else ""
