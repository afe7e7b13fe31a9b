"""Rules that the source of every notebook keeps, whatever its text becomes."""

from __future__ import annotations

import ast
import builtins
import re
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest

from autograder.reference import reference_text
from course.units import Unit, load_course

ROOT = Path(__file__).resolve().parents[2]
TRAINING = "training"
TRAINS_NOTHING = "NumPy"  # the framework of the unit that reads results
NOT_GRADED = {TRAINING, "figure"}  # tags of cells that are not run while grading


def source_of(unit: Unit) -> Path:
    return ROOT / "source_notebooks" / unit.name / f"{unit.notebook}.py"


@pytest.fixture(scope="module", params=load_course().units, ids=lambda unit: unit.name)
def unit(request) -> Unit:
    return request.param


@pytest.fixture(scope="module")
def cells(unit):
    return jupytext.read(source_of(unit), fmt="py:percent").cells


def code_of(cell) -> str:
    """A code cell's Python, without IPython's magic lines."""
    return "\n".join("" if re.match(r"\s*[%!]", line) else line for line in cell.source.splitlines())


def kind_of(cell) -> tuple[str, str] | None:
    for kind in ("about", "exercise", "given", "grade", "locked", "question", "setup"):
        if kind in cell.metadata:
            return kind, cell.metadata[kind]
    return None


def headings(cells, unit) -> list[tuple[int, str]]:
    """Level and text of each heading, those that the builder writes included."""
    found = []
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        kind = kind_of(cell)
        if kind == ("about", "unit"):
            found.append((1, unit.title))
        elif kind and kind[0] == "about" and kind[1] != "budgets":
            found.append((3, unit.exercise(kind[1]).title))
        elif kind and kind[0] == "question":
            found.append((3, unit.question(kind[1]).title))
        found += [(len(m[1]), m[2]) for m in re.finditer(r"^(#+) (.+)$", cell.source, re.MULTILINE)]
    return found


