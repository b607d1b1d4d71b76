"""Pictures to rate, and people who rate them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ovsharp.opinions import Ballots, Study

SECRETS = ("hidden-a", "hidden-b", "hidden-c", "zebra", "dog", "fox")


def folder_of_conditions(root: Path, conditions: int = 3, size: tuple[int, int] = (48, 64)) -> Path:
    for number, condition in enumerate(SECRETS[:conditions]):
        (root / condition).mkdir(parents=True)
        for index, content in enumerate(SECRETS[3:]):
            frame = np.full((*size, 3), 60 * number + 20 * index, np.uint8)
            ending = "png" if number else "bmp"  # not by their endings are names equal
            cv2.imwrite(str(root / condition / f"{content}.{ending}"), frame)
    return root


def fill(study: Study, folder: Path, rater: str, quality: dict[str, int], until: int) -> None:
    """Vote as somebody who sees `quality`."""
    ballots = Ballots(folder / "votes.sqlite")
    ballots.join(rater, "800x600 at 1", lambda: study.trials(rater))
    condition = {item.id: item.condition for item in study.stimuli}
    for answer in ballots.answers(rater)[:until]:
        first, second = answer.trial.first, answer.trial.second
        vote = quality[condition[first]]
        if second is not None:
            vote = 1 if vote > quality[condition[second]] else 2
        ballots.vote(rater, answer.at, vote, 500)
