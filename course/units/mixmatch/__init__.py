"""The unit ``mixmatch``: MixMatch in PyTorch."""
