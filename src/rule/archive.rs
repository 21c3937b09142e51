//! Archives: members that two programs read differently, and members that reach outside.

use super::{Args, Check, Rule};
use crate::fact::Fact;
use crate::report::Severity;

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The family WS2xx.
pub static RULES: &[Rule] = &[
    rule("WS201", "duplicate-member", Severity::High, &["CWE-436"], |f| archive(f, &["duplicate-member"])),
    rule("WS202", "headers-differ", Severity::Medium, &["CWE-436", "CVE-2025-1944"], |f| archive(f, &["headers-differ", "wrong-count"])),
    rule("WS203", "hidden-member", Severity::Medium, &["CWE-436"], |f| archive(f, &["hidden-member"])),
    rule("WS204", "case-twin", Severity::Medium, &["CWE-178"], |f| archive(f, &["case-twin"])),
    rule("WS205", "encrypted-flag", Severity::Medium, &["CVE-2025-1945"], |f| archive(f, &["encrypted-flag"])),
    rule("WS206", "wrong-checksum", Severity::Medium, &["CVE-2025-10156", "CWE-354"], |f| archive(f, &["wrong-checksum"])),
    rule("WS207", "compression-bomb", Severity::Medium, &["CWE-409"], |f| archive(f, &["bomb"])),
    rule("WS208", "damaged-archive", Severity::Low, &["CWE-20"], |f| archive(f, &["directory-damaged", "past-end"])),
    rule("WS209", "path-traversal", Severity::High, &["CWE-22"], |f| match f {
        Fact::Traversal { target } => Some(vec![("target", target.clone())]),
        _ => None,
    }),
    rule("WS210", "link-out", Severity::High, &["CWE-59", "CWE-22", "CVE-2025-4517"], |f| {
        archive(f, &["link-leaves"]).or_else(|| archive(f, &["file-link"]).filter(|_| gives_away(f)))
    }),
    rule("WS211", "device-member", Severity::High, &["CWE-73"], |f| archive(f, &["device-member"])),
    rule("WS212", "tar-read-two-ways", Severity::High, &["CWE-436", "CVE-2025-62518"], |f| archive(f, &["tar-differs"])),
    rule("WS213", "repeated-member", Severity::Medium, &["CWE-436"], |f| archive(f, &["repeated-member"])),
    rule("WS214", "overlapping-members", Severity::Medium, &["CWE-409", "CVE-2019-13232"], |f| archive(f, &["overlap"])),
    rule("WS217", "file-link-out", Severity::Low, &["CWE-59"], |f| archive(f, &["file-link"]).filter(|_| !gives_away(f))),
];

/// Whether a link leads to what belongs to the machine or to its user alone; caches link to their own store.
fn gives_away(f: &Fact) -> bool {
    matches!(f, Fact::Archive { detail, .. } if ["/etc/", "/proc/", "/sys/", "/dev/"].iter().any(|p| detail.starts_with(p))
        || ["/.ssh/", "/.aws/", "/.gnupg/", "/.kube/"].iter().any(|p| detail.contains(p)))
}

fn archive(f: &Fact, kinds: &[&str]) -> Option<Args> {
    match f {
        Fact::Archive { what, name, detail } if kinds.contains(what) => Some(vec![("member", name.clone()), ("detail", detail.clone())]),
        _ => None,
    }
}
