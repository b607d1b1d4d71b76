"""Builds a release: sdist, wheel, checks, a bill of materials. Nothing is uploaded.

    python scripts/release.py [PYTHON ...]

The wheel is installed into an environment of its own for each PYTHON that is named (python3.10, a
path, ...), else for each of the supported ones that is at hand, and has to sharpen there. The
version stands in ovsharp/version.py; a tag on this commit has to say the same, and so has
CHANGELOG.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ovsharp.version import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
MINORS = range(10, 14)
"""Of the Pythons that are supported: 3.10 to 3.13."""


def run(*command: object, cwd: Path = ROOT) -> str:
    """Run a command and give what it prints; end here if it fails."""
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_version() -> None:
    """Compare the version with the tags of this commit, and look for it among the changes."""
    tags = run("git", "tag", "--points-at", "HEAD").split()
    if tags and f"v{__version__}" not in tags:
        sys.exit(
            f"this commit has the tag {tags[0]} and ovsharp/version.py says {__version__}: make "
            f"them one, as v{__version__}"
        )
    if f"## [{__version__}]" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        sys.exit(f"CHANGELOG.md has no '## [{__version__}]': say what changed in it")
    if f"version: {__version__}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        sys.exit(f"CITATION.cff has another version than {__version__}")
    print(f"ovsharp {__version__}, {f'tag {tags[0]}' if tags else 'no tag on this commit'}")


def build() -> Path:
    """Build into an empty dist/, and check what a package index would check."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST)
    print(run(sys.executable, "-m", "twine", "check", "--strict", *DIST.glob("*")).strip())
    (wheel,) = DIST.glob("*.whl")
    return wheel


def at_hand() -> list[str]:
    """Give the supported Pythons that run here: a name alone may be a shim of one that is not."""
    names = [f"python3.{minor}" for minor in MINORS]
    return [
        name
        for name in names
        if shutil.which(name) and not subprocess.run([name, "-V"], capture_output=True).returncode
    ]


def install(python: str, wheel: Path, folder: Path) -> Path:
    """Install the wheel with its base into an environment of its own; give its interpreter."""
    run(python, "-m", "venv", folder)
    inside = folder / "bin" / "python"
    # -I: a PYTHONPATH with a checkout in it would count as installed already.
    run(
        inside, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "-c", ROOT / "constraints.txt", wheel,
    )  # fmt: skip
    return inside


def main() -> None:
    """Check, build, try, and list what is inside."""
    check_version()
    wheel = build()
    pythons = sys.argv[1:] or at_hand() or [sys.executable]
    with tempfile.TemporaryDirectory() as scratch:
        for index, python in enumerate(pythons):
            inside = install(python, wheel, Path(scratch, str(index)))
            name = run(inside, "--version").strip()
            run(inside, "-I", ROOT / "tests" / "wheel_check.py", cwd=Path(scratch))
            print(f"{name}: the wheel sharpens and measures")
        bill = DIST / f"ovsharp-{__version__}.cdx.json"
        run(
            sys.executable, "-m", "cyclonedx_py", "environment", inside,
            "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "-o", bill,
        )  # fmt: skip
    for path in sorted(DIST.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
