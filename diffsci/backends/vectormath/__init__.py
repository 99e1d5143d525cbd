"""Elementary functions as formulas in floating-point and bit operations, for any machine language."""
