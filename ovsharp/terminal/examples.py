"""What one types: lines for the first screen of each verb's `--help`."""

from __future__ import annotations

from inspect import cleandoc

import click

EXAMPLES = """\
convert student.pth -o models/
convert net.onnx --input-range 0,1 -o models/
quantize --calib photos/ --model models/student-fp32.xml
bench
bench --model models/ --sizes 720p
ship student.pth --calib photos/ -o models/
ship student.pth --calib photos/ -o models/ --degrade 'blur(sigma=2)'
eval --data photos/
eval --clips calls/ --size 720p -o clips/
compare before/ after/
profile
profile models/student-int8.xml --size 720p
image photo.jpg -o sharp.jpg
image photos/ -o sharp/ --quality best
image photo.jpg -o sharp.jpg --model models/student-int8.xml
video call.mp4 -o sharp.mp4
video calls/ -o sharp/ --size 1080p
camera
camera --virtual --no-preview
camera -o talk.mp4
screen
screen --window Meeting
serve
degrade photos/ -o pairs/ --degrade 'blur(sigma=2) + jpeg(quality=20)'
frames calls/*.mp4 -o photos/ --every 5s
train --recipe call --size fast --data photos/ -o runs/mine
recipes
recipes call
info call
info models/student-int8.xml
devices
completion bash >> ~/.bashrc
"""
"""Lines without `ovsharp`; each begins with its verb. `study` has its own, with a word on each."""


def examples(verb: str) -> list[str]:
    """Give the lines of a verb, as they are typed."""
    return [f"ovsharp {line}" for line in EXAMPLES.splitlines() if line.split()[0] == verb]


def with_examples(command: click.Command) -> click.Command:
    """Put the lines of a verb behind the first paragraph of its help."""
    lines = examples(str(command.name))
    told = cleandoc(command.help or "")
    if lines and lines[0] not in told:
        summary, _, rest = told.partition("\n\n")
        command.help = "\n\n".join(filter(None, (summary, "\n".join(["\b", *lines]), rest)))
    return command
