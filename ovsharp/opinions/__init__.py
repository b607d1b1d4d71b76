"""What people say of pictures: a blind study on a local web page, and what its votes tell."""

from ovsharp.opinions.choices import Choice, Choices, analyse_choices, bradley_terry
from ovsharp.opinions.design import METHODS, Method, Stimulus, Study, Trial
from ovsharp.opinions.folder import analyse, open_study, read_study
from ovsharp.opinions.ratings import Rating, Ratings, analyse_ratings
from ovsharp.opinions.screening import Screening, screen
from ovsharp.opinions.server import StudyServer
from ovsharp.opinions.sources import Conditions, Models, Source
from ovsharp.opinions.storage import Ballots
from ovsharp.opinions.tables import headlines, people, summary_csv, tables
from ovsharp.opinions.web_page import to_page

__all__ = [
    "METHODS",
    "Ballots",
    "Choice",
    "Choices",
    "Conditions",
    "Method",
    "Models",
    "Rating",
    "Ratings",
    "Screening",
    "Source",
    "Stimulus",
    "Study",
    "StudyServer",
    "Trial",
    "analyse",
    "analyse_choices",
    "analyse_ratings",
    "bradley_terry",
    "headlines",
    "open_study",
    "people",
    "read_study",
    "screen",
    "summary_csv",
    "tables",
    "to_page",
]
