"""Who works on the tasks: threads of this process, or others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2

from ovsharp.batch import Batch
from ovsharp.errors import InferenceError, MediaError
from ovsharp.evaluation.options import Options, Subject, open_subjects
from ovsharp.evaluation.plan import Plan, Task
from ovsharp.evaluation.results import Row
from ovsharp.evaluation.work import Work
from ovsharp.runtime import check_origin, given_files


@dataclass(frozen=True)
class TaskBatch(Batch[tuple[int, Task]]):
    """Some tasks, each with its number."""

    work: Work

    output = None
    """Nothing is written."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that are read."""
        options = self.work.options
        files = [path for _, task in self.items for path in task.inputs]
        return (*files, *given_files(options.models, options.precision))

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> TaskBatch:  # noqa: ARG002
        """Give the same with files in other places; see `ovsharp.cluster.Movable`."""
        models = tuple(str(inputs.get(Path(model), model)) for model in self.work.options.models)
        options = replace(self.work.options, models=models)
        tasks = tuple((number, task.moved(inputs)) for number, task in self.items)
        return replace(self, work=replace(self.work, options=options), items=tasks)


Share = Callable[
    [
        Callable[[TaskBatch], Sequence[list[Row] | str]],
        Sequence[tuple[int, Task]],
        Callable[[tuple[tuple[int, Task], ...]], TaskBatch],
    ],
    Iterator[tuple[tuple[int, Task], list[Row] | str]],
]
"""Does a function for tasks, in batches that the last argument makes, somewhere else."""


def outcomes(
    plan: Plan, work: Work, subjects: Sequence[Subject]
) -> Iterator[tuple[int, list[Row] | str]]:
    """Give each task's number and outcome as they come."""
    if plan.jobs == 1:  # in this thread, where Ctrl-C arrives
        yield from (
            (number, _outcome(task, work, subjects)) for number, task in enumerate(plan.tasks)
        )
        return
    pool = ThreadPoolExecutor(plan.jobs, thread_name_prefix="eval")
    try:
        futures = {
            pool.submit(_outcome, task, work, subjects): number
            for number, task in enumerate(plan.tasks)
        }
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def shared(
    plan: Plan, work: Work, share: Share, threads: int
) -> Iterator[tuple[int, list[Row] | str]]:
    """Let others work on the tasks, each with so many threads."""
    here = work.options.origin()

    def batch_of(tasks: tuple[tuple[int, Task], ...]) -> TaskBatch:
        names = {task.name for _, task in tasks}
        rows = {key: row for key, row in work.known.items() if row.image in names}
        return TaskBatch(here, tasks, threads, replace(work, known=rows))

    for (number, _), outcome in share(score_batch, list(enumerate(plan.tasks)), batch_of):
        yield number, outcome


def score_batch(batch: TaskBatch) -> tuple[list[Row] | str, ...]:
    """Give the outcome of each task of a batch, in order; the same wherever it is done.

    Raises:
        UsageError: on this machine, the pixels would not be those of where the work is split.
        OvsharpError: a model cannot run at all.
    """
    options = batch.work.options
    check_origin(batch.origin, options.origin())
    cv2.setNumThreads(batch.threads)
    subjects = _subjects(options, batch.threads)
    return tuple(_outcome(task, batch.work, subjects) for _, task in batch.items)


_open = ExitStack()


@lru_cache(maxsize=1)
def _subjects(options: Options, threads: int) -> list[Subject]:
    """Give the models of this process: open from batch to batch."""
    _open.close()
    return _open.enter_context(open_subjects(options, threads))


def _outcome(task: Task, work: Work, subjects: Sequence[Subject]) -> list[Row] | str:
    """Give a task's rows, or why it was left out."""
    try:
        return task.score(work, subjects)
    except (MediaError, InferenceError, OSError) as error:
        return str(error)
