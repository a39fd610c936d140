"""The scan of a command's arguments before Typer parses them.

A program's inputs are options that only its file knows (`--a 2`). Left to the option parser, numbers would be torn
apart: with a short option `-e` on the command, `--a -1e-3` reads as `-1-3` and switches `-e` on. So each unknown
`--name value` becomes the public option `--set name=value`, each option is joined to its value, and the files come
last, behind `--`: what the parser then gets cannot be misread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cgcli.diagnostics.diagnostic import EMPTY, CgError, error
from cgcli.files.source_files import is_stdin


@dataclass(frozen=True)
class CommandOptions:
    """The options that a command declares, each with its dashes.

    files: those whose value names a file to read. inputs: whether any other `--name` is an input of the program.
    command: how the command line begins, as `cg eval`.
    """

    valued: frozenset[str]
    flags: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    inputs: bool = True
    command: str = "cg"

    def __contains__(self, option: str) -> bool:
        return option in self.valued or option in self.flags

    def nearest(self, name: str) -> str | None:
        """The option whose name is nearest to a misspelt one, with its dashes."""
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        suggestion = nearest(name.lstrip("-"), self._long_names())
        return None if suggestion is None else f"--{suggestion}"

    def _long_names(self) -> list[str]:
        return [option[2:] for option in self.valued | self.flags if option.startswith("--")]

    def unknown_name_error(self, name: str, inputs: Sequence[str]) -> CgError:
        """The error for a `--name` that is neither an option nor one of the program's inputs."""
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        suggestion = nearest(name, [*inputs, *self._long_names()])
        return error(
            "no-option-no-input",
            option=f"--{name}",
            nearest=None if suggestion is None else f"--{suggestion}",
            names=inputs if suggestion is None else None,
            inputless="program" if suggestion is None and not inputs else None,
            command=self.command,
        )


@dataclass
class Arguments:
    """The arguments by kind: `options` for the parser, files, and the values of some of the options.

    inputs: the names that are given a value; allowed: the folders of `--allow-path`; flags: the options without value;
    stdin: the readers of standard input, which can be read once.
    """

    options: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    expression: str | None = None
    inputs: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    stdin: list[str] = field(default_factory=list)

    def input_path(self, reader: str, path: str) -> str:
        """The path of a file that is read; `-` for every name of standard input, whose reader is recorded."""
        if not is_stdin(path):
            return path
        self.stdin.append(reader)
        return "-"

    @property
    def argv(self) -> list[str]:
        """The arguments in the order in which the parser takes them."""
        return [*self.options, *(["--", *self.files] if self.files else [])]  # a copy: the parser empties its list


def scan(args: Sequence[str], options: CommandOptions, *, tolerant: bool = False) -> Arguments:
    """Sorts the arguments by kind; raises `CgError` for an invalid one.

    tolerant: leave out what is invalid instead, as in the unfinished line of a shell completion.
    """
    arguments = Arguments()
    seen: set[str] = set()
    rest = _Lookahead(iter(args))
    for arg in rest:
        if arg == "--":
            arguments.files.extend(rest)
        elif arg == "-" or not arg.startswith("-"):
            arguments.files.append(arg)
        else:
            _option(arg, rest, options, arguments, seen, tolerant)
    arguments.files = [arguments.input_path("the program", file) for file in arguments.files]
    if len(arguments.stdin) > 1 and not tolerant:
        raise error("stdin-twice", first=arguments.stdin[0], second=arguments.stdin[1])
    return arguments


class _Lookahead(Iterator[str]):
    """The remaining arguments, with one of lookahead."""

    def __init__(self, args: Iterator[str]) -> None:
        self._args = args
        self._buffer: list[str] = []

    def __next__(self) -> str:
        return self._buffer.pop() if self._buffer else next(self._args)

    def peek(self) -> str | None:
        """The next argument, without taking it; None at the end."""
        if not self._buffer:
            try:
                self._buffer.append(next(self._args))
            except StopIteration:
                return None
        return self._buffer[-1]


def _option(
    arg: str, rest: _Lookahead, options: CommandOptions, arguments: Arguments, seen: set[str], tolerant: bool
) -> None:
    """Takes one option, and its value where it has one."""
    if arg.startswith("--"):
        name, equals, text = arg.partition("=")
        attached = text if equals else None
    else:
        name, attached = arg[:2], arg[2:] or None

    if name in options.flags:
        if attached is not None and not tolerant:
            raise error("option-takes-no-value", option=name, value=attached or EMPTY)
        arguments.options.append(name)
        arguments.flags.add(name)
        return
    if name not in options.valued:
        _unknown(arg, name, attached, rest, options, arguments, tolerant)
        return
    value = attached if attached is not None else _value(name, rest, options)
    if value is None:
        if tolerant:
            return
        raise error("missing-option-value", option=name)
    if name in seen and name not in options.repeatable and not tolerant:
        raise error("repeated-option", option=name)
    seen.add(name)
    if name == "-e":
        arguments.expression = value
    if name == "--allow-path":
        arguments.allowed.append(value)
    if name in options.files:
        value = arguments.input_path(f"`{name}`", value)
    if name == "--set":
        value = _set(arguments, *value.partition("="))
    arguments.options += [name, value] if not name.startswith("--") else [f"{name}={value}"]


def _set(arguments: Arguments, name: str, equals: str, value: str) -> str:
    """The setting of an input, `name=value`; `@` and any name of standard input becomes `@-`."""
    arguments.inputs.append(name.strip())
    text = value.strip()
    if text.startswith("@"):
        path, colon, member = text[1:].partition(":")
        value = f"@{arguments.input_path(f'`--{name.strip()}`', path)}{colon}{member}"
    return f"{name}{equals}{value}"


def _unknown(
    arg: str,
    name: str,
    attached: str | None,
    rest: _Lookahead,
    options: CommandOptions,
    arguments: Arguments,
    tolerant: bool,
) -> None:
    """Takes an option that the command does not declare: an input of the program, or a mistake."""
    if name.startswith("--") and options.inputs:
        value = attached if attached is not None else _value(name, rest, options)
        if value is not None:
            arguments.options.append(f"--set={_set(arguments, name[2:], '=', value)}")
        elif not tolerant:
            raise error("missing-input-value", option=name, nearest=options.nearest(name), next=rest.peek())
    elif not tolerant:
        number = arg[1:2].isdigit() or arg[1:2] == "."
        suggestion = options.nearest(name) if name.startswith("--") else None
        raise error(
            "unknown-option",
            option=arg if number else name,
            nearest=suggestion,
            long=f"--{arg[1:]}" if options.inputs and not name.startswith("--") and not number else None,
            number=arg if number else None,
            command=options.command
            if suggestion is None and not number and (name.startswith("--") or not options.inputs)
            else None,
        )


def _value(name: str, rest: _Lookahead, options: CommandOptions) -> str | None:
    """Takes the next argument as the option's value; None when there is none or it is an option itself.

    `-e` takes anything, for `--x` is an expression. No other value begins with `--` or is one of the command's own
    short options; `-` is a file, never the value of an input.
    """
    following = rest.peek()
    if following is None:
        return None
    if name != "-e" and (following.startswith("--") or following in options):
        return None
    if following == "-" and name not in options:
        return None
    return next(rest)
