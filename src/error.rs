//! What can end one reader. Neither ends a scan: the driver turns an error into a gap and a finding with a place.

use std::fmt;

/// Why a reader stopped before the end of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are not what the format's specification allows.
    Malformed {
        /// Offset in the view that was being read.
        at: u64,
        /// What is wrong, as a stable id that `speech` has a sentence for.
        what: &'static str,
    },
    /// One of [`crate::limits::Limits`] was reached.
    Limit {
        /// Offset in the view that was being read.
        at: u64,
        /// The limit's stable id.
        what: &'static str,
    },
    /// The host could not deliver bytes that the file's length promises.
    Unreadable {
        /// Offset in the view that was being read.
        at: u64,
    },
}

impl Error {
    /// A [`Error::Malformed`] at an offset.
    pub fn malformed(at: u64, what: &'static str) -> Self {
        Error::Malformed { at, what }
    }

    /// A [`Error::Limit`] at an offset.
    pub fn limit(at: u64, what: &'static str) -> Self {
        Error::Limit { at, what }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Malformed { at, what } => write!(f, "malformed at {at}: {what}"),
            Error::Limit { at, what } => write!(f, "limit at {at}: {what}"),
            Error::Unreadable { at } => write!(f, "unreadable at {at}"),
        }
    }
}

impl std::error::Error for Error {}

/// The result of everything that reads bytes.
pub type Result<T> = std::result::Result<T, Error>;
