"""Derived files, from their sources: notebooks, releases and the checks' expected values.

`build` makes and compares them. Nothing is imported here: with Colab's packages, where there is neither
jupytext nor nbgrader, the checks' tests still read the functions' texts (`functions`).
"""
