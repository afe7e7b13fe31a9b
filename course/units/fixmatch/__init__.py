"""The unit ``fixmatch``: FixMatch in JAX."""
