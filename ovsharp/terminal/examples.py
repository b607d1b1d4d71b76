"""What one types: lines for the first screen of each verb's `--help`."""

from __future__ import annotations

from inspect import cleandoc

import click

EXAMPLES = {
    "convert": ("convert student.pth -o models/", "convert net.onnx --input-range 0,1 -o models/"),
    "quantize": ("quantize --calib photos/ --model models/student-fp32.xml",),
    "bench": ("bench", "bench --model models/ --sizes 720p"),
    "ship": (
        "ship student.pth --calib photos/ -o models/",
        "ship student.pth --calib photos/ -o models/ --degrade 'blur(sigma=2)'",
    ),
    "eval": ("eval --data photos/", "eval --clips calls/ --size 720p -o clips/"),
    "compare": ("compare before/ after/",),
    "profile": ("profile", "profile models/student-int8.xml --size 720p"),
    "image": (
        "image photo.jpg -o sharp.jpg",
        "image photos/ -o sharp/ --quality best",
        "image photo.jpg -o sharp.jpg --model models/student-int8.xml",
    ),
    "video": ("video call.mp4 -o sharp.mp4", "video calls/ -o sharp/ --size 1080p"),
    "camera": ("camera", "camera --virtual --no-preview", "camera -o talk.mp4"),
    "screen": ("screen", "screen --window Meeting"),
    "serve": ("serve",),
    "degrade": ("degrade photos/ -o pairs/ --degrade 'blur(sigma=2) + jpeg(quality=20)'",),
    "frames": ("frames calls/*.mp4 -o photos/ --every 5s",),
    "train": ("train --recipe call --size fast --data photos/ -o runs/mine",),
    "recipes": ("recipes", "recipes call"),
    "info": ("info call", "info models/student-int8.xml"),
    "devices": ("devices",),
    "completion": ("completion bash >> ~/.bashrc",),
}
"""By verb, without `ovsharp`. `study` has its own, with a word on each."""


def with_examples(command: click.Command) -> click.Command:
    """Put the lines of a verb behind the first paragraph of its help."""
    lines = [f"ovsharp {line}" for line in EXAMPLES.get(str(command.name), ())]
    told = cleandoc(command.help or "")
    if lines and lines[0] not in told:
        summary, _, rest = told.partition("\n\n")
        command.help = "\n\n".join(filter(None, (summary, "\n".join(["\b", *lines]), rest)))
    return command
