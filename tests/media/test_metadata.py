"""Colour profiles and EXIF go through, in every format that holds them; Pillow is the judge."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from ovsharp.errors import MediaError
from ovsharp.media import Picture, read_picture, write_picture

PHOTO = np.ascontiguousarray(data.astronaut()[100:164, 180:276])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY = SRGB[:16] + b"GRAY" + SRGB[20:]
DATE = "2024:02:29 12:00:00"


def exif(orientation: int = 1) -> Image.Exif:
    block = Image.Exif()
    block[0x010F] = "Maker"
    block[0x0112] = orientation
    block[0x011A] = 300.0
    inner = block.get_ifd(0x8769)
    inner[0x9003], inner[0xA002], inner[0xA003] = DATE, 96, 64
    block.get_ifd(0x8825)[1] = "N"
    return block


def photo(path: Path, kind: str = "JPEG", *, orientation: int = 1, **options: Any) -> Path:
    image = Image.fromarray(PHOTO)
    image.save(path, kind, icc_profile=SRGB, exif=exif(orientation).tobytes(), **options)
    return path


def check(path: Path, size: tuple[int, int], profile: bytes = SRGB) -> None:
    with Image.open(path) as image:
        image.load()
        assert image.info["icc_profile"] == profile
        assert image.size == size
        block = Image.Image.getexif(image)
        assert block[0x010F] == "Maker"
        assert block.get(0x0112, 1) == 1
        assert block[0x011A] == 300
        inner = block.get_ifd(0x8769)
        assert (inner[0x9003], inner[0xA002], inner[0xA003]) == (DATE, *size)
        assert block.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_metadata_goes_from_every_format_to_every_other(
    tmp_path: Path, kind: str, ending: str
) -> None:
    picture = read_picture(photo(tmp_path / "in", kind, orientation=6))
    frame = picture.frame
    assert frame.shape == (96, 64, 3)
    write_picture(tmp_path / f"out{ending}", frame, picture)
    check(tmp_path / f"out{ending}", (64, 96))
    again = read_picture(tmp_path / f"out{ending}")  # turned once, and not twice
    assert np.abs(again.frame.astype(int) - frame).mean() < 4


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_16_bits_and_metadata_go_together(tmp_path: Path, ending: str, alpha: bool) -> None:
    like = read_picture(photo(tmp_path / "in.jpg"))
    deep = like.pixels.astype(np.uint16) * 257 + 3
    plane = deep[..., 0].copy() if alpha else None
    write_picture(tmp_path / f"out{ending}", Picture(deep, plane, like.profile, like.exif))
    check(tmp_path / f"out{ending}", (96, 64))
    again = read_picture(tmp_path / f"out{ending}")
    np.testing.assert_array_equal(again.pixels, deep)
    if plane is not None:
        np.testing.assert_array_equal(again.alpha, plane)


def test_the_size_in_exif_is_that_of_the_enlarged_picture(tmp_path: Path) -> None:
    picture = read_picture(photo(tmp_path / "in.jpg"))
    large = np.asarray(Image.fromarray(picture.frame).resize((192, 128)))
    write_picture(tmp_path / "out.jpg", large, picture)
    check(tmp_path / "out.jpg", (192, 128))


def test_a_thumbnail_of_the_old_picture_is_left_out(tmp_path: Path) -> None:
    block = exif().tobytes()
    with Image.open(photo(tmp_path / "in.tif", "TIFF")) as image:
        image.save(tmp_path / "in.jpg", exif=block)
    written = read_picture(tmp_path / "in.jpg").exif
    assert written is not None
    again = Image.Exif()
    again.load(written)
    assert not again.get_ifd(1)
    assert not {256, 257, 273, 279} & set(again)  # how the TIFF stored its pixels


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_a_grey_profile_stays_with_grey(tmp_path: Path, ending: str) -> None:
    write_picture(tmp_path / f"grey{ending}", Picture(PHOTO[..., 0].copy(), profile=GREY))
    with Image.open(tmp_path / f"grey{ending}") as image:
        assert (image.mode, image.info["icc_profile"]) == ("L", GREY)


@pytest.mark.parametrize(
    ("name", "picture", "what"),
    [
        ("grey.webp", Picture(PHOTO[..., 0].copy(), profile=GREY), "colour profile"),
        ("photo.bmp", Picture(PHOTO, profile=SRGB), "colour profile"),
        ("photo.bmp", Picture(PHOTO, exif=exif().tobytes()[6:]), "EXIF"),
        ("photo.jpg", Picture(PHOTO, exif=exif().tobytes()[6:] + bytes(70_000)), "EXIF"),
    ],
)
def test_metadata_is_dropped_only_on_demand(
    tmp_path: Path, name: str, picture: Picture, what: str
) -> None:
    with pytest.raises(MediaError, match=f"cannot hold this {what}"):
        write_picture(tmp_path / name, picture)
    write_picture(tmp_path / name, picture, reduce=True)
    again = read_picture(tmp_path / name)
    assert (again.profile, again.exif) == (None, None)


def test_a_profile_of_other_colours_is_left_out_and_noted(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in.jpg", icc_profile=GREY)
    picture = read_picture(tmp_path / "in.jpg")
    assert picture.profile is None
    assert picture.notes == ("its colour profile is for GRAY and was left out",)


def test_cmyk_without_a_profile_is_noted(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).convert("CMYK").save(tmp_path / "in.jpg")
    picture = read_picture(tmp_path / "in.jpg")
    assert picture.frame.shape == PHOTO.shape
    assert picture.notes == ("CMYK was converted to sRGB without a profile",)


def test_cmyk_with_a_damaged_profile_is_refused(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).convert("CMYK").save(tmp_path / "in.jpg", icc_profile=b"no profile")
    with pytest.raises(MediaError, match="damaged"):
        read_picture(tmp_path / "in.jpg")


def test_damaged_exif_is_noted_and_the_picture_read(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in.jpg", exif=b"Exif\0\0II*\0\xff\xff\0\0")
    picture = read_picture(tmp_path / "in.jpg")
    assert picture.frame.shape == PHOTO.shape
    assert picture.exif is None


def test_the_first_of_several_pages_is_read_and_noted(tmp_path: Path) -> None:
    pages = [Image.fromarray(PHOTO), Image.fromarray(PHOTO[::-1].copy())]
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    picture = read_picture(tmp_path / "in.tif")
    np.testing.assert_array_equal(picture.pixels[..., ::-1], PHOTO)
    assert picture.notes == ("only the first of 2 pictures was read",)


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_quality(tmp_path: Path, ending: str) -> None:
    for quality in (20, 90):
        write_picture(tmp_path / f"{quality}{ending}", PHOTO, quality=quality)
    sizes = [(tmp_path / f"{quality}{ending}").stat().st_size for quality in (20, 90)]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a" + bytes(30), "it is GIF"),
        (b"", "the file is empty"),
        (b"\xff\x0a" + bytes(30), "it is JPEG XL"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(MediaError, match=said):
        read_picture(tmp_path / "photo.jpg")


def test_side_by_side_keeps_the_profile(tmp_path: Path) -> None:
    picture = read_picture(photo(tmp_path / "in.jpg"))
    both = picture.beside(picture.frame)
    assert both.pixels.shape == (64, 196, 3)
    write_picture(tmp_path / "out.png", both)
    with Image.open(io.BytesIO((tmp_path / "out.png").read_bytes())) as image:
        assert image.info["icc_profile"] == SRGB
