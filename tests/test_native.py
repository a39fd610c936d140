"""Machine code of loop nests: the bits and the statuses of the plain interpreter, on every width and in every part."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_nests import RandomNest, arrays_for, some_functions
from random_nests import random_nest

import cgcli
from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import MEMORY, OVERFLOW, STOPPED, ZERO_DIVISION, LoopNest, Unsupported, Value
from cgcli.loop_nests.interpreter import interpret
from cgcli.loop_nests.primitives import FUNCTIONS
from cgcli.run.native import compile as compile_module
from cgcli.run.native import llvm, objects
from cgcli.run.native.choice import compiler_installed
from cgcli.run.native.chunks import parts, run_chunks
from cgcli.run.native.compile import CompiledNest, StopFlag, compile_nest
from cgcli.run.native.llvm import llvm_module

needs_llvm = pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite")
ROWS = (0, 1, 7, 8, 9, 17)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, and no machine code loaded before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compile_module, "_loaded", {})
    return tmp_path / "cache" / "cg" / objects.KIND


def same(a: Any, b: Any) -> bool:
    """Whether arrays are equal bit for bit; all nans are one."""
    if a.dtype.kind != "f":
        return bool((a == b).all())
    bits = f"i{a.dtype.itemsize}"
    return bool(((np.isnan(a) & np.isnan(b)) | (a.view(bits) == b.view(bits))).all())


def agree(nest: LoopNest, code: CompiledNest, arrays: dict[str, Any], sizes: dict[str, int]) -> int:
    """Runs a nest both ways and compares; the status."""
    copies = {name: x.copy() for name, x in arrays.items()}
    status = interpret(nest, arrays, sizes)
    assert code.run(copies, sizes) == status
    if not status:
        assert [name for name in arrays if not same(arrays[name], copies[name])] == []
    return status


# ---- random nests


@needs_llvm
@pytest.mark.parametrize("seed", range(40))
def test_a_random_nest_gives_the_bits_of_the_interpreter(seed: int) -> None:
    nest, arrays, sizes = random_nest(seed)
    agree(nest, compile_nest(nest), arrays, sizes)


@needs_llvm
@pytest.mark.parametrize("seed", range(40))
def test_random_rows_give_the_bits_of_the_interpreter(seed: int) -> None:
    with some_functions():
        nest = RandomNest(seed).nest
        code = compile_nest(nest)
        for n in ROWS:
            agree(nest, code, arrays_for(nest, n, seed + n), {"n": n, "m": 3})


@needs_llvm
@pytest.mark.thorough
def test_many_random_nests() -> None:
    for seed in range(40, 1000):
        test_a_random_nest_gives_the_bits_of_the_interpreter(seed)
        test_random_rows_give_the_bits_of_the_interpreter(seed)


@needs_llvm
@pytest.mark.parametrize("seed", range(12))
def test_narrow_processors_give_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code for 128-bit vectors runs on every processor of the architecture."""
    if not compile_module.host().triple.startswith("x86_64"):
        pytest.skip("names of x86 processors")
    narrow = compile_module.host()._replace(cpu="x86-64", features="")
    monkeypatch.setattr(compile_module, "host", lambda: narrow)
    with some_functions():
        nest = RandomNest(seed).nest
        code = compile_nest(nest)
        for n in (9, 33):
            agree(nest, code, arrays_for(nest, n, seed + n), {"n": n, "m": 3})


@needs_llvm
@pytest.mark.parametrize("seed", range(12))
def test_called_functions_give_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "LONG", 0)
    with some_functions():
        nest = RandomNest(seed).nest
        code = compile_nest(nest)
        for n in (9, 33):
            agree(nest, code, arrays_for(nest, n, seed + n), {"n": n, "m": 3})


