//! A run of messages with faults at random moments of it, and what must be true afterwards.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use belltower::domain::delivery::State;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::cluster::Cluster;
use super::faults::{Holding, Kind, Restarts, begin, draw};
use super::feed::{Feed, addresses, is_emergency};
use super::until;
use crate::support::broker::{Broker, at_broker};
use crate::support::database::with_postgres;
use crate::support::seed::asked;

/// How much is handed over while a fault holds on, unless sources are turned away meanwhile.
const MOVES: u64 = 30;
/// As many tries of sources that came to nothing say that a fault is felt.
const TURNED_AWAY: u64 = 6;
/// Looks in a row at which nothing has moved, after which nothing will.
const STILL: u32 = 60;

struct Size {
    messages: usize,
    faults: usize,
    /// Leases run out by themselves, after half a minute.
    waits_for_leases: bool,
    restarts: Restarts,
}

/// What is told of a run.
#[derive(Default)]
struct Told {
    faults: BTreeMap<Kind, usize>,
    /// Deliveries in hand when a fault began or ended: what may come twice, or stay without an answer.
    in_flight: u64,
    /// Deliveries that others took over from a node that stood still.
    taken_over: u64,
    longest_silence: Duration,
}

/// What came of deliveries of one kind.
#[derive(Default)]
struct Tally {
    deliveries: u64,
    twice: u64,
    unknown: u64,
}

#[test]
fn a_short_storm_loses_nothing() {
    storm(Size { messages: 1_200, faults: 12, waits_for_leases: false, restarts: Restarts::default() });
}

/// `scripts/chaos` runs it, with servers of its own.
#[test]
#[ignore = "takes the better part of an hour: scripts/chaos"]
fn the_long_storm_loses_nothing() {
    let size = |name: &str, usual: usize| asked(name).map_or(usual, |asked| asked as usize);
    let commands = |of: &str| {
        let names = [format!("BELLTOWER_CHAOS_STOP_{of}"), format!("BELLTOWER_CHAOS_KILL_{of}")];
        names.iter().filter_map(|name| env::var(name).ok()).collect()
    };
    storm(Size {
        messages: size("BELLTOWER_CHAOS_MESSAGES", 100_000),
        faults: size("BELLTOWER_CHAOS_FAULTS", 200),
        waits_for_leases: true,
        restarts: Restarts { store: commands("POSTGRES"), broker: commands("RABBITMQ") },
    });
}

#[expect(clippy::print_stderr, reason = "whoever runs it is told what happens, and how to have it again")]
fn say(what: &str) {
    eprintln!("{what}");
}

fn storm(size: Size) {
    with_postgres(|url| async move {
        at_broker(|broker: &'static Broker| async move {
            let seed = asked("BELLTOWER_CHAOS_SEED").unwrap_or_else(rand::random);
            say(&format!("BELLTOWER_CHAOS_SEED={seed}"));
            let began = Instant::now();
            let cluster = Cluster::start(&url, broker, &["web,dispatch", "dispatch", "web,dispatch"]).await;
            let feed = Feed::new(cluster.urls(), cluster.key.clone(), size.messages);
            let told = Told::default();
            let mut run = Run { size, cluster, feed, told, random: StdRng::seed_from_u64(seed) };
            run.weather().await;
            run.settle_down().await;
            let summary = run.check().await;
            say(&format!("{summary}  wall time {:.0} s", began.elapsed().as_secs_f64()));
        })
        .await;
    });
}

struct Run {
    size: Size,
    cluster: Cluster,
    feed: Feed,
    told: Told,
    random: StdRng,
}

