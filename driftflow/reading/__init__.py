"""Bytes to a JSON value, strictly, and where in the text each value stands."""
