"""What image files have beyond 8-bit colour comes out as it went in; Pillow and tifffile judge."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, JpegImagePlugin, PngImagePlugin
from skimage import data

from ovsharp.errors import MediaError
from ovsharp.media import Picture, read_picture, write_picture

PHOTO = np.ascontiguousarray(data.astronaut()[100:148, 180:252])
ALPHA = np.tile(np.arange(0, 252, 3.5, dtype=np.float32).astype(np.uint8)[:72], (48, 1))
GREY = np.ascontiguousarray(PHOTO[..., 1])
DISPLAY_P3 = bytes((12, 13, 0, 1))


def again(source: Path, ending: str, **options: Any) -> Path:
    """Go through ovsharp, with a network that leaves the frame alone."""
    picture = read_picture(source)
    target = source.parent / f"again{ending}"
    write_picture(target, picture.frame, picture, **options)
    return target


def png(path: Path, *chunks: tuple[bytes, bytes], after: bool = False) -> Path:
    """Write a PNG with chunks in front of its pixels, or behind them."""
    out = io.BytesIO()
    Image.fromarray(PHOTO).save(out, "PNG")
    content = out.getvalue()
    place = content.index(b"IEND") - 4 if after else 33
    added = io.BytesIO()
    for kind, data_ in chunks:
        PngImagePlugin.putchunk(added, kind, data_)
    path.write_bytes(content[:place] + added.getvalue() + content[place:])
    return path


def chunk(path: Path, kind: bytes) -> bytes | None:
    content = path.read_bytes()
    place = content.find(kind)
    if place < 0:
        return None
    return content[place + 4 : place + 4 + struct.unpack(">I", content[place - 4 : place])[0]]


TIFFS = {
    "rgba": (np.dstack([PHOTO, ALPHA]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "grey and alpha": (
        np.dstack([GREY, ALPHA]),
        {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"},
    ),
}


@pytest.mark.parametrize("name", TIFFS)
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_with_alpha_is_read_as_it_is_and_written_so(
    tmp_path: Path, name: str, compression: str | None, deep: bool, byteorder: Any
) -> None:
    stored, options = TIFFS[name]
    stored = stored.astype(np.uint16) * 257 + 3 if deep else stored
    tifffile.imwrite(
        tmp_path / "in.tif", stored, compression=compression, byteorder=byteorder, **options
    )
    picture = read_picture(tmp_path / "in.tif")
    assert picture.notes == ()
    with tifffile.TiffFile(again(tmp_path / "in.tif", ".tif")) as tiff:
        page = tiff.pages.first
        np.testing.assert_array_equal(page.asarray(), stored)
        assert [int(kind) for kind in page.extrasamples] == [2]  # not multiplied in


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_alpha_that_is_multiplied_in_is_taken_out(
    tmp_path: Path, compression: str | None, grey: bool, deep: bool
) -> None:
    top, dtype = (65535, np.uint16) if deep else (255, np.uint8)
    alpha = np.maximum(ALPHA.astype(np.float64) * (top // 255), top // 4)
    colours = (GREY[..., None] if grey else PHOTO).astype(np.float64) * (top // 255)
    stored = np.rint(np.dstack([colours * alpha[..., None] / top, alpha])).astype(dtype)
    tifffile.imwrite(
        tmp_path / "in.tif",
        stored,
        compression=compression,
        photometric="minisblack" if grey else "rgb",
        extrasamples=["assocalpha"],
        planarconfig="contig",
    )
    assert "multiplied into the colours" in read_picture(tmp_path / "in.tif").notes[0]
    written = tifffile.imread(again(tmp_path / "in.tif", ".tif")).astype(int)
    assert np.abs(written[..., :-1] - colours).max() <= 2
    np.testing.assert_array_equal(written[..., -1], stored[..., -1])


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("kinds", [["unspecified"], ["unspecified", "unassalpha"]])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_without_a_meaning_are_left_out_and_noted(
    tmp_path: Path, colours: int, kinds: list[str], dtype: type
) -> None:
    stored = np.dstack([PHOTO[..., :colours], *([ALPHA] * len(kinds))]).astype(dtype)
    tifffile.imwrite(
        tmp_path / "in.tif",
        stored,
        photometric="rgb" if colours == 3 else "minisblack",
        extrasamples=kinds,
        planarconfig="contig",
    )
    picture = read_picture(tmp_path / "in.tif")
    assert picture.notes == ("a channel to which the file gives no meaning was left out",)
    rgb = picture.pixels if picture.grey else picture.pixels[..., ::-1]
    np.testing.assert_array_equal(np.atleast_3d(rgb), stored[..., :colours])
    assert (picture.alpha is not None) == ("unassalpha" in kinds)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_knows_which_end_is_white(tmp_path: Path, photometric: Any, dtype: type) -> None:
    stored = GREY.astype(dtype)
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric=photometric)
    white = np.iinfo(dtype).max - stored if photometric == "miniswhite" else stored
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").pixels, white)


def test_16_bit_tiff_of_other_compressions_is_read(tmp_path: Path) -> None:
    deep = PHOTO.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "in.tif"), deep, [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    with tifffile.TiffFile(tmp_path / "in.tif") as tiff:
        assert tiff.pages.first.compression == 5  # LZW, which tifffile alone does not decode
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").pixels, deep)


@pytest.mark.parametrize("alpha", [False, True])
def test_planes_of_a_tiff_may_lie_apart(tmp_path: Path, alpha: bool) -> None:
    deep = np.dstack([PHOTO, ALPHA] if alpha else [PHOTO]).astype(np.uint16) * 257
    tifffile.imwrite(
        tmp_path / "in.tif",
        np.moveaxis(deep, 2, 0),
        photometric="rgb",
        planarconfig="separate",
        extrasamples=["unassalpha"] if alpha else None,
    )
    np.testing.assert_array_equal(
        read_picture(tmp_path / "in.tif").pixels[..., ::-1], deep[..., :3]
    )


def test_a_colour_that_stands_for_transparency_becomes_alpha(tmp_path: Path) -> None:
    level = int(GREY[5, 5])
    Image.fromarray(GREY).save(tmp_path / "in.png", transparency=level)
    picture = read_picture(tmp_path / "in.png")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, np.where(level == GREY, 0, 255))
    with Image.open(again(tmp_path / "in.png", ".png")) as image:
        assert image.mode == "LA"
        np.testing.assert_array_equal(np.asarray(image)[..., 0], GREY)


def test_565_bitmaps_reach_white(tmp_path: Path) -> None:
    head = b"BM" + struct.pack("<IIIIiiHHIIiiIIIII", 0, 0, 66, 40, 2, 1, 1, 16, 3, 0, 0, 0, 0, 0,
                               0xF800, 0x07E0, 0x001F)  # fmt: skip
    (tmp_path / "in.bmp").write_bytes(head + struct.pack("<HH", 0xFFFF, 0x0000))
    assert read_picture(tmp_path / "in.bmp").pixels.tolist() == [[[255] * 3, [0] * 3]]


def test_hidden_colours_do_not_reach_the_edge() -> None:
    """A white disc on black that nobody sees: what is seen stays white, also enlarged."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    alpha = np.zeros((32, 32), np.uint8)
    cv2.circle(alpha, (16, 16), 10, 255, -1)
    pixels[alpha > 0] = 255
    picture = Picture(pixels, alpha)
    assert (picture.frame == 255).all()
    large = picture.sharpened(cv2.resize(picture.frame, (128, 128), interpolation=cv2.INTER_CUBIC))
    assert large.alpha is not None
    assert (large.pixels[large.alpha > 0] == 255).all()
    small = picture.resized(13, 13)
    assert small.alpha is not None
    assert (small.pixels[small.alpha > 0] == 255).all()
    np.testing.assert_array_equal(picture.sharpened(picture.frame).pixels, pixels)


