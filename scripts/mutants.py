"""Changes the code in small ways, one at a time, and tells which changes no test notices.

    python scripts/mutants.py [HOW_MANY]

Of each file below so many mutants are drawn, the same ones each time; all of them without a number.
What is changed is a copy in build/mutants, by the operators of cosmic-ray; each mutant is tested in
a fork of this process, which has loaded what takes long. A surviving mutant is printed as a diff:
either a test is missing, or the change changes nothing. The `|` of annotations, which nothing runs,
`is` for `==`, which changes nothing between small numbers, imports for type checkers, and what is
no Python are left out.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
TREE = ROOT / "build" / "mutants"
TESTS = {
    "ovsharp/engine/tiles.py": "tests/engine/test_tiles.py",
    "ovsharp/passes/deploy.py": "tests/passes/test_deploy.py",
    "ovsharp/calibration/gate.py": "tests/calibration/test_gate.py",
    "ovsharp/media/colour.py": "tests/media/test_colour.py",
}
"""Files that are mutated, and the tests that should notice."""
SLOW = ("av", "cv2", "hypothesis", "numpy", "openvino", "scipy")
"""Packages that take long to load, and that hold nothing of ours."""
PROCESSOR_SECONDS, CLOCK_SECONDS, BYTES = 20, 1200, 8 << 30
"""Limits of each run: a loop that a mutant never leaves takes all time, or fills all memory."""


def places(code: str) -> Iterator[tuple[str, int]]:
    """Give all that may be changed in a file: an operator's name, and which of its places."""
    nodes = list(ast_nodes(get_ast(code)))
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or "_BitOr_" in name or name.endswith(("_Eq_Is", "_NotEq_IsNot")):
            continue
        found = sum(len(list(operator().mutation_positions(node))) for node in nodes)
        yield from ((name, number) for number in range(found))


def mutants(code: str) -> Iterator[str]:
    """Give the changed forms of a file, in an order that is drawn, the same each time."""

    def drawn(place: tuple[str, int]) -> str:
        return hashlib.sha256(repr(place).encode()).hexdigest()

    seen = {code}
    for name, number in sorted(places(code), key=drawn):
        changed = mutate_code(code, get_operator(name)(), number)
        try:
            ast.parse(changed or "=")
        except SyntaxError:
            continue
        if changed not in seen and "not TYPE_CHECKING" not in changed:
            seen.add(changed)
            yield changed


def passes(tests: str) -> bool:
    """Run tests in a fork, in the copy."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        signal.alarm(CLOCK_SECONDS)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests.split()]))
    return os.waitpid(child, 0)[1] == 0


def run(module: str, tests: str, count: int | None) -> tuple[int, int]:
    """Try one file's mutants; give how many were noticed, and of how many."""
    file = TREE / module
    code = file.read_text(encoding="utf-8")
    if not passes(tests):
        sys.exit(f"{tests} fails on {module} as it is: nothing can be learned")
    noticed = of = 0
    for changed in islice(mutants(code), count):
        file.write_text(changed, encoding="utf-8")
        of += 1
        if passes(tests):
            lines = code.splitlines(), changed.splitlines()
            print("\n".join(difflib.unified_diff(*lines, module, lineterm="", n=1)), flush=True)
        else:
            noticed += 1
    file.write_text(code, encoding="utf-8")
    return noticed, of


def main(count: int | None) -> None:
    """Try all files, in a copy of what git tracks."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # starts in half of the time
    sys.dont_write_bytecode = True  # a mutant may be as long, and as old, as the last one
    TREE.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", TREE], input=archive.stdout, check=True)
    os.chdir(TREE)
    sys.path[0] = str(TREE)
    for name in SLOW:
        import_module(name)
    told = [(module, *run(module, tests, count)) for module, tests in TESTS.items()]
    for module, noticed, of in told:
        print(f"{module}: {noticed} of {of} noticed, {noticed / max(of, 1):.0%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
