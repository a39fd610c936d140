"""A program as something to train: its loss over rows of a table, in either mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input
from cgcli.graph.traversal import live, prune
from cgcli.graph.types import ANY, Type
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one, single
from cgcli.run.backends import Compiled, compile_step
from cgcli.run.binding import plain
from cgcli.train.optimizers import Update
from cgcli.train.state import State
from cgcli.train.step import memories, step_graph, update_graph
from cgcli.train.trainer import Change, StepResult

from .computation import Computation, Values
from .examples import Examples, rows_behind
from .rows import ELEMENTS, MOST_ROWS, elements, one_size_for_all

if TYPE_CHECKING:
    from .shards import Part, RunShards

TRAINING, STEP = "training", "step"  # inputs that training binds, where a program declares them


@dataclass(frozen=True)
class Task:
    """How a program is trained. constants: the inputs that are the same in every row, and parameters' own starts.

    loss: the value to minimise. trained: the parameters that change. reduce: `mean` of the rows' losses, or their
    `sum`. batch: how many rows a program takes that takes many at once, None for all: a loss of more rows is that of
    batches. shards: the pieces of a batch whose gradients a step adds; None for a step of the batch as a whole.
    """

    program: Computation
    loss: str
    trained: tuple[str, ...]
    constants: Values
    examples: Examples
    validation: Examples | None = None
    reduce: str = "mean"
    batch: int | None = None
    shards: int | None = None


def task(
    program: Computation,
    target: str,
    constants: Values,
    examples: Examples,
    validation: Examples | None = None,
    frozen: Sequence[str] = (),
    reduce: str = "mean",
    batch: int | None = None,
    shards: int | None = None,
) -> Task:
    """The task, checked. Raises CgError for unknown names, and when there is nothing to train."""
    params = [i.name for i in program.inputs if i.kind == "param"]
    for name in frozen:
        if name not in params:
            raise error("unknown-param", name=name, nearest=nearest(name, params), names=params)
    trained = tuple(i.name for i in program.inputs if i.kind == "param" and i.type.is_float and i.name not in frozen)
    if not trained:
        function = program.function_name
        inputs = None if frozen or function else [i.name for i in program.inputs]
        raise error("nothing-to-train", frozen=list(frozen) or None, inputs=inputs, function=function)
    if program.mode == "static":
        t = _named(program, target)
        if not t.has_derivative:
            raise error("no-derivative-of", name=target, type=t)
        reached = live(program.graph, [program.module.values[target]])
        if not any(reached[program.module.values[name]] for name in trained):
            raise error("loss-without-params", name=target, params=list(trained))
    return Task(program, target, trained, constants, examples, validation, reduce, batch, shards)


def start(task: Task, update: Update | None = None) -> State:
    """The state before the first step: parameters by their values or initialisers, memories of zeros."""
    import numpy as np

    values = _first(task)
    program = task.program
    bound = program.bound_by_name(values)
    declared = {i.name: i.type for i in task.program.inputs}
    params = {n: np.array(bound[n], dtype="float32" if declared[n].dtype == "f32" else "float64") for n in task.trained}
    if update is None:
        return State(params, {})
    return State(params, {m.key: np.zeros_like(params[m.param]) for m in memories(update, _typed(task, task.trained))})


def _in_one_layout(task: Task) -> Task:
    """The task with arrays as all processes have them."""
    from .shards import contiguous

    examples = replace(task.examples, columns=contiguous(task.examples.columns))
    return replace(task, constants=contiguous(task.constants), examples=examples)


class TaskInputs:
    """The inputs of a static task: constants, and those that change from run to run."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.program = task.program.for_shapes(_first(task))
        self._constants = self.program.bind_inputs(_first(task))

    def bind(self, params: Mapping[str, Any], examples: Examples, training: bool, step: int) -> list[Any]:
        """The program's inputs in order, with these parameters and rows."""
        values = []
        for declared, x in zip(self.program.inputs, self._constants, strict=True):
            n = declared.name
            if n in params:
                values.append(plain(params[n]))
            elif n in examples.columns:
                values.append(examples.columns[n])
            else:
                values.append(_training_value(declared, self.task, training, step, x))
        return values


