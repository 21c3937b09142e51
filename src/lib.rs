//! weighstation weighs an AI model before anybody loads it.
//!
//! One core with three doors (page, npm package, command line). Readers state facts about bytes, rules judge them, the verdict
//! adds up; what was not looked at is a result of its own. Nothing is executed, unpickled or fetched.

pub(crate) mod base64;
pub mod bytes;
pub mod compare;
pub mod digest;
pub mod error;
pub mod export;
pub mod fact;
pub mod format;
pub mod integrity;
pub mod licence;
pub mod limits;
mod order;
pub mod place;
pub mod report;
pub mod rule;
pub mod scan;
pub mod secret;
pub mod speech;
mod table;
pub mod text;
pub mod verdict;
#[cfg(target_arch = "wasm32")]
mod web;

pub use bytes::Source;
pub use digest::Digest;
pub use place::Place;
pub use report::{Evidence, FileReport, Finding, Report};
pub use rule::{Tables, conclude, tables, waits};
pub use scan::{evidence, scan, scan_as, scan_link, stopped};
pub use speech::Lang;
pub use verdict::Verdict;
