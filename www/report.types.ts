// Printed from the Rust types by `UPDATE=1 cargo test report`; a test holds the two together.

/**
 * How sure a row is. A row of low confidence never makes an answer good.
 */
export type Sure = "low" | "medium" | "high";

/**
 * How good the answer is.
 */
export type Level = "ok" | "ok-with-obligations" | "needs-review" | "conflict";

/**
 * What somebody is about to do.
 */
export type Use = "research" | "inside" | "service" | "service-fine-tuned" | "give" | "fine-tune" | "merge" | "sell" | "distil";

/**
 * How a part enters the whole.
 */
export type Relation = "weights" | "outputs" | "data" | "code" | "code-separate";

/**
 * What is left open by law, and how somebody decides to see it.
 */
export type Switch = "yes" | "no" | "open";

/**
 * A part, with one licence.
 */
export type Part = { 
/**
 * What it is called: a path, a repository, a licence's name.
 */
name: string, 
/**
 * An SPDX expression, an id of the catalogue, or any other name of a licence; empty if there is none.
 */
licence: string, 
/**
 * How it enters the whole.
 */
relation: Relation, 
/**
 * It is changed before it is used.
 */
modified: boolean, 
/**
 * Data that leaves with the product.
 */
shipped: boolean, 
/**
 * Whether the model sees pictures, if known.
 */
multimodal: boolean | null, 
/**
 * A small model for one task, not a foundation model, comes out of it.
 */
small_target: boolean, 
/**
 * Where the licence was read: `text`, `declared`, `base`, `dataset`, `chosen`.
 */
source: string, 
/**
 * What is doubtful about that: `contradiction`, `drift`, `drift-adapter`, `altered`, `disguised`, `card`.
 */
doubts: Array<string>, };

/**
 * Who does it, where, for what.
 */
export type Situation = { 
/**
 * What is done.
 */
use: Use, 
/**
 * Whether it earns money; if not said, what the use and the organisation suggest.
 */
commercial: boolean | null, 
/**
 * A company, or a person for gain.
 */
for_profit: boolean, 
/**
 * Seat: a country's two letters, or `EU`.
 */
seat: string | null, 
/**
 * Numbers by name: `mau`, `annual_revenue_usd` ….
 */
facts: { [key in string]: number }, 
/**
 * Kinds of business; `None` if not said.
 */
business: Array<string> | null, 
/**
 * Fields of use, as codes of the catalogue's limits.
 */
fields: Array<string>, 
/**
 * Licence under which the result goes out, or `proprietary`.
 */
outbound: string | null, 
/**
 * Licence that a card already puts on the result.
 */
label: string | null, 
/**
 * Ids of licences for which a contract with the licensor is held.
 */
agreements: Array<string>, 
/**
 * Answers to the open questions, by name.
 */
assume: { [key in string]: Switch }, };

/**
 * What a statement is about.
 */
export type Kind = "declared" | "text" | "header" | "base" | "dataset" | "problem";

/**
 * One statement, with its place.
 */
export type Statement = { 
/**
 * What it is about.
 */
kind: Kind, 
/**
 * The file.
 */
file: string, 
/**
 * Key of the metadata or card; for texts the part of the folder that they are for: `weights`, `code`, `notice`, `policy`, `card`.
 */
key: string, 
/**
 * What stands there, shortened.
 */
value: string, 
/**
 * Ids of the catalogue that it means; several if the name has several meanings.
 */
licences: Array<string>, 
/**
 * For texts `text`, `part`, `altered`, `version`; for problems what is wrong, as a code.
 */
how: string, 
/**
 * Share of the known text that is there, in hundredths.
 */
score: number | null, 
/**
 * Words beside a known text that limit.
 */
residue: string, 
/**
 * Where it stands.
 */
place: Place, };

/**
 * Where a line comes from.
 */
