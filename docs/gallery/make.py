"""Draws the gallery anew: `python docs/gallery/make.py` writes pictures, curves (both light and dark) and plots here.

With names behind it only those: `python docs/gallery/make.py article rnn`.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
THEMES = ("light", "dark")
PICTURES: dict[str, list[str]] = {
    "article": ["samples/article.cg", "--a", "2", "--b", "3", "--c", "1"],
    "article_passes": ["samples/article.cg", "--a", "2", "--b", "3", "--c", "1", "--animate"],
    "article_gradient": ["samples/article.cg", "--a", "2", "--b", "3", "--c", "1", "--view", "gradient-graph"],
    "black_scholes": ["samples/black_scholes.cg", "--heat", "--legend"],
    "black_scholes_ops": ["samples/black_scholes.cg", "--detail", "ops", "--fold", "normal_cdf"],
    "newton": ["samples/newton.cg", "--of", "implicit"],
    "mlp": ["samples/mlp.cg", "--seed", "1", "--legend"],
    "gmm": ["samples/gmm.cg"],
    "lenet": ["samples/lenet.cg"],
    "attention": ["samples/attention.cg", "--view", "forward"],
    "transformer": ["docs/gallery/transformer.cg", "--seed", "1"],
    "rnn": ["samples/rnn.cg", "--legend"],
    "tree": ["samples/tree.cg", "--tree", "@samples/tree.json", "--fold", "embed"],
    "chain": ["docs/gallery/chain.cg", "--mode", "dynamic"],
}
"""By name the arguments of `cg render`."""
CURVES: dict[str, list[str]] = {
    "price": ["samples/black_scholes.cg", "--over", "spot=50..150"],
    "neuron": ["samples/sigmoid_neuron.cg", "--over", "w1=-8..8", "--of", "guess,loss"],
    "valley": ["samples/rosenbrock.cg", "--over", "x=-2..2", "--over", "y=-1..3"],
}
"""By name the arguments of `cg plot`."""
DIGITS = ["samples/digits_mlp.cg", "--data", "samples/digits_train.npz", "--validation", "samples/digits_test.npz"]
PLOTS: dict[str, list[str]] = {
    "training": [*DIGITS, "--loss", "loss", "--epochs", "5", "--batch-size", "64", "--lr", "0.004"],
    "fit": ["docs/gallery/oxygen.cg", "--data", "docs/gallery/oxygen.csv", "--residual", "off"],
}
"""By name the arguments of `cg train`."""


def draw(name: str, theme: str, folder: Path) -> Path:
    """Draws one picture into a folder and says where it is."""
    target = folder / f"{name}.{theme}.svg"
    words = ["render", *PICTURES[name]] if name in PICTURES else ["plot", *CURVES[name]]
    command = [sys.executable, "-m", "cgcli", *words, "--theme", theme, "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)
    return target


def plot(name: str, folder: Path) -> Path:
    """Draws one plot into a folder and says where it is."""
    target = folder / f"{name}.svg"
    command = [sys.executable, "-m", "cgcli", "train", *PLOTS[name], "-q", "--plot", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return target


if __name__ == "__main__":
    for name in sys.argv[1:] or [*PICTURES, *CURVES, *PLOTS]:
        if name in PLOTS:
            plot(name, HERE)
            continue
        for theme in THEMES:
            draw(name, theme, HERE)
