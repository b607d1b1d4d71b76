"""The web server of a study: one page, its questions, its pictures. Nothing else is reachable."""

from __future__ import annotations

import json
import re
import socket
import sys
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from ovsharp.errors import UsageError
from ovsharp.opinions.design import Study, Trial
from ovsharp.opinions.folder import STIMULI, VOTES
from ovsharp.opinions.storage import MAX_MILLISECONDS, Answer, Ballots, clean_code

MAX_BODY = 4096
"""Bytes of a request; the page sends far fewer."""

_TYPES = {".png": "image/png", ".mp4": "video/mp4", ".webm": "video/webm"}
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
}


class StudyServer(ThreadingHTTPServer):
    """Serves a study until it is shut down.

    What a rater's browser is sent: the page, the method, how many questions there are, and for
    each question the random ids of its stimuli. Conditions, file names and results never are.

    Args:
        study: what to ask.
        folder: of the study.
        host: address to listen on; `127.0.0.1` is this machine alone.
        port: 0 takes a free one.

    Raises:
        UsageError: the address cannot be had, or the votes are damaged.
        OSError: the folder cannot be written.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, study: Study, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self.study = study
        self.stimuli = folder / STIMULI
        missing = [item for item in study.stimuli if not self.file(item.id, item.ending).is_file()]
        if missing:
            raise UsageError(
                f"{self.stimuli} lacks {len(missing)} of {len(study.stimuli)} stimuli; copy the "
                f"whole folder of the study again, or begin a new study"
            )
        self.ballots = Ballots(folder / VOTES)
        self.page = files("ovsharp.opinions").joinpath("page.html").read_bytes()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}, port {port} ({error.strerror}); choose another one "
                f"with --host and --port"
            ) from error

    @property
    def url(self) -> str:
        """Where raters go."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes) else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def file(self, identity: str, ending: str) -> Path:
        """Where a stimulus lies."""
        return self.stimuli / f"{identity}{ending}"

    def server_bind(self) -> None:
        """Bind without asking a name server for the name of this machine, which can take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let browsers hang up in silence; tell of anything else."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Refused(Exception):  # noqa: N818 - not an error, an answer
    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ovsharp", ""
    timeout = 60

    @cached_property
    def _study(self) -> StudyServer:
        return cast(StudyServer, self.server)

    def do_GET(self) -> None:
        """Give the page, a question or a stimulus."""
        url = urlsplit(self.path)
        try:
            if url.path == "/":
                self._send(self._study.page, "text/html; charset=utf-8")
            elif url.path == "/api/study":
                self._json(self._about())
            elif url.path == "/api/question":
                query = parse_qs(url.query)
                rater, at = query.get("rater", [""])[0], query.get("at", [""])[0]
                self._json(self._question(_code(rater), int(at) if at.isdecimal() else -1))
            elif match := re.fullmatch(r"/media/([0-9a-f]{16})", url.path):
                self._media(match[1])
            else:
                raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        except _Refused as refused:
            self._json({"error": str(refused)}, refused.status)

    def do_HEAD(self) -> None:
        """Give what `do_GET` gives, without its body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Let a rater join, or take a vote."""
        try:
            values = self._body()
            path = urlsplit(self.path).path
            if path == "/api/join":
                self._json(self._join(values))
            elif path == "/api/vote":
                self._json(self._vote(values))
            else:
                raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        except _Refused as refused:
            self._json({"error": str(refused)}, refused.status)

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY:
            self.close_connection = True  # what follows is not read
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"a request takes a Content-Length of at most {MAX_BODY} bytes",
            )
        data = self.rfile.read(int(length))
        # A form of another site cannot send this type without asking first.
        if self.headers.get_content_type() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        try:
            values = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, "expected JSON") from error
        if not isinstance(values, dict):
            raise _Refused(HTTPStatus.BAD_REQUEST, "expected a JSON object")
        return values

    def _about(self) -> dict[str, Any]:
        study = self._study.study
        return {
            "method": study.method,
            "clips": study.clips,
            "questions": study.questions,
            "practice": min(study.practice, study.questions),
        }

    def _join(self, values: dict[str, Any]) -> dict[str, Any]:
        rater = _code(values.get("rater"))
        width, height = (_whole(values, key, 0, 100_000) for key in ("width", "height"))
        density = values.get("density")
        if not isinstance(density, int | float) or not 0 < density < 100:
            raise _Refused(HTTPStatus.BAD_REQUEST, "expected density, a number above 0")
        display = f"{width}x{height} at {density:.4g}"
        try:
            self._study.ballots.join(rater, display, lambda: self._study.study.trials(rater))
        except UsageError as error:
            raise _Refused(HTTPStatus.FORBIDDEN, str(error)) from error
        answers = self._study.ballots.answers(rater)
        return {"rater": rater, "total": len(answers), "at": _open_question(answers)}

    def _question(self, rater: str, at: int) -> dict[str, Any]:
        answers = self._study.ballots.answers(rater)
        if not 0 <= at <= _open_question(answers) or at >= len(answers):
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such question yet")
        answer = answers[at]
        following = answers[at + 1].trial if at + 1 < len(answers) else None
        return {
            "at": at,
            "total": len(answers),
            "practice": answer.trial.practice,
            "media": self._shown(answer.trial),
            "vote": answer.vote,
            "ahead": self._shown(following) if following else [],
        }

    def _shown(self, trial: Trial) -> list[dict[str, Any]]:
        shown = []
        for identity in (trial.first, trial.second):
            item = self._study.study.find(identity) if identity else None
            if item:
                shown.append(
                    {"url": f"/media/{item.id}", "width": item.width, "height": item.height}
                )
        return shown

    def _vote(self, values: dict[str, Any]) -> dict[str, Any]:
        rater = _code(values.get("rater"))
        at = _whole(values, "at", 0, 1_000_000)
        vote = _whole(values, "vote", 1, 5 if self._study.study.method == "acr" else 2)
        milliseconds = _whole(values, "milliseconds", 0, MAX_MILLISECONDS)
        try:
            self._study.ballots.vote(rater, at, vote, milliseconds)
        except UsageError as error:
            raise _Refused(HTTPStatus.CONFLICT, str(error)) from error
        answers = self._study.ballots.answers(rater)
        return {"total": len(answers), "at": min(at + 1, _open_question(answers))}

    def _media(self, identity: str) -> None:
        item = self._study.study.find(identity)
        if item is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        with self._study.file(item.id, item.ending).open("rb") as file:
            size = file.seek(0, 2)
            begin, end = self._range(size)
            partial = end - begin < size
            self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
            self.send_header("Content-Type", _TYPES[item.ending])
            self.send_header("Content-Length", str(end - begin))
            self.send_header("Accept-Ranges", "bytes")
            if partial:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
            self._end_headers("private, max-age=3600")
            if self.command == "HEAD":
                return
            file.seek(begin)
            left = end - begin
            while left and (block := file.read(min(_CHUNK, left))):
                self.wfile.write(block)
                left -= len(block)

    def _range(self, size: int) -> tuple[int, int]:
        """Give the bytes asked for, begin and end; all where none or an odd range is asked."""
        match = _RANGE.fullmatch(self.headers.get("Range", "").strip()[:64])
        if match is None or match[0] == "bytes=-":
            return 0, size
        first, last = match[1], match[2]
        begin = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        return (begin, end) if begin < end else (0, size)

    def _json(self, values: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(values).encode(), "application/json", status)

    def _send(self, data: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self._end_headers("no-store")
        if self.command != "HEAD":
            self.wfile.write(data)

    def _end_headers(self, cache: str) -> None:
        self.send_header("Cache-Control", cache)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: the terminal is for the one who runs the study."""


def _code(value: object) -> str:
    try:
        return clean_code(value if isinstance(value, str) else "")
    except UsageError as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, str(error)) from error


def _whole(values: dict[str, Any], key: str, low: int, high: int) -> int:
    value = values.get(key)
    if type(value) is not int or not low <= value <= high:
        raise _Refused(HTTPStatus.BAD_REQUEST, f"expected {key}, a whole number {low}..{high}")
    return value


def _open_question(answers: list[Answer]) -> int:
    """Place of the first question without an answer; the number of questions if there is none."""
    return next((answer.at for answer in answers if answer.vote is None), len(answers))
