"""Rules that the source of every notebook keeps, whatever its text becomes."""

from __future__ import annotations

import ast
import builtins
import re
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest

from autograder.builder.notebook import build_notebook
from autograder.reference import reference_text
from course.catalog import Unit, load_course
from tests.support.cell_names import EVERYDAY, needed_and_left

ROOT = Path(__file__).resolve().parents[2]
TRAINING = "training"
TRAINS_NOTHING = "NumPy"  # the framework of the unit that reads results
NOT_GRADED = {TRAINING, "figure"}  # tags of cells that are not run while grading
# Ten minutes of reading, formulas included, and what one scrolls past, before the first line of one's own.
MOST_WORDS, MOST_CELLS = 900, 14


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


@pytest.fixture(scope="module")
def functions(unit) -> dict[str, str]:
    """Name → text of each function of the unit's reference."""
    label = f"solutions/{unit.name}.py"
    text = reference_text(ROOT / label, label)
    return {
        node.name: ast.unparse(node) for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
    }


@pytest.fixture(scope="module")
def code_cells(cells, functions) -> list[tuple[object, tuple[str, str] | None, str]]:
    """Each code cell behind the set-up, what kind it is, and its Python, exercises with their answers."""
    found = []
    for cell in cells:
        kind = kind_of(cell)
        if cell.cell_type != "code" or (kind and kind[0] == "setup"):
            continue
        filled = kind and kind[0] in ("exercise", "given")
        found.append((cell, kind, functions[kind[1]] if filled else code_of(cell)))
    return found


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


def test_sections_are_those_of_unit_yml(cells, unit):
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
        assert ast.unparse(guard.items[0].context_expr) == f"course.practical_check('{name}', {name})"
        shown = [n for n in ast.walk(guard) if isinstance(n, ast.Call) and "assert" in ast.unparse(n.func)]
        assert shown, f"{name} shows no published value"
        assert ast.unparse(last) == f"course.check('{name}', {name})"


def test_the_first_exercise_comes_within_ten_minutes(unit):
    before = []
    for cell in build_notebook(ROOT, load_course(), unit).cells:
        if cell.id == unit.exercises[0].name:
            break
        before.append(cell)
    words = sum(len(cell.source.split()) for cell in before if cell.cell_type == "markdown")
    assert words <= MOST_WORDS, f"{words} words before the first exercise: move what is not needed yet"
    assert len(before) <= MOST_CELLS, f"{len(before)} cells before the first exercise"


def test_every_name_is_defined_in_an_earlier_cell(code_cells):
    known = set(dir(builtins)) | {"env"}
    for _, kind, code in code_cells:
        needed, left = needed_and_left(code)
        assert needed <= known, f"{kind or code[:60]} needs {needed - known}, which no earlier cell defines"
        known |= left


def test_grading_and_training_work_without_the_cells_that_only_show_something(code_cells, unit):
    known = set(dir(builtins)) | {"env"}
    trained: set[str] = set()
    exercises = {exercise.name for exercise in unit.exercises}
    seen = 0
    for cell, kind, code in code_cells:
        tags = set(cell.metadata.get("tags", []))
        if "figure" in tags:
            continue
        needed, left = needed_and_left(code)
        if TRAINING in tags:
            assert kind and kind[0] == "locked"
            assert needed <= known | trained, f"{kind} needs {needed - known - trained}"
            trained |= left
            seen += 1
            continue
        assert needed <= known, f"{kind or code[:60]} needs {needed - known}, which grading does not define"
        assert not needed & exercises or (kind and kind[0] in ("exercise", "given", "grade")), (
            f"{kind or code[:60]} calls {needed & exercises}: an untouched stub would show a traceback there"
        )
        known |= left
    assert seen >= 5 or unit.framework == TRAINS_NOTHING


def test_no_cell_that_cannot_be_edited_needs_a_name_that_people_use(code_cells):
    checked = 0
    for _, kind, code in code_cells:
        if kind and kind[0] in ("given", "grade", "locked"):
            needed, _ = needed_and_left(code)
            assert not needed & EVERYDAY, f"{kind} breaks when a student assigns {needed & EVERYDAY}"
            checked += 1
    assert checked >= 7


@pytest.mark.parametrize(
    ("code", "needed", "left"),
    [
        ("x = x + 1", {"x"}, {"x"}),
        ("x = 1\nprint(x)", {"print"}, {"x"}),
        ("n += 1", {"n"}, {"n"}),
        ("for a in a:\n    b = a", {"a"}, {"a", "b"}),
        ("y = [x for x in z if x]", {"z"}, {"y"}),
        ("with f(w) as g:\n    g(h)", {"f", "w", "h"}, {"g"}),
        ("def f(a, b=c):\n    d = a\n    return d + e + g\ng = 1", {"c", "e"}, {"f", "g"}),
        ("f = lambda a, b=b: a + c", {"b", "c"}, {"f"}),
        ("import a.b\nfrom c import d as e\na.b(e)", set(), {"a", "e"}),
        ("def f():\n    from a import b\n    return b(c)", {"c"}, {"f"}),
        ("try:\n    a\nexcept b as c:\n    c", {"a", "b"}, {"c"}),
        ("class A(b):\n    c = d", {"b", "d"}, {"A"}),
        ("f(start, key=check)", {"f", "start", "check"}, set()),
    ],
)
def test_the_names_of_a_cell(code, needed, left):
    assert needed_and_left(code) == (needed, left)


