"""A class to try the grader with: its hand-ins, its folder, and the demonstration."""
