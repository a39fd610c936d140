"""What stands beside an arrow: the derivative of a unit by what it reads, the shape of a tensor, the backward rule."""

from __future__ import annotations

from collections.abc import Callable

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import INPUT
from cgcli.ops.spelling import Written
from cgcli.ops.written import WrittenOperations
from cgcli.render.formula import typographic

from .units import Units, reads

LONGEST_RULE = 24  # characters of a backward rule
_COTANGENT = Written("·")


def local_derivatives(units: Units, evaluation: Evaluation, i: int) -> dict[int, float | None]:
    """The derivative of the unit with the result `i` by each result that it reads: the sum over the paths within it of
    the products of the partials on their edges. None where no path passes a derivative on; only numbers have any.
    """
    cotangents: dict[int, float] = {i: 1.0}
    derivatives: dict[int, float | None] = {}
    for node in reversed(units.members(i)):
        cotangent = cotangents.get(node)
        partials = evaluation.partials.get(node)
        if cotangent is None or not partials:
            continue
        for operand, partial in zip(reads(units.graph, node), partials, strict=False):
            is_inside = units.result_of[operand] == i
            x = operand if is_inside else units.result_of[operand]
            if partial is None:
                derivatives.setdefault(x, None)
            elif is_inside:
                cotangents[x] = cotangents.get(x, 0.0) + cotangent * partial
            else:
                derivatives[x] = (derivatives.get(x) or 0.0) + cotangent * partial
    return {x: partial for x, partial in derivatives.items() if units.result_of[x] != i}


def backward_rule(written: WrittenOperations, i: int, x: int, name: Callable[[int], str | None]) -> str:
    """How the cotangent `·` of a tensor operation passes back to its operand `x`: `· × target`, `sum over rows`.

    name: of a node, if it has one that the reader sees. Empty where the rule is long or has no words.
    """
    if i in written.members or list(map(written.result_of.__getitem__, written.graph.operands(i))).count(x) != 1:
        return ""
    from cgcli.ops.rule_graph import rule_graph, write_rule  # for tensors alone

    rule = rule_graph(written, i, x)
    if rule is None:
        return ""

    def leaf(k: int) -> Written:
        node = rule.leaves[k].node
        return _COTANGENT if node is None else Written(name(node) or "")

    result = rule.graph.outputs[0]
    if rule.graph.op[result] == INPUT and rule.leaves[result].node is None:
        return rule.summed
    text = write_rule(rule.graph, leaf, "picture", 8)
    if text is None or not text.text:
        return ""
    product = text.text.replace(" @ ", " ")
    if "^" in product:
        product = typographic(product)  # its exponents
    short = f"{rule.summed}: {product}" if rule.summed else product
    return short if len(short) <= LONGEST_RULE else ""