def function_of_rows(name: str, times: int = 1) -> LoopNest:
    k = LoopBuilder(name)
    n = k.size("n")
    inputs = ["x", "z"][: FUNCTIONS[name]]
    for buffer in inputs:
        k.buffer(buffer, "f64", (n,), "in")
    k.buffer("y", "f64", (n,), "out")
    with k.loop(n, kind="chunk") as loop:
        y, *others = (k.load(buffer, [loop.variable]) for buffer in inputs)
        for _ in range(times):
            y = k.apply(name, y, *others)
        k.store("y", [loop.variable], y)
    return k.nest()


@needs_llvm
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_the_same_bits_called(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one lane has a case of its own, as a large angle."""
    monkeypatch.setattr(llvm, "LONG", 0)
    nest = function_of_rows(name)
    assert f"@{name}.8(" in llvm_module(nest)
    x = np.array([0.5, -0.0, 0.0, 1.0, -3.0, 1e10, math.inf, -math.inf, math.nan, 5e-324, 1e300, 20.0, -745.0])
    agree(nest, compile_nest(nest), {"x": x, "z": np.roll(x, 5), "y": np.zeros(13)}, {"n": 13})


def test_a_long_nest_has_the_code_of_a_function_once() -> None:
    """LLVM took 16 s for 320 functions in place."""
    few, many = (len(llvm_module(function_of_rows("sin", times)).splitlines()) for times in (10, 110))
    assert many - few <= 200


def test_random_rows_reach_every_kind_of_code() -> None:
    with some_functions():
        texts = [llvm_module(RandomNest(seed).nest) for seed in range(40)]
    kinds = ("masked.load", "masked.gather", "masked.scatter", "label %slow", "<16 x double>", "alloca [", "@remainder")
    assert [kind for kind in kinds if not any(kind in text for text in texts)] == []


# ---- parts of chunk loops


def scaled_rows() -> LoopNest:
    k = LoopBuilder("rows")
    n = k.size("n")
    k.buffer("x", "f64", (n,), "in")
    k.buffer("d", "i64", (n,), "in")
    k.buffer("y", "f64", (n,), "out")
    with k.loop(n, kind="chunk") as loop:
        i = loop.variable
        quotient = k.floor_div(k.const(100, "i64"), k.load("d", [i]), node=3)
        x = k.load("x", [i])
        k.store("y", [i], k.add(k.mul(x, k.sqrt(k.abs(x))), k.f64(quotient)))
    return k.nest()


def rows(n: int) -> dict[str, Any]:
    x = np.random.default_rng(n).normal(size=n)
    return {"x": x, "d": np.arange(1, n + 1), "y": np.zeros(n)}


@needs_llvm
@pytest.mark.parametrize("cuts", [(0, 37), (0, 1, 37), (0, 8, 16, 37), (0, 5, 6, 21, 36, 37)])
def test_a_loop_cut_anywhere_gives_the_same_bits(cuts: tuple[int, ...]) -> None:
    nest, whole, cut = scaled_rows(), rows(37), rows(37)
    code = compile_nest(nest)
    assert code.run(whole, {"n": 37}) == 0
    for begin, end in pairwise(cuts):
        assert code.run(cut, {"n": 37}, begin, end) == 0
    assert same(whole["y"], cut["y"])


@needs_llvm
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_give_the_same_bits(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.run.native.chunks.SHORT", 0)
    nest, alone, shared = scaled_rows(), rows(5001), rows(5001)
    code = compile_nest(nest)
    assert interpret(nest, alone, {"n": 5001}) == 0
    assert run_chunks(code, shared, {"n": 5001}, 5001, threads=threads) == 0
    assert same(alone["y"], shared["y"])


@needs_llvm
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_row_that_stops_gives_the_status(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.run.native.chunks.SHORT", 0)
    k = LoopBuilder("rows")
    n = k.size("n")
    k.buffer("x", "i64", (n,), "in")
    with k.loop(n, kind="chunk") as loop:
        x = k.load("x", [loop.variable])
        k.check(k.ne(x, k.const(1, "i64")), 4, 1)
        k.check(k.ne(x, k.const(2, "i64")), 4, 2)
    nest = k.nest()
    arrays = {"x": np.zeros(5000, np.int64)}
    arrays["x"][1234], arrays["x"][1239], arrays["x"][4000] = 2, 1, 1
    assert interpret(nest, arrays, {"n": 5000}) == 2 * 16 + 4
    assert run_chunks(compile_nest(nest), arrays, {"n": 5000}, 5000, threads=threads) == 2 * 16 + 4


def test_parts_cover_a_loop() -> None:
    for count, threads in ((1, 2), (64, 2), (1000, 3), (100_000, 7)):
        pieces = list(parts(count, threads))
        assert [begin for begin, _ in pieces] == [0, *(end for _, end in pieces[:-1])]
        assert pieces[-1][1] == count
        assert all(begin % 64 == 0 for begin, _ in pieces)


# ---- what stops a run


def one_number(build: Callable[[LoopBuilder, Value], Value]) -> Callable[[int], int]:
    """A function of an int as a nest; it returns the status."""
    k = LoopBuilder("number")
    k.buffer("x", "i64", (1,), "in")
    k.buffer("y", "i64", (1,), "out")
    k.store("y", [0], build(k, k.load("x", [0])))
    nest = k.nest()
    code = compile_nest(nest)

    def run(x: int) -> int:
        return agree(nest, code, {"x": np.array([x]), "y": np.array([0])}, {})

    return run


@needs_llvm
def test_ints_that_leave_their_type_stop_the_run() -> None:
    lowest, highest = -(2**63), 2**63 - 1
    assert one_number(lambda k, x: k.add(x, x, node=5))(2**62) == 5 * 16 + OVERFLOW
    assert one_number(lambda k, x: k.mul(x, x, node=5))(2**31) == 0
    assert one_number(lambda k, x: k.mul(x, x, node=5))(2**32) == 5 * 16 + OVERFLOW
    assert one_number(lambda k, x: k.neg(x, node=5))(lowest) == 5 * 16 + OVERFLOW
    assert one_number(lambda k, x: k.abs(x, node=5))(lowest) == 5 * 16 + OVERFLOW
    assert one_number(lambda k, x: k.abs(x, node=5))(-highest) == 0
    assert one_number(lambda k, x: k.i64(k.i32(x, node=5)))(2**31) == 5 * 16 + OVERFLOW
    assert one_number(lambda k, x: k.i64(k.f64(x), node=5))(highest) == 5 * 16 + OVERFLOW


@needs_llvm
def test_divisions_by_zero_and_beyond_the_type_stop_the_run() -> None:
    lowest = -(2**63)
    ten = one_number(lambda k, x: k.floor_div(k.const(10, "i64"), x, node=2))
    assert [ten(x) for x in (0, 3, -3, -1)] == [2 * 16 + ZERO_DIVISION, 0, 0, 0]
    opposite = one_number(lambda k, x: k.floor_div(x, k.const(-1, "i64"), node=2))
    assert [opposite(x) for x in (lowest, lowest + 1)] == [2 * 16 + OVERFLOW, 0]
    rest = one_number(lambda k, x: k.mod(x, k.const(-1, "i64"), node=2))
    assert rest(lowest) == 0
    assert one_number(lambda k, x: k.mod(k.const(10, "i64"), x, node=2))(0) == 2 * 16 + ZERO_DIVISION


@needs_llvm
def test_ints_become_floats_by_one_rounding() -> None:
    """2^54 + 2^30 + 1 lies just above the middle of two single floats; in double precision it would lie in it."""
    number = 2**54 + 2**30 + 1
    rounded = 2**54 + 2**31
    same_value = one_number(lambda k, x: k.i64(k.eq(k.f32(x), k.f32(k.const(float(rounded))))))
    assert same_value(number) == 0
    k = LoopBuilder("single")
    n = k.size("n")
    k.buffer("x", "i64", (n,), "in")
    k.buffer("y", "f32", (n,), "out")
    with k.loop(n, kind="vector") as loop:
        k.store("y", [loop.variable], k.f32(k.load("x", [loop.variable])))
    arrays = {"x": np.full(17, number), "y": np.zeros(17, np.float32)}
    assert compile_nest(k.nest()).run(arrays, {"n": 17}) == 0
    assert arrays["y"].tolist() == [float(rounded)] * 17


def endless(kind: str) -> LoopNest:
    """A loop of 1e11 steps."""
    k = LoopBuilder("endless")
    n = k.size("n")
    k.buffer("y", "f64", (1,), "out")
    first = [k.const(0.0)]
    if kind == "while":
        (last,) = k.while_(first, lambda s: k.lt(s[0], k.f64(n)), lambda s: [k.add(s[0], k.const(1.0))])
    elif kind == "constant":  # no single loop has many steps
        with k.loop(4000, first) as a:
            with k.loop(5000, a.carried) as b:
                with k.loop(5000, b.carried) as c:
                    c.yields = [k.add(c.carried[0], k.const(1.0))]
                b.yields = c.results
            a.yields = b.results
        (last,) = a.results
    else:
        with k.loop(n, first, ["add" if kind == "vector" else ""], kind=kind) as loop:  # type: ignore[arg-type]
            loop.yields = [k.add(loop.carried[0], k.f64(loop.variable))]
        (last,) = loop.results
    k.store("y", [0], last)
    return k.nest()


@needs_llvm
@pytest.mark.parametrize("kind", ["serial", "vector", "while", "constant"])
def test_a_flag_stops_a_loop_of_many_steps(kind: str) -> None:
    nest, stop = endless(kind), StopFlag()
    code = compile_nest(nest)
    threading.Timer(0.05, stop.set).start()
    assert code.run({"y": np.zeros(1)}, {"n": 10**11}, stop=stop) == STOPPED


@needs_llvm
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal in the main thread")
def test_an_interrupt_ends_a_loop_of_many_steps() -> None:
    code = compile_nest(endless("serial"))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            run_chunks(code, {"y": np.zeros(1)}, {"n": 10**11})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- local buffers


def doubling(grows: bool) -> LoopNest:
    """Writes n numbers into a local buffer and their reverse out."""
    k = LoopBuilder("local")
    n = k.size("n")
    k.buffer("y", "f64", (n, 2), "out")
    name = k.allocate("kept", "f64", (1 if grows else n, 2), chunked=grows)
    with k.loop(n) as loop:
        for column in range(2):
            k.store(name, [loop.variable, column], k.add(k.f64(loop.variable), k.const(column / 4)))
    with k.loop(n) as loop:
        last = k.sub(k.sub(n, loop.variable), k.const(1, "i64"))
        for column in range(2):
            k.store("y", [loop.variable, column], k.load(name, [last, column], changing=True))
    return k.nest()


@needs_llvm
@pytest.mark.parametrize("grows", [False, True])
def test_local_buffers(grows: bool) -> None:
    nest = doubling(grows)
    code = compile_nest(nest)
    for n in (0, 1, 63, 64, 65, 1000):
        assert agree(nest, code, {"y": np.zeros((n, 2))}, {"n": n}) == 0


@needs_llvm
@pytest.mark.parametrize("grows", [False, True])
def test_memory_is_limited(grows: bool) -> None:
    stop = StopFlag()
    stop.controls[3] = 5000
    assert compile_nest(doubling(grows)).run({"y": np.zeros((100, 2))}, {"n": 100}, stop=stop) == 0
    assert compile_nest(doubling(grows)).run({"y": np.zeros((1000, 2))}, {"n": 1000}, stop=stop) == MEMORY


@needs_llvm
def test_a_size_that_no_memory_has_is_refused() -> None:
    k = LoopBuilder("huge")
    n = k.size("n")
    k.allocate("kept", "f64", (n, n, n))
    assert compile_nest(k.nest()).run({}, {"n": 2**40}) == MEMORY
    assert compile_nest(k.nest()).run({}, {"n": -1}) == 0


# ---- arguments


@needs_llvm
@pytest.mark.parametrize(
    "x",
    [
        np.zeros(5, np.float32),
        np.zeros(10)[::2],
        np.zeros((5, 1)),
        np.zeros(4),
    ],
    ids=["dtype", "strides", "axes", "size"],
)
def test_arrays_that_do_not_fit_are_refused(x: Any) -> None:
    with pytest.raises(ValueError, match=r"x: (an array|float32)"):
        compile_nest(scaled_rows()).run({**rows(5), "x": x}, {"n": 5})


@needs_llvm
def test_an_output_that_cannot_be_written_is_refused() -> None:
    arrays = rows(5)
    arrays["y"].flags.writeable = False
    with pytest.raises(ValueError, match="cannot be written"):
        compile_nest(scaled_rows()).run(arrays, {"n": 5})


def test_a_nest_that_calls_an_unknown_routine_is_not_supported() -> None:
    k = LoopBuilder("call")
    k.call("matmul", [], [])
    with pytest.raises(Unsupported, match="matmul"):
        llvm_module(k.nest())


def test_it_says_whether_llvmlite_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_module.host.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert not compiler_installed.__wrapped__()


def test_a_table_is_computed_where_llvmlite_does_not_load(tmp_path: Path) -> None:
    """A wheel for another system is found, but fails when it is imported."""
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite" / "__init__.py").write_text("raise OSError('could not load libllvmlite.so')")
    code = "import cgcli, numpy as np; print(cgcli.parse('y = a * b + a').map({'a': np.ones(2_000_000)}, b=2)['y'][0])"
    path = os.pathsep.join([str(tmp_path), str(Path(cgcli.__file__).parents[1])])
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("3.0\n", "")


# ---- object files


def compiled_again(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a nest is compiled, as after a new start."""
    compiled: list[str] = []
    before = compile_module.object_code
    monkeypatch.setattr(compile_module, "object_code", lambda text: (compiled.append(text), before(text))[1])
    monkeypatch.setattr(compile_module, "_loaded", {})
    nest = scaled_rows()
    assert agree(nest, compile_nest(nest), rows(9), {"n": 9}) == 0
    monkeypatch.setattr(compile_module, "object_code", before)
    return bool(compiled)


@needs_llvm
def test_an_object_file_is_used_again(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_again(monkeypatch)
    assert [path.suffix for path in own_cache.iterdir()] == [".bin"]
    assert not compiled_again(monkeypatch)


@needs_llvm
def test_another_processor_or_version_has_another_object_file(monkeypatch: pytest.MonkeyPatch) -> None:
    host = compile_module.host()
    compiled: list[str] = []

    def compile_(text: str) -> bytes:
        compiled.append(text)
        return b"code"

    for other in (host, host, host._replace(features="+x"), host._replace(cpu="y"), host._replace(versions="z")):
        assert objects.object_file("text", other, compile_) == b"code"
    assert len(compiled) == 4


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def make_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def open_to_others(path: Path) -> None:
    path.chmod(0o666)


def open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


@needs_llvm
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners and modes of files")
@pytest.mark.parametrize("change", [damage, shorten, make_link, open_to_others, open_folder])
def test_an_object_file_that_others_may_have_written_is_not_run(
    change: Callable[[Path], None], own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled_again(monkeypatch)
    (path,) = own_cache.iterdir()
    change(path)
    assert compiled_again(monkeypatch)


@needs_llvm
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners of files")
def test_an_object_file_of_another_user_is_not_run(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_again(monkeypatch)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert compiled_again(monkeypatch)


@needs_llvm
def test_without_a_folder_nests_are_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiled_again(monkeypatch)
    assert compiled_again(monkeypatch)


@needs_llvm
def test_a_folder_that_cannot_be_written_costs_time_alone(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert compiled_again(monkeypatch)
    assert list(own_cache.iterdir()) == []
