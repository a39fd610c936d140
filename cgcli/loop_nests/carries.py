"""Which carries a step of a loop reads while it computes their next values: whether those may be written in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from cgcli.graph.graph import COND, LOOP
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE

from .readers import Components, Stored

if TYPE_CHECKING:
    from .readers import Frame


class Reads:
    """Of each node that is computed when it is read: the carries that it reads, as a set of bits.

    buffers: those of the carries, with their numbers. elsewhere: the carries of which an element is read at another
    index than that of the element computed.
    """

    def __init__(self, frame: Frame, buffers: Mapping[str, int]) -> None:
        graph = frame.graph
        self.carries = [0] * len(graph)
        self.elsewhere = [0] * len(graph)
        for i, code in enumerate(graph.op):
            if frame.owned.get(i) in buffers:
                self.carries[i] = 1 << buffers[frame.owned[i]]
            elif code not in (COND, LOOP) and not isinstance(frame.readers.get(i), Stored | Components):
                op, operands = BY_CODE[code], graph.operands(i)
                for x in operands:
                    self.carries[i] |= self.carries[x]
                    same = op.is_elementwise and graph.type_of(x) == cast("Type", graph.type_of(x))._replace(
                        shape=cast("Type", graph.type_of(i)).shape
                    )
                    self.elsewhere[i] |= self.elsewhere[x] if same else self.carries[x]


class Pending:
    """The carries whose next values are still to be written, with the output of the body that each is."""

    def __init__(self, reads: Reads, outputs: Mapping[int, int]) -> None:
        self.outputs = dict(outputs)
        self._reads = {n: reads.carries[x] for n, x in outputs.items()}
        self._elsewhere = {n: reads.elsewhere[x] for n, x in outputs.items()}
        self._stored: set[int] = set()
        self._readers = dict.fromkeys(outputs, 0)  # how many of the pending ones read a carry
        for n in outputs:
            self._count(n, 1)

    def ready(self) -> list[int]:
        """The carries that may be written in place: no other one reads them, and they only at the element written."""
        return [
            n for n in self.outputs if not self._elsewhere[n] >> n & 1 and self._readers[n] == (self._reads[n] >> n & 1)
        ]

    def blocking(self) -> int:
        """A carry whose next value reads others, or other elements, for when none is ready."""
        return next(n for n in self.outputs if n not in self._stored)

    def stored(self, n: int) -> None:
        """The next value of a carry lies in memory of its own."""
        self._count(n, -1)
        self._stored.add(n)
        self._reads[n] = self._elsewhere[n] = 0

    def written(self, n: int) -> None:
        """A carry has its next value."""
        self._count(n, -1)
        del self.outputs[n]

    def _count(self, n: int, step: int) -> None:
        for k in _bits(self._reads[n]):
            if k in self._readers:
                self._readers[k] += step


def _bits(x: int) -> Iterator[int]:
    while x:
        low = x & -x
        yield low.bit_length() - 1
        x ^= low
