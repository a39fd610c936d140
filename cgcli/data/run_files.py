"""The files that a training writes: checkpoints and metrics, guarded against other runs and other processes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.files.locks import exclusive
from cgcli.files.source_files import require_local
from cgcli.system import is_url

from .checkpoints import (
    SUFFIX,
    Checkpoint,
    ExistingFile,
    earlier,
    existing_file,
    newest,
    predecessors,
    run_of,
    step_of,
    write_checkpoint,
)
from .metrics_file import MetricsFile, records_in, resume_size

REFUSALS = {"damaged": "target-damaged", "empty": "target-empty", "other": "target-foreign"}


class RunFiles:
    """The files of one run. checkpoint: the one that it resumes from, None for a new run. metrics_path: of its metrics
    file, None for none.

    Raises CgError: status 2 where it would write over another run, over more steps or over a file that is no
    checkpoint and no metrics file.
    """

    def __init__(
        self,
        save: str | None = None,
        keep: int = 2,
        checkpoint: Checkpoint | None = None,
        *,
        resume: str | None = None,
        metrics: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path, self.checkpoint = save, checkpoint
        self._keep, self._overwrite = keep, overwrite
        self.run = secrets.token_hex(8) if checkpoint is None else run_of(checkpoint)
        self._stale = [] if save is None else self._replaced(save, resume)
        self.metrics_path = metrics
        self._metrics_size = None if metrics is None else resume_size(metrics, checkpoint, overwrite)
        self.metrics: MetricsFile | None = None

    def _replaced(self, save: str, resume: str | None) -> list[str]:
        """The files that the first checkpoint replaces instead of rotating them. Raises CgError for those that must not
        be replaced."""
        step = 0 if self.checkpoint is None else step_of(self.checkpoint)
        continues = resume is not None and _location(resume) == _location(save)
        stale = []
        for k in range(self._keep):
            path = earlier(save, k) if k else save
            if continues and k == 0:  # read before: the run resumes from it, or it is damaged or missing
                if self.checkpoint is not None and self.checkpoint.path != resume:
                    stale.append(path)
                continue
            content = existing_file(path)
            if content is None or (content.run == self.run and content.step <= step):
                continue
            worthless = continues and content.kind in ("damaged", "empty")
            if not worthless and (content.kind == "other" or not self._overwrite):
                raise self._refusal(path, content, step)
            stale.append(path)
        return stale

    def _refusal(self, path: str, content: ExistingFile, step: int) -> CgError:
        before = None if path == self.path else self.path
        if content.kind != "checkpoint":
            return error(REFUSALS[content.kind], file=path, before=before)
        if content.run == self.run:
            return error("target-more-steps", file=path, before=before, steps=content.step, step=step)
        return error("target-other-run", file=path, before=before)

    def open_metrics(self) -> MetricsFile | None:
        """The metrics file, opened for appending; None where the run has none."""
        if self.metrics_path is not None:
            self.metrics = MetricsFile(self.metrics_path, self._metrics_size, self._overwrite)
        return self.metrics

    def earlier_metrics(self) -> Iterator[dict[str, Any]]:
        """The records in the metrics file up to the step that the run resumes from; none of a new run."""
        if self.metrics_path is not None and self._metrics_size is not None:
            yield from records_in(self.metrics_path, self._metrics_size)

    def save(self, tensors: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Writes a checkpoint. Raises CgError (status 1) when it cannot be written."""
        assert self.path is not None
        if self.metrics is not None:
            mark = self.metrics.mark()
        else:  # a later resume may continue the file of an earlier one
            mark = None if self.checkpoint is None else self.checkpoint.info.get("metrics")
        info = {**info, "run": self.run, **({} if mark is None else {"metrics": mark})}
        write_checkpoint(self.path, tensors, info, 1 if self._stale else self._keep)
        for path in self._stale:
            if path != self.path:
                _remove(path)
        self._stale = []


@contextmanager
def run_files(
    save: str | None = None,
    *,
    keep: int = 2,
    resume: str | None = None,
    metrics: str | None = None,
    overwrite: bool = False,
    report: Callable[[Sequence[Diagnostic]], None] = lambda _: None,
) -> Iterator[RunFiles]:
    """The files of one run, locked within: checkpoints at `save`, `keep` of them, and metrics.

    resume: the checkpoint to resume from; report is called when it is damaged or missing, and an earlier one takes its
    place. overwrite: whether files of another run are replaced.

    Raises CgError as `RunFiles`, and status 1 when another process writes one of them.
    """
    if save is not None and is_url(save):
        from cgcli.files.remote import require_store  # for URLs alone

        require_store(save)
    if save is not None and PurePath(save).suffix.lower() != SUFFIX:
        raise error("bad-target-kind", option="--save", path=save, kinds=[SUFFIX])
    if resume is not None and not is_url(resume) and not os.path.exists(resume) and not any(predecessors(resume)):
        raise error("no-checkpoint", file=resume)
    if metrics is not None:
        require_local(metrics, "a file that grows line by line", "write it here, and copy it when it is complete")
    with ExitStack() as stack:
        targets = {_location(path): path for path in (metrics, save) if path is not None}
        for path in targets.values():
            stack.enter_context(exclusive(path))
        checkpoint = None if resume is None else _newest(resume, report)
        files = RunFiles(save, keep, checkpoint, resume=resume, metrics=metrics, overwrite=overwrite)
        try:
            yield files
        finally:
            if files.metrics is not None:
                files.metrics.close()


def _location(path: str) -> str:
    """The path without links; of a URL its object."""
    if is_url(path):
        from cgcli.files.remote import location  # for URLs alone

        return location(path)
    return os.path.realpath(path)


def _remove(path: str) -> None:
    """Removes a file or an object; what cannot be removed stays."""
    if is_url(path):
        from cgcli.files.remote import remove  # for URLs alone

        with suppress(CgError):
            remove(path)
        return
    with suppress(OSError):
        os.unlink(path)


def _newest(path: str, report: Callable[[Sequence[Diagnostic]], None]) -> Checkpoint:
    """The newest valid checkpoint, with a warning where it is not the last one."""
    checkpoint, problem = newest(path)
    if problem is not None:
        values = {"file": path, "used": checkpoint.path, "step": checkpoint.info.get("state", {}).get("step", "?")}
        report([*problem.diagnostics, Diagnostic("checkpoint-before", values=values, severity="warning")])
    return checkpoint
