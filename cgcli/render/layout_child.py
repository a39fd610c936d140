"""The process that lays out and draws: DOT on standard input, the image on standard output.

It runs apart so that a layout that takes too long can be stopped, and a crash of native code harms nothing.
"""

from __future__ import annotations

import sys


def main() -> None:
    from pygraphviz import AGraph

    image, program = sys.argv[1:3]
    graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
    sys.stdout.buffer.write(graph.draw(format=image, prog=program))


if __name__ == "__main__":
    main()
