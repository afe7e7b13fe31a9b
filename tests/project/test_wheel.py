"""What students receive (the wheel and the releases) holds neither answers nor hidden checks."""

import ast
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from autograder.publish.bundle import student_wheel
from course.catalog import load_course

ROOT = Path(__file__).parents[2]
START = "course/checkpoints/resnet18-w16-shapes-10.safetensors"
BLOCK = re.compile(r"### BEGIN SOLUTION\n(.*?)\s*### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS|### BEGIN SOLUTION|### BEGIN MARK SCHEME")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def solution_blocks() -> dict[str, str]:
    """Exercise -> the text between its markers."""
    found = {}
    for path in (ROOT / "solutions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            name = re.findall(r"^def (\w+)", text[: match.start()], re.MULTILINE)[-1]
            found[name] = match[1]
    return found


def solution_lines() -> set[str]:
    """Lines of answers that are long enough to be nobody else's, and that no stub or given function shows."""
    visible = "".join(
        squeezed(BLOCK.sub("", path.read_text(encoding="utf-8")))
        for path in (ROOT / "solutions").glob("*.py")
    )
    lines = (line.strip() for block in solution_blocks().values() for line in block.splitlines())
    flat = {squeezed(line) for line in lines if not line.startswith("#")}
    return {line for line in flat if len(line) >= 32 and line not in visible}


def model_sentences() -> set[str]:
    """Sentences of the model answers, without their white space."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "solutions" / "questions").glob("*.md")]
    sentences = [
        part for text in texts for part in re.split(r"(?<=[.?!])\s+|\n\n|^#.*$", text, flags=re.MULTILINE)
    ]
    questions = [question for unit in load_course().units for question in unit.questions]
    asked = squeezed("".join(text for q in questions for text in (q.prompt, *(c.text for c in q.criteria))))
    return {s for part in sentences if len(s := squeezed(part)) >= 40 and s not in asked}


def leaks(text: str) -> list[str]:
    """Pieces of answers found in a text that students get."""
    flat = squeezed(text.replace('\\"', '"').replace("\\n", "\n"))
    blocks = [f"the answer of {name}" for name, block in solution_blocks().items() if squeezed(block) in flat]
    return (
        blocks
        + [line for line in solution_lines() if line in flat]
        + [sentence[:60] for sentence in model_sentences() if sentence in flat]
        + HIDDEN.findall(text)
    )


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    """The wheel that students get."""
    ((name, content),) = student_wheel().items()
    assert name.endswith("-py3-none-any.whl"), "Colab installs a pure-Python package"
    return zipfile.ZipFile(io.BytesIO(content))


def test_wheel_carries_course_alone(wheel: zipfile.ZipFile) -> None:
    roots = {name.partition("/")[0] for name in wheel.namelist()}
    assert len(roots) == 2 and "course" in roots
    assert all(root == "course" or root.endswith(".dist-info") for root in roots)


def test_wheel_carries_all_of_course_but_the_large_checkpoint(
    wheel: zipfile.ZipFile, clone_files: list[str]
) -> None:
    wanted = {name for name in clone_files if name.startswith("course/")}
    packed = {name for name in wheel.namelist() if name.startswith("course/")}
    left_out = {name for name in wanted if name.endswith((".safetensors", ".md"))} - {START}
    assert left_out == wanted - packed, "the checkpoint for CIFAR-10, and pages for maintainers"
    assert packed <= wanted
    assert {"course/course.yml", "course/units/fixmatch/expected.json"} <= packed
    assert any(re.fullmatch(r"course/units/\w+/runs/[\w-]+\.jsonl", name) for name in packed)


def test_wheel_is_small(wheel: zipfile.ZipFile) -> None:
    """The course is under a mebibyte, and CPU mode's start under one and a half."""
    sizes = {item.filename: item.compress_size for item in wheel.infolist()}
    assert sizes.pop(START) < 1.5 * 2**20
    assert sum(sizes.values()) < 2**20


def test_wheel_holds_no_answer(wheel: zipfile.ZipFile) -> None:
    found = {name: leaks(wheel.read(name).decode("utf-8", "replace")) for name in wheel.namelist()}
    assert {name: pieces for name, pieces in found.items() if pieces} == {}


def hidden_texts() -> set[str]:
    """The docstrings of the modules with hidden draws, and of their classes and functions."""
    modules = (ROOT / "autograder" / "units").glob("*/*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {
        ast.get_docstring(node, clean=False)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    }
    return {text for text in texts if text is not None}


def test_wheel_holds_no_hidden_check(wheel: zipfile.ZipFile) -> None:
    texts = hidden_texts()
    assert len(texts) > 20
    for name in wheel.namelist():
        content = wheel.read(name).decode("utf-8", "replace")
        assert not [text for text in texts if text in content], name


def test_releases_hold_no_answer() -> None:
    notebooks = sorted((ROOT / "release").rglob("*.ipynb"))
    units = yaml.safe_load((ROOT / "course" / "course.yml").read_text(encoding="utf-8"))["units"]
    assert {path.parent.name for path in notebooks} == set(units)
    for path in notebooks:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert leaks("".join(cell["source"])) == [], path.name
            assert not cell.get("outputs"), "a release carries no outputs"
    assert {path.suffix for path in (ROOT / "release").rglob("*") if path.is_file()} <= {
        ".ipynb",
        ".png",
        ".svg",
    }


def test_the_search_finds_what_it_is_for() -> None:
    blocks = solution_blocks()
    assert len(blocks) >= 6 and len(solution_lines()) >= 10
    for name, block in blocks.items():
        assert f"the answer of {name}" in leaks(f"def f():\n{block}\n")
    source = ROOT / "source_notebooks" / "fixmatch" / "01_fixmatch.ipynb"
    assert len(leaks(source.read_text(encoding="utf-8"))) > len(blocks)
    assert model_sentences() and all(leaks(sentence) for sentence in model_sentences())
