"""`POST /v1/sharpen`: a picture in, a picture out, the same bytes as `ovsharp image` writes."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ovsharp.apps import Outcome, sharpen_files
from ovsharp.errors import UsageError
from ovsharp.media import Size, ending_of, format_of, picture_size
from ovsharp.runtime import Session
from ovsharp.serve.limits import Limits
from ovsharp.serve.models import Models
from ovsharp.serve.shop import Shared
from ovsharp.serve.uploads import body_of, receive

router = APIRouter(tags=["pictures"])

_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".heic": "image/heic",
}
PICTURE_BODY = body_of("PNG, JPEG, WebP, TIFF, BMP, AVIF or HEIC")


class PictureOptions(BaseModel):
    """As the options of `ovsharp image`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="One of /v1/models; none: what fits.")
    strength: float = Field(1.0, ge=0, le=1, description="0 leaves the picture as it is.")
    scale: float | None = Field(None, gt=0, le=16, description="Enlarge by this factor.")
    size: str | None = Field(None, max_length=20, description="Final size: 1080p or 1280x720.")
    format: Literal["png", "jpg", "webp", "tif", "bmp", "avif", "heic"] | None = Field(
        None, description="Of the result; none: that of the input."
    )
    quality: int | None = Field(None, ge=1, le=100, description="Of JPEG, WebP, AVIF and HEIC.")
    reduce: bool = Field(False, description="Drop what the format cannot hold, e.g. alpha.")
    side_by_side: bool = Field(False, description="Before | after, in 8-bit colour.")

    @property
    def wanted(self) -> Size | None:
        """The size that is asked for.

        Raises:
            UsageError: two, or one that cannot be read.
        """
        if self.scale is not None and self.size is not None:
            raise UsageError("scale and size both say how large the result is; give one of them")
        if self.scale is not None:
            return Size(scale=self.scale)
        return None if self.size is None else Size.parse(self.size)


def sharpen_picture(
    source: Path, options: PictureOptions, models: Models, limits: Limits
) -> tuple[Path, Outcome]:
    """Sharpen an image file; the result lies beside it.

    Raises:
        Refused: too many pixels.
        UsageError: options that make no sense.
        OvsharpError, OSError, MemoryError: what is wrong with the picture.
    """
    source = source.rename(source.with_suffix(ending_of(source)))
    ending = source.suffix if options.format is None else f".{options.format}"
    target = source.with_name(f"result{ending}")
    if options.quality is not None and not format_of(target).lossy:
        raise UsageError("quality is for JPEG, WebP, AVIF and HEIC, and the result is none of them")
    wanted = options.wanted
    width, height = picture_size(source)
    factor = 1.0
    if wanted is not None:
        wide, high = wanted.of(width, height)
        factor = max(wide / width, high / height)
    scale = models.sharpener(options.model, factor).spec.scale
    limits.check_pixels(width, height, max(scale, factor))
    with ExitStack() as stack:

        def session(factor: float) -> Session:
            # Of its own: what a router chose for this picture, it tells of no other.
            call = models.session(options.model, factor, strength=options.strength, look_every=1)
            return stack.enter_context(call)

        (outcome,) = sharpen_files(
            {source: target},
            session,
            size=wanted,
            side_by_side=options.side_by_side,
            reduce=options.reduce,
            quality=options.quality,
        )
    if outcome.error is not None:
        raise outcome.error
    return target, outcome


@router.post(
    "/v1/sharpen",
    openapi_extra=PICTURE_BODY,
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "The picture."}},
)
async def sharpen(
    request: Request, shop: Shared, options: Annotated[PictureOptions, Query()]
) -> Response:
    """Sharpen a picture. Headers of the answer say which model made it, and why."""
    folder = shop.room.folder()
    try:
        source = folder / "upload"
        # Refused before the upload, and not after it; who sends slowly keeps nobody from work.
        async with shop.places.inside():
            await receive(request, source, shop.limits)
            began = time.perf_counter()
            async with shop.places.working():
                target, outcome = await asyncio.to_thread(
                    sharpen_picture, source, options, shop.models, shop.limits
                )
            content = await asyncio.to_thread(target.read_bytes)
        shop.metrics.pictures.observe(time.perf_counter() - began)
        shop.metrics.frames.labels("picture").inc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Response(content, media_type=_TYPES[target.suffix], headers=_told(outcome))


def _told(outcome: Outcome) -> dict[str, str]:
    height, width = outcome.size
    told = {
        "Ovsharp-Made-By": outcome.made_by,
        "Ovsharp-Sharpened": "yes" if outcome.sharpened else "no",
        "Ovsharp-Why": outcome.why,
        "Ovsharp-Resampled": outcome.resampled,
        "Ovsharp-Notes": "; ".join(outcome.notes),
        "Ovsharp-Input": f"{width}x{height}",
    }
    # Headers are Latin-1, and a name from a file may be anything.
    return {
        name: value.encode("ascii", "replace").decode() for name, value in told.items() if value
    }
