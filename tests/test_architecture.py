"""The house rules that no single room can keep alone: see the contracts in docs/."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ovsharp

PACKAGE = Path(ovsharp.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

ORDER = (
    "cli",
    "lab",
    "terminal",
    "cluster",
    "serve",
    "vs",
    "freeze",
    "apps",
    "training",
    "evaluation",
    "opinions",
    "benchmarks",
    "measuring",
    "reports",
    "calibration",
    "convert",
    "passes",
    "models",
    "degrade",
    "media",
    "runtime",
    "engine",
    "frames",
    "quality",
    "spec",
    "batch",
    "records",
    "spread",
    "files",
    "extras",
    "closing",
    "guards",
    "progress",
    "limits",
    "errors",
    "version",
)
"""Each room imports only what stands further down."""

LIGHT = ORDER[ORDER.index("degrade") :]
"""What an application needs: installed without the packages in `HEAVY`."""

HEAVY = {"torch", "nncf", "onnx", "onnxscript", "safetensors"}

DISTRIBUTIONS = {
    "ai_edge_litert": "ai-edge-litert",
    "ai_edge_quantizer": "ai-edge-quantizer",
    "litert_torch": "litert-torch",
    "lightning_fabric": "lightning-fabric",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "pytorch_optimizer": "pytorch-optimizer",
    "PyInstaller": "pyinstaller",
    "fastapi_offline": "fastapi-offline",
    "pillow_heif": "pillow-heif",
    "prometheus_client": "prometheus-client",
    "skimage": "scikit-image",
    "vmaf_torch": "vmaf-torch",
}
"""Packages that are imported by another name than they are installed by."""


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parsed(module: Path) -> list[ast.AST]:
    """All nodes of a file."""
    return list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))


@cache
def imports(module: Path) -> list[str]:
    """All imports of a file, those inside functions too, as dotted names."""
    names = []
    for node in parsed(module):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(module)}: imports are absolute"
            assert node.module is not None
            inner = node.module == "ovsharp"
            names += [f"ovsharp.{one.name}" for one in node.names] if inner else [node.module]
    return names


def own_imports(module: Path) -> Iterator[list[str]]:
    """Imports of ovsharp's own modules, split: `[room, module, ...]`."""
    for name in imports(module):
        first, *rest = name.split(".")
        if first == "ovsharp":
            yield rest or ["ovsharp itself"]


IN_ROOMS = [module for module in MODULES if not room_of(module).startswith("__")]


def test_imports_point_down() -> None:
    assert {room_of(module) for module in IN_ROOMS} <= set(ORDER)
    upwards = [
        f"{name_of(module)} imports {target}, which stands above {room_of(module)}"
        for module in IN_ROOMS
        for target, *_ in own_imports(module)
        if target not in ORDER[ORDER.index(room_of(module)) :]
    ]
    assert not upwards


def test_the_map_shows_every_room() -> None:
    page = PACKAGE.parent / "docs" / "ARCHITECTURE.md"
    if not page.is_file():
        pytest.skip("ovsharp is installed from a wheel")
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(rows) == ORDER


def test_the_map_names_files_that_are_there() -> None:
    page = PACKAGE.parent / "docs" / "ARCHITECTURE.md"
    if not page.is_file():
        pytest.skip("ovsharp is installed from a wheel")
    named = re.findall(r"`(\w+/[a-z_]+\.py)`", page.read_text(encoding="utf-8"))
    roots = (PACKAGE, PACKAGE.parent)
    gone = [name for name in named if not any((root / name).is_file() for root in roots)]
    assert named
    assert not gone


