"""Which pixel format an encoder is given: one that keeps what the source has."""

from __future__ import annotations

_CHROMA = {
    "420": ("420", "422", "444"),
    "422": ("422", "444", "420"),
    "444": ("444", "422", "420"),
}
"""Samplings of colour, and what to take for each: first what keeps all of it."""


def layout_for(
    encoder: str, usual: str, source: str | None, *, deep: bool = False, alpha: tuple[str, ...] = ()
) -> str:
    """Choose the pixel format for an encoder.

    Args:
        encoder: what FFmpeg calls it.
        usual: the pixel format that it gets where nothing else is to be kept.
        source: that of the source; None for frames without one, in RGB.
        deep: keep more than 8 bits, where the encoder can.
        alpha: layouts with transparency, of which one is to be chosen; none if it is not kept.

    Returns:
        The one of the encoder's that keeps the source's sampling of colour, or `usual`.

    Example:
        >>> [layout_for(name, "yuv420p", "yuvj444p") for name in ("libx264", "libsvtav1")]
        ['yuv444p', 'yuv420p']
    """
    import av

    formats = av.Codec(encoder, "w").video_formats or ()
    takes = {form.name for form in formats}
    deepest = ("12le",) if bits(source) > 10 else ()
    kind = "yuva" if alpha else "yuv"
    for chroma in _CHROMA[sampling(source)]:
        for depth in (*deepest, "10le", "") if deep else ("", "10le"):
            if (name := f"{kind}{chroma}p{depth}") in (alpha or takes):
                return name
    return alpha[0] if alpha else usual


def sampling(source: str | None) -> str:
    """Tell how often a pixel format samples colour: 420, 422 or 444.

    RGB counts as 420: what is made of it is to play everywhere.

    Example:
        >>> sampling("yuv422p10le"), sampling("nv12"), sampling("gray")
        ('422', '420', '420')
    """
    from av import VideoFormat

    form = None if source is None else VideoFormat(source, 64, 64)
    if form is None or form.is_rgb or len(form.components) < 3:
        return "420"
    wide, high = form.chroma_width(64), form.chroma_height(64)
    if high < 64:
        return "444" if wide == 64 else "420"
    return "444" if wide == 64 else "422"


def bits(pixels: str | None) -> int:
    """Tell how many bits a pixel format has for a value; 8 for None.

    Example:
        >>> bits("yuv420p10le"), bits("nv12")
        (10, 8)
    """
    from av import VideoFormat

    return 8 if pixels is None else VideoFormat(pixels, 64, 64).components[0].bits


def steps(pixels: str) -> tuple[int, int]:
    """Give the numbers that width and height must be multiples of.

    Example:
        >>> steps("yuv420p"), steps("yuv422p10le"), steps("yuv444p")
        ((2, 2), (2, 1), (1, 1))
    """
    from av import VideoFormat

    form = VideoFormat(pixels, 64, 64)
    return 64 // form.chroma_width(64), 64 // form.chroma_height(64)
