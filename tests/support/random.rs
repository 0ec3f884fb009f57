//! Random numbers that are the same in every run.

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Another one, for a part of its own.
    pub fn split(&mut self) -> Random {
        Random::new(self.next())
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    /// Text of up to `max` characters, with everything that encoders have to look at.
    pub fn text(&mut self, max: u64) -> String {
        const ODD: [char; 12] = [
            '"', '\\', '\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', 'ü', '🦀',
        ];
        let length = self.below(max + 1);
        (0..length)
            .map(|_| match self.below(5) {
                0 => ODD[usize::try_from(self.below(12)).expect("small")],
                _ => char::from(b' ' + u8::try_from(self.below(95)).expect("small")),
            })
            .collect()
    }
}
