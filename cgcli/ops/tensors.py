"""The families of operations on tensors; the registry imports them when it is asked for the first of their ops."""

from . import draws, gather, linalg, reduce, shape, stacks, windows

__all__ = ["draws", "gather", "linalg", "reduce", "shape", "stacks", "windows"]
