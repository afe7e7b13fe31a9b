"""What exceptions of JAX, PyTorch and Python usually mean in an exercise, for those that no slip explains."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from course.checks.call import Call
from course.checks.case import Failure
from course.checks.compare import Difference, Kind, listed_keys, place_in_words
from course.checks.guard import Stop
from course.checks.guide import General, Told, advice_code
from course.checks.suggest import OVERWRITTEN

_RESTART = " It could not be stopped: restart the kernel before you continue."
_TIME = ("Your function does not finish.", "Look for a loop that never ends, for input() and for sleep.{0}")
_WAIT = "It continues in the background. Run this cell again when it is done, or restart the kernel."

Advice = tuple[str, str]  # the likely reason, and where to look

_BUSY = ("Your function was not judged: {0}, and that must not be interrupted.", _WAIT)

# What is said of it, and where to look, wherever it is noticed.
MADE_ON_THE_CPU = (
    "A tensor is always made on the CPU, which fails when the arguments are on a GPU.",
    "Make it where an argument is: with device=x.device, or with zeros_like, new_zeros and the like.",
)
ANOTHER_PRECISION = (
    "The values are right, but in another precision than the network's, which does not take them.",
    "Keep the dtype of the arguments: look for .double(), .half() and torch.float64.",
)
# The same for what a function leaves behind, by its kind; the most far-reaching one first.
LEFT_BEHIND = {
    "gradients switched off": (
        "Your function leaves gradients switched off, or on, for everything that is computed after it.",
        "Look for set_grad_enabled: a with block or a decorator ends by itself, a call of it does not.",
    ),
    "another default dtype": (
        "Your function changes PyTorch's default dtype for everything that comes after it.",
        "Look for set_default_dtype. What is given has a dtype already.",
    ),
    "another precision": (
        "Your function leaves the model's weights in another precision.",
        "Look for .double(), .half() and .to() on the model, which convert the model itself.",
    ),
    "another mode": (
        "Your function leaves the model, or a part of it, in another mode: training or evaluation.",
        "Look for eval() and train(): what comes after your function goes on in that mode.",
    ),
    "gradients of weights": (
        "Your function changes which weights of the model need a gradient.",
        "Look for requires_grad: it stays with the weights, and those without it no longer learn.",
    ),
    "another setting": (
        "Your function leaves a setting of the model, or of a part of it, changed.",
        "Which attributes do you assign to? frozen_statistics puts back what it changes.",
    ),
    "a hook": (
        "Your function leaves a hook with the model, which runs in every pass from now on.",
        "Look for register_: what it returns can be removed.",
    ),
    "changed weights": (
        "Your function changes the model's own weights, which is the optimizer's part.",
        "Look for methods with a trailing underscore, .data, and an optimizer of your own.",
    ),
    "filled gradients": (
        "Your function leaves gradients with the model's weights, which is the training loop's part.",
        "Look for backward() and .grad: return the loss, and leave both to the loop.",
    ),
}
_NAMED_VALUES = "Compare the shapes listed below with those in the docstring; a lost axis often needs {}."
_NONES = (
    "None comes from an argument with that default, from a function without return, and from calls that "
    "only change something, such as list.sort()."
)
# Types that hold settings, as they call themselves in an exception.
_SETTINGS = r"'(?:types\.SimpleNamespace|\w*[Hh]params)'"
_FUNCTIONS = r"'(?:function|method|builtin_function_or_method|PjitFunction|type)'"
_VALUES = (
    r"'(?:jaxlib\S*|\w*Tracer\w*|ArrayImpl|Array|Tensor|torch\.Size|numpy\S*|float|int|list|tuple|dict|str|bool"
    r"|set|range|zip|map)'"
)

# Methods that only the one kind of array has.
_OF_TENSORS = (
    "numpy|detach|unsqueeze|view|permute|cpu|cuda|to|long|float|double|backward|requires_grad|clone|scatter_"
    "|gather|masked_fill|expand|index_select|norm|eq|ge|gt|le|lt"
)
_OF_JAX_ARRAYS = "at|astype|block_until_ready|set|add|addressable_shards"
# What modules are usually called.
_MODULES = "F|nn|optax|torch|torchvision|jax|jnp|np|lax|plt|pd"
# Python's own containers that are read only in their order.
_IN_ORDER = (
    r"set|frozenset|dict_keys|dict_values|dict_items|zip|map|filter|generator|enumerate|reversed"
    r"|itertools\.\w+|\w*Loader"
)
# What arrays can do and lists cannot.
_OF_ARRAYS = (
    "mean|std|var|sum|max|min|shape|dtype|astype|reshape|size|ndim|T|round|item|tolist|copy_|median|all|any"
)

# (type of the exception, pattern in its message, likely reason, where to look); the first match counts.
# {1} is what the first group of the pattern matched.
_ADVICE = (
    (
        r"NonConcreteBooleanIndexError",
        r"",
        "A mask picks out elements, as in x[mask]. Inside jit the shape of the result has to be known "
        "in advance, but here it depends on the values of the mask.",
        "Keep every element: multiply by the mask, or choose with jnp.where(mask, x, 0).",
    ),
    (
        r"TracerBoolConversionError",
        r"",
        "An if, while, and, or, not or assert needs a value that JAX is still tracing: inside jit it has "
        "no number yet.",
        "Compute both outcomes, and choose with jnp.where instead of if; or multiply by a mask.",
    ),
    (
        r"TracerArrayConversionError",
        r"",
        "NumPy was given a value that JAX is still tracing: inside jit it has no numbers yet.",
        "Use jax.numpy (jnp) instead of NumPy (np) for everything that depends on the inputs.",
    ),
    (
        r"TracerIntegerConversionError",
        r"",
        "A value that JAX is still tracing is used where Python needs a whole number: as a size, in range(), "
        "or as the index of a list.",
        "Sizes come from shapes, such as x.shape[0]; to pick elements by number, index a JAX array.",
    ),
    (
        r"ConcretizationTypeError",
        r"",
        "float(), int(), .item(), Python's math or a size needs the number itself, and JAX is still tracing "
        "this value: inside jit it has none yet.",
        "Leave out float(), int() and .item(), use jax.numpy instead of math, and take sizes from shapes.",
    ),
    (
        r"UnexpectedTracerError",
        r"",
        "A value from inside a jitted function was kept outside of it, and used later.",
        "Return everything that is needed later, and assign nothing outside of the function.",
    ),
    (
        r"NotImplementedError",
        r"\"(\w+?)(?:_(?:cpu|cuda|mps|lastdim\w*|kernel\w*))*\" not implemented for '(\w+)'",
        "PyTorch cannot do this with numbers of type {2}: what it calls `{1}` does not take them.",
        "Look at the dtypes below. .float() makes floating-point numbers, .long() whole ones; & and | need "
        "masks.",
    ),
    (
        r"FloatingPointError",
        r"",
        "A NaN appeared on the way to the result.",
        "Look for a logarithm of zero, 0/0, or an exponential of a large number.",
    ),
    (
        r"RuntimeError|AssertionError",
        r"NVIDIA driver|not compiled with CUDA|CUDA-capable device",
        "Your function moves a tensor to a GPU, but this computer has none.",
        "Leave tensors where they are, and make new ones on the device of an argument.",
    ),
    (
        r"AssertionError",
        r"",
        "An assert in the code does not hold.",
        "Its line is shown below: which of its two sides is the one that you did not expect?",
    ),
    (
        r"ZeroDivisionError",
        r"",
        "Your function divides by 0.",
        "Which denominator can be 0 for the inputs of this case?",
    ),
    (
        r"TypeError|AttributeError",
        _SETTINGS + r" object is not (?:subscriptable|iterable)|" + _SETTINGS + r" object .* item assignment",
        "The settings are read like a dictionary, but they are an object with attributes.",
        "Write a dot and the name instead of the brackets: hparams.name, not hparams['name'].",
    ),
    (
        r"AttributeError",
        r"'dict' object has no attribute '(\w+)'",
        "A dictionary is read with a dot; its entries are read with square brackets.",
        'Write ["{1}"] instead of .{1}.',
    ),
    (
        r"TypeError",
        r"where requires .*NoneType.* at position [12]",
        "jnp.where was given a condition and one array, but it chooses between two.",
        "It takes the condition, what to take where it holds, and what to take elsewhere.",
    ),
    (
        r"TypeError",
        r"got \((?:\w+=NoneType, )*(?:axis|dtype|out)=NoneType",
        "A NumPy function was given a PyTorch tensor.",
        "Look for the function in torch, or among the tensor's own methods.",
    ),
    (
        r"TypeError",
        r"a function is expected here, not NoneType",
        "Your function returns None; the exercise asks for a function.",
        "Return the inner function by its name, at the end of the outer one.",
    ),
    (
        r"TypeError",
        r"a function is expected here",
        "Your function returns a value; the exercise asks for a function.",
        "Return the inner function by its name. Parentheses after the name would call it.",
    ),
    (
        r"\w+",
        r"'NoneType'|NoneType object",
        "Something is None here but is used as if it were a value.",
        _NONES,
    ),
    (
        r"AttributeError|TypeError",
        r"torch\.return_types\.(\w+)'",
        "PyTorch's `{1}` with an axis returns two tensors, and both are used as if they were one.",
        "The values and their positions come together: give each of the two a name of its own.",
    ),
    (
        r"AttributeError",
        r"'(?:jaxlib\S*|\w*Tracer\w*|ArrayImpl)' object has no attribute '(" + _OF_TENSORS + r")'",
        "`.{1}` belongs to PyTorch's tensors, but this is a JAX array.",
        "This unit is written in JAX: look for what it does in jax.numpy.",
    ),
    (
        r"AttributeError",
        r"'(?:Tensor|Parameter)' object has no attribute '(" + _OF_JAX_ARRAYS + r")'",
        "`.{1}` belongs to arrays of JAX or NumPy, but this is a PyTorch tensor.",
        "This unit is written in PyTorch: look for what it does among the tensor's own methods.",
    ),
    (
        r"AttributeError",
        r"'numpy.ndarray' object has no attribute '(backward|grad|requires_grad|detach|item_)'",
        "A NumPy array is used where a tensor is needed; it has no gradient.",
        "Leave out .numpy(), and use PyTorch's own operations from the beginning to the end.",
    ),
    (
        r"RuntimeError",
        r"Can't call numpy\(\)|numpy\(\) on (?:a )?[Tt]ensor that requires",
        "A tensor with a gradient is turned into a NumPy array, which cannot have one.",
        "Use PyTorch's own operations; NumPy is for numbers that nothing learns from.",
    ),
    (
        r"AttributeError",
        r"'list' object has no attribute '(" + _OF_ARRAYS + r")'",
        "`.{1}` belongs to arrays, but this is a list.",
        "Make an array of it first, or use a function that takes lists.",
    ),
    (
        r"AttributeError",
        r"'(?:function|method|builtin_function_or_method|PjitFunction)' object has no attribute '(\w+)'",
        "`.{1}` is read from a function, and not from what the function returns.",
        "Put parentheses after the function's name, with its arguments inside, before the dot.",
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
        "A function is used instead of what it returns: it was not called.",
        "Put parentheses after its name, with its arguments inside.",
    ),
    (
        r"TypeError",
        r"(?:'type' object|'function' object).* context manager|AttributeError: __enter__",
        "`with` needs an object, but was given a class or a function that was not called.",
        "Put parentheses after the name that follows `with`.",
    ),
    (
        r"TypeError",
        r"unsupported operand type\(s\) for (.+?): .*(?:'(?:function|method|builtin_function_or_method)')",
        "The operator {1} is given a function instead of what the function returns: it was not called.",
        "Put parentheses after its name, with its arguments inside.",
    ),
    (
        r"TypeError",
        r"for \^: '(?:float|int|numpy|Tensor|jaxlib)|ufunc 'bitwise_xor'|bitwise_xor",
        "The sign ^ is used as a power, but in Python it is none.",
        "A power is written with two stars.",
    ),
    (
        r"TypeError",
        r"unsupported operand type\(s\) for .*'dict'",
        "A whole dictionary is used in a calculation.",
        "Which of its entries is meant? It is read with its key in square brackets.",
    ),
    (
        r"TypeError",
        r"unsupported operand type\(s\) for [^:]+: (?:'(?:list|tuple)' and '(?:float|int|list|tuple)'"
        r"|'(?:float|int)' and '(?:list|tuple)')",
        "A list or tuple is used in a calculation, as if it were an array.",
        "Make an array of it first, or go through its entries one by one.",
    ),
    (
        r"TypeError",
        r"'module' object is not callable",
        "A module is called like a function.",
        "Write the module's name, a dot and the function's name.",
    ),
    (
        r"TypeError",
        r"'("
        + _IN_ORDER
        + r")' object is not (?:subscriptable|reversible)|object of type '("
        + _IN_ORDER
        + r")' has no"
        r" len",
        "An object of type {1}{2} is used like a list, but it has no positions, or no length.",
        "Make a list of it first.",
    ),
    (
        r"TypeError",
        r"list indices must be integers or slices, not str",
        "A list is read by a key, as if it were a dictionary.",
        "Which of its entries is meant? A loop goes through them one by one.",
    ),
    (
        r"TypeError",
        r"string indices must be integers",
        "A text is read by a key, as if it were a dictionary.",
        "A loop over a dictionary gives only its keys. What holds the dictionary itself?",
    ),
    (
        r"TypeError",
        r"(?:list|tuple) indices must be integers or slices, not (\w+)",
        "A list or tuple is read at a position of type {1}, which is no whole number.",
        "Only arrays take masks and arrays as an index; // gives a whole number where / does not.",
    ),
    (
        r"TypeError",
        r"slice indices must be integers|'float' object cannot be interpreted as an integer",
        "A number with a decimal point is used as a position or a length.",
        "// gives a whole number where / does not.",
    ),
    (
        r"TypeError",
        r"'(\w+)' object does not support item assignment",
        "An object of type {1} is written into, but it cannot be changed.",
        "Make a new one, or collect what you have in a list.",
    ),
    (
        r"RuntimeError",
        r"changed size during iteration",
        "A dictionary or set is changed while a loop goes through it.",
        "Collect the changes in something new, or go through a list of its keys.",
    ),
    (
        r"ValueError|StatisticsError",
        r"(?:max|min)\(\) (?:arg|iterable argument) is (?:an )?empty|at least one data point"
        r"|zero-size array to reduction|empty sequence",
        "Something is computed of a list without entries.",
        "Which condition has left out everything, or too much?",
    ),
    (
        r"StatisticsError",
        r"at least two data points",
        "Python's statistics refuses to compute a spread of one value.",
        "Ask how many values there are before you call it.",
    ),
    (
        r"StopIteration",
        r"",
        "next() was asked for an entry where there is none left.",
        "A second argument of next() is what it gives then.",
    ),
    (
        r"TypeError",
        r"sequence item \d+: expected str",
        "Texts are joined, but some of what is joined is no text.",
        "What should come out: a text, or numbers?",
    ),
    (
        r"ValueError|TypeError",
        r"dictionary update sequence element|cannot convert dictionary update",
        "A dictionary is made of something that does not consist of pairs.",
        "It is made of keys and values: which are they here?",
    ),
    (
        r"TypeError",
        r"(?:float|int)\(\) argument must be .*, not '(\w+)'",
        "An object of type {1} is turned into a single number.",
        "Which step should have made one number of it?",
    ),
    (
        r"IndexError",
        r"only integers, slices|valid indices",
        "An array is indexed by something that is no whole number, slice or mask.",
        "Print what stands in the square brackets, and its type.",
    ),
    (
        r"ValueError",
        r"is not in list|not in list$|not in tuple",
        "A list is searched for something that is not in it.",
        "Is the search by value? Two numbers are equal only to the last digit.",
    ),
    (
        r"ValueError",
        r"inhomogeneous|setting an array element with a sequence",
        "An array is made of lists that have different lengths.",
        "Keep them as lists, or make an array of each.",
    ),
    (
        r"ValueError",
        r"could not convert string to float|invalid literal for int",
        "A text is turned into a number, but it is none.",
        "Which entry is read there? Names and numbers stand next to each other in a row.",
    ),
    (
        r"ValueError",
        r"math domain error|expected a (?:nonnegative|positive) input",
        "Python's math was given a number that the function is not defined for.",
        "Can the number be 0 or negative for the inputs of this case?",
    ),
    (
        r"TypeError|UFuncTypeError|_UFuncNoLoopError",
        r"ufunc '(\w+)' did not contain a loop|ufunc '(\w+)' not supported|resolve_dtypes|flexible type",
        "NumPy is asked to compute with texts or other objects that are no numbers.",
        "Print what stands in the array: a column of names, or None, may be among the numbers.",
    ),
    (
        r"FileNotFoundError",
        r"",
        "You open a file that is not there.",
        "What the function needs are its arguments; take out open() and load().",
    ),
    (
        r"TypeError",
        r"'\w*Model' object is not callable",
        "The model is called like a function, but a flax model is not one.",
        "Its apply method runs it: model.apply(variables, x, …).",
    ),
    (
        r"TypeError",
        _VALUES + r" object is not callable",
        "A value that is not a function is followed by parentheses, as if it were called.",
        "To take an entry, use square brackets; to multiply, write *.",
    ),
    (
        r"TypeError",
        r"'(float|int)' object is not (?:subscriptable|iterable)|object of type '(?:float|int)' has no len"
        r"|iteration over a 0-d|len\(\) of a 0-d",
        "A single number is used as if it held several.",
        "Which of the names in that line holds several values, and which holds one?",
    ),
    (
        r"TypeError",
        r"can't multiply sequence by non-int|can only concatenate (?:list|tuple)",
        "A list or tuple is used in a calculation, as if it were an array.",
        "Make one array or tensor of it first; better, compute without a list from the beginning.",
    ),
    (
        r"TypeError|KeyError",  # Python 3.12 makes slices possible keys
        r"unhashable type: 'slice'|^slice\(",
        "A slice is taken of a dictionary, as if it were an array.",
        "Which of a call's values is the dictionary? Look at the order in which you take them.",
    ),
    (
        r"TypeError",
        r"unhashable type: '(?:list|dict|set|numpy.ndarray)'",
        "A list or dictionary is used as a key, but a key has to be something that cannot change.",
        "A tuple, in parentheses, can be a key.",
    ),
    (
        r"TypeError",
        r"not supported between instances of '([^']+)' and '([^']+)'",
        "Objects of types {1} and {2} are compared, but Python cannot tell which is larger.",
        "Take the numbers out first; a list is compared element by element only once it is an array.",
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
        "A whole array is used where one yes or no is needed: in if, while, and, or, not, or in Python's own "
        "max() and min().",
        "Use operations that work on each element by itself.",
    ),
    (
        r"TypeError",
        r"must be Tensor, not (?:jaxlib|ArrayImpl|\w*Tracer)|got \(jaxlib|got \(\w*Tracer",
        "A PyTorch function was given a JAX array. This unit is written in JAX.",
        "Look for the function in jax.numpy or jax.nn.",
    ),
    (
        r"TypeError",
        r"(?i)(?:torch\.)?Tensor\S* .*(?:not a valid JAX type|is not a valid)|JAX.*torch\.Tensor",
        "A JAX function was given a PyTorch tensor. This unit is written in PyTorch.",
        "Look for the function in torch or torch.nn.functional.",
    ),
    (
        r"TypeError",
        r"invalid combination of arguments - got \((?:float|int|list|tuple)\b",
        "A PyTorch function needs a tensor, but was given a plain number or a list.",
        "Keep everything a tensor on the way there, or use Python's own function for plain numbers.",
    ),
    (
        r"RuntimeError",
        r"mat1 and mat2",
        "A layer was given rows whose length does not match its weights.",
        "Compare the shape of what you pass on with the shape that the docstring says the model takes.",
    ),
    (
        r"TypeError",
        r"\b(cat|stack|concat|vstack|hstack)\(\).* (?:must be tuple of Tensors|got \(Tensor, Tensor)",
        "`torch.{1}` takes the tensors that it joins as one argument.",
        "Put them into one list in square brackets.",
    ),
    (
        r"TypeError",
        r"argument '(\w+)'.* must be (int|float|bool|tuple of ints), not (\w+)",
        "The argument `{1}` of a PyTorch function has to be of type {2}, but is of type {3}.",
        "Which of your values is a plain number, such as a setting or a length, and which is a tensor?",
    ),
    (
        r"TypeError",
        r"argument '(\w+)' \(position ([2-9])\) must be Tensor, not (int|float|bool)\b",
        "The argument at position {2}, `{1}`, takes a tensor, but was given a value of type {3}.",
        "Was another argument meant? Pass it by its name. If not, use an operation that takes plain numbers.",
    ),
    (
        r"TypeError",
        r"(\w+)\(\) received an invalid combination of arguments - got \(\)",
        "PyTorch's `{1}` was called without an argument that it needs.",
        "Compare the call with the function's documentation: is the axis missing?",
    ),
    (
        r"TypeError",
        r"(\w+)\(\) received an invalid combination of arguments - got \((.*?),? ?\)",
        "PyTorch's `{1}` does not take these arguments, which are of the types: {2}.",
        "Compare the order and the types of what you pass with the function's documentation.",
    ),
    (
        r"TypeError",
        r"must be Tensor, not (\w+)",
        "A PyTorch function needs a tensor, but was given an object of type {1}.",
        "Keep everything a tensor on the way there, or use Python's own function for plain numbers.",
    ),
    (
        r"TypeError",
        r"requires ndarray or scalar arguments, got <class '(list|tuple)'>",
        "A JAX function was given a {1}, but it takes arrays.",
        "Make one array of it first: jnp.array for numbers, jnp.stack for arrays of one shape.",
    ),
    (
        r"TypeError",
        r"(?i)only integer (?:scalar arrays|tensors of a single element) can be converted to an? (?:scalar )?"
        r"index",
        "An array is used where one whole number is needed, as an axis or as the index of a list.",
        "A function that joins arrays takes them as one list in square brackets; only arrays take arrays as "
        "index.",
    ),
    (
        r"TypeError|ValueError|RuntimeError",
        r"(?i)only (?:0-dimensional|length-1|size-1|scalar) arrays can be conv"
        r"|only convert an array of size 1|only one element tensors can be conv"
        r"|elements cannot be converted to Scalar",
        "An array of several numbers is used where one number is needed, as in float().",
        "Which step should have made one number of them?",
    ),
    (
        r"TypeError|IndexError|RuntimeError",
        r"Indexer must have integer or boolean type|arrays used as indices must be of integer"
        r"|tensors used as indices must be|Expected (?:dtype int32(?:/| or )int64|a long tensor) for index",
        "Floating-point numbers are used as an index.",
        "Only whole numbers and masks can be: what do the shapes and dtypes listed below say?",
    ),
    (
        r"ValueError|RuntimeError",
        r"All input arrays must have the same shape|stack expects each tensor to be equal size",
        "stack joins arrays of the same shape along a new axis, but these have different shapes.",
        "To join arrays along an axis that they already have, concatenate them.",
    ),
    (
        r"IndexError",
        r"shape of the mask \[(.+?)\] .* does not match the shape of the indexed tensor \[(.+?)\]",
        "A mask with {1} entries picks from a tensor with {2}: they are not about the same images.",
        "A mask of the batch can only pick from what has one entry for each image of the batch.",
    ),
    (
        r"IndexError",
        r"0-dim tensor",
        "A single number is used as if it had entries.",
        "Which step has made one number of many, such as sum, mean or max without a dim?",
    ),
    (
        r"RuntimeError",
        r"split_sizes to sum exactly to (\d+)",
        "The parts that a tensor is split into do not add up to its length, {1}.",
        "Each part is as long as one of the tensors that were joined.",
    ),
    (
        r"RuntimeError",
        r"where expected condition to be a boolean",
        "torch.where chooses by truth values, but its first argument holds numbers.",
        "A comparison gives truth values.",
    ),
    (
        r"RuntimeError",
        r"source and destination dtypes match|can't be cast to the desired output type"
        r"|self.dtype to be equal to src.dtype|expected to have the same dtype",
        "Numbers of one type are written into a tensor of another type.",
        "Compare the dtypes below; if labels are written, look for probabilities in their place.",
    ),
    (
        r"RuntimeError|TypeError",
        r"two bool tensors is not supported|operator, on a bool tensor|only implemented on integer and Bool",
        "An operator does not fit: masks are turned around and joined by ~, & and |, numbers by − and +.",
        "What is a mask in that line, and what holds numbers?",
    ),
    (
        r"IndexError|ValueError|AxisError",
        r"(?i)axis \S+ is out of bounds|Dimension out of range|too many indices",
        "The code names an axis that the array does not have.",
        "Axes count from 0, and −1 is the last one; compare with the shapes listed below.",
    ),
    (
        r"IndexError",
        r"out of (?:bounds|range)",
        "An index is past the last entry.",
        "The last of n entries has the index n − 1; look for i + 1, and for an index into something else.",
    ),
    (
        r"(Type|Value)Error",
        r"(?i)incompatible shapes|broadcast|dot_general|concatenate",
        "Two arrays do not fit together.",
        _NAMED_VALUES.format("keepdims=True"),
    ),
    (
        r"RuntimeError",
        r"shape '\[(.+?)\]' is invalid for input of size (\d+)",
        "A tensor with {2} numbers cannot have the shape ({1}).",
        "The lengths of a shape multiply to the number of entries; −1 stands for what is left.",
    ),
    (
        r"RuntimeError|ValueError",
        r"size of tensor a|Sizes of tensors|shape mismatch"
        r"|same number of dimensions|input batch_size",
        "Two tensors do not fit together.",
        _NAMED_VALUES.format("keepdim=True"),
    ),
    (
        r"RuntimeError",
        r"does not require grad",
        "The result has no gradient: it is a constant, or something was detached or computed under no_grad.",
        "Only targets are cut off from the gradient; the predictions that learn are not.",
    ),
    (
        r"RuntimeError",
        r"backward through the graph a second time",
        "The gradient is taken inside your function, and then once more by the caller.",
        "Take out backward() and grad(): the training step does that.",
    ),
    (
        r"ValueError",
        r"^(\w+) is not a valid value for reduction",
        "`{1}` is no reduction that PyTorch knows.",
        "There are three: mean, sum, and none.",
    ),
    (
        r"RuntimeError",
        r"is a view and is being modified inplace|leaf Variable that requires grad .*in-place",
        "A part of a tensor that the gradient needs is written into.",
        "Make a new tensor: avoid operations that end in _ and assignments to a part of a tensor.",
    ),
    (
        r"RuntimeError",
        r"in-place operation",
        "A tensor that the gradient still needs was changed in place.",
        "Make a new tensor: avoid operations that end in _ and assignments to a part of a tensor.",
    ),
    (
        r"RuntimeError",
        r"grad can be implicitly created only for scalar",
        "The loss is not a scalar, so it has no gradient.",
        "Average over the batch before you add up the terms.",
    ),
    (
        r"RuntimeError",
        r"Class values must be non-negative",
        "one_hot was given a negative label, but has no row for it.",
        "Which of these labels are not a class?",
    ),
    (
        r"RuntimeError|IndexError|TypeError",
        r"expected scalar type|must be .*(long|int|float)|Expected floating point|infer output dtype"
        r"|index tensor of type LongTensor",
        "A tensor does not have a dtype that the operation takes.",
        "Positions are integers (.long()), averages need floating-point numbers (.float()).",
    ),
    (
        r"TypeError",
        r"device type tensor to numpy",
        "A tensor on a GPU was given to NumPy, which works only on the CPU.",
        "Use PyTorch's own operations: they work wherever the tensor is.",
    ),
    (
        r"MadeOnTheCPU",
        r"",
        *MADE_ON_THE_CPU,
    ),
    *((r"LeftBehind", f"^{kind}:", *texts) for kind, texts in LEFT_BEHIND.items()),
    (
        r"UnfitType",
        r"another precision",
        *ANOTHER_PRECISION,
    ),
    (
        r"UnfitType",
        r"",
        "The values are right, but their type is not what the next step takes.",
        "Compare the type below with the Returns section of the docstring.",
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
        "A call does not return as many values as the left-hand side takes.",
        "Look at what the call is documented to return; a loop over a dictionary gives only its keys.",
    ),
    (
        r"TypeError",
        r"unexpected keyword argument '(dim|keepdim)'",
        "`{1}` is PyTorch's word, but this is a JAX or NumPy function.",
        "They say `axis` for `dim`, and `keepdims` for `keepdim`.",
    ),
    (
        r"TypeError",
        r"unexpected keyword argument '(\w+)'",
        "A function was called with an argument `{1}`, which it does not have.",
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
        r"\b([A-Za-z_]\w*)\(\) takes (.+?) positional arguments? but (\d+) w",
        "`{1}` was called with {3} arguments by position, but takes {2}.",
        "Compare the first line of the function with the call, and with what is said about its arguments.",
    ),
    (
        r"TypeError",
        r"positional argument|missing \d+ required",
        "A function was called with arguments that do not fit its signature.",
        "Compare the call with the documentation of what it calls.",
    ),
    (
        r"TypeError",
        r"Gradient only defined for scalar-output",
        "The loss is not a scalar, so it has no gradient.",
        "Average over the batch before you add up the terms.",
    ),
    (
        r"UnboundLocalError",
        r"variable '(\w+)'",
        "The variable `{1}` is read before anything was assigned to it.",
        "Is it assigned inside an if, a for or a try that was skipped, or only further down?",
    ),
    (
        r"NameError",
        r"free variable '(\w+)'",
        "The variable `{1}` is read in an inner function before anything was assigned to it.",
        "Is it assigned inside an if, a for or a try that was skipped, or only further down?",
    ),
    (
        r"NameError",
        r"name '(" + _MODULES + r")'",
        "`{1}` is what a module is usually called, but no cell that you ran imports it.",
        "Run the notebook's cell of imports. If it is not among them, the exercise needs no such module.",
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
        "You import a module that is not installed here.",
        "Check its spelling; the exercises need no modules other than those that the notebook imports.",
    ),
    (
        r"ImportError",
        r"cannot import name '(\w+)'",
        "The module has nothing called `{1}`.",
        "Check the spelling, and which module it is in.",
    ),
    (
        r"KeyError",
        r"",
        "A dictionary does not have the key that is read.",
        "Compare the key letter by letter with those that are there; a new one has to be added first.",
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
        "The function calls itself endlessly.",
        "Look for a call to the function itself.",
    ),
    (
        r"OutputLimit",
        r"",
        "Your function prints far too much.",
        "Take the print out of the loop, or print a shape instead of an array.",
    ),
    (
        r"ChangedArgument",
        r"",
        "Your function changes what it is given; the caller still needs it unchanged.",
        "Make a new dict, list or array, and leave the arguments as they are.",
    ),
    (
        r"TypeError|ValueError",
        r"immutable|read-only",
        "JAX arrays cannot be changed in place.",
        "Compute a new array, with jnp.where or with x.at[index].set(value).",
    ),
    (
        r"SystemExit",
        r"",
        "Your function ends the program.",
        "Take out exit() or quit(), and return a value.",
    ),
    (
        r"StdinNotImplementedError|BdbQuit",
        r"",
        "Your function waits for somebody to type: it calls input() or stops in a debugger.",
        "Take out input(), breakpoint() and set_trace(); what it needs are its arguments.",
    ),
)

_SIGNATURE = (
    "Your function does not take the arguments in the stub, so the check could not call it.",
    "Keep the first line of the stub as it was.",
)
_LABELS = (
    "Labels are used where one-hot rows belong: `{}` holds one whole number per image.",
    "A one-hot row has one entry per class. Turn the labels into rows before you pass them on.",
)
_COMPARED = (
    "Rows with one entry per class are compared with labels: `{}` holds one whole number per image.",
    "Both sides of the comparison need one entry per image.",
)
_NOT_IMPORTED = (
    "`{0}` is one of Python's modules, and no cell that you ran imports it.",
    "Write import {0} in the first line of your cell, and run the cell again.",
)
_ASSIGNED = (
    "`{0}` has a value outside of `{1}`, but `{1}` assigns to it: Python takes it for a new variable there.",
    "Give what you assign a name of its own; or write nonlocal {0} first, where the old value is no longer "
    "needed.",
)
_OVERWRITTEN = (
    "`{0}` is one of Python's own functions, but a value was assigned to that name.",
    "Give your value another name. Where a cell has done it, del {0} in a cell brings the function back.",
)
_LENGTHS = (
    "Arrays of different lengths are put together entry by entry.",
    "What does each of them count: images, or classes? The docstring says it of every argument.",
)
_MISFIT = re.compile(
    r"(?i)incompatible shapes|broadcast|same number of dimensions|size of tensor a|sizes of tensors"
)

_WHOLE = "what your function returns"
_WHICH_NONE = (
    "None is right elsewhere, but not here: which of your conditions leads to it, or does the function end "
    "without a return?"
)
_A_FUNCTION = (
    "Your function returns a function where the exercise asks for a value.",
    "Call the inner function, or look at which of the two functions a return belongs to.",
)
# Type of what was returned in place of an array, a number or a container of them.
_RETURNED = {
    "NoneType": (
        "Your function returns None.",
        "Look for its return: it may be missing, or be inside an if. print() shows a value but returns "
        "nothing.",
    ),
    "generator": (
        "Your function returns a generator, which has not computed anything yet.",
        "Put its values into an array, and use return, not yield.",
    ),
    "function": _A_FUNCTION,
    "PjitFunction": _A_FUNCTION,
    "builtin_function_or_method": _A_FUNCTION,
    "method": _A_FUNCTION,
    "_ArrayFunctionDispatcher": _A_FUNCTION,
    "ufunc": _A_FUNCTION,
    "JAX tracer": (
        "Your function returns a tracer: a value that was kept from inside a jitted function.",
        "Return it from the jitted function, and assign nothing outside of it.",
    ),
}


def advise_difference(difference: Difference, place: str = "", *, may_be_none: bool = False) -> Told | None:
    """What a difference in structure, shape or dtype means; None for one in values.

    Args:
        difference: the first one.
        place: the readable name of its place; empty where it has none.
        may_be_none: whether None is the answer of other cases, so that a None is no forgotten return.
    """
    if difference.kind is Kind.VALUES:
        return None
    if difference.missing:
        return Told(*_advise_keys(difference, place), General.KEYS)
    found = _RETURNED.get(difference.got_type) if difference.kind is Kind.STRUCTURE else None
    whole = place_in_words(difference.where) == _WHOLE or place.endswith(_WHOLE)
    if found and whole and not (may_be_none and difference.got_type == "NoneType"):
        return Told(*found, advice_code(found[0]))
    place = place or ("" if difference.where == "returned" else place_in_words(difference.where))
    known = re.match(r'the |what |value |"', place)
    task = f"For {'' if known else 'the '}{place}, the exercise" if place else "The exercise"
    if difference.kind is Kind.DTYPE:
        return Told(
            f"{task} asks for {difference.expected}, but your function returns {difference.got}.",
            "Look for int(), //, rounding and astype, and for a mask that is still a mask.",
            General.DTYPE,
        )
    look = "Compare the Returns section of the docstring with what you return."
    if difference.asked == difference.came and difference.kind is Kind.STRUCTURE:  # two texts, for example
        expected, got = (text.removeprefix("str ") for text in (difference.expected, difference.got))
        place = place or "the result"
        return Told(
            f"{place[0].upper()}{place[1:]} is {got}, and not {expected}.",
            "Is it another entry, or in another order?",
            General.TEXT,
        )
    if found:
        look = found[1] if difference.got_type != "NoneType" else _WHICH_NONE if whole else _NONES
    code = General.STRUCTURE if difference.kind is Kind.STRUCTURE else General.SHAPE
    return Told(
        f"{task} asks for {difference.asked}, but your function returns {difference.came}.", look, code
    )


def _advise_keys(difference: Difference, place: str) -> Advice:
    """Keys that are missing, and those that may stand for them."""
    keys, place = listed_keys(difference.missing), place or "the dictionary that your function returns"
    several = len(difference.missing) > 1
    reason = (
        f"The keys {keys} are missing from {place}."
        if several
        else f"The key {keys} is missing from {place}."
    )
    if not difference.unexpected:
        return reason, "The Returns section of the docstring lists every key."
    there = "There is" if len(difference.unexpected) == 1 else "There are"
    reason += f" {there} {listed_keys(difference.unexpected)} instead."
    return reason, "Compare the keys letter by letter, spaces and underscores included."


def advise(failure: Failure) -> Told | None:
    """What a known kind of exception means, or None."""
    if failure.type == "ModelMisuse":  # the checks' own models say what is wrong with a call
        look = "Look at your call to the model and at the steps in the docstring."
        return Told(failure.message, look, General.MODEL_CALL)
    found = _find(failure)
    if found is None:
        return None
    (reason, look), words = found
    return Told(reason.format(*words), look.format(*words), advice_code(reason))


def advice_texts() -> tuple[tuple[Advice, str], ...]:
    """Every advice, without what a failure fills in, and the pattern of the exceptions that it is for."""
    by_suggestion = ((_OVERWRITTEN, ""), (_ASSIGNED, "UnboundLocalError"), (_NOT_IMPORTED, "NameError"))
    by_values = tuple((one, r"TypeError|ValueError|RuntimeError") for one in (_LABELS, _COMPARED, _LENGTHS))
    found = ((_TIME, ""), (_BUSY, ""), (_SIGNATURE, "TypeError"), *by_suggestion, *by_values)
    of_results = tuple((one, "") for one in _RETURNED.values())
    return (*found, *(((reason, look), error) for error, _, reason, look in _ADVICE), *of_results)


def _find(failure: Failure) -> tuple[Advice, Sequence[str]] | None:
    """The advice on a failure, and the words that fill it."""
    if failure.type == Stop.TIME:
        return _TIME, [_RESTART if "still runs" in failure.message else ""]
    if failure.type == Stop.BUSY:
        return _BUSY, [failure.message]
    if name := _overwritten(failure):
        return _OVERWRITTEN, [name]
    if failure.outside and (assigned := re.search(r"variable '(\w+)'", failure.message)):
        return _ASSIGNED, [assigned[1], failure.outside]
    if module := re.search(r"you forget to import '(\w+)'", failure.suggestion):
        return _NOT_IMPORTED, [module[1]]
    if failure.type == "TypeError" and failure.raised_in == Call.__name__ and "argument" in failure.message:
        return _SIGNATURE, []
    if _MISFIT.search(failure.message) and (labels := _labels(failure.values, failure.message)):
        return _COMPARED if re.search("[!=]=", failure.line) else _LABELS, [labels]
    if _MISFIT.search(failure.message) and _all_flat(failure.values):
        return _LENGTHS, []
    for error, pattern, reason, look in _ADVICE:
        found = re.search(pattern, failure.message) if re.fullmatch(error, failure.type) else None
        if found:
            return (reason, look), ["", *(group or "" for group in found.groups())]
    return None


def _overwritten(failure: Failure) -> str:
    """The name of one of Python's own functions to which the student's code assigns; empty without one."""
    found = re.search(OVERWRITTEN, failure.suggestion)
    if found is None and failure.type in ("UnboundLocalError", "NameError"):
        found = re.search(r"variable '(\w+)'", failure.message)
    return found[1] if found and found[1] in vars(builtins) else ""


def _all_flat(values: tuple[tuple[str, str], ...]) -> bool:
    """Whether a line names several arrays, each with one axis alone, so that no axis can be lost."""
    return len(values) > 1 and all(re.fullmatch(r"\S+ \(\d+,\)", text) for _, text in values)


def _labels(values: tuple[tuple[str, str], ...], message: str) -> str:
    """The name of whole numbers (n,) that a line combines with rows (n, classes); empty where it does not.

    A line may name both and combine what it makes of them: then a message that tells shapes tells others, and
    PyTorch's names the first dimension, which rows and labels have in common.
    """
    if "non-singleton dimension 0" in message:
        return ""
    shapes = [_sizes(text) for text in re.findall(r"\((\d+,[\d, ]*)\)", message)]
    rows = [_sizes(text) for _, text in values if re.fullmatch(r"\S*float\d+ \(\d+, \d+\)", text)]
    labels = {name: _sizes(text) for name, text in values if re.fullmatch(r"\S*int\d+ \(\d+,\)", text)}
    if shapes:
        rows = [sizes for sizes in rows if sizes in shapes]
        labels = {name: sizes for name, sizes in labels.items() if sizes in shapes}
    return next(iter(labels)) if rows and labels else ""


def _sizes(text: str) -> list[int]:
    """The sizes in the text of a shape, whatever dtype is before it."""
    return [int(size) for size in re.findall(r"\d+", text.rpartition("(")[2])]
