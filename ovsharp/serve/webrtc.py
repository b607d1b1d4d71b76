"""`/v1/webrtc`: a camera over WebRTC, sharpened, and sent back the same way.

Signalling is WHIP's (RFC 9725): `POST` an offer as `application/sdp`, get the answer with a
`Location`, `DELETE` that to end it. Each video of the offer comes back as a video of the answer.
A data channel, if the client opens one, carries the messages of `/v1/live`: settings from the
client, `{"model": ..., "why": ...}` to it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from ovsharp.extras import need
from ovsharp.runtime import Call
from ovsharp.serve.limits import Refused, busy
from ovsharp.serve.shop import Shared, Shop, Wished

router = APIRouter()

_SDP = "application/sdp"
_LONGEST = 64 << 10
"""Bytes of an offer; a browser's takes five thousand."""
_PATIENCE = 30.0
"""Seconds within which a client that has an answer connects."""
_AGAIN = 10.0
"""Seconds after which there may be a place for another camera."""
_KBPS = {"min": 600, "start": 2000, "max": 6000}
"""What a browser is asked to send."""


@router.post(
    "/v1/webrtc",
    tags=["live"],
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    openapi_extra={
        "requestBody": {"required": True, "content": {_SDP: {"schema": {"type": "string"}}}}
    },
)
async def connect(request: Request, shop: Shared, wish: Wished) -> Response:
    """Answer a WebRTC offer (SDP, with its candidates) of a camera; its video comes back sharp."""
    need("aiortc", extra="webrtc")
    from ovsharp.serve.peer import Peer

    offer = await _offer(request)
    if shop.streams >= shop.limits.streams:
        raise busy(f"{shop.streams} cameras are live already", _AGAIN)
    shop.streams += 1
    name = secrets.token_urlsafe(12)
    peer: Peer | None = None
    call: Call | None = None
    try:
        call = await asyncio.to_thread(shop.models.call, wish.model, strength=wish.strength)
        peer = Peer(call, shop.metrics)
        answer = await peer.answer(offer)
    except BaseException:
        await _end(shop, peer, call)
        raise
    shop.peers[name] = peer
    _watch(shop, name, peer, call)
    headers = {"Location": f"/v1/webrtc/{name}"}
    return Response(_faster(answer), HTTPStatus.CREATED, headers, media_type=_SDP)


@router.delete("/v1/webrtc/{name}", tags=["live"], status_code=HTTPStatus.NO_CONTENT)
async def leave(name: str, shop: Shared) -> None:
    """End a camera."""
    if name not in shop.peers:
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such camera; it may have gone already")
    await shop.peers[name].close()


async def _offer(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _SDP:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected an offer as the body, Content-Type {_SDP}"
        )
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "an offer of this length is none")
    return body.decode("utf-8", "replace")


async def end_all(shop: Shop) -> None:
    """End all cameras, as the server does."""
    peers = list(shop.peers.values())
    for peer in peers:
        await peer.close()
    await asyncio.gather(*(peer.watched for peer in peers))


def _watch(shop: Shop, name: str, peer: Any, call: Call) -> None:
    """Give everything back when the peer has gone, however it went."""

    async def until_gone() -> None:
        try:
            await peer.gone(_PATIENCE)
        finally:
            del shop.peers[name]
            await _end(shop, peer, call)

    peer.watched = asyncio.create_task(until_gone())


async def _end(shop: Shop, peer: Any, call: Call | None) -> None:
    if peer is not None:
        await peer.close()
    if call is not None:
        await asyncio.to_thread(call.close)
    shop.streams -= 1


def _faster(answer: str) -> str:
    r"""Let the browser begin with a picture that is worth sharpening, and keep it large.

    Chromium reads these three from the other side's description: 640x480 of a test picture were
    sent with 390 to 490 kbit/s in the first six seconds, in place of 140 to 320. What a page sets
    (`maxBitrate`, `maintain-resolution`) changed nothing there.

    Example:
        >>> print(_faster("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n").splitlines()[1])
        a=fmtp:96 x-google-min-bitrate=600;x-google-start-bitrate=2000;x-google-max-bitrate=6000
    """
    wanted = ";".join(f"x-google-{name}-bitrate={kbps}" for name, kbps in _KBPS.items())
    for number in re.findall(r"a=rtpmap:(\d+) (?:VP8|H264)/", answer):
        known = re.compile(rf"a=fmtp:{number} ([^\r\n]*)")
        if known.search(answer):
            answer = known.sub(rf"a=fmtp:{number} \1;{wanted}", answer)
        else:
            line = re.compile(rf"(a=rtpmap:{number} [^\r\n]*)")
            answer = line.sub(rf"\1\r\na=fmtp:{number} {wanted}", answer)
    return answer
