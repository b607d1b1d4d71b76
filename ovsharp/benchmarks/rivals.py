"""Models of others that are measured beside one's own, and how many times faster which is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ovsharp.benchmarks.variants import Candidate, convert_candidate
from ovsharp.convert import Options
from ovsharp.errors import ConversionError, ModelLoadError, UnsupportedModelError, UsageError
from ovsharp.guards import Guard, unguarded
from ovsharp.measuring import Report, Row, Speed

ENDINGS = (".xml", ".onnx", ".pb")
"""Files that OpenVINO reads by itself. PyTorch checkpoints need options: see `--model`."""

KNOWN = {
    "single-image-super-resolution-": Options(
        colour="bgr", value_range=(0.0, 255.0), output_range=(0.0, 1.0)
    ),
}
"""What the documentation of well-known rivals says of their pictures, by the start of the name."""


def find_rivals(
    folder: Path,
    own: Sequence[Candidate],
    scratch: Path,
    scale: int | None = None,
    guard: Guard = unguarded,
) -> tuple[list[Candidate], list[str]]:
    """Convert every model in a folder and its subfolders to take and give frames.

    All take whole frames end to end, as one's own models do, and those of a scale are measured on
    the same damaged photos as one's own model of that scale. Of files of one name, in folders
    such as `FP16` and `FP32`, the latter is taken: both run in the same precision. A folder with
    one model gives it its name.

    Args:
        folder: with .xml, .onnx or .pb files.
        own: the models that they are compared with.
        scratch: folder for their IRs.
        scale: leave rivals of other scales out; None for all.
        guard: how they are read and converted.

    Returns:
        The rivals by name, and a sentence for each file that is no such model.

    Raises:
        UsageError: no folder, or no usable model in it.
    """
    if not folder.is_dir():
        raise UsageError(f"--peers expects a folder of models, and {folder} is none")
    damages: dict[int, str] = {}
    for candidate in own:
        damages.setdefault(candidate.spec.scale, candidate.spec.degradation)
    found, notes = [], []
    for name, path in _named(folder):
        try:
            rival = _rival(name, path, scratch / name, guard)
        except (ModelLoadError, UnsupportedModelError, ConversionError) as error:
            notes.append(f"{path.relative_to(folder)} is left out: {error}")
            continue
        if scale is not None and rival.spec.scale != scale:
            notes.append(
                f"{name} is left out: it is x{rival.spec.scale} and --degrade is for x{scale}"
            )
            continue
        spec = rival.spec.replace(degradation=damages.get(rival.spec.scale, ""))
        found.append(dataclasses.replace(rival, spec=spec, role="rival"))
    taken = {candidate.name for candidate in own}
    for rival in found:
        if rival.name in taken:
            raise UsageError(
                f"a rival and another model are called '{rival.name}'; rename its file"
            )
    if not found:
        raise UsageError(
            f"the folder {folder} holds no usable rival: expected {', '.join(ENDINGS)} files"
            + (f" ({'; '.join(notes)})" if notes else "")
        )
    return found, notes


def _rival(name: str, path: Path, scratch: Path, guard: Guard) -> Candidate:
    known = next((KNOWN[start] for start in KNOWN if path.stem.startswith(start)), Options())
    options = dataclasses.replace(known, name=name)
    return convert_candidate(path, options, scratch, storages=("fp32",), guard=guard)


def _named(folder: Path) -> list[tuple[str, Path]]:
    by_model: dict[tuple[Path, str], Path] = {}
    for path in sorted(_models(folder)):
        place = path.parent.parent if path.parent.name in ("FP16", "FP32") else path.parent
        # FP32 comes after FP16.
        by_model[place, path.stem] = path
    places = [place for place, _ in by_model]
    return sorted(
        (place.name if place != folder and places.count(place) == 1 else stem, path)
        for (place, stem), path in by_model.items()
    )


def _models(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in ENDINGS and path.is_file() and not hidden:
            yield path


@dataclass(frozen=True)
class Ratio:
    """One's own model against another way to make frames of the same size."""

    own: Row
    other: Row
    own_ms: float
    """Median end to end; of what is only streamed, the mean."""
    other_ms: float
    same_photos: bool
    """Whether both were scored on the same photos, damaged in the same way."""

    @property
    def times(self) -> float:
        """How many times faster one's own is."""
        return self.other_ms / self.own_ms

    @property
    def same_task(self) -> bool:
        """Whether both make the same frames of the same input."""
        return self.own.scale == self.other.scale

    @property
    def sentence(self) -> str:
        """The ratio in words."""
        faster, slower = f"{self.times:.1f} times faster", f"{1 / self.times:.1f} times slower"
        verb = faster if self.times >= 1 else slower
        text = (
            f"{_label(self.own)} is {verb} than {_label(self.other)}: {self.own_ms:.1f} against "
            f"{self.other_ms:.1f} ms a frame"
        )
        if self.same_photos and self.own.quality and self.other.quality:
            text += f", SSIM {self.own.quality.ssim:.4f} against {self.other.quality.ssim:.4f}"
        return text


def ratios(report: Report, size: str) -> list[Ratio]:
    """Compare every row of one's own with every rival, and with its own textbook conversion.

    Rows of one size were measured in turns: their ratios hold on a busy machine, too.
    """
    times = {
        row.key: ms for row in report.rows if (ms := _milliseconds(row.speed(size))) is not None
    }
    photos = {photos.model: (photos.recipe, photos.names) for photos in report.photos}

    def alike(own: Row, other: Row) -> bool:
        known = photos.get(own.model)
        return own.scale == other.scale and known is not None and known == photos.get(other.model)

    return [
        Ratio(own, other, times[own.key], times[other.key], alike(own, other))
        for own in report.rows
        for other in report.rows
        if own.role == "own"
        and not own.is_eager
        and (other.role == "rival" or other.model == textbook_name(own.model))
        and own.key in times
        and other.key in times
    ]


OTHER_TASK = "*: another task at the same output size"


def ratio_grid(report: Report, size: str) -> tuple[list[str], dict[str, list[str]]]:
    """Give the ratios at a size as a table of texts.

    Returns:
        What one's own rows are called, and by the name of another the ratio to each of them.
        Textbook conversions are joined: each is compared with its own model only.
    """
    found = ratios(report, size)
    own = list(dict.fromkeys(ratio.own.key for ratio in found))
    rows = {ratio.own.key: ratio.own for ratio in found}
    several = len({row.model for row in rows.values()}) < len(rows)
    heads = [
        f"{rows[key].model} {rows[key].execution}" if several else rows[key].model for key in own
    ]
    grid: dict[str, list[str]] = {}
    for ratio in found:
        row = ratio.other
        name = "textbook" if row.role == "textbook" else row.model
        cells = grid.setdefault(f"{name} {row.storage.upper()} {row.execution}", ["-"] * len(own))
        mark = "" if ratio.same_task else "*"
        cells[own.index(ratio.own.key)] = f"{ratio.times:.1f}{mark}"
    return heads, grid


def textbook_name(model: str) -> str:
    """Name of a model's textbook conversion."""
    return f"{model}-textbook"


def _milliseconds(speed: Speed | None) -> float | None:
    if speed is None or not speed.fps:
        return None
    timing = speed.frame_sync
    return timing.latency.p50 if timing and timing.latency else 1000 / speed.fps


def _label(row: Row) -> str:
    return f"{row.model} ({row.storage.upper()}, {row.execution})"
