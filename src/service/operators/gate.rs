//! Slows guessing down: after a few failures each further try has to wait, twice as long every time, and after many
//! nobody may try for a quarter of an hour. Counted by account, known or not, and more leniently by remote address,
//! behind which may be a whole campus.
//!
//! A try counts as failed before the password is looked at, so that many at once are no way around; success takes it back.

use std::net::IpAddr;
use std::time::Duration;

use super::super::Services;
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::store::sign_in_failures::{self, FailureRow};
use crate::store::{Db, Tx};
use crate::{Error, Result};

/// Longer than any failure counts.
pub(super) const REMEMBERED: Duration = Duration::from_hours(24);
const LOCKED_FOR: Duration = Duration::from_mins(15);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// How much is let pass.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Failures without a wait.
    free: u32,
    /// Failures that lock; more are not counted.
    lock: u32,
    /// In which time one failure is forgotten.
    forgets: Duration,
}

const ACCOUNT: Patience = Patience { free: 2, lock: 10, forgets: Duration::from_mins(15) };
const ADDRESS: Patience = Patience { free: 20, lock: 50, forgets: Duration::from_mins(1) };

impl Patience {
    /// The wait after that many failures in a row.
    fn wait(self, failures: u32) -> Duration {
        if failures >= self.lock {
            LOCKED_FOR
        } else if failures <= self.free {
            Duration::ZERO
        } else {
            let doublings = (failures - self.free - 1).min(16);
            Duration::from_secs(1 << doublings).min(LONGEST_DELAY)
        }
    }

    /// One failure more, at that moment. `last_at` is when the failures were last reckoned, whole steps of forgetting
    /// behind the moment, so that no part of a step is lost.
    fn count(self, before: &FailureRow, now: Timestamp) -> FailureRow {
        let before_count = u32::try_from(before.failures).unwrap_or(0);
        let steps = now.since(before.last_at).as_millis() / self.forgets.as_millis();
        let forgotten = u32::try_from(steps).unwrap_or(u32::MAX);
        let (failures, last_at) = match before_count.checked_sub(forgotten) {
            None | Some(0) => (1, now),
            Some(left) => (left + 1, before.last_at.plus(self.forgets * forgotten).min(now)),
        };
        let failures = failures.min(self.lock);
        FailureRow { failures: i64::from(failures), last_at, until: now.plus(self.wait(failures)) }
    }
}

#[derive(Debug)]
struct Bucket {
    name: String,
    patience: Patience,
}

/// One try to sign in.
#[derive(Debug)]
pub(super) struct Gate {
    account: Bucket,
    address: Option<Bucket>,
}

/// What a counted try may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// If this try fails too, it locks the account or the remote address.
    pub(super) locks: bool,
}

impl Gate {
    /// `login` is kept as a fingerprint only: people type their password into the wrong field.
    pub(super) fn new(s: &Services, login: &str, remote: IpAddr) -> Self {
        let print = s.vault.fingerprint("sign-in", login.as_bytes());
        Self::of("account", &print, Some(remote))
    }

    /// For second proofs: whoever has the password forgets no failures of these by signing in again.
    pub(super) fn for_code(s: &Services, who: OperatorId, remote: IpAddr) -> Self {
        let print = s.vault.fingerprint("second factor", &who.0.to_be_bytes());
        Self::of("factor", &print, Some(remote))
    }

    /// For whoever is signed in and proves who they are once more. Strangers at the sign-in, behind the same address too, count
    /// nothing here.
    pub(super) fn for_proof(s: &Services, who: OperatorId) -> Self {
        let print = s.vault.fingerprint("proof", &who.0.to_be_bytes());
        Self::of("proof", &print, None)
    }

    fn of(kind: &str, print: &[u8], remote: Option<IpAddr>) -> Self {
        let name = print.iter().fold(format!("{kind} "), |name, byte| format!("{name}{byte:02x}"));
        Self {
            account: Bucket { name, patience: ACCOUNT },
            address: remote.map(|ip| Bucket { name: format!("address {}", network(ip)), patience: ADDRESS }),
        }
    }

    fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        std::iter::once(&self.account).chain(&self.address)
    }

    /// Counts a try, or says how long to wait.
    pub(super) async fn pass(&self, db: &Db, now: Timestamp) -> Result<Passed> {
        let mut tx = db.begin().await?;
        let mut wait = Duration::ZERO;
        let mut rows = Vec::new();
        for bucket in self.buckets() {
            let row = sign_in_failures::lock(&mut tx, &bucket.name).await?;
            // A wait longer than any is of a clock that was set back since.
            wait =
                wait.max(Some(row.until.since(now)).filter(|left| *left <= LOCKED_FOR).unwrap_or_default());
            rows.push((bucket, row));
        }
        if !wait.is_zero() {
            return Err(Error::RateLimited { retry_after: wait });
        }
        let mut locks = false;
        for (bucket, row) in rows {
            let row = bucket.patience.count(&row, now);
            sign_in_failures::set(&mut tx, &bucket.name, &row).await?;
            locks |= row.until == now.plus(LOCKED_FOR);
        }
        tx.commit().await?;
        Ok(Passed { locks })
    }

    /// The try was right: the account's failures are forgotten, and at the remote address this one.
    pub(super) async fn succeed(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        sign_in_failures::clear(tx, &self.account.name).await?;
        self.take_back(tx, self.address.as_ref(), now).await
    }

    /// The try could not be judged, and counts nowhere.
    pub(super) async fn undo(&self, db: &Db, now: Timestamp) -> Result<()> {
        let mut tx = db.begin().await?;
        self.take_back(&mut tx, self.buckets(), now).await?;
        tx.commit().await
    }

    async fn take_back<'a>(
        &self,
        tx: &mut Tx,
        buckets: impl IntoIterator<Item = &'a Bucket>,
        now: Timestamp,
    ) -> Result<()> {
        for bucket in buckets {
            let row = sign_in_failures::lock(tx, &bucket.name).await?;
            let row = FailureRow { failures: (row.failures - 1).max(0), last_at: row.last_at, until: now };
            sign_in_failures::set(tx, &bucket.name, &row).await?;
        }
        Ok(())
    }
}

/// Who hands out addresses hands out whole IPv6 networks of 64 bits.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_lock() {
        let waits: Vec<_> = (1..=11).map(|failures| ACCOUNT.wait(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 900, 900]);
        assert_eq!(ADDRESS.wait(20), Duration::ZERO);
        assert_eq!(ADDRESS.wait(49), LONGEST_DELAY);
        assert_eq!(ADDRESS.wait(u32::MAX), LOCKED_FOR);
    }

    #[test]
    fn failures_are_forgotten_step_by_step() {
        let minutes = |n: i64| Timestamp(1_790_000_000_000 + n * 60_000);
        let mut row = FailureRow { failures: 0, last_at: Timestamp(0), until: Timestamp(0) };
        for _ in 0..30 {
            row = ACCOUNT.count(&row, minutes(0));
        }
        assert_eq!(row.failures, 10, "no more than lock are counted");
        assert_eq!(row.until, minutes(15));
        row = ACCOUNT.count(&row, minutes(14));
        row = ACCOUNT.count(&row, minutes(28));
        assert_eq!((row.failures, row.last_at), (10, minutes(15)), "28 minutes are one step and a part");
        row = ACCOUNT.count(&row, minutes(30));
        assert_eq!((row.failures, row.last_at), (10, minutes(30)));
        row = ACCOUNT.count(&row, minutes(30 + 15 * 8));
        assert_eq!((row.failures, row.until), (3, minutes(30 + 15 * 8).plus(Duration::from_secs(1))));
        row = ACCOUNT.count(&row, minutes(1000));
        assert_eq!((row.failures, row.last_at), (1, minutes(1000)));
        row = ACCOUNT.count(&row, minutes(900));
        assert_eq!((row.failures, row.last_at), (2, minutes(900)), "a clock that was set back");
    }

    #[test]
    fn addresses_count_by_network() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:da8:1:2::3", "2001:da8:1:2:ffff::4"));
        assert!(!same("2001:da8:1:2::3", "2001:da8:1:3::3"));
        assert!(same("10.1.2.3", "::ffff:10.1.2.3"));
        assert!(!same("10.1.2.3", "10.1.2.4"));
    }
}
