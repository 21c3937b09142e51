//! The machine's stack. The page's module is compiled for size, where a `Vec`'s `push` and `pop` stay calls: here they are a bounds check and a
//! store, in the loop that runs tens of millions of opcodes.

/// Room at first: most pickles need no more.
const FIRST: usize = 64;

/// Values or marks, the last one on top.
#[derive(Default)]
pub struct Stack<T> {
    /// Those on the stack, and room behind them.
    room: Vec<T>,
    len: usize,
}

impl<T: Copy + Default + PartialEq> Stack<T> {
    /// How many there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The stack as it can be worked on without growing, and below `limit`. What it comes to is told with [`Stack::set_len`].
    #[inline(always)]
    pub fn top(&mut self, limit: usize) -> Top<'_, T> {
        let len = self.len;
        let limit = limit.min(self.room.len());
        Top { room: self.room.get_mut(..limit).unwrap_or(&mut []), len }
    }

    /// How many there are now, of those that there is room for.
    #[inline(always)]
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(self.room.len());
    }

    /// Puts one on top.
    #[inline(always)]
    pub fn push(&mut self, value: T) {
        if self.len >= self.room.len() {
            self.grow();
        }
        self.put(value);
    }

    /// Puts one on top, where there is room; says whether there was.
    #[inline(always)]
    pub fn put(&mut self, value: T) -> bool {
        let Some(place) = self.room.get_mut(self.len) else { return false };
        *place = value;
        self.len += 1;
        true
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.room.resize((self.len * 2).max(FIRST), T::default());
    }

    /// Takes the top one off.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        let top = self.last()?;
        self.len -= 1;
        Some(top)
    }

    /// The top one.
    #[inline(always)]
    pub fn last(&self) -> Option<T> {
        match self.len {
            0 => None,
            len => self.room.get(len - 1).copied(),
        }
    }

    /// Those from `from` on, the lowest first; nothing behind the top.
    #[inline(always)]
    pub fn above(&self, from: usize) -> &[T] {
        self.room.get(from..self.len).unwrap_or(&[])
    }

    /// Takes out the last one that is `value`; says where it was.
    #[cold]
    pub fn take_out(&mut self, value: T) -> Option<usize> {
        let at = self.above(0).iter().rposition(|v| *v == value)?;
        self.room.get_mut(at..self.len)?.rotate_left(1);
        self.len -= 1;
        Some(at)
    }

    /// Takes off all from `from` on.
    #[inline(always)]
    pub fn truncate(&mut self, from: usize) {
        self.len = self.len.min(from);
    }
}

/// A stack whose room is lent and whose length is a local.
pub struct Top<'a, T> {
    room: &'a mut [T],
    /// How many there are.
    pub len: usize,
}

impl<T: Copy> Top<'_, T> {
    /// Whether one more fits.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.len < self.room.len()
    }

    /// Puts one on top, where one fits.
    #[inline(always)]
    pub fn put(&mut self, value: T) {
        if let Some(place) = self.room.get_mut(self.len) {
            *place = value;
            self.len += 1;
        }
    }

    /// The top one.
    #[inline(always)]
    pub fn last(&self) -> Option<T> {
        match self.above(self.len.wrapping_sub(1)) {
            [top] => Some(*top),
            _ => None,
        }
    }

    /// Those from `from` on, the lowest first.
    #[inline(always)]
    pub fn above(&self, from: usize) -> &[T] {
        self.room.get(from..self.len).unwrap_or(&[])
    }

    /// Takes off all from `from` on.
    #[inline(always)]
    pub fn truncate(&mut self, from: usize) {
        self.len = self.len.min(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn what_was_put_last_comes_off_first() {
        let mut stack = Stack::default();
        assert_eq!((stack.pop(), stack.last(), stack.len()), (None, None, 0));
        for n in 0..200 {
            stack.push(Value::int(n));
        }
        assert_eq!(stack.above(198), [Value::int(198), Value::int(199)]);
        assert_eq!(stack.above(200), []);
        assert_eq!(stack.above(201), []);
        assert_eq!(stack.pop(), Some(Value::int(199)));
        stack.truncate(5);
        stack.truncate(7);
        assert_eq!((stack.len(), stack.last()), (5, Some(Value::int(4))), "what was taken off does not come back");
        stack.push(Value::NONE);
        assert_eq!(stack.above(4), [Value::int(4), Value::NONE]);
        assert_eq!((stack.take_out(Value::int(3)), stack.take_out(Value::int(3))), (Some(3), None));
        assert_eq!(stack.above(2), [Value::int(2), Value::int(4), Value::NONE]);
    }
}
