"""The file of the personal tasks: codes, and what the broken function of each gave for its inputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from autograder.expected.values import double_precision
from autograder.units import reference_of
from autograder.units.mutant import load_mutant, mutants_of
from autograder.units.personal import bugs_of, has_personal_tasks, personal_module
from course.notebook.personal import load_tasks

EACH = 10  # codes of each bug
CLEAR = 0.01  # by how much results differ that are to be told apart
_DECIMALS = 4


def generate(unit: str) -> dict[str, bytes]:
    """The derived file of a unit with personal tasks: path within the repository → bytes.

    Of the codes those are kept whose bug can be told from every other one, and from the right function, on
    the inputs that belong to the code, and whose numbers leave no doubt by rounding.

    Raises:
        ValueError: too few codes are left.
    """
    if not has_personal_tasks(unit):
        return {}
    module, tasks = personal_module(unit), load_tasks(unit)
    described = {m.slip: m for m in mutants_of(unit) if m.exercise == module.EXERCISE and not m.name}
    bugs = bugs_of(unit)
    inputs = [one for code in bugs for one in tasks.recorded(code)]
    with double_precision():
        answers = [reference_of(unit, module.EXERCISE)]
        answers += [load_mutant(unit, described[bug]) for bug in module.BUGS]
        found = np.array([module.results(answer, inputs) for answer in answers])
        clear = {code for code in bugs if module.is_clear(code)}
    found = found.reshape(
        len(answers), len(bugs), len(inputs) // len(bugs), -1
    )  # version, code, input, number
    kept: dict[str, dict[str, list[Any]]] = {bug: {} for bug in module.BUGS}
    for number, (code, bug) in enumerate(bugs.items()):
        own = found[1 + module.BUGS.index(bug), number]
        gaps = np.abs(found[:, number] - own).max(axis=(1, 2))  # nan where a version divides by 0
        told = np.isfinite(own).all() and np.count_nonzero(gaps > CLEAR) == len(answers) - 1
        if told and code in clear and len(kept[bug]) < EACH:
            kept[bug][code] = np.round(own.squeeze(-1) if own.shape[-1] == 1 else own, _DECIMALS).tolist()
    few = [bug for bug, codes in kept.items() if len(codes) < EACH]
    if few:
        raise ValueError(f"fewer than {EACH} codes are left for {', '.join(few)}: raise CANDIDATES")
    codes = {code: values for its in kept.values() for code, values in its.items()}
    lines = ",\n".join(f"  {json.dumps(code)}: {json.dumps(codes[code])}" for code in sorted(codes))
    texts = {bug: described[bug].message for bug in sorted(module.BUGS)}
    head = f' "format": 1,\n "bugs": {json.dumps(texts, ensure_ascii=False)},\n "codes": {{\n{lines}\n }}'
    return {f"course/units/{unit}/personal.json": f"{{\n{head}\n}}\n".encode()}
