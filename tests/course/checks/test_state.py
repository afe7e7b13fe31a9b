"""Global state: the same for every run of a check, and afterwards as it was found."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import solutions.flexmatch
from autograder.expected.values import enable_x64
from autograder.units import reference_of
from course.checks import State, check, practical_check, render_text, state
from course.checks.runner import find_check
from course.checks.state import (
    JAX_LOGS,
    JAX_SETTINGS,
    JAX_SPEED,
    PRECISIONS,
    RECURSION,
    kept_state,
    note_defaults,
    torch_switches,
    unusual_settings,
)

ROOT = Path(__file__).parents[3]
NAME = "logits_to_log_probs"

# What a student's function does, and how to read the state that it changes.
CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "random": (lambda: random.seed(5), random.getstate),
    "numpy.random": (lambda: np.random.seed(5), lambda: np.random.get_state()[1].tolist()),
    "numpy print options": (lambda: np.set_printoptions(precision=1), np.get_printoptions),
    "numpy errors": (lambda: np.seterr(all="raise"), np.geterr),
    "jax_enable_x64": (
        lambda: jax.config.update("jax_enable_x64", True),
        lambda: jax.config.values["jax_enable_x64"],
    ),
    "jax_debug_nans": (lambda: jax.config.update("jax_debug_nans", True), lambda: dict(jax.config.values)),
    "jax_log_compiles": (
        lambda: jax.config.update("jax_log_compiles", True),
        lambda: dict(jax.config.values),
    ),
    "torch seed": (lambda: torch.manual_seed(5), lambda: torch.get_rng_state().tolist()),
    "torch draws": (lambda: torch.rand(3), lambda: torch.get_rng_state().tolist()),
    "torch dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "torch grad": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "torch threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "torch deterministic": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        torch.get_deterministic_debug_mode,
    ),
    "torch precision": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "cudnn": (
        lambda: setattr(torch.backends.cudnn, "benchmark", True),
        lambda: torch.backends.cudnn.benchmark,
    ),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "recursion limit": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit),
    "switch interval": (lambda: sys.setswitchinterval(0.1), sys.getswitchinterval),
    "stdout": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout),
    "stderr": (lambda: setattr(sys, "stderr", None), lambda: sys.stderr),
    "a new environment variable": (lambda: os.environ.update(STUDENT="1"), lambda: dict(os.environ)),
    "a removed environment variable": (lambda: os.environ.pop("PATH"), lambda: dict(os.environ)),
    "a changed environment variable": (lambda: os.environ.update(PATH=""), lambda: dict(os.environ)),
    "folder": (lambda: os.chdir("/"), os.getcwd),
}


@pytest.mark.parametrize("changed", CHANGES)
@pytest.mark.parametrize("raises", [False, True])
def test_state_is_left_as_it_was_found(changed: str, raises: bool) -> None:
    change, read = CHANGES[changed]
    before = read()
    done = []

    def student(logits: Any) -> Any:
        change()
        done.append(True)
        if raises:
            raise ValueError
        return jax.nn.log_softmax(logits)

    result = check.run(NAME, student)
    assert done
    # The change of a setting of JAX can make an answer wrong, and is put back all the same.
    assert result.state is State.INCORRECT if raises else result.state in (State.CORRECT, State.INCORRECT)
    assert read() == before


@pytest.mark.process
def test_what_is_set_here_would_be_noticed() -> None:
    """Each change above changes what is read: the test before can fail."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.course.checks.test_state import CHANGES
from course.checks.state import kept_state
same = []
for name, (change, read) in CHANGES.items():
    out, err = sys.stdout, sys.stderr
    before = read()
    change()
    if read() == before:
        same.append(name)
    sys.stdout, sys.stderr = out, err
print(same)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_a_folder_that_is_gone_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with kept_state():
        gone.rmdir()
    with kept_state():
        pass


def test_every_run_starts_from_the_same_random_state() -> None:
    drawn = []

    def student(logits: Any) -> Any:
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
        raise ValueError

    for seed in (1, 2):
        random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
        check.run(NAME, student)
    half = len(drawn) // 2
    assert drawn[:half] == drawn[half:]


