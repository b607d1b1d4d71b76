// @ts-check
/**
 * Video files in the browser: decoded and encoded by WebCodecs, sharpened frame by frame, and written as
 * they come, so that a long video needs no memory. Sound is copied, not coded again.
 */

import {
  ALL_FORMATS, BlobSource, Conversion, ConversionCanceledError, Input, MATROSKA, MkvOutputFormat,
  Mp4OutputFormat, Output, Quality, StreamTarget, WEBM, WebMOutputFormat,
} from "mediabunny";

/** @typedef {import("./index.js").Sharpener} Sharpener */
/** @typedef {import("./session.js").Session} Session */

/** Bits for each pixel of each frame, and for each bit of the file as it was: what is sharp takes more. */
const [BITS_PER_PIXEL, BITS_PER_BIT, LEAST_BITS] = [0.1, 2, 500_000];
/** Packets that tell how many bits a file takes. */
const LOOKED_AT = 300;

/**
 * Tell the ending of what a video becomes: Matroska and WebM stay what they are, all others become MP4.
 * @param {Blob} file
 * @returns {Promise<"mkv" | "webm" | "mp4">}
 * @throws {Error} it is no video that can be read
 */
export async function ending(file) {
  using input = opened(file);
  const { format } = await read(input);
  return format === WEBM ? "webm" : format === MATROSKA ? "mkv" : "mp4";
}

/**
 * Sharpen a video file. Works in a worker, too.
 * @param {Blob} file
 * @param {object} options
 * @param {Sharpener} options.sharpener
 * @param {WritableStream<import("mediabunny").StreamTargetChunk>} options.to where it is written, in
 *   pieces with their positions; a `FileSystemWritableFileStream` takes them. Closed at the end, aborted on failure
 * @param {number} [options.size] as for `sharpen`
 * @param {(done: number) => void} [options.onProgress] hears the part that is done, 0 to 1
 * @param {AbortSignal} [options.signal] ends it
 * @throws {Error} it cannot be read, or a part of it would be lost; the signal's reason
 */
export async function sharpenVideo(file, { sharpener, to, size, onProgress, signal }) {
  using input = opened(file);
  try {
    const { track } = await read(input);
    const format = { mkv: MkvOutputFormat, webm: WebMOutputFormat, mp4: Mp4OutputFormat }[await ending(file)];
    const output = new Output({ format: new format(), target: new StreamTarget(to) });
    const session = sharpener.session();
    const conversion = await Conversion.init({
      input,
      output,
      video: {
        forceTranscode: true,
        quality: new Quality({ bitrate: await bits(track) }),
        process: (sample) => sharpened(sample, session, size),
      },
    });
    const [lost] = conversion.discardedTracks;
    if (lost) throw new Error(`this browser would lose the ${lost.track.type} of this file: ${lost.reason.replaceAll("_", " ")}`);
    if (onProgress) conversion.onProgress = onProgress;
    let cancelled = Promise.resolve();
    const cancel = () => (cancelled = conversion.cancel());
    signal?.throwIfAborted();
    signal?.addEventListener("abort", cancel);
    try {
      await conversion.execute();
    } catch (error) {
      throw error instanceof ConversionCanceledError ? signal?.reason : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      await cancelled; // it lets go of the file only then
    }
  } catch (error) {
    await to.abort(error).catch(() => {}); // closed or aborted by the conversion already
    throw error;
  }
}

/** @param {Blob} file */
function opened(file) {
  return new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
}

/** @param {Input} input */
async function read(input) {
  if (!(await input.canRead())) throw new Error("this is no video that a browser can read");
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new Error("there are no pictures in this file, only sound");
  return { format: await input.getFormat(), track };
}

/** Tell how many bits a second the result may take. @param {import("mediabunny").InputVideoTrack} track */
async function bits(track) {
  const { averageBitrate, averagePacketRate } = await track.computePacketStats(LOOKED_AT);
  const pixels = (await track.getCodedWidth()) * (await track.getCodedHeight());
  return Math.round(Math.max(LEAST_BITS, BITS_PER_BIT * averageBitrate, BITS_PER_PIXEL * pixels * averagePacketRate));
}

/** @param {import("mediabunny").VideoSample} sample @param {Session} session @param {number} [size] */
async function sharpened(sample, session, size) {
  const frame = sample.toVideoFrame();
  try {
    const sharp = await session.sharpen(frame, { size });
    const canvas = new OffscreenCanvas(sharp.width, sharp.height);
    canvas.getContext("2d")?.putImageData(sharp, 0, 0);
    return canvas;
  } finally {
    frame.close();
  }
}
