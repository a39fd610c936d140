"""`python -m cgcli` is `cg`."""

import sys

from cgcli.cli import main

if __name__ == "__main__":
    sys.exit(main())
