"""Image files come in as frames and go out as what they were."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from ovsharp.errors import MediaError
from ovsharp.media import Picture, read_frame, read_picture, side_by_side, write_picture
from tests.photos import crop

PHOTO = crop(100, 180, 60, 100)
DEEP = PHOTO.astype(np.uint16) * 255 + np.arange(100, dtype=np.uint16)[:, None]
ALPHA = np.ascontiguousarray(data.astronaut()[:60, :100, 0])
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def save(path: Path, image: Image.Image, kind: str, **options: Any) -> Path:
    """Write with Pillow: another hand than the one that reads."""
    image.save(path, kind, **options)
    return path


def png(width: int, height: int, colour_type: int = 2, bits: int = 8, pixels: bytes = b"") -> bytes:
    """Draw a PNG by hand, whatever its header claims."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    )


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_colour_is_read_as_bgr(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / "photo", Image.fromarray(PHOTO[..., ::-1]), kind)
    frame = read_frame(path)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    np.testing.assert_array_equal(frame, PHOTO)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_are_read_closely(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / "photo", Image.fromarray(PHOTO[..., ::-1]), kind, quality=95)
    assert np.abs(read_frame(path).astype(int) - PHOTO).mean() < 4


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.jpg", Image.fromarray(PHOTO[..., ::-1]), "PNG")
    np.testing.assert_array_equal(read_frame(path), PHOTO)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "JPEG"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / "grey", Image.fromarray(PHOTO[..., 1]), kind)
    picture = read_picture(path)
    assert picture.grey
    assert picture.frame.shape == PHOTO.shape
    assert (picture.frame == picture.pixels[..., None]).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_set_apart(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(PHOTO[..., ::-1]).convert(mode)
    image.putalpha(Image.fromarray(ALPHA))
    picture = read_picture(save(tmp_path / "alpha.png", image, "PNG"))
    assert picture.grey == (mode == "LA")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, ALPHA)
    assert picture.frame.shape == PHOTO.shape


def test_a_palette_with_transparency_becomes_colour_with_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(PHOTO[..., ::-1]).quantize(16)
    picture = read_picture(save(tmp_path / "palette.png", image, "PNG", transparency=3))
    assert not picture.grey
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (np.asarray(image) == 3)).all()


