"""What the course's speed is, each figure against a baseline measured in turn with it: ``make bench``."""