export type Source = { 
/**
 * Id of the licence.
 */
licence: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * Clause; empty where there is no text.
 */
clause: string, 
/**
 * Day on which it was read; empty where there is no text.
 */
read: string, 
/**
 * How it was read: `text`, `clauses`, `secondary`, `unread`.
 */
basis: string, 
/**
 * How sure that is: `high`, `medium`, `low`.
 */
sure: string, 
/**
 * Parts that it is about.
 */
parts: Array<string>, };

/**
 * One line of the answer.
 */
export type Line = { 
/**
 * What, as a code.
 */
code: string, 
/**
 * One sentence.
 */
text: string, 
/**
 * What would resolve it, for what stands against the use.
 */
resolve: string, 
/**
 * How bad it is.
 */
level: Level, 
/**
 * Licences and clauses.
 */
sources: Array<Source>, };

/**
 * A question whose answer is needed.
 */
export type Question = { 
/**
 * Name of the fact, or of the open question.
 */
id: string, 
/**
 * The question.
 */
text: string, 
/**
 * How it is answered now: `yes`, `no`, `open`; empty for a fact that is missing.
 */
answer: string, };

/**
 * A part with what its licence is.
 */
export type Judged = { 
/**
 * The part.
 */
part: Part, 
/**
 * Ids that were judged: of a choice the one that serves best.
 */
licences: Array<string>, 
/**
 * What they are called, in the language of the answer; one that is missing or unknown is said in words.
 */
names: Array<string>, 
/**
 * Their families.
 */
families: Array<string>, 
/**
 * How good the answer is for this part by itself.
 */
level: Level, 
/**
 * What it means for the AI Act's open-source rules: `yes`, `no`, `unclear`.
 */
act: string, };

/**
 * The whole answer.
 */
export type Guidance = { 
/**
 * [`SCHEMA`].
 */
schema: string, 
/**
 * Day of the catalogue.
 */
catalogue: string, 
/**
 * That this is guidance and no legal advice.
 */
disclaimer: string, 
/**
 * What was asked.
 */
situation: Situation, 
/**
 * The answer in one word.
 */
level: Level, 
/**
 * The answer in one sentence.
 */
headline: string, 
/**
 * The parts.
 */
parts: Array<Judged>, 
/**
 * What stands against it, worst first.
 */
clashes: Array<Line>, 
/**
 * What may be done.
 */
may: Array<Line>, 
/**
 * What must be done.
 */
must: Array<Line>, 
/**
 * What must not be done.
 */
must_not: Array<Line>, 
/**
 * What a person has to decide or ask.
 */
ask: Array<Line>, 
/**
 * What can change later.
 */
watch: Array<Line>, 
/**
 * What it means for the EU AI Act's open-source rules.
 */
act: Array<Line>, 
/**
 * Facts that were missing.
 */
questions: Array<Question>, 
/**
 * Open questions of law, and how they are answered.
 */
assumptions: Array<Question>, 
/**
 * Text for a file NOTICE; empty if none is asked for.
 */
notice: string, 
/**
 * Block for the head of the model card.
 */
card: string, 
/**
 * Strings to show.
 */
attribution: Array<string>, 
/**
 * A letter to the publisher where nobody gave permission; empty otherwise.
 */
letter: string, };

/**
 * A file as it was.
 */
export type Pin = { 
/**
 * Path.
 */
path: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * SHA-256, if it was computed.
 */
sha256: string | null, 
/**
 * It holds terms: a licence, a notice, a policy.
 */
terms: boolean, };

/**
 * One model, program or set of data.
 */
export type Entry = { 
/**
 * Name of the part.
 */
name: string, 
/**
 * Licence as an expression of ids.
 */
licence: string, 
/**
 * Names of the licences.
 */
names: Array<string>, 
/**
 * Families.
 */
families: Array<string>, 
/**
 * How it enters: `weights`, `data`, `code` ….
 */
relation: Relation, 
/**
 * Where the licence was read.
 */
source: string, 
/**
 * Duties for the use that was asked about, as sentences.
 */
duties: Array<string>, 
/**
 * Models that it is made from.
 */
bases: Array<string>, 
/**
 * Its files.
 */
files: Array<Pin>, 
/**
 * Day of the scan, as whoever made it says.
 */
seen: string, };

