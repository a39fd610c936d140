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

KIND = "instructions"
ENCODING, ERRORS = "utf-8", "surrogateescape"  # of an entry, which has paths
ENTRY = "program"  # the line of an entry between its imports and its inputs
LARGEST = 2**20  # bytes of a program
OPTIONS = {
    "eval": ("--data", "--format", "--precision"),
    "grad": ("--data", "--format", "--precision", "--of", "--wrt"),
}
"""The options that it understands."""
FORMATS = ("table", "plain", "json", "csv")
MOST_DIGITS = 767
MOST_ROWS = 50  # of a table: fewer than the command line runs one by one, however it counts them


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
    if option == "--data":
        return text.endswith(".csv") and not text.startswith("-") and not any(c in text for c in "*?[:")
    return all(map(is_ascii_name, text.split(",")))


class Answer:
    """Numbers under their names, one row or those of a table; for `grad` the value, then the derivatives."""

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
        self.names, self.rows = names, rows


def answer(request: Request) -> Answer | None:
    """The numbers that a command prints. None where the program has no instructions for that, or they give no plain
    answer."""
    try:
        text, folder = _program(request)
        entry = load_bytes(KIND, key_of(request.command, request.options, text, folder))
        if entry is None:
            return None
        program = _Instructions(entry.decode(ENCODING, ERRORS).split("\n"))
        rows = [program.run(numbers) for numbers in _inputs(request, program)]
    except (ArithmeticError, AttributeError, OSError, RuntimeError, Stopped, TypeError, ValueError, LookupError):
        return None  # the command line says what is wrong
    if request.command == "eval":
        return Answer(program.names, rows)
    of, *by = program.names
    rows = [[float(value), *[x + 0.0 for x in partials]] for value, *partials in rows]
    if any(x != x for row in rows for x in row[1:]):
        return None  # the command line says where that begins
    return Answer([of, *[f"d{of}/d{name}" for name in by]], rows)


def _inputs(request: Request, program: _Instructions) -> list[dict[str, float]]:
    """The numbers of the inputs, of each row. Raises ValueError for a table that is no plain one."""
    if "--data" not in request.options:
        return [request.numbers]
    text = _text(request.options["--data"])
    header, *lines = text.removesuffix("\n").split("\n")
    names = [name[1:-1] if name[:1] == name[-1:] == '"' else name for name in header.split(",")]
    if not text.isascii() or len(lines) > MOST_ROWS or len(set(names)) < len(names):
        raise ValueError
    if not program.inputs.keys() >= set(names) or not request.numbers.keys().isdisjoint(names):
        raise ValueError
    rows = []
    for line in filter(None, lines):
        row = dict(request.numbers)
        for name, cell in zip(names, line.split(","), strict=True):
            number = plain_number(cell)
            if number is None:
                raise ValueError
            row[name] = number
        rows.append(row)
    return rows


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


class _Instructions:
    """What an entry holds. Raises ValueError where a file that it depends on has changed, or the program has none.

    inputs: by name its dtype, its default and the ends of its range. names: of the results.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.inputs: dict[str, list[str]] = {}
        self.names: list[str] = []
        self._registers: list[int] = []
        first = lines.index("")
        self._lines = lines[first + 1 :]
        for line in lines[:first]:
            kind, _, rest = line.partition(" ")
            if kind == "file":
                stamp, _, path = rest.partition(" ")
                if digest(_text(path)) != stamp:
                    raise ValueError
            elif kind == "link":
                path, _, target = rest.partition("\t")
                if os.path.realpath(path) != target:
                    raise ValueError
            elif kind == "input":
                name, *words = rest.split(" ")
                self.inputs[name] = words
            elif kind == "result":
                name, register = rest.split(" ")
                self.names.append(name)
                self._registers.append(int(register))
        if not self.names:
            raise ValueError

    def run(self, numbers: Mapping[str, float]) -> list[float]:
        """The results for these inputs. Raises ValueError for numbers that do not fit, Stopped as a run does."""
        if not self.inputs.keys() >= numbers.keys():
            raise ValueError
        registers = run(self._lines, [_input(numbers.get(name), *words) for name, words in self.inputs.items()])
        return [registers[k] for k in self._registers]


def _input(value: float | None, dtype: str, default: str, low: str, high: str) -> float:
    """The value of an input in its type, or its default. Raises ValueError where there is none that fits."""
    if value is None:
        value = plain_number(default)
    if value is None or (dtype == "int" and not isinstance(value, int)):
        raise ValueError
    if low != "-" and not float(low) <= value <= float(high):
        raise ValueError
    return float(value) if dtype == "float" else value


def text_of(answer: Answer, request: Request, style: str) -> str:
    """The answer in the style `plain`, `json` or `csv`, as the command line writes it; a table is CSV."""
    precision = request.precision
    if style == "csv":
        rows = [[shortest(x, precision, whole=False) for x in row] for row in answer.rows]
        return "".join([f"{','.join(row)}\n" for row in (answer.names, *rows)])
    [row] = answer.rows
    if style == "plain":
        return "".join([f"{name} = {shortest(x, precision)}\n" for name, x in zip(answer.names, row, strict=True)])
    texts = [(name, _json(plain(rounded(x, precision)))) for name, x in zip(answer.names, row, strict=True)]
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