def test_tests_mirror_the_rooms_and_borrow_from_no_other_test() -> None:
    here = Path(__file__).parent
    if here.parent != PACKAGE.parent:
        pytest.skip("ovsharp is installed from a wheel")
    of_others = {"web", "zoo"}  # the package for browsers, and networks that pass several rooms
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {path.parent.name for path in here.glob("*/__init__.py")}
    assert folders <= rooms | of_others
    assert {f"test_{room}" for room in rooms - folders} <= {file.stem for file in here.glob("*.py")}
    borrowed = [
        f"{file.relative_to(here)}: {line}"
        for file in here.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(r"from tests\.([a-z_.]+\.)?test_", line)
    ]
    assert not borrowed, "what two tests share stands in a file of its own"


def test_rooms_are_entered_by_the_door() -> None:
    windows = [
        f"{name_of(module)} imports ovsharp.{room}.{'.'.join(inner)}: use ovsharp.{room}"
        for module in IN_ROOMS
        for room, *inner in own_imports(module)
        if inner and room != room_of(module)
    ]
    assert not windows


def test_light_rooms_import_nothing_heavy() -> None:
    heavy = [
        f"{name_of(module)} imports {name}"
        for module in IN_ROOMS
        for name in imports(module)
        if room_of(module) in LIGHT and name.split(".")[0] in HEAVY
    ]
    assert not heavy


def test_what_is_imported_is_declared() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = PACKAGE.parent / "pyproject.toml"
    if not project.is_file():
        pytest.skip("ovsharp is installed from a wheel")
    metadata = tomllib.loads(project.read_text())["project"]
    base, optional = metadata["dependencies"], metadata["optional-dependencies"]
    extras = [line for lines in optional.values() for line in lines]
    # Video files and codecs need PyAV; pictures and OpenCV's cameras do not.
    lighter = {"media": ("video", "camera", "heic", "screen"), "degrade": ("video",)}
    undeclared = []
    for module in MODULES:
        room = room_of(module)
        extra = [line for name in lighter.get(room, ()) for line in optional[name]]
        lines = base + (extra if room in LIGHT else extras)
        declared = {re.split(r"[\[>]", line)[0].strip() for line in lines} | sys.stdlib_module_names
        packages = {name.split(".")[0] for name in imports(module)} - {"ovsharp"}
        undeclared += [
            f"{name_of(module)} imports {package}"
            for package in packages
            if DISTRIBUTIONS.get(package, package) not in declared
        ]
    assert not undeclared


def test_no_assert() -> None:
    found = [name_of(one) for one in MODULES if any(isinstance(x, ast.Assert) for x in parsed(one))]
    assert not found, "assert is no validation"


def test_broad_excepts_raise_again_or_say_why_not() -> None:
    found = []
    for module in MODULES:
        lines = module.read_text(encoding="utf-8").splitlines()
        for node in parsed(module):
            if isinstance(node, ast.ExceptHandler):
                caught = "BaseException" if node.type is None else ast.unparse(node.type)
                if not (
                    caught not in ("Exception", "BaseException")
                    or isinstance(node.body[-1], ast.Raise)
                    or "# noqa: BLE001 - " in lines[node.lineno - 1]
                ):
                    found.append(f"{name_of(module)}:{node.lineno}")
    assert not found


def test_checkpoints_are_loaded_without_running_their_code() -> None:
    found = []
    for module in MODULES:
        for node in parsed(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                if keywords.get("weights_only") != "True":
                    found.append(f"{name_of(module)}:{node.lineno}")
    assert not found


def test_no_path_of_one_machine() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".md", ".toml")]
    found = [
        f"{name_of(file)}: {path}"
        for file in files
        for path in ("../shared", "/work/", "/root/", "/home/")
        if path in file.read_text(encoding="utf-8")
    ]
    assert not found


@pytest.mark.parametrize(
    "command",
    [
        "import ovsharp",
        "from ovsharp.cli.main import main; main(['--help'], standalone_mode=False)",
    ],
    ids=["import", "help"],
)
def test_it_starts_light(command: str) -> None:
    heavy = [*sorted(HEAVY), "openvino", "cv2", "numpy", "rich"]
    script = f"{command}\nimport sys\nprint('loaded:', [n for n in {heavy} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.splitlines()[-1] == "loaded: []"
