"""The unit ``comparison``: what a table of results can tell."""
