"""The parameters of a program from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cgcli.data.checkpoints import Checkpoint
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.train.state import weights

from .program import Program


def checkpoint_params(
    program: Program, checkpoint: Checkpoint, values: Mapping[str, Any], note: Callable[[str], None]
) -> dict[str, Any]:
    """The values of all parameters but those in `values`. note: called with what the program does not use.

    Raises `CgError` for parameters that it lacks and for shapes that do not fit.
    """
    path, stored = checkpoint.path, weights(checkpoint.tensors)
    params = [i.name for i in program.inputs if i.kind == "param"]
    missing = [name for name in params if name not in stored and name not in values]
    if missing:
        suggestion = nearest(missing[0], list(stored))
        raise error(
            "weights-missing", status=1, file=path, names=missing, nearest=suggestion, stored=sorted(stored) or None
        )
    unused = [name for name in stored if name not in params]
    if unused:
        names = ", ".join(f"`{name}`" for name in unused[:5])
        note(f"the program has no parameter {names}{' …' if len(unused) > 5 else ''} of {path}")
    return {name: program.fit_value(name, stored[name]) for name in params if name in stored and name not in values}


def checkpoint_labels(checkpoint: Checkpoint) -> dict[str, list[str]]:
    """By input the words that its classes 0, 1, … stood for in the training; none where it had none.

    Raises CgError (status 1) for words that cg did not write.
    """
    labels = checkpoint.info.get("labels", {})
    if not isinstance(labels, dict) or not all(_are_words(words) for words in labels.values()):
        raise error("checkpoint-foreign", status=1, file=checkpoint.path)
    return labels


def _are_words(words: object) -> bool:
    return isinstance(words, list) and all(isinstance(word, str) for word in words)
