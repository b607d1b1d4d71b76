"""`/v1/webrtc`: a camera there and back, by aiortc on both sides, over the loopback only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("aiortc", reason="the extra 'webrtc' is not installed")

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from ovsharp.media import BT601, LIMITED, Colour, from_bgr, to_bgr
from ovsharp.serve import Limits, Models
from tests.serve.rooms import server

PATH = "/v1/webrtc"
SDP = {"Content-Type": "application/sdp"}
COLOUR = Colour(BT601, LIMITED)
PICTURE = cv2.GaussianBlur(
    np.kron(np.random.default_rng(3).integers(40, 220, (6, 8, 3)), np.ones((16, 16, 1))), (5, 5), 0
).astype(np.uint8)


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


class Camera(MediaStreamTrack):
    """The same picture, ten times a second."""

    kind = "video"
    sent = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(0.1)
        frame = from_bgr(PICTURE, COLOUR, "yuv420p", siting="center")
        frame.pts, frame.time_base = self.sent * 9000, Fraction(1, 90_000)
        self.sent += 1
        return frame


class Caller:
    """A client with a camera and a channel."""

    def __init__(self, connection: Any, place: str) -> None:
        self.connection, self.place = connection, place
        self.track: Any = None
        self.channel: Any = None
        self.news: asyncio.Queue[Any] = asyncio.Queue()


@asynccontextmanager
async def calling(client: Any, query: str = "") -> AsyncIterator[Caller]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    caller = Caller(connection, "")
    caller.channel = connection.createDataChannel("ovsharp")
    caller.channel.on("message", lambda text: caller.news.put_nowait(json.loads(text)))
    connection.addTrack(Camera())
    connection.on("track", lambda track: setattr(caller, "track", track))
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    answer = await asyncio.to_thread(client.post, PATH + query, content=offer, headers=SDP)
    assert answer.status_code == 201, answer.text
    assert "x-google-start-bitrate=2000" in answer.text
    caller.place = answer.headers["location"]
    await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    try:
        yield caller
    finally:
        await connection.close()


def run(test: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(test(), 120))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


def streams(client: Any) -> int:
    return int(client.app.state.shop.streams)


def grey(picture: Any) -> Any:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(float)


async def seen(caller: Caller, count: int) -> Any:
    """The last one of so many frames that come back."""
    for _ in range(count):
        frame = await caller.track.recv()
    assert (frame.width, frame.height) == (128, 96)
    return grey(to_bgr(frame, COLOUR))


def test_a_camera_comes_back_sharpened(client: Any, models: Models) -> None:
    with models.session(None) as session:
        sharp = session(PICTURE)

    async def test() -> None:
        async with calling(client) as caller:
            on = await seen(caller, 8)
            told = await caller.news.get()
            assert told["sharpened"] is True
            caller.channel.send('{"on": false}')
            assert (await caller.news.get())["model"] == "off"
            off = await seen(caller, 8)
            # Both were coded twice; what is between them is what the model does.
            done = np.corrcoef((on - off).ravel(), (grey(sharp) - grey(PICTURE)).ravel())[0, 1]
            assert done > 0.2
            caller.channel.send("nonsense")
            assert "expected" in (await caller.news.get())["error"]
        await until(lambda: streams(client) == 0)

    run(test)


def test_delete_ends_it(client: Any) -> None:
    async def test() -> None:
        async with calling(client) as caller:
            await caller.track.recv()
            assert streams(client) == 1
            answer = await asyncio.to_thread(client.delete, caller.place)
            assert answer.status_code == 204
            await until(lambda: streams(client) == 0)
            with pytest.raises(MediaStreamError):
                while True:
                    await caller.track.recv()
            gone = await asyncio.to_thread(client.delete, caller.place)
            assert gone.status_code == 404

    run(test)


def test_the_server_ends_while_a_camera_is_live(models: Models, room: Path) -> None:
    async def test() -> None:
        with server(models, room) as client:
            camera = calling(client)
            caller = await camera.__aenter__()
            await caller.track.recv()
        assert streams(client) == 0
        await camera.__aexit__(None, None, None)

    run(test)


def test_no_more_cameras_than_allowed(models: Models, room: Path) -> None:
    async def test() -> None:
        with server(models, room, limits=Limits(streams=1)) as client:
            async with calling(client) as caller:
                offer = caller.connection.localDescription.sdp
                second = await asyncio.to_thread(client.post, PATH, content=offer, headers=SDP)
                assert second.status_code == 429
                assert "1 cameras are live already" in second.json()["error"]
                assert int(second.headers["retry-after"]) > 0

    run(test)


@pytest.mark.parametrize(
    ("headers", "offer", "status", "said"),
    [
        (SDP, "v=0", 400, "no video in this offer"),
        (SDP, "", 400, "offer"),
        (SDP, "\x00\xff" * 500, 400, "offer"),
        (SDP, "v=0\r\n" * 20_000, 413, "length"),
        ({"Content-Type": "text/plain"}, "v=0", 415, "application/sdp"),
    ],
)
def test_what_is_no_offer(client: Any, headers: Any, offer: str, status: int, said: str) -> None:
    answer = client.post(PATH, content=offer.encode(), headers=headers)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert streams(client) == 0


def test_without_the_extra_a_sentence_says_how(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        "ovsharp.extras.find_spec", lambda name: None if name == "aiortc" else found(name)
    )
    answer = client.post(PATH, content="v=0", headers=SDP)
    assert answer.status_code == 501
    assert "ovsharp[webrtc]" in answer.json()["error"]
