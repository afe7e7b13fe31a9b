"""The one exception for bad input."""

from __future__ import annotations

import difflib
from collections.abc import Collection


class CourseError(Exception):
    """Something given to the course cannot be used.

    The message is one line that names the thing and the remedy. Command lines print it to stderr
    as ``error: …`` and exit with status 2; notebooks show the line without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the line alone is what a student needs to see."""
        return [f"{type(self).__name__}: {self}"]


def unknown_name(what: str, name: object, known: Collection[str]) -> CourseError:
    """What to raise for a name that nothing has: it names the nearest that something does have.

    Args:
        what: kind of thing, such as "check".
        name: what was given; anything, because students call functions with anything.
        known: all names.
    """
    near = difflib.get_close_matches(str(name), known, n=1) or list(known)
    return CourseError(f"there is no {what} called {name!r}: use {' or '.join(near)}")


# How NumPy, PyTorch, JAX and CUDA's libraries say it. PyTorch's own class is not imported for it.
_NO_MEMORY = (
    "RESOURCE_EXHAUSTED",
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "ALLOC_FAILED",
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of whatever library means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)


# What CUDA's libraries say of a GPU that a driver, a fault or another program has taken away. An assertion
# that failed on the device is not among it: that is a mistake in the code, whose traceback is needed.
_LOST = (
    "unspecified launch failure",
    "uncorrectable ECC error",
    "busy or unavailable",
    "no CUDA-capable device",
    "GPU is lost",
    "CUDA error: unknown error",
    "CUDA_ERROR_LAUNCH_FAILED",
    "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_DEVICE_UNAVAILABLE",
    "CUDA_ERROR_NO_DEVICE",
    "CUDA_ERROR_UNKNOWN",
)


def device_lost(error: BaseException) -> bool:
    """Whether an error of whatever library means that the device cannot be used any more."""
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST)
