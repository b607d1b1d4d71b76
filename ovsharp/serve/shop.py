"""`Shop`: what the routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from fastapi import Depends, Query
from fastapi.requests import HTTPConnection

from ovsharp.serve.folder import Workroom
from ovsharp.serve.jobs import Jobs
from ovsharp.serve.limits import Limits
from ovsharp.serve.metrics import Metrics
from ovsharp.serve.models import Models
from ovsharp.serve.places import Places


@dataclass
class Shop:
    """What the routes of one server share."""

    models: Models
    limits: Limits
    room: Workroom
    jobs: Jobs
    places: Places
    metrics: Metrics
    streams: int = 0
    """Live cameras now."""
    peers: dict[str, Any] = field(default_factory=dict)
    """Those that came over WebRTC, by name."""


def _shop_of(connection: HTTPConnection) -> Shop:
    return cast(Shop, connection.app.state.shop)


@dataclass(frozen=True)
class Wish:
    """What a camera is sharpened with."""

    model: str | None
    strength: float


def _wish_of(model: str | None = None, strength: Annotated[float, Query(ge=0, le=1)] = 1.0) -> Wish:
    return Wish(model, strength)


Wished = Annotated[Wish, Depends(_wish_of)]
"""As a parameter of a route: what its query asks for."""
Shared = Annotated[Shop, Depends(_shop_of)]
"""As a parameter of a route: the shop of its server."""
