"""`Peer`: one WebRTC client; its camera in, the same sharpened out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from aiortc import (
    InvalidStateError,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.codecs import h264, vpx
from aiortc.mediastreams import MediaStreamError

from ovsharp.errors import MediaError, OvsharpError, UsageError
from ovsharp.media import colour_of, from_bgr, siting_of, to_bgr
from ovsharp.runtime import Call
from ovsharp.serve.metrics import Metrics
from ovsharp.serve.steering import PIXELS, Steered

# aiortc sends 250 kbit/s to 1.5 Mbit/s of VP8, and starts with 500: the way back would blur again
# what was sharpened. There is no option for it: https://github.com/aiortc/aiortc/issues/402
_codec: Any
for _codec in (h264, vpx):
    _codec.MIN_BITRATE, _codec.DEFAULT_BITRATE, _codec.MAX_BITRATE = 800_000, 2_500_000, 8_000_000


class Peer:
    """One client. Lives in the event loop that made it.

    Args:
        call: sharpens its frames; closed by who opened it.
        metrics: of the server.
    """

    watched: asyncio.Task[None] | None = None
    """Waits for its end; kept here, for nobody else holds it."""

    def __init__(self, call: Call, metrics: Metrics) -> None:
        # No servers that tell addresses: nothing is asked of any other machine.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._steered = Steered(call, metrics)
        self._sharpened: _Sharpened | None = None
        self._channel: Any = None
        self._connected, self._closed = asyncio.Event(), asyncio.Event()
        self._connection.on("connectionstatechange", self._changed)
        self._connection.on("track", self._take)
        self._connection.on("datachannel", self._listen)

    async def answer(self, offer: str) -> str:
        """Give the answer (SDP) to an offer.

        Raises:
            UsageError: it is no offer, or one without a video.
        """
        connection = self._connection
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            for transceiver in connection.getTransceivers():
                if self._sharpened is None or transceiver.sender.track is not self._sharpened:
                    transceiver.direction = "inactive"  # sound, or a second camera
            if self._sharpened is not None:
                await connection.setLocalDescription(await connection.createAnswer())
        except (ValueError, KeyError, IndexError, AttributeError, InvalidStateError) as error:
            raise UsageError("this is no WebRTC offer: SDP with candidates is expected") from error
        if self._sharpened is None:
            raise UsageError("there is no video in this offer")
        return str(connection.localDescription.sdp)

    async def gone(self, patience: float) -> None:
        """Wait until the client has gone, or has not come.

        Args:
            patience: seconds within which it has to connect.
        """
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._connected.wait(), patience)
            await self._closed.wait()

    async def close(self) -> None:
        """Say goodbye. May be called again."""
        self._connected.set()
        self._closed.set()
        if self._sharpened is not None:
            self._sharpened.stop()
        await self._connection.close()

    def _changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self._connected.set()
            self._closed.set()

    def _take(self, track: MediaStreamTrack) -> None:
        if track.kind == "video" and self._sharpened is None:
            self._sharpened = _Sharpened(track, self._steered, self._tell)
            self._connection.addTrack(self._sharpened)

    def _listen(self, channel: Any) -> None:
        self._channel = channel

        @channel.on("message")  # type: ignore[untyped-decorator]
        def hear(message: str | bytes) -> None:
            try:
                self._steered.set(str(message))
            except UsageError as error:
                self._tell(json.dumps({"error": str(error)}))

    def _tell(self, news: str) -> None:
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(news)


class _Sharpened(MediaStreamTrack):
    """The newest frame of another track, sharpened; what came meanwhile is left out."""

    kind = "video"

    def __init__(self, source: MediaStreamTrack, steered: Steered, tell: Any) -> None:
        super().__init__()
        self._source, self._steered, self._tell = source, steered, tell
        self._newest: Any = None
        self._come = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None

    async def recv(self) -> Any:
        """Give the next frame, as the sender asks for it."""
        if self._taking is None:
            self._taking = asyncio.create_task(self._take())
        await self._come.wait()
        self._come.clear()
        if self._newest is None:
            raise MediaStreamError
        try:
            made = await asyncio.to_thread(self._made, self._newest)
        except OvsharpError as error:
            self._tell(json.dumps({"error": str(error)}))
            self.stop()
            raise MediaStreamError from error
        if (news := self._steered.news()) is not None:
            self._tell(news)
        return made

    def stop(self) -> None:
        """End it."""
        super().stop()
        if self._taking is not None:
            self._taking.cancel()

    async def _take(self) -> None:
        """Hold on to the newest frame: aiortc keeps all that nobody takes."""
        try:
            while True:
                self._newest = await self._source.recv()
                self._come.set()
        except MediaStreamError:
            self._newest = None
            self._come.set()

    def _made(self, frame: Any) -> Any:
        if frame.width * frame.height > PIXELS:
            raise MediaError(f"{frame.width}x{frame.height} is too large for live")
        colour = colour_of(frame)
        sharp = self._steered.made(to_bgr(frame, colour))
        made = from_bgr(sharp, colour, "yuv420p", siting=siting_of("vp8"))
        made.pts, made.time_base = frame.pts, frame.time_base
        return made
