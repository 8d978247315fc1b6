//! The counts of every message and the figures of every campus day add up after every step, whatever happens and whatever
//! providers answer.

use std::collections::BTreeMap;

use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::service::deliveries::{self, Asked, Brought, Claimed, Settlement, Verdict, Wanted};
use belltower::service::providers::{self, ProviderChanges};
use belltower::service::{Services, messages, planning, policies, recipients, routing};
use belltower::store::{Db, Tx, checks};
use belltower::{Error, Result};
use proptest::sample::Index;
use serde_json::{Value, json};

use super::cases::{Case, campus_id};
use super::stage::{Stage, owner};
use super::steps::{Fate, Step, story};
use crate::support::on_both;
use crate::support::seed::cases;

const STORIES: usize = 10;

on_both!(counts_add_up_after_every_step, |db| async {
    let mut stage = Stage::new(db.clone()).await;
    let mut met = [false; State::ALL.len()];
    for (_told, (case, steps)) in cases(STORIES, story()) {
        let mut story = Story::begin(&mut stage, &case).await;
        for step in &steps {
            Box::pin(story.go(step)).await;
            story.check(step).await;
            story.before.values().for_each(|counts| note(&mut met, counts));
        }
        story.end().await;
        counted(&db).await.values().for_each(|counts| note(&mut met, counts));
    }
    for state in State::ALL {
        assert!(met[state.code() as usize], "no delivery was ever {state}");
    }
});

/// Some deliveries were in these states.
fn note(met: &mut [bool], counts: &[i64]) {
    met.iter_mut().zip(counts).for_each(|(met, n)| *met |= *n > 0);
}

/// How many deliveries of a message and channel stand in each state.
type Counts = BTreeMap<(i64, i64), [i64; State::ALL.len()]>;

/// How many deliveries of a campus day and channel ended in a state, without what is zero.
type Days = BTreeMap<(String, i64, i64), i64>;

struct Story<'s> {
    stage: &'s mut Stage,
    case: &'s Case,
    sent: usize,
    messages: Vec<MessageId>,
    in_hand: Vec<(i64, Claimed)>,
    settled: Vec<(i64, Settlement)>,
    before: Counts,
}

