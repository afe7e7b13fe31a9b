"""Global state that a student's function may find or change: kept as it was, and the same for every run.

While a case runs, random generators start from a fixed seed, JAX's settings are those below and PyTorch
compiles nothing, so that no verdict depends on what other cells did before, nor on how long a compiler takes.
Afterwards all of it is as it was found.
"""

from __future__ import annotations

import functools
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

Restore = Callable[[], None]

SEED = 0
# The settings of JAX that change what a function returns or whether it raises. All are its defaults but for
# the last: by default, recent GPUs multiply matrices with three digits, fewer than the checks compare.
JAX_SETTINGS: dict[str, Any] = {
    "jax_enable_x64": False,
    "jax_disable_jit": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_check_tracer_leaks": False,
    "jax_numpy_rank_promotion": "allow",
    "jax_numpy_dtype_promotion": "standard",
    "jax_default_matmul_precision": "highest",
}


@contextmanager
def kept_state() -> Iterator[None]:
    """Run a block from a known state, and leave generators, settings, modes and folders as they were found.

    JAX and PyTorch are looked after when they have been imported before.
    """
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        for keep in (_interpreter, _environment, _folder, _random, _numpy, _jax, _torch, _compilation):
            stack.callback(keep())
        yield


@contextmanager
def nothing_compiled() -> Iterator[None]:
    """Run a block in which functions under ``torch.compile`` run as they are written."""
    restore = _compilation()
    try:
        yield
    finally:
        restore()


def unusual_settings() -> list[str]:
    """The settings of JAX that the session has changed and a check does not heed, as ``name = value``."""
    jax = sys.modules.get("jax")
    if jax is None:
        return []
    values = jax.config.values
    return [
        f"{name} = {values[name]!r}"
        for name, ours in JAX_SETTINGS.items()
        if values.get(name) not in (ours, None)
    ]


def _interpreter() -> Restore:
    limit = sys.getrecursionlimit()
    return lambda: sys.setrecursionlimit(limit)


def _environment() -> Restore:
    before = dict(os.environ)

    def restore() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})

    return restore


def _folder() -> Restore:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # it had been removed already, so there is nothing to go back to
        return lambda: None

    def restore() -> None:
        with suppress(FileNotFoundError):  # the student's function removed it
            os.chdir(before)

    return restore


def _random() -> Restore:
    before = random.getstate()
    random.seed(SEED)
    return lambda: random.setstate(before)


def _numpy() -> Restore:
    before, options = np.random.get_state(), np.get_printoptions()
    np.random.seed(SEED)

    def restore() -> None:
        np.random.set_state(before)
        if np.get_printoptions() != options:
            np.set_printoptions(**options)

    return restore


def _jax() -> Restore:
    jax = sys.modules.get("jax")
    if jax is None:
        return lambda: None
    before = dict(jax.config.values)
    _update_jax(jax, {name: value for name, value in JAX_SETTINGS.items() if name in before})
    return lambda: _update_jax(jax, before)


def _update_jax(jax: Any, wanted: dict[str, Any]) -> None:
    values = jax.config.values
    for name, value in wanted.items():
        if values[name] != value:
            jax.config.update(name, value)


def _torch() -> Restore:
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    generator = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    modes = _torch_modes(torch)
    before = [get() for get, _ in modes]
    # torch.manual_seed would also seed devices that nobody uses yet.
    torch.default_generator.manual_seed(SEED)
    if devices is not None:
        torch.cuda.manual_seed_all(SEED)
    torch.set_default_dtype(torch.float32)

    def restore() -> None:
        torch.set_rng_state(generator)
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)
        for (get, set_to), value in zip(modes, before, strict=True):
            if get() != value:
                set_to(value)

    return restore


def _compilation() -> Restore:
    """Functions under ``torch.compile`` run as they are written."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch.compiler, "set_stance"):  # PyTorch 2.5: the guard waits for it
        return lambda: None
    stances: list[Any] = []

    def force_eager() -> None:
        if not stances:
            stances.append(torch.compiler.set_stance("force_eager"))

    real = torch.compile

    @functools.wraps(real)
    def compile_nothing(*args: Any, **kwargs: Any) -> Any:
        force_eager()
        return real(*args, **kwargs)

    if "torch._dynamo" in sys.modules:
        force_eager()
    else:  # to import it takes seconds, which only those who use it should wait
        torch.compile = compile_nothing

    def restore() -> None:
        torch.compile = real
        for stance in stances:
            stance.__exit__(None, None, None)

    return restore


def _torch_modes(torch: Any) -> list[tuple[Callable[[], Any], Callable[[Any], None]]]:
    """PyTorch's modes: how each is read and set."""
    cudnn = torch.backends.cudnn
    return [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
        (lambda: cudnn.deterministic, functools.partial(setattr, cudnn, "deterministic")),
        (lambda: cudnn.benchmark, functools.partial(setattr, cudnn, "benchmark")),
    ]
