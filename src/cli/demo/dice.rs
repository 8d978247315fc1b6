//! Chance that falls the same way every time, so that the demo campus is the same campus on every machine.

/// `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From 0 up to, not including, `sides`, which is not 0.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        (self.roll() % sides as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// Prefers what stands earlier, as frequent surnames do.
    pub(super) fn pick_early<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        let (a, b) = (self.below(among.len()), self.below(among.len()));
        &among[a * b / among.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_the_same_way_every_time() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            [dice.below(1000), dice.below(1000), dice.below(1000)]
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }

    #[test]
    fn the_earlier_is_picked_more_often() {
        let mut dice = Dice::new(1);
        let firsts = (0..1000).filter(|_| *dice.pick_early(&[0, 1, 2, 3]) == 0).count();
        let lasts = (0..1000).filter(|_| *dice.pick_early(&[0, 1, 2, 3]) == 3).count();
        assert!(firsts > 2 * lasts, "{firsts} {lasts}");
    }
}
