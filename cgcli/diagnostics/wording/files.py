"""Reading files and importing them."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "no-such-file": Templates(
        "there is no file `{file}`",
        help=("did you mean `{nearest}`?", "`cg samples {sample}` writes the sample of this name"),
    ),
    "file-is-directory": Templates("`{file}` is a folder, not a file"),
    "file-is-special": Templates(
        "`{file}` is no ordinary file", help=("to read a program from a pipe, write `-` in place of the file",)
    ),
    "stdin-twice": Templates(
        "both {first} and {second} would read standard input", help=("give one of them the name of a file",)
    ),
    "file-too-large": Templates("`{file}` is larger than {limit} MiB, the most that a program may be"),
    "file-unreadable": Templates("`{file}` cannot be read: {reason}"),
    "file-is-binary": Templates("`{file}` is no text", help=("a program is a text file in UTF-8",)),
    "not-utf8": Templates(
        "`{file}` is not in UTF-8",
        labels={"here": "the byte {byte} begins no character"},
        help=("its first bytes say {encoding}", "save it in UTF-8"),
    ),
    "import-outside": Templates(
        "`{file}` lies outside the program's folder",
        labels={"here": "this leads to {folder}"},
        help=("a program imports files below {root}", "`--allow-path {folder}` permits this one"),
    ),
    "import-outside-link": Templates(
        "`{file}` is a link that leaves the program's folder",
        labels={"here": "this leads to {folder}"},
        help=("a program imports files below {root}", "`--allow-path {folder}` permits this one"),
    ),
    # where no file is read: a text of this size comes from standard input or a caller
    "program-too-large": Templates("the program has {size} characters, more than the {limit} that one may have"),
}
