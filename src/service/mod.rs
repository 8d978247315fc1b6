//! Use cases. Each owns its transaction and checks what its caller may do; the faces only translate.

pub mod alarms;
pub mod answers;
pub mod attention;
pub mod audit;
pub mod backups;
pub mod bindings;
pub mod bounces;
pub mod broadcasts;
pub mod buttons;
mod callback_calls;
pub mod callback_events;
pub mod caller;
mod campus;
pub mod cap;
mod change;
pub mod checks;
pub mod costs;
pub mod coverage;
pub mod deliveries;
pub mod drafts;
pub mod figures;
pub mod groups;
pub mod imports;
pub mod inbox;
mod lately;
pub mod letterhead;
pub mod messages;
pub mod nodes;
mod open;
pub mod operators;
pub mod pages;
pub mod planning;
pub mod policies;
pub mod preferences;
pub mod providers;
pub mod readiness;
pub mod recalls;
pub mod receipts;
pub mod recipients;
pub mod reports;
mod resending;
pub mod retention;
pub mod roll_call;
pub mod routing;
pub mod scenarios;
pub mod scim;
pub mod scratch;
mod seats;
pub mod sensitive;
pub mod sessions;
pub mod short_links;
pub mod simulators;
pub mod sources;
mod strangers;
pub mod subscriptions;
pub mod suggestions;
pub mod suppressions;
pub mod system;
pub mod templates;
mod throttle;
pub mod unanswered;
pub mod vault;
mod withdrawing;

use std::path::Path;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::channel::outward::{self, Outward};
use crate::channel::queues::SourceQueues;
use crate::clock::Clock;
use crate::config::AllowPrivate;
use crate::identity::SignIn;
use crate::queue::{Queue, WakeUps};
use crate::store::Db;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::Traces;
use crate::{Error, Result};

pub use caller::Caller;
pub use campus::Campus;
pub use change::Change;
pub use nodes::Node;
pub use open::trusted_at;
pub use vault::Vault;

/// What every use case needs. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Services {
    pub db: Db,
    pub clock: Clock,
    pub queue: Arc<dyn Queue>,
    pub vault: Vault,
    pub campus: Arc<Campus>,
    /// What this process counts of itself.
    pub metrics: Arc<Metrics>,
    /// Where the time of requests and messages went, told to a collector.
    pub traces: Arc<Traces>,
    /// What nobody waits for: small writes, such as when a key was last used, and wake-ups on their way to a broker. Wait for it before the store is closed.
    pub background: TaskTracker,
    /// What the simulators of this process took; none where it runs none.
    pub simulators: Option<Arc<dyn simulators::Mailboxes>>,
    /// The university's own sign-in; none where people prove who they are by a code.
    pub sign_in: Option<Arc<SignIn>>,
    /// What is known of the audit log outside the store.
    pub audit_note: Arc<audit::Note>,
    /// Where files wait that were handed in; none where nobody may.
    pub uploads: Option<Arc<Path>>,
    /// This process, as the others on its store see it.
    pub node: Arc<Node>,
    /// Calls what sources name; none where TLS cannot be had.
    pub outward: Option<Outward>,
    /// Where sources publish; open in processes that take from a broker.
    pub broker_door: Arc<messages::BrokerDoor>,
    /// Tells sources by queues of theirs; none where there is no broker.
    pub source_queues: Option<Arc<SourceQueues>>,
    wake_ups: WakeUps,
    intake: messages::Intake,
    imports: Arc<imports::Running>,
    groups: Arc<groups::KnownGroups>,
    attributes: Arc<groups::LatestAttributes>,
    keys: Arc<sources::KnownKeys>,
    calls: Arc<sources::Calls>,
    rates: Arc<sources::Rates>,
    registrations: Arc<sources::registrations::Rates>,
    rules: Arc<routing::KnownRules>,
    policy: Arc<policies::KnownPolicy>,
    words: Arc<sensitive::KnownWords>,
    passwords: Arc<operators::Passwords>,
    campus_doors: Arc<operators::Doors>,
    figures: Arc<figures::Latest>,
    doors: Arc<receipts::Doors>,
    binders: Arc<bindings::Binders>,
    opened: Arc<pages::Opened>,
    strangers: Arc<short_links::Strangers>,
    turns: Arc<preferences::Turns>,
    alarms: Arc<alarms::Known>,
    letterhead: Arc<letterhead::Latest>,
    broadcasts: Arc<broadcasts::Lately>,
    buttons: Arc<buttons::Rates>,
    rolls: Arc<roll_call::Known>,
    suggestions: Arc<suggestions::Learned>,
    interests: Arc<subscriptions::Known>,
    readers: Arc<subscriptions::Readers>,
    inboxes: Arc<inbox::Readers>,
    looked: Arc<subscriptions::Looked>,
    trials: Arc<subscriptions::Trials>,
}

impl Services {
    /// To be called inside a runtime, in which the intake of messages runs from then on.
    pub fn new(db: Db, clock: Clock, queue: Arc<dyn Queue>, vault: Vault, campus: Campus) -> Self {
        let campus = Arc::new(campus);
        let metrics = Arc::new(Metrics::default());
        let background = TaskTracker::new();
        let wake_ups = WakeUps::new(Arc::clone(&queue), background.clone());
        let interests: Arc<subscriptions::Known> = Arc::default();
        let intake = messages::Intake::start(
            db.clone(),
            clock.clone(),
            wake_ups.clone(),
            Arc::clone(&campus),
            Arc::clone(&metrics),
            Arc::clone(&interests),
        );
        Self {
            db,
            clock,
            queue,
            vault,
            campus,
            metrics,
            traces: Arc::default(),
            background,
            simulators: None,
            sign_in: None,
            audit_note: Arc::default(),
            uploads: None,
            node: Arc::default(),
            outward: Outward::new(AllowPrivate::Nowhere, outward::TIMEOUT).ok(),
            broker_door: Arc::default(),
            source_queues: None,
            wake_ups,
            intake,
            imports: Arc::default(),
            groups: Arc::default(),
            attributes: Arc::default(),
            keys: Arc::default(),
            calls: Arc::default(),
            rates: Arc::default(),
            registrations: Arc::default(),
            rules: Arc::default(),
            policy: Arc::default(),
            words: Arc::default(),
            passwords: Arc::default(),
            campus_doors: Arc::default(),
            doors: Arc::default(),
            figures: Arc::default(),
            binders: Arc::default(),
            opened: Arc::default(),
            strangers: Arc::default(),
            turns: Arc::default(),
            alarms: Arc::default(),
            letterhead: Arc::default(),
            broadcasts: Arc::default(),
            buttons: Arc::default(),
            rolls: Arc::default(),
            suggestions: Arc::default(),
            interests,
            readers: Arc::default(),
            inboxes: Arc::default(),
            looked: Arc::default(),
            trials: Arc::default(),
        }
    }

    /// Calls what sources name.
    pub fn outward(&self) -> Result<&Outward> {
        self.outward.as_ref().ok_or_else(|| Error::unavailable("nothing can be called from here"))
    }
}
