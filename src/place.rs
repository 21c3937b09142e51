//! Where in the file a statement is proven.

use serde::{Deserialize, Serialize};

/// A byte range: inside a member, and where possible in the file itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Place {
    /// Path of the member inside the file's containers, `""` for the file itself; levels are joined with ` › `.
    pub member: String,
    /// Offset in bytes from the start of the member.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// Offset in the file as it lies on disk; `None` where the bytes are compressed there.
    pub file_offset: Option<u64>,
}
