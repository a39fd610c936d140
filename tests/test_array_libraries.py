"""Values from other array libraries, and results in them: by fakes that have the protocols alone, by the real ones."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cgcli

F = cgcli.parse("input x: float[n]\ninput a: float = 3\noutput y, z\ny = sum(a * x^2)\nz = 2 * x")


def refused(code: str) -> Any:
    """The error with this code."""
    return pytest.raises(cgcli.CgError, check=lambda e: e.diagnostics[0].code == code)


# ---- fakes


class Dlpack:
    """An array that has DLPack alone, as the namespace of the standard wants it."""

    def __init__(self, data: Any, device: int = 1) -> None:
        self.data, self.device = np.asarray(data), device

    def __dlpack__(self, **options: Any) -> Any:
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __array_namespace__(self) -> Any:
        return SimpleNamespace(__name__="first.numpy", asarray=lambda x: Dlpack(x.copy()))


class Other(Dlpack):
    def __array_namespace__(self) -> Any:
        return SimpleNamespace(__name__="second", asarray=Other)


class ReadOnly:
    """An array of a library without a way back."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        return np.array([1.0, 2.0])


class Arrow:
    """A column that has Arrow's protocol alone."""

    def __init__(self, column: Any) -> None:
        self.column = column

    def __arrow_c_stream__(self, schema: Any = None) -> Any:
        return self.column.__arrow_c_stream__(schema)


class ArrowArray:
    def __init__(self, column: Any) -> None:
        self.column = column

    def __arrow_c_array__(self, schema: Any = None) -> Any:
        return self.column.__arrow_c_array__(schema)


def test_an_array_with_dlpack_alone() -> None:
    outputs = F(x=Dlpack([1.0, 2.0]))
    assert [type(x) for x in outputs] == [Dlpack, Dlpack]
    assert (outputs.y.data.shape, outputs.y.data.item(), outputs.z.data.tolist()) == ((), 15.0, [2.0, 4.0])
    gradient = F.grad(x=Dlpack([1.0, 2.0]), of="y", wrt=["x", "a"])
    assert (gradient.value.data.item(), gradient["x"].data.tolist(), gradient["a"].data.item()) == (15, [6, 12], 5)
    assert F.eval(x=Dlpack([1, 2]))["z"].data.tolist() == [2.0, 4.0]
    assert F.jacobian(x=Dlpack([1, 2]), of="z", wrt=["x"])["x"].data.tolist() == [[2, 0], [0, 2]]
    assert F.hessian(x=Dlpack([1, 2]), of="y", wrt=["x"])["x"]["x"].data.tolist() == [[6, 0], [0, 6]]


def test_numbers_and_numpy_beside_another_library() -> None:
    assert isinstance(F(x=np.array([1.0]), a=Dlpack(2.0)).y, Dlpack)
    assert isinstance(F(x=[Dlpack(1.0), 2.0]).z, Dlpack)
    assert isinstance(F({"x": (1.0, 2.0)}, a=np.float64(2)).y, float)


def test_two_libraries_in_one_call() -> None:
    with refused("two-array-libraries") as caught:
        F(x=Dlpack([1.0]), a=Other(2.0))
    assert "`x` is an array of first and `a` one of second" in str(caught.value)


def test_arrays_that_cannot_be_read() -> None:
    with refused("array-on-device"):
        F(x=Dlpack([1.0], device=2))
    tensor = Dlpack([1.0])
    tensor.requires_grad = True  # type: ignore[attr-defined]
    with refused("tensor-requires-grad"):
        F(x=tensor)
    table = Dlpack([1.0])
    table.columns = ["a"]  # type: ignore[attr-defined]
    with refused("table-as-value"):
        F(x=table)
    with refused("values-without-names") as caught:
        F(table)  # type: ignore[arg-type]
    assert "`f.map`" in str(caught.value)

    class Broken(Dlpack):
        def __dlpack__(self, **options: Any) -> Any:
            raise BufferError("no memory\nof ours")

    with refused("array-unreadable") as caught:
        F(x=Broken([1.0]))
    assert str(caught.value).startswith("error: the array for `x` cannot be read: no memory\n")


def test_a_library_without_a_way_back_gives_numpys_results() -> None:
    assert isinstance(F(x=ReadOnly()).z, np.ndarray)


def test_masked_and_object_arrays() -> None:
    with refused("missing-elements"):
        F(x=np.ma.array([1.0, 2.0], mask=[False, True]))
    assert F(x=np.ma.array([1.0, 2.0], mask=[False, False])).y == F(x=np.ma.array([1.0, 2.0])).y == 15.0
    with refused("array-type"):
        F(x=np.array([1, 2], dtype=object))


def test_arrays_within_structured_data() -> None:
    f = cgcli.parse("input t: any\ny = sum(t.v) * t.w[1].k")
    data = {"v": Dlpack([1.0, 2.0]), "w": [{"k": 1}, {"k": Dlpack(3.0)}], "text": "t", "none": None, "empty": []}
    assert f(t=data).data.item() == 9.0
    assert f(t={"v": [1.0, 2.0], "w": [{"k": 1}, {"k": 3}]}) == 9.0
    deep: Any = {"v": [1.0], "w": [{}, {"k": 1}]}
    for _ in range(5_000):
        deep = {"inner": deep, "v": [1.0], "w": [{}, {"k": 1}]}
    assert f(t=deep) == 1.0


