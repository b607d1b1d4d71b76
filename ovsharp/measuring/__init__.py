"""One row of a benchmark: workloads timed in turns, photos scored, and the records of both."""

from ovsharp.measuring import environment
from ovsharp.measuring.environment import Measured
from ovsharp.measuring.peak import peak_gmacs
from ovsharp.measuring.photos import (
    MAX_PHOTOS,
    Album,
    Photo,
    check_photos,
    frames_of_size,
    open_album,
    photos_for,
)
from ovsharp.measuring.quality import Baseline, score
from ovsharp.measuring.results import (
    Latency,
    PhotoSet,
    Quality,
    Report,
    Role,
    Row,
    Speed,
    Startup,
    Timing,
)
from ovsharp.measuring.startup import ProcessKilledError, measure_startup
from ovsharp.measuring.still import STILL_PHOTOS, flicker, still_scene
from ovsharp.measuring.turns import P99_CALLS, Workload, measure
from ovsharp.measuring.workloads import (
    BURST_SECONDS,
    one_frame,
    one_infer,
    prepare_request,
    ring_burst,
    stream_burst,
)

__all__ = [
    "BURST_SECONDS",
    "MAX_PHOTOS",
    "P99_CALLS",
    "STILL_PHOTOS",
    "Album",
    "Baseline",
    "Latency",
    "Measured",
    "Photo",
    "PhotoSet",
    "ProcessKilledError",
    "Quality",
    "Report",
    "Role",
    "Row",
    "Speed",
    "Startup",
    "Timing",
    "Workload",
    "check_photos",
    "environment",
    "flicker",
    "frames_of_size",
    "measure",
    "measure_startup",
    "one_frame",
    "one_infer",
    "open_album",
    "peak_gmacs",
    "photos_for",
    "prepare_request",
    "ring_burst",
    "score",
    "still_scene",
    "stream_burst",
]
