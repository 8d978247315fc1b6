//! Random cases that can be had again.

use std::env;
use std::fmt::Debug;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The seed and the number of a case, which are told where its test fails.
pub(crate) struct Told {
    seed: u64,
    case: usize,
    what: String,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "whoever mends it wants to see the case again")]
            {
                eprintln!("BELLTOWER_TEST_SEED={} case {}: {}", self.seed, self.case, self.what);
            }
        }
    }
}

/// `usual` cases, or as many as are asked for. Hold on to the first of each pair while the case is tested.
pub(crate) fn cases<T: Debug>(
    usual: usize,
    strategy: impl Strategy<Value = T>,
) -> impl Iterator<Item = (Told, T)> {
    let seed = asked("BELLTOWER_TEST_SEED").unwrap_or(1);
    let count = asked("BELLTOWER_TEST_CASES").map_or(usual, |count| count as usize);
    (0..count).map(move |case| {
        // Each case of its own, so that one can be looked at without those before it.
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&(case as u64).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let value = strategy.new_tree(&mut runner).unwrap().current();
        (Told { seed, case, what: format!("{value:?}") }, value)
    })
}

/// A number from the environment.
pub(crate) fn asked(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}
