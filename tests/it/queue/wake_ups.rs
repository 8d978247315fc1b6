//! Who has something to tell waits for no broker, and what a broker told is settled once the store has what came of it.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use belltower::dispatch::Dispatcher;
use belltower::domain::message::Lane;
use belltower::domain::provider::ProviderKind;
use belltower::lifecycle::Ending;
use belltower::queue::{Entry, LocalQueue, Queue, QueueError, Taken, WakeUps, Work};
use belltower::service::{Services, planning};
use belltower::simulator::{SmtpOptions, SmtpSimulator};
use belltower::store::deliveries;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{EMAIL, LOST, entry};
use crate::support::app::TestApp;
use crate::support::broker::until;
use crate::support::faulty;

/// The queue of a process, with a broker beside it that confirms as often as it is told to, and a look over the shoulder
/// of whoever settles.
struct Watched {
    here: LocalQueue,
    offered: Mutex<Vec<Entry>>,
    published: Mutex<Vec<Entry>>,
    confirms: Semaphore,
    ended: Mutex<Vec<Ended>>,
    services: OnceLock<Services>,
}

/// An entry that is in hand no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ended {
    work: Work,
    settled: bool,
    /// Something of its kind was due, and nobody had begun with it.
    due: bool,
}

impl Watched {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            here: LocalQueue::new(),
            offered: Mutex::default(),
            published: Mutex::default(),
            confirms: Semaphore::new(0),
            ended: Mutex::default(),
            services: OnceLock::new(),
        })
    }

    fn published(&self, entry: Entry) -> usize {
        self.published.lock().unwrap().iter().filter(|other| **other == entry).count()
    }

    async fn end(&self, entry: Entry, settled: bool) {
        let due = match (self.services.get(), entry.work) {
            (Some(s), Work::Send(outlet)) => {
                let due = deliveries::due(&s.db, s.clock.now()).await.unwrap();
                due.iter().any(|due| due.outlet == outlet.code())
            }
            _ => false,
        };
        self.ended.lock().unwrap().push(Ended { work: entry.work, settled, due });
    }

    fn ended(&self, work: Work) -> Vec<Ended> {
        self.ended.lock().unwrap().iter().copied().filter(|ended| ended.work == work).collect()
    }
}

#[async_trait]
impl Queue for Watched {
    async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
        self.published.lock().unwrap().push(entry);
        self.confirms.acquire().await.unwrap().forget();
        Ok(())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn offer_here(&self, entry: Entry) {
        self.offered.lock().unwrap().push(entry);
        self.here.offer_here(entry);
    }

    async fn take(&self, work: Work) -> Taken {
        self.here.take(work).await
    }

    async fn settle(&self, taken: Taken) -> Result<(), QueueError> {
        self.end(taken.entry, true).await;
        Ok(())
    }

    /// For others: this process has it no more.
    async fn give_back(&self, taken: Taken) -> Result<(), QueueError> {
        self.end(taken.entry, false).await;
        Ok(())
    }

    async fn depth(&self, entry: Entry) -> Result<usize, QueueError> {
        self.here.depth(entry).await
    }

    fn name(&self) -> &'static str {
        "watched"
    }
}

/// A server whose use cases have that queue.
async fn server(queue: &Arc<Watched>) -> TestApp {
    let given = Arc::clone(queue);
    let app = TestApp::start_with(move |s| {
        *s = Services::new(s.db.clone(), s.clock.clone(), given, s.vault.clone(), (*s.campus).clone());
    })
    .await;
    queue.services.set(app.services.clone()).ok().unwrap();
    app
}

async fn relay(app: &TestApp) -> SmtpSimulator {
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    app.provider("relay", ProviderKind::Smtp, settings).await;
    relay
}

fn message(people: usize) -> Value {
    let to: Vec<_> = (0..people).map(|n| json!({"email": format!("p{n}@campus.example")})).collect();
    json!({"topic": "academic.exam", "title": "期末考试安排", "body": "地点：教三 204。", "to": to})
}

