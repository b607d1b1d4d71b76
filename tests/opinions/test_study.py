from __future__ import annotations

import http.client
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp.errors import MediaError, UsageError
from ovsharp.opinions import (
    Ballots,
    Choices,
    Conditions,
    Models,
    Ratings,
    Study,
    StudyServer,
    analyse,
    open_study,
    read_study,
)
from ovsharp.opinions.storage import clean_code
from tests.opinions.ratings import SECRETS, fill, folder_of_conditions


@pytest.fixture
def stimuli(tmp_path: Path) -> Path:
    return folder_of_conditions(tmp_path / "stimuli")


class Client:
    """Talks to a server as a browser does."""

    def __init__(self, server: StudyServer) -> None:
        self.address = server.server_address[:2]

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        host, port = self.address
        connection = http.client.HTTPConnection(str(host), port, timeout=20)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} if headers is None else headers
        connection.request(method, path, data, given)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def json(self, path: str, body: Any = None) -> Any:
        response, content = self.ask("GET" if body is None else "POST", path, body)
        assert response.status == 200, content
        return json.loads(content)

    def join(self, rater: str) -> Any:
        screen = {"width": 800, "height": 600, "density": 2}
        return self.json("/api/join", {"rater": rater, **screen})

    def question(self, rater: str, at: int) -> Any:
        return self.json(f"/api/question?rater={rater}&at={at}")

    def vote(self, rater: str, at: int, vote: int) -> Any:
        values = {"rater": rater, "at": at, "vote": vote, "milliseconds": 900}
        return self.json("/api/vote", values)


@pytest.fixture
def served(tmp_path: Path, stimuli: Path) -> Iterator[tuple[Study, StudyServer, Client]]:
    study = open_study(tmp_path / "study", Conditions(stimuli), "acr", practice=2)
    with StudyServer(study, tmp_path / "study") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield study, server, Client(server)
        server.shutdown()


@pytest.mark.parametrize(("method", "count"), [("acr", 9), ("pairs", 9)])
def test_every_rater_gets_everything_once_in_an_order_of_their_own(
    tmp_path: Path, stimuli: Path, method: Any, count: int
) -> None:
    study = open_study(tmp_path / "study", Conditions(stimuli), method, practice=2)
    orders = [study.trials(f"r{index}") for index in range(8)]
    for trials in orders:
        asked = [trial for trial in trials if not trial.practice]
        assert [trial.practice for trial in trials] == [True] * 2 + [False] * count
        sets = Counter(frozenset({trial.first, trial.second}) for trial in asked)
        assert len(sets) == count
        shown = [next(s for s in study.stimuli if s.id == trial.first).content for trial in asked]
        assert all(one != other for one, other in pairwise(shown))
    assert len(set(orders)) == 8
    assert study.trials("r0") == orders[0]
    assert Study.from_json(study.to_json()).trials("r0") == orders[0]


def test_sides_are_swapped_half_of_the_time(tmp_path: Path, stimuli: Path) -> None:
    study = open_study(tmp_path / "study", Conditions(stimuli), "pairs", practice=0)
    place = {stimulus.id: index for index, stimulus in enumerate(study.stimuli)}
    for rater in ("a", "b", "c"):
        swapped = sum(place[t.first] > place[t.second or ""] for t in study.trials(rater))
        assert swapped in (4, 5)


