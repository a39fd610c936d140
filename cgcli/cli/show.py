"""`cg show`: the graph in the terminal."""

from cgcli.cli.command import ProgramCommand, declare


def show():
    pass


command = declare("show", show, ProgramCommand, "cg show samples/article.cg --a 2 --b 3 --c 1")
