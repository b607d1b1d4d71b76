"""`/v1/jobs`: videos, which take longer than a request should."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ovsharp.media import CONTAINERS, VIDEO_ENDINGS
from ovsharp.serve.jobs import ENDED, Job, State, check_clip
from ovsharp.serve.limits import Refused
from ovsharp.serve.shop import Shared, Shop
from ovsharp.serve.uploads import body_of, receive

router = APIRouter(prefix="/v1/jobs", tags=["videos"])

_EVERY = 0.25
"""Seconds between two looks at a job that somebody follows."""
_HEARTBEAT = 40
"""Looks without a change after which a line keeps the connection open."""
_BODY = body_of("any video that FFmpeg reads")


class VideoOptions(BaseModel):
    """As the options of `ovsharp video`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        "video.mp4", max_length=200, description="Of the file; its ending tells the container."
    )
    model: str | None = Field(None, description="One of /v1/models; none: the default.")
    strength: float = Field(1.0, ge=0, le=1, description="0 leaves the frames as they are.")
    crf: int = Field(18, ge=0, le=51, description="Quality; lower is better and larger.")


class JobStatus(BaseModel):
    """Where a video stands."""

    id: str
    name: str
    state: State
    frames: int = Field(description="Written.")
    total: int | None = Field(description="To expect; null if the file does not say.")
    fps: float = Field(description="Frames per second, so far.")
    seconds_left: float | None = Field(description="Null where it cannot be told.")
    made: dict[str, int] = Field(description="Frames that each model has made.")
    notes: list[str]
    error: str = Field(description="Why it failed; else empty.")

    @classmethod
    def of(cls, job: Job) -> JobStatus:
        """Tell of a job as it is now."""
        left = job.seconds_left
        return cls(
            id=job.id,
            name=job.name,
            state=job.state,
            frames=job.frames,
            total=job.total,
            fps=round(job.fps, 2),
            seconds_left=None if left is None else round(left, 1),
            made=job.made,
            notes=list(job.notes),
            error=job.error,
        )


@router.post("", status_code=HTTPStatus.ACCEPTED, openapi_extra=_BODY)
async def create(
    request: Request, response: Response, shop: Shared, options: Annotated[VideoOptions, Query()]
) -> JobStatus:
    """Send a video, and get the job that sharpens it."""
    sharpener = await asyncio.to_thread(shop.models.sharpener, options.model)
    shop.jobs.reserve()
    folder = shop.room.folder()
    try:
        ending = Path(options.name).suffix.lower()
        # The ending alone, and only one that is known: a name never becomes a path.
        source = folder / f"upload{ending if ending in VIDEO_ENDINGS else ''}"
        target = folder / f"result{ending if ending in CONTAINERS else '.mp4'}"
        await receive(request, source, shop.limits)
        await asyncio.to_thread(check_clip, source, shop.limits, sharpener.spec.scale)
    except BaseException:
        shop.jobs.release()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    job = Job(source, target, options.name, options.model, options.strength, options.crf)
    shop.jobs.add(job)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobStatus.of(job)


@router.get("/{identity}")
async def status(identity: str, shop: Shared) -> JobStatus:
    """Say where a video stands."""
    return JobStatus.of(_found(shop, identity))


@router.get(
    "/{identity}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(identity: str, shop: Shared) -> StreamingResponse:
    """Follow a video: server-sent events, each a status as JSON, until it has ended."""
    job = _found(shop, identity)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(job), media_type="text/event-stream", headers=headers)


async def _told(job: Job) -> AsyncIterator[str]:
    before, still = "", 0
    while True:
        status = JobStatus.of(job)
        now = status.model_dump_json()
        if now != before:
            yield f"data: {now}\n\n"
            before, still = now, 0
        if status.state in ENDED:  # as it was told: the job may have ended since
            return
        still += 1
        if still % _HEARTBEAT == 0:
            yield ": still here\n\n"
        await asyncio.sleep(_EVERY)


@router.get(
    "/{identity}/result",
    response_class=FileResponse,
    responses={200: {"content": {"video/*": {}}, "description": "The video; ranges work."}},
)
async def result(identity: str, shop: Shared) -> FileResponse:
    """Fetch the result. It stays until it is deleted, or for an hour."""
    job = _found(shop, identity)
    if job.state != "done":
        raise Refused(
            HTTPStatus.CONFLICT,
            f"the video is {job.state}, there is no result{': ' * bool(job.error)}{job.error}",
        )
    name = f"{Path(job.name).stem}-sharp{job.target.suffix}"
    return FileResponse(job.target, filename=name)


@router.delete("/{identity}", status_code=HTTPStatus.NO_CONTENT)
async def delete(identity: str, shop: Shared) -> None:
    """Cancel a video if it is not done, and remove all of its files."""
    if not shop.jobs.remove(identity):
        raise _missing()


def _found(shop: Shop, identity: str) -> Job:
    job = shop.jobs.get(identity)
    if job is None:
        raise _missing()
    return job


def _missing() -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "there is no such job here, or no longer")
