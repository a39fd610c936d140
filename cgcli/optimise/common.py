"""Common subexpression elimination: what is computed twice from the same values is computed once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from cgcli.graph.graph import COND, CONST, INPUT, LOOP, Graph, nested
from cgcli.graph.traversal import used
from cgcli.ops.table import BY_CODE

from .editor import Editor
from .passes import Log, rewrite
from .structure import View


@rewrite("share", "what is computed twice from the same values is computed once")
def share(graph: Graph, log: Log | None = None) -> Graph:
    """Equal means the same op, operands, type and attributes; so 0.0 and -0.0, 1 and true, x and its copy stay two.

    Asserts of one condition with one message merge, too: the first that fails is the one that is reported.
    """
    ed = Editor(graph, log)
    nodes: dict[Hashable, int] = {}
    holders: dict[Hashable, list[int]] = {}
    attrs, more = ed.attrs, ed.more
    op, first_of, second_of, types = ed.op, ed.a, ed.b, ed.type
    for i in ed.walk():
        code = op[i]
        if code == INPUT:
            continue
        if code in (COND, LOOP):
            _merge_inputs(ed, i)
            ed.within(i, lambda inner: share.run(inner, log))
            _share_holder(ed, i, holders)
            continue
        a, b = first_of[i], second_of[i]
        if a > b and BY_CODE[code].effects.commutes:
            a, b = b, a
        key: tuple[object, ...] = (code, a, b, types[i])
        if i in attrs:
            key += (attrs_text(attrs[i]),)
        if i in more:
            key += more[i]
        first = nodes.setdefault(key, i)
        if first != i:
            _log_shared(ed, first, i)
            ed.replace(i, first)
    return ed.finish()


def _log_shared(ed: Editor, first: int, i: int) -> None:
    if ed.op[i] == CONST:
        ed.say("equal numbers are one constant")
    elif ed.graph.names.get(first) and ed.graph.names.get(i):
        ed.say("{} and {} are the same: one is computed", first, i)
    else:
        ed.say("{} was computed twice", i)


def attrs_text(attrs: Mapping[str, object]) -> str:
    """Attributes as a text: `repr` tells 0.0 from -0.0 and 1 from True."""
    return repr(sorted(attrs.items()) if len(attrs) > 1 else attrs)


def _share_holder(ed: Editor, i: int, candidates: dict[Hashable, list[int]]) -> None:
    """A node that holds graphs: they are compared only where all else is equal."""
    attrs = ed.attrs[i]
    graphs = nested(attrs)
    plain = attrs_text({key: value for key, value in attrs.items() if key not in graphs})
    key = (ed.op[i], ed.operands(i), ed.type[i], plain, tuple(len(graphs[k]) for k in sorted(graphs)))
    equal_keyed = candidates.setdefault(key, [])
    for x in equal_keyed:
        if all(graph == ed.attrs[x][k] for k, graph in graphs.items()):
            ed.say("{} was computed twice", i)
            ed.replace(i, x)
            return
    if len(equal_keyed) < _COMPARED:
        equal_keyed.append(i)


_COMPARED = 8  # graphs of equal size over equal values that are compared with a new one: the pass stays linear


def _merge_inputs(ed: Editor, i: int) -> None:
    """Merges inputs of a nested graph that stand for one value: the first is read in place of the others."""
    view = View.of(ed, i)
    for key, graph in view.graphs():
        pairs: list[tuple[int, int]] = []
        seen: dict[int, int] = {}
        for x, inner in view.fixed(key):
            other = seen.setdefault(x, inner)
            if other != inner and graph.type_of(other) == graph.type_of(inner):
                pairs.append((inner, other))
        if pairs:
            merged = _merged(graph, pairs)
            if merged is not graph:
                ed.alter(i, attrs={**ed.attrs[i], key: merged})


def _merged(graph: Graph, pairs: list[tuple[int, int]]) -> Graph:
    replacements = dict(pairs)
    read = used(graph)
    if not any(read[x] for x in replacements):
        return graph
    inner = Editor(graph)
    for i in inner.walk():
        if i in replacements:
            inner.replace(i, replacements[i])
    return inner.finish()
