//! Stores that live as long as a measurement.

pub use crate::store::scratch::{create, remove};
