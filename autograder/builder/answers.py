"""Model answers to a unit's questions: ``solutions/questions/<unit>.md``, a level-2 heading for each."""

from __future__ import annotations

from pathlib import Path

from course.errors import CourseError

HEADING = "## "


def read_answers(path: Path, label: str) -> dict[str, str]:
    """Question name → model answer in Markdown. A missing file holds no answers.

    Args:
        path: the file.
        label: how errors call it.

    Raises:
        CourseError: a name occurs twice, or an answer is empty.
    """
    if not path.is_file():
        return {}
    answers: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(HEADING):
            name = line.removeprefix(HEADING).strip()
            if name in answers:
                raise CourseError(f"{label}: two answers to {name}; keep one")
            lines = answers[name] = []
        else:
            lines.append(line)
    texts = {name: "\n".join(body).strip() for name, body in answers.items()}
    for name, text in texts.items():
        if not text:
            raise CourseError(f"{label}: the answer to {name} is empty; write it")
    return texts
