"""The callback that writes the metrics file of a training, and the steps that such a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcli.data.metrics_file import MetricsFile
from cgcli.data.reading import reading
from cgcli.data.run_files import RunFiles
from cgcli.render.json import dump
from cgcli.train.callbacks import LossCurve
from cgcli.train.state import State
from cgcli.train.trainer import Callback, Change, EpochEvent, StepEvent


class MetricsLog(Callback):
    """Writes a line of JSON for each step and each epoch, where the run has a metrics file."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self._metrics: MetricsFile | None = None
        self.needs_changes = files.metrics_path is not None

    def started(self, state: State) -> None:
        self._metrics = self._files.open_metrics()

    def stepped(self, event: StepEvent) -> None:
        record: dict[str, Any] = {"step": event.step, "epoch": event.epoch, "loss": event.loss, "rate": event.rate}
        record["norm"] = event.norm
        if event.changes is not None:
            record["params"] = {name: change._asdict() for name, change in event.changes.items()}
        self._write(record)

    def epoch_ended(self, event: EpochEvent) -> None:
        record: dict[str, Any] = {"step": event.step, "epoch": event.epoch, "mean_loss": event.loss}
        if event.validation is not None:
            record["validation"] = dict(event.validation)
        self._write(record)

    def _write(self, record: Mapping[str, Any]) -> None:
        if self._metrics is not None:
            self._metrics.write(dump(record))


def earlier_steps(files: RunFiles, curve: LossCurve) -> None:
    """Adds the steps of a resumed run that its metrics file holds, where it has one, to a curve.

    Raises CgError (status 1) for a file that cannot be read.
    """
    with reading(files.metrics_path or ""):
        for record in files.earlier_metrics():
            if "rate" in record:
                params = record.get("params", {})
                changes = {
                    name: Change(**{key: float(x) for key, x in change.items()}) for name, change in params.items()
                }
                curve.add(record["step"], record["loss"], changes or None)
