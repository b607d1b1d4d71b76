"""`Sending`: files go to nodes that do not see them, and what nodes write comes back."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ovsharp.cluster.moving import is_movable, told
from ovsharp.cluster.store import store_of
from ovsharp.files import staged

CHUNK = 64 << 20
"""Bytes of a file that are sent at a time."""

Place = Path | tuple[Any, ...]
"""Where a node finds a file: a path that it sees, or references to the bytes, in order."""


class Sending:
    """What has to be sent for some items, and what comes back. Ray runs.

    Args:
        items: all of the run.
        nodes: identities of the nodes.
    """

    def __init__(self, items: Sequence[Any], nodes: Sequence[str]) -> None:
        self.run = uuid.uuid4().hex
        """Names the run."""
        self._items = items
        self._uses = Counter(path for item in items for path in _inputs(item))
        self._unseen = _unseen(list(self._uses), nodes)
        self._sent: dict[Path, tuple[Any, ...]] = {}

    def begun(self, place: int) -> dict[Path, Place]:
        """Say where a node finds what an item reads; what it does not see is sent, once."""
        import ray

        places: dict[Path, Place] = {}
        for path in _inputs(self._items[place]):
            if path not in self._unseen:
                places[path] = path.absolute()
                continue
            if path not in self._sent:
                self._sent[path] = tuple(map(ray.put, _chunks(path)))
            places[path] = self._sent[path]
        return places

    def ended(self, place: int, files: Mapping[str, bytes]) -> None:
        """Write what an item has made, and forget what no other one needs.

        Raises:
            OSError: a file cannot be written.
        """
        item = self._items[place]
        for path in _inputs(item):
            self._uses[path] -= 1
            if not self._uses[path]:
                self._sent.pop(path, None)
        for name, content in files.items():
            target = Path(item.output) / name
            with staged(target.parent) as staging:
                (staging / target.name).write_bytes(content)


def work_away(
    task: Callable[[Any], Any], item: Any, files: Mapping[Path, Place], run: str
) -> tuple[Any, dict[str, bytes]]:
    """Do a task on a node: with the files that it sees or was sent, in a folder of its own.

    Returns:
        Its result, and the files that it wrote by their names below its folder.

    Raises:
        Exception: as the task.
    """
    if not is_movable(item):
        return task(item), {}
    import ray

    places: dict[Path, Path] = {}
    for path, place in files.items():
        if isinstance(place, Path):
            places[path] = place
        else:
            places[path] = store_of(run).put(path, map(ray.get, place))
    names = {str(here): str(there) for there, here in places.items()}
    if item.output is None:
        with _telling(names):
            return told(task(item.moved(places, None)), names), {}
    folder = store_of(run).empty_folder()
    names[str(folder)] = str(item.output)
    try:
        with _telling(names):
            result = told(task(item.moved(places, folder)), names)
        made = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return result, {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def states(paths: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Give size and time of files; None of those that are not there."""
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_size, facts.st_mtime_ns))
    return found


@contextmanager
def _telling(names: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        told(error, names)
        raise


def _inputs(item: Any) -> tuple[Path, ...]:
    return item.inputs if is_movable(item) else ()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _unseen(paths: list[Path], nodes: Sequence[str]) -> set[Path]:
    """Find the files that some node does not see as this machine does."""
    if not paths:
        return set()
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    looking: Any = ray.remote(num_cpus=0)(states)
    absolute = [path.absolute() for path in paths]
    asked = [
        looking.options(scheduling_strategy=On(node, soft=False)).remote(absolute) for node in nodes
    ]
    here = states(absolute)
    unseen: set[Path] = set()
    for one in asked:
        try:
            seen = ray.get(one)
        except ray.exceptions.RayError:  # it has gone: who comes in its place may see nothing
            return set(paths)
        unseen |= {path for path, *both in zip(paths, here, seen, strict=True) if len({*both}) > 1}
    return unseen
