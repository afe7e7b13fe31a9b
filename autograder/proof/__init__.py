"""The proof of the checks: every mutant is rejected, every right answer accepted, and what that took."""

from autograder.proof.trials import FunctionTrial, Kind, TrialVerdict, run_trials

__all__ = ["FunctionTrial", "Kind", "TrialVerdict", "run_trials"]
