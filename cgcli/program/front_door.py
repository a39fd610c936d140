"""The front door: `cg eval` and `cg grad` of a program on numbers that ran before, without what builds programs.

When the command line has run such a program, `instructions.keep` stores what that run computes as instructions, plain
data in the user's cache. `answer` looks for them with the next arguments and runs them. It understands the common
arguments alone, and answers None for all others, for programs without instructions and for whatever is wrong: then the
command line runs as ever, and has printed nothing so far. Both give the same digits, since instructions come from the
kernels that the graph runs on.
"""

from __future__ import annotations

import os
import stat

from cgcli.files.cache import code_stamp, digest, load_bytes
from cgcli.graph.lexemes import is_ascii_name, plain_number
from cgcli.render.numbers import plain, rounded, shortest
from cgcli.run.scalar.instructions import Stopped, run
from cgcli.system import open_for_reading
from cgcli.version import VERSION

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rows = list[tuple[str, float]]

KIND = "instructions"
ENCODING, ERRORS = "utf-8", "surrogateescape"  # of an entry, which has paths
ENTRY = "program"  # the line of an entry between its imports and its inputs
LARGEST = 2**20  # bytes of a program
OPTIONS = {
    "eval": ("--format", "--precision"),
    "grad": ("--format", "--precision", "--of", "--wrt"),
}
"""The options that it understands."""
FORMATS = ("table", "plain", "json", "csv")
MOST_DIGITS = 767


class Request:
    """Arguments of the common kind: a command, its program, numbers for inputs, options.

    Raises ValueError for others.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        if not arguments or arguments[0] not in OPTIONS or "_CG_COMPLETE" in os.environ:  # which a shell sets
            raise ValueError
        self.command = arguments[0]
        self.numbers: dict[str, float] = {}
        self.options: dict[str, str] = {}
        self.file = self.expression = ""
        rest = iter(arguments[1:])
        for argument in rest:
            if argument == "-e":
                self._set_program("expression", next(rest, ""))
            elif argument.startswith("--"):
                name, equals, value = argument.partition("=")
                self._set_value(name, value if equals else next(rest, ""))
            else:
                self._set_program("file", argument)
        if not self.file.endswith(".cg") and not self.expression:
            raise ValueError

    @property
    def precision(self) -> int | None:
        text = self.options.get("--precision")
        return None if text is None else int(text)

    def _set_program(self, kind: str, text: str) -> None:
        if self.file or self.expression or not text or text.startswith("-"):
            raise ValueError
        setattr(self, kind, text)

    def _set_value(self, name: str, text: str) -> None:
        if name in OPTIONS[self.command]:
            if name in self.options or not _is_value(name, text):
                raise ValueError
            self.options[name] = text
            return
        number, name = plain_number(text), name.removeprefix("--")
        if number is None or name in self.numbers or not is_ascii_name(name):
            raise ValueError
        self.numbers[name] = number


def _is_value(option: str, text: str) -> bool:
    if option == "--format":
        return text in FORMATS
    if option == "--precision":
        return text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= MOST_DIGITS
    return all(map(is_ascii_name, text.split(",")))


def answer(request: Request) -> Rows | None:
    """The named numbers that a command prints; for `grad` the value, then the derivatives by their names.

    None where the program has no instructions for that, or they give no plain answer.
    """
    try:
        text, folder = _program(request)
        entry = load_bytes(KIND, key_of(request.command, request.options, text, folder))
        return None if entry is None else _rows(entry.decode(ENCODING, ERRORS).split("\n"), request)
    except (ArithmeticError, AttributeError, OSError, RuntimeError, Stopped, TypeError, ValueError, LookupError):
        return None  # the command line says what is wrong


def _program(request: Request) -> tuple[str, str]:
    """The text of a program, and the folder that its imports lie in."""
    if request.expression:
        return request.expression, folder_of("")
    path = request.file
    if path.startswith(("/dev/", "/proc/")):
        raise ValueError
    return _text(path), folder_of(path)


def _text(path: str) -> str:
    """The text of an ordinary file. Raises ValueError for another one, which is not opened."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        raise ValueError
    handle = open_for_reading(path)
    with open(handle, "rb") as file:
        return file.read(LARGEST).removeprefix(b"\xef\xbb\xbf").decode("utf-8")


def folder_of(path: str) -> str:
    """The folder of a program's file; the working folder for a program without one."""
    return os.path.realpath(os.path.dirname(path))


def key_of(command: str, options: Mapping[str, str], text: str, folder: str) -> str:
    """The key of what is kept for a command with these options, on a program in a folder."""
    of, wrt = options.get("--of", ""), options.get("--wrt", "")
    return digest(VERSION, code_stamp(), command, of, wrt, text, folder)


def _rows(lines: list[str], request: Request) -> Rows | None:
    numbers = dict(request.numbers)
    values: list[float] = []
    results: list[tuple[str, int]] = []
    first = lines.index("")
    for line in lines[:first]:
        kind, _, rest = line.partition(" ")
        if kind == "file":
            stamp, _, path = rest.partition(" ")
            if digest(_text(path)) != stamp:
                return None
        elif kind == "link":
            path, _, target = rest.partition("\t")
            if os.path.realpath(path) != target:
                return None
        elif kind == "input":
            value = _input(numbers, *rest.split(" "))
            if value is None:
                return None
            values.append(value)
        elif kind == "result":
            name, register = rest.split(" ")
            results.append((name, int(register)))
    if numbers or not results:  # a number of no input; a program without instructions
        return None
    registers = run(lines[first + 1 :], values)
    if request.command == "eval":
        return [(name, registers[register]) for name, register in results]
    of, value = results[0][0], float(registers[results[0][1]])
    partials = [(f"d{of}/d{name}", registers[register] + 0.0) for name, register in results[1:]]
    if any(x != x for _, x in partials):
        return None  # the command line says where that begins
    return [(of, value), *partials]


def _input(numbers: dict[str, float], name: str, dtype: str, default: str, low: str, high: str) -> float | None:
    """The value of an input in its type, taken from the numbers; None where it does not fit."""
    value = numbers.pop(name, None)
    if value is None:
        value = plain_number(default)
    if value is None or (dtype == "int" and not isinstance(value, int)):
        return None
    if low != "-" and not float(low) <= value <= float(high):
        return None
    return float(value) if dtype == "float" else value


def text_of(rows: Rows, request: Request, style: str) -> str:
    """The rows as lines of the style `plain`, `json` or `csv`, as the command line writes them."""
    precision = request.precision
    if style == "plain":
        return "".join([f"{name} = {shortest(value, precision)}\n" for name, value in rows])
    if style == "csv":
        names, numbers = zip(*rows, strict=True)
        return f"{','.join(names)}\n{','.join([shortest(x, precision, whole=False) for x in numbers])}\n"
    texts = [(name, _json(plain(rounded(value, precision)))) for name, value in rows]
    if request.command == "eval":
        return "{" + ", ".join([f'"{name}": {text}' for name, text in texts]) + "}\n"
    (of, value), *partials = texts
    start = len(f"d{of}/d")
    gradient = ", ".join([f'"{name[start:]}": {text}' for name, text in partials])
    return f'{{"of": "{of}", "value": {value}, "grad": {{{gradient}}}}}\n'


def _json(x: float | str) -> str:
    if isinstance(x, str):
        return f'"{x}"'
    return str(x).lower() if isinstance(x, bool) else repr(x)
