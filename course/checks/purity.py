"""What checks share that look for functions which keep something from one call for the next."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from course.checks.case import Call


class LeakedTracer(AssertionError):
    """Student code kept a value of a trace that has ended."""


class Watch:
    """Notes traces while they run, and finds out afterwards whether student code kept anything of them.

    ``jax.checking_leaks`` would do that too, but looks for the owner of what was kept through all objects
    of the process, which takes up to a minute in a notebook.
    """

    def __init__(self) -> None:
        self._traces: list[weakref.ref[Any]] = []

    def note(self, *values: Any) -> None:
        """Remember the traces that the arrays in ``values`` belong to; arrays with numbers have none."""
        tracers = [leaf for leaf in jax.tree.leaves(values) if isinstance(leaf, jax.core.Tracer)]
        self._traces += [weakref.ref(tracer._trace) for tracer in tracers]

    @property
    def traces(self) -> int:
        """In how many traces values were noted."""
        return len({id(reference) for reference in self._traces})  # a trace has one weak reference

    def conclude(self) -> None:
        """Raise LeakedTracer if a value of one of the traces is still kept by somebody."""
        if self._alive():
            gc.collect()  # what only refers to itself is not kept by anybody
        # From version 0.10 on, JAX itself keeps a trace for a while, but none of its values.
        kept = self._alive()
        if kept and any(
            issubclass(type(one), jax.core.Tracer) and any(one._trace is trace for trace in kept)
            for one in gc.get_objects()
        ):
            raise LeakedTracer("a value from inside a traced function is still kept after its end")

    def _alive(self) -> list[Any]:
        return [trace for reference in self._traces if (trace := reference()) is not None]


def traces_now() -> bool:
    """Whether JAX is tracing what runs: then it traces even what is done to constants."""
    return isinstance(jax.device_put(np.float32(0)), jax.core.Tracer)


def trace(call: Call, function: Callable[..., Any], *args: Any) -> None:
    """Trace a call with jax arrays as jit does, without compiling it.

    Raises:
        LeakedTracer: the function has kept a traced value. Exceptions of the function pass through.
    """
    watch = Watch()

    def traced(*args: Any) -> None:
        watch.note(args)
        call(function, *args)  # what it returns has been judged already, and may be huge

    with jax.disable_jit():  # so that functions which were compiled before are traced again
        jax.eval_shape(traced, *args)
    watch.conclude()
