"""Object files between runs, in the user's cache folder: only what this user has written there is ever run.

The key is the text of the module, the processor with its features, the versions of llvmlite and LLVM, and the number
of this format. A cache that cannot be used costs time, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgcli.files.cache import digest, load_bytes, store_bytes

FORMAT = "2"
KIND = "native"


def object_file(text: str, host: Sequence[str], compile_: Callable[[str], bytes]) -> bytes:
    """The object file of a module, from the cache or compiled and stored there.

    host: what the machine code depends on beside the text.
    """
    key = digest(FORMAT, text, *host)
    code = load_bytes(KIND, key)
    if code is None:
        code = compile_(text)
        store_bytes(KIND, key, code)
    return code
