"""Imports are read off a cell's text, and what grading has is what its environment has."""

import re
from importlib.machinery import PathFinder
from pathlib import Path
from site import getsitepackages

import pytest

from course.notebook.imports import GRADING_HAS, imports_of, modules_in, unknown_modules

ROOT = Path(__file__).parents[3]
# Distribution → module, where the names differ.
CALLED = {
    "ipython": "IPython",
    "jax-resnet": "jax_resnet",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
# What other modules of the list bring along.
BROUGHT = {"functorch", "jaxlib", "mpl_toolkits", "pylab"}


def test_what_grading_has_is_what_is_pinned_and_installed() -> None:
    text = (ROOT / "requirements" / "dev.in").read_text(encoding="utf-8")
    libraries = text.partition("# notebooks and grading")[0]
    named = set(re.findall(r"^([a-z][a-z-]*)", libraries, re.MULTILINE)) | {"ipywidgets", "tensorboard"}
    assert {CALLED.get(name, name) for name in named} | BROUGHT == GRADING_HAS
    lacking = [name for name in GRADING_HAS if PathFinder.find_spec(name, getsitepackages()) is None]
    assert lacking == [], "not installed: run `make setup`"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pandas", [("pandas", False)]),
        ("import pandas as pd\npd.DataFrame()", [("pandas", True)]),
        ("import a.b.c, d as e\na.b.c.f(e)", [("a.b.c", True), ("d", True)]),
        ("from a.b import c, d\n\ndef f():\n    return d", [("a.b", False), ("a.b", True)]),
        ("from a import *", [("a", True)]),
        ("def f():\n    import a\n    class B:\n        from b import c", [("a", False), ("b", False)]),
        ("import a\n%timeit a.b()", [("a", True)]),
        ("try:\n    import a\nexcept ImportError:\n    import b\n", [("b", False)]),
        ("from . import a\nfrom .b import c", []),
        ("import", []),
    ],
)
def test_each_way_to_import(source: str, found: list[tuple[str, bool]]) -> None:
    assert [(one.module, one.used) for one in imports_of(source)] == found


def test_what_is_known_and_what_lies_beside_the_notebook_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "helper.py").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "package").mkdir()
    (tmp_path / "link.py").symlink_to(tmp_path / "helper.py")
    beside = modules_in(tmp_path)
    assert beside == {"helper", "package"}
    source = "import os, numpy.linalg, pandas, course, helper, package.part, link, notes\nimport link.more"
    assert unknown_modules(source, beside) == ["link", "notes"]
    assert modules_in(tmp_path / "nowhere") == frozenset()
