/** How long something will still take; said only once it is steady, because a number that jumps is worse than none. */

/** Before this a guess at the time left is worth nothing. */
const PATIENCE = 2000;
/** The pace is taken over this time. */
const WINDOW = 6000;
/** Two halves of the window may differ by this factor and still count as steady. */
const SPREAD = 1.6;

interface Sample {
  at: number;
  part: number;
}

export class Steady {
  #samples: Sample[] = [];

  /** Takes note that `part` (0 to 1) is done at `now` (milliseconds); seconds left, or null while nobody knows. */
  left(part: number, now: number): number | null {
    const samples = this.#samples;
    const last = samples.at(-1);
    // Less done than before is another task.
    if (last && part < last.part) samples.length = 0;
    if (!last || now - last.at >= 100 || part < last.part) samples.push({ at: now, part });
    while (samples.length > 2 && now - samples[0]!.at > WINDOW) samples.shift();
    const first = samples[0]!;
    if (now - first.at < PATIENCE || part <= first.part || part >= 1) return null;
    const middle = samples[samples.length >> 1]!;
    const early = (middle.part - first.part) / Math.max(1, middle.at - first.at);
    const late = (part - middle.part) / Math.max(1, now - middle.at);
    if (!(early > 0 && late > 0) || Math.max(early, late) / Math.min(early, late) > SPREAD) return null;
    return ((1 - part) * (now - first.at)) / (part - first.part) / 1000;
  }
}
