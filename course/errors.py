"""The one exception for bad input."""


class CourseError(Exception):
    """Something given to the course cannot be used.

    The message is one line that names the thing and the remedy. Command lines print it to stderr
    as ``error: …`` and exit with status 2; notebooks show the line without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the line alone is what a student needs to see."""
        return [f"{type(self).__name__}: {self}"]