def test_the_folder_is_gone_on_with_and_another_design_refused(
    tmp_path: Path, stimuli: Path
) -> None:
    folder = tmp_path / "study"
    study = open_study(folder, Conditions(stimuli), "acr")
    assert open_study(folder, Conditions(stimuli), "acr") == study == read_study(folder)
    with pytest.raises(UsageError, match="another method"):
        open_study(folder, Conditions(stimuli), "pairs")
    with pytest.raises(UsageError, match="another seed"):
        open_study(folder, Conditions(stimuli), "acr", seed=2)
    cv2.imwrite(str(stimuli / "hidden-b" / "zebra.png"), np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(UsageError, match="another set of stimuli"):
        open_study(folder, Conditions(stimuli), "acr")
    with pytest.raises(UsageError, match="not empty"):
        open_study(stimuli, Conditions(stimuli), "acr")


def test_stimuli_that_make_no_study_leave_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "study"

    def refused(root: Path, match: str, kind: type[Exception] = UsageError) -> None:
        with pytest.raises(kind, match=match):
            open_study(out, Conditions(root), "acr")
        assert not out.exists()

    refused(tmp_path / "nowhere", "there is no folder")
    refused(folder_of_conditions(tmp_path / "one", 1), "needs two or more")
    missing = folder_of_conditions(tmp_path / "missing")
    (missing / "hidden-b" / "dog.png").unlink()
    refused(missing, "hidden-b lacks 1 of 3 names, the first is 'dog'")
    sizes = folder_of_conditions(tmp_path / "sizes")
    cv2.imwrite(str(sizes / "hidden-c" / "dog.png"), np.zeros((48, 60, 3), np.uint8))
    refused(sizes, "'dog' is 60x48 in hidden-c and 64x48 in hidden-a")
    empty = folder_of_conditions(tmp_path / "empty")
    (empty / "nothing").mkdir()
    refused(empty, "holds no images", MediaError)
    twice = folder_of_conditions(tmp_path / "twice")
    cv2.imwrite(str(twice / "hidden-c" / "dog.jpg"), np.zeros((48, 64, 3), np.uint8))
    refused(twice, "have one name")
    broken = folder_of_conditions(tmp_path / "broken")
    (broken / "hidden-c" / "dog.png").write_bytes(b"no picture")
    refused(broken, "is no image", MediaError)
    (empty / "nothing" / "zebra.avi").write_bytes(b"clip")
    refused(empty, "no clip that browsers play|holds no images", MediaError)


def test_models_make_stimuli(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for name in "ab":
        cv2.imwrite(str(photos / f"{name}.png"), rng.integers(0, 255, (90, 120, 3), np.uint8))
    source = Models(["sharp-fast"], photos, "gla", crop=64)
    study = open_study(tmp_path / "study", source, "acr")
    assert study.conditions == ("input", "sharp-fast", "truth")
    assert study.contents == ("a", "b")
    assert {(item.width, item.height) for item in study.stimuli} == {(64, 64)}
    frames = {
        item.condition: cv2.imread(str(tmp_path / "study" / "stimuli" / f"{item.id}.png"))
        for item in study.stimuli
        if item.content == "a"
    }
    assert np.array_equal(frames["truth"], cv2.imread(str(photos / "a.png"))[13:77, 28:92])
    assert not np.array_equal(frames["input"], frames["sharp-fast"])
    with pytest.raises(UsageError, match="enlarges x1 and 'x2' shrinks x2"):
        open_study(tmp_path / "two", Models(["sharp-fast"], photos, "x2"), "acr")


def test_nothing_that_a_rater_is_sent_tells_the_condition(
    served: tuple[Study, StudyServer, Client],
) -> None:
    study, server, client = served
    sent = [client.ask("GET", path) for path in ("/", "/api/study")]
    client.join("r1")
    sent.append(client.ask("GET", "/api/question?rater=r1&at=0"))
    sent.append(client.ask("GET", f"/media/{study.stimuli[0].id}"))
    for response, content in sent:
        assert response.status == 200
        text = content + str(response.getheaders()).encode()
        assert not [secret for secret in SECRETS if secret.encode() in text]
    picture = cv2.imdecode(np.frombuffer(sent[-1][1], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (48, 64, 3)
    assert server.url.startswith("http://127.0.0.1:")


def test_a_rater_goes_through_stops_and_goes_on(served: tuple[Study, StudyServer, Client]) -> None:
    study, _, client = served
    assert client.json("/api/study") == {
        "method": "acr",
        "clips": False,
        "questions": 9,
        "practice": 2,
    }
    joined = client.join(" Anna ")
    assert joined == {"rater": "anna", "total": 11, "at": 0}
    shown = []
    for at in range(5):
        question = client.question("anna", at)
        shown.append(question["media"][0]["url"].rpartition("/")[2])
        assert question["practice"] == (at < 2)
        assert client.vote("anna", at, 3)["at"] == at + 1
    assert shown == [trial.first for trial in study.trials("anna")[:5]]
    assert client.join("ANNA")["at"] == 5
    client.vote("anna", 2, 5)  # gone back
    assert client.question("anna", 2)["vote"] == 5
    assert client.join("anna")["at"] == 5
    assert client.join("ben")["at"] == 0


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"vote": 6}, 400),
        ({"vote": 0}, 400),
        ({"vote": True}, 400),
        ({"vote": "3"}, 400),
        ({"vote": 2.0}, 400),
        ({"milliseconds": -1}, 400),
        ({"rater": "../x"}, 400),
        ({"rater": None}, 400),
        ({"rater": "nobody"}, 409),
        ({"at": 1}, 409),
        ({"at": 99}, 409),
        ({"at": -1}, 400),
    ],
)
def test_a_vote_that_is_none_is_refused(
    served: tuple[Study, StudyServer, Client], values: dict[str, Any], status: int
) -> None:
    _, server, client = served
    client.join("r1")
    vote = {"rater": "r1", "at": 0, "vote": 3, "milliseconds": 10}
    response, content = client.ask("POST", "/api/vote", vote | values)
    assert response.status == status
    assert json.loads(content)["error"]
    assert all(answer.vote is None for answer in server.ballots.answers())


