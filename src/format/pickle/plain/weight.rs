//! What containers come to: how much they are when all that they hold is written out, and how deep they hold one another.
//!
//! One word: a power of two, shifted by [`LEVELS`], and below it the levels.

/// Bits that count levels.
pub const LEVELS: u32 = 16;
/// Levels of containers in one another: Python itself writes a thousand of them.
const DEEPEST: u32 = 3000;
/// The weight of what is deeper than that: taken apart, hashed or compared level by level, it takes the loader's stack.
pub const TOO_DEEP: u32 = u32::MAX;

const LOW: u32 = (1 << LEVELS) - 1;

/// The greater power and the greater depth of two weights.
#[inline(always)]
pub fn heavier(a: u32, b: u32) -> u32 {
    (a & !LOW).max(b & !LOW) | (a & LOW).max(b & LOW)
}

/// The weight of what holds `holding` containers, the heaviest of which have `weight`. [`TOO_DEEP`] where that is deeper than any library goes.
#[inline(always)]
pub fn around(weight: u32, holding: u32) -> u32 {
    let weight = weight.saturating_add((holding.ilog2() << LEVELS) + 1);
    if weight & LOW < DEEPEST { weight } else { TOO_DEEP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_and_depth_add_up_apart() {
        let deep = (0..500).fold(0, |weight, _| around(weight, 1));
        let wide = (0..4).fold(0, |weight, _| around(weight, 1024));
        assert_eq!((deep, wide), (500, 40 << LEVELS | 4));
        assert_eq!(heavier(deep, wide), 40 << LEVELS | 500);
        let deeper = (0..DEEPEST).fold(0, |weight, _| around(heavier(weight, wide), 2));
        assert_eq!((deeper, around(TOO_DEEP, 7), heavier(wide, TOO_DEEP)), (TOO_DEEP, TOO_DEEP, TOO_DEEP));
    }
}
