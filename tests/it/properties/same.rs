//! Both databases plan the same: whom a message goes to, by which channel, when, and why not.

use belltower::domain::channel::Outlet;
use belltower::domain::id::MessageId;
use belltower::service::deliveries::{self, Brought, Wanted};
use belltower::service::messages;
use belltower::store::Db;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::cases::case;
use super::stage::{Stage, owner};
use super::steps::Fate;
use crate::support::database::with_postgres;
use crate::support::folder::TempFolder;
use crate::support::seed::cases;
use crate::support::services::START;

const CASES: usize = 40;

#[test]
fn both_databases_plan_the_same() {
    with_postgres(|url| async move {
        let folder = TempFolder::new();
        let file = format!("sqlite://{}", folder.path().join("belltower.db").display());
        let stages = [file, url].map(|url| async move { Stage::new(Db::open(&url).await.unwrap()).await });
        let [sqlite, postgres] = stages;
        let (sqlite, postgres) = (sqlite.await, postgres.await);
        let (mut planned, mut reasons) = (0, Vec::new());
        for (_told, case) in cases(CASES, case()) {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            for (stage, plans) in [(&sqlite, &mut one), (&postgres, &mut other)] {
                stage.set(&case).await;
                let mut ids = Vec::new();
                // What some have already, others are not sent again.
                for letters in case.letters.chunks(case.letters.len().div_ceil(2)) {
                    for letter in letters {
                        ids.push(stage.send(letter).await);
                    }
                    stage.plan().await;
                    hand_over(stage).await;
                }
                // Those that were held, and those whose time comes now.
                stage.release(&ids.iter().flatten().copied().collect::<Vec<_>>()).await;
                stage.turn(30);
                stage.plan().await;
                for id in &ids {
                    plans.push(match id {
                        Some(id) => Some(Plan::read(stage, *id, &ids).await),
                        None => None,
                    });
                }
            }
            for (n, (one, other)) in one.iter().zip(&other).enumerate() {
                assert_eq!(one, other, "message {n}: {}", case.letters[n].body);
            }
            for delivery in one.iter().flatten().flat_map(|plan| &plan.deliveries) {
                planned += 1;
                reasons.extend(delivery.0.split_whitespace().nth(3).map(str::to_owned));
            }
        }
        assert!(planned > CASES * 10, "{planned} deliveries were planned");
        for reason in ["no_address", "opted_out", "left_alone", "duplicate", "quiet_hours", "quiet_expired"] {
            assert!(reasons.iter().any(|met| met == reason), "{reason} never came up");
        }
        sqlite.s.close().await;
        postgres.s.close().await;
    });
}

/// A provider took whatever is due.
async fn hand_over(stage: &Stage) {
    const OWNER: i64 = 2;
    let s = &stage.s;
    for outlet in Outlet::ALL {
        let wanted = Wanted::any(outlet, 1_000);
        let claimed = deliveries::turn(s, OWNER, Brought::default(), Some(wanted)).await.unwrap().claimed;
        let taken: Vec<_> =
            claimed.iter().map(|claimed| Fate::Sent.settlement(claimed, stage.now())).collect();
        let closed = deliveries::turn(s, OWNER, Brought::settled(&taken), None).await.unwrap().closed;
        deliveries::complete(s, &closed).await.unwrap();
    }
}

/// What became of one message, in words that do not depend on the store.
#[derive(Debug, PartialEq)]
struct Plan {
    message: String,
    events: Vec<String>,
    /// Each in a line, with its person's variables.
    deliveries: Vec<(String, Option<Value>)>,
}

impl Plan {
    /// `sent`: all messages of the case, in their order.
    async fn read(stage: &Stage, id: MessageId, sent: &[Option<MessageId>]) -> Self {
        let view = messages::get(&stage.s, &owner(), id).await.unwrap();
        let summary = view.summary;
        let rules: Vec<_> = view.matched_rules.iter().map(|rule| (&rule.name, &rule.because)).collect();
        let mut message = format!(
            "{} {:?} {} {} {rules:?} {:?}",
            summary.status, summary.reason, summary.title, summary.expires_at, summary.counts
        );
        for (n, other) in sent.iter().enumerate().filter_map(|(n, id)| Some((n, id.as_ref()?))) {
            message = message.replace(&other.to_string(), &format!("message {n}"));
        }
        let events = messages::timeline(&stage.s, &owner(), id).await.unwrap();
        let events = events.into_iter().map(|event| event.kind).collect();
        Self { message, events, deliveries: read(&stage.s.db, id).await }
    }
}

async fn read(db: &Db, id: MessageId) -> Vec<(String, Option<Value>)> {
    let parts = [
        "COALESCE(r.campus_id, d.address)",
        "d.channel",
        "d.state",
        "COALESCE(d.reason, '-')",
        "d.step",
        "d.last_step",
        &format!("(d.due_at - {})", START.0),
        "d.outlet",
        "d.lane",
        "COALESCE(d.address_kind, 0)",
        "COALESCE(d.address, '-')",
        "COALESCE(d.language, '-')",
        "COALESCE(d.name, '-')",
    ];
    let line = parts.map(|part| format!("CAST({part} AS text)")).join(" || ' ' || ");
    let text = AssertSqlSafe(format!(
        "SELECT {line}, d.params FROM delivery d LEFT JOIN recipient r ON r.id = d.recipient_id WHERE d.message_id = $1"
    ));
    let mut rows: Vec<(String, Option<String>)> = match db {
        Db::Sqlite { readers, .. } => sqlx::query_as(text).bind(id.0).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_as(text).bind(id.0).fetch_all(pool).await.unwrap(),
    };
    rows.sort();
    let value = |params: String| serde_json::from_str(&params).unwrap();
    rows.into_iter().map(|(line, params)| (line, params.map(value))).collect()
}
