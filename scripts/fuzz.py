"""Damage real files at random and see that every reader gives a value or one sentence.

    python scripts/fuzz.py FOLDER [--minutes 10] [--seed 0] [--out build/fuzz]

FOLDER holds images, videos, checkpoints and models; small ones, for each is read anew every time.
Each round takes one of them, damages it (bytes changed, cut, repeated, lengths blown up), and gives
it to the command that reads such files. One process reads many of them, and is started afresh after
it failed: the input is then given to the command itself, as a user would, and what that does
counts. A failure is a traceback, a crash, silence, more than `SECONDS` of the processor or
`MEGABYTES` of memory, or anything left behind after a refusal. The input of each failure is kept in
--out with a text beside it that says what happened; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from ovsharp.cluster.child import Child

SECONDS = 120
"""Of the processor, for one file."""
MEGABYTES = 4000
"""Of memory beyond what libraries map."""
LARGEST = 20_000_000
"""Bytes of a file that is taken: larger ones are slow and teach no more."""
_TURNS = 300
"""Files that one process reads, before another takes its place."""
_LOOK = 0.05
"""Seconds from one look at the process to the next."""
_GOOD = ("done", "refused")

_IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic"}
_VIDEOS = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".ts", ".h264", ".m2ts", ".flv", ".gif"}
_MODELS = {".pth", ".pt", ".safetensors", ".onnx", ".xml"}
_KINDS = {"images": _IMAGES, "videos": _VIDEOS, "models": _MODELS}


@dataclass(frozen=True)
class Outcome:
    """What a command did with a file."""

    kind: str
    """`done`, `refused`, or what went wrong."""
    said: str


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    kinds: dict[str, list[Path]] = {}
    for path in sorted(options.folder.rglob("*")):
        if kind_of(path) and path.is_file() and path.stat().st_size <= LARGEST:
            kinds.setdefault(kind_of(path), []).append(path)
    if not kinds:
        parser.error(f"{options.folder} holds no image, video or model")
    chance, end = random.Random(options.seed), time.monotonic() + 60 * options.minutes  # noqa: S311
    counts: Counter[tuple[str, str]] = Counter()
    reader = Reader()
    try:
        while time.monotonic() < end:
            kind = chance.choice(list(kinds))
            source = chance.choice(kinds[kind])
            with tempfile.TemporaryDirectory(prefix="ovsharp-fuzz-") as folder:
                path = Path(folder) / source.name
                path.write_bytes(damaged(source.read_bytes(), chance))
                if source.suffix == ".xml" and source.with_suffix(".bin").is_file():
                    shutil.copy(source.with_suffix(".bin"), folder)
                outcome = judged(path, reader.read)
                if outcome.kind not in _GOOD:
                    shutil.rmtree(path.parent / "out", ignore_errors=True)
                    outcome = judged(path, alone)
                counts[kind, outcome.kind] += 1
                if outcome.kind not in _GOOD:
                    keep(path, outcome, options.out / f"{counts.total():05}-{source.name}")
    finally:
        reader.end()
    for kind in kinds:
        told = [f"{n} {what}" for (of, what), n in sorted(counts.items()) if of == kind]
        print(f"{sum(n for (of, _), n in counts.items() if of == kind)} {kind}: {', '.join(told)}")
    print(f"processes that were started: {reader.started}")
    return int(any(what not in _GOOD for _, what in counts))


def kind_of(path: Path) -> str:
    """Tell what a file is, by its ending; nothing for what is not taken."""
    ending = path.suffix.lower()
    return next((kind for kind, endings in _KINDS.items() if ending in endings), "")


def command(path: Path) -> list[str]:
    """Give the arguments of the command that reads such files."""
    out, kind = path.parent / "out", kind_of(path)
    if kind == "images":
        return ["image", str(path), "-o", str(out / "made.png"), "--reduce", "--model", "call-fast"]
    if kind == "videos":
        return ["video", str(path), "-o", str(out / "made.mkv"), "--model", "call-fast"]
    # Foreign graphs tell no range, and would be asked for it before anything else is tried.
    known = ["--input-range", "0,1"] if path.suffix in (".onnx", ".xml") else []
    return ["convert", str(path), "-o", str(out), *known]


def judged(path: Path, run: Callable[[list[str]], Outcome]) -> Outcome:
    """Have a file read, and look at what is left behind."""
    before = sorted(path.parent.rglob("*"))
    outcome = run(command(path))
    if outcome.kind != "refused":
        return outcome
    left = [one for one in sorted(path.parent.rglob("*")) if one not in before]
    if left:
        return Outcome("left behind", f"{left}\n{outcome.said}")
    return outcome if outcome.said.strip() else Outcome("silence", "")


def keep(path: Path, outcome: Outcome, kept: Path) -> None:
    """Keep an input, and say what happened."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, kept)
    note = f"{outcome.kind}: {' '.join(command(path))}\n{outcome.said}\n"
    kept.with_name(f"{kept.name}.txt").write_text(note, encoding="utf-8")
    print(f"{kept}: {outcome.kind}", flush=True)