ODD = {
    "jax_enable_x64": True,
    "jax_disable_jit": True,
    "jax_debug_nans": True,
    "jax_debug_infs": True,
    "jax_check_tracer_leaks": True,
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_default_matmul_precision": "bfloat16",
    "jax_debug_key_reuse": True,
    "jax_default_dtype_bits": "32",
    "jax_transfer_guard": "disallow",
    "jax_transfer_guard_host_to_device": "disallow",
    "jax_transfer_guard_device_to_device": "disallow",
    "jax_transfer_guard_device_to_host": "disallow",
    "jax_no_tracing": True,
    "jax_no_execution": True,
    "jax_dynamic_shapes": True,
    "jax_softmax_custom_jvp": True,
    "jax_error_checking_behavior_divide": "raise",
    "jax_error_checking_behavior_nan": "raise",
    "jax_error_checking_behavior_oob": "raise",
    "jax_legacy_prng_key": "error",
    "jax_default_prng_impl": "rbg",
    "jax_enable_custom_prng": True,
    "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 7,
    "jax_safer_randint": False,
    "jax_high_dynamic_range_gumbel": True,
    "jax_raise_persistent_cache_errors": True,
    "jax_array_garbage_collection_guard": "log",
}
LOUD = {
    "jax_log_compiles": True,
    "jax_explain_cache_misses": True,
    "jax_log_checkpoint_residuals": True,
    "jax_debug_log_modules": "jax",
    "jax_logging_level": "DEBUG",
    "jax_captured_constants_warn_bytes": 1,
}
# Why no verdict depends on a setting that checks leave alone → the patterns of their names.
HARMLESS_IN_JAX = {
    "they count before JAX is first used, and a check comes after that": """
        jax_platforms jax_platform_name jax_xla_backend jax_backend_target jax_num_cpu_devices
        jax_cuda_visible_devices jax_rocm_visible_devices jax_mock_gpu_topology mock_num_gpu_processes
        jax_pjrt_client_create_options jax_use_magma jax_cpu_collectives_implementation
        jax_cpu_enable_gloo_collectives jax_cpu_get_*_topology_timeout_minutes
    """,
    "every device gives the same numbers to the checks' tolerances": "jax_default_device",
    "it changes when something is computed, and not what": "jax_cpu_enable_async_dispatch",
    "what a cache holds was compiled from the same program": """
        jax_compilation_cache_* jax_persistent_cache_* jax_enable_compilation_cache jax_pgle_* jax_enable_pgle
        jax_remove_custom_partitioning_ptr_from_cache_key jax_compiler_detailed_logging_min_ops
    """,
    "a compiler's effort changes the last digits at most, which the tolerances leave open": """
        jax_exec_time_optimization_effort jax_memory_fitting_* jax_optimization_level
        jax_compiler_enable_remat_pass jax_xla_profile_version jax_bcoo_cusparse_lowering
        jax_threefry_gpu_kernel_lowering eager_constant_folding jax_ragged_dot_use_ragged_dot_instruction
    """,
    "they choose between JAX's ways to the same result, or concern devices beside each other": """
        jax_vjp3 jax_use_direct_linearize jax_use_simplified_jaxpr_constants jax_use_shardy_partitioner
        jax_enable_custom_vjp_by_custom_transpose jax_pmap_* jax_disallow_mesh_context_manager
        jax_disable_vmap_shmap_error jax_remove_size_one_mesh_axis_from_type jax_mutable_array_checks
        jax_custom_vjp_disable_shape_check check_vma
    """,
    "it looks for mistakes of JAX itself": "jax_enable_checks",
    "they change what a message or a dump shows": """
        jax_traceback_* jax_tracer_error_* jax_include_full_tracebacks_in_locations jax_dump_ir_*
        jax_include_debug_info_in_dumps jax_pprint_use_color jax_distributed_debug
        jax_hlo_source_file_canonicalization_regex jax_captured_constants_report_frames
    """,
    "no exercise saves a program, or runs on several machines": """
        jax_export_* jax_serialization_version jax_cross_host_* jax_share_binary_* jax2tf_*
        jax_experimental_unsafe_xla_runtime_errors jax_enable_recoverability jax_check_proxy_envs
    """,
}

