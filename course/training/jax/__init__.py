"""Training in JAX: the loop, optimizer, checkpoints and penalty."""
