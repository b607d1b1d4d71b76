"""`POST /v1/sharpen`: the same bytes as the command line, and hostile bodies."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ovsharp.cli.main import main
from ovsharp.serve import Limits, Models, pictures
from tests.photos import crop
from tests.serve.rooms import encoded, photo, server, uploads


def by_command(data: bytes, folder: Path, name: str, *options: str) -> bytes:
    """What `ovsharp image` makes of a file."""
    source, output = folder / name, folder / "out"
    source.write_bytes(data)
    result = CliRunner().invoke(main, ["image", str(source), "-o", str(output), *options])
    assert result.exit_code == 0, result.output
    (written,) = output.glob(f"{source.stem}.*")
    return written.read_bytes()


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
def test_the_same_bytes_as_the_command_line(
    client: Any, model: Path, tmp_path: Path, ending: str
) -> None:
    data = encoded(photo(), ending)
    answer = client.post("/v1/sharpen", content=data)
    assert answer.status_code == 200
    assert answer.headers["Ovsharp-Sharpened"] == "yes"
    expected = by_command(
        data, tmp_path, f"in{ending}", "--model", str(model), "--precision", "f32"
    )
    assert answer.content == expected


def test_options_are_those_of_the_command_line(client: Any, model: Path, tmp_path: Path) -> None:
    data = encoded(photo())
    asked = "strength=0.5&size=160x120&format=jpg&quality=70"
    answer = client.post(f"/v1/sharpen?{asked}", content=data)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "Lanczos to 160x120" in answer.headers["Ovsharp-Resampled"]
    options = [
        "--strength",
        "0.5",
        "--size",
        "160x120",
        "--format",
        "jpg",
        "--encoder-quality",
        "70",
    ]
    options += ["--model", str(model), "--precision", "f32"]
    assert answer.content == by_command(data, tmp_path, "in.png", *options)


def test_the_router_chooses_as_it_does_on_the_command_line(room: Path, tmp_path: Path) -> None:
    data = encoded(crop(0, 100, 256, 256), ".jpg")
    poor = cv2.imencode(".jpg", cv2.imdecode(np.frombuffer(data, np.uint8), 1), [1, 12])[1]
    with Models() as models, server(models, room) as client:
        damaged = client.post("/v1/sharpen", content=poor.tobytes())
        # Another one meanwhile must not change what is said of the first.
        clean = client.post("/v1/sharpen", content=encoded(photo()))
    assert damaged.headers["Ovsharp-Made-By"].startswith("call-")
    assert "dB" in damaged.headers["Ovsharp-Why"]
    assert clean.status_code == 200
    assert damaged.content == by_command(poor.tobytes(), tmp_path, "in.jpg")


def test_strength_0_gives_the_picture_back(client: Any) -> None:
    picture = photo()
    answer = client.post("/v1/sharpen?strength=0", content=encoded(picture))
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(answer.content, np.uint8), 1), picture)


@pytest.mark.parametrize(
    ("query", "body", "status", "words"),
    [
        ("", b"", 400, "no body"),
        ("", b"not a picture", 422, "image"),
        ("", encoded(photo())[:200], 422, ""),
        ("", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, ""),
        ("?model=../../etc/passwd", encoded(photo()), 400, "no model"),
        ("?model=mine.xml", encoded(photo()), 400, "no model"),
        ("?strength=2", encoded(photo()), 400, "strength"),
        ("?strength=nan", encoded(photo()), 400, "strength"),
        ("?sharpness=1", encoded(photo()), 400, "sharpness"),
        ("?size=huge", encoded(photo()), 400, "size"),
        ("?size=1080p&scale=2", encoded(photo()), 400, "one of them"),
        ("?size=99999x99999", encoded(photo()), 422, "large"),
        ("?format=exe", encoded(photo()), 400, "format"),
        ("?quality=50", encoded(photo()), 400, "quality"),
    ],
)
def test_what_is_wrong_is_told_and_leaves_nothing(
    client: Any, query: str, body: bytes, status: int, words: str
) -> None:
    answer = client.post(f"/v1/sharpen{query}", content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert words in error
    assert str(client.app.state.shop.room.path) not in error
    assert "Traceback" not in answer.text
    assert not uploads(client)


def test_limits_of_bytes_and_pixels(models: Models, room: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    with server(models, room, limits=Limits(megabytes=1, megapixels=0.01)) as client:
        told = client.post("/v1/sharpen", content=encoded(noise))
        chunked = client.post("/v1/sharpen", content=iter([encoded(noise)]))
        large = client.post("/v1/sharpen", content=encoded(photo(101, 101)))
        grown = client.post("/v1/sharpen?scale=2", content=encoded(photo(60, 60)))
        fits = client.post("/v1/sharpen", content=encoded(photo(100, 100)))
    assert [told.status_code, chunked.status_code] == [413, 413]
    assert "1 MB" in told.json()["error"]
    assert [large.status_code, grown.status_code] == [413, 413]
    assert "megapixels" in large.json()["error"]
    assert fits.status_code == 200


def test_a_client_that_stops_sending_is_sent_away(models: Models, room: Path) -> None:
    from ovsharp.serve.limits import Refused
    from ovsharp.serve.uploads import receive

    class Stalled:
        headers: dict[str, str] = {}  # noqa: RUF012 - as it is of a request

        async def stream(self) -> Any:
            yield b"some"
            await asyncio.sleep(60)

    with pytest.raises(Refused) as refused:
        asyncio.run(receive(Stalled(), room / "upload", Limits(idle=0.01)))  # type: ignore[arg-type]
    assert refused.value.status == 408


@pytest.mark.parametrize("path", ["/v1/sharpen", "/v1/jobs"])
def test_a_client_that_goes_in_the_middle_leaves_nothing(client: Any, path: str) -> None:
    parts = [{"type": "http.request", "body": b"some", "more_body": True}]

    async def receive() -> Any:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
    scope |= {"headers": [(b"host", b"localhost")], "query_string": b"", "scheme": "http"}
    asyncio.run(client.app(scope, receive, send))  # and no traceback for the log
    assert not uploads(client)
    assert client.app.state.shop.places.count == 0


def test_a_full_queue_says_when_to_come_again(
    models: Models, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), threading.Semaphore(0)
    plain = pictures.sharpen_picture

    def slow(*arguments: Any) -> Any:
        begun.release()
        assert go.wait(20)
        return plain(*arguments)

    monkeypatch.setattr(pictures, "sharpen_picture", slow)
    with server(models, room, limits=Limits(pictures=1)) as client:
        answers: list[Any] = []

        def post() -> None:
            answers.append(client.post("/v1/sharpen", content=encoded(photo())))

        threads = [threading.Thread(target=post) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(2):  # at work; the third one waits, if it has come
            assert begun.acquire(timeout=20)
        while client.app.state.shop.places.count < 3:
            pass
        refused = client.post("/v1/sharpen", content=encoded(photo()))
        go.set()
        for thread in threads:
            thread.join(20)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert [answer.status_code for answer in answers] == [200, 200, 200]
