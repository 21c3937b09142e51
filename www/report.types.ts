// Printed from the Rust types by `UPDATE=1 cargo test report`; a test holds the two together.

/**
 * The four verdicts. The word "safe" does not exist.
 */
export type Verdict = "clear" | "incomplete" | "suspicious" | "dangerous";

/**
 * How much a finding weighs: high and above make a file dangerous, medium suspicious, the rest inform.
 */
export type Severity = "info" | "low" | "medium" | "high" | "critical";

/**
 * A byte range: inside a member, and where possible in the file itself.
 */
export type Place = { 
/**
 * Path of the member inside the file's containers, `""` for the file itself; levels are joined with ` › `.
 */
member: string, 
/**
 * Offset in bytes from the start of the member.
 */
offset: number, 
/**
 * Length in bytes.
 */
length: number, 
/**
 * Offset in the file as it lies on disk; `None` where the bytes are compressed there.
 */
file_offset: number | null, };

/**
 * One rule that fired, folded over all its places.
 */
export type Finding = { 
/**
 * Rule id.
 */
rule: string, 
/**
 * Rule name.
 */
name: string, 
/**
 * Weight.
 */
severity: Severity, 
/**
 * One sentence about this file.
 */
message: string, 
/**
 * What the sentence was filled with.
 */
args: { [key in string]: string }, 
/**
 * How often it fired, also beyond the places kept.
 */
count: number, 
/**
 * The first places.
 */
places: Array<Place>, 
/**
 * The rule's title.
 */
title: string, 
/**
 * Why it matters.
 */
why: string, 
/**
 * What to do.
 */
fix: string, 
/**
 * Weakness and vulnerability ids, articles.
 */
refs: Array<string>, };

/**
 * Something that was not looked at.
 */
export type Gap = { 
/**
 * Stable id.
 */
reason: string, 
/**
 * Member path, empty for the file.
 */
member: string, 
/**
 * One sentence.
 */
message: string, };

/**
 * What a file does with an import.
 */
export type Used = "imported" | "called" | "built";

/**
 * What is known of an import.
 */
export type Standing = "expected" | "unknown" | "dangerous";

/**
 * A global that loading resolves.
 */
export type Import = { 
/**
 * Module.
 */
module: string, 
/**
 * Name.
 */
name: string, 
/**
 * The strongest thing that is done with it.
 */
use: Used, 
/**
 * What is known of it.
 */
standing: Standing, };

/**
 * What the tensors add up to.
 */
export type Tensors = { 
/**
 * Number of tensors.
 */
count: number, 
/**
 * Elements over all tensors.
 */
parameters: number, 
/**
 * Bytes over all tensors.
 */
bytes: number, 
/**
 * Tensors by element type.
 */
dtypes: { [key in string]: number }, };

/**
 * A key and value from the file's metadata.
 */
export type Metadata = { 
/**
 * Key.
 */
key: string, 
/**
 * Value, shortened.
 */
value: string, };

/**
 * What the file says and shows about its licence.
 */
export type Licence = { 
/**
 * Names that the file declares.
 */
declared: Array<string>, 
/**
 * Texts that were recognised.
 */
found: Array<string>, };

/**
 * A node of the contents tree.
 */
export type Node = { 
/**
 * Name.
 */
label: string, 
/**
 * What it is: a format id, `tensor`, `metadata`, `import` ….
 */
kind: string, 
/**
 * Size in bytes, if it has one.
 */
size: number | null, 
/**
 * A remark.
 */
note: string | null, 
/**
 * What is inside.
 */
children: Array<Node>, 
/**
 * How many more there are than `children` keeps.
 */
more: number, };

/**
 * A file that holds tensors of another one and has no form of its own.
 */
export type External = { 
/**
 * Its path, relative to the file that names it.
 */
path: string, 
/**
 * Bytes of it that are needed; 0 where that is not said.
 */
needed: number, };

/**
 * The report on one file.
 */
export type FileReport = { 
/**
 * Path as given.
 */
path: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * SHA-256, once it was computed.
 */
sha256: string | null, 
/**
 * Format ids, the most specific first.
 */
formats: Array<string>, 
/**
 * Verdict.
 */
verdict: Verdict, 
/**
 * One sentence about the consequence of loading.
 */
headline: string, 
/**
 * At most three things to do.
 */
advice: Array<string>, 
/**
 * What was found, heaviest first.
 */
findings: Array<Finding>, 
/**
 * What was not looked at.
 */
gaps: Array<Gap>, 
/**
 * What loading imports, in order of first appearance.
 */
imports: Array<Import>, 
/**
 * Tensor totals.
 */
tensors: Tensors, 
/**
 * Metadata.
 */
metadata: Array<Metadata>, 
/**
 * Licence evidence.
 */
licence: Licence, 
/**
 * Names of other files that this one asks for.
 */
references: Array<string>, 
/**
 * Files beside this one that hold parts of it.
 */
external: Array<External>, 
/**
 * Source files beside this one that a loader runs because of it.
 */
code: Array<string>, 
/**
 * Contents tree.
 */
outline: Node, };

/**
 * Which program made the report.
 */
export type Tool = { 
/**
 * Always `weighstation`.
 */
name: string, 
/**
 * The package's version.
 */
version: string, 
/**
 * The rules' version: a digest over the ids and severities.
 */
rules: string, };

/**
 * The report on everything that was given.
 */
export type Report = { 
/**
 * [`SCHEMA`].
 */
schema: string, 
/**
 * Program and version.
 */
tool: Tool, 
/**
 * The worst of all.
 */
verdict: Verdict, 
/**
 * File reports in the order of the input.
 */
files: Array<FileReport>, 
/**
 * Findings of the folder as a whole.
 */
findings: Array<Finding>, 
/**
 * Licence of the folder as a whole.
 */
licence: Licence, };

/**
 * One line of a listing.
 */
export type Row = { 
/**
 * Offset in the member.
 */
offset: number, 
/**
 * Bytes that it covers.
 */
length: number, 
/**
 * Opcode, node or key.
 */
instruction: string, 
/**
 * Its argument.
 */
argument: string, 
/**
 * What it does, in plain words.
 */
means: string, 
/**
 * Whether the finding's range touches it.
 */
marked: boolean, };

/**
 * The marked range of an [`Evidence`].
 */
export type Mark = { 
/**
 * Offset in the member.
 */
at: number, 
/**
 * Length.
 */
length: number, };

/**
 * The bytes and the listing around one place.
 */
export type Evidence = { 
/**
 * Path from the file to the member.
 */
crumbs: Array<string>, 
/**
 * Offset of the first byte inside the member.
 */
base: number, 
/**
 * The bytes as hexadecimal.
 */
bytes: string, 
/**
 * What the place covers.
 */
mark: Mark, 
/**
 * Listing rows around the mark.
 */
rows: Array<Row>, 
/**
 * Offset of the first byte in the file, if the bytes lie there as they are.
 */
file_base: number | null, };

/**
 * A rule with its words.
 */
export type RuleRow = { 
/**
 * Id.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Weight.
 */
severity: Severity, 
/**
 * Title.
 */
title: string, 
/**
 * Why it matters.
 */
why: string, 
/**
 * What to do.
 */
fix: string, 
/**
 * References.
 */
refs: Array<string>, };

/**
 * A format as a list shows it.
 */
export type FormatRow = { 
/**
 * Id.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Endings.
 */
extensions: Array<string>, };

/**
 * The tables that page, command line and README print.
 */
export type Tables = { 
/**
 * Rules.
 */
rules: Array<RuleRow>, 
/**
 * Formats.
 */
formats: Array<FormatRow>, };

