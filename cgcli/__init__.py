"""cg: evaluate, differentiate and see a computation."""
