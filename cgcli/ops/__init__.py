"""The operations, a file a family; importing the room fills the registry."""

from . import arithmetic, compare, draws, elementwise, gather, kinks, linalg, reduce, shape, structure, windows
from .registry import OPS

__all__ = [
    "OPS",
    "arithmetic",
    "compare",
    "draws",
    "elementwise",
    "gather",
    "kinks",
    "linalg",
    "reduce",
    "shape",
    "structure",
    "windows",
]
