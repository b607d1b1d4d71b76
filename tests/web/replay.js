// Run by tests/web/test_choice.py: what was told comes on stdin, what is made of it goes to stdout.
import { readFileSync } from "node:fs";
import { crops } from "../../web/src/crops.js";
import { Looks } from "../../web/src/looks.js";

const { looks, pictures } = JSON.parse(readFileSync(0, "utf8"));

function choices(told) {
  const seen = new Looks();
  let staying = "";
  return told.map((gains) => {
    seen.add(gains);
    staying = seen.best(staying);
    return [staying, seen.unsettled(staying)];
  });
}

function cut({ rgba, width, height, side, count }) {
  const data = new Uint8ClampedArray(Buffer.from(rgba, "base64"));
  return Buffer.from(crops({ data, width, height }, side, count)).toString("base64");
}

console.log(JSON.stringify({ choices: looks.map(choices), crops: pictures.map(cut) }));
