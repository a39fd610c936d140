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
    "url-scheme": words(
        "cg knows no `{scheme}://` addresses",
        "did you mean `{nearest}://`?",
        "it reads and writes s3://BUCKET/NAME and gs://BUCKET/NAME, and reads https://HOST/NAME",
    ),
    "url-file": words("`{url}` is a file of this machine", "write its path: `{path}`"),
    "url-character": words("`{url}` has {what}", "{remedy}"),
    "url-nameless": words(
        "`{url}` names no object", "an address is s3://BUCKET/NAME, gs://BUCKET/NAME or https://HOST/NAME"
    ),
    "url-library": words("`{scheme}://` needs the library {library}", "install it by `pip install 'cgcli[remote]'`"),
    "url-pattern": words("`{url}` is a pattern, and a web server has no list of its files", "name one file"),
    "url-read-only": words(
        "`{url}` cannot be written: web addresses are read only", "write a file here, or to s3:// or gs://"
    ),
    "url-no-bucket": words("`{url}`: there is no bucket `{bucket}`", "create it, or name another one"),
    "url-local": words("`{url}` is an address, and {what} has to be on this machine", "{remedy}"),
    "value-is-url": words(
        "`--{name}` takes a value, and `{url}` is an address", "read the value there: `--{name} @{url}`"
    ),
    "url-credentials": words("`{url}` needs credentials, and there are none", "{remedy}"),
    "url-denied": words("`{url}`: permission denied: {reason}", "{remedy}"),
    "url-unreachable": words(
        "`{url}` cannot be reached: {reason}",
        "look at the network and at {where}",
    ),
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