def test_below_a_run_the_next_cell_draws_all_of_it_and_says_if_it_is_partial(code_cells, unit):
    shown_live = [i for i, (_, _, code) in enumerate(code_cells) if "observers=[" in code]
    assert len(shown_live) == (unit.framework != TRAINS_NOTHING)
    for position in shown_live:
        _, kind, code = code_cells[position + 1]
        assert kind and kind[0] == "locked"
        assert re.fullmatch(r"live_\w+\.show\(\)", code.strip())


def test_every_cell_that_shows_a_run_says_when_it_is_partial(code_cells):
    shows_a_run = re.compile(r"(_run|_unlabeled|_only|result)\.(state|metrics)\b|read_metrics\(")
    for _, kind, code in code_cells:
        if kind and kind[0] == "locked" and shows_a_run.search(code):
            assert "warn_if_partial(" in code or "train_method(" in code, code


def test_the_text_names_no_command_that_students_lack_and_no_folder_to_a_magic(cells):
    for cell in cells:
        assert not re.search(r"python -m (solutions|autograder|benchmarks)|--resume|make \w+`", cell.source)
        assert not re.search(r"^\s*%tensorboard", cell.source, re.MULTILINE)


def test_the_text_says_what_becomes_of_guesses(cells):
    texts = " ".join(" ".join(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    assert "Your guesses" in texts and "Nobody else sees" not in texts
    assert (
        "saved with your progress in the work folder, and they stay in the notebook that you hand in" in texts
    )


def test_cells_that_only_show_something_are_not_run_while_grading(cells):
    showing = re.compile(r"(course\.figures|\w+_plots|plots)\.|course\.(predict|progress|recall)\(")
    shows = [cell for cell in cells if cell.cell_type == "code" and showing.match(cell.source)]
    assert len(shows) >= 5
    for cell in shows:
        assert NOT_GRADED & set(cell.metadata.get("tags", [])), cell.source[:60]


def test_every_guess_is_in_a_cell_that_grading_skips_and_costs_nothing(cells):
    for cell in cells:
        if cell.cell_type == "code" and re.search(r"^course\.(predict|recall)\(", cell.source, re.MULTILINE):
            assert cell.metadata.get("tags") == ["figure", "nbval-ignore-output"], cell.source
            assert kind_of(cell) is None and len(cell.source.splitlines()) == 1


def test_the_notebook_begins_its_unit_and_ends_with_a_look_at_itself(cells, unit):
    code = [cell for cell in cells if cell.cell_type == "code"]
    (imports,) = [cell for cell in code if kind_of(cell) == ("locked", "imports")]
    assert imports.source.rstrip().endswith(f'course.begin("{unit.name}", env)')
    assert code[-1].source.strip() == "course.ready_to_hand_in()"
    assert any(cell.source.strip() == "course.progress()" for cell in code)


def test_training_comes_after_the_last_exercise(cells):
    kinds = [kind_of(cell) for cell in cells]
    last = max(i for i, kind in enumerate(kinds) if kind and kind[0] == "grade")
    tagged = [i for i, cell in enumerate(cells) if TRAINING in cell.metadata.get("tags", [])]
    assert all(position > last for position in tagged)


def test_what_a_closed_tab_leaves_is_said_before_the_first_run(cells):
    """JupyterLab drops what a cell shows while nobody looks, and not every run is drawn again below."""
    runs = [i for i, cell in enumerate(cells) if "if_exists=if_exists" in cell.source]
    if runs:
        before = [cell.source for cell in cells[: runs[0]] if cell.cell_type == "markdown"]
        assert any("**A closed tab** does not stop a run" in text for text in before)


def test_pictures_come_from_the_plots_module_alone(cells):
    # course.figures.show demands a text alternative; these ways around it do not.
    for cell in cells:
        assert not re.search(r"\bplt\b|matplotlib|imshow|IPython\.display import.*Image|<img", cell.source)
        for alt in re.findall(r"!\[(.*?)\]\(", cell.source):
            assert len(alt) >= 10


def test_outputs_that_vary_are_marked_for_nbval(cells):
    for cell in cells:
        if cell.cell_type == "code" and re.search(
            r"plots\.(?!source|LiveCurves)|(?<!def )train_\w+\(|perf_counter\(\) -"
            r"|^\s*course\.(predict|reveal|progress|recall|ready_to_hand_in)\(",
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
