"""Dynamic mode: a program, or a Python function, whose graph is recorded on a tape while it runs."""
