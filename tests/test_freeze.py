"""Programs that PyInstaller freezes: it finds ovsharp's hook, and the hook what runs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ovsharp.freeze import hook_folders
from ovsharp.runtime import shipped_models

pytest.importorskip("PyInstaller")

ENTRY = ("hook-dirs", "ovsharp.freeze:hook_folders")


def hook(name: str) -> dict[str, object]:
    """Run a hook as PyInstaller does, and give what it names."""
    (folder,) = map(Path, hook_folders())
    names: dict[str, object] = {}
    exec(compile((folder / f"hook-{name}.py").read_text(), name, "exec"), names)
    return names


def test_the_package_tells_pyinstaller_where_its_hooks_are() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        known = tomllib.loads(project.read_text())["project"]["entry-points"]["pyinstaller40"]
        assert tuple(known.items()) == (ENTRY,)
    else:
        found = entry_points(group="pyinstaller40")
        assert ENTRY in [(one.name, one.value) for one in found]


def test_the_hook_finds_models_pages_and_plugins() -> None:
    found = hook("ovsharp")
    data = {Path(source).resolve() for source, _ in found["datas"]}  # type: ignore[attr-defined]
    models = {path for files in shipped_models().values() for path in files.values()}
    assert {path.resolve() for path in models} <= data
    assert {path.with_suffix(".bin").resolve() for path in models} <= data
    assert "page.html" in {path.name for path in data}
    assert not [path for path in data if path.suffix in (".pth", ".py")]
    plugins = {Path(source).name for source, _ in found["binaries"]}  # type: ignore[attr-defined]
    assert any("intel_cpu_plugin" in name for name in plugins)
    assert any("ir_frontend" in name for name in plugins)


def test_the_hook_of_the_command_finds_all_verbs() -> None:
    from ovsharp.cli.main import VERBS

    found = hook("ovsharp.cli.main")["hiddenimports"]
    assert {*VERBS} <= {name.split(".")[-1] for name in found}  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_frozen_program_sharpens_elsewhere(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "from ovsharp import Sharpener\n"
        "with Sharpener('call-fast') as sharpener:\n"
        "    print(sharpener(np.zeros((48, 64, 3), np.uint8)).shape)\n"
    )
    # An installed ovsharp tells its folder itself.
    told = [f"--additional-hooks-dir={folder}" for folder in hook_folders()]
    heavy = [f"--exclude-module={name}" for name in ("torch", "nncf", "matplotlib", "IPython")]
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN"]
    paths = [f"--paths={Path(__file__).parents[1]}"]
    subprocess.run([*command, *told, *heavy, *paths, str(program)], cwd=tmp_path, check=True)
    frozen = tmp_path / "dist" / "program" / "program"
    program.unlink()
    done = subprocess.run(
        [frozen], cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(48, 64, 3)", done.stderr
