//! What all connections of a simulator look at: what holds now, and what was counted so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whoever panicked with it has said so already.
pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What holds until it is replaced. Whoever looked keeps what they saw.
#[derive(Debug, Default)]
pub(super) struct Held<T>(Mutex<Arc<T>>);

impl<T> Held<T> {
    pub(super) fn new(what: T) -> Self {
        Self(Mutex::new(Arc::new(what)))
    }

    pub(super) fn get(&self) -> Arc<T> {
        Arc::clone(&lock(&self.0))
    }

    pub(super) fn set(&self, what: T) {
        *lock(&self.0) = Arc::new(what);
    }
}

/// Counts since the start, or since they were set back.
#[derive(Debug, Default)]
pub(super) struct Counted<S>(Mutex<S>);

impl<S: Copy + Default> Counted<S> {
    pub(super) fn count(&self, what: impl FnOnce(&mut S)) {
        what(&mut lock(&self.0));
    }

    pub(super) fn read(&self) -> S {
        *lock(&self.0)
    }

    pub(super) fn reset(&self) {
        *lock(&self.0) = S::default();
    }
}
