"""The progress of a training as one line of text: a bar, the loss with a sparkline, how fast it goes, what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .histogram import BLOCKS
from .numbers import shortest

LEVELS, ASCII_LEVELS = BLOCKS[1:], "_.-=+*#%"  # of a sparkline, from low to high
BAR, ASCII_BAR = "█░", "#-"  # what is done, and the rest
SHORTEST, LONGEST = 8, 24  # characters of a bar and of a sparkline
WIDE = 100.0  # times as high as low: from here on the scale is logarithmic
MOST_POINTS = 96  # of a history
GAP = "  "


class Progress(NamedTuple):
    """How far a training is. done: the share of it, and left: the seconds that it still takes, where these are known.

    epoch, step: as they are to be read, as `epoch 3 of 10`. losses: so far, in steps of one length.
    """

    done: float | None
    epoch: str
    step: str
    loss: float
    losses: Sequence[float]
    rate: float
    rows_a_second: float
    left: float | None


class History:
    """The mean losses of equally long stretches of a training, `MOST_POINTS` of them at most."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self._stride, self._total, self._count = 1, 0.0, 0

    def add(self, loss: float) -> None:
        self._total, self._count = self._total + loss, self._count + 1
        if self._count < self._stride:
            return
        self.means.append(self._total / self._count)
        self._total, self._count = 0.0, 0
        if len(self.means) == MOST_POINTS:
            self._stride *= 2
            self.means = [(a + b) / 2 for a, b in zip(self.means[::2], self.means[1::2], strict=True)]


def progress_line(progress: Progress, width: int, *, ascii_only: bool = False) -> str:
    """The line, shorter than the width: what matters least is left out. Texts are padded, so that none moves later."""
    done = progress.done
    texts = {
        "done": "" if done is None else f"{100 * done:3.0f} %",
        "loss": f"loss {shortest(progress.loss, 4):6}",
        "left": "" if done is None else f"{'' if progress.left is None else f'{duration(progress.left)} left':9}",
        "epoch": progress.epoch,
        "rows": f"{shortest(progress.rows_a_second, 3):5} rows/s",
        "step": progress.step,
        "rate": f"rate {shortest(progress.rate, 3)}",
    }
    sizes = {name: len(text) for name, text in texts.items()}
    room = width - 1
    chosen: list[str] = [name for name in ("loss", "done", "left") if sizes.get(name)]
    used = sum(sizes[name] + len(GAP) for name in chosen) - len(GAP)
    bars = ["spark"] if done is None else ["bar", "spark"]
    for name in (*bars, "epoch", "rows", "step", "rate"):
        size = SHORTEST if name in bars else sizes.get(name, 0)
        if size and used + len(GAP) + size <= room:
            chosen.append(name)
            used += len(GAP) + size
    graphic = [name for name in bars if name in chosen]
    length = min(LONGEST, SHORTEST + max(0, room - used) // max(1, len(graphic)))
    texts["bar"] = "" if done is None else bar(done, length, ascii_only=ascii_only)
    texts["spark"] = f"{sparkline(progress.losses, length, ascii_only=ascii_only):{length}}"
    order = ("epoch", "bar", "done", "loss", "spark", "step", "rate", "rows", "left")
    return GAP.join(texts[name] for name in order if name in chosen)[:room].rstrip()


def bar(done: float, length: int, *, ascii_only: bool = False) -> str:
    """A bar of so many characters; it is full when all is done, and not before."""
    full = math.floor(min(max(done, 0.0), 1.0) * length)
    characters = ASCII_BAR if ascii_only else BAR
    return characters[0] * full + characters[1] * (length - full)


def sparkline(values: Sequence[float], length: int, *, ascii_only: bool = False) -> str:
    """The values as a curve of at most so many characters, each the mean of some values, from the least to the largest,
    on a logarithmic scale where the largest is `WIDE` times the least.
    """
    count = min(length, len(values))
    cuts = [round(k * len(values) / count) for k in range(count + 1)] if count else [0]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)]
    finite = [x for x in means if math.isfinite(x)]
    if not finite:
        return ""
    logarithmic = min(finite) > 0 and max(finite) / min(finite) > WIDE
    heights = [math.log(x) if logarithmic else x for x in finite]
    low, span = min(heights), max(heights) - min(heights)
    levels = ASCII_LEVELS if ascii_only else LEVELS
    top = len(levels) - 1
    return "".join(levels[round(top * (x - low) / span) if 0 < span < math.inf else 0] for x in heights)


def duration(seconds: float) -> str:
    """`12 s`, `3:20`, `2:05:00`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
