"""JSON Schema: does a value satisfy one, why not, and what do editors show of it."""
