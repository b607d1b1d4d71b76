"""Reports drawn by hand."""

from __future__ import annotations

import dataclasses

from ovsharp.measuring import environment, results


def timing(milliseconds: float, n: int = 50, *, burst: bool = False) -> results.Timing:
    ms = milliseconds
    latency = results.Latency(n=n, p50=ms, p90=ms * 1.2, p99=ms * 1.5, low=ms * 0.9, high=ms * 1.1)
    return results.Timing(
        frames=n,
        seconds=n * ms / 1e3,
        fps=1e3 / ms,
        latency=None if burst else latency,
        warmup_calls=8,
        stable=True,
    )


def quality(ssim: float, *, input_ssim: float = 0.8, name: str = "astronaut") -> results.Quality:
    return results.Quality(
        images=1,
        ssim=ssim,
        ssim_std=0.0,
        psnr=30.0,
        input_ssim=input_ssim,
        input_ssim_std=0.0,
        input_psnr=28.0,
        improved=float(ssim > input_ssim),
        reference_psnr=55.0,
        flicker=1.1,
        photos=(results.PhotoScore(name, ssim, 30.0, input_ssim, 28.0),),
    )


def speed(milliseconds: float, size: str = "720p") -> results.Speed:
    return results.Speed(
        size=size,
        height=720,
        width=1280,
        startup=results.Startup(compile_ms=80.0, first_frame_ms=9.0, memory_mb=40.0),
        model_sync=timing(milliseconds * 0.9, 120),
        model_async=timing(milliseconds * 0.8, burst=True),
        frame_sync=timing(milliseconds),
        frame_stream=timing(milliseconds * 0.85, burst=True),
        settings={"latency": {"execution": "f32", "streams": 1}},
    )


def row(
    storage: str, execution: str, *, ssim: float = 0.85, ms: float = 20.0, model: str = "demo"
) -> results.Row:
    return results.Row(
        model=model,
        storage=storage,
        execution=execution,
        scale=1,
        parameters=1000,
        megabytes=0.5,
        quality=quality(ssim),
        speeds=(speed(ms),),
    )


def report(*rows: results.Row, **changes: object) -> results.Report:
    made = results.Report(
        version="0.1.0",
        date="2026-01-02T03:04:05+00:00",
        device="CPU",
        device_name="A processor",
        options={"threads": None, "seconds": 4.0},
        environment=environment.Environment(
            cpu="A processor",
            logical_cores=2,
            usable_cores=2.0,
            instructions=("AVX2",),
            used_isa="AVX2",
            onednn_max_isa="",
            memory_gib=8.0,
            system="Linux",
            python="3.11",
            versions={"openvino": "2026.4.1"},
            load_before=(0.1, 0.2, 0.3),
            load_after=(),
        ),
        photos=(results.PhotoSet("demo", "scikit-image", "gla", "--degrade", ("astronaut",), ()),),
        sizes=("720p",),
        rows=rows or (row("fp32", "f32"),),
        recommendations=("demo: use storage INT8, execution int8+bf16",),
        notes=(),
    )
    return dataclasses.replace(made, **changes)
