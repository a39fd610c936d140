"""The option `--help`, whose page is a result like any other: where it cannot be written, the status says so."""

from __future__ import annotations

from typing import Any

import typer

from cgcli.cli.output import emit


class WithHelp:
    """For the classes of Typer: the page goes through `emit`."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]  # that of the command beside this class
        if option is not None:
            option.callback = _page
        return option


def _page(context: Any, option: Any, wished: bool) -> None:
    if wished and not context.resilient_parsing:
        emit(context.get_help())
        raise typer.Exit
