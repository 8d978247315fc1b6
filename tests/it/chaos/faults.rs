//! What happens to the nodes and to everything around them.

use std::fmt;
use std::process::Command;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::cluster::Cluster;
use super::until;
use super::vendors::{Hang, Vendor};
use crate::support::proxy::Proxy;

/// How far clocks are set, in milliseconds: less than a lease and more, back and ahead.
const SHIFTS: [i64; 4] = [-600_000, -40_000, 20_000, 40_000];

/// A kind of fault, as a storm draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `kill -9` of a node, which is started again.
    Kill,
    /// A node stands still for a moment, and goes on.
    Pause,
    /// A node stands still until others have taken over what it had in hand, and then goes on.
    Outlast,
    BrokerAway,
    /// Somebody deletes the queues.
    BrokerEmptied,
    StoreAway,
    /// The database ends every connection, whatever it is in the midst of.
    StoreEnds,
    /// A vendor answers nothing for a while.
    VendorHangs,
    /// Connections of a way break in the midst of what they carry.
    Severed,
    /// Nothing comes through a way for a while, and nothing says so.
    Swallowed,
    /// A node's clock is set, and set right again.
    ClockSet,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Kill,
        Self::Pause,
        Self::Outlast,
        Self::BrokerAway,
        Self::BrokerEmptied,
        Self::StoreAway,
        Self::StoreEnds,
        Self::VendorHangs,
        Self::Severed,
        Self::Swallowed,
        Self::ClockSet,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill -9",
            Self::Pause => "short stop",
            Self::Outlast => "stop beyond the lease",
            Self::BrokerAway => "broker restart",
            Self::BrokerEmptied => "queues deleted",
            Self::StoreAway => "database restart",
            Self::StoreEnds => "connections ended by the database",
            Self::VendorHangs => "vendor hangs",
            Self::Severed => "connections cut",
            Self::Swallowed => "way that swallows",
            Self::ClockSet => "clock set",
        })
    }
}

/// A way between two of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Store(usize),
    Queue(usize),
    Front(usize),
    Mails,
    Texts,
    Chats,
}

/// A fault that holds on, and what ends it.
#[derive(Debug)]
pub(super) enum Holding {
    Killed(usize),
    Paused(usize),
    Broker,
    Store,
    Hangs(Vendor),
    Swallows(Way),
    Clock(usize),
    /// It is over already.
    Over,
}

/// How servers are restarted where the test may: shell commands that end them, whereupon they come back by themselves.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    pub(super) store: Vec<String>,
    pub(super) broker: Vec<String>,
}

impl Restarts {
    fn run(commands: &[String], random: &mut StdRng) -> bool {
        let Some(command) = commands.choose(random) else { return false };
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        true
    }
}

/// Which nodes may be chosen: each has one fault of its own at a time.
fn free_node(holding: &[Holding], cluster: &Cluster, random: &mut StdRng) -> usize {
    let is_taken = |node: usize| {
        holding.iter().any(|one| match one {
            Holding::Killed(other) | Holding::Paused(other) | Holding::Clock(other) => *other == node,
            _ => false,
        })
    };
    let free: Vec<_> = (0..cluster.nodes.len()).filter(|node| !is_taken(*node)).collect();
    *free.choose(random).expect("fewer faults than nodes hold on")
}

fn any_way(cluster: &Cluster, random: &mut StdRng) -> Way {
    let node = random.random_range(0..cluster.nodes.len());
    match random.random_range(0..9) {
        0..3 => Way::Store(node),
        3 => Way::Queue(node),
        4 | 5 => Way::Front(node),
        6 => Way::Mails,
        7 => Way::Texts,
        _ => Way::Chats,
    }
}

fn proxy(cluster: &Cluster, way: Way) -> &Proxy {
    match way {
        Way::Store(node) => &cluster.nodes[node].store,
        Way::Queue(node) => &cluster.nodes[node].queue,
        Way::Front(node) => &cluster.nodes[node].front,
        Way::Mails => &cluster.vendors.mails,
        Way::Texts => &cluster.vendors.texts,
        Way::Chats => &cluster.vendors.chats,
    }
}

