"""README and docs: what they show runs as written, and what they name exists."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import pytest
from click.testing import CliRunner

import ovsharp
from ovsharp.cli.main import VERBS, main
from ovsharp.degrade import parse
from tests.media.clips import clip
from tests.photos import crop, write_photos

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONGEST = 9_000
"""Characters of the README: who opens it reads it."""

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that the README's commands and programs read."""
    folder = tmp_path_factory.mktemp("readme")
    photo = crop(0, 0, 256, 256)
    cv2.imwrite(str(folder / "photo.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 15])
    cv2.imwrite(str(folder / "in.png"), parse("gla")(photo, seed=1))
    clip(folder / "call.mp4", tuple(range(0, 480, 40)))
    write_photos(folder / "photos", 8)
    shipped = Path(ovsharp.__file__).parent / "models" / "shipped"
    shutil.copy(shipped / "sharp-fast" / "student.pth", folder)
    return folder


def blocks(text: str) -> Iterator[list[str]]:
    """Indented blocks outside of lists, without their indent."""
    for block in re.findall(r"(?:^    .*\n|^ *\n)+", text, re.MULTILINE):
        lines = [line[4:] for line in block.splitlines() if line.strip()]
        if lines:
            yield lines


def shown(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Commands after `$`, each with the lines that it is said to print."""
    for lines in blocks(page.read_text(encoding="utf-8")):
        command: str | None = None
        printed: list[str] = []
        for line in lines:
            if line.startswith("$ "):
                if command is not None:
                    yield command, printed
                command, printed = line[2:], []
            else:
                printed.append(line)
        if command is not None:
            yield command, printed


def pattern(line: str) -> str:
    """What matches a printed line whose numbers and spaces may be others."""
    parts = re.split(r"([+-]?\d[\d,.]*|\s+|\.\.\.$)", line)
    kinds = {"": "", "...": ".*"}
    return "".join(
        kinds[part]
        if part in kinds
        else r"[+-]?\d[\d,.]*"
        if re.fullmatch(r"[+-]?\d[\d,.]*", part)
        else r"\s+"
        if part.isspace()
        else re.escape(part)
        for part in parts
    )


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8")) <= LONGEST


@pytest.mark.usefixtures("fitted_little")
def test_the_readmes_commands_print_what_it_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")  # no process that loads everything anew
    commands = list(shown(README))
    assert len(commands) >= 5
    for command, said in commands:
        verb, *arguments = shlex.split(command)
        assert verb == "ovsharp"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{command}: {result.output}"
        printed = iter(result.output.splitlines())
        for line in said:
            if line != "...":
                wanted = re.compile(pattern(line))
                assert any(wanted.match(one.rstrip()) for one in printed), (
                    f"'{command}' does not print '{line}':\n{result.output}"
                )


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "PYTHON.md"], ids=lambda page: page.name)
def test_python_examples_run(folder: Path, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    monkeypatch.chdir(folder)
    for example in examples:
        exec(compile(example, str(page), "exec"), {})


PYTHON_PAGES = [README, ROOT / "docs" / "PYTHON.md", ROOT / "docs" / "start" / "APPLICATION.md"]


def test_python_examples_pass_mypy(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    for place, page in enumerate(PYTHON_PAGES):
        examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        assert examples
        for index, example in enumerate(examples):
            (tmp_path / f"example{place}{index}.py").write_text(example)
    kept = str(ROOT / ".mypy_cache")  # what `make lint` has read of ovsharp is not read again
    report, errors, code = api.run(["--strict", "--cache-dir", kept, str(tmp_path)])
    assert code == 0, report + errors


def test_the_example_of_a_photo_writes_it_sharper(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "PYTHON.md").read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(folder)
    exec(compile(example, "PYTHON.md", "exec"), {})
    before, after = cv2.imread("in.png"), cv2.imread("out.png")
    assert before is not None
    assert after is not None
    assert before.shape == after.shape
    assert cv2.Laplacian(after, cv2.CV_32F).std() > 1.2 * cv2.Laplacian(before, cv2.CV_32F).std()


def commands_of(page: Path) -> Iterator[list[str]]:
    """All command lines of a page, in blocks and in the text, as words."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for lines in blocks(text) for line in lines]
    lines += re.findall(r"`(ovsharp [^`]+)`", text)
    for block in re.findall(r"```(?:bash|console|sh)?\n(.*?)```", text, re.DOTALL):
        lines += block.splitlines()
    for line in lines:
        for part in re.split(r"&&|\|", line):
            found = re.match(r"(?:\$ )?ovsharp (.+?)(?:  +#.*)?$", part.strip())
            if found and re.match(r"[a-z]", found[1]):
                yield shlex.split(found[1].removesuffix("..."))


@each_page
def test_commands_have_the_verbs_and_options_that_are_shown(page: Path) -> None:
    for verb, *words in commands_of(page):
        assert verb in VERBS, f"there is no 'ovsharp {verb}'"
        command = main.get_command(click.Context(main), verb)
        assert command is not None
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        strange = [option for option in options if option not in known | {"--help", "-h"}]
        assert not strange, f"'ovsharp {verb}' has no {', '.join(strange)}"


def test_every_verb_is_described() -> None:
    text = (ROOT / "docs" / "COMMANDS.md").read_text(encoding="utf-8")
    missing = [verb for verb in VERBS if f"`ovsharp {verb}`" not in text]
    assert not missing


def test_pages_of_the_systems_show_the_measured_rows() -> None:
    folder = ROOT / "docs" / "systems"
    measured = (folder / "comparison.md").read_text(encoding="utf-8").splitlines()
    for page in sorted(set(folder.glob("*.md")) - {folder / "comparison.md", folder / "README.md"}):
        text = page.read_text(encoding="utf-8").partition("## What came out")[2]
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert f"ours-{page.stem}" in text
        assert not set(rows) - set(measured)


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`: headings, as GitHub and the site spell them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"
