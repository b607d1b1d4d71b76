"""`Guard`: who may ask at all. Other web pages may not, and over a network only with the token."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from ovsharp.errors import UsageError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine for itself: what only local programs can ask for."""
COOKIE = "ovsharp"
ENTER = "/v1/enter"
"""Where a page changes the token for a cookie."""
_SHORTEST = 16
_OPEN = ("/healthz", "/page/", "/static-offline-docs/")
"""What anybody may read: nothing of anybody's."""

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_DOCS = _PAGE.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'").replace(
    "style-src 'self'", "style-src 'self' 'unsafe-inline'"
)
"""Swagger's page starts itself by a script within it."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


def check_token(token: str | None, host: str) -> None:
    """Demand a token where others than this machine can reach the server.

    Raises:
        UsageError: there is none, or one that could be guessed.
    """
    if token is None and host not in LOCAL:
        raise UsageError(
            f"--host {host} lets other machines in, and they need a token: set OVSHARP_TOKEN to "
            f"{_SHORTEST} characters or more, for example {secrets.token_urlsafe(18)}"
        )
    if token is not None and (len(token) < _SHORTEST or not token.isascii()):
        raise UsageError(
            f"the token could be guessed: expected {_SHORTEST} ASCII characters or more, for "
            f"example {secrets.token_urlsafe(18)}"
        )


class Guard:
    """Refuses requests of other sites and of strangers; an ASGI layer around the server.

    - `Host` must be a name of this machine, where only this machine can reach it: a page of
      another site whose name was pointed here (DNS rebinding) names itself.
    - `Origin`, which browsers send with whatever changes something and with WebSockets, must be
      the server's own.
    - With a token: `Authorization: Bearer TOKEN`, or the cookie that `/v1/enter` gives for it.

    Args:
        app: what is guarded.
        token: None lets everybody in who can reach the server.
        hosts: names that the server may be called by; None for any.
    """

    def __init__(self, app: App, token: str | None, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts
        self._token = None if token is None else token.encode()
        self._entered = secrets.token_urlsafe(24)
        """Value of the cookie; another one after each start."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}

        async def guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", []), *self._added(scope)]
            await send(message)

        refusal = self._refusal(scope["path"], headers)
        if refusal is None and scope["path"] == ENTER and scope["type"] == "http":
            cookie = f"{COOKIE}={self._entered}; Path=/; HttpOnly; SameSite=Strict"
            await _answer(guarded, HTTPStatus.NO_CONTENT, {"set-cookie": cookie})
        elif refusal is None:
            await self._app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            asking = {"www-authenticate": "Bearer"} if refusal[0] == 401 else {}
            await _answer(guarded, refusal[0], asking, refusal[1])

    def _refusal(self, path: str, headers: Mapping[str, bytes]) -> tuple[HTTPStatus, str] | None:
        host = headers.get("host", b"").decode("latin-1")
        if self._hosts is not None and _name(host) not in self._hosts:
            return HTTPStatus.FORBIDDEN, (
                f"this server is called 127.0.0.1 or localhost, not {host[:80]!r}: a page of "
                f"another site may not ask it"
            )
        origin = headers.get("origin", b"").decode("latin-1")
        if origin and urlsplit(origin).netloc != host:
            return HTTPStatus.FORBIDDEN, f"a page of {origin[:80]} may not ask this server"
        if self._token is not None and not self._knows(path, headers):
            return HTTPStatus.UNAUTHORIZED, (
                "this server needs its token: send it as Authorization: Bearer TOKEN"
            )
        return None

    def _knows(self, path: str, headers: Mapping[str, bytes]) -> bool:
        if path == "/" or path.startswith(_OPEN):
            return True
        given = headers.get("authorization", b"")
        if self._token is not None and hmac.compare_digest(given, b"Bearer " + self._token):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", b"").decode("latin-1"))
        except CookieError:
            return False
        morsel = cookies.get(COOKIE)
        return morsel is not None and hmac.compare_digest(
            morsel.value.encode(), self._entered.encode()
        )

    def _added(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        added = {**_HEADERS, "content-security-policy": _DOCS if _is_docs(scope) else _PAGE}
        return [(name.encode(), value.encode()) for name, value in added.items()]


def _is_docs(scope: Scope) -> bool:
    return bool(scope["path"] == "/docs")


def _name(host: str) -> str:
    """Give the name in a Host header, without the port.

    Example:
        >>> _name("[::1]:8790"), _name("LOCALHOST:8790"), _name("")
        ('::1', 'localhost', '')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _answer(
    send: Send, status: HTTPStatus, headers: Mapping[str, str], error: str = ""
) -> None:
    body = json.dumps({"error": error}).encode() if error else b""
    told = {**headers, "content-length": str(len(body))}
    told |= {"content-type": "application/json"} if error else {}
    lines = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": lines})
    await send({"type": "http.response.body", "body": body})