def test_16_bits_are_rounded_to_8_for_the_network(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257, 65535 - 128, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    picture = read_picture(tmp_path / "deep.png")
    assert picture.depth == 16
    np.testing.assert_array_equal(picture.pixels, values)
    np.testing.assert_array_equal(picture.frame[..., 0], [[0, 0, 1, 1, 255, 255]])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, kind: str, orientation: int) -> None:
    drawn = np.zeros((24, 40, 3), np.uint8)
    drawn[:8, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "turned", Image.fromarray(drawn), kind, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    frame = read_frame(path)
    assert frame.shape == upright.shape
    assert np.abs(frame.astype(int) - upright).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("kept", [0.3, 0.95])
def test_truncated_files_are_refused(tmp_path: Path, kind: str, kept: float) -> None:
    path = save(tmp_path / "cut", Image.fromarray(PHOTO[..., ::-1]), kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(MediaError, match=r"damaged|truncated"):
        read_frame(path)


def test_corrupt_pixels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "bad.png", Image.fromarray(PHOTO), "PNG")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(MediaError, match="PNG image that is damaged"):
        read_frame(path)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" * 9])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(content)
    with pytest.raises(MediaError, match=r"photo\.png is no image"):
        read_frame(tmp_path / "photo.png")


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_frame(tmp_path / "nothing.png")
    with pytest.raises(IsADirectoryError):
        read_frame(tmp_path)


@pytest.mark.parametrize("size", [(13_000, 13_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_huge_claim_is_refused_before_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png(*size))
    with pytest.raises(MediaError, match=r"bomb\.png is too large.* at most 150 megapixels"):
        read_frame(tmp_path / "bomb.png")


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0+"])
def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(20 << 30)  # a sparse file: it takes no room on the disk
    with pytest.raises(MediaError, match=r"too large, with 21\.5 GB: expected at most 150 mega"):
        read_frame(path)


def test_the_limit_of_pixels_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_MEGAPIXELS", "0.0002")
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO[:10, :20])
    assert read_frame(tmp_path / "a.png").shape == (10, 20, 3)
    cv2.imwrite(str(tmp_path / "b.png"), PHOTO[:10, :21])
    with pytest.raises(MediaError, match=r"21x10 pixels: .* 0\.0002 megapixels \(OVSHARP_MAX_"):
        read_frame(tmp_path / "b.png")


def test_channels_that_would_be_lost_are_refused(tmp_path: Path) -> None:
    float_image = Image.fromarray(PHOTO[..., 0].astype(np.float32))
    with pytest.raises(MediaError, match="of a kind that ovsharp does not read"):
        read_picture(save(tmp_path / "float.tif", float_image, "TIFF"))
    lab = Image.fromarray(PHOTO).convert("LAB")
    with pytest.raises(MediaError, match="of a kind that ovsharp does not read"):
        read_picture(save(tmp_path / "lab.tif", lab, "TIFF"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_frame_is_written_and_read_again(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"photo{ending}"
    write_picture(path, PHOTO)
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(rgb[..., ::-1] - PHOTO).mean() < 4
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".bmp"])
def test_grey_stays_grey(tmp_path: Path, ending: str) -> None:
    like = Picture(PHOTO[..., 1].copy())
    write_picture(tmp_path / f"grey{ending}", PHOTO, like)
    with Image.open(tmp_path / f"grey{ending}") as image:
        assert image.mode == "L"


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_alpha_is_kept_and_enlarged(tmp_path: Path, ending: str, scale: int) -> None:
    size = (100 * scale, 60 * scale)
    frame = cv2.resize(PHOTO, size, interpolation=cv2.INTER_CUBIC)
    write_picture(tmp_path / f"alpha{ending}", frame, Picture(PHOTO, ALPHA))
    written = read_picture(tmp_path / f"alpha{ending}")
    assert written.alpha is not None
    expected = cv2.resize(ALPHA, size, interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(written.alpha, expected)


@pytest.mark.parametrize("ending", [".jpg"])
def test_alpha_is_dropped_only_on_demand(tmp_path: Path, ending: str) -> None:
    path, picture = tmp_path / f"alpha{ending}", Picture(PHOTO, ALPHA)
    with pytest.raises(MediaError, match=r"JPEG cannot hold alpha; write a \.png"):
        write_picture(path, PHOTO, picture)
    assert not path.exists()
    write_picture(path, PHOTO, picture, reduce=True)
    assert read_picture(path).alpha is None


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".bmp"])
def test_16_bits_are_dropped_only_on_demand(tmp_path: Path, ending: str) -> None:
    path, picture = tmp_path / f"deep{ending}", Picture(DEEP)
    with pytest.raises(MediaError, match="cannot hold 16 bits"):
        write_picture(path, picture.frame, picture)
    write_picture(path, picture.frame, picture, reduce=True)
    assert np.abs(read_frame(path).astype(int) - picture.frame).mean() < 4


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("grey", [False, True])
def test_16_bits_survive_where_the_network_changes_nothing(
    tmp_path: Path, ending: str, grey: bool
) -> None:
    picture = Picture(DEEP[..., 0].copy() if grey else DEEP)
    frame = picture.frame.copy()
    frame[10:20] = np.minimum(frame[10:20], 250) + 5
    write_picture(tmp_path / f"deep{ending}", frame, picture)
    written = read_picture(tmp_path / f"deep{ending}")
    assert (written.depth, written.grey) == (16, grey)
    rest = np.r_[0:10, 20:60]
    np.testing.assert_array_equal(written.pixels[rest], picture.pixels[rest])
    low = picture.frame[10:20] <= 250
    low = low[..., 0] if grey else low
    added = written.pixels[10:20].astype(int) - picture.pixels[10:20]
    assert (added[low] == 5 * 257).all()


def test_16_bit_pictures_are_enlarged_in_16_bits() -> None:
    picture = Picture(DEEP)
    large = cv2.resize(DEEP, (200, 120), interpolation=cv2.INTER_CUBIC)
    eight = ((large.astype(np.uint32) + 128) // 257).astype(np.uint8)
    np.testing.assert_array_equal(picture.sharpened(eight).pixels, large)


def test_a_16_bit_correction_is_clamped() -> None:
    picture = Picture(np.array([[100, 65500]], np.uint16))
    darker = np.zeros((1, 2, 3), np.uint8)
    assert picture.sharpened(darker).pixels.tolist() == [[100, 0]]
    lighter = np.full((1, 2, 3), 255, np.uint8)
    assert picture.sharpened(lighter).pixels.tolist() == [[65535, 65500]]


def test_16_bit_grey_with_alpha(tmp_path: Path) -> None:
    rows = np.dstack([DEEP[..., 0], DEEP[..., 1]]).astype(">u2")
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    (tmp_path / "la.png").write_bytes(png(100, 60, colour_type=4, bits=16, pixels=pixels))
    picture = read_picture(tmp_path / "la.png")
    write_picture(tmp_path / "again.png", picture.frame, picture)
    again = read_picture(tmp_path / "again.png")
    assert again.alpha is not None
    np.testing.assert_array_equal(again.alpha, DEEP[..., 1])
    np.testing.assert_array_equal(again.pixels, np.repeat(DEEP[..., :1], 3, axis=2))


@pytest.mark.parametrize("shape", [(60, 101, 3), (30, 50, 3), (120, 100, 3)])
def test_a_result_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError, match="does not belong to an image of 100x60"):
        Picture(PHOTO).sharpened(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("name", ["photo.gif", "photo"])
def test_unknown_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=rf"format of {name}: expected a name ending in \.png"):
        write_picture(tmp_path / name, PHOTO)


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot write 17000x4 pixels as WebP"):
        write_picture(tmp_path / "wide.webp", np.zeros((4, 17_000, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "photo.png", PHOTO)
    before = (tmp_path / "photo.png").read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_picture(tmp_path / "photo.png", PHOTO // 2)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert (tmp_path / "photo.png").read_bytes() == before


@pytest.mark.parametrize("scale", [1, 2])
def test_side_by_side(scale: int) -> None:
    after = np.full((60 * scale, 100 * scale, 3), 7, np.uint8)
    both = side_by_side(PHOTO, after)
    assert both.shape == (60 * scale, 200 * scale + 4, 3)
    before = cv2.resize(PHOTO, (100 * scale, 60 * scale), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(both[:, : 100 * scale], before)
    assert (both[:, 100 * scale : -100 * scale] == 255).all()
    np.testing.assert_array_equal(both[:, -100 * scale :], after)


def test_reading_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "TIFF")
    (tmp_path / "cut.tif").write_bytes(buffer.getvalue()[:-50])
    with pytest.raises(MediaError):
        read_frame(tmp_path / "cut.tif")
    assert capfd.readouterr().err == ""
