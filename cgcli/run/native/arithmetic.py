"""Each primitive in LLVM's instructions, of single numbers and of vectors alike: both give the same bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgcli.loop_nests.form import FLOATS, INTS, OVERFLOW, TYPES, ZERO_DIVISION, ScalarType
from cgcli.loop_nests.primitives import RANGES

from .remainder import REMAINDER
from .writer import LLVM, Writer, literal, splat, suffix, type_of

_FLOAT = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_FUNCTION = {
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "round": "roundeven",
    "copysign": "copysign",
    "fma": "fma",
    "abs": "fabs",
    "min": "minimum",
    "max": "maximum",
}
_COMPARE_FLOATS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_COMPARE_INTS = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}
_COMPARE_BOOLS = {"eq": "eq", "ne": "ne", "lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge"}
_SPECIAL = ("rem", "ldexp", "mantissa", "exponent", "bits", "from_bits")
_SQRT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


class Arithmetic:
    """Writes primitives on vectors of so many lanes, on numbers where there are none.

    check: called with a condition, one bool a lane, and the status of the run where it does not hold.
    """

    def __init__(self, w: Writer, lanes: int, check: Callable[[str, int], None]) -> None:
        self.w, self.lanes, self.check = w, lanes, check

    def type(self, type_: ScalarType) -> str:
        return type_of(type_, self.lanes)

    def const(self, value: float, type_: ScalarType) -> str:
        return splat(literal(value, type_), type_, self.lanes)

    def apply(
        self, name: str, xs: Sequence[str], types: Sequence[ScalarType], result: ScalarType, node: int = -1
    ) -> str:
        """A primitive on values of these types. node: of checked ints, else -1."""
        of, type_ = types[0], self.type(types[0])
        if name in TYPES:
            return self.convert(xs[0], of, result, node)
        if name == "select":
            chosen = self.type(result)
            return self.w.define(f"select {type_} {xs[0]}, {chosen} {xs[1]}, {chosen} {xs[2]}")
        if name in _COMPARE_FLOATS:
            return self.compare(name, xs[0], xs[1], of)
        if name in _SPECIAL:
            return self.special(name, xs, of)
        if of == "bool":
            second = xs[1] if name != "not" else self.const(True, "bool")
            return self.w.define(f"{'xor' if name == 'not' else name} {type_} {xs[0]}, {second}")
        if of in INTS:
            return self.integer(name, list(xs), of, node)
        if name == "neg":
            return self.w.define(f"fneg {type_} {xs[0]}")
        if name in _FLOAT:
            return self.w.define(f"{_FLOAT[name]} {type_} {xs[0]}, {xs[1]}")
        return self.intrinsic(_FUNCTION[name], of, *xs)

    def intrinsic(self, name: str, of: ScalarType, *xs: str) -> str:
        type_ = self.type(of)
        return self.w.call(f"llvm.{name}.{suffix(of, self.lanes)}", type_, [(type_, x) for x in xs])

    def compare(self, name: str, x: str, y: str, of: ScalarType) -> str:
        if of in FLOATS:
            return self.w.define(f"fcmp {_COMPARE_FLOATS[name]} {self.type(of)} {x}, {y}")
        table = _COMPARE_BOOLS if of == "bool" else _COMPARE_INTS
        return self.w.define(f"icmp {table[name]} {self.type(of)} {x}, {y}")

    # ---- conversions

    def convert(self, x: str, of: ScalarType, to: ScalarType, node: int) -> str:
        """A number in another type. An int becomes a float by one rounding."""
        if of == to:
            return x
        if to == "bool":
            zero = self.const(0.0 if of in FLOATS else 0, of)
            return self.compare("ne", x, zero, of)
        if to in FLOATS:
            if of in FLOATS:
                return self._cast("fpext" if to == "f64" else "fptrunc", x, of, to)
            return self._cast("uitofp" if of == "bool" else "sitofp", x, of, to)
        if of == "bool":
            return self._cast("zext", x, of, to)
        if of in INTS:
            if to == "i64":
                return self._cast("sext", x, of, to)
            short = self._cast("trunc", x, of, to)
            if node >= 0:
                self.check(self.compare("eq", self._cast("sext", short, to, of), x, of), node * 16 + OVERFLOW)
            return short
        return self._truncated(self.convert(x, of, "f64", node), to, node)

    def _truncated(self, x: str, to: ScalarType, node: int) -> str:
        """A double rounded towards zero."""
        if node >= 0:
            if to == "i64":
                size = self.intrinsic("fabs", "f64", x)
                fits = self.compare("lt", size, self.const(2.0**63, "f64"), "f64")
            else:
                above = self.compare("gt", x, self.const(-(2.0**31) - 1.0, "f64"), "f64")
                below = self.compare("lt", x, self.const(2.0**31, "f64"), "f64")
                fits = self.w.define(f"and {self.type('bool')} {above}, {below}")
            self.check(fits, node * 16 + OVERFLOW)
        return self._cast("fptosi", x, "f64", to)

    def _cast(self, how: str, x: str, of: ScalarType, to: ScalarType) -> str:
        return self.w.define(f"{how} {self.type(of)} {x} to {self.type(to)}")

    # ---- ints

    def integer(self, name: str, xs: list[str], of: ScalarType, node: int) -> str:
        type_ = self.type(of)
        if name in ("min", "max"):
            return self.intrinsic("s" + name, of, *xs)
        if name in ("floor_div", "mod"):
            return self._division(name, xs[0], xs[1], of, node)
        if name == "abs":
            lowest = self.const(RANGES[of][0], of)
            if node >= 0:
                self.check(self.compare("ne", xs[0], lowest, of), node * 16 + OVERFLOW)
            zero = self.const(0, of)
            negative = self.compare("lt", xs[0], zero, of)
            opposite = self.w.define(f"sub {type_} {zero}, {xs[0]}")
            return self.w.define(f"select {self.type('bool')} {negative}, {type_} {opposite}, {type_} {xs[0]}")
        if name == "neg":
            name, xs = "sub", [self.const(0, of), xs[0]]
        if node < 0:
            return self.w.define(f"{name} {type_} {xs[0]}, {xs[1]}")
        return self.checked(name, xs[0], xs[1], of, node * 16 + OVERFLOW)

    def checked(self, name: str, x: str, y: str, of: ScalarType, status: int) -> str:
        """A sum, difference or product of ints that stops the run with the status where it leaves the type."""
        type_, bools = self.type(of), self.type("bool")
        pair = f"{{{type_}, {bools}}}"
        both = self.w.call(f"llvm.s{name}.with.overflow.{suffix(of, self.lanes)}", pair, [(type_, x), (type_, y)])
        over = self.w.define(f"extractvalue {pair} {both}, 1")
        result = self.w.define(f"extractvalue {pair} {both}, 0")
        self.check(self.w.define(f"xor {bools} {over}, {self.const(True, 'bool')}"), status)
        return result

    def _division(self, name: str, x: str, y: str, of: ScalarType, node: int) -> str:
        """The floored quotient or its rest; the processor divides by neither 0 nor -1, which it would not survive."""
        type_, bools = self.type(of), self.type("bool")
        zero, one, minus_one = (self.const(n, of) for n in (0, 1, -1))
        nonzero = self.compare("ne", y, zero, of)
        opposite = self.compare("eq", y, minus_one, of)
        if node >= 0:
            self.check(nonzero, node * 16 + ZERO_DIVISION)
            if name == "floor_div":
                lowest = self.const(RANGES[of][0], of)
                over = self.w.define(f"and {bools} {self.compare('eq', x, lowest, of)}, {opposite}")
                self.check(self.w.define(f"xor {bools} {over}, {self.const(True, 'bool')}"), node * 16 + OVERFLOW)
        usual = self.w.define(f"select {bools} {nonzero}, {type_} {y}, {type_} {one}")
        divisor = self.w.define(f"select {bools} {opposite}, {type_} {one}, {type_} {usual}")
        rest = self.w.define(f"srem {type_} {x}, {divisor}")
        signs = self.w.define(f"xor {type_} {rest}, {divisor}")
        unlike, inexact = self.compare("lt", signs, zero, of), self.compare("ne", rest, zero, of)
        below = self.w.define(f"and {bools} {unlike}, {inexact}")
        if name == "mod":
            moved = self.w.define(f"add {type_} {rest}, {divisor}")
            return self.w.define(f"select {bools} {below}, {type_} {moved}, {type_} {rest}")
        quotient = self.w.define(f"sdiv {type_} {x}, {divisor}")
        less = self.w.define(f"sub {type_} {quotient}, {one}")
        floored = self.w.define(f"select {bools} {below}, {type_} {less}, {type_} {quotient}")
        negated = self.w.define(f"sub {type_} {zero}, {x}")
        return self.w.define(f"select {bools} {opposite}, {type_} {negated}, {type_} {floored}")

    # ---- the representation of floats

    def special(self, name: str, xs: Sequence[str], of: ScalarType) -> str:
        if name == "rem":
            return self.remainder(xs[0], xs[1], of)
        if name == "bits":
            return self._cast("bitcast", xs[0], "f64", "i64")
        if name == "from_bits":
            return self._cast("bitcast", xs[0], "i64", "f64")
        if name == "ldexp":
            return self.ldexp(xs[0], xs[1])
        return self.split(xs[0], name == "mantissa")

    def ldexp(self, x: str, k: str) -> str:
        """x·2^k by three powers of two, of which one alone can round; by one instruction where the processor has it.

        Of k < -1022 the first powers are 2^-969, so that at most 2^-54 is left: what they round, the last makes 0.
        """
        w, int_, long, real = self.w, self.type("i32"), self.type("i64"), self.type("f64")
        if self.lanes == 8 and "+avx512f" in w.features:
            operands = [(real, x), (real, k), (real, "zeroinitializer"), ("i8", "-1"), ("i32", "4")]
            return w.call("llvm.x86.avx512.mask.scalef.pd.512", real, operands)
        rest = self._cast("fptosi", k, "f64", "i32")
        for last in (False, False, True):
            part = self.integer("min", [rest, self.const(1023, "i32")], "i32", -1)
            if last:
                part = self.integer("max", [part, self.const(-1022, "i32")], "i32", -1)
            else:
                low = self.compare("lt", rest, self.const(-1022, "i32"), "i32")
                step = self.const(-969, "i32")
                part = w.define(f"select {self.type('bool')} {low}, {int_} {step}, {int_} {part}")
                rest = w.define(f"sub {int_} {rest}, {part}")
            biased = w.define(f"add {int_} {part}, {self.const(1023, 'i32')}")
            shifted = w.define(f"shl {long} {self._cast('zext', biased, 'i32', 'i64')}, {self.const(52, 'i64')}")
            x = w.define(f"fmul {real} {x}, {self._cast('bitcast', shifted, 'i64', 'f64')}")
        return x

    def split(self, x: str, mantissa: bool) -> str:
        """The mantissa or the exponent of a positive finite number."""
        w, long, int_, real, bools = self.w, self.type("i64"), self.type("i32"), self.type("f64"), self.type("bool")
        small = self.compare("lt", x, self.const(2.0**-1022, "f64"), "f64")
        scaled = w.define(f"fmul {real} {x}, {self.const(2.0**54, 'f64')}")
        normal = w.define(f"select {bools} {small}, {real} {scaled}, {real} {x}")
        bits = self._cast("bitcast", normal, "f64", "i64")
        shift = self.const(52, "i64")
        above = w.define(f"sub {long} {bits}, {self.const(_SQRT_HALF, 'i64')}")
        exponent = w.define(f"ashr {long} {above}, {shift}")
        if mantissa:
            places = w.define(f"shl {long} {exponent}, {shift}")
            moved = w.define(f"sub {long} {bits}, {places}")
            return self._cast("bitcast", moved, "i64", "f64")
        short = self._cast("trunc", exponent, "i64", "i32")
        more = w.define(f"select {bools} {small}, {int_} {self.const(-54, 'i32')}, {int_} {self.const(0, 'i32')}")
        return self._cast("sitofp", w.define(f"add {int_} {short}, {more}"), "i32", "f64")

    def remainder(self, x: str, y: str, of: ScalarType) -> str:
        """Lane by lane; in single precision the remainder of doubles is exact, too."""
        x, y = self.convert(x, of, "f64", -1), self.convert(y, of, "f64", -1)
        self.w.helpers["remainder"] = REMAINDER
        if not self.lanes:
            result = self.w.define(f"call double @remainder(double {x}, double {y})")
        else:
            real, result = self.type("f64"), "poison"
            for j in range(self.lanes):
                a, b = (self.w.define(f"extractelement {real} {v}, i64 {j}") for v in (x, y))
                one = self.w.define(f"call double @remainder(double {a}, double {b})")
                result = self.w.define(f"insertelement {real} {result}, {LLVM['f64']} {one}, i64 {j}")
        return self.convert(result, "f64", of, -1)
