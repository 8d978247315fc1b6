//! Who reads a stream of this process: so many by each key, and so many in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::KeyId;
use crate::{Error, Result};

/// Asked again after so long where all are taken.
const FULL: Duration = Duration::from_secs(30);

/// Those of one kind of stream.
#[derive(Debug)]
pub(super) struct Seats {
    of_a_key: usize,
    in_all: usize,
    taken: Mutex<HashMap<KeyId, usize>>,
}

impl Seats {
    pub fn new(of_a_key: usize, in_all: usize) -> Arc<Self> {
        Arc::new(Self { of_a_key, in_all, taken: Mutex::default() })
    }

    /// # Errors
    ///
    /// [`Error::AllTaken`] where the key, or all keys together, read as many as they may, with how many that is.
    pub fn take(self: &Arc<Self>, key: KeyId) -> Result<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&key).copied().unwrap_or(0);
        let full = |detail: String| Err(Error::AllTaken { detail, retry_after: FULL });
        if own >= self.of_a_key {
            return full(format!(
                "this key reads {own} streams of this kind at this node already, as many as one key may; end one of them first \
                 (one that broke off is noticed within half a minute)"
            ));
        }
        if taken.values().sum::<usize>() >= self.in_all {
            return full(format!(
                "{} streams of this kind are read at this node, as many as there may be; try again later, where there are several \
                 nodes at another",
                self.in_all
            ));
        }
        taken.insert(key, own + 1);
        Ok(Seat { of: Arc::clone(self), key })
    }
}

/// Somebody who reads; counted until it goes.
#[derive(Debug)]
pub(super) struct Seat {
    of: Arc<Seats>,
    key: KeyId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = taken.get_mut(&self.key) {
            *n -= 1;
            if *n == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_so_many_streams_and_all_keys_together_no_more_than_there_are() {
        let seats = Seats::new(2, 3);
        let take = |key| seats.take(KeyId(key));
        let mut open = vec![take(1).unwrap(), take(1).unwrap()];
        let refused = |key| match take(key) {
            Err(Error::AllTaken { detail, .. }) => detail,
            other => panic!("{other:?}"),
        };
        assert!(refused(1).contains("this key reads 2 streams"), "{}", refused(1));
        open.push(take(2).unwrap());
        assert!(refused(3).starts_with("3 streams"), "there is none left: {}", refused(3));
        drop(open.remove(0));
        assert!(take(3).is_ok(), "whoever goes makes room");
        assert!(take(1).is_ok(), "one who went at once, too");
        open.clear();
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
