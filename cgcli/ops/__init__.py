"""The operations: a family a file, their common type rules, and the kernels that compute them on numbers."""