class _Problem:
    """The part that both modes share. update: None where something else than steps finds the parameters."""

    def __init__(self, task: Task, update: Update | None) -> None:
        self.task, self.update = task if task.shards is None else _in_one_layout(task), update
        self.rows = task.examples.rows
        self.records_changes = False  # set before the first step
        self.run_shards: RunShards = self._run_shards
        self._update: Compiled | None = None

    def step(self, state: State, rows: Any) -> StepResult:
        """Loss, gradients and update on the rows of these indices, None where there are none."""
        assert self.update is not None
        if self.task.shards is None:
            loss, gradients = self.gradients(state.params, rows, state.step + 1)
        else:
            from .shards import cut, joined  # of trainings in shards alone

            shards = cut(rows, self.task.shards)
            loss, gradients = joined(self.run_shards(state.params, state.step + 1, shards), shards, self.task.reduce)
        trained, typed = self.task.trained, _typed(self.task, self.task.trained, state.params)
        if self._update is None:
            self._update = compile_step(update_graph(self.update, typed, self.records_changes))
        memory = [state.memories[m.key] for m in memories(self.update, typed)]
        arrays = [*(state.params[n] for n in trained), *(gradients[n] for n in trained), *memory]
        outputs = self._update([*map(plain, arrays), float(state.step + 1), self.update.rate])
        return _step_result(self.task, self.update, [loss, *outputs], state)

    def gradients(self, params: Mapping[str, Any], rows: Any = None, step: int = 1, shard: int = 0) -> Part:
        """The loss and its gradient by each parameter that is trained. shard: which one of the step these rows are."""
        raise NotImplementedError

    def shard(self, params: Mapping[str, Any], step: int, rows: Any, number: int) -> Part:
        """The loss and the gradients of one of the shards of a step: the same bits in every process, on one thread of
        BLAS, whose products depend on how many it has.
        """
        import numpy as np

        from cgcli.run.native.blas import one_thread

        from .shards import contiguous

        with one_thread():
            loss, gradients = self.gradients(contiguous(params), rows, step, number)
        return loss, {n: np.array(g, dtype=params[n].dtype, order="C") for n, g in gradients.items()}

    def _run_shards(self, params: Mapping[str, Any], step: int, shards: Sequence[Any]) -> Iterator[Part]:
        """The shards of a step one after the other, in this process."""
        for number, rows in enumerate(shards):
            yield self.shard(params, step, rows, number)

    def judge(self, params: Mapping[str, Any], examples: Examples) -> dict[str, float]:
        """The loss and the program's other outputs that say something of many rows: means over the rows."""
        raise NotImplementedError

    def validate(self, state: State) -> Mapping[str, float] | None:
        """As `judge`, on the validation rows."""
        validation = self.task.validation
        return None if validation is None else self.judge(state.params, validation)

    def _selected(self, rows: Any) -> Examples:
        return self.task.examples if rows is None else self.task.examples.take(rows)

    def _mean(self, totals: Mapping[str, Any], rows: int) -> dict[str, Any]:
        """Means of sums over rows, or the sums, as the task reduces them."""
        count = rows if self.task.reduce == "mean" and rows else 1
        return {name: x / count for name, x in totals.items()}


