//! Rules about what the files say of their licences. None of them makes a file dangerous: they are about what may be done with it.

use super::{Check, Rule};
use crate::report::Severity::{Info, Low};

const fn row(id: &'static str, name: &'static str, severity: crate::report::Severity, code: &'static str) -> Rule {
    Rule { id, name, severity, refs: &["SPDX 3.0.1"], check: Check::Licence(code) }
}

/// The family.
pub static RULES: &[Rule] = &[
    row("WS701", "licence-contradiction", Low, "contradiction"),
    row("WS702", "licence-drift", Low, "drift"),
    row("WS703", "licence-altered", Low, "altered"),
    row("WS704", "licence-card-broken", Low, "card"),
    row("WS705", "licence-unnamed", Info, "unnamed"),
    row("WS706", "licence-unknown", Info, "unknown"),
    row("WS707", "licence-missing", Info, "missing"),
    row("WS708", "licence-disguised", Low, "disguised"),
    row("WS709", "licence-document", Info, "document"),
];
