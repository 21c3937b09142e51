// `npm run differ -- 1000000 [seed]`: the pickle machine against CPython, over as many cases as one has time for.
import { call, needPython, needRust, run, Stop } from "../../www/tools.mjs";

await run(async () => {
  needRust();
  needPython();
  const [count = "1000000", seed = "1"] = process.argv.slice(2);
  if (![count, seed].every((n) => /^\d+$/.test(n))) throw new Stop("npm run differ -- COUNT [SEED]: both are numbers.");
  call("cargo", ["test", "--profile", "tested", "--test", "differ", "--", "--nocapture"], {
    env: { DIFFER_CASES: count, DIFFER_SEED: seed },
    why: "The pickle machine and CPython disagree; add the case to tests/differ/cases once it is mended.",
  });
});
