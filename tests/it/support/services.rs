//! The use cases over a test's store, with everything else of the test's own too.

use std::sync::Arc;

use belltower::channel::outward::{Outward, TIMEOUT};
use belltower::channel::queues::SourceQueues;
use belltower::clock::{Clock, Timestamp};
use belltower::config::{AllowPrivate, BrokerUrl, Language};
use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::queue::LocalQueue;
use belltower::service::caller::{Caller, OperatorCaller};
use belltower::service::{Campus, Services, Vault};
use belltower::store::Db;
use jiff::tz::TimeZone;

/// When a test's clock starts: Monday 21 September 2026, 22:13:20 in Shanghai.
pub(crate) const START: Timestamp = Timestamp(1_790_000_000_000);

/// Services with a clock that stands still at [`START`] until it is turned, a queue in the process and a vault whose
/// key is always the same.
pub(crate) fn services(db: Db) -> Services {
    services_with_key(db, [7; 32])
}

/// As [`services`], of an installation with another key.
pub(crate) fn services_with_key(db: Db, key: [u8; 32]) -> Services {
    services_of(db, Clock::manual(START), Vault::from_key(key))
}

/// Endpoints of subscriptions may be on this machine, and nowhere else.
pub(crate) fn calls_this_machine(s: &mut Services) {
    let here = AllowPrivate::Ranges(vec!["127.0.0.0/8".parse().unwrap()]);
    s.outward = Some(Outward::new(here, TIMEOUT).unwrap());
}

/// Sources may subscribe with queues, at a broker where nobody answers.
pub(crate) fn has_a_broker(s: &mut Services) {
    let broker = BrokerUrl::parse("amqp://127.0.0.1:1").unwrap();
    s.source_queues = Some(Arc::new(SourceQueues::new(broker, None)));
}

/// Services with a queue in the process.
pub(crate) fn services_of(db: Db, clock: Clock, vault: Vault) -> Services {
    let campus = Campus {
        name: "钟楼大学".to_owned(),
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        language: Language::SimplifiedChinese,
        public_url: "http://127.0.0.1:8080".parse().unwrap(),
    };
    Services::new(db, clock, Arc::new(LocalQueue::new()), vault, campus)
}

/// A command on the server, which may do everything and has no row in the store.
pub(crate) const TERMINAL: Caller = Caller::Command("test");

/// An operator who need not be in the store. Whoever changes rights has to be: those are judged by their row.
pub(crate) fn operator(role: Role) -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(1),
        name: "王敏".to_owned(),
        email: "wang@bell.example".to_owned(),
        roles: vec![role.to_string()],
        powers: Powers::from(role),
        on_duty: role == Role::DutyOfficer,
        language: None,
    })
}
