"""The commands as Typer sees them: options named by the program, help with its inputs, completion of their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand

from cgcli.cli.arguments import EMPTY, Known, Walked, walk
from cgcli.cli.inputs import canonical
from cgcli.cli.options import WithHelp, everywhere
from cgcli.cli.sources import open_program
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.program import Program
from cgcli.render.escape import harmless, show

HELP = ("--help", "-h")
WALKED, KNOWN = "cgcli.walked", "cgcli.known"


def known_options(context: typer.Context) -> Known:
    """The options of the command that runs."""
    known: Known = context.meta[KNOWN]
    return known


class Command(WithHelp, TyperCommand):
    """A command whose options are all its own. Reads its arguments by `walk` and complains in cg's words."""

    inputs = False

    def known(self, ctx: Any) -> Known:
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
        return Known(frozenset(valued), frozenset(flags), frozenset(repeatable), self.inputs, f"cg {self.name}")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hands the arguments to Typer in the one order that it cannot misread; raises `CgError` for wrong ones."""
        known = self.known(ctx)
        try:
            walked = walk(args, known, tolerant=ctx.resilient_parsing)
        except CgError as problem:
            if not any(option in args for option in HELP):
                raise self.explained(ctx, args, known, problem) from None
            walked = walk(args, known, tolerant=True)
        if not ctx.resilient_parsing and walked.flags.isdisjoint(HELP):
            self.check(ctx, walked, known, args)
        ctx.meta[WALKED], ctx.meta[KNOWN] = walked, known
        return super().parse_args(ctx, walked.arguments)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; the options of every command are taken first."""
        everywhere(**{param.name: ctx.params.pop(param.name) for param in _everywhere()})
        return super().invoke(ctx)

    def get_help(self, ctx: Any) -> str:
        """The help page, which Typer prints by itself."""
        return harmless(super().get_help(ctx))

    def explained(self, ctx: Any, args: list[str], known: Known, problem: CgError) -> CgError:
        """The error for wrong arguments in the light of what else stands on the line."""
        return problem

    def check(self, ctx: Any, walked: Walked, known: Known, args: Sequence[str]) -> None:
        """Raises `CgError` when the arguments that are no options do not fit the command."""
        places = sum(param.param_type_name == "argument" for param in self.get_params(ctx))
        many = any(param.param_type_name == "argument" and param.nargs == -1 for param in self.get_params(ctx))
        taken = len(walked.files) if many else places if walked.expression is None else 0
        if "-e" in known.valued:
            if walked.files and walked.expression is not None:
                raise error("file-and-expression", file=walked.files[0] or EMPTY)
            if not walked.files and walked.expression is None:
                misspelt = next((name for name in walked.inputs if known.nearest(name)), None)
                if misspelt is not None:  # it may have taken the file for its value
                    raise error("unknown-option", option=f"--{misspelt}", nearest=known.nearest(misspelt))
                valued = (
                    (o, f) for o, f in pairwise(args) if f.endswith(".cg") and o.removeprefix("--") in walked.inputs
                )
                option, file = next(valued, (None, None))
                raise error("no-program", option=option, file=file)
        if len(walked.files) > taken:
            listed = next(filter(None, (self._list(ctx, args, name) for name in walked.files)), None)
            if listed is not None:
                raise error("list-apart", argument=listed[0], fix=listed[1])
            extra = walked.files[taken]
            name, equals, value = extra.partition("=")
            fix = (
                f"--{name.strip()}={value.strip()}" if equals and self.inputs and name.strip().isidentifier() else None
            )
            raise error("extra-argument", argument=extra or EMPTY, fix=fix)

    def _list(self, ctx: Any, args: Sequence[str], name: str) -> tuple[str, str] | None:
        """An argument that belongs to the names of the option before it, as in `--wrt a b`, and how that is written."""
        lists = {option for param in self.get_params(ctx) if "," in str(param.metavar) for option in param.opts}
        for option, first, second in zip(args, args[1:], args[2:], strict=False):
            if option in lists and second == name and not first.startswith("-"):
                return name, f"{option} {first.rstrip(',')},{name}"
        return None


class ProgramCommand(Command):
    """A command that gives a program's inputs their values: `--a 2` for an input `a`."""

    inputs = True

    def program(self, ctx: Any) -> Program | None:
        """The program on the line, or None when there is none that can be read now (standard input stays unread).

        A Python file is read and does not run.
        """
        walked: Walked = ctx.meta.get(WALKED) or Walked()
        if walked.expression is None and (not walked.files or walked.files[0] == "-"):
            return None
        return open_program(walked.files[0] if walked.files else None, walked.expression, walked.allowed, runs=False)

    def explained(self, ctx: Any, args: list[str], known: Known, problem: CgError) -> CgError:
        """An option without a value that no input of the program is named like is none at all."""
        first = problem.diagnostics[0]
        if first.code != "missing-input-value":
            return problem
        ctx.meta[WALKED] = walk(args, known, tolerant=True)
        try:
            program = self.program(ctx)
        except CgError:
            return problem
        inputs = [each.name for each in program.inputs] if program is not None else []
        name = canonical(str(first.values["option"])[2:])
        return problem if program is None or name in inputs else known.neither(name, inputs)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Adds the inputs of the program to the help page; a program that is wrong leaves a line that says so."""
        from cgcli.cli.describe import input_rows, unlisted  # a run that shows no help does without

        super().format_options(ctx, formatter)
        try:
            program = self.program(ctx)
        except CgError as problem:
            formatter.write_paragraph()
            formatter.write_text(f"The inputs cannot be listed: {unlisted(problem)}")
            return
        if program is None:
            return
        rows = input_rows(program.inputs, self.known(ctx))
        walked: Walked = ctx.meta[WALKED]
        with formatter.section(f"Inputs of {show(walked.files[0] if walked.files else '-e')}"):
            if program.doc:
                formatter.write_text(show(" ".join(program.doc.split())))
            if rows:
                formatter.write_dl(rows)
            else:
                formatter.write_text("none")

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Options and the program's inputs; a program that cannot be read offers none and says nothing."""
        from cgcli.cli.completing import input_line

        offered: list[Any] = super().shell_complete(ctx, incomplete)
        try:
            program = self.program(ctx)
        except Exception:  # a half-written file must not disturb the line that is being typed
            return offered
        if program is None or not incomplete.startswith("-"):
            return offered
        known = self.known(ctx)
        walked: Walked = ctx.meta.get(WALKED) or Walked()
        given = set(walked.inputs)
        for each in program.inputs:
            option = f"--{each.name}"
            if each.name not in given and option not in known and option.startswith(incomplete):
                offered.append(Completion(option, help=input_line(each)))
        return offered


@dataclass(frozen=True)
class Completion:
    """One offer to the shell, with the fields that Typer's completion reads (its own class is private)."""

    value: str
    type: str = "plain"
    help: str | None = None


def declare(name: str, function: Callable[..., int], kind: type[Command], *example: str) -> TyperCommand:
    """The command that runs the function; its help ends with the example."""
    epilog = "\n".join(["\b", "Example:", *(f"  {line}" for line in example)])
    command = _typed(name, function, kind, epilog)
    command.params += _everywhere()
    return command


@cache
def _everywhere() -> tuple[Any, ...]:
    """The options of every command, as Typer reads their declarations."""
    return tuple(_typed("everywhere", everywhere, TyperCommand).params)


def _typed(
    name: str, function: Callable[..., int], kind: type[TyperCommand], epilog: str | None = None
) -> TyperCommand:
    """The command that Typer makes of a function's signature."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP)},
    )
    app.command(name, cls=kind, epilog=epilog)(function)
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    return command