# The same of settings that newer versions than the pinned one have, up to 0.12.
HARMLESS_IN_NEWER_JAX = {
    "no right answer asks for numbers of 64 bits": "jax_explicit_x64_dtypes",
    "they count before JAX is first used, and a check comes after that": "jax_oneapi_visible_devices",
    "they choose between JAX's ways to the same result, or concern devices beside each other": """
        jax_custom_jvp3 jax_custom_vjp3 jax_remat3 jax_scan3 jax_remat_barrier_no_cotangents jax_auto_pcast
        jax_raise_on_ppermute_sort_diff jax_sort_devices_by_process_index jax_use_cpp_shard_args jax_use_rgv3
        jax_thread_guard jax_embedded_constants_max_bytes jax_refs_to_pins
        jax_ragged_dot_use_gpu_pallas_triton_lowering
    """,
    "the last digits at most, which the tolerances leave open": """
        jax_accurate_erf_inv jax_allow_f16_reductions jax_use_hlo_logistic_lowering
    """,
    "they look for mistakes that no right answer has": "jax_check_static_indices jax_disable_bwd_checks",
    "they concern kernels written by hand, which no exercise has": """
        jax_mosaic_* jax_pallas_* jax_use_emit_pipeline_primitive
    """,
    "they change what a message or a dump shows": "jax_send_traceback_to_runtime jax_source_url_schema",
    "no exercise runs on several machines": """
        jax_distributed_* jax_enable_preemption_service jax_force_dcn_cross_host_transfers jax_mtls_*
        jax_debug_leaked_clients_on_clear_backends
    """,
}
PINNED = jax.__version_info__ < (0, 8)


def harmless(name: str, reasons: dict[str, str]) -> bool:
    return any(fnmatchcase(name, pattern) for text in reasons.values() for pattern in text.split())


def known(settings: dict[str, Any]) -> dict[str, Any]:
    """Those that this JAX has: a newer one may have dropped some, and the checks pass over these."""
    found = {name: value for name, value in settings.items() if name in jax.config.values}
    assert found.keys() == settings.keys() or not PINNED
    return found


@pytest.fixture
def odd_settings() -> Any:
    with kept_state():
        for name, value in known(ODD).items():
            jax.config.update(name, value)
        np.set_printoptions(precision=1)
        yield


def test_all_settings_that_matter_are_tried() -> None:
    assert ODD.keys() == JAX_SETTINGS.keys()
    assert LOUD.keys() == JAX_LOGS.keys()
    assert ODD_IN_TORCH.keys() == {switch.name for switch in torch_switches(torch) if switch.ours is not None}


def test_every_setting_of_jax_is_handled_or_harmless() -> None:
    """JAX's own list: a new setting is looked at before a newer JAX is said to be tested."""
    ours = JAX_SETTINGS | JAX_LOGS | JAX_SPEED
    reasons = (
        HARMLESS_IN_JAX
        if PINNED
        else {**HARMLESS_IN_JAX, **{f"{why} (newer)": names for why, names in HARMLESS_IN_NEWER_JAX.items()}}
    )
    assert {name for name in jax.config.values.keys() - ours if not harmless(name, reasons)} == set()
    assert [name for name in ours if harmless(name, HARMLESS_IN_JAX)] == []


@pytest.mark.skipif(not PINNED, reason="a newer JAX has dropped some")
def test_each_reason_is_about_settings_that_there_are() -> None:
    patterns = [pattern for text in HARMLESS_IN_JAX.values() for pattern in text.split()]
    assert [p for p in patterns if not any(fnmatchcase(name, p) for name in jax.config.values)] == []


def test_all_settings_of_a_session_are_as_jax_starts_it() -> None:
    """What checks set are the defaults, but for the precision of products."""
    ours = known(JAX_SETTINGS | JAX_LOGS)
    values = {name: jax.config.values[name] for name in ours}
    assert values | {"jax_default_matmul_precision": "highest"} == ours


def test_jax_writes_nothing_where_the_session_has_it_write(caplog: pytest.LogCaptureFixture) -> None:
    """It writes to standard error, and nbgrader gives no points to a cell that does."""
    with kept_state():
        for name, value in LOUD.items():
            jax.config.update(name, value)
        caplog.clear()
        assert check.run(NAME, lambda logits: jax.jit(jax.nn.log_softmax)(logits)).state is State.CORRECT
        assert caplog.records == []
        jax.jit(lambda x: x + 1)(jnp.ones(3))
        assert caplog.records


