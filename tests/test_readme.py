"""The README's Python example runs as written."""

import re
from pathlib import Path

import cv2
import pytest
import skimage.data

README = Path(__file__).parents[1] / "README.md"


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    photo = skimage.data.astronaut()[:101, :67, ::-1]
    cv2.imwrite("in.png", photo)
    exec(compile(example, str(README), "exec"), {})
    written = cv2.imread("out.png")
    assert written is not None
    assert written.shape == photo.shape


def test_every_verb_is_described() -> None:
    from ovsharp.cli.main import VERBS

    text = README.read_text(encoding="utf-8")
    missing = [verb for verb in VERBS if f"`ovsharp {verb}`" not in text]
    assert not missing
