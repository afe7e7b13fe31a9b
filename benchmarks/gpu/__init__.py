"""``make gpu``: what a GPU is needed to know, the most valuable first, in at most 25 minutes."""