def test_odd_requests_are_refused(served: tuple[Study, StudyServer, Client]) -> None:
    _, _, client = served
    client.join("r1")
    for path in (
        "/study.json",
        "/../study.json",
        "/media/../study.json",
        "/media/..%2fstudy.json",
        "/media/0123456789abcdef",
        "/media/" + "a" * 15,
        "/api/question?rater=r1&at=1",
        "/api/question?rater=r1&at=x",
        "/api/question?rater=nobody&at=0",
        "/votes.sqlite",
    ):
        assert client.ask("GET", path)[0].status == 404, path
    assert client.ask("POST", "/api/vote", b"x" * 5000)[0].status == 413
    assert client.ask("POST", "/api/vote", b"{")[0].status == 400
    assert client.ask("POST", "/api/vote", b"[1]")[0].status == 400
    assert client.ask("POST", "/api/other", {})[0].status == 404
    assert client.ask("DELETE", "/")[0].status == 501
    form = {"Content-Type": "text/plain"}
    assert client.ask("POST", "/api/join", b"{}", form)[0].status == 415
    nan = b'{"rater": "r2", "width": 1, "height": 1, "density": NaN}'
    assert client.ask("POST", "/api/join", nan)[0].status == 400


def test_parts_of_a_clip_can_be_asked_for(served: tuple[Study, StudyServer, Client]) -> None:
    study, _, client = served
    path = f"/media/{study.stimuli[0].id}"
    whole = client.ask("GET", path)[1]
    for asked, part in (
        ("bytes=2-5", whole[2:6]),
        ("bytes=3-", whole[3:]),
        ("bytes=-4", whole[-4:]),
    ):
        response, content = client.ask("GET", path, headers={"Range": asked})
        assert (response.status, content) == (206, part)
    assert response.getheader("Content-Range") == (
        f"bytes {len(whole) - 4}-{len(whole) - 1}/{len(whole)}"
    )
    for odd in ("bytes=9-2", "bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=-0"):
        response, content = client.ask("GET", path, headers={"Range": odd})
        assert (response.status, content) == (200, whole), odd
    response, content = client.ask("HEAD", path)
    assert (response.getheader("Content-Length"), content) == (str(len(whole)), b"")


def test_the_port_is_said_to_be_taken(
    tmp_path: Path, served: tuple[Study, StudyServer, Client]
) -> None:
    study, server, _ = served
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1, port"):
        StudyServer(study, tmp_path / "study", port=server.server_address[1])


