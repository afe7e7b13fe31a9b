"""Formulas of a page that works without a network: LaTeX becomes MathML, which browsers draw themselves."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from latex2mathml.converter import convert

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


_NAMES = {"cos", "exp", "log", "sin"}


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
        _set_apart(element)
    ElementTree.register_namespace("", _MATHML)
    return ElementTree.tostring(tree, encoding="unicode")


def _set_apart(row: ElementTree.Element) -> None:
    """A function's name is followed by a thin space, as in TeX, except before a bracket or an operator."""
    for at in range(len(row) - 2, -1, -1):
        name, after = row[at], row[at + 1]
        if name.tag == f"{{{_MATHML}}}mi" and name.text in _NAMES and after.tag != f"{{{_MATHML}}}mo":
            row.insert(at + 1, ElementTree.Element(f"{{{_MATHML}}}mspace", width="0.1667em"))
