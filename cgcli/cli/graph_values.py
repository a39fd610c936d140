"""The values and gradients that `cg show` and `cg render` add to a graph."""

from __future__ import annotations

from cgcli.cli.output import notice
from cgcli.cli.session import Session
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.wording.templates import format_value
from cgcli.graph.evaluation import Evaluation
from cgcli.render.escape import show
from cgcli.run.binding import missing


def graph_values(session: Session, of: str | None, *, derivatives: bool = True) -> Evaluation | None:
    """The values of the nodes and, where there is one value to differentiate, gradients; None when a program that
    needs values has none. derivatives: whether to compute gradients.

    Raises `CgError` when only some values are given, or none although there is an `of`.
    """
    if not len(session.program.graph):
        raise error("nothing-to-compute", name=session.program.module.source.name)
    if session.values or of is not None:
        session.require_values()
    if missing(session.program.inputs, session.values):
        return None
    if not derivatives:
        return session.program.run(session.values, derivatives=False)
    if of is None:
        try:
            session.program.of_choice(None)
        except CgError as problem:
            choices = problem.diagnostics[0].values.get("choices")
            named = f"; choose one by `--of`: {format_value(choices)}" if choices else ""
            notice(show(f"note: no gradients are shown, for there is not one float output alone{named}"))
            return session.program.run(session.values, derivatives=False)
    return session.program.run(session.values, of=of)
