"""The command line behind ``python -m solutions``: training runs, sweeps, their tables and figures."""