@pytest.mark.parametrize("quality", [60, 85, 98])
@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_jpeg_keeps_its_sampling_and_its_tables(
    tmp_path: Path, quality: int, sampling: int, scale: int
) -> None:
    source = tmp_path / "in.jpg"
    Image.fromarray(PHOTO).save(source, quality=quality, subsampling=sampling, progressive=True)
    picture = read_picture(source)
    large = cv2.resize(picture.frame, None, fx=scale, fy=scale)
    notes = write_picture(tmp_path / "out.jpg", large, picture)
    with Image.open(source) as before, Image.open(tmp_path / "out.jpg") as after:
        assert JpegImagePlugin.get_sampling(after) == sampling
        assert after.quantization == before.quantization
        assert after.info["progressive"]
    assert bool(notes) == (quality == 60)
    assert not notes or "the JPEG quality of its source, 60" in notes[0]
    write_picture(tmp_path / "told.jpg", large, picture, quality=30)
    with Image.open(tmp_path / "told.jpg") as told:
        assert sum(told.quantization[0]) > sum(after.quantization[0])
        assert JpegImagePlugin.get_sampling(told) == sampling


def test_a_jpeg_of_another_format_has_all_colours(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.jpg", PHOTO)
    with Image.open(tmp_path / "out.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("profile", [None, bytes(100)])
def test_a_webp_without_loss_stays_one(
    tmp_path: Path, lossless: bool, profile: bytes | None
) -> None:
    Image.fromarray(np.dstack([PHOTO, ALPHA])).save(
        tmp_path / "in.webp", lossless=lossless, exact=True, exif=b"Exif\0\0" + bytes(9),
        **({} if profile is None else {"icc_profile": profile}),
    )  # fmt: skip
    with Image.open(tmp_path / "in.webp") as before:
        first = np.asarray(before.convert("RGBA"))
    with Image.open(again(tmp_path / "in.webp", ".webp")) as after:
        same = np.array_equal(np.asarray(after.convert("RGBA")), first)
    assert same == lossless


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"gAMA", struct.pack(">I", 100_000)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
        (b"cICP", DISPLAY_P3),
        (b"sRGB", b"\0"),
        (b"tEXt", b"Title\0A photo"),
    ],
)
def test_what_a_png_says_stays_in_a_png(tmp_path: Path, kind: bytes, content: bytes) -> None:
    source = png(tmp_path / "in.png", (kind, content))
    assert chunk(again(source, ".png"), kind) == content


