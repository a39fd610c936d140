"""Typer's command classes: the program's inputs as options, listed in the help and completed by the shell."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from cgcli.cli import signals
from cgcli.cli.arguments import Arguments, CommandOptions, scan
from cgcli.cli.options import with_typer_signature
from cgcli.cli.output import WithHelp, set_stream_options
from cgcli.diagnostics.diagnostic import EMPTY, CgError, Diagnostic, error
from cgcli.diagnostics.escape import harmless, show
from cgcli.program.names import canonical
from cgcli.program.options import GROUPS, Option, RunOptions

if TYPE_CHECKING:
    from cgcli.program.program import Program

HELP = ("--help", "-h")
ARGUMENTS, OPTIONS = "cgcli.arguments", "cgcli.options"  # keys of a context's `meta`


def global_options(
    colour: Annotated[
        Literal["auto", "always", "never"], Option("--color", "When to colour.", group="Output")
    ] = "auto",
    quiet: Annotated[
        bool, Option("-q --quiet", "No notes and no progress; warnings and errors stay.", group="Output")
    ] = False,
) -> int:
    """The options of every command: `declare` adds them, `Command.invoke` applies them."""
    set_stream_options(colour, quiet)
    return 0


def command_options(context: typer.Context) -> CommandOptions:
    """The options of the command that runs."""
    options: CommandOptions = context.meta[OPTIONS]
    return options


def with_usage(problem: CgError, options: CommandOptions) -> CgError:
    """The error with the options that give missing inputs their values."""

    def with_options(diagnostic: Diagnostic) -> Diagnostic:
        names = diagnostic.values.get("missing")
        if diagnostic.code != "missing-inputs" or not isinstance(names, list):
            return diagnostic
        usage = [f"--set {name}=VALUE" if f"--{name}" in options else f"--{name} VALUE" for name in names]
        shadowed = [f"--{name}" for name in names if f"--{name}" in options]
        values = {**diagnostic.values, "usage": " ".join(usage), "shadowed": shadowed or None}
        return replace(diagnostic, values=values)

    return CgError(*map(with_options, problem.diagnostics), status=problem.status)


class Command(WithHelp, TyperCommand):
    """A command whose options are all its own. Scans its arguments and words its errors as cg does."""

    inputs = False
    options: Mapping[str, Option]
    """The options as data, by the names of Typer's parameters."""

    def declared_options(self, ctx: Any) -> CommandOptions:
        """The options that this command declares."""
        valued: set[str] = set()
        flags: set[str] = set()
        repeatable: set[str] = set()
        for param in self.get_params(ctx):
            if param.param_type_name != "option":
                continue
            names = [*param.opts, *param.secondary_opts]
            (flags if getattr(param, "is_flag", False) else valued).update(names)
            if param.multiple:
                repeatable.update(names)
        files = {option.name for option in self.options.values() if option.file == "read"}
        return CommandOptions(
            frozenset(valued),
            frozenset(flags),
            frozenset(repeatable),
            frozenset(files),
            self.inputs,
            f"cg {self.name}",
        )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hands the arguments to Typer in the one order that it cannot misread; raises `CgError` for invalid ones."""
        options = self.declared_options(ctx)
        try:
            arguments = scan(args, options, tolerant=ctx.resilient_parsing)
        except CgError as problem:
            if not any(option in args for option in HELP):
                raise self.refined_error(ctx, args, options, problem) from None
            arguments = scan(args, options, tolerant=True)
        if not ctx.resilient_parsing and arguments.flags.isdisjoint(HELP):
            self.check(ctx, arguments, options, args)
        ctx.meta[ARGUMENTS], ctx.meta[OPTIONS] = arguments, options
        return super().parse_args(ctx, arguments.argv)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command, after it has applied the global options."""
        if signals.state.owns_process:  # see `process.run`
            gc.freeze()
            gc.enable()
        global_options(**{param.name: ctx.params.pop(param.name) for param in _global_options()})
        return super().invoke(ctx)

    def get_help(self, ctx: Any) -> str:
        """The help page, which Typer prints by itself."""
        return harmless(super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the options in their groups, `--help` at the end of those about output."""
        rows: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None:
                rows[getattr(param, "rich_help_panel", None) or "Output"].append(row)
        for group, lines in rows.items():
            if lines:
                with formatter.section(group):
                    formatter.write_dl(lines)

    def refined_error(self, ctx: Any, args: list[str], options: CommandOptions, problem: CgError) -> CgError:
        """The error for invalid arguments, made more specific by the rest of the command line."""
        return problem

    def check(self, ctx: Any, arguments: Arguments, options: CommandOptions, args: Sequence[str]) -> None:
        """Raises `CgError` when the arguments that are no options do not fit the command's parameters."""
        file_arguments = sum(param.param_type_name == "argument" for param in self.get_params(ctx))
        many = any(param.param_type_name == "argument" and param.nargs == -1 for param in self.get_params(ctx))
        most = len(arguments.files) if many else file_arguments if arguments.expression is None else 0
        if "-e" in options.valued:
            if arguments.files and arguments.expression is not None:
                raise error("file-and-expression", file=arguments.files[0] or EMPTY)
            if not arguments.files and arguments.expression is None:
                misspelt = next((name for name in arguments.inputs if options.nearest(name)), None)
                if misspelt is not None:  # it may have taken the file for its value
                    raise error("unknown-option", option=f"--{misspelt}", nearest=options.nearest(misspelt))
                valued = (
                    (o, f) for o, f in pairwise(args) if f.endswith(".cg") and o.removeprefix("--") in arguments.inputs
                )
                option, file = next(valued, (None, None))
                raise error("no-program", option=option, file=file)
        if len(arguments.files) > most:
            split = next(filter(None, (self._split_list(ctx, args, name) for name in arguments.files)), None)
            if split is not None:
                raise error("list-apart", argument=split[0], fix=split[1])
            extra = arguments.files[most]
            name, equals, value = extra.partition("=")
            fix = (
                f"--{name.strip()}={value.strip()}" if equals and self.inputs and name.strip().isidentifier() else None
            )
            raise error("extra-argument", argument=extra or EMPTY, fix=fix)

    def _split_list(self, ctx: Any, args: Sequence[str], name: str) -> tuple[str, str] | None:
        """An argument that belongs to the list of the option before it, as in `--wrt a b`, and its correct spelling."""
        lists = {option for param in self.get_params(ctx) if "," in str(param.metavar) for option in param.opts}
        for option, first, second in zip(args, args[1:], args[2:], strict=False):
            if option in lists and second == name and not first.startswith("-"):
                return name, f"{option} {first.rstrip(',')},{name}"
        return None


class ProgramCommand(Command):
    """A command that gives a program's inputs their values: `--a 2` for an input `a`."""

    inputs = True

    def program(self, ctx: Any) -> Program | None:
        """The program on the command line, or None when there is none or it is standard input, which stays unread.

        A Python file is read and does not run.
        """
        arguments: Arguments = ctx.meta.get(ARGUMENTS) or Arguments()
        if arguments.expression is None and (not arguments.files or arguments.files[0] == "-"):
            return None
        file = arguments.files[0] if arguments.files else None
        from cgcli.program.load import open_program  # for help and errors alone

        return open_program(RunOptions(file, arguments.expression, tuple(arguments.allowed)), runs=False)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; an error about missing inputs names the options that give them."""
        try:
            return super().invoke(ctx)
        except CgError as problem:
            raise with_usage(problem, command_options(ctx)) from problem.__cause__

    def refined_error(self, ctx: Any, args: list[str], options: CommandOptions, problem: CgError) -> CgError:
        """For an option without a value that names no input of the program, the error for an unknown name."""
        first = problem.diagnostics[0]
        if first.code != "missing-input-value":
            return problem
        ctx.meta[ARGUMENTS] = scan(args, options, tolerant=True)
        try:
            program = self.program(ctx)
        except CgError:
            return problem
        inputs = [i.name for i in program.inputs] if program is not None else []
        name = canonical(str(first.values["option"])[2:])
        return problem if program is None or name in inputs else options.unknown_name_error(name, inputs)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Puts the inputs of the program before the options, or for an invalid program a line that says so."""
        self._format_inputs(ctx, formatter)
        super().format_options(ctx, formatter)

    def _format_inputs(self, ctx: Any, formatter: Any) -> None:
        from cgcli.cli.describe import input_rows, unlisted  # for help alone

        try:
            program = self.program(ctx)
        except CgError as problem:
            formatter.write_paragraph()
            formatter.write_text(f"The inputs cannot be listed: {unlisted(problem)}")
            return
        if program is None:
            return
        rows = input_rows(program.inputs, self.declared_options(ctx))
        arguments: Arguments = ctx.meta[ARGUMENTS]
        with formatter.section(f"Inputs of {show(arguments.files[0] if arguments.files else '-e')}"):
            if program.doc:
                formatter.write_text(show(" ".join(program.doc.split())))
            if rows:
                formatter.write_dl(rows)
            else:
                formatter.write_text("none")

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Options and the program's inputs; none of a program that cannot be read, which is no error."""
        from cgcli.cli.completion import input_line

        completions: list[Any] = super().shell_complete(ctx, incomplete)
        try:
            program = self.program(ctx)
        except Exception:  # a half-written file must not disturb the line that is being typed
            return completions
        if program is None or not incomplete.startswith("-"):
            return completions
        options = self.declared_options(ctx)
        arguments: Arguments = ctx.meta.get(ARGUMENTS) or Arguments()
        named = set(arguments.inputs)
        for i in program.inputs:
            option = f"--{i.name}"
            if i.name not in named and option not in options and option.startswith(incomplete):
                completions.append(Completion(option, help=input_line(i)))
        return completions


@dataclass(frozen=True)
class Completion:
    """One completion, with the fields that Typer reads (its own class is private)."""

    value: str
    type: str = "plain"
    help: str | None = None


def declare(name: str, function: Callable[..., int], cls: type[Command], *example: str) -> TyperCommand:
    """The command that runs a function (as `with_typer_signature` takes it); its help ends with the example."""
    epilog = "\n".join(["\b", "Example:", *(f"  {line}" for line in example)])
    typer_function, options = with_typer_signature(function)
    command = _typer_command(name, typer_function, cls, epilog)
    assert isinstance(command, Command)
    command.options = options
    command.params += _global_options()
    return command


@cache
def _global_options() -> tuple[Any, ...]:
    """The global options as Typer's parameters."""
    return tuple(_typer_command("global", with_typer_signature(global_options)[0], TyperCommand).params)


def _typer_command(
    name: str, function: Callable[..., int], cls: type[TyperCommand], epilog: str | None = None
) -> TyperCommand:
    """The command that Typer makes of a function's signature."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP)},
    )
    app.command(name, cls=cls, epilog=epilog)(function)
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    return command
