"""What happens in a run, decided here and done elsewhere."""