impl Run {
    /// Every fault in its share of the messages, at a random moment of it; the next share is there when it begins.
    async fn weather(&mut self) {
        let mut senders = self.feed.start();
        let kinds = draw(self.size.faults, &mut self.random);
        let share = |number: usize| self.size.messages * (number + 1) / (self.size.faults + 1);
        let shares: Vec<_> = (0..=self.size.faults).map(share).collect();
        self.feed.release(shares[0]);
        let mut number = 0;
        while number < kinds.len() {
            let so_far = self.cluster.vendors.total();
            let of_it = (shares[number + 1] - shares[number]) as u64;
            let moment = self.random.random_range(0..of_it);
            self.moved(so_far + moment).await;
            // Some come two at a time.
            let alone = |kind: &Kind| *kind == Kind::Outlast;
            let two = number + 1 < kinds.len()
                && self.random.random_bool(0.25)
                && !kinds[number..number + 2].iter().any(alone);
            let at_once = &kinds[number..number + 1 + usize::from(two)];
            number += at_once.len();
            self.feed.release(shares[number]);
            self.happen(at_once).await;
        }
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
    }

    async fn happen(&mut self, kinds: &[Kind]) {
        let mut holding: Vec<Holding> = Vec::new();
        let mut words = String::new();
        for kind in kinds {
            let Self { cluster, random, size, .. } = self;
            let (held, what) = begin(*kind, cluster, &holding, &size.restarts, random).await;
            holding.push(held);
            *self.told.faults.entry(*kind).or_default() += 1;
            write!(words, "{}{kind}: {what}", if words.is_empty() { "" } else { " + " }).unwrap();
        }
        let began = Instant::now();
        let in_flight = self.cluster.ledger.in_hand().await;
        if kinds == [Kind::Outlast] {
            self.outlast().await;
        } else {
            self.moved(self.cluster.vendors.total() + MOVES).await;
        }
        if self.random.random_bool(0.5) {
            holding.reverse();
        }
        holding.sort_by_key(Holding::is_last);
        for held in holding {
            held.end(&mut self.cluster).await;
        }
        let left = self.cluster.ledger.in_hand().await;
        self.told.in_flight += in_flight + left;
        say(&format!(
            "{words}; {in_flight} in flight, held {:.1} s; {} accepted, {} handed over",
            began.elapsed().as_secs_f64(),
            self.feed.accepted(),
            self.cluster.vendors.total(),
        ));
    }

    /// Others take over what a node that stands still had in hand.
    async fn outlast(&mut self) {
        if self.size.waits_for_leases {
            self.told.taken_over += self.cluster.ledger.in_hand().await;
        } else {
            // What is left in hand when everything else is done is its own.
            self.still().await;
            self.told.taken_over += self.cluster.ledger.in_hand().await;
            self.cluster.ledger.run_out().await;
        }
        let cluster = &self.cluster;
        let none = async || (cluster.ledger.in_hand().await == 0).then_some(());
        until("what a node had in hand that stands still is taken over", none).await;
    }

    /// Waits until so much was handed over, sources are turned away, or nothing moves any more.
    async fn moved(&mut self, handed_over: u64) {
        let turned_away = self.feed.turned_away() + TURNED_AWAY;
        let (vendors, feed) = (&self.cluster.vendors, &self.feed);
        let mut silence = Silence::begin(vendors.total());
        until("something moves", async || {
            let total = vendors.total();
            silence.look(total);
            let is_still = silence.looks >= STILL && feed.is_caught_up();
            (total >= handed_over || feed.turned_away() >= turned_away || is_still).then_some(())
        })
        .await;
        self.told.longest_silence = self.told.longest_silence.max(silence.longest);
    }

    /// Waits until everything released is accepted and nothing moves in the store.
    async fn still(&self) {
        let mut before = None;
        let mut looks = 0;
        until("nothing moves", async || {
            let now = self.cluster.ledger.movement().await;
            looks = if before.replace(now) == Some(now) && self.feed.is_caught_up() { looks + 1 } else { 0 };
            (looks >= STILL).then_some(())
        })
        .await;
    }

    /// Everything is whole again: all that was accepted comes to its end, and what may be repeated was. The minute before that
    /// is not waited for.
    async fn settle_down(&mut self) {
        let mut silence = Silence::begin(self.cluster.vendors.total());
        let (vendors, ledger) = (&self.cluster.vendors, &self.cluster.ledger);
        until("everything accepted comes to its end", async || {
            silence.look(vendors.total());
            ledger.repeat_soon().await;
            (ledger.open_or_repeated().await == 0).then_some(())
        })
        .await;
        self.told.longest_silence = self.told.longest_silence.max(silence.longest);
        self.cluster.stop().await;
    }

