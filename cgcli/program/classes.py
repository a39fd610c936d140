"""How well a classifier tells classes apart: of each class what is recognised, and what it is taken for.

A program is a classifier where it declares so: an output of whole numbers (or of bools), one a row, that is the guess,
and an input of the same type from the table that is the truth: the loss is computed from it, the guess is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cgcli.graph.traversal import live, prune

from .examples import Examples
from .rows import one_size_for_all
from .training import StaticProblem, Task

MOST_CLASSES = 1000  # numbers of more values are no classes


class ClassShares(NamedTuple):
    """A class: its number, its word where it has one, how many rows are of it and how many are taken for it.

    recall: the share of its rows that are taken for it; precision: the share of the rows taken for it that are of it.
    None where there are no such rows.
    """

    number: int
    word: str | None
    rows: int
    guessed: int
    recall: float | None
    precision: float | None


class Mistake(NamedTuple):
    """How many rows of one class are taken for another; the classes by their places in `Confusion.classes`."""

    truth: int
    guess: int
    rows: int


@dataclass(frozen=True)
class Confusion:
    """Guesses against the truth. counts[i, j]: rows of the i-th class that are taken for the j-th.

    guess, truth: the names of the output and the input. classes: their numbers, in order. words: of classes 0, 1, …,
    where they have some. held_out: whether the rows are those for validation.
    """

    guess: str
    truth: str
    classes: Sequence[int]
    words: Sequence[str]
    held_out: bool
    counts: Any

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    @property
    def right(self) -> float:
        """The share of the rows whose guess is right."""
        return float(self.counts.trace()) / self.rows

    def shares(self) -> list[ClassShares]:
        """What is said of each class."""
        rows, guessed = self.counts.sum(axis=1).tolist(), self.counts.sum(axis=0).tolist()
        right = self.counts.diagonal().tolist()
        return [
            ClassShares(
                number,
                self.words[number] if 0 <= number < len(self.words) else None,
                n,
                m,
                hits / n if n else None,
                hits / m if m else None,
            )
            for number, n, m, hits in zip(self.classes, rows, guessed, right, strict=True)
        ]

    def mistakes(self) -> list[Mistake]:
        """The pairs of classes of which one is taken for the other, the most frequent first."""
        import numpy as np

        wrong = self.counts - np.diag(self.counts.diagonal())
        pairs = [Mistake(i, j, int(wrong[i, j])) for i, j in np.argwhere(wrong).tolist()]
        return sorted(pairs, key=lambda pair: -pair.rows)


def confusion(task: Task, params: Mapping[str, Any]) -> Confusion | None:
    """The confusion of a trained classifier on the rows for validation, without any on all rows; None for a program
    that declares no classes, and for a dynamic one. Raises CgError as running the program does.
    """
    import numpy as np

    names = _guess_and_truth(task)
    if names is None:
        return None
    guess, truth = names
    examples = task.validation or task.examples
    guesses = _by_row(task, guess, params, examples)
    truths = np.asarray(examples.columns[truth])
    if guesses.shape != truths.shape:
        return None
    classes, places = np.unique(np.concatenate([truths, guesses]).astype("int64"), return_inverse=True)
    if len(classes) > MOST_CLASSES:
        return None
    counts = np.zeros((len(classes), len(classes)), dtype="int64")
    np.add.at(counts, (places[: len(truths)], places[len(truths) :]), 1)
    words = examples.labels.get(truth, ("false", "true") if truths.dtype.kind == "b" else ())
    return Confusion(guess, truth, classes.tolist(), words, task.validation is not None, counts)


def _guess_and_truth(task: Task) -> tuple[str, str] | None:
    """The output and the input of the classes; of several such pairs the one whose classes have words."""
    program, columns = task.program, task.examples.columns
    if program.mode == "dynamic" or not task.examples.rows:
        return None
    rank = 1 if task.examples.together else 0
    types = {name: program.type_of(name) for name in program.outputs}
    guesses = [n for n, t in types.items() if (t.is_int or t.dtype == "bool") and len(t.shape) == rank]
    nodes = dict(zip((i.name for i in program.inputs), program.graph.inputs, strict=True))
    needed = {n: live(program.graph, [program.module.values[n]]) for n in (task.loss, *guesses)}
    pairs = [
        (guess, i.name)
        for guess in guesses
        for i in program.inputs
        if i.name in columns and i.type == types[guess]
        if needed[task.loss][nodes[i.name]] and not needed[guess][nodes[i.name]]
    ]
    if len(pairs) > 1:
        pairs = [pair for pair in pairs if pair[1] in task.examples.labels]
    return pairs[0] if len(pairs) == 1 else None


def _by_row(task: Task, name: str, params: Mapping[str, Any], examples: Examples) -> Any:
    """The value of an output for each row, in pieces as the loss is computed."""
    import numpy as np

    from cgcli.transform.batch import batch, fresh_size

    problem = StaticProblem(task)
    inputs = problem.task_inputs
    program = inputs.program
    graph = prune(replace(program.graph, outputs=(program.module.values[name],)))
    if not examples.together:
        graph = batch(graph, [i.name in examples.columns for i in program.inputs], fresh_size(graph))
    compiled = program.compile(graph)
    with one_size_for_all(program, examples.columns):
        parts = [np.asarray(compiled(inputs.bind(params, part, False, 0))[0]) for part, _ in problem.chunks(examples)]
    return np.concatenate(parts)
