"""Values from other array libraries and results for them, by protocols: none of the libraries is imported here.

An array comes by `__array__`, by DLPack or by Arrow's PyCapsules. A result goes into the library of the values: by the
namespace of the array-API standard, else by what the library's own module offers (`asarray`, `Series` or `array`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.lexemes import identifier

from .results import Gradient

PROTOCOLS = ("__array__", "__dlpack__", "__array_namespace__", "__arrow_c_array__", "__arrow_c_stream__")
HOST_DEVICES = (1, 3, 11, 13)
"""DLPack's numbers of devices whose memory the processor reads: its own, and memory that CUDA or ROCm share with it."""


class ArrayLibrary:
    """A library that results are given in.

    convert: makes one of its arrays from NumPy's. columns: whether it holds columns of tables alone: then numbers stay
    Python's, and arrays of more axes NumPy's.
    """

    def __init__(self, name: str, convert: Callable[..., Any], columns: bool = False) -> None:
        self.name, self.convert, self.columns = name, convert, columns
        self.indexes: dict[str, Any] = {}  # of columns with labelled rows, by the name of the value

    def result(self, x: Any, name: str = "") -> Any:
        """A number or an array in this library; other data unchanged. name: of the value that `x` belongs to row by
        row."""
        if isinstance(x, (str, dict, list, tuple, type(None))):
            return x
        import numpy as np

        array = np.array(x, order="C")  # a copy, for a result may be a view of a value
        if not self.columns:
            return self.convert(array)
        if array.ndim != 1:
            return x
        index = self._index(len(array), name)
        return self.convert(array) if index is None else self.convert(array, index=index)

    def results(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The results, each in this library."""
        return {name: self.result(x, name) for name, x in values.items()}

    def gradient(self, gradient: Gradient) -> Gradient:
        """The gradient with its value and partial derivatives in this library."""
        return replace(gradient, value=self.result(gradient.value), partials=self.results(gradient.partials))

    def _index(self, rows: int, name: str) -> Any:
        """The labels of the rows of a result: those of the value `name`, else of the values with so many rows.

        Raises CgError where these have different ones.
        """
        if name in self.indexes:
            return self.indexes[name]
        indexes = {n: index for n, index in self.indexes.items() if len(index) == rows}
        if not indexes:
            return None
        (first_name, first), *others = indexes.items()
        for other_name, other in others:
            if not first.equals(other):
                raise error("row-labels-differ", status=1, first=first_name, second=other_name)
        return first


def read_arrays(values: Mapping[str, Any]) -> tuple[dict[str, Any], ArrayLibrary | None]:
    """The values as numbers, lists and NumPy arrays, and the library of their results: None for NumPy's.

    Raises CgError for arrays that cannot be read and for two libraries.
    """
    library: ArrayLibrary | None = None
    first = ""
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        arrays[name], samples = _read(name, value)
        for sample in samples:
            other = _library(sample)
            if other is None:
                continue
            if library is None:
                library, first = other, name
            elif library.name != other.name:
                libraries = {"first_library": library.name, "second_library": other.name}
                raise error("two-array-libraries", status=2, first=first, second=name, **libraries)
        if library is not None and library.columns and hasattr(getattr(value, "index", None), "equals"):
            library.indexes[identifier(name)] = value.index
    return arrays, library


def unshared(results: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The results, with copies of the arrays that lie in the memory of a value or of another result, and of those that
    cannot be written to.
    """
    owners = {_owner(x) for x in values.values() if hasattr(x, "dtype")}
    own: dict[str, Any] = {}
    for name, x in results.items():
        shares = bool(getattr(x, "ndim", 0)) and (not x.flags.writeable or _owner(x) in owners)
        own[name] = x.copy() if shares else x
        owners.add(_owner(x))
    return own


def _owner(x: Any) -> int:
    """The identity of the object whose memory an array shows."""
    while getattr(x, "base", None) is not None:
        x = x.base
    return id(x)


def _read(name: str, value: Any) -> tuple[Any, list[Any]]:
    """A value as NumPy's or Python's, and the arrays of other libraries that it is or holds."""
    if _is_foreign(value):
        return as_numpy(name, value), [value]
    if isinstance(value, Mapping) or (isinstance(value, (list, tuple)) and value and not _is_number(value[0])):
        return _read_nested(name, value)
    if hasattr(type(value), "mask"):  # NumPy's masked arrays
        _refuse_missing(name, int(value.mask.sum()))
        return value.data, []
    return value, []


def _read_nested(name: str, data: Any) -> tuple[Any, list[Any]]:
    """Lists and records with their arrays as NumPy's, and these arrays. Lists that begin with a number are taken as
    they are."""
    samples: list[Any] = []
    results: dict[Any, Any] = {}
    stack: list[tuple[Any, Any, Any]] = [(data, results, 0)]
    while stack:  # data may nest deeper than Python recurses
        x, container, key = stack.pop()
        if isinstance(x, Mapping):
            container[key] = dict.fromkeys(x)
            stack += [(x[k], container[key], k) for k in x]
        elif isinstance(x, (list, tuple)) and x and not _is_number(x[0]):
            container[key] = [None] * len(x)
            stack += [(x[k], container[key], k) for k in reversed(range(len(x)))]
        elif _is_foreign(x):
            container[key] = as_numpy(name, x)
            samples.append(x)
        else:
            container[key] = x
    return results[0], samples


def _is_number(x: Any) -> bool:
    return type(x) in (float, int, bool)


def _is_foreign(value: Any) -> bool:
    kind = type(value)
    if kind.__module__.partition(".")[0] in ("builtins", "numpy", "cgcli"):
        return False
    return any(hasattr(kind, protocol) for protocol in PROTOCOLS)


def as_numpy(name: str, value: Any) -> Any:
    """An array of another library as NumPy's, with its memory where that is possible. Raises CgError."""
    if hasattr(value, "columns"):
        raise error("table-as-value", status=1, name=name, kind=type(value).__name__)
    try:
        if getattr(value, "requires_grad", False):
            raise error("tensor-requires-grad", status=1, name=name)
        device = value.__dlpack_device__()[0] if hasattr(value, "__dlpack_device__") else HOST_DEVICES[0]
        if device not in HOST_DEVICES:
            raise error("array-on-device", status=1, name=name, library=_library_name(value))
        _refuse_missing(name, _missing(value))
        return _array(name, value)
    except CgError:
        raise
    except Exception as problem:  # of another library, which says in its own words what it cannot do
        reason = next(iter(str(problem).strip().splitlines()), "") or type(problem).__name__
        raise error("array-unreadable", status=1, name=name, reason=reason) from None


def _array(name: str, value: Any) -> Any:
    import numpy as np

    if hasattr(value, "__array__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    from cgcli.data.arrow import column_of

    return as_numpy(name, column_of(value))


def _missing(value: Any) -> int:
    """How many elements of a column are missing: NaN is a number, null is none."""
    count = getattr(value, "null_count", 0)
    if callable(count):
        count = count()
    dtype = getattr(value, "dtype", None)
    if hasattr(value, "isna") and hasattr(dtype, "na_value"):  # pandas, in types that are not NumPy's
        count = value.isna().sum()
    return int(count)


def _refuse_missing(name: str, count: int) -> None:
    if count:
        raise error("missing-elements", status=1, name=name, count=count)


def _library(sample: Any) -> ArrayLibrary | None:
    """The library of an array, None where no way leads from NumPy into it."""
    name, namespace = _library_name(sample), _namespace(sample)
    module: Any = sys.modules.get(name)
    if namespace is not None:
        return ArrayLibrary(name, namespace.asarray)
    if hasattr(module, "asarray"):
        return ArrayLibrary(name, module.asarray)
    if hasattr(module, "Series"):
        return ArrayLibrary(name, module.Series, columns=True)
    return ArrayLibrary(name, module.array, columns=True) if hasattr(module, "array") else None


def _namespace(value: Any) -> Any:
    namespace = getattr(value, "__array_namespace__", None)
    return None if namespace is None else namespace()


def _library_name(value: Any) -> str:
    """The package of an array's library, as users import it."""
    namespace = _namespace(value)
    module: str = type(value).__module__ if namespace is None else namespace.__name__
    return module.partition(".")[0]
