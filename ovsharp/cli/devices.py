"""`ovsharp devices`: what this machine and this installation have."""

from __future__ import annotations

from pathlib import Path

import click

from ovsharp.terminal import options, write_json


@click.command()
@options.json_file("them")
def devices(json_file: Path | None) -> None:
    """Show devices, instruction sets and package versions."""
    import dataclasses

    from rich.table import Table

    from ovsharp import engine
    from ovsharp.errors import install_line
    from ovsharp.terminal import output

    found = engine.devices()
    sets, packages = engine.instruction_sets(), engine.package_versions()
    limit, used = engine.max_isa(), engine.used_isa()
    problem = engine.pair_problem()
    if json_file is not None:
        facts = {
            "devices": [dataclasses.asdict(device) for device in found],
            "instruction_sets": sets,
            "max_isa": limit,
            "used_isa": used,
            "packages": packages,
            "pair_problem": problem,
        }
        write_json(json_file, facts)

    table = Table("device", "name", "native", "float models run as", "INT8 models run as")
    for device in found:
        hints = " ".join(device.float_hints)
        table.add_row(
            device.device, device.name, hints, device.float_execution, device.int8_execution
        )
    console = output()
    console.print(table)
    if sets is None:
        console.print("Instruction sets: this system does not list them")
    else:
        console.print(f"Instruction sets: {' '.join(name for name, has in sets.items() if has)}")
        console.print(
            f"Not there:        {' '.join(name for name, has in sets.items() if not has)}"
        )
    console.print(f"In use:           {used or 'OpenVINO does not tell'}")
    if limit is not None:
        console.print(f"Held back by the environment: ONEDNN_MAX_CPU_ISA={limit}")
    versions = Table("package", "version")
    for package, version in packages.items():
        versions.add_row(package, version or "not installed")
    console.print(versions)
    if packages["nncf"] is None:
        console.print(f"Quantization needs nncf: {install_line('quantize')}", markup=False)
    elif problem is None:
        console.print(f"openvino {packages['openvino']} and nncf {packages['nncf']} fit.")
    else:
        console.print(problem, markup=False)
    if packages["torch"] is None:
        line = f"Converting checkpoints needs torch: {install_line('convert')}"
        console.print(line, markup=False, soft_wrap=True)
