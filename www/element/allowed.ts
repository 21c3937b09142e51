/**
 * Comes before everything else of the element. A host whose policy names Trusted Types without ours stops the very first line of what follows; then a plain
 * element says which words are missing, where otherwise there would be nothing.
 */
const WORDS = "trusted-types lit-html weighstation 'allow-duplicates'";

addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective !== "trusted-types" || customElements.get("weigh-station")) return;
  class Refused extends HTMLElement {
    connectedCallback(): void {
      this.setAttribute("role", "alert");
      this.textContent = `weighstation: the Content-Security-Policy of this page lacks “${WORDS}”.`;
    }
  }
  customElements.define("weigh-station", Refused);
});

export {};
