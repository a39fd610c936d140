"""The values and gradients that a picture or a table of a graph shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import error
from cgcli.run.binding import missing

from .computation import Computation, Values

if TYPE_CHECKING:
    from cgcli.graph.evaluation import Evaluation


def graph_values(
    program: Computation, values: Values, of: str | None, note: Callable[[str], None], *, derivatives: bool = True
) -> Evaluation | None:
    """The values of the nodes and, where there is one value to differentiate, gradients; None when a program that
    needs values lacks some. Raises `CgError` for a program without nodes.

    derivatives: whether to compute gradients. note: called with why there are none.
    """
    if not len(program.graph):
        raise error("nothing-to-compute", name=program.module.source.name)
    if missing(program.inputs, values):
        return None
    if not derivatives:
        return program.run(values, derivatives=False)
    if of is None:
        of = default_of(program)
        if of is None:
            note("no gradients are shown, for no output is a float")
            return program.run(values, derivatives=False)
        if len(program.outputs) > 1:
            note(f"gradients are those of `{of}`; `--of` chooses another output")
    return program.run(values, of=of)


def default_of(program: Computation) -> str | None:
    """The output whose derivatives are shown by default: `loss`, or the first that is a float; None without one."""
    floats = program.float_outputs()
    return "loss" if "loss" in floats else floats[0] if floats else None
