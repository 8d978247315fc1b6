//! The processes on this store, as each says of itself every so often, and what the store knows of its own.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Services, audit, letterhead};
use crate::Result;
use crate::channel::Peers;
use crate::clock::Timestamp;
use crate::config::{Config, Entry, NodeRole};
use crate::domain::node::NodeFacts;
use crate::store::nodes as store;

/// How often a process says that it is there.
pub const BEAT: Duration = Duration::from_secs(15);
/// One that has not been heard of for this long is taken for gone.
pub(super) const GONE: Duration = Duration::from_mins(1);
/// Processes that are gone are shown for this long.
const KEPT: Duration = Duration::from_hours(24);
/// A clock that goes ahead or back by more than this between two beats was set.
const SET: Duration = Duration::from_secs(2);
/// A clock that was set is told of for this long.
pub(super) const SET_TOLD: Duration = Duration::from_mins(10);

/// The role of those that hand over.
const DISPATCH: &str = "dispatch";
/// Every role.
pub(super) const ROLES: [&str; 2] = ["web", DISPATCH];

/// This process.
#[derive(Debug, Default)]
pub struct Node {
    id: i64,
    name: String,
    roles: Vec<String>,
    data_directory: Option<PathBuf>,
    /// The settings in force, secrets left out, and where each comes from.
    pub settings: Vec<Entry>,
    /// Who hands over to the same vendors, as of the last beat.
    pub(super) peers: Peers,
    pulse: Mutex<Pulse>,
}

/// What a process remembers of its own beats.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    started: Option<Timestamp>,
    last: Option<(Timestamp, Duration)>,
    set: Option<(Timestamp, i64)>,
    /// When it last said so, or first tried to, by a clock that nobody can set.
    said: Option<Duration>,
}

impl Pulse {
    /// One more beat, at that time of the clock and of one that nobody can set.
    fn beat(&mut self, now: Timestamp, steady: Duration) {
        self.started.get_or_insert(now);
        if let Some((last, then)) = self.last.replace((now, steady)) {
            let passed = i64::try_from(steady.saturating_sub(then).as_millis()).unwrap_or(i64::MAX);
            let by = (now.0 - last.0).saturating_sub(passed);
            if u128::from(by.unsigned_abs()) > SET.as_millis() {
                self.set = Some((now, by));
            }
        }
    }
}

impl Node {
    /// `port`: the one that it listens on.
    pub fn new(config: &Config, port: u16) -> Self {
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let machine = match machine.trim() {
            "" => "localhost",
            machine => machine,
        };
        Self {
            id: rand::random_range(1..i64::MAX),
            name: format!("{machine}:{port}"),
            roles: [(NodeRole::Web, "web"), (NodeRole::Dispatch, DISPATCH)]
                .into_iter()
                .filter(|(role, _)| config.server.has(*role))
                .map(|(_, name)| name.to_owned())
                .collect(),
            data_directory: Some(config.data.directory.clone()),
            settings: config.report.clone(),
            peers: Peers::default(),
            pulse: Mutex::default(),
        }
    }

    /// As the others on its store see it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn id(&self) -> i64 {
        self.id
    }

    /// Free and all bytes of the disk with the data directory.
    fn disk(&self) -> (u64, u64) {
        let stat = self.data_directory.as_deref().and_then(|directory| rustix::fs::statvfs(directory).ok());
        stat.map_or((0, 0), |stat| (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize))
    }

    /// Free and all bytes of the disk with the data directory; nothing where there is none.
    pub(super) fn disk_bytes(&self) -> Option<(u64, u64)> {
        Some(self.disk()).filter(|(_, total)| *total > 0)
    }

    /// For how long it could not say that it is there: the store takes nothing that is written. Nothing before the first time.
    pub(super) fn silent_for(&self, steady: Duration) -> Option<Duration> {
        let pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        pulse.said.map(|said| steady.saturating_sub(said))
    }

    fn said(&self, steady: Duration, again: bool) {
        let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        if again || pulse.said.is_none() {
            pulse.said = Some(steady);
        }
    }

    fn beat(&self, now: Timestamp, steady: Duration) -> Pulse {
        let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        pulse.beat(now, steady);
        *pulse
    }
}

/// Says that this process is there, and how it is; on the way it learns how the campus is called now.
pub async fn beat(s: &Services) -> Result<()> {
    s.node.said(s.clock.steady(), false);
    letterhead::refresh(s).await?;
    let database = if s.clock.is_manual() { None } else { store::database_clock(&s.db).await? };
    let now = s.clock.now();
    let pulse = s.node.beat(now, s.clock.steady());
    let (disk_free, disk_total) = s.node.disk();
    let facts = NodeFacts {
        name: s.node.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        roles: s.node.roles.clone(),
        started_at: pulse.started.unwrap_or(now),
        disk_free,
        disk_total,
        clock_off_ms: database.map(|database| now.0 - database.0),
        clock_set: pulse.set.filter(|(at, _)| now.since(*at) < SET_TOLD),
        queue_trouble: s.queue.trouble().or_else(|| s.broker_door.trouble()),
        // What is wrong with the note itself, whoever chains the log says.
        audit_broken: audit::broken(s).await.unwrap_or_default(),
    };
    let mut tx = s.db.begin().await?;
    // Reckoned in the database's time where it has one, so that a node with a wrong clock is not taken for gone.
    let at = database.unwrap_or(now);
    store::beat(&mut tx, s.node.id, &facts, at).await?;
    store::prune(&mut tx, at.minus(KEPT)).await?;
    tx.commit().await?;
    s.node.said(s.clock.steady(), true);
    let living = store::list(&s.db, at.minus(GONE)).await?;
    s.node
        .peers
        .are(living.iter().filter(|row| row.facts.0.roles.iter().any(|role| role == DISPATCH)).count());
    Ok(())
}

/// The moment that beats are reckoned in.
pub(super) async fn now(s: &Services) -> Result<Timestamp> {
    let database = if s.clock.is_manual() { None } else { store::database_clock(&s.db).await? };
    Ok(database.unwrap_or_else(|| s.clock.now()))
}

/// Those heard of lately.
pub(super) async fn living(s: &Services) -> Result<Vec<store::NodeRow>> {
    store::list(&s.db, now(s).await?.minus(GONE)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_and_one_that_goes_is_not() {
        let mut pulse = Pulse::default();
        let at = |seconds: i64| Timestamp(1_000_000 + seconds * 1_000);
        pulse.beat(at(0), Duration::ZERO);
        pulse.beat(at(15), Duration::from_secs(15));
        pulse.beat(at(31), Duration::from_secs(30));
        assert_eq!(pulse.set, None);
        pulse.beat(at(31 + 15 - 3_600), Duration::from_secs(45));
        assert_eq!(pulse.set, Some((at(31 + 15 - 3_600), -3_600_000)));
        assert_eq!(pulse.started, Some(at(0)));
    }
}
