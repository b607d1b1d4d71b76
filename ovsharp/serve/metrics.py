"""`Metrics`: what is counted, in the form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ovsharp.serve.guard import App, Message, Receive, Scope, Send

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ovsharp_requests",
            "Answers, by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.pictures = Histogram(
            "ovsharp_picture_seconds",
            "Time of a picture from the upload's end to its result, waiting included.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.frames = Counter(
            "ovsharp_frames", "Frames made, by where from.", ["source"], registry=self.registry
        )
        self.late = Counter(
            "ovsharp_late_frames",
            "Live frames that were not made: others were in flight, or their turn came too late.",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "ovsharp_pictures_inside", "Pictures at work or waiting.", registry=self.registry
        )
        self.jobs = Gauge("ovsharp_jobs", "Videos, by state.", ["state"], registry=self.registry)
        self.streams = Gauge("ovsharp_streams", "Live cameras.", registry=self.registry)

    def text(self) -> bytes:
        """Give all figures in Prometheus' text form."""
        return generate_latest(self.registry)


class Counting:
    """Counts answers; an ASGI layer around the routes.

    Args:
        app: what answers.
        metrics: what counts.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count what is answered."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Of the route, never of the path that a client made up.
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(scope["method"], route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counting)
