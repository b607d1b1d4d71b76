"""Runs the Dockerfile's build steps and its server without a daemon, in fresh folders.

    python deploy/check.py [PYTHON]

PYTHON is the interpreter of the environment, as 3.12 in the image. Then the server of the unit and
of the container is started, asked for its health and a picture, and ended as systemd ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
PREFIX = "/opt/ovsharp"
WAIT_SECONDS = 60


def build_steps(python: str, prefix: Path, source: Path) -> None:
    """Copy what the image's first stage copies, and run what it runs."""
    stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1]
    for line in re.findall(r"^COPY (.+)$", stage, re.MULTILINE):
        *names, target = line.split()
        for name in names:
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, source / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, source / target)
    for step in re.findall(r"^RUN ((?:.+\\\n)*.+)$", stage, re.MULTILINE):
        step = step.replace(PREFIX, str(prefix)).replace("python -m venv", f"{python} -m venv")
        print(step)
        subprocess.run(["bash", "-euc", step], cwd=source, check=True)


def serve(prefix: Path, home: Path) -> None:
    """Start the container's command, ask it, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(prefix / "bin" / "ovsharp"), "serve", "--host", "0.0.0.0", "--no-open"]  # noqa: S104
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OVSHARP_TOKEN": "a-token-of-this-check",
    }
    server = subprocess.Popen([*command, "--port", str(port)], env=environment, cwd=home)
    try:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                print(urlopen(f"{address}/healthz", timeout=5).read().decode())
                break
            except (URLError, ConnectionError):
                if time.monotonic() > end or server.poll() is not None:
                    raise
                time.sleep(0.3)
        script = (
            "import cv2, numpy, sys; cv2.imwrite(sys.argv[1], numpy.full((64, 96, 3), 90, 'u1'))"
        )
        subprocess.run(
            [str(prefix / "bin" / "python"), "-c", script, str(home / "in.png")], check=True
        )
        request = Request(
            f"{address}/v1/sharpen",
            data=(home / "in.png").read_bytes(),
            headers={"Authorization": "Bearer a-token-of-this-check"},
        )
        picture = urlopen(request, timeout=60).read()
        if not picture.startswith(b"\x89PNG"):
            sys.exit("the server gave no picture")
        print(f"a picture of {len(picture)} bytes")
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=40)
    if code:
        sys.exit(f"the server ended with code {code}")


def main() -> None:
    """Build, serve, and look at the unit."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        source, home = Path(folder, "src"), Path(folder, "home")
        source.mkdir()
        home.mkdir()
        prefix = Path(folder, "ovsharp")
        build_steps(python, prefix, source)
        serve(prefix, home)
    if shutil.which("systemd-analyze"):
        unit = (ROOT / "deploy" / "ovsharp.service").read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            # The command of the unit is there only where it was installed.
            path = Path(folder, "ovsharp.service")
            path.write_text(unit.replace(f"{PREFIX}/bin/ovsharp", sys.executable))
            subprocess.run(["systemd-analyze", "verify", str(path)], check=True)
        print("the unit is valid")
    print("deploy check passed")


if __name__ == "__main__":
    main()
