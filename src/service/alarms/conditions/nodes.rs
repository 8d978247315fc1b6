//! The processes' own clocks, disks, connections to the broker, and what they know of the audit log.

use crate::Result;
use crate::domain::alarm::{Condition, Limits, Matter, Severity};
use crate::domain::node::NodeFacts;
use crate::service::{Services, nodes};

pub(super) async fn find(s: &Services, limits: &Limits) -> Result<Vec<Condition>> {
    Ok(nodes::living(s).await?.iter().flat_map(|row| of_node(&row.facts.0, limits)).collect())
}

fn of_node(facts: &NodeFacts, limits: &Limits) -> impl Iterator<Item = Condition> {
    let node = || facts.name.clone();
    let condition = |matter, (severity, opens): (Severity, bool)| Condition::new(matter, severity, opens);
    let disk = limits.disk(facts.disk_free, facts.disk_total).map(|judged| {
        let matter = Matter::Disk { node: node(), free: facts.disk_free, total: facts.disk_total };
        condition(matter, judged)
    });
    let off = facts.clock_off_ms.and_then(|off_ms| {
        let judged = limits.clock(off_ms)?;
        Some(condition(Matter::ClockOff { node: node(), off_ms }, judged))
    });
    let set = facts.clock_set.and_then(|(_, by_ms)| {
        let judged = limits.clock(by_ms)?;
        Some(condition(Matter::ClockSet { node: node(), by_ms }, judged))
    });
    // Everything goes on, later by a moment.
    let queue = facts.queue_trouble.clone().map(|why| {
        let matter = Matter::QueueAway { node: node(), why };
        condition(matter, (Severity::Look, true))
    });
    let audit = facts.audit_broken.map(|place| {
        let matter = Matter::AuditBroken { node: node(), place };
        condition(matter, (Severity::Act, true))
    });
    [disk, off, set, queue, audit].into_iter().flatten()
}
