from __future__ import annotations

from pathlib import Path

import pytest

from ovsharp.measuring.environment import cgroup_quota, describe, load, usable_cores


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_a_container_knows_its_quota(
    files: dict[str, str], cores: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cgroup_quota(tmp_path) == cores


def test_the_machine_is_described() -> None:
    machine = describe(load())
    assert 0 < machine.usable_cores == usable_cores() <= machine.logical_cores
    assert machine.cpu
    assert machine.versions["openvino"]
    assert machine.memory_gib > 0
