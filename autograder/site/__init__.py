"""The course's website, made from the same sources as everything else and without any answer (`make site`).

It has an environment of its own, so imports here are light: no framework, no jupytext, no nbgrader.
"""
