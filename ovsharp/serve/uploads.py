"""Files in the bodies of requests: how they are described, and received within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request

from ovsharp.serve.limits import Limits, Refused


def body_of(kinds: str) -> dict[str, Any]:
    """Describe a body that is a file, for OpenAPI: `kinds` names what is taken."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "requestBody": {
            "required": True,
            "description": f"The file itself: {kinds}.",
            "content": content,
        }
    }


async def receive(request: Request, path: Path, limits: Limits) -> None:
    """Write the body of a request into a file.

    Args:
        request: its body is the file itself, as it is.
        path: chosen here, never by the client.
        limits: of bytes and of idle time.

    Raises:
        Refused: nothing was sent, too much, or too slowly.
        ClientDisconnect: the client has gone.
        OSError: the disk is full.
    """
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > limits.bytes:
        raise _too_large(limits)
    size = 0
    chunks = request.stream()
    with path.open("wb") as file:
        while (chunk := await _next(chunks, limits.idle)) is not None:
            size += len(chunk)
            if size > limits.bytes:
                raise _too_large(limits)
            file.write(chunk)
    if not size:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "the request has no body: send the file itself, as in curl --data-binary @photo.jpg",
        )


async def _next(chunks: AsyncIterator[bytes], idle: float) -> bytes | None:
    """Give the next part; None at the end."""
    try:
        return await asyncio.wait_for(anext(chunks, None), idle)
    except (TimeoutError, asyncio.TimeoutError) as error:  # two classes before Python 3.11
        raise Refused(
            HTTPStatus.REQUEST_TIMEOUT, f"nothing came for {idle:g} s in the middle of a file"
        ) from error


def _too_large(limits: Limits) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the file is too large: this server takes {limits.megabytes} MB (ovsharp serve --max-mb)",
    )
