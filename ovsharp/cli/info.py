"""`ovsharp info`: what a model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.terminal import options, write_json

if TYPE_CHECKING:
    from ovsharp.spec import ModelSpec


@click.command()
@click.argument("model")
@options.json_file("all figures")
def info(model: str, json_file: Path | None) -> None:
    """Show what MODEL is: an .xml that ovsharp wrote, or the name of a shipped model or router."""
    import dataclasses

    from rich.table import Table
    from rich.text import Text

    from ovsharp import engine, runtime
    from ovsharp.terminal import output

    router = runtime.find_router(model)
    if router is not None:
        _, chooses = engine.read_router(router, engine.get_core())
        files = runtime.model_files(model)
        size = sum(file.stat().st_size for file in files)
        facts = {
            "path": str(router),
            "models": chooses.models,
            "looks at": f"{chooses.crops} crops of {chooses.crop}x{chooses.crop} pixels",
            "leaves alone": f"what no model is expected to bring {chooses.least:g} dB nearer",
            "bytes": size,
        }
        if json_file is not None:
            write_json(json_file, facts)
        table = Table(show_header=False)
        table.add_row("router", f"{chooses.name}: chooses a model for each frame, or none")
        table.add_row("among", ", ".join(chooses.models))
        table.add_row("looks at", str(facts["looks at"]))
        table.add_row("leaves alone", str(facts["leaves alone"]))
        table.add_row("files", f"{len(files)} of {size / 1e6:.2f} MB in all")
        output().print(table)
        return

    path = runtime.find_model(model)
    graph, spec = engine.read_ir(path, engine.get_core())
    sizes = {file.name: file.stat().st_size for file in (path, path.with_suffix(".bin"))}
    operations = engine.operations(graph)
    executions = {
        device.device: engine.execution_of(spec, device.device).label for device in engine.devices()
    }
    if json_file is not None:
        facts = {
            "path": str(path),
            "bytes": sizes,
            "spec": dataclasses.asdict(spec),
            "operations": operations,
            "execution": executions,
        }
        write_json(json_file, facts)

    rows = {
        "model": f"{spec.name} ({spec.architecture}), {spec.parameters:,} parameters",
        "files": ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes.items()),
        "folder": str(path.resolve().parent),
        "storage": spec.storage,
        "execution": ", ".join(f"{label} on {device}" for device, label in executions.items()),
        **describe(spec),
        "operations": ", ".join(f"{count} {name}" for name, count in operations.items()),
    }
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, Text(value, overflow="fold"))
    output().print(table)


def describe(spec: ModelSpec) -> dict[str, str]:
    """Say in words what a spec says, without what its files say."""
    grown = f"{spec.scale} * " if spec.scale > 1 else ""
    size = f"{spec.size[1]}x{spec.size[0]} only" if spec.size else "any, padded to multiples of "
    base = f" and its bicubic upscale x{spec.scale}" if spec.base else ""
    rows = {
        "takes": f"frame, uint8 H x W x 3 BGR{base}",
        "gives": f"uint8 {grown}H x {grown}W x 3 BGR",
        "size": size if spec.size else f"{size}{spec.multiple}, at least {spec.minimum}",
        "margin": (
            "unknown or unbounded: never tiled"
            if spec.margin is None
            else f"{spec.margin} pixels: tiles are exact"
        ),
        "inside": f"{spec.colour}, {spec.value_range[0]:g}..{spec.value_range[1]:g}"
        + (f", mean {spec.mean}" if spec.mean else "")
        + (f", std {spec.std}" if spec.std else ""),
        "trained for": spec.degradation or "unknown",
        "source": f"{spec.source or 'unknown'} (sha256 {spec.source_sha256 or 'unknown'})",
        "made with": ", ".join(f"{name} {version}" for name, version in spec.versions.items()),
        "parity": ", ".join(f"{pair} {value:.2g}" for pair, value in spec.parity.items()),
    }
    made = spec.quantization
    if made is not None:
        rows["quantized"] = (
            f"SSIM drop {made.ssim_drop:.4f} (limit {made.max_drop:g}), PSNR drop "
            f"{made.psnr_drop:.2f} dB, on {made.validation_images} images as {made.execution} on "
            f"{made.device}"
        )
        if made.fallback:
            rows["falls back"] = f"runs as {spec.precision} by itself, for {made.fallback}"
        rows["calibrated"] = (
            f"{made.calibration_images} images (sha256 {made.calibration_sha256}), preset "
            f"{made.preset}; {len(made.float_layers)} layers in floating point"
        )
    return rows
