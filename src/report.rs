//! The report: what doors print and others parse. The names are a contract (`weighstation-report/1`).

use crate::integrity::Listed;
use crate::licence::compat::Part;
use crate::licence::evidence::Statement;
use crate::place::Place;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
#[cfg(test)]
use {schemars::JsonSchema, ts_rs::TS};

/// The schema id that every report carries.
pub const SCHEMA: &str = "weighstation-report/1";

/// How much a finding weighs: high and above make a file dangerous, medium suspicious, the rest inform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Not as it should be, harmless by itself.
    Low,
    /// A person must look.
    Medium,
    /// Loading does harm.
    High,
    /// Loading runs what the file's author wants.
    Critical,
}

/// Which program made the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Tool {
    /// Always `weighstation`.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The rules' version: a digest over the ids and severities.
    pub rules: String,
}

/// One rule that fired, folded over all its places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// Rule name.
    pub name: String,
    /// Weight.
    pub severity: Severity,
    /// One sentence about this file.
    pub message: String,
    /// What the sentence was filled with.
    pub args: BTreeMap<String, String>,
    /// How often it fired, also beyond the places kept.
    pub count: u64,
    /// The first places.
    pub places: Vec<Place>,
    /// The rule's title.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Weakness and vulnerability ids, articles.
    pub refs: Vec<String>,
    /// The file that it is about, where it is a finding about several together.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// Something that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Gap {
    /// Stable id.
    pub reason: String,
    /// Member path, empty for the file.
    pub member: String,
    /// One sentence.
    pub message: String,
}

/// A global that loading resolves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Import {
    /// Module.
    pub module: String,
    /// Name.
    pub name: String,
    /// The strongest thing that is done with it.
    #[serde(rename = "use")]
    pub usage: Used,
    /// What is known of it.
    pub standing: Standing,
}

/// What a file does with an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Used {
    /// Names it.
    Imported,
    /// Calls it.
    Called,
    /// Sets the state of what it made.
    Built,
}

/// What is known of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Real libraries write it, for this use.
    Expected,
    /// Nothing.
    Unknown,
    /// What it does is known, and harmful.
    Dangerous,
}

/// What the tensors add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Tensors {
    /// Number of tensors.
    pub count: u64,
    /// Elements over all tensors.
    pub parameters: u64,
    /// Bytes over all tensors.
    pub bytes: u64,
    /// Tensors by element type.
    pub dtypes: BTreeMap<String, u64>,
}

/// A key and value from the file's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Metadata {
    /// Key.
    pub key: String,
    /// Value, shortened.
    pub value: String,
}

/// What the file says and shows about its licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Licence {
    /// Names that the file declares.
    pub declared: Vec<String>,
    /// Texts that were recognised.
    pub found: Vec<String>,
    /// Everything that is said about licences, with its place.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// What has to be judged together: each folder, what it is made from, what it was trained on. Only filled for the whole.
    #[serde(default)]
    pub parts: Vec<Part>,
}

/// A node of the contents tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Node {
    /// Name.
    pub label: String,
    /// What it is: a format id, `tensor`, `metadata`, `import` ….
    pub kind: String,
    /// Size in bytes, if it has one.
    pub size: Option<u64>,
    /// A remark.
    pub note: Option<String>,
    /// What is inside.
    pub children: Vec<Node>,
    /// How many more there are than `children` keeps.
    pub more: u64,
}

/// The report on one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct FileReport {
    /// Path as given.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, once it was computed.
    pub sha256: Option<String>,
    /// Format ids, the most specific first.
    pub formats: Vec<String>,
    /// Verdict.
    pub verdict: Verdict,
    /// One sentence about the consequence of loading.
    pub headline: String,
    /// At most three things to do.
    pub advice: Vec<String>,
    /// What was found, heaviest first.
    pub findings: Vec<Finding>,
    /// What was not looked at.
    pub gaps: Vec<Gap>,
    /// What loading imports, in order of first appearance.
    pub imports: Vec<Import>,
    /// Tensor totals.
    pub tensors: Tensors,
    /// Metadata.
    pub metadata: Vec<Metadata>,
    /// Licence evidence.
    pub licence: Licence,
    /// Names of other files that this one asks for.
    #[serde(default)]
    pub references: Vec<String>,
    /// Files beside this one that hold parts of it.
    #[serde(default)]
    pub external: Vec<External>,
    /// Source files beside this one that a loader runs because of it.
    #[serde(default)]
    pub code: Vec<String>,
    /// Digests of other files that this one lists, if its name says that it is there for that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Listed>,
    /// Contents tree.
    pub outline: Node,
}

