// @ts-check
/** What a router looks at: as `crops` in `ovsharp/runtime/router.py`, byte for byte. */

/** Crops begin at multiples of so many pixels: where JPEG and H.264 have their blocks. */
const GRID = 16;

/**
 * Cut crops out of a picture, evenly spread; no more than cover it.
 * @param {{data: Uint8ClampedArray, width: number, height: number}} picture RGBA
 * @param {number} side of a crop
 * @param {number} count how many at most, the square of a whole number
 * @returns {Uint8Array} crops x side x side x BGR
 */
export function crops({ data, width, height }, side, count) {
  const [down, across] = [height, width].map((length) => starts(Math.max(length, side), side, Math.sqrt(count)));
  const result = new Uint8Array(down.length * across.length * side * side * 3);
  let to = 0;
  for (const top of down) {
    for (const left of across) {
      for (let y = top; y < top + side; y++) {
        const row = Math.min(y, height - 1) * width;
        for (let x = left; x < left + side; x++, to += 3) {
          const from = 4 * (row + Math.min(x, width - 1));
          result[to] = data[from + 2];
          result[to + 1] = data[from + 1];
          result[to + 2] = data[from];
        }
      }
    }
  }
  return result;
}

/** @param {number} length @param {number} side @param {number} most */
function starts(length, side, most) {
  const enough = Math.min(most, Math.ceil(length / side));
  const step = enough > 1 ? (length - side) / (enough - 1) : 0;
  return Array.from({ length: enough }, (_, at) => {
    const place = at && at === enough - 1 ? length - side : at * step;
    return Math.floor(place / GRID) * GRID;
  });
}
