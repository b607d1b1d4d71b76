"""AVIF and HEIC, in and out; Pillow and pillow-heif are the other hand."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from ovsharp import extras
from ovsharp.errors import MediaError, MissingExtraError
from ovsharp.media import Picture, read_picture, write_picture
from ovsharp.media.picture import Origin

pillow_heif = pytest.importorskip("pillow_heif")
pillow_heif.register_heif_opener()

PHOTO = np.ascontiguousarray(data.astronaut()[100:164, 180:276])
ALPHA = np.ascontiguousarray(PHOTO[..., 1])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = {".avif": "AVIF", ".heic": "HEIF"}
P3 = bytes((12, 13, 0, 1))
LEFT = {6: lambda image: np.rot90(image, -1), 3: lambda image: image[::-1, ::-1]}


def encoded(mode: str, pixels: np.ndarray[Any, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    height, width = pixels.shape[:2]
    pillow_heif.encode(mode, (width, height), pixels.tobytes(), out, quality=-1, **options)
    return out.getvalue()


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_what_another_wrote_is_read(tmp_path: Path, ending: str, mode: str) -> None:
    image = Image.fromarray(PHOTO).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(ALPHA))
    image.save(tmp_path / "in", KINDS[ending], quality=98)
    picture = read_picture(tmp_path / "in")
    assert picture.grey == (mode == "L")
    assert (picture.alpha is not None) == (mode == "RGBA")
    assert (
        np.abs(picture.frame.astype(int) - np.asarray(image.convert("RGB"))[..., ::-1]).mean() < 5
    )
    if picture.alpha is not None:
        assert np.abs(picture.alpha.astype(int) - ALPHA).mean() < 3


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("orientation", [3, 6])
def test_metadata_goes_in_and_out(tmp_path: Path, ending: str, orientation: int) -> None:
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", orientation
    said = {"icc_profile": SRGB, "exif": block.tobytes(), "xmp": b"<x/>"}
    if ending == ".heic":  # whose plugin for Pillow does not write what turns the picture
        (tmp_path / "in").write_bytes(encoded("RGB", PHOTO, chroma=444, **said))
    else:
        Image.fromarray(PHOTO).save(tmp_path / "in", "AVIF", quality=98, **said)
    picture = read_picture(tmp_path / "in")
    assert np.abs(picture.pixels[..., ::-1].astype(int) - LEFT[orientation](PHOTO)).mean() < 5
    write_picture(tmp_path / f"out{ending}", picture.frame, picture)
    with Image.open(tmp_path / f"out{ending}") as image:
        assert image.info["icc_profile"] == SRGB
        assert image.info["xmp"] == b"<x/>"
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get(0x0112, 1) == 1
        assert np.abs(np.asarray(image).astype(int) - LEFT[orientation](PHOTO)).mean() < 6


@pytest.mark.parametrize("ending", KINDS)
def test_alpha_and_quality_are_written(tmp_path: Path, ending: str) -> None:
    picture = Picture(PHOTO, ALPHA, origin=Origin(dpi=(300, 300)))
    for quality in (20, 95):
        write_picture(tmp_path / f"{quality}{ending}", picture, quality=quality)
    small, large = (tmp_path / f"{quality}{ending}" for quality in (20, 95))
    assert small.stat().st_size < large.stat().st_size
    with Image.open(large) as image:
        assert image.mode == "RGBA"
        assert image.getexif()[282] == 300
        assert np.abs(np.asarray(image)[..., 3].astype(int) - ALPHA).mean() < 3


def test_avif_has_all_colours(tmp_path: Path) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (0, 0, 255)
    write_picture(tmp_path / "out.avif", stripes)
    assert np.abs(read_picture(tmp_path / "out.avif").pixels.astype(int) - stripes).max() < 40


@pytest.mark.parametrize("chroma", [420, 422, 444])
def test_heic_keeps_its_sampling(tmp_path: Path, chroma: int) -> None:
    (tmp_path / "in.heic").write_bytes(encoded("RGB", PHOTO, chroma=chroma))
    write_picture(tmp_path / "out.heic", read_picture(tmp_path / "in.heic"))
    assert pillow_heif.open_heif(tmp_path / "out.heic").info["chroma"] == chroma
    write_picture(tmp_path / "new.heic", PHOTO)
    assert pillow_heif.open_heif(tmp_path / "new.heic").info["chroma"] == 420


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("mode", ["L;16", "RGB;16", "RGBA;16"])
def test_deep_heic_goes_through_16_bits(tmp_path: Path, bits: int, mode: str) -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint16)[:, None] * 1040, 64, axis=1)
    channels = {"L;16": 1, "RGB;16": 3, "RGBA;16": 4}[mode]
    stored = ramp if channels == 1 else np.dstack([ramp] * channels)
    (tmp_path / "in.heic").write_bytes(encoded(mode, stored, chroma=444, bit_depth=bits))
    picture = read_picture(tmp_path / "in.heic")
    assert (picture.depth, picture.bits, picture.grey) == (16, bits, channels == 1)
    assert np.abs(picture.pixels.astype(int) - np.atleast_3d(stored)[..., :3].squeeze()).max() < 200
    write_picture(tmp_path / "out.heic", picture.frame, picture)
    written = pillow_heif.open_heif(tmp_path / "out.heic", convert_hdr_to_8bit=False)
    assert written.info["bit_depth"] == bits
    assert np.abs(np.asarray(written).astype(int) - stored).max() < 400
    with pytest.raises(MediaError, match=f"JPEG cannot hold .*{bits} bits"):
        write_picture(tmp_path / "out.jpg", picture)
    with pytest.raises(MediaError, match="HEIC cannot hold 16 bits"):
        write_picture(tmp_path / "deep.heic", Picture(stored.astype(np.uint16)))


def test_colours_of_heic_stay_in_heic_and_png(tmp_path: Path) -> None:
    source = encoded("RGB", PHOTO, color_primaries=12, transfer_characteristics=13)
    (tmp_path / "in.heic").write_bytes(source)
    picture = read_picture(tmp_path / "in.heic")
    assert picture.origin.colour == {b"cICP": P3}
    for ending in (".heic", ".png"):
        write_picture(tmp_path / f"out{ending}", picture)
        assert read_picture(tmp_path / f"out{ending}").origin.colour == {b"cICP": P3}
    for ending in (".jpg", ".avif"):
        with pytest.raises(MediaError, match="cannot hold its colours"):
            write_picture(tmp_path / f"out{ending}", picture)


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("kept", [0.2, 0.7])
def test_cut_files_are_refused(tmp_path: Path, ending: str, kept: float) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in", KINDS[ending])
    content = (tmp_path / "in").read_bytes()
    (tmp_path / "in").write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(MediaError, match="damaged"):
        read_picture(tmp_path / "in")


def test_heic_without_its_extra_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in.heic", "HEIF")
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "ovsharp\[heic\]"'):
        read_picture(tmp_path / "in.heic")
    with pytest.raises(MissingExtraError, match=r'pip install "ovsharp\[heic\]"'):
        write_picture(tmp_path / "out.heic", PHOTO)