/// Begins a fault beside those that hold on, and says what it is in words.
pub(super) async fn begin(
    kind: Kind,
    cluster: &mut Cluster,
    holding: &[Holding],
    restarts: &Restarts,
    random: &mut StdRng,
) -> (Holding, String) {
    match kind {
        Kind::Kill => {
            let node = free_node(holding, cluster, random);
            cluster.nodes[node].kill().await;
            (Holding::Killed(node), cluster.nodes[node].name.clone())
        }
        Kind::Pause | Kind::Outlast => {
            let node = free_node(holding, cluster, random);
            cluster.nodes[node].pause();
            (Holding::Paused(node), cluster.nodes[node].name.clone())
        }
        Kind::BrokerAway => {
            if Restarts::run(&restarts.broker, random) {
                return (Holding::Over, "restarted".to_owned());
            }
            cluster.nodes.iter().for_each(|node| node.queue.cut());
            (Holding::Broker, "cut off from every node".to_owned())
        }
        Kind::BrokerEmptied => {
            cluster.delete_queues().await;
            (Holding::Over, "all of them".to_owned())
        }
        Kind::StoreAway => {
            if Restarts::run(&restarts.store, random) {
                return (Holding::Over, "restarted".to_owned());
            }
            cluster.nodes.iter().for_each(|node| node.store.cut());
            cluster.ledger.terminate().await;
            (Holding::Store, "cut off from every node".to_owned())
        }
        Kind::StoreEnds => {
            cluster.ledger.terminate().await;
            (Holding::Over, "all of them".to_owned())
        }
        Kind::VendorHangs => {
            let vendor = *Vendor::ALL.choose(random).unwrap();
            let hang = if random.random_bool(0.5) { Hang::Before } else { Hang::After };
            cluster.vendors.hang(vendor, hang);
            (Holding::Hangs(vendor), format!("{vendor}, {hang:?}"))
        }
        Kind::Severed => {
            let way = any_way(cluster, random);
            proxy(cluster, way).sever();
            (Holding::Over, format!("{way:?}"))
        }
        Kind::Swallowed => {
            let way = any_way(cluster, random);
            proxy(cluster, way).swallow();
            (Holding::Swallows(way), format!("{way:?}"))
        }
        Kind::ClockSet => {
            let node = free_node(holding, cluster, random);
            let shift = *SHIFTS.choose(random).unwrap();
            cluster.nodes[node].clock.set(shift);
            let node_of = &cluster.nodes[node];
            // To a second, which is all that a date says.
            let is_off = |off: i64| (off - shift).abs() <= 2_000;
            until("its clock is set", async || node_of.clock_off().await.filter(|off| is_off(*off))).await;
            (Holding::Clock(node), format!("{} by {shift} ms", node_of.name))
        }
    }
}

impl Holding {
    /// It needs what others may hold up still.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Self::Killed(_))
    }

    pub(super) async fn end(self, cluster: &mut Cluster) {
        match self {
            Self::Killed(node) => cluster.nodes[node].start().await,
            Self::Paused(node) => cluster.nodes[node].resume(),
            Self::Broker => cluster.nodes.iter().for_each(|node| node.queue.mend()),
            Self::Store => cluster.nodes.iter().for_each(|node| node.store.mend()),
            Self::Hangs(vendor) => cluster.vendors.answer(vendor),
            Self::Swallows(way) => proxy(cluster, way).mend(),
            Self::Clock(node) => cluster.nodes[node].clock.set(0),
            Self::Over => {}
        }
    }
}

/// Kinds in a random order, each of them as often as any other.
pub(super) fn draw(count: usize, random: &mut StdRng) -> Vec<Kind> {
    let mut drawn = Vec::new();
    while drawn.len() < count {
        let mut left = Kind::ALL.to_vec();
        while !left.is_empty() && drawn.len() < count {
            drawn.push(left.swap_remove(random.random_range(0..left.len())));
        }
    }
    drawn
}