class StaticProblem(_Problem):
    """A task whose whole step is one graph, planned once."""

    def __init__(self, task: Task, update: Update | None = None) -> None:
        super().__init__(task, update)
        task = self.task
        self.task_inputs = TaskInputs(task)
        program = self.task_inputs.program
        self.metrics = (task.loss, *(n for n in program.outputs if n != task.loss and _is_metric(task, program, n)))
        self.graph = _over_rows(task, program, self.metrics)
        self.loss_graph = prune(replace(self.graph, outputs=self.graph.outputs[:1]))
        most = ELEMENTS // max(1, elements(program.graph))
        self.most = task.batch if task.examples.together else max(1, min(most, MOST_ROWS))
        self._compiled: dict[tuple[str, int], Compiled] = {}  # by purpose (step, judge, gradient) and shard

    @property
    def step_graph(self) -> Graph:
        """Loss, gradients and update as one graph."""
        assert self.update is not None
        return step_graph(self.loss_graph, self.update, self.task.trained, self.records_changes)

    def step(self, state: State, rows: Any) -> StepResult:
        if self.task.shards is not None:
            return super().step(state, rows)
        assert self.update is not None
        typed = _typed(self.task, self.task.trained)
        memory = [state.memories[m.key] for m in memories(self.update, typed)]
        inputs = self.task_inputs.bind(state.params, self._selected(rows), True, state.step + 1)
        outputs = self._run("step", [*inputs, *map(plain, memory), float(state.step + 1), self.update.rate])
        return _step_result(self.task, self.update, outputs, state)

    def judge(self, params: Mapping[str, Any], examples: Examples) -> dict[str, float]:
        totals = dict.fromkeys(self.metrics, 0.0)
        before = 0
        for part, weight in self.chunks(examples):
            with rows_behind(before):
                outputs = self._run("judge", self.task_inputs.bind(params, part, False, 0))
            before += part.rows
            for n, x in zip(self.metrics, outputs, strict=True):
                totals[n] += float(x) * weight
        return self._mean(totals, examples.rows)

    def gradients(self, params: Mapping[str, Any], rows: Any = None, step: int = 1, shard: int = 0) -> Part:
        import numpy as np

        examples = self._selected(rows)
        totals: dict[str, Any] = {"": 0.0, **{n: np.zeros_like(params[n]) for n in self.task.trained}}
        before = 0
        for part, weight in self.chunks(examples):
            with rows_behind(before):
                outputs = self._run("gradient", self.task_inputs.bind(params, part, True, step), shard)
            before += part.rows
            for n, x in zip(totals, outputs, strict=True):
                totals[n] = totals[n] + np.asarray(x) * weight
        loss, *gradients = self._mean(totals, examples.rows).values()
        return float(loss), dict(zip(self.task.trained, gradients, strict=True))

    def chunks(self, examples: Examples) -> Iterator[tuple[Examples, int]]:
        """The rows, as many at a time as are run together, and the weight of their mean."""
        most = self.most or examples.rows
        if not examples.rows:
            yield examples, 1
        for at in range(0, examples.rows, most):
            part = examples.between(at, min(at + most, examples.rows))
            yield part, part.rows if self.task.reduce == "mean" else 1

    def _run(
        self, purpose: Literal["step", "judge", "gradient"], inputs: Sequence[Any], shard: int = 0
    ) -> Sequence[Any]:
        key = purpose, shard if self._draws_by_row else 0
        if key not in self._compiled:
            if purpose == "gradient":
                graph = self._gradient_graph(shard)
            else:
                graph = self.graph if purpose == "judge" else self.step_graph
            self._compiled[key] = self.task_inputs.program.compile_step(graph)
        with one_size_for_all(self.task.program, self.task.examples.columns):
            return self._compiled[key](inputs)

    @cached_property
    def _draws_by_row(self) -> bool:
        """Whether each row has random numbers of its own."""
        return self._drawn_for(1) is not self.loss_graph

    def _drawn_for(self, shard: int) -> Graph:
        """The graph of the loss over a shard; where it takes many rows at once, with draws of its own for them."""
        from cgcli.ops.draws import drawn_apart

        columns = self.task.examples.columns if self.task.examples.together else ()
        sizes = (self.task_inputs.program.input(name).type.shape[0] for name in columns)
        return drawn_apart(self.loss_graph, {size for size in sizes if isinstance(size, str)}, shard)

    def _gradient_graph(self, shard: int) -> Graph:
        from cgcli.transform.gradient import gradient

        graph = self._drawn_for(shard)
        by_name = {graph.names[i]: i for i in graph.inputs}
        return gradient(graph, graph.outputs[0], [by_name[n] for n in self.task.trained], value=True)


class DynamicProblem(_Problem):
    """A task whose graph each row makes anew: gradients come row by row, the update is a graph of its own."""

    def check(self) -> None:
        """Raises CgError when a run of the first row has no loss that is a number."""
        values = self._values(start(self.task).params, next(runs_of(self.task.examples)), True, 1)
        self.task.program.recorded(values).of_choice(self.task.loss)

    def judge(self, params: Mapping[str, Any], examples: Examples) -> dict[str, float]:
        totals: dict[str, float] = {}
        count = 0
        for row in runs_of(examples):
            count += 1
            values = self._values(params, row, False, 0)
            record = self.task.program.recorded(values)
            outputs = record.eval(values, every=True)
            if self.task.loss not in outputs:
                record.of_choice(self.task.loss)  # raises CgError with the names that there are
            others = (n for n in record.outputs if n != self.task.loss and _is_metric(self.task, record, n))
            for n in (self.task.loss, *others):
                totals[n] = totals.get(n, 0.0) + float(outputs[n])
        return self._mean(totals, count)

    def gradients(self, params: Mapping[str, Any], rows: Any = None, step: int = 1, shard: int = 0) -> Part:
        import numpy as np

        totals: dict[str, Any] = {"": 0.0, **{n: np.zeros_like(params[n]) for n in self.task.trained}}
        count = 0
        for row in runs_of(self._selected(rows)):
            count += 1
            values = self._values(params, row, True, step)
            record = self.task.program.recorded(values)
            if self.task.shards is not None and self.task.examples.together:
                _require_no_draws(record.graph)
            gradient = record.grad(values, of=self.task.loss, wrt=self.task.trained)
            totals[""] += float(gradient.value)
            for n, g in gradient.partials.items():
                totals[n] = totals[n] + g
        loss, *gradients = self._mean(totals, count).values()
        return float(loss), {n: np.asarray(g) for n, g in zip(self.task.trained, gradients, strict=True)}

    def _values(self, params: Mapping[str, Any], row: Values, training: bool, step: int) -> dict[str, Any]:
        bound = {}
        for declared in self.task.program.inputs:
            if declared.name in (TRAINING, STEP) and declared.name not in self.task.constants:
                bound[declared.name] = _training_value(declared, self.task, training, step, declared.default)
        return {**self.task.constants, **bound, **row, **{n: plain(x) for n, x in params.items()}}


