"""The debugging guide: one page with everything that a check's report can say, ``docs/debugging.html``."""
