// @ts-check
/** Pictures as a browser has them, and planes of floats as a network takes them. */

/** @param {CanvasImageSource} source @returns {[number, number]} */
function sizeOf(source) {
  // By their fields: a worker has no class for images and videos.
  if ("videoWidth" in source) return [source.videoWidth, source.videoHeight];
  if ("naturalWidth" in source) return [source.naturalWidth, source.naturalHeight];
  if ("displayWidth" in source) return [source.displayWidth, source.displayHeight];
  return [Number(source.width), Number(source.height)];
}

/**
 * Read what a source shows, at its own size or another one.
 * @param {CanvasImageSource} source @param {number} [width] @param {number} [height]
 */
export function pixels(source, width = sizeOf(source)[0], height = sizeOf(source)[1]) {
  const context = canvas(width, height);
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** @param {ImageData} picture */
export function drawn(picture) {
  const context = canvas(picture.width, picture.height);
  context.putImageData(picture, 0, 0);
  return context.canvas;
}

/** @param {number} width @param {number} height */
function canvas(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws nothing");
  context.imageSmoothingQuality = "high";
  return context;
}

/**
 * The whole picture, with what was changed in a small one: enlarged between its four neighbours.
 * @param {ImageData} whole @param {ImageData} small @param {ImageData} sharp of the same size
 */
export function corrected(whole, small, sharp) {
  if (small.width !== sharp.width) throw new Error("a model that enlarges takes whole pictures: leave out size");
  const { width, height } = whole;
  const result = new ImageData(width, height);
  const across = neighbours(width, small.width);
  const down = neighbours(height, small.height);
  const change = (/** @type {number} */ at) => sharp.data[at] - small.data[at];
  for (let y = 0, to = 0; y < height; y++) {
    const above = 4 * small.width * down.first[y];
    const below = 4 * small.width * down.second[y];
    for (let x = 0; x < width; x++, to += 4) {
      const left = 4 * across.first[x];
      const right = 4 * across.second[x];
      for (let colour = 0; colour < 3; colour++) {
        const upper = mixed(change(above + left + colour), change(above + right + colour), across.share[x]);
        const lower = mixed(change(below + left + colour), change(below + right + colour), across.share[x]);
        result.data[to + colour] = whole.data[to + colour] + mixed(upper, lower, down.share[y]);
      }
      result.data[to + 3] = 255;
    }
  }
  return result;
}

/** @param {number} one @param {number} other @param {number} share of the other */
function mixed(one, other, share) {
  return one + share * (other - one);
}

/**
 * For each place of a large line: the two places of a small one beside it, and the second one's share.
 * @param {number} large @param {number} small
 */
function neighbours(large, small) {
  const first = new Int32Array(large);
  const second = new Int32Array(large);
  const share = new Float32Array(large);
  for (let place = 0; place < large; place++) {
    const at = Math.min(Math.max(((place + 0.5) * small) / large - 0.5, 0), small - 1);
    first[place] = Math.floor(at);
    second[place] = Math.min(first[place] + 1, small - 1);
    share[place] = at - first[place];
  }
  return { first, second, share };
}

/**
 * RGBA bytes to planes of 0..1; the last row and column are repeated. In JavaScript, for bytes inside
 * the graph double its time.
 * @param {Uint8ClampedArray} data @param {number} width @param {number} height
 * @param {number} wide @param {number} high
 */
export function planes(data, width, height, wide, high) {
  const values = new Float32Array(3 * wide * high);
  const size = wide * high;
  for (let y = 0, to = 0; y < high; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = 0; x < wide; x++, to++) {
      const from = 4 * (row + Math.min(x, width - 1));
      values[to] = data[from] / 255;
      values[to + size] = data[from + 1] / 255;
      values[to + 2 * size] = data[from + 2] / 255;
    }
  }
  return values;
}

/**
 * Planes of 0..1 to RGBA bytes, rounded and cut; what was padded is left out.
 * @param {Float32Array} values @param {number} width @param {number} height
 * @param {number} wide @param {number} high
 */
export function image(values, width, height, wide, high) {
  const result = new ImageData(width, height);
  const size = wide * high;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const from = y * wide + x;
      result.data[to] = 255 * values[from]; // a clamped array rounds and cuts
      result.data[to + 1] = 255 * values[from + size];
      result.data[to + 2] = 255 * values[from + 2 * size];
      result.data[to + 3] = 255;
    }
  }
  return result;
}
