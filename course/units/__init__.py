"""The units of the course, one folder each.

A unit's folder holds ``unit.yml`` (what it is), ``texts.yml`` (hints, ideas, predictions, recall),
``checks/``, ``figures.py`` where figures are its own, ``runs/`` (logs of finished runs), and two derived
files: ``expected.json`` (what the checks expect, what they say of known mistakes) and ``cells.json`` (the
released notebook's cells).
"""
