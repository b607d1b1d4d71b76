"""Passes of `convert`: each takes a draft of a model and gives the next one."""

from ovsharp.passes.body import MAX_MULTIPLE, MAX_SCALE, TRIAL_SIZES, Body, Call
from ovsharp.passes.coding import Coding, Frames, Network, Values
from ovsharp.passes.deploy import ROUNDING
from ovsharp.passes.exact import Runner
from ovsharp.passes.frames import with_frames
from ovsharp.passes.graph import clamped, count_parameters, fold_constants, redirect
from ovsharp.passes.prune import Pruned, prune

__all__ = [
    "MAX_MULTIPLE",
    "MAX_SCALE",
    "ROUNDING",
    "TRIAL_SIZES",
    "Body",
    "Call",
    "Coding",
    "Frames",
    "Network",
    "Pruned",
    "Runner",
    "Values",
    "clamped",
    "count_parameters",
    "fold_constants",
    "prune",
    "redirect",
    "with_frames",
]
