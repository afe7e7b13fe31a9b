"""Checks: each takes a student's function and says whether it is right, and if not, why not.

    from course.checks import check, practical_check

    check("log_softmax_cross_entropy", log_softmax_cross_entropy)

A check knows three states (not attempted, incorrect, correct). It is a list of cases, each built as draw,
drive and judge (``course.checks.case``); the cases of an exercise stand in ``course.checks.<unit>``, the
expected values in ``expected/<unit>.json``.
"""

from course.checks.notebook import CheckFailed, Report, check, practical_check
from course.checks.render import render_html, render_json, render_text
from course.checks.result import Result, State

__all__ = [
    "CheckFailed",
    "Report",
    "Result",
    "State",
    "check",
    "practical_check",
    "render_html",
    "render_json",
    "render_text",
]
