"""`ovsharp serve` on many machines: a Ray Serve application, a replica for each group of cores.

    serve run ovsharp.cluster.serve:app model=call
    serve deploy serve.yaml

docs/CLUSTER.md says more. Import this only where Ray Serve is installed.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve.config import AutoscalingConfig, BackpressureConfig, RequestRouterConfig

from ovsharp.runtime import Quality
from ovsharp.serve import DRAIN, LOCAL, Limits, Models, check_token, create_app

if TYPE_CHECKING:
    from ray.serve import Application

SESSION = "x-session-id"
"""Header whose requests come to one replica, as long as replicas neither come nor go."""
_PICTURES = 4
"""Pictures at a replica: two that are worked on, two that come or go."""
_ROUTER: Any = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
_JOBS = "/v1/jobs"


class Settings(BaseModel):
    """Arguments of the application, as in `serve.yaml`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="What runs where a request names none.")
    device: str = "CPU"
    precision: str | None = None
    quality: Quality | None = Field(None, description="Size of the models; fast holds most calls.")
    mode: Literal["latency", "throughput"] = "throughput"
    cores: int = Field(2, ge=1, description="CPU cores of a replica, and its threads.")
    min_replicas: int = Field(1, ge=0)
    max_replicas: int = Field(8, ge=1)
    busy: float = Field(2.0, gt=0, description="Requests at a replica to hold, by more replicas.")
    queue: int = Field(32, ge=0, description="Requests that wait at a proxy; beyond, 429.")
    streams: int = Field(4, ge=1, description="Live cameras at a replica.")
    local: bool = Field(False, description="Only this machine reaches it: no token is needed.")


@serve.ingress()
class Service:
    """The server of `ovsharp serve`, in a replica of Ray Serve."""

    def __init__(self, settings: Settings) -> None:
        token = os.environ.get("OVSHARP_TOKEN") or None
        check_token(token, "localhost" if settings.local else "0.0.0.0")  # noqa: S104 - not to bind
        self._closing = ExitStack()
        self._models = self._closing.enter_context(
            Models(
                settings.model,
                device=settings.device,
                precision=settings.precision,
                quality=settings.quality,
                mode=settings.mode,
                threads=settings.cores,
            )
        )
        limits = Limits(streams=settings.streams)
        hosts = LOCAL if settings.local else None
        self._app = create_app(self._models, limits, token=token, hosts=hosts)
        self._app.add_middleware(Sticky)

    def __serve_build_asgi_app__(self) -> Any:
        """Give the application, to Ray."""
        return self._app

    def check_health(self) -> None:
        """Sharpen a small frame: Ray replaces a replica that cannot.

        Raises:
            OvsharpError: it cannot.
        """
        with self._models.session(None) as session:
            session(np.zeros((32, 32, 3), np.uint8))

    def __del__(self) -> None:
        self._closing.close()


class Sticky:
    """Refuses videos of clients that would not find them again: a job lies at one replica.

    Args:
        app: what answers all else.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1").lower() for name, _ in scope.get("headers", ())}
        asks = scope["type"] == "http" and scope["path"].startswith(_JOBS)
        if not asks or SESSION in headers:
            await self._app(scope, receive, send)
            return
        sentence = (
            f"videos are worked on by one replica of many: send {SESSION} with a value of your "
            f"own, the same with each request about a video"
        )
        await JSONResponse({"error": sentence}, 400)(scope, receive, send)


def app(settings: Settings) -> Application:
    """Build the application; see `Settings`.

    Example:
        >>> app(Settings(cores=1)).__class__.__name__
        'Application'
    """
    deployment: Any = serve.deployment(
        Service,
        name="ovsharp",
        ray_actor_options={"num_cpus": settings.cores},
        max_ongoing_requests=settings.streams + _PICTURES,
        max_queued_requests=settings.queue,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1),
        autoscaling_config=AutoscalingConfig(
            min_replicas=settings.min_replicas,
            max_replicas=settings.max_replicas,
            target_ongoing_requests=settings.busy,
        ),
        request_router_config=RequestRouterConfig(request_router_class=_ROUTER),
        health_check_period_s=10,
        health_check_timeout_s=30,
        graceful_shutdown_wait_loop_s=1,
        graceful_shutdown_timeout_s=DRAIN,
    )
    bound: Application = deployment.bind(settings)
    return bound
