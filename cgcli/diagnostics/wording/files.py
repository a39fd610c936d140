"""Reading files and importing them."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "no-such-file": Words(
        "there is no file `{file}`",
        help=("did you mean `{nearest}`?", "`cg samples {sample}` writes the sample of this name"),
    ),
    "file-is-directory": Words("`{file}` is a folder, not a file"),
    "file-is-special": Words(
        "`{file}` is no ordinary file", help=("to read a program from a pipe, write `-` in place of the file",)
    ),
    "stdin-twice": Words(
        "both {first} and {second} would read standard input", help=("give one of them the name of a file",)
    ),
    "file-too-large": Words("`{file}` is larger than {limit} MiB, the most that a program may be"),
    "file-unreadable": Words("`{file}` cannot be read: {reason}"),
    "file-is-binary": Words("`{file}` is no text", help=("a program is a text file in UTF-8",)),
    "not-utf8": Words(
        "`{file}` is not in UTF-8",
        labels={"here": "the byte {byte} begins no character"},
        help=("its first bytes say {encoding}", "save it in UTF-8"),
    ),
    "import-outside": Words(
        "`{file}` lies outside the program's folder",
        labels={"here": "this leads to {folder}"},
        help=("a program imports files below {root}", "`--allow-path {folder}` permits this one"),
    ),
    "import-outside-link": Words(
        "`{file}` is a link that leaves the program's folder",
        labels={"here": "this leads to {folder}"},
        help=("a program imports files below {root}", "`--allow-path {folder}` permits this one"),
    ),
    # where no file is read: a text of this size comes from standard input or a caller
    "program-too-large": Words("the program has {size} characters, more than the {limit} that one may have"),
}
