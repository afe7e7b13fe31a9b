"""The look of feedback pages."""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

# nbgrader's template styles neither tables nor long lines.
CSS = """
.rendered_html table { border-collapse: collapse; margin: 0.8em 0; }
.rendered_html th, .rendered_html td { padding: 0.25em 0.8em; border-bottom: 1px solid #ddd; }
.rendered_html img { max-width: 100%; height: auto; }
.output_text pre, .output_stream pre { white-space: pre-wrap; overflow-wrap: anywhere; }
"""


class StylePage(NbGraderPreprocessor):
    """Adds the course's style sheet to a feedback page, behind nbconvert's CSSHTMLHeaderPreprocessor."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Append to the styles that the template writes into the page."""
        resources["inlining"]["css"].append(CSS)
        return nb, resources
