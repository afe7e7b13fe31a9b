"""Every figure has a text for those who cannot see it: in outputs, in Markdown, in the code that draws."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

from course.augment import StrongAugmentation, WeakAugmentation
from course.data import make_shapes
from course.figures import confidence, guesses, images, runs
from course.figures.live import LiveCurves
from course.figures.shown import FigureCard, show
from course.training.recorded import RecordedRun
from course.units.fixmatch import figures as fixmatch_figures
from course.units.fixmatch import recorded
from tests.support.figures import show_into

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted(
    path
    for folder in ("solutions/notebooks", "source_notebooks", "release")
    for path in (ROOT / folder).rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
SHORTEST = 10
VACUOUS = re.compile(r"^(image|figure|plot|picture|graph|output|png|untitled)?[\s\d.:_-]*$", re.IGNORECASE)


class Pictures(HTMLParser):
    """Collects the alternative text of every picture in a piece of HTML; None where it has none."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str | None] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "img" or (tag == "input" and facts.get("type") == "image"):
            self.texts.append(facts.get("alt"))
        elif tag in ("svg", "canvas", "object", "embed", "video"):
            self.texts.append(facts.get("aria-label"))
        self._in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        # The title inside an svg names it as well as aria-label does.
        if self._in_title and self.texts and self.texts[-1] is None:
            self.texts[-1] = data


def texts_of(html: str) -> list[str | None]:
    parser = Pictures()
    parser.feed(html)
    parser.close()
    return parser.texts


def says_nothing(text: str | None) -> bool:
    return text is None or len(text.strip()) < SHORTEST or bool(VACUOUS.match(text.strip()))


def joined(text: str | list[str]) -> str:
    return "".join(text)


def pictures_of_cell(cell: Any) -> Iterator[tuple[str, str | None]]:
    """(what it is, alternative text) of each picture in a cell and in its outputs."""
    if cell.cell_type == "markdown":
        source = re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)
        yield from (
            ("picture in Markdown", text) for text in re.findall(r"!\[(.*?)\]\s*[(\[]", source, re.DOTALL)
        )
        yield from (("picture in Markdown", text) for text in texts_of(source))
    for output in cell.get("outputs", []):
        for kind, content in output.get("data", {}).items():
            if kind == "text/html":
                yield from (("picture in an output", text) for text in texts_of(joined(content)))
            elif kind == "text/markdown":
                yield from (
                    ("picture in an output", text) for text in re.findall(r"!\[(.*?)\]\(", joined(content))
                )
            elif kind.startswith(("image/", "video/")) or kind == "application/pdf":
                # Jupyter shows these without any text, unless the metadata has one.
                yield f"{kind} output", output.get("metadata", {}).get(kind, {}).get("alt")


