//! What holds of whatever people, rules, policies and messages there are: every message comes to an end, both databases
//! plan the same, and the counts add up after every step.
//!
//! Cases are random and come from a seed. A failure names its seed and case; `BELLTOWER_TEST_SEED` takes another seed
//! than the usual one, `BELLTOWER_TEST_CASES` another number of cases.

mod cases;
mod counts;
mod ends;
mod heeded;
mod same;
mod stage;
mod steps;
