"""The notebooks' figures.

Every figure is shown through `show` or `show_panels`, which need texts that say what can be seen. Runs are
told apart by marker and line style as well as by color (Okabe and Ito's palette). Figures are small enough to
read where a page leaves 350 pixels for them; several panels are pictures of their own, and wrap.
"""

from course.figures.confidence import reliability
from course.figures.images import augmentation_grid, class_examples
from course.figures.live import LiveCurves
from course.figures.runs import curves, expected
from course.figures.shown import show, show_panels
from course.figures.tables import settings, source

__all__ = [
    "LiveCurves",
    "augmentation_grid",
    "class_examples",
    "curves",
    "expected",
    "reliability",
    "settings",
    "show",
    "show_panels",
    "source",
]
