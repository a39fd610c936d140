"""The operations, a file a family; importing the room fills the registry."""

from . import arithmetic, compare, elementwise, kinks, structure
from .registry import OPS

__all__ = ["OPS", "arithmetic", "compare", "elementwise", "kinks", "structure"]