/**
 * The table.
 */
export type Inventory = { 
/**
 * [`SCHEMA`].
 */
schema: string, 
/**
 * Day of the catalogue that the last entry was judged by.
 */
catalogue: string, 
/**
 * That this is guidance and no legal advice.
 */
disclaimer: string, 
/**
 * Entries, in the order in which they came.
 */
entries: Array<Entry>, };

/**
 * What changed of one entry.
 */
export type Change = { 
/**
 * Name of the entry.
 */
name: string, 
/**
 * `new`, `gone`, `licence`, `terms`, `base`, `files`.
 */
what: string, 
/**
 * What it was.
 */
before: string, 
/**
 * What it is.
 */
after: string, 
/**
 * For `licence`: `tighter`, `looser`, `other`; by what the licences ask and not by how alike they read.
 */
grade: string, };

/**
 * A licence as a list shows it.
 */
export type LicenceRow = { 
/**
 * Id.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * Who wrote it.
 */
steward: string, 
/**
 * Date on the text.
 */
date: string, 
/**
 * Family.
 */
family: string, 
/**
 * SPDX id, empty if it has none.
 */
spdx: string, 
/**
 * Day on which it was read.
 */
read: string, 
/**
 * How sure the row is.
 */
sure: Sure, 
/**
 * Where it can be read.
 */
urls: Array<string>, 
/**
 * The AI Act's open-source rules: `yes`, `no`, `unclear`.
 */
act: string, 
/**
 * What a contract in its place would be called; empty where nobody needs one, because it is free for any use.
 */
agreement: string, };

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
refs: Array<string>, 
/**
 * The file that it is about, where it is a finding about several together.
 */
path?: string, };

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
found: Array<string>, 
/**
 * Everything that is said about licences, with its place.
 */
statements: Array<Statement>, 
/**
 * What has to be judged together: each folder, what it is made from, what it was trained on. Only filled for the whole.
 */
parts: Array<Part>, };

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
needed: number, 
/**
 * Whether it is a piece of an array that may be compressed: then `needed` is the most that it holds.
 */
chunk?: boolean, };

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
 * Digests of other files that this one lists, if its name says that it is there for that.
 */
listed?: Array<Listed>, 
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

/**
 * How much of a path stays.
 */
export type Paths = "full" | "names" | "numbered";

/**
 * Bytes and listing of one place, to be shown where the form can.
 */
export type Shown = { 
/**
 * The file's path as the report has it.
 */
path: string, 
/**
 * The place as the report has it.
 */
place: Place, 
/**
 * What [`crate::evidence`] says of it.
 */
evidence: Evidence, };

/**
 * How a report is to be written.
 */
export type ExportOptions = { 
/**
 * Language of the sentences: a BCP 47 tag.
 */
lang: string, 
/**
 * How much of the paths stays.
 */
paths: Paths, 
/**
 * When the files were scanned, as RFC 3339 in UTC (`2026-11-20T12:00:00Z`); empty where that is not to be said.
 */
time: string, 
/**
 * Serial number of a bill of materials: a UUID; empty to make one of the files' digests.
 */
serial: string, 
/**
 * Folder that paths are relative to, for forms that know no absolute ones; empty where they are.
 */
root: string, 
/**
 * Whether a terminal shows colours.
 */
colour: boolean, 
/**
 * Bytes and listings to show.
 */
evidence: Array<Shown>, };

/**
 * A row of [`EXPORTS`] as lists show it.
 */
export type ExportRow = { 
/**
 * Id.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Media type.
 */
media: string, 
/**
 * Ending of the file's name.
 */
ending: string, };

