/** What is known of the network lock: the policy, the self-tests in page and scanner, the requests since the page was opened. */
import type { ReactiveController, ReactiveControllerHost } from "lit";
import { Pool } from "../scanner/client.ts";
import { networkLocked } from "../scanner/lock.ts";
import type { LockState } from "../ui/lock.ts";

export class LockWatch implements ReactiveController {
  readonly state: LockState = { policy: null, page: null, scanner: null, requests: 0, own: 0, online: null };
  #end: (() => void)[] = [];

  constructor(
    private readonly host: ReactiveControllerHost,
    /** Address of the worker for hosts that forbid blobs. */
    private readonly worker: () => string | null,
  ) {
    host.addController(this);
  }

  /** Whether a self-test got through. */
  get open(): boolean {
    return this.state.page === false || this.state.scanner === false;
  }

  /** What the self-test of a worker came to. */
  scanner(locked: boolean | null): void {
    this.state.scanner = locked;
    this.host.requestUpdate();
  }

  /** The self-tests once more, the scanner's in a worker of its own: the others may be busy. */
  again = (): void => {
    this.state.page = this.state.scanner = null;
    this.#tryPage();
    const trial: Pool = new Pool(
      1,
      () => {
        this.scanner(trial.locked);
        trial.stop();
      },
      this.worker(),
    );
    trial.warm();
    this.host.requestUpdate();
  };

  hostConnected(): void {
    this.state.policy = document.querySelector<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy"]')?.content ?? null;
    this.#tryPage();
    this.#countRequests();
    for (const way of ["online", "offline"]) {
      addEventListener(way, this.#online);
      this.#end.push(() => removeEventListener(way, this.#online));
    }
    this.#online();
  }

  hostDisconnected(): void {
    for (const end of this.#end.splice(0)) end();
  }

  #online = (): void => {
    this.state.online = navigator.onLine;
    this.host.requestUpdate();
  };

  #tryPage(): void {
    void networkLocked().then((locked) => {
      this.state.page = locked;
      this.host.requestUpdate();
    });
  }

  #countRequests(): void {
    const opened = performance.now();
    // What the page's own markup links to; the browser asks for the manifest when it finds the time.
    const linked = new Set([...document.querySelectorAll<HTMLLinkElement>("link[href]")].map((link) => link.href));
    const observer = new PerformanceObserver((entries) => {
      // The self-test is refused and goes nowhere; the scanner's blob is made by this page.
      const outside = entries.getEntries().filter((entry) => !/^(data|blob):/.test(entry.name));
      const before = outside.filter((entry) => entry.startTime <= opened || linked.has(entry.name)).length;
      this.state.own += before;
      this.state.requests += outside.length - before;
      this.host.requestUpdate();
    });
    observer.observe({ type: "resource", buffered: true });
    this.#end.push(() => observer.disconnect());
  }
}
