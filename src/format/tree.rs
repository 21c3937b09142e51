//! Trees as models write them: rows of numbers, each the child of the node at its place. Nothing but the numbers themselves makes a tree of them.

/// Nodes that were seen as a child: in a tree each is the child of one other, and the root of none.
#[derive(Default)]
pub struct Children {
    seen: Vec<u64>,
    crossed: bool,
}

impl Children {
    /// Nodes that are kept in mind; larger trees are compared by their ends alone.
    pub const MOST: u64 = 1 << 24;

    /// One more child.
    pub fn add(&mut self, node: i64) {
        let Ok(n) = u64::try_from(node) else { return };
        if n >= Children::MOST {
            return;
        }
        let (word, bit) = ((n / 64) as usize, 1u64 << (n % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if let Some(w) = self.seen.get_mut(word) {
            self.crossed |= *w & bit != 0 || n == 0;
            *w |= bit;
        }
    }

    /// Whether it is one.
    pub fn has(&self, n: u64) -> bool {
        self.seen.get((n / 64) as usize).is_some_and(|w| *w & (1 << (n % 64)) != 0)
    }

    /// Whether following children may never end, or come to one node on two ways.
    pub fn crossed(&self) -> bool {
        self.crossed
    }
}
