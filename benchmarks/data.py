"""Tables: the Black-Scholes price with all its gradients, Parquet to Parquet, beside NumPy and PyTorch.

Each side is a process of its own that reads the same file piece by piece and writes its results; the results are
compared first. NumPy has the derivatives as one writes them by hand, PyTorch differentiates.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from measuring import SAMPLES, Figure, is_installed, missing, ratios
from pyarrow import parquet

CG = (sys.executable, "-m", "cgcli", "grad", str(SAMPLES / "black_scholes.cg"))
NAMES = ("spot", "strike", "rate", "vol", "years")
RANGES = ((50, 150), (50, 150), (0, 0.1), (0.1, 0.5), (0.1, 3))
PIECE = 65_536

READ = """
import sys
import numpy as np
import pyarrow as pa
from pyarrow import parquet
writer = None
for part in parquet.ParquetFile(sys.argv[1], pre_buffer=False).iter_batches(batch_size=PIECE):
    s, k, r, v, t = (part.column(n).to_numpy() for n in ("spot", "strike", "rate", "vol", "years"))
    results = greeks(s, k, r, v, t)
    table = pa.table(dict(zip(("price", "dspot", "dstrike", "drate", "dvol", "dyears"), results)))
    writer = writer or parquet.ParquetWriter(sys.argv[2], table.schema, use_dictionary=False)
    writer.write_table(table)
writer.close()
""".replace("PIECE", str(PIECE))
NUMPY = """
import numpy as np
from scipy.special import ndtr
def greeks(s, k, r, v, t):
    root = np.sqrt(t)
    spread = v * root
    d1 = (np.log(s / k) + (r + v * v / 2) * t) / spread
    d2 = d1 - spread
    n1, n2, discounted = ndtr(d1), ndtr(d2), k * np.exp(-r * t)
    density = s * np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi)
    price = s * n1 - discounted * n2
    theta = density * v / (2 * root) + r * discounted * n2
    return price, n1, -np.exp(-r * t) * n2, t * discounted * n2, density * root, theta
"""
TORCH = """
import torch
def greeks(*rows):
    s, k, r, v, t = inputs = [torch.tensor(x, requires_grad=True) for x in rows]
    spread = v * torch.sqrt(t)
    d1 = (torch.log(s / k) + (r + v * v / 2) * t) / spread
    d2 = d1 - spread
    cdf = lambda x: torch.erfc(-x / 2**0.5) / 2
    price = s * cdf(d1) - k * torch.exp(-r * t) * cdf(d2)
    return [x.detach().numpy() for x in (price, *torch.autograd.grad(price.sum(), inputs))]
"""
COPY_CSV = """
import sys
from pyarrow import csv
table = csv.read_csv(sys.argv[1])
csv.write_csv(table.append_column("price", table[0]), sys.argv[2])
"""


def make(path: Path, rows: int) -> None:
    """Random options, written piece by piece."""
    rng = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        table = pa.table({n: rng.uniform(*ends, count) for n, ends in zip(NAMES, RANGES, strict=True)})
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def run(command: list[str]) -> tuple[float, int]:
    """Seconds, and the most memory that the process took, in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    used = os.wait4(process.pid, 0)[2]
    assert isinstance(used, resource.struct_rusage)
    return time.perf_counter() - start, used.ru_maxrss // 1024


def compare(rows: int) -> dict[str, tuple[float, int]]:
    """Seconds and MiB of each side, whose results are compared."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "options.parquet"
        make(source, rows)
        sides = {"cg": [*CG, "--data"], "NumPy": [sys.executable, "-c", NUMPY + READ]}
        if is_installed("torch"):
            sides["PyTorch"] = [sys.executable, "-c", TORCH + READ]
        results = {}
        for name, command in sides.items():
            between = ["-o"] if name == "cg" else []
            results[name] = run([*command, str(source), *between, str(Path(folder) / f"{name}.parquet")])
        first = {name: parquet.ParquetFile(Path(folder) / f"{name}.parquet") for name in sides}
        columns = {n: next(f.iter_batches(batch_size=10_000)) for n, f in first.items()}
        for name in sides:
            for k in range(6):
                ours, theirs = columns["cg"].column(k).to_numpy(), columns[name].column(k).to_numpy()
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11 * np.abs(theirs).max(), err_msg=name)
        return results


def csv_seconds(rows: int) -> tuple[float, float]:
    """Seconds of cg from one CSV file into another, and of pyarrow, which reads it and writes as many columns."""
    import pyarrow.csv

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "options.csv", Path(folder) / "out.csv"
        make(source.with_suffix(".parquet"), rows)
        pyarrow.csv.write_csv(parquet.read_table(source.with_suffix(".parquet")), source)
        ours = run([*CG, "--data", str(source), "-o", str(target)])[0]
        return ours, run([sys.executable, "-c", COPY_CSV, str(source), str(target)])[0]


def tables(rows: int = 2_000_000) -> Iterator[Figure]:
    """Rows of the table: file to file."""
    times = {name: seconds for name, (seconds, _) in compare(rows).items()}
    peers = ratios(times)
    reached = f"{peers['NumPy']:.2f} × ({times['cg'] / rows * 1e6:.2f} µs a row)"
    work = f"Parquet to Parquet, {rows:,} options, value and 5 derivatives"
    yield Figure(work, "≥ 1.5 × NumPy by hand", reached, peers["NumPy"] >= 1.5, peers, missing("torch"))
    rows //= 4
    ours, theirs = csv_seconds(rows)
    micro = ours / rows * 1e6
    work = f"CSV to CSV, {rows:,} options"
    peers = {"pyarrow's reading and writing": theirs / ours}
    yield Figure(work, "≤ 1.5 µs a row", f"{micro:.2f} µs a row", micro <= 1.5, peers)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    rows = arguments.parse_args().rows
    print(f"{rows} rows, value and five derivatives of each")
    results = compare(rows)
    for name, (seconds, memory) in results.items():
        ratio = seconds / results["cg"][0]
        print(f"{name:8} {rows / seconds:12.0f} rows a second   {ratio:5.2f} x cg's time   {memory} MiB at most")
    print("the results agree")


if __name__ == "__main__":
    main()
