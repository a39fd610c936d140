"""The callback that writes the metrics file of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcli.data.metrics_file import MetricsFile
from cgcli.data.run_files import RunFiles
from cgcli.render.json import dump
from cgcli.train.state import State
from cgcli.train.trainer import Callback, EpochEvent, StepEvent


class MetricsLog(Callback):
    """Writes a line of JSON for each step and each epoch, where the run has a metrics file."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self._metrics: MetricsFile | None = None

    def started(self, state: State) -> None:
        self._metrics = self._files.open_metrics()

    def stepped(self, event: StepEvent) -> None:
        record = {"step": event.step, "epoch": event.epoch, "loss": event.loss, "rate": event.rate}
        self._write({**record, "norm": event.norm})

    def epoch_ended(self, event: EpochEvent) -> None:
        record: dict[str, Any] = {"step": event.step, "epoch": event.epoch, "mean_loss": event.loss}
        if event.validation is not None:
            record["validation"] = dict(event.validation)
        self._write(record)

    def _write(self, record: Mapping[str, Any]) -> None:
        if self._metrics is not None:
            self._metrics.write(dump(record))
