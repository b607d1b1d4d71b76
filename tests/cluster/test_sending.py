"""Files of a run: where nodes keep what they were sent, and names as they were given."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from ovsharp.cluster import sending
from ovsharp.cluster.moving import told
from ovsharp.cluster.store import Store, clear, store_of
from ovsharp.errors import MediaError

HOLD = """
import sys
from pathlib import Path
from ovsharp.cluster.store import Store
store = Store("run", Path(sys.argv[1]))
print(store.put(Path("/a/b/in.mp4"), [b"con", b"tent"]), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
def test_workers_share_what_was_sent_and_the_next_start_clears_what_killed_ones_left(
    tmp_path: Path,
) -> None:
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    kept = Path(held.stdout.readline().strip())
    same = Store("run", tmp_path)
    assert same.put(Path("/a/b/in.mp4"), iter(())) == kept  # it is there: nothing is read
    assert kept.read_bytes() == b"content"
    assert same.put(Path("/a/b/in.bin"), [b""]).parent == kept.parent
    assert same.put(Path("/a/c/in.mp4"), [b"other"]) != kept
    same.close()
    clear(tmp_path)
    assert kept.exists()  # the other one holds it
    held.send_signal(signal.SIGKILL)
    held.communicate()
    other = Store("another", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [other.folder.name]


@dataclass(frozen=True)
class Done:
    source: Path
    error: Exception | None
    content: bytes = b"/tmp/x/in.png"


class Pair(NamedTuple):
    source: Path
    count: int


def test_results_and_errors_have_the_names_that_were_given() -> None:
    names = {"/tmp/x": "photos"}
    assert told(Pair(Path("/tmp/x/in.png"), 3), names) == Pair(Path("photos/in.png"), 3)
    error = MediaError("/tmp/x/in.png is damaged")
    found = told([Done(Path("/tmp/x/in.png"), error)], names)
    assert found[0].source == Path("photos/in.png")
    assert str(found[0].error) == "photos/in.png is damaged"
    assert found[0].content == b"/tmp/x/in.png"
    missing = told(OSError(2, "no such file", "/tmp/x/in.png"), names)
    assert (missing.filename, missing.errno) == ("photos/in.png", 2)


@dataclass(frozen=True)
class Shouting:
    """Work that reads files and writes one for each."""

    inputs: tuple[Path, ...]
    output: Path

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> Shouting:
        return Shouting(tuple(inputs[path] for path in self.inputs), output or self.output)


def shout(work: Shouting) -> tuple[Path, ...]:
    for path in work.inputs:
        if path.name == "bad.txt":
            raise MediaError(f"{path} is damaged")
        (work.output / "sub").mkdir(exist_ok=True)
        (work.output / "sub" / path.name).write_text(path.read_text().upper())
    return work.inputs


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
def test_a_node_that_sees_no_file_is_sent_each_once_and_its_files_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for Ray's store; `test_nodes.py` runs it on nodes."""
    puts: list[bytes] = []

    def put(content: bytes) -> int:
        puts.append(content)
        return len(puts) - 1

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(put=put, get=puts.__getitem__))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "node"))
    (tmp_path / "node").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    files = [here / name for name in ("seen.txt", "sent.txt", "bad.txt")]
    for path in files:
        path.write_text(path.stem)
    monkeypatch.setattr(sending, "_unseen", lambda paths, nodes: {*files[1:]})
    monkeypatch.setattr(sending, "CHUNK", 3)
    items = [Shouting(tuple(some), tmp_path / "out") for some in (files[:2], files[1:2], files)]
    run = sending.Sending(items, [])
    for place in (0, 1):
        sent = run.begun(place)
        (tmp_path / "away").mkdir()
        hidden = files[1].rename(tmp_path / "away" / "x")  # the node does not see it
        result, made = sending.work_away(shout, items[place], sent, run.run)
        hidden.rename(files[1])
        hidden.parent.rmdir()
        assert result == items[place].inputs
        run.ended(place, made)
    assert puts == [b"sen", b"t"]
    out = tmp_path / "out" / "sub"
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "seen.txt": "SEEN",
        "sent.txt": "SENT",
    }
    with pytest.raises(MediaError, match=rf"^{files[2]} is damaged$"):
        sending.work_away(shout, items[2], run.begun(2), run.run)
    assert len(list((tmp_path / "node").iterdir())) == 1
    store_of.cache_clear()


def test_a_file_that_was_changed_or_is_not_there_is_not_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    before = sending.states([path, tmp_path / "b"])
    assert before[1] is None
    path.write_text("longer")
    assert sending.states([path])[0] != before[0]