/**
 * An algorithm, told by its name or by how long its digests are.
 */
export type Algorithm = "md5" | "sha1" | "sha256" | "sha384" | "sha512" | "other" | "git";

/**
 * One entry: these bytes should be there.
 */
export type Listed = { 
/**
 * The file's name as written, separators as `/`; empty for a digest alone.
 */
name: string, 
/**
 * Algorithm.
 */
algorithm: Algorithm, 
/**
 * Digest, lower-case hexadecimal.
 */
digest: string, 
/**
 * Size in bytes, where the list says it.
 */
size: number | null, };

/**
 * A text that lists digests.
 */
export type ListText = { 
/**
 * Where it was read; empty for a pasted one.
 */
path: string, 
/**
 * The text.
 */
text: string, };

/**
 * A file with what was computed of it.
 */
export type Given = { 
/**
 * Path.
 */
path: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * SHA-256 in lower-case hexadecimal.
 */
sha256: string | null, 
/**
 * SHA-384, where somebody computed it.
 */
sha384: string | null, 
/**
 * SHA-512, where somebody computed it.
 */
sha512: string | null, };

/**
 * What became of one file or one entry.
 */
export type State = "matches" | "unlisted" | "uncheckable" | "missing" | "differs";

/**
 * One line of a verification.
 */
export type FileCheck = { 
/**
 * The file's path; for an entry without a file the name as listed, empty for a digest alone.
 */
path: string, 
/**
 * What became of it.
 */
state: State, 
/**
 * Why, as a stable id; empty where the state says it.
 */
reason: string, 
/**
 * The same in words; empty where there is nothing to add.
 */
message: string, 
/**
 * Algorithm that was listed.
 */
algorithm: Algorithm | null, 
/**
 * Digest that was listed.
 */
expected: string | null, 
/**
 * Digest that was computed.
 */
actual: string | null, 
/**
 * Where the two first differ, in hexadecimal digits.
 */
differ_at: number | null, 
/**
 * Size that was listed.
 */
size: number | null, 
/**
 * The list that says so, empty for a pasted digest.
 */
list: string, };

/**
 * What a verification comes to.
 */
export type Outcome = "matches" | "differs" | "incomplete" | "nothing";

/**
 * The result: the worst first.
 */
export type Verification = { 
/**
 * [`SCHEMA`].
 */
schema: string, 
/**
 * What it comes to.
 */
outcome: Outcome, 
/**
 * The same as a sentence.
 */
headline: string, 
/**
 * Files and entries.
 */
checks: Array<FileCheck>, 
/**
 * Lines of the list that could not be understood.
 */
not_understood: number, };

/**
 * How a change weighs.
 */
export type News = "good" | "neutral" | "bad" | "worst";

/**
 * One change.
 */
export type Difference = { 
/**
 * What changed, as a stable id: `finding-new`, `import-new`, `licence`, `tensor`, `bytes` ….
 */
what: string, 
/**
 * How it weighs.
 */
news: News, 
/**
 * The file, as the newer report calls it, or the older one if it is gone; empty for all together.
 */
path: string, 
/**
 * What it is about: a rule, an import, a key.
 */
name: string, 
/**
 * What it was; empty if it was not there.
 */
before: string, 
/**
 * What it is; empty if it is not there.
 */
after: string, 
/**
 * The same in words.
 */
message: string, };

/**
 * The result.
 */
export type Comparison = { 
/**
 * [`SCHEMA`].
 */
schema: string, 
/**
 * Verdict of the older report.
 */
before: Verdict, 
/**
 * Verdict of the newer one.
 */
after: Verdict, 
/**
 * Verdict of what is new alone: findings and gaps that were not there before.
 */
news: Verdict, 
/**
 * What it comes to, as a sentence.
 */
headline: string, 
/**
 * Files that are the same to the byte.
 */
same: number, 
/**
 * Changes, the worst news first.
 */
changes: Array<Difference>, };

