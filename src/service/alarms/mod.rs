//! What an operator should look at. The conditions are asked every so often by whichever process's turn it is
//! ([`check`]): an alarm opens once, is renewed while its condition holds, and ends by itself when that has been gone for
//! a while. [`told`](self::tell) says it to those who asked.

mod conditions;
mod limits;
mod pulse;
mod tell;
mod wishes;
mod words;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::lately::Lately;
use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::alarm::{AlarmKind, Severity};
use crate::domain::grant::Reach;
use crate::domain::id::{AlarmId, SourceId};
use crate::domain::operator::Permission;
use crate::store::{alarms as store, audit, settings, sources};
use crate::{Error, Result};

pub use self::limits::{change as change_limits, show as limits};
pub use self::pulse::Rate;
pub(super) use self::pulse::rates;

pub(super) use self::tell::plain;
pub use self::wishes::{choose, wish};
pub(super) use self::wishes::{is_theirs, leave};
pub use self::words::bytes;
pub use crate::store::alarms::AlarmRow;

/// How often the conditions are asked.
pub const EVERY: Duration = Duration::from_secs(15);
/// A condition must have been gone for this long: what comes and goes is one alarm.
const SETTLES: Duration = Duration::from_mins(5);
/// How long alarms that are over are kept.
const KEPT: Duration = Duration::from_hours(400 * 24);
/// Past alarms on a page.
pub const ON_A_PAGE: u32 = 50;
/// Past alarms of all sources among which somebody's own are looked for.
const LOOKED_THROUGH: u32 = 2_000;
const TURN: &str = "alarms.turn";

/// How many alarms are open, as a page's frame shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenAlarms {
    pub all: u64,
    /// Of these, those that ask for an act.
    pub grave: u64,
}

/// What the store said of it lately, with and without what is seen on boards.
#[derive(Debug)]
pub(super) struct Known(Lately<bool, OpenAlarms>);

impl Default for Known {
    fn default() -> Self {
        Self(Lately::new(2))
    }
}

/// Asks every condition, if it is this process's turn, and tells whoever asked to be told of what came of it.
pub async fn check(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // A beat's worth less, so that a turn is not missed by the blink that the last one came late.
    let every = EVERY.as_millis() as i64 - 1_000;
    let is_ours = settings::take_turn(&mut tx, TURN, now, every).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    // Only what is reckoned from rates misses it.
    if let Err(error) = pulse::keep(s, now).await {
        tracing::warn!(%error, "the counts of this minute were not kept");
    }
    let limits = limits::in_force(s).await?;
    let asked = conditions::ask(s, &limits, now).await;
    let mut tx = s.db.begin().await?;
    store::note(&mut tx, &asked.conditions, now).await?;
    // What could not be asked does not end.
    store::end(&mut tx, &asked.kinds, now.minus(SETTLES), now).await?;
    tx.commit().await?;
    s.alarms.0.forget();
    tell::tell(s, &limits, now).await
}

/// How many are open; as of half a second ago.
pub async fn count(s: &Services) -> Result<OpenAlarms> {
    counted(s, true).await
}

async fn counted(s: &Services, with_boards: bool) -> Result<OpenAlarms> {
    let known = &s.alarms.0;
    if let Some(count) = known.get(&with_boards, s.clock.steady()) {
        return Ok(count);
    }
    let generation = known.generation();
    let mut count = OpenAlarms::default();
    let rows = store::count(&s.db).await?;
    for row in rows.iter().filter(|row| with_boards || row.kind != AlarmKind::Help) {
        let n = u64::try_from(row.n).unwrap_or(0);
        count.all += n;
        count.grave += if row.severity == Severity::Act { n } else { 0 };
    }
    known.keep(generation, with_boards, count, s.clock.steady());
    Ok(count)
}

/// As [`count`], of those that the caller may look at; none for whoever may look at none.
pub async fn count_for(s: &Services, caller: &Caller) -> Result<OpenAlarms> {
    match Scope::of(s, caller).await {
        Ok(Scope::All) => counted(s, true).await,
        Ok(Scope::ButBoards) => counted(s, false).await,
        Ok(scope) => {
            let theirs: Vec<_> =
                store::open(&s.db).await?.into_iter().filter(|row| scope.holds(row)).collect();
            let grave = theirs.iter().filter(|row| row.severity == Severity::Act).count();
            Ok(OpenAlarms { all: theirs.len() as u64, grave: grave as u64 })
        }
        Err(Error::Forbidden { .. }) => Ok(OpenAlarms::default()),
        Err(other) => Err(other),
    }
}

