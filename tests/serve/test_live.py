"""`/v1/live`: frames in order, each with its time; settings; what is no frame."""

from __future__ import annotations

import json
import struct
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import WebSocketDisconnect

from ovsharp.runtime import Session
from ovsharp.serve import Limits, Models
from tests.serve.rooms import encoded, photo, server

PATH = "ws://localhost/v1/live"


def message(time: float, picture: Any) -> bytes:
    return struct.pack(">d", time) + encoded(picture, ".jpg")


def next_frame(socket: Any) -> tuple[float, Any]:
    while "bytes" not in (told := socket.receive()):
        pass
    data = told["bytes"]
    return struct.unpack(">d", data[:8])[0], cv2.imdecode(np.frombuffer(data[8:], np.uint8), 1)


def test_frames_come_back_sharpened_in_order_with_their_times(client: Any, models: Models) -> None:
    with client.websocket_connect(PATH) as socket, models.session(None) as session:
        for index in range(6):
            picture = photo(48, 64, seed=index)
            socket.send_bytes(message(1000.5 + index, picture))
            time, got = next_frame(socket)
            sent = cv2.imdecode(np.frombuffer(encoded(picture, ".jpg"), np.uint8), 1)
            expected = session(np.asarray(sent, np.uint8))
            assert time == 1000.5 + index
            assert np.abs(got.astype(int) - expected).mean() < 6  # one more JPEG


def test_strength_and_off(client: Any) -> None:
    with client.websocket_connect(PATH + "?strength=0.5") as socket:
        socket.send_bytes(message(1, photo()))
        told = json.loads(socket.receive_text())
        assert told["sharpened"] is True
        next_frame(socket)
        socket.send_text('{"on": false}')
        socket.send_bytes(message(2, photo()))
        assert json.loads(socket.receive_text())["model"] == "off"
        next_frame(socket)


def test_two_in_flight_and_others_are_told_late(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, plain = threading.Event(), Session.__call__

    def slow(self: Session, *arguments: Any, **options: Any) -> Any:
        assert go.wait(20)
        return plain(self, *arguments, **options)

    monkeypatch.setattr(Session, "__call__", slow)
    with client.websocket_connect(PATH) as socket:
        for time in range(4):
            socket.send_bytes(message(time, photo()))
        late = [json.loads(socket.receive_text())["late"] for _ in range(2)]
        go.set()
        assert late == [2, 3]
        assert [next_frame(socket)[0] for _ in range(2)] == [0, 1]
    assert "ovsharp_late_frames_total 2.0" in client.get("/metrics").text


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"short",
        bytes(8),
        bytes(8) + b"no JPEG",
        bytes(8) + encoded(photo()),  # a PNG
        bytes(8) + encoded(photo(), ".jpg")[:60],
        bytes(8) + encoded(np.zeros((2000, 2000, 3), np.uint8), ".jpg"),
        '{"strength": 7}',
        '{"strength": "much"}',
        "[1]",
        "no JSON",
    ],
    ids=range(11),
)
def test_what_is_no_frame_is_told_and_ends_it(client: Any, wrong: Any) -> None:
    with client.websocket_connect(PATH) as socket:
        send = socket.send_text if isinstance(wrong, str) else socket.send_bytes
        send(wrong)
        assert json.loads(socket.receive_text())["error"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    with client.websocket_connect(PATH) as socket:  # the place is free again
        socket.send_bytes(message(1, photo()))
        assert next_frame(socket)[0] == 1


def test_as_many_cameras_as_are_allowed(models: Models, room: Path) -> None:
    with (
        server(models, room, limits=Limits(streams=1)) as client,
        client.websocket_connect(PATH) as one,
    ):
        with client.websocket_connect(PATH) as other:
            assert "1 cameras" in json.loads(other.receive_text())["error"]
        one.send_bytes(message(1, photo()))
        assert next_frame(one)[0] == 1


def test_a_model_that_is_not_there(client: Any) -> None:
    with client.websocket_connect(PATH + "?model=/etc/passwd") as socket:
        assert "no model" in json.loads(socket.receive_text())["error"]
