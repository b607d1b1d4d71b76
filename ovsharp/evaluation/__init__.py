"""How good models are on images and clips, beside the input and bicubic, with intervals."""

from ovsharp.evaluation.card import model_card
from ovsharp.evaluation.changes import Change, Changes, compare_evaluations
from ovsharp.evaluation.clip_tables import clip_table, colour_table, sending_table
from ovsharp.evaluation.clips import Taken
from ovsharp.evaluation.options import Options, open_subjects
from ovsharp.evaluation.pictures import View, make_views
from ovsharp.evaluation.plan import make_plan
from ovsharp.evaluation.results import Evaluation, Row
from ovsharp.evaluation.run import evaluate
from ovsharp.evaluation.tables import (
    change_table,
    image_csv,
    luma_table,
    pair_table,
    result_table,
    summary_csv,
)
from ovsharp.evaluation.web_page import headlines, to_page

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
    "luma_table",
    "make_plan",
    "make_views",
    "model_card",
    "open_subjects",
    "pair_table",
    "result_table",
    "sending_table",
    "summary_csv",
    "to_page",
]
