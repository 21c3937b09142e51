/** The report as the core writes it (JSON; schema `weighstation-report/1`): the types are the core's own. */
import type { Severity, Verdict } from "./report.types.ts";

export type * from "./report.types.ts";
export type { Kind as StatementKind, Node as Outline } from "./report.types.ts";

/** Worst first; the order of every list of verdicts. */
export const VERDICTS: readonly Verdict[] = ["dangerous", "suspicious", "incomplete", "clear"];
export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info"];
