"""A call with a clearer picture: camera -> Sharpener -> virtual camera, or a file.

python examples/call_app.py                  # camera 0, as a camera for Zoom, Meet, Teams
python examples/call_app.py clip.mp4 out.mp4 # a video file stands in for both
"""

import sys
import time

from ovsharp import Sharpener
from ovsharp.media import Camera, Recorder, VirtualCamera

source = sys.argv[1] if len(sys.argv) > 1 else 0
with Camera(source, size=(1280, 720)) as camera, Sharpener(target_fps=camera.fps) as sharpener:
    if len(sys.argv) > 2:
        with Recorder(sys.argv[2], rate=camera.fps, overwrite=True) as out:
            for capture in camera:
                out.write(sharpener(capture.frame))
    else:
        with VirtualCamera(1280, 720, fps=camera.fps) as out:
            for capture in camera:
                out.send(sharpener(capture.frame))
                print(f"{1000 * (time.perf_counter() - capture.taken):.0f} ms", end="\r")
    print(sharpener.variant, "-", sharpener.choice.reason)
