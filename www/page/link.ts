/** Links to a finding. They name a file, a rule and a place and hold nothing else: whoever has the same file sees the same bytes. */
import type { Spot, WeighStation } from "../element/weigh-station.ts";

export function spotOf(hash: string): Spot | null {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const file = said.get("file");
  const rule = said.get("rule");
  if (file === null || rule === null) return null;
  return { file, rule, member: said.get("member") ?? "", offset: Number(said.get("offset")) };
}

/** Opens what the address names, once the file it names was weighed. */
export function setUpLinks(station: WeighStation): void {
  let wanted = spotOf(location.hash);
  const go = () => {
    const spot = wanted;
    if (!spot || station.state !== "done") return;
    wanted = null;
    void station.show(spot);
  };
  addEventListener("hashchange", () => {
    wanted = spotOf(location.hash);
    go();
  });
  station.addEventListener("weigh-state", go);
}