/// A file that holds tensors of another one and has no form of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct External {
    /// Its path, relative to the file that names it.
    pub path: String,
    /// Bytes of it that are needed; 0 where that is not said.
    pub needed: u64,
    /// Whether it is a piece of an array that may be compressed: then `needed` is the most that it holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chunk: bool,
}

/// The report on everything that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Program and version.
    pub tool: Tool,
    /// The worst of all.
    pub verdict: Verdict,
    /// File reports in the order of the input.
    pub files: Vec<FileReport>,
    /// Findings of the folder as a whole.
    pub findings: Vec<Finding>,
    /// Licence of the folder as a whole.
    pub licence: Licence,
}

/// One line of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Row {
    /// Offset in the member.
    pub offset: u64,
    /// Bytes that it covers.
    pub length: u64,
    /// Opcode, node or key.
    pub instruction: String,
    /// Its argument.
    pub argument: String,
    /// What it does, in plain words.
    pub means: String,
    /// Whether the finding's range touches it.
    pub marked: bool,
}

/// The marked range of an [`Evidence`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Mark {
    /// Offset in the member.
    pub at: u64,
    /// Length.
    pub length: u64,
}

/// The bytes and the listing around one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS, JsonSchema))]
pub struct Evidence {
    /// Path from the file to the member.
    pub crumbs: Vec<String>,
    /// Offset of the first byte inside the member.
    pub base: u64,
    /// The bytes as hexadecimal.
    pub bytes: String,
    /// What the place covers.
    pub mark: Mark,
    /// Listing rows around the mark.
    pub rows: Vec<Row>,
    /// Offset of the first byte in the file, if the bytes lie there as they are.
    pub file_base: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Comparison, Difference, News};
    use crate::export::{ExportRow, Options as ExportOptions, Paths, Shown};
    use crate::integrity::verify::{Check as FileCheck, Given, Outcome, State, Verification};
    use crate::integrity::{Algorithm, ListText};
    use crate::licence::LicenceRow;
    use crate::licence::catalogue::Sure;
    use crate::licence::compat::{Level, Relation, Situation, Switch, Use};
    use crate::licence::evidence::Kind;
    use crate::licence::guide::{Guidance, Judged, Line, Question, Source};
    use crate::licence::inventory::{Change, Entry, Inventory, Pin};
    use crate::place::Place;
    use crate::rule::{FormatRow, RuleRow, Tables};
    use crate::verdict::Verdict;

    /// Compares what the types print with the file that ships. `UPDATE=1` writes it instead.
    fn pinned(path: &str, text: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, text).expect("the folder is there");
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "{} is not what the types print: run `UPDATE=1 cargo test report` and look at the difference", path.display());
    }

    #[test]
    fn the_types_of_the_page_are_printed_from_here() {
        let config = ts_rs::Config::default();
        let mut out = String::from("// Printed from the Rust types by `UPDATE=1 cargo test report`; a test holds the two together.\n\n");
        macro_rules! print {
            ($($t:ty),*) => { $( if let Some(docs) = <$t>::docs() { out.push_str(&docs); } out.push_str("export "); out.push_str(&<$t>::decl(&config)); out.push_str("\n\n"); )* };
        }
        print!(
            Sure,
            Level, Use, Relation, Switch, Part, Situation, Kind, Statement, Source, Line, Question, Judged, Guidance, Pin, Entry, Inventory, Change, LicenceRow
        );
        print!(
            Verdict,
            Severity,
            Place,
            Finding,
            Gap,
            Used,
            Standing,
            Import,
            Tensors,
            Metadata,
            Licence,
            Node,
            External,
            FileReport,
            Tool,
            Report,
            Row,
            Mark,
            Evidence,
            RuleRow,
            FormatRow,
            Tables
        );
        print!(
            Paths,
            Shown, ExportOptions, ExportRow, Algorithm, Listed, ListText, Given, State, FileCheck, Outcome, Verification, News, Difference, Comparison
        );
        // JSON has one kind of number; the sizes of files stay far below 2^53.
        let out = out.replace("bigint", "number");
        pinned("www/report.types.ts", &out);
    }

    #[test]
    fn the_schema_is_printed_from_here() {
        let schema = schemars::schema_for!(Report);
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        pinned("www/report.schema.json", &text);
    }
}
