"""What `ovsharp serve` does under load: pictures a second, waits, and what it refuses.

    pip install locust==2.47.0
    python scripts/load_serve.py [--seconds 15] [--rounds 3] [--model call-balanced]

Starts a server of its own on this machine, and sends it a 512x360 JPEG again and again: from one
client, from four (what these make is called full load), then at a fixed rate, half, all and twice
of that. All loads come in turns, and the medians of the rounds are printed, as the table of
docs/SERVE.md. Beside them one client asks `/healthz` ten times a second. The exit code is 1 if any
answer was neither a picture nor a 429 with `Retry-After`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

try:
    import locust
except ImportError:
    sys.exit("this needs locust: pip install locust==2.47.0")

import cv2
import gevent
import numpy as np
import psutil
import skimage.data
from locust.env import Environment

CLIENTS = 48
"""That send at a fixed rate together; more than a server takes in at once."""
WAIT = 0.1
"""Seconds from one question for its health to the next."""


@dataclass
class Seen:
    """What clients saw of one load."""

    offered: float = 0.0
    """Pictures a second that were sent; 0 where each client waits for its answer."""
    seconds: float = 0.0
    made: list[float] = field(default_factory=list)
    """Milliseconds of each picture that came back."""
    refused: list[float] = field(default_factory=list)
    """The same of each 429."""
    again: list[int] = field(default_factory=list)
    """Seconds after which these were told to come again."""
    health: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return len(self.made) / self.seconds


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15, help="of each load in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="call-balanced")
    options = parser.parse_args()
    rows: dict[str, list[Seen]] = {}
    with tempfile.TemporaryDirectory() as room:
        command = [sys.executable, "-m", "ovsharp", "serve", "--port", "0", "--no-open"]
        server = subprocess.Popen(
            [*command, "--model", options.model],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": room},
        )
        try:
            said = server.stdout and re.search(r"http://\S+", server.stdout.readline())
            if not said:
                sys.exit("the server did not start")
            address = said[0].rstrip("/")
            loaded(address, 1, 0, 5)  # the model is compiled by now
            for _ in range(options.rounds):
                rows.setdefault("1 client", []).append(loaded(address, 1, 0, options.seconds))
                full = loaded(address, 4, 0, options.seconds)
                rows.setdefault("4 clients", []).append(full)
                for name, part in (("half", 0.5), ("full", 1.0), ("twice", 2.0)):
                    seen = loaded(address, CLIENTS, part * full.rate, options.seconds)
                    rows.setdefault(f"{name} load", []).append(seen)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            server.terminate()
            server.wait(60)
    print(table(rows))
    print(f"\nmemory of the server at the end: {memory:.0f} MB")
    wrong = [said for seen in rows.values() for one in seen for said in one.wrong]
    print("\n".join(wrong[:10]))
    return int(bool(wrong))


def loaded(address: str, clients: int, rate: float, seconds: float) -> Seen:
    """Put a server under one load.

    Args:
        address: of it.
        clients: how many send.
        rate: pictures a second, of all together; 0: each sends when it has got its answer.
        seconds: how long.
    """
    seen = Seen(offered=rate)

    class Sender(locust.FastHttpUser):
        if rate:
            wait_time = locust.constant_throughput(rate / clients)

            def on_start(self) -> None:
                # Else all would send at once.
                gevent.sleep(random.uniform(0, clients / rate))  # noqa: S311 - no secret

        @locust.task
        def send(self) -> None:
            with self.client.post("/v1/sharpen", data=PICTURE, catch_response=True) as answer:
                keep(seen, answer)

    class Asker(locust.FastHttpUser):
        fixed_count = 1
        wait_time = locust.constant_pacing(WAIT)

        @locust.task
        def ask(self) -> None:
            with self.client.get("/healthz", catch_response=True) as answer:
                answer.success()
                if answer.status_code == 200:
                    seen.health.append(answer.request_meta["response_time"])
                elif not seen.seconds:
                    seen.wrong.append(f"/healthz: {answer.status_code}")

    environment = Environment(user_classes=[Sender, Asker], host=address)
    runner = environment.create_local_runner()
    began = time.perf_counter()
    runner.start(clients + 1, spawn_rate=clients + 1)
    gevent.sleep(seconds)
    seen.seconds = time.perf_counter() - began
    runner.quit()
    return seen


def keep(seen: Seen, answer: Any) -> None:
    """Note one answer; not one that was cut off at the end."""
    answer.success()
    if seen.seconds:
        return
    spent = answer.request_meta["response_time"]
    if answer.status_code == 200 and answer.content[:2] == b"\xff\xd8":
        seen.made.append(spent)
    elif answer.status_code == 429 and answer.headers.get("Retry-After", "").isdecimal():
        seen.refused.append(spent)
        seen.again.append(int(answer.headers["Retry-After"]))
    else:
        seen.wrong.append(f"{answer.status_code}: {(answer.text or '')[:200]}")


def table(rows: dict[str, list[Seen]]) -> str:
    """Give the medians of the rounds; rates as parts of what four clients get."""
    head = ("", "sent", "made", "p50 ms", "p99 ms", "429", "told after", "health p99 ms")
    lines = [head, ("---",) * len(head)]
    full = median(one.rate for one in rows["4 clients"])
    for name, seen in rows.items():
        sent = median(one.offered for one in seen) / full
        refused = median(len(one.refused) / (len(one.refused) + len(one.made)) for one in seen)
        lines.append(
            (
                name,
                f"{sent:.2f}" if sent else "",
                f"{median(one.rate for one in seen) / full:.2f}",
                f"{median(percentile(one.made, 50) for one in seen):.0f}",
                f"{median(percentile(one.made, 99) for one in seen):.0f}",
                f"{refused:.0%}",
                f"{median(percentile(one.refused, 99) for one in seen):.0f} ms" if refused else "",
                f"{median(percentile(one.health, 99) for one in seen):.0f}",
            )
        )
    told = sorted({wait for seen in rows.values() for one in seen for wait in one.again})
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n1.00: {full:.1f} pictures a second; Retry-After: {told} s"


def percentile(values: list[float], percent: float) -> float:
    """Give one of them; nan of none."""
    return float(np.percentile(values, percent)) if values else float("nan")


PICTURE = cv2.imencode(
    ".jpg", skimage.data.astronaut()[:360, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 15]
)[1].tobytes()

if __name__ == "__main__":
    sys.exit(main())
