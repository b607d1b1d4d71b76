"""What of the browser package needs no browser: web/test, by Node's own test runner."""

from __future__ import annotations

import subprocess

import pytest

from tests.web.places import NODE, WEB


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_the_budget_steps_down_and_up_again() -> None:
    command = [str(NODE), "--test", *map(str, sorted((WEB / "test").glob("*.test.js")))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout
    assert "pass 0" not in run.stdout


@pytest.mark.slow
def test_the_package_holds_its_types() -> None:
    tsc = WEB / "node_modules" / ".bin" / "tsc"
    if not tsc.exists():
        pytest.skip("web/node_modules is missing: npm ci, in web/")
    run = subprocess.run(
        [str(tsc), "-p", str(WEB)], capture_output=True, text=True, timeout=240, check=False
    )
    assert run.returncode == 0, run.stdout
