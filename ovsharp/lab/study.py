"""`ovsharp study`: people rate pictures, blind, on a local web page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ovsharp.errors import UsageError
from ovsharp.terminal import console, options

if TYPE_CHECKING:
    from ovsharp import opinions as room


@click.command()
@click.argument("stimuli", required=False, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="In place of STIMULI: make them with this model. May be repeated.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Sharp images for --model.")
@options.degrade("What damages them, e.g. gla or 'jpeg'.")
@options.only_device
@options.number("--images", click.IntRange(1), "Use this many of them, evenly spread.")
@options.number("--crop", click.IntRange(64), "Cut them to this side, so that they fit.")
@options.folder(
    "-o", "--output", default="study", what="Folder of the study: design, stimuli, votes."
)
@options.one_of(
    "--method",
    ["acr", "pairs"],
    "acr: rate one by 1 to 5. pairs: choose the better of two.",
    "acr",
)
@options.number("--seed", click.IntRange(0), "Of the orders.", 1)
@options.number("--practice", click.IntRange(0, 20), "Questions before those that count.", 3)
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0: the whole network.")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True)
@click.option("--results", is_flag=True, help="Analyse the votes of the study STIMULI, and end.")
@click.pass_context
def study(
    context: click.Context,
    /,
    stimuli: Path | None,
    output: Path,
    method: str,
    seed: int,
    practice: int,
    host: str,
    port: int,
    results: bool,
    **made: Any,
) -> None:
    """Let people rate pictures or clips, blind, on a local web page.

    \b
    ovsharp study stimuli/ -o study/      a subfolder per condition, equal names
    ovsharp study --model call --data photos/ --degrade jpeg    makes the stimuli
    ovsharp study study/                  go on with a study
    ovsharp study study/ --results        table, CSV, JSON and page

    The page runs in any browser, on phones too. Raters never see names of conditions; each has
    an order of their own, and may stop and go on under the same code. Ctrl-C ends the server,
    with exit code 0: that is its normal end, and every vote is on disk.

    --results leaves out raters who have not finished. It writes results.json, results.csv,
    votes.csv and report.html into the folder.
    """  # noqa: D301 - click's mark for lines that stay as they are
    begun = stimuli is not None and (stimuli / "study.json").is_file()
    if results or begun:
        _refuse_options(context, results)
        if stimuli is None:
            raise UsageError("name the folder of the study: ovsharp study DIR --results")
        if results:
            _results(stimuli)
            return
        from ovsharp import opinions as room

        _serve(room.read_study(stimuli), stimuli, host, port)
        return
    source = _source(stimuli, **made)
    from ovsharp import opinions as room

    with console.progress() as bar:
        task = bar.add_task("making stimuli", total=None)
        design = room.open_study(
            output,
            source,
            cast("room.Method", method),
            seed=seed,
            practice=practice,
            progress=lambda: bar.advance(task),
        )
    _serve(design, output, host, port)


def _refuse_options(context: click.Context, results: bool) -> None:
    """What would have no effect is not accepted."""
    used = {"stimuli", "results"} | (set() if results else {"host", "port"})
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name not in used and source is not None and source.name == "COMMANDLINE":
            what = "--results" if results else "a study that has begun"
            raise UsageError(f"{parameter.opts[-1]} has no meaning with {what}; leave it out")


def _source(
    stimuli: Path | None,
    models: tuple[str, ...],
    data: Path | None,
    degrade: str | None,
    images: int | None,
    crop: int | None,
    device: str,
) -> room.Source:
    from ovsharp import opinions as room

    if stimuli is not None:
        given: dict[str, object] = {"--model": models, "--data": data, "--degrade": degrade}
        given |= {"--images": images, "--crop": crop}
        for option, value in given.items():
            if value:
                raise UsageError(f"give either the folder {stimuli} or {option}, not both")
        return room.Conditions(stimuli)
    if not models or data is None or degrade is None:
        raise UsageError(
            "give a folder of stimuli with a subfolder for each condition; or --model, --data and "
            "--degrade to make them"
        )
    return room.Models(models, data, degrade, images, crop or 0, device)


def _serve(study: room.Study, folder: Path, host: str, port: int) -> None:
    from ovsharp import opinions as room

    with room.StudyServer(study, folder, host, port) as server:
        kind = "clips" if study.clips else "pictures"
        lines = [
            f"{study.method}: {len(study.contents)} {kind} under {len(study.conditions)} "
            f"conditions ({', '.join(study.conditions)}), {study.questions} questions a rater",
            f"raters go to {server.url} - Ctrl-C ends it",
        ]
        out = console.output()
        try:  # from the line on that says so
            out.print("\n".join(lines), markup=False, soft_wrap=True)
            out.file.flush()
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:  # the way to stop it
            out.print(f"votes are in {folder}; next: ovsharp study {folder} --results")


def _results(folder: Path) -> None:
    from ovsharp import opinions as room
    from ovsharp.files import staged

    found, votes = room.analyse(folder)
    files = {
        "results.json": found.to_json(),
        "results.csv": room.summary_csv(found),
        "votes.csv": votes,
        "report.html": room.to_page(found),
    }
    with staged(folder) as staging:
        for name, content in files.items():
            (staging / name).write_text(content, encoding="utf-8")
    out = console.output()
    for table in room.tables(found):
        out.print(table)
    for line in [room.people(found), *room.headlines(found)]:
        out.print(line, style="bold", markup=False, soft_wrap=True)
    out.print(f"written to {folder}: {', '.join(files)}", markup=False, soft_wrap=True)
