"""The live page of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from cgcli.render.page.data import PageProgram, page_data, roomy
from cgcli.render.page.html import html
from cgcli.render.picture.compose import picture as compose
from cgcli.render.picture.content import Picture, View
from cgcli.render.picture.draw import fitting
from cgcli.run.binding import missing, require

from .computation import Computation, Values
from .graph_values import default_of
from .nested_values import with_nested
from .page_passes import passes_of, slots_of, stops, why_still
from .picture_options import PictureOptions, view_of

MOST_OUTPUTS = 8  # that a page offers to differentiate


def page(
    program: Computation, values: Values, of: str | None, options: PictureOptions, note: Callable[[str], None]
) -> str:
    """The text of the page of a program. note: called with each remark about it.

    Inputs that are numbers and have no value start at 1, or as near to it as they may be, and a remark says so. Raises
    CgError where the value of another one is missing, and as `program.run`.
    """
    values = _with_starts(program, values, note)
    graph, names = program.graph, _outputs(program, of)
    evaluation = with_nested(program.run(values, of=names[0]) if names else program.run(values, derivatives=False))
    view, drawing = view_of(graph, options), options.drawing()
    params = [i.name for i in program.inputs if i.kind == "param"]
    nodes: list[int] = [program.module.values[name] for name in names]

    def still(view: View) -> Picture:
        return replace(compose(graph, evaluation, params, view), subject="")  # the page says it

    def picture_with_room(view: View) -> Picture:
        result = still(view)
        return roomy(result, slots_of(graph, nodes, result)[0], names)

    why = why_still(graph)
    arranged = fitting(still if why else picture_with_room, view, drawing)
    passes = passes_of(graph, nodes, arranged.picture, why)
    if passes.why != why:
        arranged = fitting(still, view, drawing)
        passes = passes_of(graph, nodes, arranged.picture, passes.why)
    bound = program.bind_inputs(values)
    source = program.module.source
    shown = PageProgram(
        options.title or PurePath(source.name).stem,
        source.text,
        PurePath(source.name).name,
        graph,
        evaluation,
        list(zip(program.inputs, bound, strict=True)),
        list(zip(names, nodes, strict=True)),
        list(passes.points(program.inputs, bound)),
        [stops(each, a.nest) for each, a in zip(passes.graphs, passes.passes, strict=True)],
        passes.why,
    )
    data = page_data(shown, arranged, passes.slots, drawing, passes.recorded(evaluation))
    for text in arranged.picture.notes:
        note(text)
    return html(data, passes.script)


def _with_starts(program: Computation, values: Values, note: Callable[[str], None]) -> Values:
    """The values, and those at which inputs without one start."""
    starts: dict[str, float] = {}
    for name in missing(program.inputs, values):
        declared = program.input(name)
        if declared.type.shape:
            require(program.inputs, values)
        low, high = declared.range or (1, 1)
        start = min(max(1.0, low), high)
        starts[name] = start if declared.type.is_float else bool(start) if declared.type.dtype == "bool" else int(start)
    if starts:
        note(f"no values are given, so the page starts at {', '.join(f'{name} = {x:g}' for name, x in starts.items())}")
    return {**values, **starts}


def _outputs(program: Computation, of: str | None) -> list[str]:
    """The outputs that a page offers to differentiate, the chosen one first."""
    first = program.of_choice(of) if of is not None else default_of(program)
    if first is None:
        return []
    others = [name for name in program.float_outputs() if name != first]
    return [first, *others][:MOST_OUTPUTS]
