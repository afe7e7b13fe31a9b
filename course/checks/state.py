"""Global state that a student's function may find or change: kept as it was, and the same for every run.

While a case runs, random generators start from a fixed seed, the settings of Python, NumPy, JAX and PyTorch
that can change a verdict are those below, and PyTorch compiles nothing, so that no verdict depends on what
other cells did before, nor on how long a compiler takes. Afterwards all of it is as it was found.
"""

from __future__ import annotations

import functools
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

Restore = Callable[[], None]

SEED = 0
# The settings of JAX that change what a function returns or whether it raises. All are the defaults of the
# version that the course is pinned to, but for the precision of products: by default, recent GPUs multiply
# matrices with three digits, fewer than the checks compare.
JAX_SETTINGS: dict[str, Any] = {
    "jax_enable_x64": False,
    "jax_disable_jit": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_check_tracer_leaks": False,
    "jax_numpy_rank_promotion": "allow",
    "jax_numpy_dtype_promotion": "standard",
    "jax_default_matmul_precision": "highest",
    "jax_debug_key_reuse": False,
    "jax_default_dtype_bits": "64",
    "jax_transfer_guard": None,
    "jax_transfer_guard_host_to_device": None,
    "jax_transfer_guard_device_to_device": None,
    "jax_transfer_guard_device_to_host": None,
    "jax_no_tracing": False,
    "jax_no_execution": False,
    "jax_dynamic_shapes": False,
    "jax_softmax_custom_jvp": False,
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_legacy_prng_key": "allow",
    "jax_default_prng_impl": "threefry2x32",
    "jax_enable_custom_prng": False,
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_safer_randint": True,
    "jax_high_dynamic_range_gumbel": False,
    "jax_raise_persistent_cache_errors": False,
    "jax_array_garbage_collection_guard": None,
}
# Those that let JAX write to standard error, where nbgrader takes a cell's points away.
JAX_LOGS: dict[str, Any] = {
    "jax_log_compiles": False,
    "jax_explain_cache_misses": False,
    "jax_log_checkpoint_residuals": False,
    "jax_debug_log_modules": "",
    "jax_logging_level": "NOTSET",
    "jax_captured_constants_warn_bytes": 2_000_000_000,
}
# Each program of a check runs once or twice, so it need not be fast; its compilation takes most of the time.
JAX_SPEED: dict[str, Any] = {"jax_disable_most_optimizations": True}
NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # NumPy's own
# Python's limit, at least and at most: deep enough for right answers, and an endless recursion ends in time.
RECURSION = (1_000, 3_000)
SWITCH_SECONDS = 0.005  # Python's own
# Where PyTorch says in what precision it multiplies float32 numbers, from the general to the special. What is
# not set follows the more general one. PyTorch 2.5 has none of them.
PRECISIONS = (
    "",
    "cudnn",
    "mkldnn",
    "cuda.matmul",
    *(f"{b}.{o}" for b in ("cudnn", "mkldnn") for o in ("conv", "rnn")),
)


@contextmanager
def kept_state() -> Iterator[None]:
    """Run a block from a known state, and leave generators, settings, modes and folders as they were found.

    JAX and PyTorch are looked after when they have been imported before.
    """
    with ExitStack() as stack:
        stack.enter_context(_usual_warnings())
        for keep in (_interpreter, _environment, _folder, _random, _numpy, _generators_of_torch):
            stack.callback(keep())
        stack.enter_context(usual_settings())
        yield


@contextmanager
def usual_settings() -> Iterator[None]:
    """Run a block in this thread with the settings that checks use; generators and folders are left alone."""
    with ExitStack() as stack:
        stack.enter_context(_usual_warnings())
        stack.enter_context(np.errstate(**NUMPY_ERRORS))  # type: ignore[arg-type]
        for keep in (_jax, _torch, _compilation):
            stack.callback(keep())
        torch: Any = sys.modules.get("torch")
        if torch is not None:  # in this order: leaving inference mode brings its own gradient mode back
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
        yield


@contextmanager
def _usual_warnings() -> Iterator[None]:
    """Warnings as the session has them, but none of them an exception: right answers may warn."""
    with warnings.catch_warnings():
        kept = [entry for entry in warnings.filters if entry[0] != "error"]
        warnings.resetwarnings()
        warnings.simplefilter("default")
        warnings.filters[:0] = kept  # type: ignore[index]
        yield


# What JAX's settings were when it had just been imported.
_defaults: dict[str, Any] = {}


def note_defaults() -> None:
    """Remember the settings that JAX has now as its defaults: it keeps no record of these itself.

    The set-up cell calls this, before any cell of the student's can change a setting. Later calls do nothing.
    """
    if not _defaults:
        _defaults.update(sys.modules["jax"].config.values)


def unusual_settings() -> list[str]:
    """The settings of JAX that the session has changed and a check does not heed, as ``name = value``.

    A default of the installed version is not a change, even where checks set another value. Where nobody has
    noted the defaults, those of the pinned version count.
    """
    jax = sys.modules.get("jax")
    if jax is None:
        return []
    values = jax.config.values
    # JAX takes a variable of the environment for its default, but it is the session that has it.
    defaults = {name: value for name, value in _defaults.items() if name.upper() not in os.environ}
    return [
        f"{name} = {values[name]!r}"
        for name, ours in JAX_SETTINGS.items()
        if values.get(name) not in (ours, defaults.get(name, ours), None)
    ]


