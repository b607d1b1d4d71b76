"""Processes: tasks side by side, and killed ones begun again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from ovsharp.cluster import Processes
from ovsharp.errors import MediaError, UsageError
from tests.cluster import tasks


def test_each_item_is_done_once() -> None:
    with Processes(2) as workers:
        assert sorted(workers.results(tasks.square, range(20))) == [
            (number, number * number) for number in range(20)
        ]
        assert list(workers.results(tasks.square, [])) == []
        assert workers.label == "2 processes"
    assert not multiprocessing.active_children()


def test_processes_stay_from_task_to_task_and_are_no_more_than_asked_for() -> None:
    with Processes(2) as workers:
        first = {pid for _, pid in workers.results(tasks.process, [0.05] * 6)}
        again = {pid for _, pid in workers.results(tasks.process, [0.05] * 6)}
        assert len(first | again) <= 2
        assert os.getpid() not in first


def test_a_killed_process_is_replaced(tmp_path: Path) -> None:
    with Processes(1) as workers:
        assert list(workers.results(tasks.killed_once, [tmp_path])) == [(0, "done")]


def test_a_process_that_is_killed_while_it_waits_is_replaced() -> None:
    with Processes(1) as workers:
        ((_, pid),) = workers.results(tasks.process, [0.0])
        os.kill(pid, signal.SIGKILL)
        while any(child.is_alive() for child in multiprocessing.active_children()):
            time.sleep(0.01)
        ((_, other),) = workers.results(tasks.process, [0.0])
        assert other != pid


def test_what_kills_every_process_is_given_up() -> None:
    with Processes(1) as workers, pytest.raises(MediaError, match="4 processes were killed over"):
        list(workers.results(tasks.killed, [1]))


def test_an_error_is_raised_as_it_was() -> None:
    with Processes(2) as workers, pytest.raises(MediaError, match="the second is no good"):
        list(workers.results(tasks.refused, [0, 1, 2]))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("kind", "message"), [("extra", "needs the package 'ray'"), ("", "one and two")]
)
def test_an_error_that_cannot_be_sent_is_told_in_words(kind: str, message: str) -> None:
    with Processes(1) as workers, pytest.raises(Exception, match=message):
        list(workers.results(tasks.strange, [kind]))


def test_who_is_left_in_the_middle_ends_the_processes() -> None:
    with Processes(2) as workers:
        results = workers.results(tasks.process, [0.0, 60.0, 60.0])
        next(results)
    assert not multiprocessing.active_children()


def test_none_is_too_few() -> None:
    with pytest.raises(UsageError, match="1 or more, got 0"):
        Processes(0)
