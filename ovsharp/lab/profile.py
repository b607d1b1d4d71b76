"""`ovsharp profile`."""

from __future__ import annotations

from pathlib import Path

import click

from ovsharp.terminal import options, write_json


@click.command()
@click.argument("model", required=False)
@click.option(
    "--size", default="1080p", show_default=True, help="Of the output: 720p, 1080p, ..., or HxW."
)
@options.only_device
@click.option(
    "--precision",
    metavar="EXECUTION",
    help="f32, bf16, int8+f32, ... [default: the fastest that the model and the device have]",
)
@options.threads
@click.option("--seconds", default=4.0, show_default=True, help="How long to measure.")
@click.option("--top", default=20, show_default=True, help="Nodes to list, the slowest first.")
@options.json_file("all figures")
def profile(
    model: str | None,
    size: str,
    device: str,
    precision: str | None,
    threads: int | None,
    seconds: float,
    top: int,
    json_file: Path | None,
) -> None:
    """Show where the time of a frame goes: by node and by kind.

    MODEL is a shipped model, an ovsharp IR, or a file that ovsharp convert takes with its options
    after commas (see ovsharp bench --help). Convolutions are compared with the best rate that a
    large convolution reaches on this machine in the same precision; everything else is bytes that
    are moved.
    """
    from ovsharp import benchmarks
    from ovsharp.cluster import guarded
    from ovsharp.files import scratch
    from ovsharp.reports import Size
    from ovsharp.terminal import output, show

    with scratch() as folder:
        variant = benchmarks.find_variant(model, device, precision, folder, guarded)
        result = benchmarks.profile(
            variant, Size.parse(size), device=device, seconds=seconds, threads=threads
        )
    if json_file:
        write_json(json_file, result.to_json())
    console = output()
    console.print(
        f"{result.model} on {device} ({result.device_name}), storage {result.storage}, execution "
        f"{result.execution}, {result.width}x{result.height} out",
        markup=False,
    )
    console.print(
        f"frame {result.frame_ms:.2f} ms (median of {result.runs}); with counters "
        f"{result.counted_ms:.2f} ms, sum of the nodes {result.total_ms:.2f} ms",
        markup=False,
    )
    show(console, benchmarks.kind_table(result))
    show(console, benchmarks.node_table(result, top))
    console.print(result.verdict(), style="bold", markup=False)
