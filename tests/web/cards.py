"""A graphics card that Chromium plays on the processor (SwiftShader), and pictures for it."""

from __future__ import annotations

import base64

import cv2

from tests.photos import crop

SWIFTSHADER = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
REAL = """
const asked = GPU.prototype.requestAdapter;
GPU.prototype.requestAdapter = async function (...options) {
  const adapter = await asked.apply(this, options);
  Object.defineProperty(adapter.info, "isFallbackAdapter", { value: false });
  return adapter;
};
"""
"""Lets the card that Chromium plays pass for a real one."""
GIVEN = """(text, width, height) => {
  const bytes = Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0));
  return new ImageData(bytes, width, height);
}"""


def poor(height: int, width: int) -> list[object]:
    """A poor picture, as a page takes it."""
    coded = cv2.imencode(".jpg", crop(0, 160, height, width), [cv2.IMWRITE_JPEG_QUALITY, 12])[1]
    rgba = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGBA)
    return [base64.b64encode(rgba.tobytes()).decode(), width, height]
