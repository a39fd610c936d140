"""The memory of scratch buffers: those that are used at the same time lie apart, others share bytes."""

from random import Random

import pytest
from tensor_harness import built

from cgcli.graph.types import Type
from cgcli.loop_nests.extents import shapes
from cgcli.loop_nests.lower import lower
from cgcli.ops.builder import Builder
from cgcli.run.native.scratch import ALIGNMENT, Lifetime, layout, lifetimes


@pytest.mark.parametrize("seed", range(100))
def test_buffers_in_use_at_the_same_time_lie_apart(seed: int) -> None:
    random = Random(seed)
    spans = {}
    for k in range(random.randint(0, 30)):
        first = random.randrange(20)
        spans[f"t{k}"] = Lifetime(first, random.randint(first, 22))
    sizes = {name: random.choice([0, 1, 8, 64, 1000, 10**6]) for name in spans}
    sizes["unused"] = 10**9
    offsets, total = layout(spans, sizes)
    assert set(offsets) == set(sizes)
    for name, span in spans.items():
        assert offsets[name] % ALIGNMENT == 0
        assert offsets[name] + sizes[name] <= total or not sizes[name]
        for other, others in spans.items():
            if name < other and span.first <= others.last and others.first <= span.last:
                ends = offsets[name] + sizes[name], offsets[other] + sizes[other]
                assert ends[0] <= offsets[other] or ends[1] <= offsets[name] or not (sizes[name] and sizes[other])
    assert total <= sum(-(-sizes[name] // ALIGNMENT) * ALIGNMENT for name in spans)


def test_a_chain_of_products_takes_the_memory_of_two() -> None:
    def chain(b: Builder, x: int) -> int:
        y = x
        for _ in range(10):
            y = b.matmul(y, x)
        return int(b.matmul(y, y))

    nest = lower(built(chain, Type("float", (100, 100))))
    sizes = {name: 80_000 for name in shapes(nest, {}) if nest.buffers[name].role == "scratch"}
    assert len(sizes) == 10
    assert layout(lifetimes(nest), sizes).size < 2.1 * 80_000
