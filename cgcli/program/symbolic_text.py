"""Operations of a graph and their local derivatives over names, as text and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.latex import latex_text
from cgcli.ops.notation import latex_constant, shown_attrs, write_constant
from cgcli.ops.rule_graph import FACTOR, SUMMAND, RuleGraph, rule_graph, write_rule
from cgcli.ops.spelling import LONGEST_TENSOR, UNARY, Written, within, write_latex
from cgcli.ops.table import BY_CODE
from cgcli.ops.written import WrittenOperations
from cgcli.optimise.simplify import simplify
from cgcli.render.explain import Name
from cgcli.render.written_text import operation_text

NO_TEXT = Written("")


class SymbolicText:
    """Operations and their local derivatives over names, as text and in LaTeX."""

    def __init__(self, written: WrittenOperations, names: Mapping[int, Name]) -> None:
        self.written, self.graph, self.names = written, written.graph, names

    def operation(self, i: int) -> tuple[str, str]:
        """An operation over the names of its operands."""
        return operation_text(self.written, i, self._text).text, self._operation_latex(i)

    def _operation_latex(self, i: int) -> str:
        graph, written = self.graph, self.written
        if written.text(i) is None:
            operands = [self._latex(written.result_of[x]) for x in graph.operands(i)]
            return write_latex(BY_CODE[graph.op[i]].spelling, operands, shown_attrs(graph, i)).text
        operands, symbol = [self._latex(x) for x in written.inputs(i)], written.operator(i)
        for x in written.members.get(i, (i,)):
            spelling = BY_CODE[graph.op[x]].spelling
            if spelling.form == "infix" and spelling.text == symbol and len(operands) == 2:
                return write_latex(spelling, operands, shown_attrs(graph, x)).text
        texts = [x.text for x in operands]
        if symbol.startswith("[") and symbol != "[…]" and texts:
            text = rf"{texts[0]}\text{{{latex_text(symbol)}}}"
            return f"{text} {texts[-1]}" if symbol.endswith("=") and len(texts) > 1 else text
        return rf"\operatorname{{{latex_text(symbol)}}}\left({', '.join(texts)}\right)"

    def partial(self, i: int, x: int) -> tuple[Written, Written]:
        """The local derivative of operation `i` by its operand `x` in symbols.

        Empty where it is no single number, or the operation has several nodes.
        """
        if i in self.written.members or not all(map(self._is_number, (i, *self.graph.operands(i)))):
            return NO_TEXT, NO_TEXT
        rule = rule_graph(self.written, i, x, of_number=True)
        return (NO_TEXT, NO_TEXT) if rule is None else self._rule(rule, NO_TEXT, NO_TEXT)

    def backward_rule(self, i: int, x: int, cotangent: tuple[str, str] | None) -> tuple[Written, Written]:
        """How the derivative by the operation `i`, in text and in LaTeX, passes back to its operand `x`; None: it is 1.

        Empty where there are no words for it.
        """
        text, latex = (Written("1"), Written("1")) if cotangent is None else map(Written, cotangent)
        part = self._part_rule(i, x, text)
        if part is not None:
            return part, Written(rf"\text{{{latex_text(part.text)}}}", 0)
        rule = rule_graph(self.written, i, x, of_number=cotangent is None)
        if rule is None:
            return NO_TEXT, NO_TEXT
        of_text, of_latex = self._rule(rule, text, latex)
        if not of_text.text or not rule.axes:
            return of_text, of_latex
        return (
            Written(f"{rule.summed} of {within(of_text, FACTOR)}", UNARY),
            Written(rf"\text{{{rule.summed} of }} {_bracketed(of_latex)}", UNARY),
        )

    def _part_rule(self, i: int, x: int, g: Written) -> Written | None:
        """The rule of an index, `zeros with [0] += g`, and of an assignment to a part, `g with [0] = 0`."""
        symbol, operands = self.written.operator(i), self.written.operands(i)
        if not symbol.startswith("[") or symbol == "[…]" or not operands or operands.count(x) > 1:
            return None
        if symbol.endswith("]") and x == operands[0]:
            return Written(f"zeros with {symbol} += {g.text}", 0)
        index = symbol.removesuffix(" =")
        if index == symbol or len(operands) != 2:
            return None
        return Written(f"{g.text} with {symbol} 0", 0) if x == operands[0] else Written(g.text + index)

    def _rule(self, rule: RuleGraph, cotangent: Written, cotangent_latex: Written) -> tuple[Written, Written]:
        """A rule simplified, as text and in LaTeX."""
        graph = prune(simplify(rule.graph)[0])
        nodes = dict(zip(graph.inputs, (rule.leaves[k].node for k in rule.graph.inputs), strict=True))

        def text(k: int) -> Written:
            node = nodes[k]
            return cotangent if node is None else self._text(node)

        def latex(k: int) -> Written:
            node = nodes[k]
            return cotangent_latex if node is None else self._latex(node)

        of_text = write_rule(graph, text, "cg") or NO_TEXT
        return of_text._replace(text=of_text.text.replace(" @ ", " · ")), write_rule(graph, latex, None) or NO_TEXT

    def _is_number(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and not t.shape

    def _text(self, x: int) -> Written:
        if x in self.names:
            return Written(self.names[x].text)
        return write_constant(self.graph, x, longest=LONGEST_TENSOR)

    def _latex(self, x: int) -> Written:
        if x in self.names:
            return Written(self.names[x].latex)
        return latex_constant(self.graph, x)


def _bracketed(latex: Written) -> str:
    return latex.text if latex.level >= FACTOR else rf"\left({latex.text}\right)"


def sum_of(terms: Sequence[Written | None]) -> str:
    """A sum; `…` for terms that are None. Empty where a term is."""
    if len(terms) == 1 and terms[0] is not None:
        return terms[0].text
    text = ""
    for term in terms:
        if term is None:
            text += "" if text.endswith("…") else " + …" if text else "…"
            continue
        if not term.text:
            return ""
        is_negative = term.text.startswith("-") and term.level >= SUMMAND
        sign = (" - " if is_negative else " + ") if text else ""
        text += sign + (term.text[1:] if sign == " - " else within(term, SUMMAND))
    return text
