"""Files of every kind that cg reads, damaged in seeded ways, and what the commands that read them do.

Run as a program it makes the attempts of a range of seeds and prints a line before and after each: a signal that ends
it can then be told apart by the seed. It works in the current folder.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import safetensors.numpy
from cli_harness import Result, cg
from pyarrow import feather, parquet

SECONDS = 60  # that one attempt may take
MEMORY = 16 * 2**30  # bytes of addresses
NUMBERS = [1.5, -2.0, 0.25, 3.0, 7.0, -0.5, 1e3, 2.0]
PROGRAMS = {
    "pair.cg": "input a: float[n]\ninput b: float[n]\ny = sum(a * b)\n",
    "row.cg": "input a: float\ninput b: float\ny = a * b\n",
    "fit.cg": "input a: float\ninput b: float\nparam w: float[2] = [0.5, 0]\nfit = w[0] * a + w[1]\n"
    "loss = (fit - b)^2\n",
    "tree.cg": "input t: any\ny = t.a[0] + t.b[1]\n",
    "main.cg": 'import "part.cg"\ny = part.f(x)\n',
}
PROGRAM = "# a comment\nimport nn\nfn f(x) = 2 * nn.gelu(x) + sin(x)^2\nk = [1, 2.5, -3e2]\nz = sum(k)\n"
PAIR = ("eval", "pair.cg")
ROW = ("eval", "row.cg", "--data")
FIT = ("train", "fit.cg", "--loss", "loss", "--steps", "2")
WEIGHED = ("eval", "fit.cg", "--a", "1", "--b", "2", "--weights")
ARRAYS: tuple[tuple[str, ...], ...] = ((*PAIR, "--inputs", "FILE"), (*PAIR, "--a", "@FILE:a", "--b", "@FILE:b"))
TABLE: tuple[tuple[str, ...], ...] = ((*ROW, "FILE"), (*FIT, "--data", "FILE"))
READ: dict[str, tuple[tuple[str, ...], ...]] = {
    "x.npy": ((*PAIR, "--a", "@FILE", "--b", "@FILE"), ("eval", "-e", "y = 2 * x", "--data", "FILE")),
    **dict.fromkeys(("stored.npz", "deflated.npz", "bz2.npz", "lzma.npz"), (*ARRAYS, *TABLE)),
    "t.csv": (*TABLE, ARRAYS[1]),
    "t.tsv": TABLE,
    "t.jsonl": TABLE,
    "v.json": (*ARRAYS, ("eval", "tree.cg", "--t", "@FILE")),
    "v.toml": (ARRAYS[0],),
    "foreign.safetensors": (ARRAYS[1], ("weights", "FILE"), (*WEIGHED, "FILE")),
    "w.safetensors": (
        ("weights", "FILE"),
        (*WEIGHED, "FILE"),
        ("predict", "fit.cg", "--data", "good.csv", "--weights", "FILE"),
        ("train", "fit.cg", "--data", "good.csv", "--resume", "FILE", "--steps", "4"),
    ),
    "t.parquet": TABLE,
    "checked.parquet": TABLE,
    "t.arrow": TABLE,
    "t.feather": TABLE,
    "program.cg": (
        ("eval", "FILE"),
        ("check", "FILE"),
        ("fmt", "--check", "FILE"),
        ("eval", "FILE", "--mode", "dynamic"),
    ),
    "part.cg": (("eval", "main.cg", "--x", "2"), ("check", "main.cg")),
    "cache": (("eval", "row.cg", "--a", "2", "--b", "3"),),
}
"""By file the commands that read it, which find it under the name FILE."""
KINDS = tuple(READ)


class Failure(NamedTuple):
    """An attempt that ended as none may."""

    seed: int
    file: str
    command: tuple[str, ...]
    why: str


# ---- in the parent


def failures(folder: Path, count: int) -> list[str]:
    """What went wrong in so many attempts. A child makes them; where a signal ends it, another goes on after it."""
    found = []
    seed = 0
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    while seed < count:
        command = [sys.executable, str(Path(__file__).resolve()), str(seed), str(count)]
        child = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        lines = child.stdout.splitlines()
        found += [line for line in lines if not line.startswith("attempt ")]
        if child.returncode == 0:
            return found
        last = [line for line in lines if line.startswith("attempt ")][-1:]
        found.append(f"{last} ended by {child.returncode}: {child.stderr[-1000:]}")
        seed = int(last[0].split()[1]) + 1 if last else count
    return found


# ---- in the child


def write_good() -> None:
    """The programs, and the files as they are before they are damaged."""
    for name, text in PROGRAMS.items():
        Path(name).write_text(text)
    a, b = np.array(NUMBERS), np.array(NUMBERS[::-1])
    rows = [{"a": x, "b": y} for x, y in zip(NUMBERS, NUMBERS[::-1], strict=True)]
    np.save("x.npy", a)
    methods = {
        "stored": zipfile.ZIP_STORED,
        "deflated": zipfile.ZIP_DEFLATED,
        "bz2": zipfile.ZIP_BZIP2,
        "lzma": zipfile.ZIP_LZMA,
    }
    for name, method in methods.items():
        with zipfile.ZipFile(f"{name}.npz", "w", method) as archive:
            for member, array in (("a", a), ("b", b)):
                with archive.open(f"{member}.npy", "w") as file:
                    np.lib.format.write_array(file, array)
    for name, sign in (("t.csv", ","), ("good.csv", ","), ("t.tsv", "\t")):
        Path(name).write_text("".join(f"{x}{sign}{y}\n" for x, y in [("a", "b"), *zip(a, b, strict=True)]))
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("v.json").write_text(json.dumps({"a": NUMBERS, "b": NUMBERS[::-1]}))
    Path("v.toml").write_text(f"a = {NUMBERS}\n# and\nb = {NUMBERS[::-1]}\n")
    safetensors.numpy.save_file({"a": a, "b": b, "w": a[:2]}, "foreign.safetensors", {"of": "another tool"})
    table = pa.table({"a": a, "b": b, "text": ["some"] * len(a), "many": [[1.0, 2.0]] * len(a)})
    parquet.write_table(table, "t.parquet")
    parquet.write_table(table, "checked.parquet", compression="zstd", data_page_version="2.0", write_page_checksum=True)
    with pa.ipc.new_file("t.arrow", table.schema) as file:
        file.write_table(table)
    feather.write_feather(table, "t.feather", compression="lz4")
    Path("program.cg").write_text(PROGRAM)
    Path("part.cg").write_text(PROGRAM)
    trained = cg("train", "fit.cg", "--data", "good.csv", "--loss", "loss", "--steps", "2", "--save", "w.safetensors")
    assert trained.status == 0, trained.err


def attempts(first: int, end: int) -> Iterator[Failure]:
    """Damages a file for each seed, runs a command that reads it, and judges how that ended."""
    write_good()
    good = {name: Path(name).read_bytes() for name in KINDS if name != "cache"}
    answers: dict[tuple[str, ...], Result] = {}
    for seed in range(first, end):
        name = KINDS[seed % len(KINDS)]
        rng = random.Random(seed)
        command = READ[name][seed // len(KINDS) % len(READ[name])]
        words = tuple(word.replace("FILE", name) for word in command)
        tell("attempt", seed, name, *words)
        if words not in answers:
            answers[words] = cg(*words)
            assert answers[words].status == 0, answers[words].err
        path = Path(name)
        if name == "cache":
            entries = sorted(Path(os.environ["XDG_CACHE_HOME"], "cg", "program").iterdir())
            for path in entries:
                path.write_bytes(damaged(path.read_bytes() or b"0", rng))
        else:
            path.write_bytes(damaged(good[name], rng))
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        result = cg(*words)
        faulthandler.cancel_dump_traceback_later()
        why = wrong(name, result, answers[words])
        if why:
            yield Failure(seed, name, words, f"{why}: status {result.status}, {(result.err + result.out)[-500:]}")
        if name != "cache":
            path.write_bytes(good[name])


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes, damaged in one of the ways of disks, networks, editors and ill will."""
    changed = bytearray(data)
    at = rng.randrange(len(data))
    length = rng.randint(1, 64)
    match rng.randrange(8):
        case 0:  # bits
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 1:  # the end is gone
            del changed[at:]
        case 2:
            changed[at:at] = rng.randbytes(rng.randint(1, 8))
        case 3:  # a part comes twice
            changed[at:at] = changed[at : at + length]
        case 4:  # a part is gone
            del changed[at : at + length]
        case 5:  # bytes have changed places
            other = rng.randrange(len(data))
            changed[at], changed[other] = changed[other], changed[at]
        case 6:  # sizes and offsets are extreme
            extremes = (b"\xff" * 8, bytes(8), b"\xff" * 7 + b"\x7f", b"\xff\xff\xff\x7f", b"\0\0\0\x80")
            extreme = rng.choice(extremes)
            changed[at : at + len(extreme)] = extreme
        case 7:  # the text of the header
            texts = [b"9" * 30, b"-", b"(", b"[" * 300, b'"', b"\x1b[31m", b"null", b"1e999", b"\n", b"0", b"{", b"'"]
            marks = [m.start() for m in re.finditer(rb"[\w(\[{]", data[:300])] or [0]
            at = rng.choice(marks)
            changed[at : at + rng.randint(0, 2)] = rng.choice(texts)
    return bytes(changed)


