"""The process of one run of `cg live`, with the arguments of that command."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def main() -> int:
    sys.path.append(str(Path(__file__).parents[2]))  # of a checkout that is not installed
    from cgcli.cli import live
    from cgcli.cli.process import run
    from cgcli.program.live_runs import answer_one_run
    from cgcli.program.load import parse

    def make_page() -> tuple[int, str | None]:
        pages: list[str] = []
        live.page_taken = pages.append
        try:
            status = run(None)
        except KeyboardInterrupt:
            status = 130
        return status, pages[0] if pages and status == 0 else None

    with suppress(KeyboardInterrupt):
        return answer_one_run(lambda: parse("a").render(kind="html"), make_page)
    return 130


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads of a Python file are not waited for
