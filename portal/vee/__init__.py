"""Validation and estimation: which intervals are expected, what became of each, and why a value is what it is."""
