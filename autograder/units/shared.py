"""Mutants whose misconception several exercises share, with what a check says of it."""

from __future__ import annotations

from autograder.units.mutant import Mutant, Pairs
from course.checks.advice import ANOTHER_PRECISION, LEFT_BEHIND, MADE_ON_THE_CPU

# A dtype of other numbers than x has, whichever these are: expected values are made in float64.
OTHER_DTYPE = "torch.float64 if x.dtype == torch.float32 else torch.float32"


def keeps_a_trace(*, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that keeps a traced value of JAX from one call for the next."""
    return Mutant(
        "kept for later",
        "A traced value is stored outside of the function: it has no numbers, and JAX cannot let go of it.",
        "Return what is needed later. Look for append, global, nonlocal and attributes.",
        edits=edits,
        body=body,
    )


def keeps_its_input(*, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that keeps Python's own lists or dictionaries from one call for the next."""
    return Mutant(
        "kept for later",
        "The input of an earlier call still counts in a later one.",
        "Make lists and dictionaries inside the function; a default argument is created only once.",
        edits=edits,
        body=body,
    )


def not_a_tensor(*, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that returns the right values in NumPy's array; see ``course.checks.torch_kinds``."""
    return Mutant(
        "not a tensor",
        "The values are right, but they are not in a PyTorch tensor.",
        "Use PyTorch's own operations from the beginning to the end; what comes next expects a tensor.",
        edits=edits,
        body=body,
    )


def another_precision(*, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that returns the right values in a precision that no network takes."""
    message, look = ANOTHER_PRECISION
    return Mutant("another precision", message, look, edits=edits, body=body)


def leaves_behind(kind: str, *, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that leaves something behind; see ``course.checks.left_behind`` for the kinds."""
    message, look = LEFT_BEHIND[kind]
    return Mutant(f"leaves {kind}", message, look, edits=edits, body=body)


def made_on_the_cpu(*, edits: Pairs = (), body: str = "") -> Mutant:
    """The mutant that fails on a GPU alone; see ``course.checks.torch_device``."""
    message, look = MADE_ON_THE_CPU
    return Mutant("made on the CPU", message, look, edits=edits, body=body, on_gpu_alone=True)
