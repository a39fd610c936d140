"""Results that show themselves: a run as its picture, a plan as text or as a picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import PurePath

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.plan import Compilation
from cgcli.graph.traversal import every
from cgcli.run.binding import missing

from .computation import Computation, Values

LARGEST_PAGE = 2000  # nodes of a graph whose page a notebook shows; of a larger one it shows the picture


@dataclass(frozen=True)
class ShownRun(Evaluation):
    """The values of all nodes of a program; a notebook draws them.

    name: the program's; params: names of parameters; page: makes the page of the program at these values.
    """

    name: str = ""
    params: tuple[str, ...] = ()
    page: Callable[[], str | None] | None = field(default=None, repr=False, compare=False)

    def _repr_html_(self) -> str | None:
        return None if self.page is None else self.page()

    def _repr_svg_(self) -> str | None:
        from cgcli.render.picture.draw import render

        with suppress(CgError):  # of a layout that takes too long
            return render(self.graph, self, "svg", title=self.name, params=self.params).data.decode("utf-8")
        return None


@dataclass(frozen=True)
class ShownPlan(Compilation):
    """A plan that `print` writes out and a notebook draws. name: the program's; inputs: name, kind and type of each."""

    name: str = ""
    inputs: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        from cgcli.render.plan import text

        return "\n".join(text(self, self.inputs, self.name, 100, ascii_only=False, full=False))

    def _repr_svg_(self) -> str:
        from cgcli.render.plan_picture import draw

        return draw(self, self.name)


def shown_program(program: Computation, kind: str, values: Values, of: str | None) -> str | None:
    """The picture of a program, or its page (`html`); None for one that cannot be drawn, and for a page without values
    or of a large graph."""
    from .picture_options import PictureOptions
    from .pictures import picture

    with suppress(CgError):
        program = program.recorded(values)
        if kind != "html":
            return picture(program, values, kind, of, PictureOptions()).text
        if not missing(program.inputs, values) and sum(map(len, every(program.graph))) <= LARGEST_PAGE:
            return picture(program, values, kind, of, PictureOptions())._repr_html_()
    return None


def shown_run(run: Evaluation, program: Computation, page: Callable[[], str | None] | None) -> ShownRun:
    """The run as one of the program. page: makes the page of it."""
    params = tuple(i.name for i in program.inputs if i.kind == "param")
    name = PurePath(program.module.source.name).stem
    return ShownRun(**{f.name: getattr(run, f.name) for f in fields(Evaluation)}, name=name, params=params, page=page)


def shown_plan(plan: Compilation, program: Computation) -> ShownPlan:
    """The plan as one of the program."""
    inputs = tuple((i.name, i.kind, str(i.type)) for i in program.inputs)
    name = PurePath(program.module.source.name).name
    return ShownPlan(**{f.name: getattr(plan, f.name) for f in fields(Compilation)}, name=name, inputs=inputs)