/// What may be refused for the state that things are in.
fn allowed<T>(result: Result<T>) {
    match result {
        Ok(_) | Err(Error::Conflict { .. } | Error::NotFound(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

impl<'s> Story<'s> {
    async fn begin(stage: &'s mut Stage, case: &'s Case) -> Self {
        stage.admit().await;
        stage.set(case).await;
        let before = counted(&stage.s.db).await;
        Self { stage, case, sent: 0, messages: Vec::new(), in_hand: Vec::new(), settled: Vec::new(), before }
    }

    async fn go(&mut self, step: &Step) {
        let s = self.stage.s.clone();
        match step {
            Step::Send => {
                let letter = &self.case.letters[self.sent % self.case.letters.len()];
                self.sent += 1;
                self.messages.extend(self.stage.send(letter).await);
            }
            Step::Plan => drop(planning::plan_next(&s, 1).await.unwrap()),
            Step::Claim { owner, outlet, most } => {
                let wanted = Wanted::any(*outlet, *most);
                let turn = deliveries::turn(&s, *owner, Brought::default(), Some(wanted)).await.unwrap();
                self.in_hand.extend(turn.claimed.into_iter().map(|claimed| (*owner, claimed)));
            }
            Step::Settle(fates) => {
                for (owner, settlements) in self.handed_over(fates) {
                    deliveries::turn(&s, owner, Brought::settled(&settlements), None).await.unwrap();
                }
            }
            Step::SettleLate(fates) => {
                let turns = self.handed_over(fates);
                self.stage.turn_to_tomorrow();
                for (owner, settlements) in turns {
                    deliveries::turn(&s, owner, Brought::settled(&settlements), None).await.unwrap();
                }
            }
            Step::SettleAgain(which) => {
                if let Some((owner, settlement)) = pick(&self.settled, *which) {
                    deliveries::turn(&s, owner, Brought::settled(&[settlement]), None).await.unwrap();
                }
            }
            Step::Lose => {
                lose(&s.db).await;
                deliveries::release_lost(&s, 99).await.unwrap();
            }
            Step::Receipts(told) => {
                let verdicts = verdicts(&s.db, told).await;
                deliveries::judge(&s, Asked { verdicts: &verdicts, ..Asked::default() }).await.unwrap();
            }
            Step::Cancel(which) => {
                if let Some(id) = pick(&self.messages, *which) {
                    allowed(deliveries::cancel(&s, &owner(), id).await);
                }
            }
            Step::AtOnce(which, fates, told) => Box::pin(self.at_once(*which, fates, told)).await,
            Step::Resend(which, states, channels) => {
                if let Some(id) = pick(&self.messages, *which) {
                    allowed(deliveries::resend(&s, &owner(), id, states, channels).await);
                }
            }
            Step::Release(which) => {
                if let Some(id) = pick(&self.messages, *which) {
                    allowed(messages::release(&s, &owner(), id, "").await);
                }
            }
            Step::Reject(which) => {
                if let Some(id) = pick(&self.messages, *which) {
                    allowed(messages::reject(&s, &owner(), id, "不合适").await);
                }
            }
            Step::Erase(person) => allowed(recipients::delete(&s, &owner(), &campus_id(*person)).await),
            Step::Expire => drop(deliveries::expire(&s).await.unwrap()),
            Step::Drain => self.stage.drain().await,
            Step::Trouble(channel, outcome) => {
                self.trouble(&channel.to_string(), &json!({ "outcome": outcome })).await;
            }
            Step::Rules(rules) => match routing::apply(&s, &owner(), rules).await {
                // Somebody they name was erased.
                Ok(_) | Err(Error::Invalid(_)) => {}
                Err(error) => panic!("{error}"),
            },
            Step::Policy(policy) => drop(policies::apply(&s, &owner(), policy).await.unwrap()),
            Step::Turn(minutes) => self.stage.turn(*minutes),
        }
    }

    async fn at_once(&mut self, which: Index, fates: &[(Index, Fate)], told: &[(Index, State)]) {
        let Some(message) = pick(&self.messages, which) else { return };
        let (s, caller) = (self.stage.s.clone(), owner());
        let (turns, verdicts) = (self.handed_over(fates), verdicts(&s.db, told).await);
        let settle = async {
            for (owner, settlements) in &turns {
                deliveries::turn(&s, *owner, Brought::settled(settlements), None).await.unwrap();
            }
        };
        let wanted = Wanted::any(Outlet::Live(AddressKind::Email), 4);
        let (cancelled, (), claimed, judged, expired) = tokio::join!(
            deliveries::cancel(&s, &caller, message),
            settle,
            deliveries::turn(&s, 3, Brought::default(), Some(wanted)),
            deliveries::judge(&s, Asked { verdicts: &verdicts, ..Asked::default() }),
            deliveries::expire(&s),
        );
        allowed(cancelled);
        judged.unwrap();
        expired.unwrap();
        self.in_hand.extend(claimed.unwrap().claimed.into_iter().map(|claimed| (3, claimed)));
    }

    /// Takes some out of what is in hand; by whose they are, with what came of them.
    fn handed_over(&mut self, fates: &[(Index, Fate)]) -> BTreeMap<i64, Vec<Settlement>> {
        let mut turns: BTreeMap<i64, Vec<Settlement>> = BTreeMap::new();
        for (which, fate) in fates {
            if self.in_hand.is_empty() {
                break;
            }
            let (owner, claimed) = self.in_hand.swap_remove(which.index(self.in_hand.len()));
            let settlement = fate.settlement(&claimed, self.stage.now());
            self.settled.push((owner, settlement.clone()));
            turns.entry(owner).or_default().push(settlement);
        }
        turns
    }

    async fn trouble(&self, provider: &str, settings: &Value) {
        let s = &self.stage.s;
        let row = providers::find_by_name(s, &owner(), provider).await.unwrap();
        let changes = ProviderChanges { settings: Some(settings.clone()), ..ProviderChanges::default() };
        providers::update(s, &owner(), row.id, changes).await.unwrap();
    }

    async fn check(&mut self, step: &Step) {
        let (counted, there) = (counted(&self.stage.s.db).await, grouped(&self.stage.s.db).await);
        assert_eq!(counted, there, "after {step:?}");
        let planned = |counts: &Counts, key| counts.get(key).map_or(0, |n| n.iter().sum::<i64>());
        for key in self.before.keys() {
            assert!(planned(&counted, key) >= planned(&self.before, key), "{key:?} after {step:?}");
        }
        self.before = counted;
        let unlike = checks::days_unlike(&self.stage.s.db).await.unwrap();
        assert!(unlike.is_empty(), "{unlike:?} after {step:?}");
        let (_, below) = checks::days(&self.stage.s.db).await.unwrap();
        assert_eq!(below, 0, "after {step:?}");
        assert_eq!(days(&self.stage.s.db).await, told_days(&self.stage.s).await, "after {step:?}");
    }

    /// Everything is in order again, and enough time passes.
    async fn end(mut self) {
        for channel in ["email", "sms", "wechat"] {
            self.trouble(channel, &json!({"outcome": null})).await;
        }
        while let Some((owner, claimed)) = self.in_hand.pop() {
            let settlement = Fate::Sent.settlement(&claimed, self.stage.now());
            deliveries::turn(&self.stage.s, owner, Brought::settled(&[settlement]), None).await.unwrap();
        }
        self.stage.drain().await;
        self.stage.release(&self.messages).await;
        for _ in 0..4 {
            self.stage.turn(3 * 24 * 60);
            self.stage.drain().await;
        }
        self.check(&Step::Drain).await;
        for id in &self.messages {
            let message = self.stage.message(*id).await;
            let (status, all) = (message.status, message.counts.all);
            assert!(status.is_final(), "{message:?}");
            assert_eq!((all.pending, all.sending), (0, 0), "{message:?}");
            let sum: i64 = State::ALL.iter().map(|state| all.of(*state)).sum();
            assert_eq!(all.planned, sum);
            assert!(status != Status::Unrouted || all.planned == 0, "{message:?}");
        }
    }
}

fn pick<T: Clone>(from: &[T], which: Index) -> Option<T> {
    if from.is_empty() { None } else { Some(which.get(from).clone()) }
}

async fn verdicts(db: &Db, told: &[(Index, State)]) -> Vec<Verdict> {
    let all = everything(db).await;
    let verdict = |id, state: State| Verdict {
        id,
        provider_id: None,
        reference: None,
        state: state.code(),
        code: None,
        detail: None,
    };
    told.iter().filter_map(|(which, state)| Some(verdict(pick(&all, *which)?, *state))).collect()
}

/// Runs a query on whichever database it is.
macro_rules! rows {
    ($db:expr, $text:expr) => {{
        let text = sqlx::AssertSqlSafe($text);
        match $db {
            Db::Sqlite { readers, .. } => sqlx::query_as(text).fetch_all(readers).await.unwrap(),
            Db::Postgres(pool) => sqlx::query_as(text).fetch_all(pool).await.unwrap(),
        }
    }};
}

/// What the counters say, without what is zero.
async fn counted(db: &Db) -> Counts {
    let mut counts = Counts::new();
    for state in State::ALL {
        let text = format!("SELECT message_id, channel, {state} FROM message_count WHERE {state} <> 0");
        let rows: Vec<(i64, i64, i64)> = rows!(db, text);
        for (message, channel, n) in rows {
            counts.entry((message, channel)).or_default()[state.code() as usize] = n;
        }
    }
    counts
}

/// What there is.
async fn grouped(db: &Db) -> Counts {
    let text = "SELECT message_id, channel, state, CAST(count(*) AS bigint) FROM delivery GROUP BY message_id, channel, state";
    let rows: Vec<(i64, i64, i64, i64)> = rows!(db, text.to_owned());
    let mut counts = Counts::new();
    for (message, channel, state, n) in rows {
        counts.entry((message, channel)).or_default()[state as usize] = n;
    }
    counts
}

/// What the figures of days say.
async fn days(db: &Db) -> Days {
    let text = "SELECT day, channel, state, n FROM day_count WHERE n <> 0";
    let rows: Vec<(String, i64, i64, i64)> = rows!(db, text.to_owned());
    rows.into_iter().map(|(day, channel, state, n)| ((day, channel, state), n)).collect()
}

/// What deliveries say of themselves; those of test keys count on no day.
async fn told_days(s: &Services) -> Days {
    let text = "SELECT counted_at, channel, state, CAST(count(*) AS bigint) FROM delivery
        WHERE outlet <> 0 AND counted_at IS NOT NULL GROUP BY counted_at, channel, state";
    let rows: Vec<(i64, i64, i64, i64)> = rows!(&s.db, text.to_owned());
    let mut days = Days::new();
    for (at, channel, state, n) in rows {
        *days.entry((s.campus.day(Timestamp(at)), channel, state)).or_default() += n;
    }
    days
}

/// The ids of all deliveries, the latest first, so that those of this story are met most.
async fn everything(db: &Db) -> Vec<i64> {
    let rows: Vec<(i64,)> = rows!(db, "SELECT id FROM delivery ORDER BY id DESC LIMIT 60".to_owned());
    rows.into_iter().map(|(id,)| id).collect()
}

/// All leases have run out.
async fn lose(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for table in ["delivery", "message"] {
        let text = sqlx::AssertSqlSafe(format!("UPDATE {table} SET lease_until = 0 WHERE lease_until > 0"));
        match &mut tx {
            Tx::Sqlite(tx) => drop(sqlx::query(text).execute(&mut **tx).await.unwrap()),
            Tx::Postgres(tx) => drop(sqlx::query(text).execute(&mut **tx).await.unwrap()),
        }
    }
    tx.commit().await.unwrap();
}
