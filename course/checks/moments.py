"""Moments at which an exception must not be thrown into a thread, read off its stack.

Code that a student calls may be in the midst of something that cannot be broken off: a compiler ends the
process when an exception from outside cuts its tracing short, a half-imported module fails ever after, and a
lock that was just taken is never given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True)
class Busy:
    """Something that a library does and that must not be broken off.

    Attributes:
        what: as a clause, such as "PyTorch is compiling".
        modules: whose frames show it; those of their submodules too.
        functions: of these modules the only ones that do; empty for all.
        long: it may take longer than a check has, through no fault of the function that is checked.
    """

    what: str
    modules: tuple[str, ...]
    functions: frozenset[str] = frozenset()
    long: bool = False

    def shows(self, frame: FrameType) -> bool:
        """Whether a frame belongs to it."""
        module = str(frame.f_globals.get("__name__", ""))
        if self.functions and frame.f_code.co_name not in self.functions:
            return False
        return any(module == name or module.startswith(f"{name}.") for name in self.modules)


# While these are on the stack, even code of a student's that they call is a part of what they do.
_PYTORCH = Busy(
    "PyTorch is compiling",
    (
        "torch._dynamo.bytecode_transformation",
        "torch._dynamo.convert_frame",
        "torch._dynamo.output_graph",
        "torch._dynamo.symbolic_convert",
        "torch._export",
        "torch._functorch._aot_autograd",
        "torch._functorch.aot_autograd",
        "torch._inductor",
        "torch.export",
        "torch.fx",
        "torch.jit._recursive",
        "torch.jit._script",
        "torch.jit.frontend",
        "triton",
    ),
    long=True,
)
_JAX = Busy(
    "JAX is compiling",
    (
        "jax._src.compilation_cache",
        "jax._src.compiler",
        "jax._src.interpreters.mlir",
        "jax._src.xla_bridge",  # starts the device
    ),
    long=True,
)
_IMPORT = Busy(
    "a module is being imported", ("importlib._bootstrap", "importlib._bootstrap_external"), long=True
)
_SHORT = (
    Busy("a message is being logged", ("logging",)),
    Busy("a progress bar is being drawn", ("tqdm",), frozenset({"__new__", "clear", "close", "refresh"})),
    Busy("a process is being started", ("subprocess",), frozenset({"__init__", "_execute_child"})),
    Busy("a process is being started", ("multiprocessing",), frozenset({"start", "_Popen", "_launch"})),
    Busy("a thread is being started", ("threading",), frozenset({"start"})),
    Busy("a thread is being started", ("concurrent.futures",), frozenset({"submit"})),
)
_ALL = (_IMPORT, _PYTORCH, _JAX, *_SHORT)


def what_is_busy(frame: FrameType | None) -> Busy | None:
    """What must not be broken off while a thread is at ``frame``; None where it may be stopped."""
    frames = list(_outwards(frame))
    return next((busy for busy in _ALL if any(map(busy.shows, frames))), None)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
