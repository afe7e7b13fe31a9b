"""Hand-ins that attack the grader, and the proof that none of them wins anything."""
