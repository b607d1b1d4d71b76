"""A call with a clearer picture: camera -> Sharpener -> virtual camera, or a file.

python examples/call_app.py                  # camera 0, as a camera for Zoom, Meet, Teams
python examples/call_app.py clip.mp4 out.mp4 # a video file stands in for both
"""

import sys
import time
from fractions import Fraction

from ovsharp import Sharpener
from ovsharp.media import Camera, Shot, VirtualCamera, write_video

source = sys.argv[1] if len(sys.argv) > 1 else 0
with Camera(source, size=(1280, 720)) as camera, Sharpener(target_fps=camera.fps) as sharpener:
    if len(sys.argv) > 2:
        with write_video(sys.argv[2], overwrite=True) as out:
            for capture in camera:  # its number counts dropped frames too: the clip keeps its time
                sharp, tick = sharpener(capture.frame), 1 / Fraction(round(camera.fps))
                out.write(Shot(sharp, capture.number, tick))
    else:
        with VirtualCamera(1280, 720, fps=camera.fps) as out:
            for capture in camera:
                out.send(sharpener(capture.frame))
                print(f"{1000 * (time.perf_counter() - capture.taken):.0f} ms", end="\r")
    print(sharpener.variant, "-", sharpener.choice.reason)
