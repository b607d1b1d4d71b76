"""The machine that was measured on, and when."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

from ovsharp.engine import get_core, instruction_sets, max_isa, package_versions, used_isa


@dataclass(frozen=True)
class Environment:
    """The machine and what ran on it."""

    cpu: str
    logical_cores: int
    usable_cores: float
    """Cores that the process may use: its affinity, or its cgroup's quota if that is less."""
    instructions: tuple[str, ...]
    used_isa: str
    """What the CPU plugin says that it uses; empty if it does not tell."""
    onednn_max_isa: str
    """The variable `ONEDNN_MAX_CPU_ISA`; empty if not set."""
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]
    load_before: tuple[float, ...]
    """Load averages over 1, 5 and 15 minutes; empty where the system has none."""
    load_after: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """When figures were measured, by what, and where."""

    version: str
    """Of ovsharp."""
    date: str
    """ISO 8601, UTC."""
    environment: Environment


def describe(load_before: tuple[float, ...]) -> Environment:
    """Describe the machine as it is now.

    Args:
        load_before: `load()` from before the measurements.
    """
    sets = instruction_sets() or {}
    return Environment(
        cpu=str(get_core().get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        logical_cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        instructions=tuple(name for name, present in sets.items() if present),
        used_isa=used_isa(),
        onednn_max_isa=max_isa() or "",
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=platform.platform(),
        python=platform.python_version(),
        versions={name: version for name, version in package_versions().items() if version},
        load_before=load_before,
        load_after=load(),
    )


def load() -> tuple[float, ...]:
    """Load averages over 1, 5 and 15 minutes; empty where the system has none."""
    if not hasattr(os, "getloadavg"):
        return ()
    return tuple(round(value, 2) for value in os.getloadavg())


def usable_cores() -> float:
    """Cores that this process may use: its affinity, or its cgroup's CPU quota if that is less."""
    # macOS has no affinity.
    affinity = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else None
    cores = float(len(affinity) if affinity else os.cpu_count() or 1)
    quota = cgroup_quota(Path("/sys/fs/cgroup"))
    return min(cores, quota) if quota else cores


def cgroup_quota(root: Path) -> float | None:
    """CPUs' worth of time per period that a container may use, by version 2 or 1 of cgroups.

    Args:
        root: where the control groups are mounted.

    Returns:
        None without a limit.
    """
    unified = root / "cpu.max"
    quota, period = root / "cpu/cpu.cfs_quota_us", root / "cpu/cpu.cfs_period_us"
    if unified.is_file():
        limit, per = unified.read_text().split()
    elif quota.is_file() and period.is_file():
        limit, per = quota.read_text().strip(), period.read_text().strip()
    else:
        return None
    return None if limit in ("max", "-1") else round(int(limit) / int(per), 2)
