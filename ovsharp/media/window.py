"""`Window`: where another program's window is on an X11 desktop, wherever it is moved."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ovsharp.closing import Closing
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.media.desktop import check_desktop
from ovsharp.media.region import Region

_NAMED = 8
"""Titles that an error lists."""
_LONGEST = 1024
"""Of a title, in units of four bytes."""


class Window(Closing):
    """A window of another program, found by its title.

    Args:
        title: the whole of it or a part, in any case.

    Raises:
        MissingExtraError: without the extra that captures screens.
        MediaError: there is no X11 desktop: no display, or Wayland.
        UsageError: another system; no window, or several, have such a title.

    Example:
        >>> with Window("Call with Eileen") as window:  # doctest: +SKIP
        ...     window.region
        Region(left=100, top=80, width=640, height=360)
    """

    def __init__(self, title: str) -> None:
        if not sys.platform.startswith("linux"):
            raise UsageError(
                "windows are found by their titles on X11 only; leave --window out, and drag a "
                "rectangle around the picture"
            )
        check_desktop()
        need("xcffib", extra="screen")
        import xcffib
        import xcffib.xproto

        self._xproto, self._gone = xcffib.xproto, (xcffib.ProtocolException, xcffib.Error)
        self._connection: Any = None
        try:
            connect: Any = xcffib.connect  # without types
            self._connection = connect()
        except xcffib.ConnectionException as error:
            raise MediaError("the desktop cannot be reached: is DISPLAY right?") from error
        self._core: Any = self._connection.core
        self._root = self._connection.get_setup().roots[0].root
        try:
            self.title, self._id = self._find(title)
        except BaseException:
            self.close()
            raise

    @property
    def region(self) -> Region:
        """Where it is now, without its frame.

        Raises:
            MediaError: it was closed, or is hidden.
        """
        try:
            size = self._core.GetGeometry(self._id).reply()
            place = self._core.TranslateCoordinates(self._id, self._root, 0, 0).reply()
            seen = self._is_seen(self._id)
        except self._gone as error:
            raise MediaError(f"the window '{self.title}' was closed") from error
        if not seen:
            raise MediaError(f"the window '{self.title}' is hidden: bring it back, and start again")
        return Region(place.dst_x, place.dst_y, size.width, size.height)

    def close(self) -> None:
        """Let go of the desktop. May be called again."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def _find(self, title: str) -> tuple[str, int]:
        seen = list(self._titled(self._root))
        found = [one for one in seen if title.casefold() in one[0].casefold()]
        found = [one for one in found if one[0].casefold() == title.casefold()] or found
        if not found:
            raise UsageError(f"no window is called '{title}'; there {_list(seen)}")
        if len({name for name, _ in found}) > 1:
            raise UsageError(
                f"several windows are called '{title}', name one: there {_list(found)}"
            )
        return found[-1]  # of some with the same title, the one on top

    def _titled(self, parent: int) -> Iterator[tuple[str, int]]:
        """Give the windows with a title below another one, from the bottom to the top."""
        for window in self._core.QueryTree(parent).reply().children:
            try:
                if not self._is_seen(window):
                    continue
                if name := self._title(window):
                    yield name, window
                else:
                    yield from self._titled(window)
            except self._gone:
                continue  # closed while we looked

    def _is_seen(self, window: int) -> bool:
        state = self._core.GetWindowAttributes(window).reply().map_state
        return bool(state == self._xproto.MapState.Viewable)

    def _title(self, window: int) -> str:
        modern = self._core.InternAtom(False, len("_NET_WM_NAME"), "_NET_WM_NAME").reply().atom
        for name, coding in ((modern, "utf-8"), (self._xproto.Atom.WM_NAME, "latin-1")):
            any_type = self._xproto.GetPropertyType.Any
            told: Any = self._core.GetProperty(False, window, name, any_type, 0, _LONGEST).reply()
            if told.value_len:
                return bytes(told.value.buf()).decode(coding, "replace")
        return ""


def _list(windows: list[tuple[str, int]]) -> str:
    """Name titles.

    Example:
        >>> _list([("Call", 1), ("Call", 2), ("Mail", 3)])
        "are 'Call', 'Mail'"
    """
    names = sorted({name for name, _ in windows})
    if not names:
        return "are none with a title"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "are " + ", ".join(f"'{name}'" for name in names[:_NAMED]) + more