def _require_no_draws(graph: Graph) -> None:
    """Raises CgError where a run, whose axes have no names, draws random numbers for the rows of a shard."""
    from cgcli.ops.draws import has_draws

    if has_draws(graph):
        raise error("shards-draw")


def problem(task: Task, update: Update | None = None) -> StaticProblem | DynamicProblem:
    """The task, in the program's mode."""
    return (StaticProblem if task.program.mode == "static" else DynamicProblem)(task, update)


def _training_value(declared: Input, task: Task, training: bool, step: int, otherwise: Any) -> Any:
    """The value of an input that training binds: `training` or `step`; else `otherwise`."""
    if declared.kind == "param" or declared.name in task.constants or declared.type.shape:
        return otherwise
    if declared.name == TRAINING and declared.type.dtype == "bool":
        return training
    return step if declared.name == STEP and declared.type.is_int else otherwise


def _is_metric(task: Task, program: Computation, name: str) -> bool:
    """Whether an output says something of many rows together: a number of them all, or a bool of each."""
    t = program.type_of(name)
    by_row = task.examples.rows > 0 and not task.examples.together
    return not t.shape and t != ANY and (t.dtype == "bool" or not by_row)


def _named(program: Computation, name: str) -> Type:
    if name not in program.module.values:
        names = list(program.module.values)
        raise error("unknown-output", name=name, nearest=nearest(name, names), names=names)
    return program.type_of(name)


def _typed(task: Task, names: Sequence[str], params: Mapping[str, Any] | None = None) -> list[tuple[str, Type]]:
    """Parameters with their types; with sizes in numbers where arrays are given."""
    types = {i.name: i.type for i in task.program.inputs}
    if params is None:
        return [(n, types[n]) for n in names]
    return [(n, types[n]._replace(shape=params[n].shape)) for n in names]


def runs_of(examples: Examples) -> Iterator[dict[str, Any]]:
    """The inputs of the runs, one after the other: each row, or all of them at once."""
    if examples.together or not examples.rows:
        yield dict(examples.columns)
        return
    for k in range(examples.rows):
        yield {n: x[k] for n, x in examples.columns.items()}


def _first(task: Task) -> dict[str, Any]:
    return {**task.constants, **next(runs_of(task.examples))}


def _over_rows(task: Task, program: Computation, names: Sequence[str]) -> Graph:
    """The graph of some values as numbers: of a program for one row, the mean (or sum) over many."""
    from cgcli.transform.batch import batch, fresh_size

    graph = replace(program.graph, outputs=tuple(program.module.values[n] for n in names))
    if task.examples.rows and not task.examples.together:
        flags = [i.name in task.examples.columns for i in program.inputs]
        graph = batch(graph, flags, fresh_size(graph))
    b = Builder()
    index = b.inline(graph, [b.input(single(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs])
    outputs = []
    for k, i in enumerate(graph.outputs):
        x = index[i]
        t = one(b.type_of(x))
        if t.shape:
            if not t.is_float:
                x = b.cast(x, dtype="float")
            x = b.apply(task.reduce, x, axes=tuple(range(-len(t.shape), 0)), keepdims=False)
            b.names[x] = names[k]
        outputs.append(x)
    return b.done(*outputs)


def _step_result(task: Task, update: Update, outputs: Sequence[Any], before: State) -> StepResult:
    """The result of a step from a state; outputs: those of `step_graph`."""
    import numpy as np

    loss, norm, rate, *rest = outputs
    keys = [m.key for m in memories(update, _typed(task, task.trained))]
    types = {i.name: "float32" if i.type.dtype == "f32" else "float64" for i in task.program.inputs}
    ends = len(task.trained), len(task.trained) + len(keys)
    # in one layout, as a checkpoint hands them back: sums round as the layout wants it
    params = {n: np.array(x, dtype=types[n], order="C") for n, x in zip(task.trained, rest[: ends[0]], strict=True)}
    memory = {
        m: np.array(x, dtype=types[m.partition("/")[2]], order="C")
        for m, x in zip(keys, rest[ends[0] : ends[1]], strict=True)
    }
    gradients = dict(zip(task.trained, map(float, rest[ends[1] :]), strict=True)) if rest[ends[1] :] else None
    changes = None if gradients is None else _changes(gradients, before.params, params)
    return StepResult(float(loss), float(norm), float(rate), params, memory, changes)


def _changes(gradients: Mapping[str, float], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Change]:
    """What a step did to each parameter; gradients: the norm of each, of a number the gradient itself."""
    import numpy as np

    def size(x: Any) -> float:
        return float(np.linalg.norm(x)) if x.shape else float(x)

    doubles = {n: (old[n].astype("float64"), new[n].astype("float64")) for n in gradients}
    return {n: Change(gradients[n], size(after - x), size(x)) for n, (x, after) in doubles.items()}
