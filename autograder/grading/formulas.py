"""Formulas of a page that works without a network: LaTeX becomes MathML, which browsers draw themselves."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer

_MATHML = "http://www.w3.org/1998/Math/MathML"
# What a formula needs. Of a student's, links and styles are left out: MathML may hold both.
_ATTRIBUTES = {
    *("accent", "accentunder", "columnalign", "depth", "display", "displaystyle", "fence", "form", "height"),
    *(
        "linethickness",
        "lspace",
        "mathvariant",
        "maxsize",
        "minsize",
        "movablelimits",
        "rowspacing",
        "rspace",
    ),
    *("scriptlevel", "separator", "stretchy", "voffset", "width"),
}


def mathml(latex: str, *, block: bool = False) -> str:
    """A formula as MathML; LaTeX that cannot be read stays as it is, as code.

    Args:
        latex: without dollar signs.
        block: whether it stands on a line of its own.
    """
    try:
        tree = ElementTree.fromstring(convert(latex, display="block" if block else "inline"))
    except Exception:  # the converter raises whatever it meets on its way
        return f"<code>{escape(latex)}</code>"
    for element in tree.iter():
        for name in set(element.attrib) - _ATTRIBUTES:
            del element.attrib[name]
    ElementTree.register_namespace("", _MATHML)
    return ElementTree.tostring(tree, encoding="unicode")


class FormulaRenderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        """A formula in a line."""
        return mathml(body)

    def block_math(self, body: str) -> str:
        """A formula on a line of its own."""
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        """An environment such as ``align``."""
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)
