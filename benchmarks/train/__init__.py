"""Whole FixMatch pipelines side by side: the practical's, the course's, and a plain one in PyTorch."""
