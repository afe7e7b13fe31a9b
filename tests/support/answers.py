"""Looks for pieces of answers and of hidden checks in what others get to see."""

import ast
import re
from pathlib import Path

from course.catalog import load_course

ROOT = Path(__file__).parents[2]
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
