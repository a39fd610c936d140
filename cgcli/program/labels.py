"""Words as classes: the texts of a column as whole numbers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.traversal import live

from .columns import ColumnsByInput
from .computation import Computation


class Labels:
    """The classes of an input: a word each, numbered from 0.

    words: the classes; without them each new word is a class of its own until `sorted_words` numbers all of them in the
    order of the alphabet.
    """

    def __init__(self, words: Iterable[str] = (), *, fixed: bool = True) -> None:
        self._classes = {word: k for k, word in enumerate(words)}
        self._fixed = fixed

    def classes(self, cells: Sequence[Any]) -> tuple[Any, list[int]]:
        """The classes of cells as an array, and the indices of the cells that are no word of a class."""
        import numpy as np

        classes = np.zeros(len(cells), dtype="int64")
        bad = []
        for k, cell in enumerate(cells):
            word = "" if cell is None else str(cell).strip()
            if word and not self._fixed:
                self._classes.setdefault(word, len(self._classes))
            if word in self._classes:
                classes[k] = self._classes[word]
            else:
                bad.append(k)
        return classes, bad

    def sorted_words(self) -> tuple[list[str], Any]:
        """All words, in the order of the alphabet unless they are fixed; and for each class so far its number there."""
        import numpy as np

        words = list(self._classes) if self._fixed else sorted(self._classes)
        order = {word: k for k, word in enumerate(words)}
        self._classes, before = order, self._classes
        return words, np.array([order[word] for word in before], dtype="int64")


def labels_by_input(
    program: Computation, by_input: ColumnsByInput, words: Mapping[str, Sequence[str] | None]
) -> dict[str, Labels]:
    """The labels of inputs. words: by input or column its classes; None where each word of the column is one.

    Raises CgError for a name that is neither, and for an input that takes no classes.
    """
    labels: dict[str, Labels] = {}
    for name, classes in words.items():
        column_inputs = [i for i, columns in by_input.items() if i == name or list(columns.names) == [name]]
        if not column_inputs:
            if classes is None:
                raise error("labels-unused", name=name)
            continue  # nothing reads it
        declared = program.input(column_inputs[0])
        if not declared.type.is_int or declared.type.shape:
            raise error("labels-type", name=declared.name, type=declared.type)
        labels[declared.name] = Labels(classes or (), fixed=classes is not None)
    return labels


def labelled_output(program: Computation, names: Sequence[str], output: str | None) -> str | None:
    """The output whose numbers are classes: `output`, or the only int among `names`; None where there is none or more.

    Raises CgError for an `output` that is none of them.
    """
    if program.mode == "dynamic":
        return output
    ints = [name for name in names if program.type_of(name).is_int and not program.type_of(name).shape]
    if output is not None and output not in ints:
        raise error("labels-output", name=output, names=ints or None)
    return output or (ints[0] if len(ints) == 1 else None)


def words_by_input(by_input: ColumnsByInput, labels: Mapping[str, Sequence[str] | None]) -> dict[str, Sequence[str]]:
    """The words that stand for classes, by input. labels: by input or column."""
    inputs = {columns.names[0]: name for name, columns in by_input.items() if len(columns.names) == 1}
    return {
        name if name in by_input else inputs.get(name, name): words
        for name, words in labels.items()
        if words is not None
    }


def words_for(program: Computation, output: str, labels: Mapping[str, Sequence[str]]) -> list[Sequence[str]]:
    """The words that an output may be written in: those of inputs that it is not computed from, as a guess is not from
    the truth. labels: by input.
    """
    if program.mode == "dynamic":
        return list(labels.values())
    needed = live(program.graph, [program.module.values[output]])
    features = {i.name for i, node in zip(program.inputs, program.graph.inputs, strict=True) if needed[node]}
    return [words for name, words in labels.items() if name not in features]


def words_of(classes: Any, words: Sequence[str], name: str) -> list[str]:
    """The words of classes. Raises CgError (status 1) for a number that is none."""
    numbers: list[int] = classes.tolist()
    foreign = next((number for number in numbers if not 0 <= number < len(words)), None)
    if foreign is not None:
        raise error("labels-class", status=1, name=name, value=foreign, last=len(words) - 1)
    return [words[number] for number in numbers]


def no_words() -> Any:
    """The column of words of a table without rows."""
    import numpy as np

    return np.zeros(0, "U1")