def test_missing_stimuli_and_damaged_files_are_told(tmp_path: Path, stimuli: Path) -> None:
    folder = tmp_path / "study"
    study = open_study(folder, Conditions(stimuli), "acr")
    (folder / "votes.sqlite").write_bytes(b"no database, but long enough to look at" * 9)
    with pytest.raises(UsageError, match="holds no votes of a study"):
        StudyServer(study, folder)
    next((folder / "stimuli").iterdir()).unlink()
    with pytest.raises(UsageError, match="lacks 1 of 9 stimuli"):
        StudyServer(study, folder)
    for content in (b"{}", b"\xff\xfe", b'{"schema": 7}', b"[" * 100_000):
        (folder / "study.json").write_bytes(content)
        with pytest.raises(UsageError, match=r"study\.json"):
            read_study(folder)


@pytest.mark.parametrize("method", ["acr", "pairs"])
def test_votes_become_results(tmp_path: Path, stimuli: Path, method: Any) -> None:
    folder = tmp_path / "study"
    study = open_study(folder, Conditions(stimuli), method)
    with pytest.raises(UsageError, match="no votes yet"):
        analyse(folder)
    quality = {"hidden-a": 1, "hidden-b": 3, "hidden-c": 5}
    fill(study, folder, "late", quality, until=5)
    with pytest.raises(UsageError, match=r"nobody has finished .* 5 answers"):
        analyse(folder)
    for rater in ("a", "b", "c"):
        fill(study, folder, rater, quality, until=99)
    found, votes = analyse(folder)
    assert found.unfinished == ("late",)
    assert found.used == 3
    if isinstance(found, Ratings):
        means = {score.condition: score.stat.mean for score in found.scores}
        assert means == {"hidden-a": 1.0, "hidden-b": 3.0, "hidden-c": 5.0}
    else:
        assert isinstance(found, Choices)
        assert [(duel.first, duel.second, duel.wins, duel.n) for duel in found.duels] == [
            ("hidden-c", "hidden-b", 9, 9),
            ("hidden-c", "hidden-a", 9, 9),
            ("hidden-b", "hidden-a", 9, 9),
        ]
    assert len(votes.splitlines()) == 1 + 4 * 12
    with sqlite3.connect(folder / "votes.sqlite") as db:
        db.execute("UPDATE answers SET first = 'ffffffffffffffff' WHERE rater = 'a'")
    with pytest.raises(UsageError, match="another study"):
        analyse(folder)


def test_votes_from_many_threads_are_all_kept(tmp_path: Path, stimuli: Path) -> None:
    folder = tmp_path / "study"
    study = open_study(folder, Conditions(stimuli), "acr")
    quality = {"hidden-a": 1, "hidden-b": 3, "hidden-c": 5}
    threads = [
        threading.Thread(target=fill, args=(study, folder, f"r{index}", quality, 99))
        for index in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = Ballots(folder / "votes.sqlite").answers()
    assert len(answers) == 6 * 12
    assert all(answer.vote for answer in answers)


@pytest.mark.parametrize("code", ["", " ", "a b", "ä", "x" * 33, "a/b", "<b>"])
def test_codes_are_plain(code: str) -> None:
    with pytest.raises(UsageError, match="a code is"):
        clean_code(code)


def test_clips_are_kept_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("av")
    from tests.media.clips import clip

    for condition in ("input", "sharp"):
        (tmp_path / "stimuli" / condition).mkdir(parents=True)
        clip(tmp_path / "stimuli" / condition / "call.mp4")
    study = open_study(tmp_path / "study", Conditions(tmp_path / "stimuli"), "pairs")
    assert study.clips
    assert {(item.width, item.height, item.ending) for item in study.stimuli} == {(96, 64, ".mp4")}
    with StudyServer(study, tmp_path / "study") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        response, content = Client(server).ask("GET", f"/media/{study.stimuli[0].id}")
        server.shutdown()
    assert response.getheader("Content-Type") == "video/mp4"
    assert content == (tmp_path / "stimuli" / "input" / "call.mp4").read_bytes()


@pytest.mark.parametrize("text", ["", "a b", "ä", "x" * 33, "../a"])
def test_a_code_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a code is 1 to 32 letters a-z, digits, - and _"):
        clean_code(text)