# Switch → a value that can make a right answer wrong, or a check fail.
ODD_IN_TORCH: dict[str, Any] = {
    "default_dtype": torch.float64,
    "default_device": "meta",
    "grad_enabled": False,
    "anomaly_enabled": (True, True),
    "autocast_enabled cpu": True,
    "autocast_enabled cuda": True,
    "deterministic_debug_mode": 2,
    "float32_matmul_precision": "medium",
    "fp32_precision": "tf32",
    **{f"{place}.fp32_precision": "tf32" for place in PRECISIONS if place},
}
HARMLESS_IN_TORCH = {
    "the order of operations changes the last digits at most": """
        num_threads set_num_interop_threads autograd.set_multithreading_enabled opt_einsum.*
    """,
    "an older name for dtype and device, of which the dtype is handled": "set_default_tensor_type",
    "they say how autocast works, which is off": "set_autocast_* autograd.set_view_replay_enabled",
    "they change what is printed": "set_printoptions set_warn_always set_vital",
    "numbers below 1e-38 are 0 to every tolerance": "set_flush_denormal",
    "the generators are seeded for each run": "set_rng_state",
    "they are handled by other names": """
        use_deterministic_algorithms autograd.set_grad_enabled autograd.set_detect_anomaly
        cudnn.allow_tf32 mkldnn.allow_tf32 set_flags *.set_flags
    """,
    "they choose between implementations of the same operation": """
        cudnn.deterministic cudnn.benchmark cudnn.benchmark_limit cudnn.enabled mkldnn.enabled
        mkldnn.deterministic miopen.immediate cuda.preferred_* cudnn.depthwise_kernel python_native.*
    """,
    "they choose between implementations of attention, which no exercise uses": """
        cuda.enable_*_sdp cuda.allow_fp16_bf16_reduction_math_sdp mha.set_fastpath_enabled
    """,
    "no exercise uses whole numbers in place of weights": "quantized.*",
}


def switches_of_torch() -> set[str]:
    """The names of PyTorch's own settings: of its functions that set one, and of its backends' attributes."""
    found = {name for name in dir(torch) if re.match("(set|use)_", name)}
    found |= {f"autograd.{name}" for name in dir(torch.autograd) if name.startswith("set_")}
    backends = [module for name, module in sys.modules.items() if name.startswith("torch.backends")]
    for backend in backends:
        within = backend.__name__.removeprefix("torch.backends").removeprefix(".")
        names = {name for name in dir(backend) if re.match(r"(set|enable|allow|preferred)_", name)}
        names |= {name for name, value in vars(type(backend)).items() if hasattr(type(value), "__set__")}
        found |= {f"{within}.{name}".lstrip(".") for name in names if not name.startswith("_")}
    return found


def test_every_setting_of_torch_is_handled_or_harmless() -> None:
    handled = {switch.name for switch in torch_switches(torch)}
    found = {name.removeprefix("set_") if name[4:] in handled else name for name in switches_of_torch()}
    assert {"default_dtype", "anomaly_enabled", "cudnn.allow_tf32", "mkldnn.fp32_precision"} <= found
    left = found - handled
    assert {name for name in left if not harmless(name, HARMLESS_IN_TORCH)} == set()


@pytest.fixture
def odd_switches() -> Any:
    switches = [switch for switch in torch_switches(torch) if switch.ours is not None]
    with kept_state():
        for switch in switches:
            with suppress(RuntimeError):  # oneDNN's do not know every precision on every machine
                switch.put(ODD_IN_TORCH[switch.name])
        yield [switch.name for switch in switches if switch.get() != switch.ours]


