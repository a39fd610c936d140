"""The process that lays out: DOT texts on standard input, each behind a zero byte, the layouts on standard output.

It runs apart so that a layout that takes too long can be stopped, and a crash of native code harms nothing. What it
reads has sizes alone, no texts, so that it needs no fonts. A layout is Graphviz's JSON (`json0`); all of them stand in
one array. Its arguments: seconds of processor time, the file descriptor of the lifeline.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    sys.path.append(str(Path(__file__).parents[3]))  # of a checkout that is not installed
    from cgcli.system import end_with_parent, limit_processor_time

    seconds, lifeline = int(sys.argv[1]), int(sys.argv[2])
    if not end_with_parent(lifeline):
        sys.exit("the program that asked for a picture is gone")
    limit_processor_time(seconds)
    from pygraphviz import AGraph

    texts = sys.stdin.buffer.read().decode("ascii").split("\0")[1:]
    layouts = [AGraph(string=text).draw(format="json0", prog="dot") for text in texts]
    sys.stdout.buffer.write(b"[%s]" % b",".join(layouts))


if __name__ == "__main__":
    main()
