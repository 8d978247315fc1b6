//! A drill beside what is real: while it is planned for many people, and while it is handed over.

use std::sync::{Arc, Mutex, mpsc};

use async_trait::async_trait;
use belltower::domain::audience::Audience;
use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::id::MessageId;
use belltower::queue::{Entry, LocalQueue, Queue, QueueError, Taken, Work};
use belltower::service::messages::Counts;
use belltower::service::planning;
use belltower::service::recipients::{Format, Import, ImportOptions};
use belltower::simulator::{Act as Does, Stage};
use sqlx::AssertSqlSafe;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, block_in_place, yield_now};

use super::*;
use crate::support::on_both;

const EMAIL: Outlet = Outlet::Live(AddressKind::Email);
/// Whom a drill is for: more than are planned in three steps.
const MANY: i64 = 4_004;
/// Of these, whom the alert is for.
const FEW: usize = 3;

/// The queue of a process, at which somebody stands still where a test wants it.
#[derive(Default)]
struct Stops {
    here: LocalQueue,
    next: Mutex<Option<Stop>>,
}

struct Stop {
    outlet: Outlet,
    stands: oneshot::Sender<()>,
    goes_on: mpsc::Receiver<()>,
}

impl Stops {
    /// Has whoever wakes that outlet next stand still, with what it is woken for in the store. The first of these hears of it;
    /// when the second is dropped it goes on.
    fn at(&self, outlet: Outlet) -> (oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (stands, standing) = oneshot::channel();
        let (held, goes_on) = mpsc::channel();
        *self.next.lock().unwrap() = Some(Stop { outlet, stands, goes_on });
        (standing, held)
    }
}

#[async_trait]
impl Queue for Stops {
    async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
        self.here.publish(entry).await
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn offer_here(&self, entry: Entry) {
        self.here.offer_here(entry);
        let stop = self.next.lock().unwrap().take_if(|stop| entry.work == Work::Send(stop.outlet));
        if let Some(Stop { stands, goes_on, .. }) = stop {
            stands.send(()).unwrap();
            block_in_place(|| while goes_on.recv().is_ok() {});
        }
    }

    async fn take(&self, work: Work) -> Taken {
        self.here.take(work).await
    }

    async fn settle(&self, taken: Taken) -> Result<(), QueueError> {
        self.here.settle(taken).await
    }

    async fn give_back(&self, taken: Taken) -> Result<(), QueueError> {
        self.here.give_back(taken).await
    }

    async fn depth(&self, entry: Entry) -> Result<usize, QueueError> {
        self.here.depth(entry).await
    }

    fn name(&self) -> &'static str {
        "stops"
    }
}

/// Everybody else of [`MANY`].
async fn fill(campus: &Campus) {
    let owner = operator(Role::Owner);
    let mut import = Import::start(&campus.s, &owner, Format::Ndjson, ImportOptions::default()).unwrap();
    for number in FEW as i64..MANY {
        let person = json!({
            "campus_id": format!("m{number}"), "name": "李想", "email": format!("m{number}@campus.example"),
            "attributes": {},
        });
        import.feed(format!("{person}\n").as_bytes()).await.unwrap();
    }
    assert_eq!(import.finish().await.unwrap().rejected_lines, 0);
}

async fn step(campus: &mut Campus, outlet: Outlet) {
    campus.dispatcher.step(outlet).await.unwrap();
    // What was handed over goes on.
    yield_now().await;
}

/// The message of its alert, and where its deliveries stand.
async fn alert(campus: &Campus, id: BroadcastId) -> (MessageId, Counts) {
    let progress = campus.progress(id).await;
    (progress.parts[0].message, progress.parts[0].counts.all)
}

async fn until_it_stands(standing: oneshot::Receiver<()>, planner: &mut JoinHandle<Result<usize>>) {
    tokio::select! {
        stands = standing => stands.unwrap(),
        planned = planner => panic!("it stood nowhere: {planned:?}"),
    }
}

/// Of these, the deliveries that were handed over once.
async fn tried_once(campus: &Campus, message: MessageId) -> i64 {
    let text = format!("SELECT count(*) FROM delivery WHERE message_id = {} AND attempts = 1", message.0);
    let text = AssertSqlSafe(text);
    match &campus.s.db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(text).fetch_one(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(text).fetch_one(pool).await.unwrap(),
    }
}

