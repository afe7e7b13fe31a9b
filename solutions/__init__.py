"""Reference implementations of every exercise, and the command line that trains them."""
