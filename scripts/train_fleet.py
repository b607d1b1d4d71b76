"""Trains all that ships until nothing is left to learn, and goes on where it stopped.

    python scripts/train_fleet.py --data photos/ --val other/ --clips clips/ --screens screens/ \
        --out runs/fleet
    python scripts/train_fleet.py --out runs/fleet --status    # what each has seen, what is next

A student begins with the weights that ship, a `quality` that there is none of with its balanced
one. Each round doubles the pixels that it has seen; when a round gains less than 0.03 dB, and 20
thousand million pixels were seen, it is full: it is fine-tuned for 8 bits, and OUT/NAME is ready
for scripts/ship_family.py. Interrupt it at any time: the same line goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ovsharp.models import read_part
from ovsharp.training import Course, load_recipe, recipe_names

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"
SIZES = ("fast", "balanced", "quality")
FULL = 0.03
"""dB that a round gains at least while there is something left."""
ENOUGH = 20e9
"""Pixels that are seen before a network counts as full."""
LAST_STEPS = 2000
"""Of fine-tuning for 8 bits."""


@dataclass(frozen=True)
class Student:
    """A student that ships."""

    name: str
    recipe: str
    size: str
    """Empty for a recipe of one size."""
    folder: Path
    """Of its rounds."""

    @property
    def rounds(self) -> list[Path]:
        """Finished rounds, the first one first."""
        done = [path.parent for path in self.folder.glob("[0-9]*/student.pth")]
        return sorted(done, key=lambda path: int(path.name))

    @property
    def full(self) -> bool:
        """Whether nothing is left to learn."""
        return len(self.rounds) > 1 and self.gain < FULL and self.pixels >= ENOUGH

    @property
    def ready(self) -> bool:
        """Whether it is fine-tuned for 8 bits, too."""
        return (self.folder / "student.pth").exists()

    @property
    def begins(self) -> Path | None:
        """The weights that the next round begins with; None for drawn ones."""
        if self.rounds:
            return self.rounds[-1] / "best.pth"  # with its branches
        names, middle = [self.name], self.name.removesuffix("-quality")
        if middle != self.name and not self.course.arguments.get("branches"):
            names += [middle, f"{middle}-balanced"]  # what only a residual one grows from
        files = [SHIPPED / name / "student.pth" for name in names]
        return next((file for file in files if file.exists()), None)

    @property
    def pixels(self) -> int:
        """How many its weights have seen."""
        return 0 if self.begins is None else read_part(self.begins).pixels

    @property
    def scores(self) -> list[float]:
        """PSNR in dB of the best weights of each round."""
        return [max(row["psnr_out"] for row in rows(folder)) for folder in self.rounds]

    @property
    def gain(self) -> float:
        """What the last round gained, in dB."""
        scores = self.scores
        return scores[-1] - scores[-2] if len(scores) > 1 else float("inf")

    @property
    def steps(self) -> int:
        """Of the next round: as many pixels again, and no fewer than the recipe says."""
        course = self.course
        return max(course.steps, self.pixels // (course.batch * course.patch**2))

    @property
    def course(self) -> Course:
        """How it is trained."""
        recipe = load_recipe(self.recipe)
        return (recipe.sized(self.size) if self.size else recipe).student

    def command(self, options: argparse.Namespace) -> list[str]:
        """Give the line that trains the next round, or for 8 bits if it is full."""
        line = [sys.executable, "-m", "ovsharp", "train", "--recipe", self.recipe]
        line += ["--size", self.size] if self.size else []
        line += ["--data", str(options.data), "--val", str(options.val)]
        if self.course.moving:
            line += ["--clips", str(options.clips), "--screens", str(options.screens)]
            line += ["--patches", str(options.out / "patches" / self.recipe)]
        if self.full:
            last = self.rounds[-1] / "student.pth"
            return [*line, "--qat", str(last), "--steps", str(LAST_STEPS), "-o", str(self.folder)]
        target = self.folder / str(len(self.rounds) + 1)
        line += ["--init", str(self.begins)] if self.begins is not None else []
        return [*line, "--steps", str(options.steps or self.steps), "--resume", "-o", str(target)]


def rows(folder: Path) -> list[dict[str, float]]:
    """Read the log of a run."""
    log = folder / "log.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def fleet(out: Path, only: list[str]) -> list[Student]:
    """Give all students that are trained by a recipe of their own: those that saw least first."""
    found = []
    for name in recipe_names():
        if name.split("-")[0] not in ("call", "sharp", "x2", "x4"):
            continue
        sizes = load_recipe(name).sizes or {"": None}
        for size in sizes:
            middle = size in ("", "balanced")
            called = f"{name}-{size}" if size and not (middle and "-" in name) else name
            found.append(Student(called, name, size, out / called))
    chosen = [student for student in found if not only or student.name in only]
    return sorted(chosen, key=lambda student: student.pixels)


def table(students: list[Student]) -> str:
    """Say of each what it has seen and what is next."""
    lines = [f"{'student':22} {'rounds':>6} {'Gpx':>6} {'dB':>6} {'gain':>6}  next"]
    for student in students:
        scores = student.scores
        score = f"{scores[-1]:6.2f}" if scores else f"{'':6}"
        gain = f"{student.gain:+6.2f}" if len(scores) > 1 else f"{'':6}"
        running = rows(student.folder / str(len(student.rounds) + 1))
        then = f"{student.steps:,} steps"
        if running:
            then += f", {running[-1]['step']:,.0f} done"
        then = "ready" if student.ready else "for 8 bits" if student.full else then
        line = f"{student.name:22} {len(scores):6} {student.pixels / 1e9:6.1f} {score} {gain}"
        lines.append(f"{line}  {then}")
    return "\n".join(lines)


def work(student: Student, options: argparse.Namespace, stopped: threading.Event) -> None:
    """Train a student round by round until it is ready."""
    student.folder.mkdir(parents=True, exist_ok=True)
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    rounds = 0
    while not student.ready and not stopped.is_set() and rounds != options.rounds:
        with (student.folder / "run.log").open("a", encoding="utf-8") as log:
            line = student.command(options)
            log.write(" ".join(line) + "\n")
            log.flush()
            done = subprocess.run(line, stdout=log, stderr=log, env=environment, check=False)
        if done.returncode:
            raise SystemExit(f"{student.name} failed; see {student.folder / 'run.log'}")
        rounds += 1
        print(table([student]), flush=True)


def main() -> None:
    """Train what is left, or say what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of all rounds")
    for name in ("--data", "--val", "--clips", "--screens"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=-1, help="of each at most, in this call")
    parser.add_argument("--steps", type=int, help="of each round, in place of its own number")
    parser.add_argument("--status", action="store_true", help="say what is next, and train nothing")
    options = parser.parse_args()
    students = fleet(options.out, options.only)
    print(table(students), flush=True)
    if options.status:
        return
    missing = [name for name in ("data", "val", "clips", "screens") if not getattr(options, name)]
    if missing:
        parser.error(f"training needs --{', --'.join(missing)}")
    stopped = threading.Event()
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(work, student, options, stopped) for student in students]
        try:
            for future in futures:
                future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


if __name__ == "__main__":
    main()
