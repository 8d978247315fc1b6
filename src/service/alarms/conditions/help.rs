//! People who need help in a roll call: whoever is on duty should know of each of them.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Matter, Severity};
use crate::service::{Services, roll_call};
use crate::store::alarms as store;

pub(super) async fn find(s: &Services, now: Timestamp) -> Result<Vec<Condition>> {
    let calls = roll_call::calls(s, now).await?;
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let open = store::open(&s.db).await?;
    let mut found = Vec::new();
    for call in calls {
        let seen = open.iter().find_map(|row| match &row.matter.0 {
            Matter::Help { id, n, newest, grew_at, .. } if *id == call.broadcast => {
                (call.n <= *n && call.newest <= *newest).then_some(*grew_at)
            }
            _ => None,
        });
        let matter = Matter::Help {
            id: call.broadcast,
            name: call.name,
            n: call.n,
            newest: call.newest,
            grew_at: seen.unwrap_or(now),
        };
        // Whoever put them all down knows of them.
        found.push(Condition::new(matter, Severity::Act, !call.known));
    }
    Ok(found)
}
