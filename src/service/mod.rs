//! (map to come)

pub mod vault;
