"""`listen` and `run`: a socket, and the server on it until a signal ends it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from ovsharp.errors import UsageError

DRAIN = 30
"""Seconds that requests may take to end once the server shall stop."""
_CONNECTIONS = 200
_MESSAGE = 8 << 20
"""Bytes of one WebSocket message: a camera's JPEG has far fewer."""


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """Open the socket, so that a port in use is told before anything is loaded.

    Args:
        host: address to listen on.
        port: 0 takes a free one.

    Returns:
        The socket, and the address to open in a browser.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}, port {port} ({error.strerror}); choose another one with "
            f"--host and --port"
        ) from error
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not to bind it
    number = opened.getsockname()[1]
    return opened, f"http://{f'[{name}]' if ':' in name else name}:{number}/"


def run(app: FastAPI, opened: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM.

    Then no new connection is taken; requests that are being answered get `DRAIN` seconds to end,
    cameras are closed, and videos are cancelled: nobody could fetch them. A second Ctrl-C does not
    wait.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=_MESSAGE,
        ws_per_message_deflate=False,  # JPEGs do not get smaller
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN,
    )
    _Server(config, lambda: app.state.shop.jobs.cancel_all()).run([opened])


class _Server(uvicorn.Server):
    """uvicorn's, but a signal is the normal end: it is not raised again afterwards."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], object]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End videos first: who follows one would keep the server waiting."""
        self._stopping()
        await super().shutdown(sockets)
