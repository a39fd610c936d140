"""The group of all commands. A command's module is imported when the command is called."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cgcli.cli.output import WithHelp, emit, emit_page
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.version import VERSION

GROUPS = {
    "Compute": {
        "eval": "The outputs of a program.",
        "grad": "A value and its derivatives.",
        "sweep": "Values, derivatives or trainings at many points.",
        "explain": "The chain rule written out, path by path.",
    },
    "See": {
        "show": "The graph in the terminal.",
        "render": "The picture of the graph.",
        "plot": "Values and derivatives over a range of an input.",
        "live": "The graph in the browser, anew at each save.",
        "plan": "How the graph will be run: passes, order, memory, costs.",
        "trace": "A dynamic run, line by line.",
        "step": "A debugger that goes forward, back, and through the backward pass.",
    },
    "Learn": {
        "train": "Finds the parameters that make a loss small.",
        "predict": "A trained program over a table.",
        "weights": "What a checkpoint holds.",
    },
    "Write": {
        "check": "What is wrong or doubtful in a program, without running it.",
        "fmt": "The one canonical layout of a program.",
    },
    "Help": {
        "samples": "The programs that come with cg.",
        "help": "Commands, functions, the language, exit statuses.",
    },
}
COMMANDS = {name: line for commands in GROUPS.values() for name, line in commands.items()}
"""A line about each command; the module of the same name holds it as `command`."""

OTHER_NAMES = {
    **dict.fromkeys(("evaluate", "run", "exec", "execute", "compute", "calc"), "eval"),
    **dict.fromkeys(("gradient", "derivative", "derive", "diff", "backward", "jacobian", "hessian"), "grad"),
    **dict.fromkeys(("draw", "picture", "image", "svg", "export"), "render"),
    **dict.fromkeys(("chart", "curve", "contour"), "plot"),
    **dict.fromkeys(("serve", "watch", "open", "browse", "page", "html"), "live"),
    **dict.fromkeys(("view", "print", "tree", "graph", "display"), "show"),
    **dict.fromkeys(("debug", "debugger"), "step"),
    **dict.fromkeys(("fit", "learn", "optimize", "optimise"), "train"),
    **dict.fromkeys(("apply", "infer"), "predict"),
    **dict.fromkeys(("scan", "grid", "search", "tune", "sample"), "sweep"),
    **dict.fromkeys(("lint", "validate", "verify"), "check"),
    **dict.fromkeys(("format", "prettify"), "fmt"),
    **dict.fromkeys(("examples", "example", "demo", "init", "new"), "samples"),
    **dict.fromkeys(("doc", "docs", "man", "functions", "info"), "help"),
    **dict.fromkeys(("inspect", "checkpoint"), "weights"),
    "version": "--version",
}
"""The names of the commands in other tools."""

EXAMPLES = ("cg samples article", "cg grad article.cg --a 2 --b 3 --c 1")


class Commands(WithHelp, TyperGroup):
    """The group `cg`: its errors suggest the nearest option or command, and recognise a program without a command."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        if cmd_name not in COMMANDS:
            return None
        command: TyperCommand = import_module(f"cgcli.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Lists the commands in their groups, without importing their modules."""
        width = max(map(len, COMMANDS))
        for group, lines in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(f"{name:{width}}", line) for name, line in lines.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        option = args[0].partition("=")[0] if args else ""
        option_names = [name for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
        if option.startswith("-") and option not in option_names and not ctx.resilient_parsing:
            from cgcli.diagnostics.suggest import nearest  # for an error alone

            suggestion = nearest(option.lstrip("-"), [name.lstrip("-") for name in option_names])
            raise error(
                "unknown-option",
                option=option,
                nearest=None if suggestion is None else f"--{suggestion}",
                order="cg COMMAND FILE --option VALUE",
            )
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name = args[0]
        if name not in COMMANDS and not ctx.resilient_parsing:
            from cgcli.diagnostics.suggest import nearest  # for an error alone

            suggestion = OTHER_NAMES.get(name) or nearest(name, list(COMMANDS))
            program = name if name.endswith((".cg", ".py")) or ".py:" in name else None
            lister = None if suggestion or program else "--help"
            raise error("unknown-command", name=name or EMPTY, nearest=suggestion, program=program, lister=lister)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="\n".join(["\b", "Example:", *(f"  {line}" for line in EXAMPLES)]),
)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Computational graphs from small programs: values, gradients and pictures."""
    if version:
        emit(f"cg {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from cgcli.cli.welcome import welcome

        emit_page(welcome(context, EXAMPLES))
    return 0


commands = typer.main.get_command(app)
