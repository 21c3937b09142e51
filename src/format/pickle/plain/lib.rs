//! A pickle's plain data: what the abstract machine knows of values, where it keeps them, and the run through what is nothing but data.
//!
//! A package of its own for one reason: the page's module is compiled for size, and this for speed, since nearly all of a large pickle runs through here. A
//! profile can tell packages apart and nothing smaller.

pub mod memo;
pub mod run;
pub mod stack;
pub mod value;
pub mod weight;
