//! Digests that somebody published, held against the files: pasted ones, checksum lists, pointers of Git LFS, and what the Hugging Face client notes beside a download.
//!
//! A list says what bytes there should be. It does not say who wrote it: whoever can change the files can often change the list beside them, too.

pub mod list;
pub mod print;
pub mod verify;

pub use list::{Algorithm, Listed, is_list_name, parse};
pub use print::{ListText, verification};
pub use verify::{Check, Given, Verification, outcome, verify};
