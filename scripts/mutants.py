"""Changes the code in small ways, one at a time, and tells which changes no test notices.

    python scripts/mutants.py [HOW_MANY]

Of each file below so many mutants are drawn, the same ones each time; all of them without a number.
What is changed is a copy in build/mutants, by cosmic-ray. A surviving mutant is printed as a diff:
either a test is missing, or the change changes nothing. The `|` of annotations, which nothing runs,
`is` for `==`, which changes nothing between small numbers, and what is no Python are left out.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutants"
TESTS = {
    "ovsharp/engine/tiles.py": "tests/engine/test_tiles.py",
    "ovsharp/passes/deploy.py": "tests/passes/test_deploy.py",
    "ovsharp/calibration/gate.py": "tests/calibration/test_gate.py",
    "ovsharp/media/colour.py": "tests/media/test_colour.py",
}
"""Files that are mutated, and the tests that should notice."""
LIMITS = "prlimit --cpu=20 --as=8589934592"
"""Of each run: a loop that a mutant never leaves takes all time, or fills all memory."""
SECONDS = 1200
"""On the clock, which says little on a busy machine."""


def config(module: str, tests: str) -> str:
    """Give cosmic-ray's settings for one file."""
    command = f"{LIMITS} {sys.executable} -m pytest -x -q -p no:cacheprovider {tests}"
    values = {
        "module-path": module,
        "timeout": float(SECONDS),
        "excluded-modules": [],
        "test-command": command,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[cosmic-ray]", *lines, "[cosmic-ray.distributor]", 'name = "local"', ""])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def runs(mutation: MutationSpec) -> bool:
    """Tell whether what is changed is Python, and is run."""
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    code = (WORK / "tree" / mutation.module_path).read_text(encoding="utf-8")
    changed = mutate_code(code, operator, mutation.occurrence)
    try:
        ast.parse(changed or "=")
    except SyntaxError:
        return False
    name = mutation.operator_name
    return "_BitOr_" not in name and not name.endswith(("_Eq_Is", "_NotEq_IsNot"))


def draw(database: WorkDB, count: int | None) -> None:
    """Leave out all mutants but so many."""
    pending = sorted(database.pending_work_items, key=lambda item: _digest(repr(item.mutations)))
    able = (item.job_id for item in pending if all(map(runs, item.mutations)))
    left_out = {item.job_id for item in pending} - set(islice(able, count))
    skipped = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
    database.set_multiple_results(left_out, skipped)


def run(module: str, tests: str, count: int | None) -> tuple[int, int]:
    """Try one file's mutants; give how many were noticed, and of how many."""
    name = Path(module).stem
    settings, session = WORK / f"{name}.toml", WORK / f"{name}.sqlite"
    settings.write_text(config(module, tests), encoding="utf-8")
    session.unlink(missing_ok=True)
    tree = WORK / "tree"
    subprocess.run(["cosmic-ray", "init", settings, session], cwd=tree, check=True)
    with use_db(session) as database:
        draw(database, count)
    subprocess.run(["cosmic-ray", "exec", settings, session], cwd=tree, check=True)
    with use_db(session) as database:
        results = [
            result
            for _, result in database.results
            if result.worker_outcome != WorkerOutcome.SKIPPED
        ]
    alive = [result for result in results if result.test_outcome == TestOutcome.SURVIVED]
    for result in alive:
        print(result.diff)
    return len(results) - len(alive), len(results)


def main(count: int | None) -> None:
    """Try all files, in a copy of what git tracks."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # starts in half of the time
    tree = WORK / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)
    told = [(module, *run(module, tests, count)) for module, tests in TESTS.items()]
    for module, noticed, of in told:
        print(f"{module}: {noticed} of {of} noticed, {noticed / max(of, 1):.0%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
