"""The operations, a file a family. Importing the room declares those on numbers; those on tensors are in `tensors`."""

from . import arithmetic, compare, elementwise, kinks, loops, slopes, structure
from .registry import OPS

__all__ = ["OPS", "arithmetic", "compare", "elementwise", "kinks", "loops", "slopes", "structure"]