def wrong(name: str, result: Result, good: Result) -> str | None:
    """What is wrong with the way in which a command ended that read a damaged file; None when nothing is."""
    if result.status not in (0, 1, 2):
        return "another status"
    told = result.err + result.out  # `check` tells on standard output
    for sign in ("Traceback", "bug in cg", "Warning", "\x1b"):
        if sign in told:
            return f"it says {sign!r}"
    if result.status and "error: " not in told and name != "program.cg":  # `fmt --check` only names the file
        return "no error"
    if result.status and Path(name).stem not in told and not re.search(r"`(--)?[abtw]\b|no value is given for", told):
        return "neither the file nor the input is named"
    if name == "cache" and result[:2] != good[:2]:
        return "another answer"
    if name == "w.safetensors" and result.status == 0 and numbers_of(result.out) != numbers_of(good.out):
        return "other numbers out of a checkpoint"
    return None


def numbers_of(text: str) -> Any:
    """The lines that tell numbers: without what is known of the training."""
    return [line for line in text.splitlines() if "float" in line or re.match(r"(fit|loss|w|y)\b", line)]


def tell(*words: object) -> None:
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for failure in attempts(int(sys.argv[1]), int(sys.argv[2])):
        tell(*failure[:2], *failure.command, "|", failure.why.replace("\n", "⏎"))
