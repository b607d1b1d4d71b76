"""`ovsharp eval`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("eval")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="MODEL",
    help="A shipped model or an ovsharp IR. May be repeated; the first one leads the page.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of sharp images.")
@click.option(
    "--pairs",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="DAMAGED TRUTH",
    help="In place of --data: two folders whose images have equal names.",
)
@click.option(
    "--degrade",
    multiple=True,
    metavar="[NAME=]RECIPE",
    help="What damages the sharp images, and what to call it. May be repeated. "
    "[default: what the models undo]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("evaluation"),
    show_default=True,
    help="Folder for results.json, results.csv, images.csv and report.html.",
)
@click.option("--images", type=click.IntRange(1), help="Use this many, evenly spread.")
@click.option("--crop", type=click.IntRange(176), help="Crop to this side. [default: whole images]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Threads.")
@click.option("--resume", is_flag=True, help="Keep what an earlier run in the folder finished.")
@click.option("--text", is_flag=True, help="Measure the legibility of text, with Tesseract.")
@click.option("--device", default="CPU", show_default=True, help="CPU, GPU, ...")
@click.option("--precision", help="Execution precision. [default: the fastest]")
def eval(  # noqa: A001 - the verb's name
    models: tuple[str, ...],
    data: Path | None,
    pairs: tuple[Path, Path] | None,
    degrade: tuple[str, ...],
    output: Path,
    images: int | None,
    crop: int | None,
    jobs: int,
    resume: bool,
    text: bool,
    device: str,
    precision: str | None,
) -> None:
    """Score models on a folder of images, beside the input and bicubic.

    The category of an image is its subfolder, or what its name has before the first separator.
    Figures are means with standard deviation and the 95 % interval of Student's t; differences
    are tested on the same images (Wilcoxon). Images that cannot be used are skipped and listed,
    and the exit code is then 1.
    """
    from ovsharp.benchmarks import evaluation as room
    from ovsharp.cli.console import output as out
    from ovsharp.cli.console import progress
    from ovsharp.cli.main import EXIT_FAILED
    from ovsharp.files import staged

    options = room.Options(
        models, data, pairs or None, degrade, images, crop or 0, jobs, device, precision, text
    )
    with room.open_subjects(options) as subjects:
        output.mkdir(parents=True, exist_ok=True)
        with progress() as bar:
            task = bar.add_task("scoring", total=None)
            result = room.evaluate(
                options,
                subjects,
                output,
                resume=resume,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            views = []
            for damage in result.degradations:
                bar.update(task, description=f"pictures: {damage.name}")
                views += room.make_views(result, options, subjects, damage.name)
    files = {
        "results.json": result.to_json(),
        "results.csv": room.summary_csv(result),
        "images.csv": room.image_csv(result),
        "report.html": room.to_page(result, views),
    }
    with staged(output) as staging:
        for name, content in files.items():
            (staging / name).write_text(content, encoding="utf-8")
    console = out()
    for damage in result.degradations:
        console.print(room.result_table(result, damage.name))
    console.print(room.pair_table(result))
    for line in room.headlines(result):
        console.print(line, style="bold", markup=False)
    console.print(f"written to {output}: {', '.join(files)}", markup=False)
    if result.skipped:
        console.print(f"{len(result.skipped)} skipped:", markup=False)
        for item in result.skipped:
            console.print(f"  {item.image}: {item.reason}", markup=False)
        raise click.exceptions.Exit(EXIT_FAILED)
