"""The folder of a study: its design, its stimuli and its votes; whole by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from ovsharp.errors import UsageError
from ovsharp.files import staged
from ovsharp.opinions.choices import Choice, Choices, analyse_choices
from ovsharp.opinions.design import Method, Stimulus, Study
from ovsharp.opinions.ratings import Rating, Ratings, analyse_ratings
from ovsharp.opinions.sources import Source
from ovsharp.opinions.storage import Answer, Ballots

DESIGN, STIMULI, VOTES = "study.json", "stimuli", "votes.sqlite"


def open_study(
    folder: Path,
    source: Source,
    method: Method,
    *,
    seed: int = 1,
    practice: int = 3,
    progress: Callable[[], object] = lambda: None,
) -> Study:
    """Begin a study, or go on with the one in the folder if it is the same.

    Args:
        folder: made where it does not exist.
        source: of the stimuli.
        method: `acr` or `pairs`.
        seed: of the random orders.
        practice: questions before the ones that count; no more than there are are asked.
        progress: called after every stimulus.

    Raises:
        UsageError: the folder holds a study of another design, or something else.
        OvsharpError: stimuli that make no study; see the sources.
    """
    fingerprint = source.fingerprint()
    if (folder / DESIGN).is_file():
        study = read_study(folder)
        wanted = {
            "method": method,
            "seed": seed,
            "number of practice questions": practice,
            "set of stimuli": fingerprint,
        }
        found = (study.method, study.seed, study.practice, study.fingerprint)
        for (what, value), other in zip(wanted.items(), found, strict=True):
            if value != other:
                told = "" if value == fingerprint else f" ({other}, not {value})"
                raise UsageError(
                    f"{folder} holds a study with another {what}{told}; choose a new folder with "
                    f"-o, or go on with that study by naming its folder alone"
                )
        return study
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no study; choose a new folder with -o")
    with staged(folder) as staging:
        (staging / STIMULI).mkdir()
        stimuli: list[Stimulus] = []
        for stimulus in source.write(staging / STIMULI):
            stimuli.append(stimulus)
            progress()
        name = folder.resolve().name
        study = Study(name, method, seed, practice, fingerprint, tuple(stimuli))
        (staging / DESIGN).write_text(study.to_json(), encoding="utf-8")
    return study


def read_study(folder: str | Path) -> Study:
    """Read the design of a study.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    path = Path(folder, DESIGN)
    try:
        return Study.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{folder} holds no study: there is no {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text, so no study.json of 'ovsharp study'") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def analyse(folder: str | Path) -> tuple[Ratings | Choices, str]:
    """Analyse the votes of all raters who have finished.

    Returns:
        What was found, and all votes as CSV, those of unfinished raters too.

    Raises:
        UsageError: no study, or nobody has finished.
    """
    folder = Path(folder)
    study = read_study(folder)
    path = folder / VOTES
    if not path.is_file():
        raise UsageError(f"{folder} has no votes yet; run 'ovsharp study {folder}' to collect some")
    ballots = Ballots(path)
    answers = ballots.answers()
    unfinished = list(dict.fromkeys(answer.rater for answer in answers if answer.vote is None))
    counted = [
        answer for answer in answers if answer.rater not in unfinished and not answer.trial.practice
    ]
    if not counted:
        done = sum(answer.vote is not None for answer in answers)
        raise UsageError(
            f"nobody has finished {folder} yet ({len(unfinished)} began, with {done} answers so "
            f"far); only whole sets of answers are analysed"
        )
    stimuli = {stimulus.id: stimulus for stimulus in study.stimuli}
    try:
        found = _analyse(study, counted, stimuli, unfinished)
        votes = _votes_csv(answers, stimuli, ballots.displays())
    except KeyError as error:
        raise UsageError(
            f"{path} has votes on {error}, which is not in {folder / DESIGN}: they belong to "
            f"another study"
        ) from error
    return found, votes


def _analyse(
    study: Study, answers: list[Answer], stimuli: dict[str, Stimulus], unfinished: list[str]
) -> Ratings | Choices:
    if study.method == "acr":
        ratings = [
            Rating(answer.rater, shown.condition, shown.content, answer.vote or 0)
            for answer in answers
            for shown in [stimuli[answer.trial.first]]
        ]
        return analyse_ratings(ratings, study=study.name, unfinished=unfinished)
    choices = []
    for answer in answers:
        pair = [stimuli[answer.trial.first], stimuli[answer.trial.second or ""]]
        winner, loser = pair if answer.vote == 1 else reversed(pair)
        choices.append(Choice(answer.rater, winner.content, winner.condition, loser.condition))
    return analyse_choices(choices, study=study.name, unfinished=unfinished)


def _votes_csv(
    answers: list[Answer], stimuli: dict[str, Stimulus], displays: dict[str, str]
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ("rater", "at", "practice", "content", "first", "second", "vote", "milliseconds")
    writer.writerow((*heads, "display"))
    for answer in answers:
        first, second = stimuli[answer.trial.first], answer.trial.second
        writer.writerow(
            (
                answer.rater,
                answer.at,
                int(answer.trial.practice),
                first.content,
                first.condition,
                "" if second is None else stimuli[second].condition,
                answer.vote,
                answer.milliseconds,
                displays[answer.rater],
            )
        )
    return text.getvalue()
