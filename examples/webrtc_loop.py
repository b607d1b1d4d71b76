"""A WebRTC call whose incoming picture is sharpened, by aiortc; both ends are in this program.

pip install "ovsharp[webrtc,video]"
python examples/webrtc_loop.py clip.mp4 out.mp4
"""

import asyncio
import sys

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

from ovsharp import Sharpener
from ovsharp.media import Recorder, colour_of, to_bgr

SILENCE = 5.0
"""Seconds without a frame, after which the other end has gone."""


async def main(source: str, target: str) -> int:
    """Send a file from one end to the other, which sharpens it; give the number of frames."""
    player = MediaPlayer(source)
    if player.video is None:
        sys.exit(f"{source} has no video")
    there, here = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    coming = asyncio.get_running_loop().create_future()
    here.on("track", coming.set_result)
    there.addTrack(player.video)
    await there.setLocalDescription(await there.createOffer())
    await here.setRemoteDescription(there.localDescription)
    await here.setLocalDescription(await here.createAnswer())
    await there.setRemoteDescription(here.localDescription)
    track, frames = await coming, 0
    with (
        Sharpener() as sharpener,
        sharpener.session() as call,
        Recorder(target, rate=30, overwrite=True) as out,
    ):
        try:
            while True:
                frame = await asyncio.wait_for(track.recv(), SILENCE)
                out.write(await call.asharpen(to_bgr(frame, colour_of(frame))))
                frames += 1
        except (MediaStreamError, TimeoutError):
            print(f"{frames} frames came; the last one was made by {call.variant}")
    await there.close()
    await here.close()
    return frames


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
