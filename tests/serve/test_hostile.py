"""What is hostile in a file is refused over HTTP, too: a sentence, and nothing is left."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from ovsharp.serve import Limits, Models
from tests.media.clips import clip
from tests.scripts import loaded
from tests.serve.rooms import encoded, photo, server, uploads
from tests.waiting import until


@pytest.fixture(scope="module")
def damaged() -> Callable[[bytes, random.Random], bytes]:
    """What `scripts/fuzz.py` does to a file."""
    function: Callable[[bytes, random.Random], bytes] = loaded("fuzz").damaged
    return function


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    """Part of a PNG, of a length that may be a lie."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    told = len(content) if length is None else length
    return struct.pack(">I", told) + kind + content + checksum


def png(width: int, height: int, *parts: bytes, bits: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(parts) + chunk(b"IEND", b"")


def tiff(tag: int, value: int) -> bytearray:
    """Give a small TIFF with one tag changed to a lie."""
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4, 3), np.uint8), photometric="rgb", byteorder="<")
    content = bytearray(file.getvalue())
    (offset,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, offset)
    places = range(offset + 2, offset + 2 + 12 * count, 12)
    (place,) = (one for one in places if struct.unpack_from("<H", content, one) == (tag,))
    struct.pack_into("<HIHH", content, place + 2, 3, 1, value, 0)
    return content


def endless() -> bytes:
    """Give a TIFF whose page is followed by itself."""
    content = tiff(WIDTH, 4)
    (offset,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, offset)
    struct.pack_into("<I", content, offset + 2 + 12 * count, offset)
    return bytes(content)


