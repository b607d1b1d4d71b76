"""A blind study: people rate pictures or clips on a local web page."""

from ovsharp.apps.study.design import METHODS, Method, Stimulus, Study, Trial
from ovsharp.apps.study.folder import analyse, open_study, read_study
from ovsharp.apps.study.server import StudyServer
from ovsharp.apps.study.sources import Conditions, Models, Source
from ovsharp.apps.study.storage import Ballots

__all__ = [
    "METHODS",
    "Ballots",
    "Conditions",
    "Method",
    "Models",
    "Source",
    "Stimulus",
    "Study",
    "StudyServer",
    "Trial",
    "analyse",
    "open_study",
    "read_study",
]
