"""What students receive (the wheel and the releases) holds neither answers nor hidden checks."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from autograder.publish.bundle import student_wheel
from tests.support.answers import hidden_texts, leaks, model_sentences, solution_blocks, solution_lines

ROOT = Path(__file__).parents[2]
START = "course/checkpoints/resnet18-w16-shapes-10.safetensors"


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