/// Which alarms somebody may look at: those about sources of their departments. What is the whole campus's is for whoever
/// sees all messages, and how many people of a broadcast need help for whoever sees broadcasts as well.
enum Scope {
    All,
    /// All but what is seen on the board of a roll call.
    ButBoards,
    Of(HashSet<SourceId>),
}

impl Scope {
    async fn of(s: &Services, caller: &Caller) -> Result<Self> {
        let reach = caller.reach(Permission::MessagesView)?;
        if reach == Reach::Everywhere {
            let sees_boards = caller.require(Permission::EmergencyView).is_ok();
            return Ok(if sees_boards { Self::All } else { Self::ButBoards });
        }
        let rows = sources::departments(&s.db).await?.into_iter();
        Ok(Self::Of(rows.filter(|row| reach.covers(&row.department)).map(|row| row.id).collect()))
    }

    fn holds(&self, alarm: &AlarmRow) -> bool {
        match self {
            Self::All => true,
            Self::ButBoards => alarm.matter.0.board().is_none(),
            Self::Of(sources) => alarm.matter.0.source().is_some_and(|source| sources.contains(&source)),
        }
    }
}

/// The open ones, the gravest first.
pub async fn open(s: &Services, caller: &Caller) -> Result<Vec<AlarmRow>> {
    let scope = Scope::of(s, caller).await?;
    let mut open = store::open(&s.db).await?;
    open.retain(|row| scope.holds(row));
    Ok(open)
}

/// Those that ended before `before`, the latest first; at most [`ON_A_PAGE`].
pub async fn ended(s: &Services, caller: &Caller, before: Option<Timestamp>) -> Result<Vec<AlarmRow>> {
    let scope = Scope::of(s, caller).await?;
    // Of all alarms one's own are a part; those that ended at one moment are looked through together.
    let most = if matches!(scope, Scope::All) { ON_A_PAGE } else { LOOKED_THROUGH };
    let mut rows = store::ended(&s.db, Timestamp(0), before.unwrap_or(Timestamp::NEVER), most).await?;
    rows.retain(|row| scope.holds(row));
    rows.truncate(ON_A_PAGE as usize);
    Ok(rows)
}

/// Says that somebody looks after it: whoever was told is not reminded any more. Nothing where somebody did before, or it
/// is over.
pub async fn acknowledge(s: &Services, caller: &Caller, id: AlarmId) -> Result<()> {
    let scope = Scope::of(s, caller).await?;
    let Caller::Operator(operator) = caller else {
        return Err(Error::forbidden("operator", "only somebody who is signed in can look after an alarm"));
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let done = store::acknowledge(&mut tx, id, &operator.name, now).await?;
    let theirs = match &done {
        Some(row) => scope.holds(row),
        // Over or looked after already; to whoever is limited one that they do not see was never there.
        None => {
            matches!(scope, Scope::All)
                || store::find(&mut tx, id).await?.is_some_and(|row| scope.holds(&row))
        }
    };
    if !theirs {
        return Err(Error::NotFound("alarm"));
    }
    if let Some(row) = done {
        let detail = json!({ "kind": row.kind, "about": row.matter.0.object() });
        audit::append(&mut tx, now, &caller.label(), "alarm.acknowledge", &id.to_string(), &detail).await?;
    }
    tx.commit().await
}

/// Forgets what is over for long.
pub async fn prune(s: &Services) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::prune(&mut tx, s.clock.now().minus(KEPT)).await?;
    tx.commit().await
}

/// Open alarms by kind and severity, for whoever watches from outside.
pub(super) async fn by_kind(s: &Services) -> Result<Vec<(AlarmKind, Severity, i64)>> {
    let rows = store::count(&s.db).await?;
    let n = |kind, severity| {
        rows.iter().filter(|row| (row.kind, row.severity) == (kind, severity)).map(|row| row.n).sum()
    };
    let pairs = AlarmKind::ALL.iter().flat_map(|kind| Severity::ALL.iter().map(move |s| (*kind, *s)));
    Ok(pairs.map(|(kind, severity)| (kind, severity, n(kind, severity))).collect())
}
