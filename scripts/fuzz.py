"""Damage real files at random and see that every reader gives a value or one sentence.

    python scripts/fuzz.py FOLDER [--minutes 10] [--seed 0] [--out build/fuzz]

FOLDER holds images, videos, checkpoints and models. Each round takes one of them, damages it (bytes
changed, cut, repeated, lengths blown up), and gives it to the command that reads such files. A
failure is a traceback, a crash, more than one line of error, more than `SECONDS` of the processor
or `MEGABYTES` of memory, or anything left behind after a refusal. The input of each failure is kept
in --out with a text beside it that says what happened; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
"""Of the processor, for one file."""
MEGABYTES = 4000
"""Of memory beyond what libraries map."""
LARGEST = 20_000_000
"""Bytes of a file that is taken: larger ones are slow and teach no more."""

_IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic"}
_VIDEOS = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".ts", ".h264", ".m2ts", ".flv", ".gif"}
_MODELS = {".pth", ".pt", ".safetensors", ".onnx", ".xml"}


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
    files = [
        path
        for path in sorted(options.folder.rglob("*"))
        if path.suffix.lower() in _IMAGES | _VIDEOS | _MODELS
        and path.is_file()
        and path.stat().st_size <= LARGEST
    ]
    if not files:
        parser.error(f"{options.folder} holds no image, video or model")
    kinds = [[path for path in files if kind_of(path) == kind] for kind in ("i", "v", "m")]
    kinds = [group for group in kinds if group]
    chance, end = random.Random(options.seed), time.monotonic() + 60 * options.minutes  # noqa: S311
    counts: Counter[str] = Counter()
    while time.monotonic() < end:
        source = chance.choice(chance.choice(kinds))
        with tempfile.TemporaryDirectory(prefix="ovsharp-fuzz-") as folder:
            path = Path(folder) / source.name
            path.write_bytes(damaged(source.read_bytes(), chance))
            if source.suffix == ".xml" and source.with_suffix(".bin").is_file():
                shutil.copy(source.with_suffix(".bin"), folder)
            outcome = tried(path)
            counts[outcome.kind] += 1
            if outcome.kind not in ("done", "refused"):
                options.out.mkdir(parents=True, exist_ok=True)
                kept = options.out / f"{sum(counts.values()):05}-{source.name}"
                shutil.copy(path, kept)
                note = f"{outcome.kind}: {' '.join(command(path))}\n{outcome.said}\n"
                kept.with_name(f"{kept.name}.txt").write_text(note, encoding="utf-8")
                print(f"{kept}: {outcome.kind}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    return int(bool(set(counts) - {"done", "refused"}))


def kind_of(path: Path) -> str:
    """Tell what a file is: `i`mage, `v`ideo, `m`odel."""
    ending = path.suffix.lower()
    return "i" if ending in _IMAGES else "v" if ending in _VIDEOS else "m"


def command(path: Path) -> list[str]:
    """Give the arguments of the command that reads such files."""
    out = path.parent / "out"
    if kind_of(path) == "i":
        return ["image", str(path), "-o", str(out / "made.png"), "--reduce", "--model", "call-fast"]
    if kind_of(path) == "v":
        return ["video", str(path), "-o", str(out / "made.mkv"), "--model", "call-fast"]
    return ["convert", str(path), "-o", str(out)]


def tried(path: Path) -> Outcome:
    """Run that command, and judge what it does."""
    before = sorted(path.parent.rglob("*"))
    try:
        run = subprocess.run(
            [sys.executable, "-m", "ovsharp", *command(path)],
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
    if run.returncode == 0:
        return Outcome("done", said)
    left = [one for one in sorted(path.parent.rglob("*")) if one not in before]
    if left:
        return Outcome("left behind", f"{left}\n{said}")
    if not re.search(r"\w", said):
        return Outcome("silence", said)
    return Outcome("refused", said)


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
