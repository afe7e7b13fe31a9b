"""What the reference gives: expected values of the checks, public and hidden."""
