// @ts-check
/** What a router said of a stream when it last looked: as `ovsharp/runtime/looks.py`, to the letter. */

/** @typedef {Record<string, number>} Gains in dB, by the model's name */

/** Looks that are weighed together. */
const LOOKS = 4;
/** Looks, of these, in which another model must be clearly ahead before it takes over. */
const AGREEING = 2;
/** dB by which it must be ahead: in single looks, and over all of them. */
const CLEARLY = 0.1;
/** dB that a single look counts for at most. */
const TRUSTED = 0.5;

export class Looks {
  constructor() {
    /** @type {Gains[]} */
    this.last = [];
  }

  /** @param {Gains} gains */
  add(gains) {
    this.last.push(gains);
    if (this.last.length > LOOKS) this.last.shift();
  }

  /** The mean of the last looks; empty before the first. @returns {Gains} */
  get gains() {
    const names = Object.keys(this.last.at(-1) ?? {});
    return Object.fromEntries(names.map((name) => [name, mean(this.last.map((look) => look[name]))]));
  }

  /**
   * Name the model that shall make the next frames.
   * @param {string} staying the one that makes them now; empty where none was chosen yet
   */
  best(staying = "") {
    const { gains } = this;
    const ahead = Object.keys(gains).filter((name) => !staying || this.#leads(name, staying));
    return ahead.reduce((best, name) => (best && gains[best] >= gains[name] ? best : name), "") || staying;
  }

  /** Whether more should be known soon: a stream begins, or the last look disagrees. @param {string} staying */
  unsettled(staying) {
    const last = this.last.at(-1);
    return !last || this.last.length < LOOKS || Math.max(...Object.values(last)) > last[staying] + CLEARLY;
  }

  /** @param {string} name @param {string} staying */
  #leads(name, staying) {
    const leads = this.last.map((look) => look[name] - look[staying]);
    const counted = mean(leads.map((lead) => Math.min(Math.max(lead, -TRUSTED), TRUSTED)));
    return counted > CLEARLY && leads.filter((lead) => lead > CLEARLY).length >= AGREEING;
  }
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
