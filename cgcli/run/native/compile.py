"""Machine code of loop nests: compiled with llvmlite or taken from the cache, called without Python's lock."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from cgcli.loop_nests.extents import numbers_of
from cgcli.loop_nests.form import DTYPES, Apply, Buffer, LoopNest, Unsupported, Value, statements
from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.ops.limits import memory_limit

from . import objects
from .host import host
from .llvm import argument_buffers, llvm_module
from .platform_functions import PREFIX, addresses
from .work import weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAST = 2**63 - 1
"""An end of chunk loops that no loop reaches."""
MUCH = 10**9
"""The largest number of statements that is told apart."""
OPTIMISATION = 2
"""The level of LLVM's code generation. Its passes over the representation are not run: the builder of nests has made
each value once and outside of loops where it can be."""

_Function = Callable[[object, object, int, int, object, object], int]


@cache
def _allocator() -> tuple[int, ...]:
    """The addresses of the functions that give zeroed memory and free it. They need no lock of Python's."""
    functions = ctypes.pythonapi.PyMem_RawCalloc, ctypes.pythonapi.PyMem_RawFree
    return tuple(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)


class StopFlag:
    """Ends the runs that are handed it: each returns the status STOPPED soon after `set`.

    memory: the bytes that local buffers of a run may take.
    """

    def __init__(self, memory: int | None = None) -> None:
        self.controls = (ctypes.c_int64 * 4)(0, *_allocator(), memory or memory_limit())

    def set(self) -> None:
        self.controls[0] = 1

    def is_set(self) -> bool:
        return bool(self.controls[0])


_NEVER = StopFlag()
"""Ends no run."""


class _Argument:
    """A buffer of the caller, and what its array has to be."""

    def __init__(self, name: str, buffer: Buffer) -> None:
        import numpy as np

        self.name, self.shape, self.written = name, buffer.shape, buffer.role != "in"
        self.dtype = np.dtype(DTYPES[buffer.type])

    def check(self, array: NDArray[Any], sizes: Mapping[Value, int]) -> None:
        """Raises ValueError for an array of another dtype, layout or shape."""
        if array.dtype != self.dtype:
            raise ValueError(f"{self.name}: {array.dtype} where the nest has {self.dtype}")
        flags = array.flags
        if not flags.c_contiguous or not flags.aligned or (self.written and not flags.writeable):
            raise ValueError(f"{self.name}: an array that is not contiguous, or an output that cannot be written")
        shape = tuple([n if isinstance(n, int) else sizes.get(n) for n in self.shape])
        if shape != array.shape and not _fits(shape, array.shape):
            raise ValueError(f"{self.name}: an array of shape {array.shape} where the nest has {shape}")


def _fits(shape: Sequence[int | None], other: Sequence[int]) -> bool:
    """Whether shapes agree; None stands for a size that the run computes."""
    return len(shape) == len(other) and all(n in (None, m) for n, m in zip(shape, other, strict=True))


