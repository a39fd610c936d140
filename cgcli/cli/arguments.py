"""The walk over a command's arguments before Typer parses them.

A program's inputs are options that only its file knows (`--a 2`). Left to the option parser, numbers would be torn
apart: with a short option `-e` on the command, `--a -1e-3` reads as `-1-3` and switches `-e` on. So each unknown
`--name value` becomes the public option `--set name=value` here, every option stands with its value, and the files
come last, behind `--`: what the parser then sees cannot be misread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.source_files import is_stdin

EMPTY = "''"  # how an argument without a character is named
READ = frozenset({"--inputs", "--data", "--validation", "--weights", "--resume", "--commands"})  # options of files


@dataclass(frozen=True)
class Known:
    """The options that a command has of its own, each with its dashes.

    inputs: whether any other `--name` is an input of the program. command: how the line begins, as `cg eval`.
    """

    valued: frozenset[str]
    flags: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset({"--set", "--allow-path"})
    inputs: bool = True
    command: str = "cg"

    def __contains__(self, option: str) -> bool:
        return option in self.valued or option in self.flags

    def nearest(self, name: str) -> str | None:
        """The option that a misspelt one may have meant, with its dashes."""
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        found = nearest(name.lstrip("-"), [o[2:] for o in self.valued | self.flags if o.startswith("--")])
        return None if found is None else f"--{found}"

    def neither(self, name: str, inputs: Sequence[str]) -> CgError:
        """The error for a `--name` that is neither an option nor one of the program's inputs."""
        options = [option[2:] for option in self.valued | self.flags if option.startswith("--")]
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        like = nearest(name, [*inputs, *options])
        return error(
            "no-option-no-input",
            option=f"--{name}",
            nearest=None if like is None else f"--{like}",
            known=inputs if like is None else None,
            inputless="program" if like is None and not inputs else None,
            command=self.command,
        )


@dataclass
class Walked:
    """The arguments sorted: `options` for the parser, the files, and what some of the options say.

    inputs: the names that are given a value; allowed: the folders of `--allow-path`; flags: the options without value;
    stdin: what reads standard input, which can be read once.
    """

    options: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    expression: str | None = None
    inputs: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    stdin: list[str] = field(default_factory=list)

    def reading(self, reader: str, path: str) -> str:
        """The path of a file that is read; `-` for every name of standard input, whose reader is noted."""
        if not is_stdin(path):
            return path
        self.stdin.append(reader)
        return "-"

    @property
    def arguments(self) -> list[str]:
        return [*self.options, *(["--", *self.files] if self.files else [])]  # a copy: the parser empties its list


def walk(args: Sequence[str], known: Known, *, tolerant: bool = False) -> Walked:
    """Sorts the arguments; raises `CgError` for what cannot be meant.

    tolerant: an unfinished line, as shell completion sees it, leaves out what is wrong instead.
    """
    walked = Walked()
    seen: set[str] = set()
    rest = iter(args)
    upcoming = _Upcoming(rest)
    for arg in upcoming:
        if arg == "--":
            walked.files.extend(upcoming)
        elif arg == "-" or not arg.startswith("-"):
            walked.files.append(arg)
        else:
            _option(arg, upcoming, known, walked, seen, tolerant)
    walked.files = [walked.reading("the program", file) for file in walked.files]
    if len(walked.stdin) > 1 and not tolerant:
        raise error("stdin-twice", first=walked.stdin[0], second=walked.stdin[1])
    return walked


class _Upcoming(Iterator[str]):
    """The arguments still to come, with a look at the next."""

    def __init__(self, rest: Iterator[str]) -> None:
        self._rest = rest
        self._held: list[str] = []

    def __next__(self) -> str:
        return self._held.pop() if self._held else next(self._rest)

    def peek(self) -> str | None:
        """The next argument, which stays; None at the end."""
        if not self._held:
            try:
                self._held.append(next(self._rest))
            except StopIteration:
                return None
        return self._held[-1]


def _option(arg: str, upcoming: _Upcoming, known: Known, walked: Walked, seen: set[str], tolerant: bool) -> None:
    """Takes one option, and its value where it has one."""
    if arg.startswith("--"):
        name, equals, attached = arg.partition("=")
        given = attached if equals else None
    else:
        name, given = arg[:2], arg[2:] or None

    if name in known.flags:
        if given is not None and not tolerant:
            raise error("option-takes-no-value", option=name, value=given or EMPTY)
        walked.options.append(name)
        walked.flags.add(name)
        return
    if name not in known.valued:
        _unknown(arg, name, given, upcoming, known, walked, tolerant)
        return
    value = given if given is not None else _value(name, upcoming, known)
    if value is None:
        if tolerant:
            return
        raise error("missing-option-value", option=name)
    if name in seen and name not in known.repeatable and not tolerant:
        raise error("repeated-option", option=name)
    seen.add(name)
    if name == "-e":
        walked.expression = value
    if name == "--allow-path":
        walked.allowed.append(value)
    if name in READ:
        value = walked.reading(f"`{name}`", value)
    if name == "--set":
        value = _set(walked, *value.partition("="))
    walked.options += [name, value] if not name.startswith("--") else [f"{name}={value}"]


def _set(walked: Walked, name: str, equals: str, value: str) -> str:
    """The setting of an input, `name=value`; a value `@` and a name of standard input is `@-`."""
    walked.inputs.append(name.strip())
    text = value.strip()
    if text.startswith("@"):
        path, colon, member = text[1:].partition(":")
        value = f"@{walked.reading(f'`--{name.strip()}`', path)}{colon}{member}"
    return f"{name}{equals}{value}"


def _unknown(
    arg: str, name: str, given: str | None, upcoming: _Upcoming, known: Known, walked: Walked, tolerant: bool
) -> None:
    """Takes an option that is none of the command's: an input of the program, or a mistake."""
    if name.startswith("--") and known.inputs:
        value = given if given is not None else _value(name, upcoming, known)
        if value is not None:
            walked.options.append(f"--set={_set(walked, name[2:], '=', value)}")
        elif not tolerant:
            raise error("missing-input-value", option=name, nearest=known.nearest(name), next=upcoming.peek())
    elif not tolerant:
        number = arg[1:2].isdigit() or arg[1:2] == "."
        near = known.nearest(name) if name.startswith("--") else None
        raise error(
            "unknown-option",
            option=arg if number else name,
            nearest=near,
            long=f"--{arg[1:]}" if known.inputs and not name.startswith("--") and not number else None,
            number=arg if number else None,
            command=known.command
            if near is None and not number and (name.startswith("--") or not known.inputs)
            else None,
        )


def _value(name: str, upcoming: _Upcoming, known: Known) -> str | None:
    """The next argument as the option's value, taken; None when there is none or it is an option itself.

    `-e` takes anything, for `--x` is an expression. No other value begins with `--` or is one of the command's own
    short options; `-` is a file, never the value of an input.
    """
    following = upcoming.peek()
    if following is None:
        return None
    if name != "-e" and (following.startswith("--") or following in known):
        return None
    if following == "-" and name not in known:
        return None
    return next(upcoming)
