/** What the policy of the page refused of what the scanner needs, as the words that are missing from it: a host can only mend what it can read. */

/** The sources that stand in a policy for each thing that is refused. */
function line(event: SecurityPolicyViolationEvent): string | null {
  const { effectiveDirective: directive, blockedURI: blocked } = event;
  if (directive === "worker-src") return blocked.startsWith("blob") ? "worker-src blob:" : `worker-src ${blocked}`;
  if (blocked === "wasm-eval" || blocked === "wasm-unsafe-eval") return "script-src 'wasm-unsafe-eval'";
  if (directive === "trusted-types") return "trusted-types lit-html weighstation 'allow-duplicates'";
  return null;
}

export const missing = new Set<string>();
/** Everything that was refused since the page was opened, the self-tests among it. */
export let violations = 0;

const heard = new Set<() => void>();

/** Tells of each refusal from now on; call the answer to end it. */
export function onRefusal(tell: () => void): () => void {
  heard.add(tell);
  return () => heard.delete(tell);
}

// A worker that is refused may say so before or after the policy does; so the ear is there from the beginning.
globalThis.addEventListener?.("securitypolicyviolation", (event) => {
  violations++;
  const words = line(event as SecurityPolicyViolationEvent);
  if (words) missing.add(words);
  for (const tell of heard) tell();
});
