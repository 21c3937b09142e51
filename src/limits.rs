//! Every bound of a scan in one place. Reaching one is a gap with the limit's id, never silence.

/// The bounds that keep a scan's time and memory independent of what a file claims.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many containers may stand inside one another.
    pub depth: usize,
    /// Members of one archive that are opened; more are counted and reported as a gap.
    pub members: u64,
    /// Bytes that all decompression of one file may produce.
    pub inflated: u64,
    /// Output over input of one compressed member before it is called a bomb (after 16 MiB of output).
    pub ratio: u64,
    /// Bytes of a codec's dictionary or window: it is memory that a file asks for.
    pub dictionary: u64,
    /// Bytes of a header (JSON, NumPy, central directory names) kept in memory at once.
    pub header: usize,
    /// Characters of a text from the file that a report keeps.
    pub text: usize,
    /// Places kept for one finding; `count` goes on counting.
    pub places: usize,
    /// Distinct imports, calls and metadata entries kept for one file.
    pub facts: usize,
    /// Children of one outline node.
    pub outline: usize,
    /// Values on a pickle's stack; an eighth of it for marks.
    pub stack: usize,
    /// Entries of a pickle's memo that are kept one by one; behind them only those that can matter are.
    pub memo: u64,
    /// Tensors described one by one in the outline.
    pub tensors: u64,
    /// What pickles may cost beyond what is in proportion to their bytes, in nanoseconds or so: bytes that opcodes have read again and again,
    /// and pickles inside pickles that are read in more than one way.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 8,
            members: 1_000_000,
            inflated: 8 << 30,
            ratio: 1000,
            dictionary: 256 << 20,
            header: 100 << 20,
            text: 400,
            places: 16,
            facts: 20_000,
            outline: 500,
            stack: 4 << 20,
            memo: 8 << 20,
            tensors: 2_000,
            work: 256 << 20,
        }
    }
}
