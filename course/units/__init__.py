"""The units of the course, one folder each.

A unit's folder holds ``unit.yml`` (what it is), ``texts.yml`` (predictions, recall), ``checks/``,
``figures.py`` where figures are its own, ``runs/`` (logs of finished runs), and three derived files:
``exercises.json`` (its exercises and questions, with points and hints), ``expected.json`` (what the checks
expect, what they say of known mistakes) and ``cells.json`` (the released notebook's cells). One with personal
tasks also has ``personal.py``, which draws their numbers, and the derived ``personal.json``.
"""
