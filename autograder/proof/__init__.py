"""The proof of the checks: every mutant is rejected, every right answer accepted, and what that took."""

from autograder.proof.trials import Kind, Trial, Verdict, run_trials

__all__ = ["Kind", "Trial", "Verdict", "run_trials"]
