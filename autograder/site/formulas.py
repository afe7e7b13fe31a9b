"""Sphinx extension: formulas are MathML in the page, so none is fetched and no script draws them."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from autograder.mathml import mathml

NAME = "mathml"
log = logging.getLogger(__name__)


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_checked(node, block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    # Keyboards scroll a formula that is wider than a phone.
    translator.body.append(f'<div class="formula" tabindex="0">{_checked(node, block=True)}</div>')
    raise nodes.SkipNode


def _checked(node: nodes.Element, *, block: bool) -> str:
    made = mathml(node.astext(), block=block)
    if made.startswith("<code>"):
        log.warning("no formula: %s", node.astext(), location=node)
    return made


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer(NAME, (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
