/** The page's side of the scanner: a pool of workers, each given one task at a time. */
import { source } from "weighstation-worker";
import { compile, type StopReason } from "./core.ts";
import type { Answer, Request, Start, Task } from "./protocol.ts";
import "./refused.ts";
import { trusted } from "./trusted.ts";

/** The worker could not be started at all: a policy of the host page forbids `blob:` workers or WebAssembly. */
export class ScannerBlocked extends Error {}

/** The scanner gave up on one file; the others go on. */
export class ScannerStopped extends Error {
  constructor(
    readonly reason: StopReason,
    detail: string,
  ) {
    super(detail);
  }
}

interface Job {
  task: Task;
  progress: ((bytes: number) => void) | undefined;
  resolve: (result: string) => void;
  reject: (error: Error) => void;
}

interface Member {
  worker: Worker;
  ready: boolean;
  job: Job | null;
  id: number;
}

let core: Promise<WebAssembly.Module> | null = null;
let blob: string | null = null;

/** Where the worker is: made here, once, or at an address of the host's own when its policy forbids `blob:`. */
function workerAddress(own: string | null): string {
  if (own !== null) return trusted(new URL(own, document.baseURI).href);
  blob ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return trusted(blob);
}

export class Pool {
  #members: Member[] = [];
  #queue: Job[] = [];
  #next = 1;
  /** The self-test of every worker that started: all of them were refused, or null before the first. */
  locked: boolean | null = null;

  constructor(
    readonly size: number,
    readonly onready: () => void = () => {},
    /** The worker at an address of the host's own; null for the one that travels inside. */
    readonly address: string | null = null,
  ) {}

  /** Puts a task at the end of the queue. */
  run(task: Task, progress?: (bytes: number) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, progress, resolve, reject });
      this.#serve();
    });
  }

  /** Starts one worker ahead of need, so that the first file does not wait for it. */
  warm(): void {
    if (this.#members.length > 0) return;
    try {
      this.#members.push(this.#start());
    } catch (error) {
      this.#abandon(new ScannerBlocked(String(error)));
    }
  }

  /** Ends all workers at once, whatever they are doing; everything unfinished fails as cancelled. */
  stop(): void {
    this.#abandon(new ScannerStopped("cancelled", "stopped"));
  }

  #abandon(why: Error): void {
    const open = [...this.#members.flatMap((member) => member.job ?? []), ...this.#queue];
    for (const member of this.#members) member.worker.terminate();
    this.#members = [];
    this.#queue = [];
    for (const job of open) job.reject(why);
  }

  #serve(): void {
    while (this.#queue.length > 0) {
      let idle = this.#members.find((member) => member.job === null);
      if (!idle) {
        if (this.#members.length >= this.size) return;
        try {
          idle = this.#start();
        } catch (error) {
          this.#abandon(new ScannerBlocked(String(error)));
          return;
        }
        this.#members.push(idle);
      }
      const job = this.#queue.shift()!;
      idle.job = job;
      idle.id = this.#next++;
      idle.worker.postMessage({ id: idle.id, task: job.task } satisfies Request);
    }
  }

  #start(): Member {
    // A classic worker: on a page from disk Chromium refuses to start a module from a blob.
    const worker = new Worker(workerAddress(this.address), { name: "weighstation" });
    const member: Member = { worker, ready: false, job: null, id: 0 };
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(member, data);
    // Compiled once, whatever the number of workers. A policy without 'wasm-unsafe-eval' refuses it here.
    (core ??= compile()).then(
      (module) => worker.postMessage({ module } satisfies Start),
      (error) => this.#abandon(new ScannerBlocked(String(error))),
    );
    worker.onerror = (event) => {
      event.preventDefault();
      if (member.ready) this.#drop(member, event.message);
      else this.#abandon(new ScannerBlocked(event.message || "the worker did not start"));
    };
    return member;
  }

  #hear(member: Member, message: Answer): void {
    if (message.kind === "ready") {
      member.ready = true;
      this.locked = message.locked && this.locked !== false;
      this.onready();
      return;
    }
    const job = member.job;
    if (!job || message.id !== member.id) return;
    if (message.kind === "progress") {
      job.progress?.(message.bytes);
      return;
    }
    member.job = null;
    if (message.kind === "done") job.resolve(message.result);
    else job.reject(new ScannerStopped(message.reason, message.detail));
    this.#serve();
  }

  /** A worker that died takes its one task with it and is replaced when there is more to do. */
  #drop(member: Member, detail: string): void {
    member.worker.terminate();
    this.#members = this.#members.filter((other) => other !== member);
    member.job?.reject(new ScannerStopped("scanner-stopped", detail));
    this.#serve();
  }
}
