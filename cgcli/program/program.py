"""`Program`: what users call. Values come by keyword or in one mapping, from any array library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Source
from cgcli.graph.signature import Input as Input  # that of `Program.inputs`
from cgcli.graph.signature import Module

from .call_values import gradient_in, read_values, results_in
from .computation import Computation, Mode, Values

__all__ = ["Mode", "Program", "Values"]

if TYPE_CHECKING:
    from pathlib import Path

    from cgcli.analysis.differences import Check
    from cgcli.dynamic.loop_steps import LoopSteps
    from cgcli.graph.sizes import Shape
    from cgcli.render.explain import Explanation
    from cgcli.train.trainer import Callback

    from .fitting import Fitted, ShardsBy
    from .picture_options import PictureOptions
    from .pictures import Picture
    from .plot_options import PlotOptions
    from .plots import Plot
    from .results import Gradient
    from .rows import Derivatives
    from .shown import ShownPlan, ShownRun
    from .sweep_settings import SweepSettings
    from .tables import TableSettings


class Lowering(Protocol):
    """How a program's text becomes a graph: it can be pickled."""

    def __call__(self, open_shapes: Mapping[str, Shape]) -> Module:
        """The program for the axes that `...` stands for."""

    def with_texts(self, texts: Mapping[Path, Source]) -> Lowering:
        """The same with the texts of these files, which are not read again."""

    def dynamic(self) -> Program:
        """The program in dynamic mode."""