@pytest.mark.parametrize(
    "said",
    [
        [(b"gAMA", struct.pack(">I", 100_000))],
        [(b"gAMA", struct.pack(">I", 45_455)), (b"cICP", DISPLAY_P3)],
    ],
)
def test_colours_that_no_profile_describes_are_lost_only_on_demand(
    tmp_path: Path, said: list[tuple[bytes, bytes]]
) -> None:
    source = png(tmp_path / "in.png", *said)
    with pytest.raises(MediaError, match=r"JPEG cannot hold its colours.*gAMA, cHRM, cICP"):
        again(source, ".jpg")
    assert again(source, ".jpg", reduce=True).exists()


def test_srgb_in_other_words_goes_everywhere(tmp_path: Path) -> None:
    primaries = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    source = png(tmp_path / "in.png", (b"gAMA", struct.pack(">I", 45_455)), (b"cHRM", primaries))
    assert again(source, ".jpg").exists()


def test_texts_of_a_png_that_cannot_be_kept_are_noted(tmp_path: Path) -> None:
    picture = read_picture(png(tmp_path / "in.png", (b"tEXt", b"Title\0A photo")))
    assert write_picture(tmp_path / "out.png", picture) == ()
    assert write_picture(tmp_path / "out.jpg", picture) == ("the texts of a PNG were left out",)


def test_exif_behind_the_pixels_turns_the_picture(tmp_path: Path) -> None:
    block = Image.Exif()
    block[0x0112], block[0x010F] = 6, "Maker"
    source = png(tmp_path / "in.png", (b"eXIf", block.tobytes()[6:]), after=True)
    picture = read_picture(source)
    np.testing.assert_array_equal(picture.pixels[..., ::-1], np.rot90(PHOTO, -1))
    with Image.open(again(source, ".png")) as image:
        image.load()
        assert image.getexif()[0x010F] == "Maker"
        assert 0x0112 not in image.getexif()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".bmp", ".webp"])
