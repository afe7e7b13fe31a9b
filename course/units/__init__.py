"""The units of the course, one folder each.

A unit's folder holds ``unit.yml`` (what it is), ``texts.yml`` (slips, predictions, recall), ``checks/``,
``figures.py`` where figures are its own, ``runs/`` (logs of finished runs), and three derived files:
``exercises.json`` (its exercises and questions, with points and hints), ``expected.json`` (the checks'
expected values) and ``cells.json`` (the released notebook's cells).
"""
