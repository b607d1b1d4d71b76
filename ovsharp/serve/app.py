"""`create_app`: the page, the API, and what turns errors into sentences."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.requests import ClientDisconnect

from ovsharp.errors import (
    DeviceError,
    InferenceError,
    MediaError,
    MissingExtraError,
    OvsharpError,
    UsageError,
)
from ovsharp.serve import live, pictures, videos, webrtc
from ovsharp.serve.folder import Workroom
from ovsharp.serve.guard import LOCAL, Guard
from ovsharp.serve.jobs import Jobs
from ovsharp.serve.limits import Limits, Refused
from ovsharp.serve.metrics import Counting, Metrics
from ovsharp.serve.models import Models
from ovsharp.serve.places import Places
from ovsharp.serve.shop import Shared, Shop
from ovsharp.version import __version__

PAGE = Path(__file__).parent / "page"
_AT_WORK = 2
"""Pictures at the same time: one is read or written while another one is sharpened."""
_DESCRIPTION = (
    "Sharpens pictures, videos and cameras on this machine. Files are sent as they are, as the "
    'body of a request. Errors are JSON: {"error": "a sentence"}.'
)

router = APIRouter()


@router.get("/", include_in_schema=False)
async def index() -> FileResponse:
    """Give the page."""
    return FileResponse(PAGE / "index.html")


@router.get("/healthz", tags=["server"])
async def healthz() -> dict[str, str]:
    """Say that the server is up."""
    return {"status": "ok", "version": __version__}


@router.get("/metrics", tags=["server"], response_class=Response)
async def metrics(shop: Shared) -> Response:
    """Give all figures in Prometheus' text form."""
    figures = shop.metrics
    for state, count in shop.jobs.counts().items():
        figures.jobs.labels(state).set(count)
    figures.waiting.set(shop.places.count)
    figures.streams.set(shop.streams)
    return Response(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/models", tags=["server"])
async def models(shop: Shared) -> dict[str, Any]:
    """List the models that a request may name, and the limits of this server."""
    limits = shop.limits
    return {
        "default": shop.models.name(None),
        "models": list(shop.models.names),
        "limits": {
            "megabytes": limits.megabytes,
            "megapixels": limits.megapixels,
            "seconds": limits.seconds,
            "jobs": limits.jobs,
        },
    }


def create_app(
    models: Models,
    limits: Limits | None = None,
    *,
    token: str | None = None,
    hosts: frozenset[str] | None = LOCAL,
    parent: Path | None = None,
) -> FastAPI:
    """Make the server's application; its files go when it ends.

    Args:
        models: what sharpens; stays open.
        limits: what is taken at most; None for the usual ones.
        token: what clients must know; None for none.
        hosts: names that the server may be called by; None for any.
        parent: where the folder for uploads and results is made; None for the system's.

    Example:
        >>> from fastapi.testclient import TestClient
        >>> with Models("call-fast", threads=1) as models:
        ...     with TestClient(create_app(models), base_url="http://localhost") as client:
        ...         client.get("/healthz").json()["status"]
        'ok'
    """
    limits, figures = limits or Limits(), Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            room = stack.enter_context(Workroom(parent))
            jobs = Jobs(models, limits, room, figures.frames.labels("video").inc)
            stack.enter_context(jobs)
            places = Places(_AT_WORK, limits.pictures, "pictures")
            app.state.shop = shop = Shop(models, limits, room, jobs, places, figures)
            yield
            await webrtc.end_all(shop)

    app = FastAPIOffline(
        redoc_url=None,
        title="ovsharp",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    for part in (router, pictures.router, videos.router, live.router, webrtc.router):
        app.include_router(part)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.add_middleware(Counting, metrics=figures)
    app.add_middleware(Guard, token=token, hosts=hosts)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    for kind in (OvsharpError, OSError, MemoryError):
        app.add_exception_handler(kind, _failed)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    status = getattr(error, "status", HTTPStatus.BAD_REQUEST)
    wait = getattr(error, "retry_after", None)
    headers = {} if wait is None else {"Retry-After": str(round(wait))}
    return JSONResponse({"error": str(error)}, status, headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in found)
    return JSONResponse({"error": said}, HTTPStatus.BAD_REQUEST)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Answer a client that has gone in the middle of a file: nobody reads it."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _failed(request: Request, error: Exception) -> Response:
    said = request.app.state.shop.room.named(error)
    if isinstance(error, MemoryError):
        said = "not enough memory for a picture of this size"
    return JSONResponse({"error": said}, _status(error))


def _status(error: Exception) -> HTTPStatus:
    if isinstance(error, MissingExtraError):
        return HTTPStatus.NOT_IMPLEMENTED
    if isinstance(error, UsageError | DeviceError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, MediaError | InferenceError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, MemoryError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HTTPStatus.INSUFFICIENT_STORAGE
    return HTTPStatus.INTERNAL_SERVER_ERROR
