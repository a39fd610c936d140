"""The operations: a family a file, what they have in common, and what computes them on numbers."""
