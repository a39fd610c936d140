"""Reading files and importing them."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "no-such-file": words(
        "there is no file `{file}`", "did you mean `{nearest}`?", "`cg samples {sample}` writes the sample of this name"
    ),
    "file-is-directory": words("`{file}` is a folder, not a file"),
    "file-is-special": words(
        "`{file}` is no ordinary file", "to read a program from a pipe, write `-` in place of the file"
    ),
    "stdin-twice": words("both {first} and {second} would read standard input", "give one of them the name of a file"),
    "file-too-large": words("`{file}` is larger than {limit} MiB, the most that a program may be"),
    "file-unreadable": words("`{file}` cannot be read: {reason}"),
    "file-is-binary": words("`{file}` is no text", "a program is a text file in UTF-8"),
    "not-utf8": words(
        "`{file}` is not in UTF-8",
        "its first bytes say {encoding}",
        "save it in UTF-8",
        here="the byte {byte} begins no character",
    ),
    "import-outside": words(
        "`{file}` lies outside the program's folder",
        "a program imports files below {root}",
        "`--allow-path {folder}` permits this one",
        here="this leads to {folder}",
    ),
    "import-outside-link": words(
        "`{file}` is a link that leaves the program's folder",
        "a program imports files below {root}",
        "`--allow-path {folder}` permits this one",
        here="this leads to {folder}",
    ),
    # where no file is read: a text of this size comes from standard input or a caller
    "program-too-large": words("the program has {size} characters, more than the {limit} that one may have"),
}