def silent_pictures(notebook: Any) -> list[str]:
    return [
        f"cell {cell.get('id', number)}: {what} without a text"
        for number, cell in enumerate(notebook.cells)
        for what, text in pictures_of_cell(cell)
        if says_nothing(text)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_picture_of_a_notebook_has_a_text(path: Path) -> None:
    assert silent_pictures(nbformat.read(path, as_version=4)) == []


def test_the_executed_notebook_has_pictures_to_look_at() -> None:
    notebook = nbformat.read(ROOT / "solutions" / "notebooks" / "01_fixmatch.ipynb", as_version=4)
    assert len([text for cell in notebook.cells for _, text in pictures_of_cell(cell)]) >= 8


def output(kind: str, content: Any, **metadata: Any) -> Any:
    return nbformat.v4.new_output("display_data", data={kind: content}, metadata=metadata)


GOOD = "a line that falls from one to zero"
SVG = "<svg><title>{}</title><circle/></svg>"


@pytest.mark.parametrize(
    ("cell", "silent"),
    [
        (nbformat.v4.new_markdown_cell("![](a.png)"), 1),
        (nbformat.v4.new_markdown_cell("![Figure 1](a.png)"), 1),
        (nbformat.v4.new_markdown_cell(f"![{GOOD}](a.png)"), 0),
        (nbformat.v4.new_markdown_cell("`![](a.png)` and ```\n<img>\n```"), 0),
        (nbformat.v4.new_markdown_cell('text <img src="a.png"> text'), 1),
        (nbformat.v4.new_markdown_cell('<img src="a.png" alt="">'), 1),
        (nbformat.v4.new_markdown_cell(f'<IMG alt="{GOOD}" src="a.png"/>'), 0),
        (output("text/html", '<p><img src="x"></p>'), 1),
        (output("text/html", ["<img ", f'alt="{GOOD}">', "<img>"]), 1),
        (output("text/html", SVG.format(GOOD)), 0),
        (output("text/html", "<svg><circle/></svg>"), 1),
        (output("text/html", f'<canvas aria-label="{GOOD}"></canvas><video></video>'), 1),
        (output("image/png", "aGVsbG8="), 1),
        (output("image/png", "aGVsbG8=", **{"image/png": {"alt": GOOD}}), 0),
        (output("image/svg+xml", "<svg/>"), 1),
        (output("text/markdown", "![](a.png)"), 1),
        (output("text/plain", "<img>"), 0),
    ],
)
def test_a_silent_picture_would_be_found(cell: Any, silent: int) -> None:
    if "output_type" in cell:
        cell = nbformat.v4.new_code_cell("", outputs=[cell])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert len(silent_pictures(json_round_trip(notebook))) == silent


def json_round_trip(notebook: Any) -> Any:
    return nbformat.from_dict(json.loads(json.dumps(notebook)))


# --- what draws ----------------------------------------------------------------------------------


def draws(path: Path) -> dict[str, set[str]]:
    """Function name → the names it calls, for each function of a module that makes a figure."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            calls = {
                ast.unparse(call.func).rpartition(".")[2]
                for call in ast.walk(node)
                if isinstance(call, ast.Call)
            }
            if calls & {"Figure", "figure", "subplots", "blank", "panel"}:
                found[node.name] = calls
    return found


def test_only_the_modules_of_figures_draw_and_each_of_their_figures_goes_through_show() -> None:
    places = {path: found for path in (ROOT / "course").rglob("*.py") if (found := draws(path))}
    assert all(path.parent.name == "figures" or path.name == "figures.py" for path in places)
    functions = {name: calls for found in places.values() for name, calls in found.items()}
    # Empty figures, and parts of figures: who calls these has to show them.
    for name in ("blank", "panel", "_key", "_bands"):
        del functions[name]
    assert len(functions) >= 20
    for name, calls in functions.items():
        assert calls & {"show", "show_panels"}, f"{name} makes a figure and does not show it with a text"
        assert not calls & {"savefig", "Image", "imsave"}, name
    saving = [
        path.name for path in places for _ in re.findall(r"\.savefig\(", path.read_text(encoding="utf-8"))
    ]
    assert set(saving) == {"shown.py"}, "the one place is FigureCard, which demands a text"


@pytest.mark.parametrize("alt", ["", "   ", "Figure 1", "\n" * 40])
def test_a_figure_without_a_text_cannot_be_shown(alt: str) -> None:
    with pytest.raises(ValueError, match="say what the figure shows"):
        show(Figure(), alt)


RECORDS = [
    {"step": k, "epoch": 0, "val error rate": 0.5 - k / 100, "mask rate": k / 50} for k in range(1, 30)
]
ABOUT = {"data": "shapes", "steps": 29, "labels": 100, "hardware": "4 cores"}
DATASET = make_shapes(20, 10, seed=1).train
VIEWS = (WeakAugmentation(), StrongAugmentation())


def live() -> None:
    curves = LiveCurves("mine")
    for record in RECORDS:
        curves.on_step(record, {})
    curves.close()


# Every public function of the modules that shows a figure. One that is not here fails the test below.
DRAWN: dict[str, Callable[[], None]] = {
    "class_examples": lambda: images.class_examples(DATASET, 2),
    "augmentation_grid": lambda: images.augmentation_grid(DATASET, [0, 1], *VIEWS, views=2),
    "pipeline": lambda: fixmatch_figures.pipeline(DATASET, 3, *VIEWS),
    "curves": lambda: runs.curves({"one": RECORDS}),
    "LiveCurves": live,
    "expected": lambda: runs.expected({"one": RecordedRun(ABOUT, tuple(RECORDS))}),
    "scores": lambda: fixmatch_figures.scores(recorded.load()[0].right, recorded.load()[0]),
    "schedules": lambda: fixmatch_figures.schedules({"falling": lambda k: 1 / (1 + k)}, 50),
    "reliability": lambda: confidence.reliability(
        np.array([0.4, 0.97, 0.99]), np.array([False, True, True]), 0.95
    ),
    "guess_and_result": lambda: guesses.guess_and_result("share", 0.2, 0.4, (0, 1)),
}
NO_FIGURE = {
    *("by_threshold", "Live", "rounded", "show", "show_panels", "FigureCard", "source", "settings"),
    *(
        "panel",
        "legend",
        "band",
        "draw_band",
        "draw_over_steps",
        "recorded_line",
        "how_many",
        "machine",
        "made_with",
    ),
}


def test_every_public_name_of_the_modules_is_known_here() -> None:
    modules = [*(ROOT / "course" / "figures").glob("*.py"), ROOT / "course/units/fixmatch/figures.py"]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules if path.name != "page.py"]
    public = {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    assert public == set(DRAWN) | NO_FIGURE


@pytest.mark.parametrize("name", DRAWN)
def test_every_function_that_draws_gives_a_text_of_its_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []

    class Handle:
        def update(self, thing: Any) -> None:
            shown.append(thing)

    def display(thing: Any, display_id: bool = False) -> Handle:
        shown.append(thing)
        return Handle()

    show_into(monkeypatch, display)
    DRAWN[name]()
    figures = [thing for thing in shown if isinstance(thing, FigureCard)]
    assert figures
    for figure in figures:
        alts = texts_of(figure._repr_html_())
        assert len(alts) == len(figure.keys) + len(figure.pictures) and not any(map(says_nothing, alts))
        assert all(picture.alt in figure.alt for picture in figure.pictures) and len(figure.alt) >= 60
        # The diagram of the method is the same for everybody; all others have to say their own numbers.
        assert name == "pipeline" or re.search(r"\d", figure.alt)
