"""The unit ``flexmatch``: FixMatch and FlexMatch in PyTorch."""
