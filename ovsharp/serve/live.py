"""`/v1/live`: a camera over one WebSocket, frame by frame as JPEG, two in flight at most.

From the client: binary messages of 8 bytes, a time (float64, big-endian; the client's own clock,
any unit), and a JPEG. Text messages change settings: `{"strength": 0.5}`, `{"on": false}`.

To the client: the same binary message with the sharpened JPEG, in order; and text messages:
`{"model": ..., "why": ..., "sharpened": ...}` when that has changed, `{"late": time}` for a frame
that was left out because two were in flight, `{"error": ...}` before the server closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from PIL import Image

from ovsharp.errors import MediaError, OvsharpError
from ovsharp.media import Frame
from ovsharp.runtime import Call
from ovsharp.serve.shop import Shared, Shop, Wished
from ovsharp.serve.steering import PIXELS, Steered

router = APIRouter()

IN_FLIGHT = 2
"""Frames of one camera that the server holds."""
_TIME = 8
"""Bytes before each JPEG."""
_QUALITY = 90
_WRONG, _OVERLOADED = 1008, 1013
"""Close codes (RFC 6455 and its registry): against the rules; try again later."""


@router.websocket("/v1/live")
async def live(socket: WebSocket, shop: Shared, wish: Wished) -> None:
    """Sharpen a camera."""
    await socket.accept()
    if shop.streams >= shop.limits.streams:
        await _close(socket, _OVERLOADED, f"{shop.streams} cameras are live already; try later")
        return
    shop.streams += 1
    try:
        call = await asyncio.to_thread(shop.models.call, wish.model, strength=wish.strength)
        try:
            await _Stream(socket, call, shop).run()
        finally:
            await asyncio.to_thread(call.close)
    except OvsharpError as error:
        await _close(socket, _WRONG, shop.room.named(error))
    except WebSocketDisconnect:
        pass
    finally:
        shop.streams -= 1


class _Stream:
    """Frames of one camera: received, sharpened and sent at the same time, in order."""

    def __init__(self, socket: WebSocket, call: Call, shop: Shop) -> None:
        self._socket, self._shop = socket, shop
        self._steered = Steered(call, shop.metrics)
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._ready: asyncio.Queue[tuple[bytes, Frame]] = asyncio.Queue()
        self._in_flight = 0

    async def run(self) -> None:
        """Work until the client has gone.

        Raises:
            WebSocketDisconnect: it has.
            OvsharpError: a message that is no frame, or a frame that cannot be sharpened.
        """
        async with _together(self._receive(), self._sharpen(), self._send()) as first:
            first.result()

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            if message.get("text") is not None:
                self._steered.set(message["text"])
            elif self._in_flight >= IN_FLIGHT:
                self._shop.metrics.late.inc()
                await self._socket.send_text(json.dumps({"late": _time(message["bytes"])}))
            else:
                self._in_flight += 1
                self._waiting.put_nowait(message["bytes"])

    async def _sharpen(self) -> None:
        while True:
            data = await self._waiting.get()
            frame = await asyncio.to_thread(self._made, data)
            self._ready.put_nowait((data[:_TIME], frame))

    async def _send(self) -> None:
        while True:
            time, frame = await self._ready.get()
            jpeg = await asyncio.to_thread(_encoded, frame)
            if (news := self._steered.news()) is not None:
                await self._socket.send_text(news)
            await self._socket.send_bytes(time + jpeg)
            self._in_flight -= 1

    def _made(self, data: bytes) -> Frame:
        return self._steered.made(decode_jpeg(data[_TIME:]))


def decode_jpeg(data: bytes) -> Frame:
    """Decode one frame of a camera: uint8, H x W x 3, BGR.

    Raises:
        MediaError: no JPEG, a damaged one, or one with more pixels than a camera's.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError("expected 8 bytes of time and a JPEG in each binary message") from error
    if width * height > PIXELS:
        raise MediaError(f"a frame of {width}x{height} is too large for live: at most 1920x1088")
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if frame is None:
        raise MediaError("a JPEG is damaged")
    return np.asarray(frame, np.uint8)


def _encoded(frame: Frame) -> bytes:
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _time(data: bytes) -> float:
    if len(data) < _TIME:
        raise MediaError("expected 8 bytes of time and a JPEG in each binary message")
    return float(np.frombuffer(data[:_TIME], ">f8")[0])


async def _close(socket: WebSocket, code: int, error: str) -> None:
    """Say why, and close; a client that has gone already needs no word."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"error": error}))
        await socket.close(code)


@contextlib.asynccontextmanager
async def _together(*works: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run until the first one ends, give that one, and end the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        yield done.pop()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
