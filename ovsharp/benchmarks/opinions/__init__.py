"""What people said of pictures: opinion scores and pair comparisons, with intervals."""

from ovsharp.benchmarks.opinions.choices import Choice, Choices, analyse_choices, bradley_terry
from ovsharp.benchmarks.opinions.ratings import Rating, Ratings, analyse_ratings
from ovsharp.benchmarks.opinions.screening import Screening, screen
from ovsharp.benchmarks.opinions.tables import headlines, people, summary_csv, tables
from ovsharp.benchmarks.opinions.web_page import to_page

__all__ = [
    "Choice",
    "Choices",
    "Rating",
    "Ratings",
    "Screening",
    "analyse_choices",
    "analyse_ratings",
    "bradley_terry",
    "headlines",
    "people",
    "screen",
    "summary_csv",
    "tables",
    "to_page",
]
