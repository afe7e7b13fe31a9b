"""Training in PyTorch: the loop, hyperparameters, checkpoints and parts."""
