"""Who may ask: names of this machine, pages of the server itself, clients with the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import WebSocketDisconnect
from fastapi.testclient import TestClient

from ovsharp.errors import UsageError
from ovsharp.serve import Models, check_token
from tests.serve.rooms import encoded, photo, server

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8790", "[::1]:8790", "LOCALHOST:1"])
def test_names_of_this_machine(client: Any, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_other_names_are_refused(client: Any, host: str) -> None:
    for path in ("/", "/v1/models", "/healthz", "/page/main.js"):
        assert client.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "https://localhost.evil"]
)
def test_pages_of_other_sites_are_refused(client: Any, origin: str) -> None:
    headers = {"Origin": origin}
    assert client.post("/v1/sharpen", content=encoded(photo()), headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://localhost/v1/live", headers=headers),
    ):
        pass


def test_its_own_page_may_ask(client: Any) -> None:
    own = {"Origin": "http://localhost"}
    assert client.post("/v1/sharpen", content=encoded(photo()), headers=own).status_code == 200


def test_every_answer_tells_browsers_what_may_not_be(client: Any) -> None:
    for path in ("/", "/v1/models", "/nowhere", "/docs", "/page/main.js"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert "unsafe" not in client.get("/").headers["Content-Security-Policy"]


@pytest.fixture
def strange(models: Models, room: Path) -> Iterator[TestClient]:
    with server(models, room, token=TOKEN, hosts=None) as client:
        yield client


def test_over_a_network_nothing_without_the_token(strange: Any) -> None:
    for path in ("/v1/models", "/metrics", "/docs", "/openapi.json", "/v1/jobs/x"):
        answer = strange.get(path, headers={"Host": "server.lan"})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert strange.post("/v1/sharpen", content=encoded(photo())).status_code == 401
    for given in ("Bearer wrong", TOKEN, "Basic abc", "Bearer "):
        answer = strange.get("/v1/models", headers={"Authorization": given})
        assert answer.status_code == 401
    with pytest.raises(WebSocketDisconnect), strange.websocket_connect("ws://x/v1/live"):
        pass
    # The page itself asks for it, and a balancer may ask whether the server is up.
    assert strange.get("/").status_code == strange.get("/healthz").status_code == 200


def test_the_token_lets_in_and_a_page_gets_a_cookie(strange: Any) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert strange.get("/v1/models", headers=headers).status_code == 200
    assert strange.post("/v1/enter").status_code == 401
    entered = strange.post("/v1/enter", headers=headers)
    assert entered.status_code == 204
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert strange.get("/v1/models").status_code == 200  # by the cookie
    assert strange.get("/v1/models", headers={"Cookie": "ovsharp=x"}).status_code == 401


def test_other_machines_demand_a_token() -> None:
    check_token(None, "127.0.0.1")
    check_token(TOKEN, "0.0.0.0")
    with pytest.raises(UsageError, match="OVSHARP_TOKEN"):
        check_token(None, "0.0.0.0")
    with pytest.raises(UsageError, match="guessed"):
        check_token("short", "127.0.0.1")