def packed(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in names.items():
            made.writestr(name, content)
    return file.getvalue()


class Runs:
    """Would make a file if it were ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


WIDTH, SAMPLES = 256, 277
LONG = zlib.compress(bytes(30_000_000))
PICTURES = {
    "nothing but a head": b"\x89PNG\r\n\x1a\n",
    "a claim of 4 million terapixels": png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
    "a claim of 400 megapixels": png(20_000, 20_000, chunk(b"IDAT", zlib.compress(b""))),
    "a line of two thousand million": png(2**31 - 1, 1, chunk(b"IDAT", b"")),
    "no pixels at all": png(0, 0, chunk(b"IDAT", b"")),
    "a part that claims a gigabyte": png(8, 8, chunk(b"IDAT", b"", 0x40000000), bits=16),
    "a text that unpacks to 30 MB": png(8, 8, chunk(b"zTXt", b"a\0\0" + LONG)),
    "colours that unpack to 30 MB": png(8, 8, chunk(b"iCCP", b"a\0\0" + LONG)),
    "a TIFF that claims to be wide": bytes(tiff(WIDTH, 60_000)),
    "a TIFF of 60,000 colours": bytes(tiff(SAMPLES, 60_000)),
    "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "words that grow": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "a page": b"<html><script>fetch('/v1/models')</script></html>",
    "a picture of PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    "a cut JPEG": encoded(photo(), ".jpg")[:300],
    "zeros": bytes(100_000),
}
MODELS = {
    "a checkpoint that runs code": pickle.dumps({"model": Runs()}),
    "the same in a zip": packed({"a/data.pkl": pickle.dumps(Runs()), "a/version": b"3"}),
    "an IR": b"<?xml version='1.0'?><net name='x' version='11'><layers/></net>",
    "an ONNX": b"\x08\x09\x12\x07pytorch\x3a\x02\x0a\x00",
    "a safetensors": struct.pack("<Q", 2**40) + b"{}",
    "an archive that leaves its folder": packed({"../../evil.png": encoded(photo())}),
}


@pytest.fixture(scope="module")
def client(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One server for all: what a file does to it, the next one would see."""
    with server(models, tmp_path_factory.mktemp("room"), limits=Limits(megabytes=1)) as client:
        yield client


def check_refused(client: Any, answer: Any) -> None:
    """See one sentence about the file, which tells nothing of this machine; and nothing left."""
    assert answer.status_code in (413, 422), answer.text
    error = answer.json()["error"]
    assert 10 < len(error) < 600
    assert "\n" not in error
    assert "Traceback" not in error
    assert str(client.app.state.shop.room.path) not in error
    assert not uploads(client)


def check_alive(client: Any) -> None:
    assert client.post("/v1/sharpen", content=encoded(photo())).status_code == 200
    assert client.app.state.shop.places.count == 0
    assert client.app.state.shop.jobs.counts()["waiting"] == 0


@pytest.mark.parametrize("name", [*PICTURES, *MODELS])
def test_no_picture(client: Any, name: str) -> None:
    check_refused(client, client.post("/v1/sharpen", content={**PICTURES, **MODELS}[name]))
    check_alive(client)


@pytest.mark.parametrize(
    "content", [endless(), png(8, 8, chunk(b"IDAT", LONG))], ids=["pages without end", "too many"]
)
def test_what_may_be_read_as_far_as_it_makes_sense(client: Any, content: bytes) -> None:
    assert client.post("/v1/sharpen", content=content).status_code in (200, 422)
    check_alive(client)


@pytest.mark.parametrize("name", [*PICTURES, *MODELS])
def test_no_video(client: Any, name: str) -> None:
    """A file that FFmpeg takes for a video of one picture may become a job, which fails or ends."""
    answer = client.post("/v1/jobs?name=a.mp4", content={**PICTURES, **MODELS}[name])
    if answer.status_code == 202:
        check_ended(client, answer.json()["id"])
    else:
        check_refused(client, answer)


def check_ended(client: Any, identity: str) -> None:
    place = f"/v1/jobs/{identity}"
    until(lambda: client.get(place).json()["state"] in ("done", "failed"))
    told = client.get(place).json()
    assert bool(told["error"]) == (told["state"] == "failed")
    assert str(client.app.state.shop.room.path) not in told["error"]
    assert client.delete(place).status_code == 204
    assert not uploads(client)


def test_a_video_that_claims_a_huge_size(client: Any, tmp_path: Path) -> None:
    content = bytearray(clip(tmp_path / "clip.mp4").read_bytes())
    place = content.index(b"avc1", content.index(b"stsd")) + 28
    assert struct.unpack_from(">HH", content, place) == (96, 64)
    struct.pack_into(">HH", content, place, 65535, 65535)
    answer = client.post("/v1/jobs?name=a.mp4", content=bytes(content))
    if answer.status_code == 202:  # what the stream itself says counts
        check_ended(client, answer.json()["id"])
    else:
        check_refused(client, answer)
    check_alive(client)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_damaged_pictures(client: Any, damaged: Any, ending: str) -> None:
    chance, whole = random.Random(f"7{ending}"), encoded(photo(), ending)
    seen = set()
    for _ in range(40):
        answer = client.post("/v1/sharpen", content=damaged(whole, chance))
        seen.add(answer.status_code)
        if answer.status_code != 200:
            assert answer.status_code in (400, 413, 422), answer.text
            assert answer.json()["error"]
    assert seen - {200}
    check_alive(client)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts"])
def test_damaged_videos(client: Any, damaged: Any, tmp_path: Path, ending: str) -> None:
    chance, path = random.Random(f"7{ending}"), clip(tmp_path / f"clip{ending}", (0, 40, 80, 120))
    for _ in range(12):
        content = damaged(path.read_bytes(), chance)
        answer = client.post(f"/v1/jobs?name=a{ending}", content=content)
        if answer.status_code == 202:
            check_ended(client, answer.json()["id"])
        else:
            assert answer.status_code in (400, 413, 422), answer.text
            assert answer.json()["error"]
    check_alive(client)


@pytest.mark.parametrize(
    "query",
    ["strength=" + "9" * 5000, "scale=1e308", "scale=-0", "scale=inf", "size=0x0", "model=%00",
     "model=" + "a" * 60_000, "strength=1&strength=x", "format=../png", "size=%F0%9F%98%80x9",
     "crf=" + "9" * 400, "quality=1e9", "side_by_side=perhaps", "=", "%=%", "a[b]=1"],
    ids=range(16),
)  # fmt: skip
def test_options_that_make_no_sense(client: Any, query: str) -> None:
    answer = client.post(f"/v1/sharpen?{query}", content=encoded(photo()))
    assert answer.status_code in (200, 400, 413, 422)
    if answer.status_code != 200:
        assert len(answer.json()["error"]) < 2000
    assert not uploads(client)


def test_nothing_of_it_ran(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in MODELS.items():
        for path in ("/v1/sharpen", f"/v1/jobs?name={name}.pth"):
            check_refused(client, client.post(path, content=content))
    assert not list(tmp_path.iterdir())