def test_one_title_and_no_level_is_skipped(cells, unit):
    levels = [level for level, _ in headings(cells, unit)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_sections_are_those_of_units_yml(cells, unit):
    assert tuple(text for level, text in headings(cells, unit) if level == 2) == unit.sections


def test_the_set_up_is_the_first_code_cell(cells):
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert kind_of(first) == ("setup", "true")


def test_each_exercise_is_introduced_and_followed_by_its_grade_cell(cells, unit):
    kinds = [kind_of(cell) for cell in cells]
    for exercise in unit.exercises:
        position = kinds.index(("exercise", exercise.name))
        assert ("about", exercise.name) in kinds[:position]
        assert kinds[position + 1] == ("grade", exercise.name)
    in_order = [kind[1] for kind in kinds if kind and kind[0] == "exercise"]
    assert in_order == [exercise.name for exercise in unit.exercises]
    assert [k[1] for k in kinds if k and k[0] == "question"] == [q.name for q in unit.questions]


def test_each_grade_cell_shows_values_and_then_runs_the_course_check(cells):
    for cell in cells:
        kind = kind_of(cell)
        if not kind or kind[0] != "grade":
            continue
        name = kind[1]
        tree = ast.parse(cell.source)
        guard, last = tree.body[0], tree.body[-1]
        assert isinstance(guard, ast.With), name
        assert ast.unparse(guard.items[0].context_expr) == f"practical_check('{name}', {name})"
        shown = [n for n in ast.walk(guard) if isinstance(n, ast.Call) and "assert" in ast.unparse(n.func)]
        assert shown, f"{name} shows no published value"
        assert ast.unparse(last) == f"check('{name}', {name})"


def names_bound(tree: ast.AST) -> set[str]:
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound


def names_read(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def test_no_cell_reads_a_name_before_it_exists_and_only_training_cells_need_training(cells, unit):
    known = set(dir(builtins)) | {"env"}
    exercises = {exercise.name for exercise in unit.exercises}
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        kind = kind_of(cell)
        if kind and kind[0] in ("exercise", "given"):
            known.add(kind[1])
            continue
        tree = ast.parse(code_of(cell))
        missing = names_read(tree) - names_bound(tree) - known
        if NOT_GRADED & set(cell.metadata.get("tags", [])):
            continue
        assert not missing, f"cell {number} needs {missing}, which no earlier cell that is graded defines"
        uses = names_read(tree) & exercises
        assert kind and kind[0] == "grade" if uses else True, (
            f"cell {number} calls {uses}: an untouched stub would show a traceback there"
        )
        known |= names_bound(tree)


def test_the_given_and_reference_functions_find_their_names_in_the_notebook(cells, unit):
    label = f"solutions/{unit.name}.py"
    solutions = ast.parse(reference_text(ROOT / label, label))
    functions = {node.name: node for node in solutions.body if isinstance(node, ast.FunctionDef)}
    known = set(dir(builtins))
    filled = 0
    for cell in cells:
        if cell.cell_type != "code":
            continue
        kind = kind_of(cell)
        if kind and kind[0] in ("exercise", "given"):
            function = functions[kind[1]]
            known.add(kind[1])
            missing = names_read(function) - names_bound(function) - known
            assert not missing, f"{kind[1]} needs {missing}, which the notebook does not define before it"
            filled += 1
        else:
            known |= names_bound(ast.parse(code_of(cell)))
    assert filled >= len(unit.exercises)


def test_training_cells_are_locked_and_complete_among_themselves(cells, unit):
    known = set(dir(builtins)) | {"env"}
    seen = 0
    for cell in cells:
        if cell.cell_type != "code":
            continue
        kind = kind_of(cell)
        if kind and kind[0] in ("exercise", "given"):
            known.add(kind[1])
            continue
        tree = ast.parse(code_of(cell))
        if TRAINING in cell.metadata.get("tags", []):
            assert kind and kind[0] == "locked"
            assert names_read(tree) - names_bound(tree) <= known
            seen += 1
        known |= names_bound(tree)
    assert seen >= 5 or unit.framework == TRAINS_NOTHING


def test_cells_that_only_show_something_are_not_run_while_grading(cells):
    showing = re.compile(r"plots\.|(predict|progress|recall)\(")
    shows = [cell for cell in cells if cell.cell_type == "code" and showing.match(cell.source)]
    assert len(shows) >= 5
    for cell in shows:
        assert NOT_GRADED & set(cell.metadata.get("tags", [])), cell.source[:60]


def test_every_guess_is_in_a_cell_that_grading_skips_and_costs_nothing(cells):
    for cell in cells:
        if cell.cell_type == "code" and re.search(r"^(predict|recall)\(", cell.source, re.MULTILINE):
            assert cell.metadata.get("tags") == ["figure", "nbval-ignore-output"], cell.source
            assert kind_of(cell) is None and len(cell.source.splitlines()) == 1


def test_the_notebook_begins_its_unit_and_ends_with_a_look_at_itself(cells, unit):
    code = [cell for cell in cells if cell.cell_type == "code"]
    (imports,) = [cell for cell in code if kind_of(cell) == ("locked", "imports")]
    assert imports.source.rstrip().endswith(f'begin("{unit.name}", env)')
    assert code[-1].source.strip() == "ready_to_hand_in()"
    assert any(cell.source.strip() == "progress()" for cell in code)


def test_training_comes_after_the_last_exercise(cells):
    kinds = [kind_of(cell) for cell in cells]
    last = max(i for i, kind in enumerate(kinds) if kind and kind[0] == "grade")
    tagged = [i for i, cell in enumerate(cells) if TRAINING in cell.metadata.get("tags", [])]
    assert all(position > last for position in tagged)


def test_pictures_come_from_the_plots_module_alone(cells):
    # course.plots.show demands a text alternative; these ways around it do not.
    for cell in cells:
        assert not re.search(r"\bplt\b|matplotlib|imshow|IPython\.display import.*Image|<img", cell.source)
        for alt in re.findall(r"!\[(.*?)\]\(", cell.source):
            assert len(alt) >= 10


def test_outputs_that_vary_are_marked_for_nbval(cells):
    for cell in cells:
        if cell.cell_type == "code" and re.search(
            r"plots\.(?!source|LiveCurves)|train_\w+\(|time\.time\(\) -"
            r"|^\s*(predict|reveal|progress|recall|ready_to_hand_in)\(",
            cell.source,
            re.MULTILINE,
        ):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source[:80]


def test_every_citation_has_its_reference_and_every_reference_an_address(cells):
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    listed = next(text for text in texts if text.startswith("## References"))
    numbers = dict(re.findall(r"^(\d+)\. (.+)$", listed, re.MULTILINE))
    cited = {n for text in texts if text != listed for n in re.findall(r"(?<![\w\]])\[(\d+)\](?!\()", text)}
    assert len(cited) >= 3
    assert cited <= set(numbers)
    for number, text in numbers.items():
        assert re.search(r"\]\(https://", text), f"reference {number} has no address"


def test_answers_stand_in_the_solutions_alone(unit):
    answers = re.findall(
        r"### BEGIN SOLUTION\n(.*?)### END SOLUTION",
        reference_text(ROOT / "solutions" / f"{unit.name}.py", unit.name),
        re.DOTALL,
    )
    squeezed = {re.sub(r"\s+", "", line) for answer in answers for line in answer.splitlines()}
    lines = {line for line in squeezed if len(line) >= 28 and not line.startswith("#")}
    assert len(lines) >= 3
    source = source_of(unit)
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "course").rglob("*.py")}
    for path, text in {**texts, source: source.read_text(encoding="utf-8")}.items():
        leaked = lines & {re.sub(r"\s+", "", line.lstrip("# ")) for line in text.splitlines()}
        assert not leaked, f"{path}: {leaked}"


def test_the_korean_summary_is_there(cells):
    summary = cells[-1].source
    assert summary.startswith("## 한국어 요약")
    assert len(re.findall("[가-힣]", summary)) > 400
