// Run by `npm test`, and by tests/web/test_package.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "../extension/budget.js";

const PIXELS = 640 * 360;
const GAP = 33;

/** Let a machine that takes so many milliseconds for a whole picture work for some seconds. */
function worked(budget, whole, seconds, { from = 0, gap = GAP } = {}) {
  const steps = [];
  for (let now = from; now < from + 1000 * seconds; now += gap) {
    const step = budget.decide(now, gap, PIXELS);
    if (step) budget.spend(whole * step.size ** 2, PIXELS * step.size ** 2);
    steps.push(step);
  }
  return steps.at(-1);
}

test("a fast machine sharpens whole pictures", () => {
  assert.deepEqual(worked(new Budget(), 10, 20), { size: 1, every: 1 });
});

test("a slower one looks at smaller pictures, then at every second frame", () => {
  assert.deepEqual(worked(new Budget(), 25, 20), { size: 0.75, every: 1 });
  assert.deepEqual(worked(new Budget(), 90, 20), { size: 0.5, every: 1 });
  assert.deepEqual(worked(new Budget(), 180, 20), { size: 0.5, every: 2 });
});

test("one that is too slow rests, and tries again", () => {
  const budget = new Budget();
  assert.equal(worked(budget, 300, 10), null);
  assert.equal(worked(budget, 300, 10, { from: 10_000 }), null);
  assert.deepEqual(worked(budget, 300, 0.2, { from: 50_000 }), { size: 0.5, every: 2 });
  assert.equal(worked(budget, 300, 5, { from: 50_200 }), null);
});

test("work beside it makes it step down within a second, and up again later", () => {
  const budget = new Budget();
  worked(budget, 10, 20);
  assert.deepEqual(worked(budget, 80, 1, { from: 20_000 }), { size: 0.5, every: 1 });
  assert.deepEqual(worked(budget, 10, 3, { from: 21_000 }), { size: 0.5, every: 1 });
  assert.deepEqual(worked(budget, 10, 10, { from: 24_000 }), { size: 1, every: 1 });
});

test("it does not swing between two steps", () => {
  const budget = new Budget();
  worked(budget, 25, 20);
  const seen = new Set();
  for (let from = 20_000; from < 80_000; from += 1_000) seen.add(worked(budget, 25, 1, { from }).size);
  assert.deepEqual([...seen], [0.75]);
});

test("slow videos leave more time", () => {
  assert.deepEqual(worked(new Budget(), 60, 40, { gap: 200 }), { size: 1, every: 1 });
});
