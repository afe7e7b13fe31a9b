"""``python -m solutions``: see ``solutions.experiments.cli``."""

from solutions.experiments.cli import main

if __name__ == "__main__":
    main()
