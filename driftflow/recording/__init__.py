"""What is on file of a run: written and read here, in one place."""
