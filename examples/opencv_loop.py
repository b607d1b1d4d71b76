"""The loop that every OpenCV program has, with one line more.

python examples/opencv_loop.py clip.mp4 frames/
"""

import sys
from pathlib import Path

import cv2

from ovsharp import Sharpener

capture, folder = cv2.VideoCapture(sys.argv[1]), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
with Sharpener() as sharpener, sharpener.session() as call:
    count = 0
    while True:
        there, frame = capture.read()
        if not there:
            break
        sharp = call(frame)  # the line
        cv2.imwrite(str(folder / f"{count:05d}.png"), sharp)
        count += 1
print(f"{count} frames in {folder}")
