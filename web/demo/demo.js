import { createSharpener } from "../src/index.js";
import "../../ovsharp/serve/page/compare.js";
import { find, offer } from "./page.js";
import { clear, sharpenFile } from "./videos.js";

const compare = find("compare");
const ready = createSharpener({ model: "call.json" });
let stream = null;

/** Formats that browsers write; anything else becomes PNG. */
const ENDINGS = { "image/jpeg": "jpg", "image/webp": "webp", "image/png": "png" };
const QUALITY = 0.95;

/** A file of a picture. */
async function written(source, type = "image/png") {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [source.width, source.height];
  if (source instanceof ImageData) canvas.getContext("2d").putImageData(source, 0, 0);
  else canvas.getContext("2d").drawImage(source, 0, 0);
  return new Promise((done) => canvas.toBlob(done, type, QUALITY));
}

/** Show a picture as an image, for the slider. */
async function shown(source) {
  const image = new Image();
  image.src = URL.createObjectURL(await written(source));
  await image.decode();
  return image;
}

/** What runs the networks, in words. */
const PLACES = { webgpu: "on the graphics card", wasm: "on the processor" };

/** What a session has made of its last picture, in words. */
async function by({ made, gain }) {
  const what = made === "untouched" ? "left as it is, no model would make it better" : `${made}, +${gain.toFixed(1)} dB expected`;
  return `${what}; ${PLACES[(await ready).backend]}`;
}

find("file").addEventListener("change", ({ target }) => take(target.files));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
});

async function take([file]) {
  if (!file) return;
  if (file.type.startsWith("video/") || /\.(mkv|mov|mp4|webm)$/i.test(file.name)) return sharpenFile(file);
  const one = (await ready).session({ lookEvery: 1 });
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return void (find("said").value = `${file.name}: this is no picture that a browser can read`);
  const began = performance.now();
  const sharp = await one.sharpen(picture);
  const spent = performance.now() - began;
  compare.show(await shown(picture), await shown(sharp));
  find("said").value = `${sharp.width}x${sharp.height} in ${spent.toFixed(0)} ms: ${await by(one)}`;
  const type = file.type in ENDINGS ? file.type : "image/png";
  offer(await written(sharp, type), `${file.name.replace(/\.[^.]*$/, "")}-sharp.${ENDINGS[type]}`);
}

find("live").addEventListener("click", async () => {
  if (stream) return stop();
  const call = (await ready).session();
  stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  [compare.hidden, find("download").hidden, find("pair").hidden] = [true, true, false];
  find("live").textContent = "Stop";
  const times = [];
  while (stream) {
    const frame = await createImageBitmap(video);
    const began = performance.now();
    const sharp = await call.sharpen(frame);
    for (const [id, picture] of [["before", frame], ["after", sharp]]) {
      const canvas = find(id);
      [canvas.width, canvas.height] = [picture.width, picture.height];
      const context = canvas.getContext("2d");
      if (picture instanceof ImageData) context.putImageData(picture, 0, 0);
      else context.drawImage(picture, 0, 0);
    }
    times.push(performance.now());
    if (times.length > 30) times.shift();
    const rate = (1000 * (times.length - 1)) / (times.at(-1) - times[0] || 1);
    find("said").value = `${rate.toFixed(1)} frames a second, ${(times.at(-1) - began).toFixed(0)} ms each: ${await by(call)}`;
    await new Promise(requestAnimationFrame);
  }
});

function stop() {
  for (const track of stream.getTracks()) track.stop();
  stream = null;
  find("download").hidden = !find("download").download; // of the file that is shown again
  [compare.hidden, find("pair").hidden, find("live").textContent] = [false, true, "Camera"];
}

await clear();