    /// Says what came of it, and fails where something is not as it should be.
    async fn check(&self) -> String {
        let Self { size, cluster, feed, told, .. } = self;
        let wrong = feed.wrong();
        assert!(wrong.is_empty(), "{} answers, the first of them: {}", wrong.len(), wrong[0]);
        assert_eq!(feed.accepted(), size.messages);
        let mut ids = feed.ids();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), size.messages, "each message has its own id, however often it was posted");

        let mut entries = cluster.ledger.entries().await;
        let (mut routine, mut emergency) = (Tally::default(), Tally::default());
        let each =
            (0..size.messages).flat_map(|number| addresses(number).into_iter().map(move |one| (number, one)));
        for (number, address) in each {
            let tally = if is_emergency(number) { &mut emergency } else { &mut routine };
            let found = entries.remove(&address).unwrap_or_default();
            let [entry] = found.as_slice() else { panic!("{address}: {} deliveries", found.len()) };
            let copies = cluster.vendors.copies(&address);
            tally.deliveries += 1;
            match entry.state {
                State::Sent | State::Delivered => assert!(copies > 0, "{address} is lost: {entry:?}"),
                // Told to people, who decide; it may have arrived. An emergency was handed over once more before.
                State::Unknown => {
                    assert_eq!(entry.repeats, i64::from(is_emergency(number)), "{address}: {entry:?}");
                    tally.unknown += 1;
                }
                _ => panic!("{address}: {entry:?}"),
            }
            assert!(entry.attempts > entry.repeats, "{address} was opened and not handed over: {entry:?}");
            if copies > 1 {
                tally.twice += copies - 1;
                assert!(entry.is_told, "{address} came {copies} times without a word: {entry:?}");
                assert!(entry.attempts >= copies as i64, "{address} came {copies} times: {entry:?}");
            }
        }
        assert!(entries.is_empty(), "deliveries that nobody asked for: {entries:?}");
        let (emergencies, urgent) = cluster.ledger.emergencies().await;
        let posted = (0..size.messages).filter(|number| is_emergency(*number)).count();
        assert_eq!((emergencies, urgent), (posted as i64, emergency.deliveries as i64));
        let deliveries = routine.deliveries + emergency.deliveries;
        let (twice, unknown) = (routine.twice + emergency.twice, routine.unknown + emergency.unknown);
        let in_flight = told.in_flight + cluster.vendors.hung();
        assert!(twice <= in_flight, "{twice} came twice, {in_flight} were in flight");
        assert!(unknown <= in_flight, "{unknown} are unknown, {in_flight} were in flight");
        let verified = cluster.verify().await;
        assert_eq!(verified["ok"], true, "{verified:#}");

        let mut summary = String::new();
        for (kind, times) in &told.faults {
            writeln!(summary, "  {times:4} {kind}").unwrap();
        }
        let Told { taken_over, longest_silence, .. } = told;
        writeln!(
            summary,
            "  messages {}, deliveries {deliveries}: {twice} came twice and {unknown} are unknown, of {in_flight} in flight at a \
             fault\n  emergencies {posted}, deliveries {}: {} came twice and {} are unknown\n  {taken_over} taken over from \
             nodes that stood still\n  {} tries of sources came to nothing, {} were answered \
             again\n  longest silence {:.1} s",
            size.messages,
            emergency.deliveries,
            emergency.twice,
            emergency.unknown,
            feed.turned_away(),
            feed.replayed(),
            longest_silence.as_secs_f64(),
        )
        .unwrap();
        summary
    }
}

/// How long nothing was handed over.
struct Silence {
    total: u64,
    since: Instant,
    looks: u32,
    longest: Duration,
}

impl Silence {
    fn begin(total: u64) -> Self {
        Self { total, since: Instant::now(), looks: 0, longest: Duration::ZERO }
    }

    fn look(&mut self, total: u64) {
        if total != self.total {
            *self = Self { total, since: Instant::now(), looks: 0, longest: self.longest };
        }
        self.looks += 1;
        self.longest = self.longest.max(self.since.elapsed());
    }
}