class CompiledNest:
    """The machine code of a nest. Runs may overlap."""

    def __init__(self, nest: LoopNest, function: _Function, memory: object) -> None:
        """memory: what holds the code as long as it lives."""
        self.nest, self._function, self._memory = nest, function, memory
        self._work: tuple[Mapping[str, int], int] | None = None
        self._arguments = [_Argument(name, nest.buffers[name]) for name in argument_buffers(nest)]
        self._addresses = ctypes.c_void_p * max(1, len(self._arguments))
        self._numbers = ctypes.c_int64 * max(1, len(nest.sizes))

    def work(self, sizes: Mapping[str, int]) -> int:
        """About how many statements a run executes; `MUCH` where that is more or only the run tells."""
        if self._work is None or self._work[0] != sizes:
            self._work = dict(sizes), weight(self.nest.body, MUCH, numbers_of(self.nest, sizes))
        return self._work[1]

    def bind(
        self, arrays: Mapping[str, NDArray[Any]], sizes: Mapping[str, int], routines: object = None
    ) -> Callable[[int, int, StopFlag], int]:
        """The nest over these arrays as `run(begin, end, stop)`, which returns 0 or the status of what stopped it.

        arrays: of the buffers that are the caller's. routines: the table of what the nest calls. Raises ValueError for
        an array of another dtype or shape than the nest's, for one that is not contiguous, and for an output that
        cannot be written.
        """
        named = {value: sizes[name] for name, value in self.nest.sizes.items()}
        for argument in self._arguments:
            argument.check(arrays[argument.name], named)
        addresses = [arrays[argument.name].ctypes.data for argument in self._arguments]
        return self.bind_addresses(addresses, [*named.values()], routines, dict(arrays))

    def bind_addresses(
        self, addresses: Sequence[int], sizes: Sequence[int], routines: object, lives: object
    ) -> Callable[[int, int, StopFlag], int]:
        """The same over arrays that fit, by the addresses of their elements. lives: what holds their memory."""
        table, numbers, function = self._addresses(*addresses), self._numbers(*sizes), self._function
        held = self._memory, lives

        def run(begin: int, end: int, stop: StopFlag) -> int:
            assert held  # code and arrays, as long as the function does
            return function(table, numbers, begin, end, stop.controls, routines)

        return run

    def run_at(self, addresses: Sequence[int], sizes: Sequence[int]) -> int:
        """Runs the nest to its end; its status. addresses: those of the arrays of its buffers, in the order of
        `argument_buffers`, which nothing checks; sizes: in the order of the nest."""
        return self._function(self._addresses(*addresses), self._numbers(*sizes), 0, LAST, _NEVER.controls, None)

    def run(
        self,
        arrays: Mapping[str, NDArray[Any]],
        sizes: Mapping[str, int],
        begin: int = 0,
        end: int = LAST,
        stop: StopFlag | None = None,
        routines: object = None,
    ) -> int:
        """Runs the nest on arrays, of each `chunk` loop the steps in [begin, end); the status. Raises ValueError."""
        return self.bind(arrays, sizes, routines)(begin, end, StopFlag() if stop is None else stop)


def _machine() -> Any:
    import llvmlite.binding as llvm

    target = llvm.Target.from_triple(host().triple)
    return target.create_target_machine(cpu=host().cpu, features=host().features, opt=OPTIMISATION)


def object_code(text: str) -> bytes:
    """A module as an object file for this processor."""
    import llvmlite.binding as llvm

    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = host().triple, str(machine.target_data)
    module.verify()
    return bytes(machine.emit_object(module))


_loaded: dict[str, tuple[_Function, object]] = {}
_TYPE = ctypes.CFUNCTYPE(ctypes.c_int64, *(ctypes.c_void_p,) * 2, *(ctypes.c_int64,) * 2, *(ctypes.c_void_p,) * 2)


def _load(code: bytes) -> tuple[_Function, object]:
    """The function of an object file, and what keeps its memory."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly("")
    module.triple = host().triple
    engine = llvm.create_mcjit_compiler(module, _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return _TYPE(engine.get_function_address("nest")), engine


@cache
def _platform_functions() -> frozenset[str]:
    """The primitives that are functions of the platform, whose addresses LLVM has from now on."""
    import llvmlite.binding as llvm

    for name, address in addresses().items():
        llvm.add_symbol(PREFIX + name, address)
    return frozenset(addresses())


def compile_nest(nest: LoopNest, platform: bool = False) -> CompiledNest:
    """The machine code of a nest, the same for the same text. Raises Unsupported for one that calls unknown routines,
    and ImportError without llvmlite.

    platform: whether functions are those of the platform; raises Unsupported for one that it lacks.
    """
    if platform:
        applied = {s.primitive for s in statements(nest.body) if isinstance(s, Apply)}
        for name in sorted((applied & FUNCTIONS.keys()) - _platform_functions()):
            raise Unsupported(f"`{name}`")
    text = llvm_module(nest, host().features, platform)
    if text not in _loaded:
        _loaded[text] = _load(objects.object_file(text, host(), object_code))
    return CompiledNest(nest, *_loaded[text])