def test_the_resolution_is_kept(tmp_path: Path, ending: str, deep: bool) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in.png", dpi=(300, 150))
    picture = read_picture(tmp_path / "in.png")
    if deep:
        picture = Picture(picture.pixels.astype(np.uint16) * 257, origin=picture.origin)
    write_picture(tmp_path / f"out{ending}", picture, reduce=True)
    with Image.open(tmp_path / f"out{ending}") as image:
        if ending == ".webp":
            said = (image.getexif()[282], image.getexif()[283])
        else:
            said = image.info["dpi"]
        assert [round(float(value)) for value in said] == [300, 150]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
def test_a_resolution_that_nobody_named_is_not_invented(tmp_path: Path, kind: str) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "in", kind)
    assert read_picture(tmp_path / "in").origin.dpi is None


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".webp"])
def test_xmp_is_kept_without_its_orientation(tmp_path: Path, kind: str, ending: str) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6" dc:title="a"/>'
    options: dict[str, Any] = {"xmp": xmp}
    if kind == "PNG":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    if kind == "TIFF":
        options = {"tiffinfo": {700: xmp}}
    Image.fromarray(PHOTO).save(tmp_path / "in", kind, **options)
    with Image.open(again(tmp_path / "in", ending)) as image:
        image.load()
        said = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    text = said.decode() if isinstance(said, bytes) else str(said)
    assert text.rstrip("\0").split() == xmp.decode().replace('tiff:Orientation="6"', "").split()


def test_iptc_stays_in_a_jpeg_and_is_noted_elsewhere(tmp_path: Path) -> None:
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02x\0\x03abc"
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    Image.fromarray(PHOTO).save(tmp_path / "in.jpg", extra=segment)
    assert segment in again(tmp_path / "in.jpg", ".jpg").read_bytes()
    picture = read_picture(tmp_path / "in.jpg")
    assert write_picture(tmp_path / "out.png", picture) == ("IPTC was left out",)


def test_a_file_beyond_all_sense_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = png(tmp_path / "sparse.png")
    with path.open("r+b") as file:
        file.truncate(20_000_000_000)
    with pytest.raises(MediaError, match=r"sparse\.png is too large, with 20\.0 GB"):
        read_picture(path)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_that_claims_a_huge_size_is_refused(tmp_path: Path, bits: int) -> None:
    dtype = np.uint16 if bits == 16 else np.uint8
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((4, 4, 3), dtype), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+b") as tiff:
        tiff.pages.first.tags["ImageWidth"].overwrite(60_000, dtype=3)
        tiff.pages.first.tags["ImageLength"].overwrite(60_000, dtype=3)
    with pytest.raises(MediaError, match="too large"):
        read_picture(tmp_path / "in.tif")


def test_a_chunk_that_claims_memory_gets_none(tmp_path: Path) -> None:
    """16-bit PNG is left to OpenCV, which would take the gigabyte first."""
    cv2.imwrite(str(tmp_path / "in.png"), PHOTO.astype(np.uint16))
    content = bytearray((tmp_path / "in.png").read_bytes())
    place = content.index(b"IDAT")
    content[place - 4 : place] = struct.pack(">I", 0x40000000)
    (tmp_path / "in.png").write_bytes(content)
    before = _memory()
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_picture(tmp_path / "in.png")
    assert _memory() - before < 200 << 10


def _memory() -> int:
    """KiB that this process had at most."""
    resource = pytest.importorskip("resource", reason="there is none on Windows")
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damaged_deep_tiff_is_refused_in_silence(
    tmp_path: Path, compression: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", noise, photometric="rgb", compression=compression)
    content = bytearray((tmp_path / "in.tif").read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 2] ^= 0xFF
    (tmp_path / "in.tif").write_bytes(content)
    with pytest.raises(MediaError, match="damaged"):
        read_picture(tmp_path / "in.tif")
    assert capfd.readouterr().err == ""
