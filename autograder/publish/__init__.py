"""What students and their instructors get to read and install: bundles, the public repository, READMEs."""
