"""What a training leaves behind: its checkpoints and metrics, which are no other run's and no other process's."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath
from typing import Any

from cgcli.cli.metrics import Metrics, resumed_at
from cgcli.cli.resuming import read_newest
from cgcli.data.checkpoints import (
    SUFFIX,
    ExistingFile,
    earlier,
    existing_file,
    predecessors,
    run_of,
    step_of,
    write_checkpoint,
)
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.locks import exclusive

REFUSALS = {"damaged": "target-damaged", "empty": "target-empty", "other": "target-foreign"}


class Recording:
    """The files of one run. checkpoint: where it goes on from, None for a new run.

    Raises CgError: status 2 where it would write over another run, over more steps or over a file that is no
    checkpoint and no metrics file.
    """

    def __init__(self, save: str | None, keep: int, resume: str | None, metrics: str | None, overwrite: bool) -> None:
        self.path, self._keep, self._overwrite = save, keep, overwrite
        self.checkpoint = None if resume is None else read_newest(resume)
        self.run = secrets.token_hex(8) if self.checkpoint is None else run_of(self.checkpoint)
        self._stale = [] if save is None else self._replaced(save, resume)
        self._target = metrics
        self._kept = None if metrics is None else resumed_at(metrics, self.checkpoint, overwrite)
        self.metrics: Metrics | None = None

    def _replaced(self, save: str, resume: str | None) -> list[str]:
        """The files that the first checkpoint takes the place of, instead of handing them on. Raises CgError for those
        that have to stay."""
        step = 0 if self.checkpoint is None else step_of(self.checkpoint)
        continues = resume is not None and os.path.realpath(resume) == os.path.realpath(save)
        stale = []
        for k in range(self._keep):
            path = earlier(save, k) if k else save
            if continues and k == 0:  # read before: it is where the run goes on from, or it is damaged or gone
                if self.checkpoint is not None and self.checkpoint.path != resume:
                    stale.append(path)
                continue
            found = existing_file(path)
            if found is None or (found.run == self.run and found.step <= step):
                continue
            worthless = continues and found.kind in ("damaged", "empty")
            if not worthless and (found.kind == "other" or not self._overwrite):
                raise self._refusal(path, found, step)
            stale.append(path)
        return stale

    def _refusal(self, path: str, found: ExistingFile, step: int) -> CgError:
        before = None if path == self.path else self.path
        if found.kind != "checkpoint":
            return error(REFUSALS[found.kind], file=path, before=before)
        if found.run == self.run:
            return error("target-more-steps", file=path, before=before, steps=found.step, step=step)
        return error("target-other-run", file=path, before=before)

    def open_metrics(self) -> Metrics | None:
        """The metrics file, ready to be appended to; None where none is asked for."""
        if self._target is not None:
            self.metrics = Metrics(self._target, self._kept, self._overwrite)
        return self.metrics

    def save(self, tensors: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Writes a checkpoint. Raises CgError (status 1) when it cannot be written."""
        assert self.path is not None
        if self.metrics is not None:
            mark = self.metrics.mark()
        else:  # a later resume may go on in the file of an earlier one
            mark = None if self.checkpoint is None else self.checkpoint.info.get("metrics")
        told = {**info, "run": self.run, **({} if mark is None else {"metrics": mark})}
        write_checkpoint(self.path, tensors, told, 1 if self._stale else self._keep)
        for path in self._stale:
            if path != self.path:
                with suppress(OSError):
                    os.unlink(path)
        self._stale = []


@contextmanager
def recording(
    save: str | None, keep: int, resume: str | None, metrics: str | None, overwrite: bool
) -> Iterator[Recording]:
    """The files of one run, locked while it lives. Raises CgError as `Recording`, and status 1 when a live process
    writes one of them."""
    if save is not None and PurePath(save).suffix.lower() != SUFFIX:
        raise error("bad-target-kind", option="--save", path=save, kinds=[SUFFIX])
    if resume is not None and not os.path.exists(resume) and not any(predecessors(resume)):
        raise error("no-checkpoint", file=resume)
    with ExitStack() as stack:
        targets = {os.path.realpath(path): path for path in (metrics, save) if path is not None}
        for path in targets.values():
            stack.enter_context(exclusive(path))
        record = Recording(save, keep, resume, metrics, overwrite)
        try:
            yield record
        finally:
            if record.metrics is not None:
                record.metrics.close()
