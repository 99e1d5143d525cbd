"""Explanations: where a value that is not finite, or a loss of digits, begins."""
