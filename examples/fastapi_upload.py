"""A web service that sharpens uploads: POST an image, get a PNG.

pip install fastapi uvicorn
uvicorn --app-dir examples fastapi_upload:app
curl --data-binary @in.jpg http://127.0.0.1:8000/sharpen -o out.png
"""

import sys

import cv2
import numpy as np

from ovsharp import Sharpener

try:
    from fastapi import FastAPI, HTTPException, Request, Response
    from fastapi.concurrency import run_in_threadpool
except ImportError:
    sys.exit("this example needs FastAPI; install it with: pip install fastapi uvicorn")

LIMIT = 20 << 20  # bytes
app, sharpener = FastAPI(), Sharpener()  # one sharpener for all requests: it is thread-safe


@app.post("/sharpen")
async def sharpen(request: Request) -> Response:
    """Take the bytes of an image, give those of a PNG."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LIMIT:
            raise HTTPException(413, f"expected an image of at most {LIMIT >> 20} MB")
    return Response(await run_in_threadpool(work, bytes(body)), media_type="image/png")


def work(data: bytes) -> bytes:
    """Decode, sharpen, encode; in a thread of its own."""
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if frame is None:
        raise HTTPException(415, "this is no image that OpenCV reads; send a PNG or a JPEG")
    return cv2.imencode(".png", sharpener(frame))[1].tobytes()
