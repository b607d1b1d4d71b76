"""The Ray Serve application: what it is made of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray.serve", reason='needs Ray Serve: pip install "ovsharp[cluster]"')

import jsonschema  # both come with Ray
import yaml
from pydantic import ValidationError
from ray.serve.schema import ServeDeploySchema

from ovsharp.cluster import serve

DEPLOY = Path(__file__).parents[2] / "deploy"


def strict(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
QUANTITIES = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^\d+(m|Mi|Gi)?$"},
}
CONTAINER = {
    **strict(
        name=NAME,
        image={"type": "string"},
        ports={
            "type": "array",
            "items": {**strict(containerPort=COUNT, name=NAME), "required": ["containerPort"]},
        },
        env={"type": "array", "items": {"type": "object", "required": ["name"]}},
        resources=strict(requests=QUANTITIES, limits=QUANTITIES),
    ),
    "required": ["name", "image", "resources"],
}
POD = {
    **strict(
        spec={
            **strict(
                containers={"type": "array", "minItems": 1, "items": CONTAINER},
                nodeSelector=TEXTS,
                terminationGracePeriodSeconds=COUNT,
            ),
            "required": ["containers"],
        }
    ),
    "required": ["spec"],
}
WORKERS = {
    **strict(
        groupName=NAME,
        replicas=COUNT,
        minReplicas=COUNT,
        maxReplicas=COUNT,
        rayStartParams=TEXTS,
        template=POD,
    ),
    "required": ["groupName", "minReplicas", "maxReplicas", "template"],
}
RAY_SERVICE = {
    **strict(
        apiVersion={"const": "ray.io/v1"},
        kind={"const": "RayService"},
        metadata={**strict(name=NAME), "required": ["name"]},
        spec={
            **strict(
                serveConfigV2={"type": "string"},
                rayClusterConfig={
                    **strict(
                        rayVersion={"type": "string"},
                        enableInTreeAutoscaling={"type": "boolean"},
                        headGroupSpec={
                            **strict(rayStartParams=TEXTS, template=POD),
                            "required": ["template"],
                        },
                        workerGroupSpecs={"type": "array", "items": WORKERS},
                    ),
                    "required": ["headGroupSpec"],
                },
            ),
            "required": ["serveConfigV2", "rayClusterConfig"],
        },
    ),
    "required": ["apiVersion", "kind", "metadata", "spec"],
}
"""What `deploy/rayservice.yaml` uses of KubeRay's definition of a RayService, ray.io/v1."""


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def settings_of(config: Any) -> serve.Settings:
    """See that Ray takes a configuration, and ovsharp its arguments."""
    (application,) = ServeDeploySchema.model_validate(config).applications
    assert application.import_path == "ovsharp.cluster.serve:app"
    return serve.Settings.model_validate(application.args)


def test_serve_yaml_is_one_for_ray_and_for_ovsharp() -> None:
    settings = settings_of(read("serve.yaml"))
    assert (settings.cores, settings.busy, settings.queue) == (4, 2, 32)


def test_the_manifest_is_a_ray_service_whose_workers_hold_a_replica() -> None:
    manifest = read("rayservice.yaml")
    jsonschema.validate(manifest, RAY_SERVICE)
    settings = settings_of(yaml.safe_load(manifest["spec"]["serveConfigV2"]))
    cluster = manifest["spec"]["rayClusterConfig"]
    import ray

    assert cluster["rayVersion"] == ray.__version__
    (workers,) = cluster["workerGroupSpecs"]
    pod = workers["template"]["spec"]
    (container,) = pod["containers"]
    assert int(container["resources"]["limits"]["cpu"]) >= settings.cores
    assert pod["terminationGracePeriodSeconds"] > serve.DRAIN
    assert "OVSHARP_TOKEN" in [one["name"] for one in container["env"]]
    broken = {**manifest, "spec": {**manifest["spec"], "rayClusterSpec": {}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, RAY_SERVICE)


def test_the_deployment_is_bounded_drains_and_answers_as_the_server_does() -> None:
    (config,) = [
        serve.app(serve.Settings(cores=3, queue=5, busy=4, max_replicas=7))._bound_deployment
    ]
    made = config._deployment_config
    assert made.max_queued_requests == 5
    assert made.backpressure_config.status_code == 429
    assert made.backpressure_config.retry_after_s == 1
    assert made.graceful_shutdown_timeout_s == serve.DRAIN
    assert made.autoscaling_config.target_ongoing_requests == 4
    assert made.autoscaling_config.max_replicas == 7
    assert config.ray_actor_options["num_cpus"] == 3
    with pytest.raises(ValidationError, match="cpus"):
        serve.Settings.model_validate({"cpus": 3})


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/jobs", [], 400),
        ("/v1/jobs/x/events", [(b"accept", b"*/*")], 400),
        ("/v1/jobs", [(b"X-Session-Id", b"mine")], 204),
        ("/v1/sharpen", [], 204),
    ],
)
def test_videos_need_a_session(path: str, headers: list[tuple[bytes, bytes]], status: int) -> None:
    sent: list[Any] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(serve.Sticky(inner)(scope, receive, send))
    assert sent[0]["status"] == status
    if status == 400:
        assert b"send x-session-id with a value of your own" in sent[1]["body"]
