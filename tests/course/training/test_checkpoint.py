"""Checkpoints: what goes in comes out, and whatever is wrong with a file is one line."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from course.errors import CourseError
from course.files import write_atomically
from course.models import architecture
from course.training import (
    Checkpoint,
    checkpoint_from_torchvision,
    load_checkpoint,
    load_provided_checkpoint,
    momentum,
    save_checkpoint,
    start,
)
from course.training.checkpoint import PROVIDED
from course.training.hparams import SupervisedHparams
from course.training.jax.trees import flatten, unflatten_like
from course.training.modes import fixmatch_hparams

MANIFEST = {"architecture": "resnet18", "normalization": "cifar10", "labeled_indices": [3, 1, 4]}


def variables(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "params": {
            "a": {"kernel": rng.normal(size=(3, 4)).astype(np.float32)},
            "b": {"bias": np.ones(2, np.float32)},
        },
        "batch_stats": {"a": {"mean": rng.normal(size=4).astype(np.float32)}},
    }


def saved(folder: Path, **options: Any) -> Path:
    path = folder / "weights.safetensors"
    save_checkpoint(path, variables(), MANIFEST, **options)
    return path


def assert_same_bits(ours: Any, expected: Any) -> None:
    assert jax.tree.structure(ours) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def refused(path: Path) -> str:
    """The one line that loading it gives, which names the file."""
    with pytest.raises(CourseError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    return message


def test_round_trip_keeps_every_bit_and_the_extra_arrays(tmp_path: Path) -> None:
    extra = {"opt_state/updates": np.int32(7), "opt_state/x": np.arange(6, dtype=np.float64).reshape(2, 3).T}
    loaded = load_checkpoint(saved(tmp_path, extra=extra))
    assert_same_bits(loaded.variables, variables())
    assert_same_bits(loaded.extra, extra)
    assert loaded.manifest == MANIFEST
    np.testing.assert_array_equal(loaded.labeled_indices, [3, 1, 4])
    assert loaded.labeled_indices.dtype == np.int64


def test_half_precision_is_rounded_once_and_loads_as_float32(tmp_path: Path) -> None:
    full, half = tmp_path / "full", tmp_path / "half"
    loaded = load_checkpoint(saved(half, half=True))
    rounded = jax.tree.map(lambda a: a.astype(np.float16).astype(np.float32), variables())
    assert_same_bits(loaded.variables, rounded)
    save_checkpoint(tmp_path / "again.safetensors", loaded.variables, MANIFEST, half=True)
    assert_same_bits(load_checkpoint(tmp_path / "again.safetensors").variables, rounded)
    big = {"params": {"w": np.zeros(10_000, np.float32)}, "batch_stats": {}}
    for folder, is_half in ((full, False), (half, True)):
        save_checkpoint(folder / "big.safetensors", big, MANIFEST, half=is_half)
    sizes = [(folder / "big.safetensors").stat().st_size for folder in (full, half)]
    assert 20_000 <= sizes[0] - sizes[1] <= 20_010


def test_sidecar_holds_the_manifest_and_the_files_digest(tmp_path: Path) -> None:
    path = saved(tmp_path, sidecar=True)
    described = json.loads(path.with_suffix(".json").read_text())
    assert described == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **MANIFEST}
    assert load_checkpoint(path).manifest == MANIFEST


def test_changed_bytes_do_not_pass_the_sidecar(tmp_path: Path) -> None:
    path = saved(tmp_path, sidecar=True)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "sha256" in refused(path)


@pytest.mark.parametrize("content", ["{}", "[]", "nonsense", '{"sha256": '])
def test_a_damaged_sidecar_is_named(tmp_path: Path, content: str) -> None:
    path = saved(tmp_path, sidecar=True)
    path.with_suffix(".json").write_text(content)
    with pytest.raises(CourseError, match=r"weights\.json is not a manifest"):
        load_checkpoint(path)


def test_a_missing_file_or_a_folder_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none.safetensors")
    assert "does not exist" in refused(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    assert "truncated" in refused(path)


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\x80\x04\x95 a pickle, perhaps" * 100)
    assert "not a safetensors file" in refused(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"manifest": "not json"}, {"manifest": "[1]"}])
def test_foreign_weights_carry_no_manifest(tmp_path: Path, metadata: Any) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"fc.weight": np.ones((2, 2), np.float32)}, path, metadata)
    assert "has no manifest" in refused(path)


def test_another_architecture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, variables(), {**MANIFEST, "architecture": "wrn-28-2"})
    assert "is a wrn-28-2" in refused(path)


@pytest.mark.parametrize("normalization", [None, "mine"])
def test_weights_of_unknown_normalization_are_refused(tmp_path: Path, normalization: Any) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, variables(), {**MANIFEST, "normalization": normalization})
    assert "normalized" in refused(path)


def test_a_file_that_vanishes_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    path = saved(tmp_path, sidecar=True)
    monkeypatch.setattr("course.training.checkpoint.sha256", gone)
    assert "cannot be read (Input/output error)" in refused(path)


def test_the_provided_checkpoint_is_looked_for_beside_the_notebook_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / PROVIDED.name, variables(5), MANIFEST)
    assert_same_bits(load_provided_checkpoint().variables, variables(5))


def test_the_start_of_cpu_mode_fits_its_network_and_names_its_labels() -> None:
    checkpoint = load_provided_checkpoint("shapes")
    hparams = fixmatch_hparams("cpu", "unused")
    assert checkpoint.manifest["architecture"] == architecture(hparams.width)
    assert len(checkpoint.labeled_indices) == 10 * hparams.num_labeled_training_samples_per_class
    model, state = start(hparams, lambda params: params, checkpoint)
    logits = model.apply(
        {"params": state.opt_state, "batch_stats": state.batch_stats}, jnp.zeros((2, 32, 32, 3))
    )
    assert logits.shape == (2, hparams.num_classes) and bool(jnp.isfinite(logits).all())


def test_a_start_of_another_width_is_refused() -> None:
    with pytest.raises(CourseError, match="a different architecture"):
        start(fixmatch_hparams("gpu", "unused"), lambda params: params, load_provided_checkpoint("shapes"))


def test_no_checkpoint_is_provided_for_other_data() -> None:
    with pytest.raises(CourseError, match="for digits: choose from cifar10, shapes"):
        load_provided_checkpoint("digits")


def test_without_the_provided_checkpoint_the_message_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("course.training.checkpoint.PROVIDED", tmp_path / "elsewhere" / PROVIDED.name)
    with pytest.raises(CourseError, match=PROVIDED.name):
        load_provided_checkpoint()


# --- trees ------------------------------------------------------------------------------------


def test_optimizer_states_survive_flattening() -> None:
    state = momentum(lambda step: 0.1, 0.9).init({"a": {"kernel": jnp.ones((2, 3))}, "list": [jnp.zeros(2)]})
    flat = flatten(state, "opt_state")
    assert "opt_state/ema/a/kernel" in flat and "opt_state/updates" in flat
    assert_same_bits(unflatten_like(state, {**flat, "other/x": np.ones(1)}, "opt_state"), state)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda flat: flat.pop("p/a"), "p/a"),
        (lambda flat: flat.update({"p/c": np.ones(1)}), "p/c"),
        (lambda flat: flat.update({"p/a": np.ones(3)}), "p/a"),
    ],
)
def test_a_leaf_missing_surplus_or_of_another_shape_is_named(change: Any, named: str) -> None:
    template = {"a": np.zeros(2, np.float32), "b": np.zeros((), np.int32)}
    flat = flatten(template, "p")
    change(flat)
    with pytest.raises(CourseError, match=f"different architecture .it differs at {named}"):
        unflatten_like(template, flat, "p")


# --- starting from a checkpoint ---------------------------------------------------------------


def resnet_checkpoint(num_classes: int) -> Checkpoint:
    """Noise in the shapes of a ResNet18."""
    from course.models import resnet18

    shapes = jax.eval_shape(resnet18(num_classes).init, jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
    rng = np.random.default_rng(0)
    filled = jax.tree.map(lambda s: rng.normal(size=s.shape).astype(np.float32), shapes)
    return Checkpoint(filled, {**MANIFEST, "normalization": "imagenet"}, {})


def test_a_run_starts_with_exactly_the_checkpoints_weights() -> None:
    checkpoint = resnet_checkpoint(10)
    optimizer = momentum(lambda step: 0.1, 0.9)
    model, state = start(SupervisedHparams(init_total_step=20_000), optimizer.init, checkpoint)
    assert model.normalization == "imagenet"
    assert state.step == 20_000
    assert_same_bits(optimizer.get_params(state.opt_state), checkpoint.variables["params"])
    assert_same_bits(state.batch_stats, checkpoint.variables["batch_stats"])


def test_a_run_starts_from_torchvisions_weights() -> None:
    from torchvision.models import resnet18

    network = resnet18()
    checkpoint = checkpoint_from_torchvision(network.state_dict(), 7, jax.random.PRNGKey(0))
    model, state = start(SupervisedHparams(num_classes=7), lambda params: params, checkpoint)
    assert model.normalization == "imagenet"
    kernels = [np.asarray(leaf) for leaf in jax.tree.leaves(state.opt_state) if leaf.ndim == 4]
    stem = network.conv1.weight.detach().numpy().transpose(2, 3, 1, 0)
    assert any(kernel.shape == stem.shape and (kernel == stem).all() for kernel in kernels)


def test_a_checkpoint_with_another_number_of_classes_is_refused() -> None:
    with pytest.raises(CourseError, match=r"different architecture.*same number of classes"):
        start(SupervisedHparams(num_classes=7), lambda params: params, resnet_checkpoint(10))


# --- writing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CourseError, match=f"{path.name} cannot be written .{os.strerror(code)}"):
        save_checkpoint(path, variables(1), MANIFEST)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_write_interrupted_by_ctrl_c_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, variables(1), MANIFEST)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match=r"weights\.safetensors cannot be written"):
        save_checkpoint(tmp_path / "file" / "weights.safetensors", variables(), MANIFEST)


def test_write_atomically_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for content in (b"first", b"second"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["file"]