class Reader:
    """A process that runs one command after the other, and is watched."""

    def __init__(self) -> None:
        self.started = self._turns = 0
        self._child: Child | None = None

    def read(self, arguments: list[str]) -> Outcome:
        """Run a command there. What it was given too much of, or died of, ends the process."""
        if self._child is None or self._turns >= _TURNS:
            self.end()
            self._child = Child(_serve)
            self.started, self._turns = self.started + 1, 0
        self._turns += 1
        outcome = _watched(self._child, arguments)
        if outcome.kind not in _GOOD:
            self.end()
        return outcome

    def end(self) -> None:
        """End the process, if there is one."""
        if self._child is not None:
            self._child.end()
        self._child = None


def _watched(child: Child, arguments: list[str]) -> Outcome:
    try:
        process = psutil.Process(child.process.pid)
        child.pipe.send(arguments)
        begun = sum(process.cpu_times()[:2])
        while not child.pipe.poll(_LOOK):
            if sum(process.cpu_times()[:2]) - begun > SECONDS:
                return Outcome("endless", "")
            if process.memory_info().rss / 1e6 > MEGABYTES:
                return Outcome("memory", "")
        return Outcome(*child.pipe.recv())
    except (EOFError, OSError, psutil.Error):
        return Outcome("crash", "")


def _serve(pipe: Connection) -> None:
    """Run the commands that come, until nobody is at the other end."""
    from ovsharp.cli.main import _run

    # Models are read in this process, which is watched itself.
    os.environ["OVSHARP_MAX_SECONDS"] = "0"
    silent = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # what native libraries say
        os.dup2(silent, descriptor)
    while True:
        try:
            arguments = pipe.recv()
        except EOFError:
            return
        sys.argv = ["ovsharp", *arguments]
        said = StringIO()
        with redirect_stdout(StringIO()), redirect_stderr(said):
            try:
                code = _run()
                kind = {0: "done", 1: "refused", 2: "refused"}.get(code, f"exit code {code}")
            except Exception:  # noqa: BLE001 - that is what is looked for
                traceback.print_exc()
                kind = "traceback"
        pipe.send((kind, said.getvalue()[-4000:]))


def alone(arguments: list[str]) -> Outcome:
    """Run a command in a process of its own, as a user does."""
    try:
        run = subprocess.run(
            [sys.executable, "-m", "ovsharp", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20 * SECONDS,  # of the clock, where the machine has much else to do
            preexec_fn=_limited,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome("endless", "")
    said = run.stderr[-4000:]
    if "Traceback" in said:
        return Outcome("traceback", said)
    if run.returncode < 0 or run.returncode > 2:
        return Outcome(f"crash {run.returncode}", said)
    return Outcome("refused" if run.returncode else "done", said)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Damage the bytes of a file in one to four places."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if data:
            data = bytearray(chance.choice(_WAYS)(data, chance))
    return bytes(data)


def _flip(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 16)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def _flip_head(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(min(512, len(data)))] = chance.randrange(256)
    return data


def _huge(data: bytearray, chance: random.Random) -> bytearray:
    size = chance.choice((2, 4, 8))
    at = chance.randrange(min(4096, len(data)))
    value = chance.choice((b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), bytes(size)))
    data[at : at + size] = value
    return data


def _cut(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(len(data))]


def _hole(data: bytearray, chance: random.Random) -> bytearray:
    begin = chance.randrange(len(data))
    del data[begin : begin + chance.randint(1, max(1, len(data) // 8))]
    return data


def _repeat(data: bytearray, chance: random.Random) -> bytearray:
    begin = chance.randrange(len(data))
    piece = data[begin : begin + chance.randint(1, max(1, len(data) // 8))]
    data[begin:begin] = piece
    return data


def _zero(data: bytearray, chance: random.Random) -> bytearray:
    begin = chance.randrange(len(data))
    end = min(len(data), begin + chance.randint(1, 4096))
    data[begin:end] = bytes(end - begin)
    return data


_WAYS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _flip,
    _flip_head,
    _huge,
    _cut,
    _hole,
    _repeat,
    _zero,
)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
