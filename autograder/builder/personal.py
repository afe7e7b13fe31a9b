"""The file of the personal tasks: codes, and what the broken loss of each gave for its mini-batches."""

from __future__ import annotations

import importlib
import json

import numpy as np

from autograder.expected.values import double_precision
from autograder.units import reference_of
from autograder.units.mutant import load_mutant, mutants_of
from autograder.units.personal import bugs_of, has_personal_tasks, personal_module

EACH = 10  # codes of each bug
CLEAR = 0.01  # by how much losses differ that are to be told apart
_NEAR = 1e-3  # a confidence this close to the threshold is left to no rounding
_DECIMALS = 4


def generate(unit: str) -> dict[str, bytes]:
    """The derived file of a unit with personal tasks: path within the repository → bytes.

    Of the codes those are kept whose bug can be told from every other one, and from the right loss, on the
    mini-batches that belong to the code, and whose logits leave no doubt about maximum and threshold.

    Raises:
        ValueError: too few codes are left.
    """
    if not has_personal_tasks(unit):
        return {}
    module, draws = personal_module(unit), importlib.import_module(f"course.units.{unit}.personal")
    described = {m.slip: m for m in mutants_of(unit) if m.exercise == module.EXERCISE and not m.name}
    bugs = bugs_of(unit)
    drawn = [draws.recorded_batches(code) for code in bugs]
    weak, strong = (np.concatenate([views[i] for views in drawn]) for i in range(2))
    with double_precision():
        answers = [reference_of(unit, module.EXERCISE)]
        answers += [load_mutant(unit, described[bug]) for bug in module.BUGS]
        losses = np.array([module.unlabeled_losses(answer, weak, strong) for answer in answers])
    losses = losses.reshape(len(answers), len(bugs), -1)  # version, code, mini-batch
    kept: dict[str, dict[str, list[float]]] = {bug: {} for bug in module.BUGS}
    for number, (code, bug) in enumerate(bugs.items()):
        own = losses[1 + module.BUGS.index(bug), number]
        gaps = np.abs(losses[:, number] - own).max(axis=1)  # nan where a version divides by 0
        told = np.count_nonzero(gaps > CLEAR) == len(answers) - 1
        clear = all(_is_clear(view, draws.THRESHOLD) for view in (*drawn[number], *draws.traced_rows(code)))
        if told and clear and len(kept[bug]) < EACH:
            kept[bug][code] = [round(float(loss), _DECIMALS) for loss in own]
    few = [bug for bug, codes in kept.items() if len(codes) < EACH]
    if few:
        raise ValueError(f"fewer than {EACH} codes are left for {', '.join(few)}: raise CANDIDATES")
    codes = {code: values for its in kept.values() for code, values in its.items()}
    lines = ",\n".join(f"  {json.dumps(code)}: {json.dumps(codes[code])}" for code in sorted(codes))
    texts = {bug: described[bug].message for bug in sorted(module.BUGS)}
    head = f' "format": 1,\n "bugs": {json.dumps(texts, ensure_ascii=False)},\n "codes": {{\n{lines}\n }}'
    return {f"course/units/{unit}/personal.json": f"{{\n{head}\n}}\n".encode()}


def _is_clear(logits: np.ndarray, threshold: float) -> bool:
    """Whether no image has two top classes, a confidence near the threshold, or a logit near it."""
    ordered = np.sort(logits, axis=-1)
    confidence = 1 / np.exp(logits - ordered[..., -1:]).sum(axis=-1)
    lead = ordered[..., -1] - ordered[..., -2]
    near = np.abs(np.stack([confidence, ordered[..., -1]]) - threshold)
    return bool(lead.min() > _NEAR and near.min() > _NEAR)
