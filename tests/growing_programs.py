"""Programs, command lines and tables of any length and depth: each takes n and makes what is n times as long as one."""

from __future__ import annotations

from collections.abc import Callable

Text = Callable[[int], str]


def each(line: str, n: int, joined: str = "") -> str:
    """`line` with the numbers from 0 to n - 1 in place of `@`."""
    return joined.join(line.replace("@", str(k)) for k in range(n))


ONE = "input x = 0.5\n"

PROGRAMS: dict[str, Text] = {
    # expressions
    "minus signs": lambda n: f"{ONE}y = {'-' * n}x\n",
    "nots": lambda n: f"{ONE}b = {'not ' * n}(x > 1)\ny = x * x\n",
    "brackets": lambda n: f"{ONE}y = {'(' * n}x * x{')' * n}\n",
    "brackets of brackets": lambda n: f"{ONE}y = {'x - (' * n}x{')' * n}\n",
    "calls within calls": lambda n: f"{ONE}y = {'sin(' * n}x{')' * n}\n",
    "calls of a function within calls": lambda n: f"fn f(x) = x * x\n{ONE}y = {'f(' * n}x{')' * n}\n",
    "sums": lambda n: f"{ONE}y = {' + '.join(['x'] * n)}\n",
    "powers": lambda n: f"{ONE}y = {'^'.join(['x'] * n)}\n",
    "comparisons": lambda n: f"{ONE}b = x{' < x' * n}\ny = x * x\n",
    "ands": lambda n: f"{ONE}b = {each('x > @', n, ' and ')}\ny = x * x\n",
    "ors": lambda n: f"{ONE}b = {each('x > @', n, ' or ')}\ny = x * x\n",
    "conditions side by side": lambda n: f"{ONE}y = {each('(if x > @ then x else @)', n, ' + ')}\n",
    "a long tensor": lambda n: f"{ONE}y = x * sum([{each('@.5', n, ', ')}])\n",
    "a long tensor of values": lambda n: f"{ONE}y = sum([{each('x * @', n, ', ')}])\n",
    "a tensor of many rows": lambda n: f"{ONE}y = x * sum([{each('[@, 2]', n, ', ')}])\n",
    "many indexes": lambda n: f"t = [1, 2]\n{ONE}y = x * ({' + '.join(['t[0]'] * n)})\n",
    # names and declarations
    "implicit inputs": lambda n: f"y = {each('n@', n, ' + ')}\n",
    "implicit inputs of long names": lambda n: f"y = {each('length@of', n, ' + ')}\n",
    "inputs with defaults": lambda n: f"{each('input n@ = @' + chr(10), n)}y = {each('n@', n, ' + ')}\n",
    "params": lambda n: f"{each('param n@ = @' + chr(10), n)}y = {each('n@', n, ' + ')}\n",
    "outputs": lambda n: f"{ONE}{each('output y@ = x + @' + chr(10), n)}",
    "outputs named before they are bound": lambda n: (
        f"{ONE}{each('output y@' + chr(10), n)}{each('y@ = x + @' + chr(10), n)}"
    ),
    "bare expressions": lambda n: f"{ONE}{each('x + @' + chr(10), n)}",
    "statements": lambda n: f"{ONE}y = x\n" + "y = y * 1.01\n" * n,
    "names": lambda n: f"{ONE}{each('length@of = x * @' + chr(10), n)}y = x * x\n",
    "a long name": lambda n: f"{ONE}a{'b' * n} = x\ny = a{'b' * n} * x\n",
    "combining marks": lambda n: f"{ONE}a{chr(0x316) + chr(0x301)}{(chr(0x301) + chr(0x316)) * n} = x\ny = x * x\n",
    "names with marks": lambda n: f"{ONE}{each('e' + chr(0x301) + '@ = x' + chr(10), n)}y = x * x\n",
    "names bound at once": lambda n: (
        f"fn f(x) {{\n return {', '.join(['x'] * n)}\n}}\n{ONE}{each('a@', n, ', ')} = f(x)\ny = a0 * x\n"
    ),
    # functions
    "functions": lambda n: f"{each('fn f@(x) = x * @' + chr(10), n)}{ONE}y = {each('f@(x)', n, ' + ')}\n",
    "functions that call the one above": lambda n: (
        "fn f(x) = x\n"
        + "".join(f"fn f{k}(x) = f{k - 1 if k else ''}(x) * 1.01\n" for k in range(n))
        + f"{ONE}y = f{n - 1}(x)\n"
    ),
    "functions that call the one below": lambda n: (
        "".join(f"fn f{k}(x) = f{k - 1}(x) * 1.01\n" for k in range(n - 1, 0, -1))
        + f"fn f0(x) = x\n{ONE}y = f{n - 1}(x)\n"
    ),
    "parameters": lambda n: (
        f"fn f({each('a@', n, ', ')}) = {each('a@', n, ' + ')}\n{ONE}y = f({', '.join(['x'] * n)})\n"
    ),
    "arguments by name": lambda n: (
        f"fn f({each('a@=1', n, ', ')}) = {each('a@', n, ' + ')}\n{ONE}y = f({each('a@=x', n, ', ')})\n"
    ),
    "a long body": lambda n: f"fn f(x) {{\n{each('a@ = x * @' + chr(10), n)}return a0 * x\n}}\n{ONE}y = f(x)\n",
    # statements that hold others
    "ifs": lambda n: f"{ONE}y = x\n{each('if x > @ {' + chr(10) + 'y = x * @' + chr(10) + '}' + chr(10), n)}",
    "ifs that bind": lambda n: f"{ONE}{each('if x > @ { z@ = x } else { z@ = 1 }' + chr(10), n)}y = x * x\n",
    "loops": lambda n: f"{ONE}y = x\n{('for i in 0..2 {' + chr(10) + 'y = y * x' + chr(10) + '}' + chr(10)) * n}",
    "a long loop": lambda n: f"{ONE}y = x\nfor i in 0..2 {{\n{each('a@ = y * @' + chr(10), n)}y = y * x\n}}\n",
    "asserts": lambda n: f"{ONE}y = x * x\n{each('assert x > -1 - @' + chr(10), n)}",
    # layout
    "doc lines": lambda n: f"{each('## line @' + chr(10), n)}{ONE}y = x * x\n",
    "doc lines of many names": lambda n: f"{ONE}{each('## @' + chr(10) + 'a@ = x' + chr(10), n)}y = x * x\n",
    "comments": lambda n: f"{ONE}{each('# line @' + chr(10), n)}y = x * x\n",
    "comments behind lines": lambda n: f"{ONE}{each('a@ = x # @' + chr(10), n)}y = x * x\n",
    "comments in brackets": lambda n: f"{ONE}y = (x # x\n{each('+ x # @' + chr(10), n)})\n",
    "a long comment": lambda n: f"{ONE}y = x * x # {'x' * n}\n",
    "newlines": lambda n: f"{ONE}{chr(10) * n}y = x * x\n",
    "newlines in brackets": lambda n: f"{ONE}y = (x *{chr(10) * n}x)\n",
    "blanks": lambda n: f"{ONE}y = x *{' ' * n}x\n",
    "digits": lambda n: f"{ONE}y = x * 0.{'1' * n} * x\n",
    "digits of a whole number": lambda n: f"{ONE}y = x * {'1' * n} * x\n",
    "a long text": lambda n: f'{ONE}assert x < 1, "{"a" * n}"\ny = x * x\n',
    "a text of escapes": lambda n: f'{ONE}assert x < 1, "{chr(92) + "n"}{(chr(92) + "n") * n}"\ny = x * x\n',
}

