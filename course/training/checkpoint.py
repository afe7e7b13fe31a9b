"""Checkpoint files of both frameworks' networks: safetensors with a manifest, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course.errors import CourseError
from course.files import write_atomically
from course.models.resnet import NORMALIZATIONS, architecture

RESNET18 = architecture()
_FOLDER = Path(__file__).parents[1] / "checkpoints"
PROVIDED = _FOLDER / "resnet18-cifar10-400.safetensors"
PROVIDED_SHAPES = _FOLDER / "resnet18-w16-shapes-10.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Weights to start from, and where they are from.

    Attributes:
        variables: ``{"params", "batch_stats"}``, float32.
        manifest: architecture, normalization, data, labeled images, steps, command, errors, versions…
        extra: other arrays that were stored (a run's optimizer state), by name.
    """

    variables: dict[str, Any]
    manifest: dict[str, Any]
    extra: dict[str, np.ndarray]

    @property
    def labeled_indices(self) -> np.ndarray | None:
        """Numbers of the labeled images it was trained on, or None when the manifest names none."""
        named = self.manifest.get("labeled_indices")
        return None if named is None else np.asarray(named, np.int64)


def _flat(tree: Any, name: str) -> dict[str, np.ndarray]:
    """Nested dictionaries and lists as ``{"name/path/to/array": array}``."""
    if isinstance(tree, Mapping):
        parts = list(tree.items())
    elif isinstance(tree, list | tuple):
        parts = list(enumerate(tree))
    else:
        return {name: np.asarray(tree)}
    return {path: array for key, part in parts for path, array in _flat(part, f"{name}/{key}").items()}


def _nested(arrays: Mapping[str, np.ndarray], prefix: str) -> Any:
    """`_flat` undone."""
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        head, *path = name.split("/")
        if head != prefix:
            continue
        if not path:
            return array.astype(np.float32)
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = array.astype(np.float32)
    return tree


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_checkpoint(
    path: Path,
    variables: Mapping[str, Any],
    manifest: Mapping[str, Any],
    *,
    extra: Mapping[str, np.ndarray] | None = None,
    half: bool = False,
    sidecar: bool = False,
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: ``*.safetensors``.
        variables: ``{"params", "batch_stats"}``.
        manifest: JSON-serializable; kept in the file's header.
        extra: further arrays by name, kept at their precision.
        half: store the variables in float16.
        sidecar: also write the manifest, with the file's sha256, as ``*.json`` beside it.

    Raises:
        CourseError: it cannot be written.
    """
    from safetensors.numpy import save

    kind = np.float16 if half else np.float32
    # Contiguous by np.array: ascontiguousarray would turn a scalar into a vector.
    arrays = {
        name: np.array(array, kind, order="C")
        for part in ("params", "batch_stats")
        for name, array in _flat(variables[part], part).items()
    }
    arrays |= {name: np.array(array, order="C") for name, array in (extra or {}).items()}
    content = save(arrays, metadata={"manifest": json.dumps(dict(manifest))})
    write_atomically(path, content)
    if sidecar:
        described = {"sha256": hashlib.sha256(content).hexdigest(), **manifest}
        # A line a fact: the thousands of labeled images share one.
        facts = ",\n".join(f" {json.dumps(name)}: {json.dumps(fact)}" for name, fact in described.items())
        write_atomically(path.with_suffix(".json"), f"{{\n{facts}\n}}\n".encode())


def load_checkpoint(path: Path | str, architecture: str = RESNET18) -> Checkpoint:
    """Read a checkpoint; when a ``*.json`` manifest lies beside it, its sha256 must match.

    Args:
        path: ``*.safetensors``.
        architecture: the one that it must be of; "resnet18" stands for every width of it.

    Raises:
        CourseError: missing, unreadable, damaged, of another architecture, or not one of this course's
            checkpoints.
    """
    try:
        return _load_checkpoint(Path(path), architecture)
    except OSError as error:
        raise CourseError(
            f"checkpoint {path} cannot be read ({error.strerror or error}): make it readable"
        ) from None


def _load_checkpoint(path: Path, expected: str) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CourseError(
            f"checkpoint {path} does not exist: check the path, or write one with save_checkpoint"
        )
    described = path.with_suffix(".json")
    if described.is_file():
        try:
            promised = json.loads(described.read_text())["sha256"]
        except (ValueError, KeyError, TypeError):
            raise CourseError(
                f"{described} is not a manifest with a sha256: restore it or delete it"
            ) from None
        if sha256(path) != promised:
            raise CourseError(
                f"checkpoint {path} does not have the sha256 in {described.name}: download it again"
            )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        manifest = json.loads(metadata["manifest"])
        architecture = manifest.get("architecture")
    except SafetensorError:
        raise CourseError(
            f"checkpoint {path} is truncated or not a safetensors file: download or create it again"
        ) from None
    except (KeyError, ValueError, AttributeError):
        raise CourseError(f"checkpoint {path} has no manifest: use one written by save_checkpoint") from None
    if architecture != expected and not str(architecture).startswith(f"{expected}-w"):
        raise CourseError(f"checkpoint {path} is a {architecture}: use one of a {expected}")
    if manifest.get("normalization") not in NORMALIZATIONS:
        raise CourseError(
            f"checkpoint {path} does not say how its input was normalized: "
            f"its manifest needs a normalization, one of {', '.join(NORMALIZATIONS)}"
        )
    variables = {part: _nested(arrays, part) for part in ("params", "batch_stats")}
    extra = {n: a for n, a in arrays.items() if n.split("/", 1)[0] not in variables}
    return Checkpoint(variables, manifest, extra)


def load_provided_checkpoint(data: str = "cifar10") -> Checkpoint:
    """The network that the course provides to start from, trained on labeled images alone.

    Args:
        data: "cifar10" (a ResNet18, 400 labels per class; the wheel does not carry it, the bundle does), or
            "shapes" (one a quarter as wide, 10 labels per class; the wheel carries it).

    Raises:
        CourseError: there is none for that data, it is not there, or it is damaged.
    """
    all_provided = {"cifar10": PROVIDED, "shapes": PROVIDED_SHAPES}
    if data not in all_provided:
        raise CourseError(f"no checkpoint is provided for {data}: choose from {', '.join(all_provided)}")
    provided = all_provided[data]
    candidates = [Path.cwd() / provided.name, provided]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise CourseError(
            f"the provided checkpoint {provided.name} is not beside the notebook: "
            "put the file from the course bundle there, or start without a checkpoint"
        )
    return load_checkpoint(found)
