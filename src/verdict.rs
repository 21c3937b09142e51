//! How findings and gaps add up to one word.

use crate::report::{Finding, Gap, Severity};
use serde::{Deserialize, Serialize};

/// The four verdicts. The word "safe" does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was read and nothing was found.
    Clear,
    /// Something was not read, and nothing worse was found.
    Incomplete,
    /// Something was found that a person must look at.
    Suspicious,
    /// Loading does harm.
    Dangerous,
}

impl Verdict {
    /// The verdict of findings and gaps together: a finding outweighs a gap, a gap outweighs nothing.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>, gaps: &[Gap]) -> Verdict {
        let worst = findings.into_iter().map(|f| f.severity).max();
        match worst {
            Some(Severity::Critical | Severity::High) => Verdict::Dangerous,
            Some(Severity::Medium) => Verdict::Suspicious,
            _ if !gaps.is_empty() => Verdict::Incomplete,
            _ => Verdict::Clear,
        }
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Clear => "clear",
            Verdict::Incomplete => "incomplete",
            Verdict::Suspicious => "suspicious",
            Verdict::Dangerous => "dangerous",
        }
    }
}
