/** The one way by which an address becomes a script: under Trusted Types only this policy may name one, and it names what our own code asked for. */

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const asked = new Set<string>();
let policy: ReturnType<Policies["createPolicy"]> | undefined;

/** The address as the browser wants it. */
export function trusted(url: string): string {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  if (!policies) return url;
  asked.add(url);
  policy ??= policies.createPolicy("weighstation", {
    createScriptURL: (wanted) => {
      if (!asked.has(wanted)) throw new TypeError("not a script of weighstation");
      return wanted;
    },
  });
  return policy.createScriptURL(url);
}