MISTAKES: dict[str, Text] = {
    "unknown names": lambda n: f"{ONE}y = {each('length@of', n, ' + ')}\n",
    "unknown names beside as many that are bound": lambda n: f"{ONE}{each('abcd@ = efgh@ + x' + chr(10), n)}",
    "unknown functions": lambda n: f"{ONE}{each('a@ = f@(x)' + chr(10), n)}",
    "names used before they are bound": lambda n: f"{ONE}{each('y@ = z@' + chr(10), n)}{each('z@ = x' + chr(10), n)}",
    "functions defined twice": lambda n: ONE + "fn f(x) = x\n" * (n + 1),
    "brackets that stay open": lambda n: f"{ONE}y = {'(' * n}x\n",
    "brackets that close nothing": lambda n: f"{ONE}y = x{')' * n}\n",
    "a line that ends too early": lambda n: f"{ONE}y = {'x + ' * n}\n",
    "names without an operator": lambda n: f"{ONE}y = {'x ' * n}\n",
    "a mistake behind many lines": lambda n: ONE + "y = x\n" * n + "z = x +\n",
    "conditions within conditions": lambda n: f"{ONE}y = {'(if x > 0 then ' * (n + 1)}x{' else 1)' * (n + 1)}\n",
    "a chain of else ifs": lambda n: (
        f"{ONE}if x > 9 {{ y = x }}{each(' else if x > @ { y = @ }', n + 1)} else {{ y = 1 }}\n"
    ),
    "axes": lambda n: f"{ONE}y = {'[' * n}x{']' * n}\n",
}