on_both!(what_is_real_goes_out_before_the_rest_of_a_drill_that_is_being_planned, |db| async {
    let mut campus = Campus::new(db, FEW).await;
    fill(&campus).await;
    campus.mails_then_texts().await;
    let stops = Arc::new(Stops::default());
    let s = &campus.s;
    campus.s =
        Services::new(s.db.clone(), s.clock.clone(), stops.clone(), s.vault.clone(), (*s.campus).clone());
    campus.dispatcher = Dispatcher::new(campus.s.clone());
    let officer = person(Role::DutyOfficer, 1);
    let drill = campus.press_at(&officer, Run::Drill, "食堂").await.unwrap().id;
    // What is pressed later is for few people, so that few mails are enough.
    let row = belltower::store::scenarios::find(&campus.s.db, "fire").await.unwrap().unwrap();
    let mut document = row.document.0;
    let few = (0..FEW).map(|number| format!("2023{number:03}")).collect();
    document.audience = Audience { recipients: few, ..Audience::default() };
    campus.write(&document, row.version).await;

    let (standing, held) = stops.at(Outlet::Sandbox);
    let s = campus.s.clone();
    let mut planner = tokio::spawn(async move { planning::plan_next(&s, 7).await });
    until_it_stands(standing, &mut planner).await;
    let first = alert(&campus, drill).await.1.planned;
    assert!((1..MANY).contains(&first), "{first} are planned");
    let live = campus.press(&officer, Run::Live).await.unwrap();
    assert_eq!(live.state, State::Live);
    // It looks up from what it does every now and then.
    campus.turn(Duration::from_secs(1));

    let (standing, held_by_the_alert) = stops.at(EMAIL);
    drop(held);
    until_it_stands(standing, &mut planner).await;
    while campus.relay.mailbox().total() < FEW as u64 {
        step(&mut campus, EMAIL).await;
    }
    // And the planner stands still where it was in the midst of the drill.
    drop(held_by_the_alert);
    assert_eq!(planner.await.unwrap().unwrap(), 1);
    campus.drain().await;
    let (message, counts) = alert(&campus, drill).await;
    let ends = (counts.planned, counts.sent + counts.delivered, counts.suppressed);
    assert_eq!(ends, (MANY + 1, MANY, 1), "all but whoever has no address: {counts:?}");
    assert_eq!(tried_once(&campus, message).await, MANY);
    let arrived = campus.arrived();
    assert_eq!((arrived.len(), unique(&arrived).len()), (FEW, FEW));
    let (message, counts) = alert(&campus, live.id).await;
    assert_eq!((counts.planned, counts.sent + counts.delivered), (FEW as i64, FEW as i64));
    assert_eq!(tried_once(&campus, message).await, FEW as i64);
});

on_both!(a_drill_makes_room_for_what_is_real_and_slow_while_it_is_handed_over, |db| async {
    let hang = Faults::default().at(Stage::Rcpt, Does::Hang);
    let mut campus = Campus::with(db, 200, hang).await;
    let officer = person(Role::DutyOfficer, 1);
    let drill = campus.press_at(&officer, Run::Drill, "食堂").await.unwrap().id;
    let live = campus.press(&officer, Run::Live).await.unwrap().id;
    while planning::plan_next(&campus.s, 7).await.unwrap() > 0 {}
    // It is first, and has all the room there is but for what is the others' own.
    step(&mut campus, Outlet::Sandbox).await;
    step(&mut campus, EMAIL).await;
    let own = alert(&campus, live).await.1.sending;
    assert!(own > 0, "no outlet is kept from all");
    // None of these mails ever comes back. More are handed over while the drill goes on, and not once it is over.
    let (mut mails, mut left) = (own, MANY);
    while mails == own && left > 0 {
        step(&mut campus, Outlet::Sandbox).await;
        step(&mut campus, EMAIL).await;
        mails = alert(&campus, live).await.1.sending;
        let counts = alert(&campus, drill).await.1;
        left = counts.pending + counts.sending;
    }
    assert!(mails > own, "the drill had all of the room to its end, and {mails} mails");
});
