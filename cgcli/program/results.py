"""Results of programs: several outputs, and a value with its derivatives."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cgcli.graph.lexemes import identifier


class Outputs:
    """The outputs of a program, in order, which cannot be changed.

    `y, z = outputs` unpacks the values, `outputs.y` and `outputs["lambda"]` are one of them, `dict(outputs)` are all of
    them by name. `name in outputs` asks for a name.
    """

    __slots__ = ("_by_name",)
    _by_name: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_by_name", dict(values))

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._by_name.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._by_name.values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of a name and its value."""
        return self._by_name.items()

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise KeyError(f"outputs are asked for by name, or unpacked: {', '.join(self._by_name)}")
        return self._by_name[identifier(name)]

    def __getattr__(self, name: str) -> Any:
        if name in self._by_name:
            return self._by_name[name]
        raise AttributeError(f"there is no output {name!r}; the outputs are {', '.join(self._by_name)}")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._by_name]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("outputs cannot be changed; `dict(outputs)` is a copy that can")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("outputs cannot be changed; `dict(outputs)` is a copy that can")

    def __eq__(self, other: object) -> bool:
        """Whether the other outputs, or the other mapping, have the same names and equal values."""
        if not isinstance(other, (Outputs, Mapping)):
            return NotImplemented
        return equal(self._by_name, dict(other))

    __hash__ = None  # type: ignore[assignment]  # arrays among the values have no hash

    def __repr__(self) -> str:
        return f"Outputs({', '.join(f'{name}={value!r}' for name, value in self._by_name.items())})"

    def __reduce__(self) -> tuple[type[Outputs], tuple[dict[str, Any]]]:
        return Outputs, (self._by_name,)


@dataclass(frozen=True, eq=False)
class Gradient(Mapping[str, Any]):
    """The value of `of` and its derivative by each name, in that one's shape; zero where it does not depend on it.

    It reads as the mapping of its partial derivatives: `gradient["a"]`, `dict(gradient)`.
    """

    of: str
    value: Any
    partials: dict[str, Any]
    picture: Callable[[str], str | None] | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.partials[identifier(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.partials)

    def __len__(self) -> int:
        return len(self.partials)

    def __eq__(self, other: object) -> bool:
        """Whether another gradient is equal, or another mapping has equal partial derivatives."""
        if isinstance(other, Gradient):
            mine, theirs = ({"of": g.of, "value": g.value, "partials": g.partials} for g in (self, other))
            return equal(mine, theirs)
        return equal(self.partials, dict(other)) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # arrays among the values have no hash

    def __reduce__(self) -> tuple[type[Gradient], tuple[str, Any, dict[str, Any]]]:
        return Gradient, (self.of, self.value, self.partials)  # a copy has no picture

    def _repr_svg_(self) -> str | None:
        """The graph with its values and gradients, for a notebook."""
        return None if self.picture is None else self.picture("svg")

    def _repr_html_(self) -> str | None:
        """The page of the program at these values, for a notebook."""
        return None if self.picture is None else self.picture("html")


def equal(first: Any, second: Any) -> bool:
    """Whether two values are equal: numbers, arrays of one shape, and dictionaries and lists of them."""
    pairs = [(first, second)]
    while pairs:
        x, y = pairs.pop()
        if isinstance(x, dict) and isinstance(y, dict):
            if x.keys() != y.keys():
                return False
            pairs += [(x[key], y[key]) for key in x]
        elif isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)):
            if len(x) != len(y):
                return False
            pairs += zip(x, y, strict=True)
        elif getattr(x, "shape", ()) != getattr(y, "shape", ()):
            return False
        else:
            same = x == y
            if not bool(same.all() if hasattr(same, "all") else same):
                return False
    return True