def _interpreter() -> Restore:
    limit, interval = sys.getrecursionlimit(), sys.getswitchinterval()
    least, most = RECURSION
    with suppress(RecursionError):  # this very code runs deeper than that
        sys.setrecursionlimit(min(max(limit, least), most))
    # Where threads hardly ever change, nothing could be stopped in time.
    sys.setswitchinterval(min(interval, SWITCH_SECONDS))

    def restore() -> None:
        sys.setrecursionlimit(limit)
        sys.setswitchinterval(interval)

    return restore


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
    ours = JAX_SETTINGS | JAX_LOGS | JAX_SPEED
    _update_jax(jax, {name: value for name, value in ours.items() if name in before})
    return lambda: _update_jax(jax, before)


def _update_jax(jax: Any, wanted: dict[str, Any]) -> None:
    values = jax.config.values  # which it collects again each time it is asked
    changed = {name: value for name, value in wanted.items() if values[name] != value}
    if not changed:
        return
    with warnings.catch_warnings():
        # Some settings are to be removed; that is not the student's matter here.
        warnings.simplefilter("ignore")
        for name, value in changed.items():
            # Another version of JAX may not know the value. Then the setting stays as it is.
            with suppress(ValueError, TypeError):
                jax.config.update(name, value)


def _generators_of_torch() -> Restore:
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    generator = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    # torch.manual_seed would also seed devices that nobody uses yet.
    torch.default_generator.manual_seed(SEED)
    if devices is not None:
        torch.cuda.manual_seed_all(SEED)

    def restore() -> None:
        torch.set_rng_state(generator)
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)

    return restore


def _torch() -> Restore:
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    switches = torch_switches(torch)
    before = [switch.get() for switch in switches]
    for switch in switches:
        if switch.ours is not None:
            switch.put(switch.ours)

    def restore() -> None:
        for switch, value in zip(switches, before, strict=True):
            switch.put(value)

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


@dataclass(frozen=True)
class Switch:
    """A setting of PyTorch.

    Attributes:
        name: what PyTorch calls it.
        get: reads it.
        set_to: sets it.
        ours: its value while a check runs; None where any will do, and it is only kept.
    """

    name: str
    get: Callable[[], Any]
    set_to: Callable[[Any], None]
    ours: Any = None

    def put(self, value: Any) -> None:
        """Set it, where it is not so already."""
        try:
            changed = self.get() != value
        except RuntimeError:  # a function has set PyTorch's older and newer switches to different things
            changed = True
        if changed:
            self.set_to(value)


def torch_switches(torch: Any) -> list[Switch]:
    """PyTorch's settings that can change a verdict, and those that a function could leave changed."""
    cudnn, autocast = torch.backends.cudnn, torch.is_autocast_enabled
    return [
        Switch("default_dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        Switch(
            "default_device",
            lambda: str(torch.get_default_device()),
            lambda device: torch.set_default_device(None if device == "cpu" else device),
            "cpu",
        ),
        Switch("grad_enabled", torch.is_grad_enabled, torch.set_grad_enabled, True),
        Switch(
            "anomaly_enabled",
            lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            lambda modes: torch.set_anomaly_enabled(*modes),
            (False, True),
        ),
        *(
            Switch(
                f"autocast_enabled {kind}",
                functools.partial(autocast, kind),
                functools.partial(torch.set_autocast_enabled, kind),
                False,
            )
            for kind in ("cpu", "cuda")
        ),
        Switch(
            "deterministic_debug_mode",
            torch.get_deterministic_debug_mode,
            torch.set_deterministic_debug_mode,
            0,
        ),
        *_precisions(torch),
        Switch("num_threads", torch.get_num_threads, torch.set_num_threads),
        _attribute("cudnn.deterministic", cudnn, "deterministic"),
        _attribute("cudnn.benchmark", cudnn, "benchmark"),
    ]


def _precisions(torch: Any) -> list[Switch]:
    """Float32 numbers are multiplied as such, with no fewer digits on hardware that could do it faster."""
    old = [
        Switch(
            "float32_matmul_precision",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
            "highest",
        ),
    ]
    if not hasattr(torch.backends, "fp32_precision"):
        return [*old, _attribute("cudnn.allow_tf32", torch.backends.cudnn, "allow_tf32", False)]
    try:
        torch.get_float32_matmul_precision()
    except RuntimeError:  # where the session has set newer ones, PyTorch does not read this one
        old = []
    places = [(place, _within(torch.backends, place)) for place in PRECISIONS]
    return [
        *old,
        *(
            _attribute(f"{place}.fp32_precision".lstrip("."), owner, "fp32_precision", "ieee")
            for place, owner in places
            if hasattr(owner, "fp32_precision")
        ),
    ]


def _within(module: Any, path: str) -> Any:
    """What a dotted path leads to within a module; None where there is no such thing."""
    for name in re.findall(r"\w+", path):
        module = getattr(module, name, None)
    return module


def _attribute(name: str, owner: Any, attribute: str, ours: Any = None) -> Switch:
    return Switch(name, lambda: getattr(owner, attribute), functools.partial(setattr, owner, attribute), ours)
