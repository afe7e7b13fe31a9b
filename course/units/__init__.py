"""The units of the course, one folder each.

A unit's folder holds ``unit.yml`` (what it is), ``texts.yml`` (hints, explanations, predictions, recall),
``checks/``, ``figures.py`` where figures are its own, ``runs/`` (logs of finished runs), and two derived
files: ``expected.json`` (the checks' expected values) and ``cells.json`` (the released notebook's cells).
"""