#[tokio::test]
async fn of_equal_entries_one_is_published_at_a_time_and_those_offered_meanwhile_follow_as_one() {
    let queue = Watched::new();
    let background = TaskTracker::new();
    let wake_ups = WakeUps::new(queue.clone(), background.clone());
    let (high, low) = (entry(Lane::High, EMAIL), entry(Lane::Low, EMAIL));
    for _ in 0..100 {
        wake_ups.wake(high);
    }
    wake_ups.wake(low);
    assert_eq!((queue.published(high), queue.published(low)), (1, 1));
    assert_eq!(queue.offered.lock().unwrap().len(), 101, "whoever takes here is told each time");
    assert_eq!(background.len(), 2);

    queue.confirms.add_permits(3);
    background.close();
    tokio::time::timeout(LOST, background.wait()).await.expect("whoever stops waits for what is on its way");
    assert_eq!((queue.published(high), queue.published(low)), (2, 1));

    wake_ups.wake(high);
    assert_eq!(queue.published(high), 3, "it is not taken for being under way still");
}

#[tokio::test]
async fn planning_waits_for_no_broker() {
    let queue = Watched::new();
    let app = server(&queue).await;
    let work = async {
        for _ in 0..3 {
            app.post("/messages", &message(20)).await.expect(202);
            assert!(planning::plan_next(&app.services, 1).await.unwrap() > 0);
        }
    };
    tokio::time::timeout(LOST, work).await.expect("somebody waits for the broker");
    let offered = queue.offered.lock().unwrap().clone();
    for work in [Work::Plan, EMAIL] {
        let entry = entry(Lane::Normal, work);
        assert_eq!(queue.published(entry), 1, "{work:?}: the others wait for the one under way");
        assert_eq!(offered.iter().filter(|other| **other == entry).count(), 3, "{work:?}");
    }
}

#[tokio::test]
async fn what_woke_a_worker_is_settled_once_the_store_has_what_came_of_it() {
    let queue = Watched::new();
    let app = server(&queue).await;
    let relay = relay(&app).await;
    Dispatcher::new(app.services.clone()).run(&app.lifecycle).await.unwrap();
    app.post("/messages", &message(1)).await.expect(202);
    until("it is sent", async || (relay.mailbox().total() > 0).then_some(())).await;
    until("it is settled", async || queue.ended(EMAIL).pop()).await;
    for ended in queue.ended(EMAIL) {
        assert_eq!((ended.settled, ended.due), (true, false), "before anybody had begun with it");
    }
    app.lifecycle.stop();
    assert_eq!(app.lifecycle.wait(LOST).await, Ending::Finished);
    assert_eq!(relay.mailbox().total(), 1);
}

#[tokio::test]
async fn what_woke_a_worker_is_handed_back_where_the_store_takes_nothing() {
    let queue = Watched::new();
    let app = server(&queue).await;
    let relay = relay(&app).await;
    let refuses =
        "CREATE TRIGGER refuses BEFORE UPDATE ON delivery BEGIN SELECT RAISE(ABORT, 'refused'); END";
    faulty::execute(&app.services.db, refuses).await;
    Dispatcher::new(app.services.clone()).run(&app.lifecycle).await.unwrap();
    app.post("/messages", &message(1)).await.expect(202);
    let ended = until("it is given up", async || queue.ended(EMAIL).pop()).await;
    assert_eq!((ended.settled, ended.due), (false, true), "others are to have it");
    assert_eq!(relay.mailbox().total(), 0);

    faulty::execute(&app.services.db, "DROP TRIGGER refuses").await;
    until("it is sent by itself", async || (relay.mailbox().total() > 0).then_some(())).await;
    app.lifecycle.stop();
    assert_eq!(app.lifecycle.wait(LOST).await, Ending::Finished);
    assert_eq!(relay.mailbox().total(), 1);
}
