"""nbgrader's step for a hand-in that has been run and judged already."""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.converters import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Instance

from autograder.grading.graded import GradedHandIn
from autograder.grading.run import OUTCOMES


class PutGraded(NbGraderPreprocessor):
    """Takes the place of `RunCells` where `grader.grade` has run the same cells elsewhere."""

    graded = Instance(GradedHandIn, help="What running the hand-in gave.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Put outputs and outcomes into one notebook.

        Raises:
            NbGraderException: other cells were run: the hand-in has changed since.
        """
        if not self.graded.fits(nb):
            raise NbGraderException("the hand-in changed while it was graded: grade it again")
        self.graded.put_into(nb)
        resources["nbgrader"][OUTCOMES] = dict(self.graded.outcomes)
        for line in self.graded.warnings:
            self.log.warning("%s", line)
        return nb, resources
