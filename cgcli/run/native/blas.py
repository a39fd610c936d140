"""BLAS by its addresses: NumPy's copy where that exports its symbols, else the one that SciPy hands out.

It computes on one thread while nests run: its own threads lose much time where a core is busy, and sums would depend on
their number.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

NAMES = ("dgemm", "dgemv", "sgemm", "sgemv")
LARGEST_INT = 2**31
"""What counts of elements stay below where BLAS has ints of 32 bits."""
_Threads = Callable[..., Any]


class Blas(NamedTuple):
    """addresses: by name. ints: the numbers that it takes are smaller. threads: what reads and sets how many it has."""

    addresses: Mapping[str, int]
    ints: int
    threads: tuple[_Threads, _Threads] | None


@cache
def blas() -> Blas:
    module = importlib.import_module("numpy._core._multiarray_umath")
    library = ctypes.CDLL(module.__file__)  # a symbol is looked for in what it links, too
    for pattern, ints in (("scipy_{}_64_", 2**63), ("{}_64_", 2**63), ("scipy_{}_", LARGEST_INT)):
        addresses = {name: _address(library, pattern.format(name)) for name in NAMES}
        if all(addresses.values()):
            return Blas(addresses, ints, _thread_functions(library))
    from scipy.linalg import cython_blas

    capsules = cython_blas.__pyx_capi__
    library = ctypes.CDLL(cython_blas.__file__)
    return Blas({name: _of_capsule(capsules[name]) for name in NAMES}, LARGEST_INT, _thread_functions(library))


def _address(library: ctypes.CDLL, name: str) -> int:
    """The address of a symbol, 0 where there is none."""
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


def _of_capsule(capsule: object) -> int:
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name(capsule)))


def _thread_functions(library: ctypes.CDLL) -> tuple[_Threads, _Threads] | None:
    for pattern in ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads"):
        get, set_ = (getattr(library, pattern.format(verb), None) for verb in ("get", "set"))
        if get is not None and set_ is not None:
            get.restype, get.argtypes, set_.restype, set_.argtypes = ctypes.c_int, [], None, [ctypes.c_int]
            return get, set_
    return None


def thread_count() -> int | None:
    """How many threads BLAS has; None where it does not say."""
    functions = blas().threads
    return None if functions is None else functions[0]()


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Within, BLAS has so many threads, NumPy's copy of it and SciPy's; with None as many as it has."""
    if count is None:
        yield
        return
    from scipy.linalg import cython_blas

    copies = blas().threads, _thread_functions(ctypes.CDLL(cython_blas.__file__))
    before = [(set_, get()) for get, set_ in filter(None, copies)]
    for set_, _ in before:
        set_(count)
    try:
        yield
    finally:
        for set_, own in before:
            set_(own)


class _OneThread:
    """runs: how many hold BLAS to one thread; before: how many threads it had."""

    def __init__(self) -> None:
        self.lock, self.runs, self.before = threading.Lock(), 0, 1


_held = _OneThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """Holds BLAS to one thread as long as a run is within this."""
    functions = blas().threads
    if functions is None:
        yield
        return
    get, set_ = functions
    with _held.lock:
        if not _held.runs:
            _held.before = get()
            set_(1)
        _held.runs += 1
    try:
        yield
    finally:
        with _held.lock:
            _held.runs -= 1
            if not _held.runs:
                set_(_held.before)