def test_the_reference_is_correct_whatever_torch_is_told(odd_switches: list[str]) -> None:
    assert set(ODD_IN_TORCH) - set(odd_switches) <= {f"mkldnn.{o}.fp32_precision" for o in ("conv", "rnn")}
    before = {switch.name: switch.get() for switch in torch_switches(torch)}
    seen = []

    def student(latest: Any, n_classes: int) -> Any:
        seen.append({switch.name: switch.get() for switch in torch_switches(torch)})
        return solutions.flexmatch.learning_status(latest, n_classes)

    assert check.run("learning_status", student).state is State.CORRECT
    ours = {switch.name: switch.ours for switch in torch_switches(torch) if switch.ours is not None}
    assert all({name: values[name] for name in ours} == ours for values in seen)
    assert {switch.name: switch.get() for switch in torch_switches(torch)} == before


@pytest.mark.parametrize("name", ["fixmatch_loss", "mixmatch_loss", "ema_update"])
def test_models_are_right_whatever_torch_is_told(name: str, odd_switches: list[str]) -> None:
    unit, _ = find_check(name)
    result = check.run(name, reference_of(unit, name))
    assert result.state is State.CORRECT, render_text(result)


def test_switches_of_torch_that_contradict_each_other_stop_no_check() -> None:
    """After the newer ones were set, PyTorch refuses to read the older one."""
    with kept_state():
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        with pytest.raises(RuntimeError):
            torch.get_float32_matmul_precision()
        result = check.run("learning_status", solutions.flexmatch.learning_status)
        assert result.state is State.CORRECT
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"


def test_a_function_may_set_them_so_that_they_contradict_each_other() -> None:
    before = [switch.get() for switch in torch_switches(torch)]

    def student(latest: Any, n_classes: int) -> Any:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        return solutions.flexmatch.learning_status(latest, n_classes)

    assert check.run("learning_status", student).state is State.CORRECT
    assert [switch.get() for switch in torch_switches(torch)] == before


HANDLED_OF_PYTHON = {"setrecursionlimit", "setswitchinterval"}
HANDLED_OF_NUMPY = {"seterr", "set_printoptions"}
HARMLESS_OF_BOTH = {
    "what is called for an error that is to be called for, and none is": "seterrcall",
    "how much of an array is looked at at a time": "setbufsize",
    "operations on sets": "setdiff1d setxor1d set_numeric_ops set_string_function",
    "of one thread alone, which is not the one that a check runs in": "settrace setprofile",
    "no answer has hundreds of digits": "set_int_max_str_digits",
    "nothing here is asynchronous, or loads libraries": """
        set_asyncgen_hooks set_coroutine_origin_tracking_depth set_coroutine_wrapper setdlopenflags
    """,
}


@pytest.mark.parametrize(("module", "handled"), [(sys, HANDLED_OF_PYTHON), (np, HANDLED_OF_NUMPY)])
def test_every_setting_of_python_and_numpy_is_handled_or_harmless(module: Any, handled: set[str]) -> None:
    found = {name for name in dir(module) if name.startswith("set")}
    assert handled <= found
    assert {name for name in found - handled if not harmless(name, HARMLESS_OF_BOTH)} == set()


def with_a_warning(values: Any) -> tuple[Any, Any]:
    """Right, though NumPy warns of a division by 0."""
    return np.mean(values), np.std(values, ddof=1)


@pytest.fixture
def strict_session() -> Any:
    """A session in which NumPy raises and warnings are exceptions."""
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        assert np.geterr()["invalid"] == "raise"
        assert warnings.filters[0][0] == "error"


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_warning_is_no_exception(strict_session: Any) -> None:
    assert check.run("mean_and_spread", with_a_warning).state is State.CORRECT
    with practical_check("mean_and_spread", with_a_warning):
        np.testing.assert_allclose(with_a_warning([0.25]), (0.25, np.nan))
    with pytest.raises(RuntimeWarning):
        warnings.warn("as before", RuntimeWarning, stacklevel=1)


def test_the_visible_values_run_with_the_same_settings() -> None:
    """A cell's own thread has modes that the thread of a check never has."""
    with torch.inference_mode(), practical_check("learning_status", solutions.flexmatch.learning_status):
        torch.ones(2, requires_grad=True).sum().backward()
        assert jax.config.values["jax_default_matmul_precision"] == "highest"
    assert not torch.is_inference_mode_enabled()
    assert jax.config.values["jax_default_matmul_precision"] is None


