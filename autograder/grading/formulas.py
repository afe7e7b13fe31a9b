"""The Markdown of a feedback page, which works without a network."""

from __future__ import annotations

from nbconvert.filters.markdown_mistune import IPythonRenderer

from autograder.mathml import mathml


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
