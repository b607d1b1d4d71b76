"""How good models are on images and clips, beside the input and bicubic, with intervals."""

from ovsharp.benchmarks.evaluation.changes import Change, Changes, compare_evaluations
from ovsharp.benchmarks.evaluation.clip_tables import clip_table, colour_table, sending_table
from ovsharp.benchmarks.evaluation.clips import Taken
from ovsharp.benchmarks.evaluation.options import Options, open_subjects
from ovsharp.benchmarks.evaluation.pictures import View, make_views
from ovsharp.benchmarks.evaluation.results import Evaluation, Row
from ovsharp.benchmarks.evaluation.run import evaluate, make_plan
from ovsharp.benchmarks.evaluation.tables import (
    change_table,
    image_csv,
    pair_table,
    result_table,
    summary_csv,
)
from ovsharp.benchmarks.evaluation.web_page import headlines, to_page

__all__ = [
    "Change",
    "Changes",
    "Evaluation",
    "Options",
    "Row",
    "Taken",
    "View",
    "change_table",
    "clip_table",
    "colour_table",
    "compare_evaluations",
    "evaluate",
    "headlines",
    "image_csv",
    "make_plan",
    "make_views",
    "open_subjects",
    "pair_table",
    "result_table",
    "sending_table",
    "summary_csv",
    "to_page",
]