@pytest.mark.parametrize(("limit", "inside"), [(900, RECURSION[0]), (10**6, RECURSION[1]), (2000, 2000)])
def test_the_recursion_limit_is_neither_low_nor_high(limit: int, inside: int) -> None:
    seen = []

    def student(values: Any) -> Any:
        seen.append(sys.getrecursionlimit())
        return np.nan, np.nan

    with kept_state():
        sys.setrecursionlimit(limit)
        check.run("mean_and_spread", student)
        assert sys.getrecursionlimit() == limit
    assert set(seen) == {inside}


def test_the_reference_is_correct_whatever_the_session_has_set(
    exercise: str, reference: Callable[..., Any], odd_settings: Any
) -> None:
    result = check.run(exercise, reference)
    assert result.state is State.CORRECT, render_text(result)
    assert result.note == ""
    assert len(unusual_settings()) == len(known(ODD))


def test_a_session_as_jax_starts_it_has_no_unusual_settings() -> None:
    assert unusual_settings() == []


@pytest.fixture
def another_default(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As if JAX started with another value of a setting than that of the pinned version."""
    monkeypatch.setattr(state, "_defaults", {})
    with kept_state():
        jax.config.update("jax_threefry_partitionable", False)
        note_defaults()
        yield


def test_a_default_of_another_version_is_not_unusual(another_default: Any) -> None:
    assert check.run(NAME, jax.nn.log_softmax).note == ""
    jax.config.update("jax_debug_nans", True)
    note_defaults()  # as when the set-up cell is run again
    assert unusual_settings() == ["jax_debug_nans = True"]
    jax.config.update("jax_threefry_partitionable", True)  # what checks use as well
    assert unusual_settings() == ["jax_debug_nans = True"]


def test_a_variable_of_the_environment_is_not_a_default(
    another_default: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_THREEFRY_PARTITIONABLE", "0")
    assert unusual_settings() == ["jax_threefry_partitionable = False"]


def test_a_value_that_another_version_does_not_know_stops_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(jax.config.values)
    monkeypatch.setitem(JAX_SETTINGS, "jax_numpy_rank_promotion", "a word of the past")
    assert check.run(NAME, jax.nn.log_softmax).state is State.CORRECT
    assert jax.config.values == before


def test_little_is_optimized_while_a_check_compiles() -> None:
    seen = []

    def student(logits: Any) -> Any:
        seen.append(jax.config.values["jax_disable_most_optimizations"])
        return jax.nn.log_softmax(logits)

    assert check.run(NAME, student).state is State.CORRECT
    assert set(seen) == {True}
    assert jax.config.values["jax_disable_most_optimizations"] is False


def test_matrix_products_have_the_precision_of_float32() -> None:
    """On recent GPUs JAX's default has three digits, and right answers would be rejected."""
    seen = []

    def student(logits: Any) -> Any:
        seen.append(str(jax.make_jaxpr(jnp.dot)(logits, logits.T)))
        return jax.nn.log_softmax(logits)

    check.run(NAME, student)
    assert all("HIGHEST" in text for text in seen)


def test_a_setting_of_the_session_is_reported_in_words(odd_settings: Any) -> None:
    result = check.run(NAME, jax.nn.softmax)
    assert result.slip == "probabilities"
    assert "This session has set jax_enable_x64 = True and " in result.note
    assert "Checks use settings of their own" in result.note


def test_a_context_around_the_check_changes_no_verdict() -> None:
    dtypes = []

    def student(logits: Any) -> Any:
        dtypes.append(jnp.ones(1).dtype)
        return jax.nn.log_softmax(logits)

    with enable_x64(), jax.disable_jit(), jax.numpy_rank_promotion("raise"):
        assert check.run(NAME, student).state is State.CORRECT
    assert set(dtypes) == {np.dtype("float32")}


def test_reports_do_not_depend_on_print_options(odd_settings: Any) -> None:
    with_options = render_text(check.run(NAME, jax.nn.softmax))
    assert "-2.44726" in with_options


def test_a_check_seeds_no_device(exercise: str, reference: Callable[..., Any]) -> None:
    """CUDA stays untouched where nobody has used it; initializing it costs seconds and memory."""
    check.run(exercise, reference)
    assert not torch.cuda.is_initialized()
