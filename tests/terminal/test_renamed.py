"""Old names of options still work, and say what they are called now."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ovsharp.cli.main import Verbs, main
from ovsharp.terminal.renamed import RENAMED
from tests.media.clips import clip


@pytest.mark.parametrize("given", [["--quality", "30"], ["--quality=30"]])
def test_an_old_name_is_taken_with_a_note(tmp_path: Path, given: list[str]) -> None:
    pytest.importorskip("av")
    source = clip(tmp_path / "in.mp4", (0, 40))
    sizes = []
    for name, options in (("old", given), ("new", ["--crf", "30"])):
        target = tmp_path / f"{name}.mp4"
        call = ["video", str(source), "-o", str(target), "--strength", "0", *options]
        result = CliRunner().invoke(main, call)
        assert result.exit_code == 0, result.output
        assert ("--quality of video is called --crf now" in result.stderr) == (name == "old")
        sizes.append(target.read_bytes())
    assert sizes[0] == sizes[1]


def test_new_names_are_of_options_that_are_there_and_old_ones_take_no_numbers() -> None:
    for (verb, old), new in RENAMED.items():
        command = Verbs().get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        kinds = {name: option.type for option in command.params for name in option.opts}
        assert new in kinds
        # A word under the old name may mean something else: a number never does.
        assert isinstance(kinds.get(old, click.Choice([])), click.Choice)