class Program(Computation):
    """A program, from a file, a text or a Python function.

    Every method that runs it takes the values of the inputs by keyword, `f(a=2)`, or in one mapping, `f({"a": 2})`:
    numbers, nested lists, arrays of NumPy, PyTorch, JAX and others, columns of pandas, polars and pyarrow. Results are
    of the library of the values. An input that is named like an option of a method (`of`, `wrt`) is given in the
    mapping. Raises CgError for values that do not fit and for runs that fail.

    inputs: the declarations; outputs: names, known before a run of all but Python functions; warnings: diagnostics. Set
    by users: `seed` of random initialisers, the limits `max_memory` (bytes), `max_steps`, `max_nodes` and `max_depth`,
    and `backend`.
    """

    def __init__(
        self, module: Module, lowering: Lowering | None = None, open_shapes: Mapping[str, Shape] | None = None
    ) -> None:
        super().__init__(module, lowering)
        self._lowering, self._open_shapes = lowering, open_shapes or {}

    # ---- values

    def __call__(self, values: Values | None = None, /, **inputs: Any) -> Any:
        """The output of the program, or several as `Outputs`."""
        read, library = read_values(values, inputs)
        outputs = results_in(super().eval(read), library, read)
        if not outputs:
            raise error("nothing-to-compute", name=self.module.source.name)
        if len(outputs) == 1:
            return next(iter(outputs.values()))
        from .results import Outputs

        return Outputs(outputs)

    def eval(self, values: Values | None = None, /, *, every: bool = False, **inputs: Any) -> dict[str, Any]:
        """The value of each output by name, or of every named value."""
        read, library = read_values(values, inputs)
        return results_in(super().eval(read, every=every), library, read)

    def run(
        self, values: Values | None = None, /, *, of: str | None = None, derivatives: bool = True, **inputs: Any
    ) -> ShownRun:
        """Everything that a picture shows: values of all nodes and, with `derivatives`, those of `of`."""
        from .shown import shown_run

        read, _ = read_values(values, inputs)
        run = super().run(read, of=of, derivatives=derivatives)
        return shown_run(run, self, partial(self._shown, "html", read, of) if derivatives else None)

    # ---- derivatives

    def grad(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        every: bool = False,
        **inputs: Any,
    ) -> Gradient:
        """The derivative of `of` (by default the only float output) by inputs: all floats among them, or `wrt`.

        every: by every named float value instead. Raises CgError for names that cannot be differentiated.
        """
        read, library = read_values(values, inputs)
        gradient = super().grad(read, of=of, wrt=wrt, every=every)

        def picture(kind: str) -> str | None:
            again = Computation.grad(self, read, of=gradient.of, wrt=list(gradient.partials))
            if again != gradient:  # arrays may have been written to
                return None
            return self._shown(kind, read, gradient.of)

        return replace(gradient_in(gradient, library, read), picture=picture)

    def value_and_grad(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        **inputs: Any,
    ) -> tuple[Any, Gradient]:
        """The value of `of`, and its derivatives as `grad` gives them."""
        gradient = self.grad(values, of=of, wrt=wrt, **inputs)
        return gradient.value, gradient

    def jacobian(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        **inputs: Any,
    ) -> Gradient:
        """The derivative of each element of `of` by each input: the shape of `of`, then that of the input."""
        read, library = read_values(values, inputs)
        gradient = super().jacobian(read, of=of, wrt=wrt)
        return gradient_in(gradient, library, read)

    def hessian(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        **inputs: Any,
    ) -> dict[str, dict[str, Any]]:
        """The second derivatives of `of` by each pair of inputs: the shape of the one, then that of the other."""
        read, library = read_values(values, inputs)
        return {name: results_in(row, library, read) for name, row in super().hessian(read, of=of, wrt=wrt).items()}

    def check_grad(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        **inputs: Any,
    ) -> list[Check]:
        """Each partial derivative beside a difference quotient; of a tensor the element that fits worst.

        Raises CgError where they disagree, with the operation whose derivative is wrong; `check_gradient` does not.
        """
        from .gradient_checks import require_agreement

        read, _ = read_values(values, inputs)
        program = self.recorded(read)
        checks = program.check_gradient(read, of=of, wrt=wrt)
        require_agreement(program, read, program.of_choice(of), checks)
        return checks

    def explain(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        max_paths: int = 10,
        **inputs: Any,
    ) -> Explanation:
        """The chain rule written out: each step, each local derivative, each path with its product; `print` shows it.

        Branches and loops are laid out as they run; of a loop the first two steps and the last are written out, and
        paths lead from step to step. Without any value, where one is missing, everything is in formulas. max_paths: how
        many paths to list, the largest first.
        """
        from .explain import explain, formulas, is_record

        read, _ = read_values(values, inputs)
        if self.mode == "static":
            program = self.for_shapes(read)
            if not read and not all(i.optional for i in self.inputs):
                return formulas(program, of, wrt, max_paths)
            program.of_choice(of)  # said before the run, which may be long
            if is_record(program.graph):
                return explain(program, of, wrt, max_paths, read)
        recorded, steps = self.in_dynamic_mode().recorded_with_steps(read)
        return explain(recorded, of, wrt, max_paths, steps=steps)

    # ---- plans and pictures

    def plan(
        self,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        derivatives: bool = False,
        fast_math: bool = False,
        **inputs: Any,
    ) -> ShownPlan:
        """How outputs, or a value and its derivatives, are computed: passes, order, memory and costs. `print` shows it.

        With a value for every input that needs one the plan is in numbers, else in terms of named sizes. fast_math:
        with identities that hold for real numbers but not for every float.
        """
        from .shown import shown_plan

        read, _ = read_values(values, inputs)
        compilation = super().plan(read, of=of, wrt=wrt, derivatives=derivatives, fast_math=fast_math)
        return shown_plan(compilation, self)

    def render(
        self,
        path: str | os.PathLike[str] | None = None,
        values: Values | None = None,
        /,
        *,
        kind: str | None = None,
        of: str | None = None,
        options: PictureOptions | None = None,
        **inputs: Any,
    ) -> Picture:
        """The picture of the graph, with values and gradients where inputs have values; a notebook shows it.

        path: the file to write, whose ending says its kind: .svg, .png, .pdf, .dot, .mmd (Mermaid), .tex (TikZ), .json
        or .html, a page in which it runs. of: the value to differentiate.

        Raises CgError when the file cannot be written.
        """
        from cgcli.render.picture.drawing import picture_kind

        from .picture_options import PictureOptions
        from .pictures import picture

        read, _ = read_values(values, inputs)
        kind = kind or ("svg" if path is None else picture_kind(os.fspath(path)))
        image = picture(self.recorded(read), read, kind, of, options or PictureOptions())
        if path is not None:
            image.save(os.fspath(path))
        return image

    def frames(
        self,
        folder: str | os.PathLike[str] | None = None,
        values: Values | None = None,
        /,
        *,
        kind: str = "svg",
        of: str | None = None,
        options: PictureOptions | None = None,
        **inputs: Any,
    ) -> tuple[Picture, ...]:
        """The forward and the backward pass, a picture a step in one layout, the last one of the whole.

        folder: where to write them, as `000.svg`, `001.svg`, …; frames of an earlier run are replaced. kind: `svg` or
        `png`. of: the value to differentiate.

        Raises CgError where an input has no value, for too many steps, and when a file cannot be written.
        """
        from .frame_files import write_frames
        from .picture_options import PictureOptions
        from .pictures import pass_pictures

        read, _ = read_values(values, inputs)
        images = pass_pictures(self.recorded(read), read, kind, of, options or PictureOptions())
        if folder is not None:
            write_frames(os.fspath(folder), kind, [image.data for image in images])
        return images

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        values: Values | None = None,
        /,
        *,
        over: Mapping[str, tuple[float, float] | None],
        options: PlotOptions | None = None,
        **inputs: Any,
    ) -> Plot:
        """The float outputs and their derivatives over a range of an input, or of two: `f.plot(over={"x": (-3, 3)})`.

        over: by input its range, None for that of its declaration. A value of such an input is where the tangent is
        drawn. path: the file to write, whose ending says its kind: .svg, .png, .pdf, .csv, .json or .txt. options:
        which values and derivatives, how many points.

        A point at which the run fails has the value NaN. Raises CgError for names and ranges that do not fit, where no
        point has a value, and when the file cannot be written.
        """
        from .plot_options import PlotOptions
        from .plots import plotted

        read, _ = read_values(values, inputs)
        plot = plotted(self, read, over, options or PlotOptions())
        if path is not None:
            plot.save(path)
        return plot

    def _shown(self, kind: str, values: Values, of: str | None) -> str | None:
        """The picture of the graph, or the page (`html`), for a notebook; None where there is none."""
        from .shown import shown_program

        return shown_program(self, kind, values, of)

    def _repr_svg_(self) -> str | None:
        """The graph without values, for a notebook."""
        return self._shown("svg", {}, None)

    def _repr_html_(self) -> str | None:
        """The page, for a notebook, of a program whose inputs all have values of their own."""
        return self._shown("html", {}, None)

    # ---- tables

    def map(
        self,
        table: Any,
        values: Values | None = None,
        /,
        *,
        outputs: Sequence[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        options: TableSettings | None = None,
        **inputs: Any,
    ) -> Any:
        """A row of outputs for each row of a table: a mapping of columns, a data frame or table of pandas, polars or
        pyarrow, or the path of a file.

        An input takes the column of its name, `values` and `inputs` are the same in every row. The result is a table of
        the same kind, for a path a dict of arrays. outputs: which (all). out: a file to write the result into; then
        None is returned. options: other columns, cells that are no numbers, columns that go into the result.

        Raises CgError for cells that are no values and for a row whose run fails.
        """
        from .mapping import map_rows
        from .tables import TableSettings

        read, _ = read_values(values, inputs)
        return map_rows(self, table, read, options or TableSettings(), outputs=outputs, out=out)

    def map_grad(
        self,
        table: Any,
        values: Values | None = None,
        /,
        *,
        of: str | None = None,
        wrt: Sequence[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        options: TableSettings | None = None,
        **inputs: Any,
    ) -> Any:
        """The value of `of` and its derivatives for each row of a table, in columns `y`, `dy/da`, …; see `map`."""
        from .mapping import map_rows
        from .rows import Derivatives
        from .tables import TableSettings

        read, _ = read_values(values, inputs)
        return map_rows(self, table, read, options or TableSettings(), derivatives=Derivatives(of, wrt), out=out)

    def fit(
        self,
        table: Any = None,
        values: Values | None = None,
        /,
        *,
        options: TableSettings | None = None,
        callbacks: Sequence[Callback] = (),
        shards_by: ShardsBy | None = None,
        **settings: Any,
    ) -> Fitted:
        """Finds the parameters that make a loss small over the rows of a table: `f.fit(table, loss="loss", epochs=10)`.

        table: as of `map`; None for a program whose loss needs none. values: inputs that are the same in every row, and
        starts of parameters. settings: the fields of `FitSettings`; `validation` may be a share of the rows or a table.
        shards_by: what computes shards, as `cgcli.cluster.trainings.on_cluster("local:4")`; else this process does.

        Raises CgError for settings that do not go together, and when a loss or a gradient is not finite (status 1).
        """
        from .fitting import fit_table
        from .tables import TableSettings

        about_table = table, read_values(values, {})[0], options or TableSettings()
        return fit_table(self, *about_table, settings, callbacks, shards_by)

    def sweep(
        self,
        over: Mapping[str, Any],
        values: Values | None = None,
        /,
        *,
        derivatives: Derivatives | None = None,
        table: Any = None,
        train: Mapping[str, Any] | None = None,
        out: str | os.PathLike[str] | None = None,
        options: SweepSettings | None = None,
        **inputs: Any,
    ) -> dict[str, Any] | None:
        """A row for each point of a sweep: `f.sweep({"a": "0:1:0.1", "b": [1, 2, 5]}, c=1)`.

        over: by input several values, in a list or in a text as on the command line (`1,2,5`, `0:1:0.1`, `0..1` with
        `random` or `latin`); each is taken with each. values, inputs: those that are the same at every point.
        derivatives: a value and its derivatives in place of the outputs. options: values that go together in pairs,
        points that are drawn, what becomes of points that fail, processes that train.

        train: the settings of a training at each point, as of `fit`; a list for one that takes a number or a word is
        swept, too. table: what it learns from.

        The result is a dict of arrays, swept values first; columns of words, and those with cells that are missing, are
        lists. With `out` it is written into that file, and None is returned; after a kill the same call goes on there.

        Raises CgError for values that do not fit, for more than ten million points, and where all points fail.
        """
        from .sweep import sweep_program

        read, _ = read_values(values, inputs)
        return sweep_program(
            self, over, read, derivatives=derivatives, table=table, train=train, out=out, settings=options
        )

    # ---- as text, and in other processes

    def __repr__(self) -> str:
        from .description import one_line

        return one_line(self)

    def __str__(self) -> str:
        from .description import whole_text

        return whole_text(self, self.module.source.text)

    def __reduce__(self) -> tuple[Any, ...]:
        """The program by the texts of its files: code is never pickled."""
        if self._lowering is None:
            raise error("no-source")
        return reopened, (self._lowering.with_texts(self.module.imports), self._open_shapes), self.settings

    # ---- inside

    def recorded(self, values: Values) -> Program:
        """The program with the graph that a run on these values has: in static mode always the same one."""
        return self.for_shapes(values)

    def recorded_with_steps(self, values: Values) -> tuple[Program, LoopSteps | None]:
        """As `recorded`, and the steps of the loops that ran, None where they are not known."""
        return self.recorded(values), None

    def for_shapes(self, values: Values) -> Program:
        """The program for the axes that `...` stands for in the values; this one where no axes are open."""
        program = super().for_shapes(values)
        assert isinstance(program, Program)
        return program

    def _lowered_for(self, axes: Mapping[str, Shape]) -> Program:
        return Program(super()._lowered_for(axes).module, self._lowering, axes)

    def in_dynamic_mode(self) -> Program:
        """The program with graphs made by runs, for what has to lay out branches and loops."""
        if self._lowering is None:
            raise error("no-source")
        program = self._lowering.dynamic()
        program.take_limits(self)
        return program


def reopened(lowering: Lowering, open_shapes: Mapping[str, Shape]) -> Program:
    """The static program that a lowering makes."""
    return Program(lowering(open_shapes), lowering, open_shapes)