def columns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A library of columns with labelled rows, and none of ours."""

    class Index:
        def __init__(self, labels: str) -> None:
            self.labels = labels

        def __len__(self) -> int:
            return len(self.labels)

        def equals(self, other: "Index") -> bool:
            return self.labels == other.labels

    class Series:
        def __init__(self, data: Any, index: Any = None) -> None:
            self.data = np.asarray(data)
            self.index = Index(index) if isinstance(index, str) else index

        def __array__(self, *args: Any, **options: Any) -> Any:
            return self.data

    Series.__module__ = "fakecolumns.core"
    module: Any = ModuleType("fakecolumns")
    module.Series = Series
    monkeypatch.setitem(sys.modules, "fakecolumns", module)
    return Series


def test_columns_keep_the_labels_of_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    series = columns(monkeypatch)
    f = cgcli.parse("input x: float[n]\ninput w: float[n]\noutput y, z, m\nz = x * w\ny = sum(z)\nm = outer(x, w)")
    outputs = f(x=series([1, 2], "ab"), w=[1, 1])
    assert (outputs.y, type(outputs.z), outputs.z.index.labels) == (3.0, series, "ab")
    assert isinstance(outputs.m, np.ndarray)  # no column
    gradient = f.grad(of="y", x=series([1, 2], "ab"), w=series([1, 1], "cd"))
    assert (gradient["x"].index.labels, gradient["w"].index.labels) == ("ab", "cd")
    with refused("row-labels-differ"):
        f(x=series([1, 2], "ab"), w=series([1, 1], "cd"))
    assert cgcli.parse("input x: float[n]\ny = x[1:]")(x=series([1, 2], "ab")).index is None


# ---- the libraries


def test_pyarrow() -> None:
    pa = pytest.importorskip("pyarrow")
    outputs = F(x=pa.array([1.0, 2.0]))
    assert (outputs.y, outputs.z.to_pylist()) == (15.0, [2.0, 4.0])
    assert F(x=pa.chunked_array([[1.0], [2.0]])).z.to_pylist() == [2.0, 4.0]
    assert F(x=Arrow(pa.chunked_array([[1.0], [2.0]]))).y == F(x=ArrowArray(pa.array([1, 2]))).y == 15.0
    for column in (pa.array([1, None]), Arrow(pa.chunked_array([[1, None]])), ArrowArray(pa.array([1.0, None]))):
        with refused("missing-elements"):
            F(x=column)
    with refused("table-as-value"):
        F(x=pa.table({"x": [1.0]}))
    with refused("array-type"):
        F(x=pa.array(["a"]))


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    x = pd.Series([1.0, 2.0], index=["p", "q"])
    outputs = F(x=x)
    assert (outputs.y, type(outputs.z), outputs.z.to_dict()) == (15.0, pd.Series, {"p": 2.0, "q": 4.0})
    assert F.grad(x=x, of="y")["x"].to_dict() == {"p": 6.0, "q": 12.0}
    assert F(x=pd.Series([1, 2], dtype="Int64")).y == 15.0
    assert np.isnan(F(x=pd.Series([1.0, float("nan")])).y)  # a number as any other
    for missing in (pd.Series([1, None], dtype="Int64"), pd.Series([1.5, None], dtype="Float64")):
        with refused("missing-elements"):
            F(x=missing)
    with refused("table-as-value"):
        F(x=pd.DataFrame({"x": [1.0]}))
    with refused("values-without-names"):
        F(pd.DataFrame({"x": [1.0]}))
    with refused("array-type"):
        F(x=pd.Series(["a", "b"]))


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    outputs = F(x=pl.Series([1.0, 2.0]))
    assert (outputs.y, type(outputs.z), outputs.z.to_list()) == (15.0, pl.Series, [2.0, 4.0])
    with refused("missing-elements"):
        F(x=pl.Series([1, None]))
    with refused("table-as-value"):
        F(x=pl.DataFrame({"x": [1.0]}))


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    outputs = F(x=torch.tensor([1.0, 2.0]), a=torch.tensor(2))
    assert (outputs.y.item(), outputs.y.shape, outputs.z.tolist()) == (10.0, (), [2.0, 4.0])
    gradient = F.grad(x=torch.tensor([1.0, 2.0]), of="y")
    assert (type(gradient.value), gradient["x"].tolist()) == (torch.Tensor, [6.0, 12.0])
    picture = gradient._repr_svg_()
    assert picture is not None
    assert "<svg" in picture
    with refused("tensor-requires-grad"):
        F(x=torch.tensor([1.0], requires_grad=True))
    for unreadable in (torch.tensor([1.0], dtype=torch.bfloat16), torch.empty(2, device="meta")):
        with refused("array-unreadable"):
            F(x=unreadable)
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    cgcli.parse("input x: float[n]\ny = x")(x=x)[0] = 7.0  # memory of its own
    assert x.tolist() == [1.0, 2.0]


JAX = """
import cgcli
import jax.numpy as jnp

f = cgcli.parse("input x: float[n]\\noutput y, z\\ny = sum(3 * x^2)\\nz = 2 * x")
outputs = f(x=jnp.array([1.0, 2.0]))
assert (float(outputs.y), outputs.z.tolist()) == (15.0, [2.0, 4.0])
assert isinstance(f.grad(x=jnp.array([1.0, 2.0]), of="y")["x"], type(jnp.array([1.0])))
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_jax() -> None:
    # in a process of its own, for JAX starts threads that no other test forks with
    subprocess.run([sys.executable, "-c", JAX], check=True)
