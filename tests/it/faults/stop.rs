//! `kill -9` in the middle of a stop and of a correction: of the server, and of the command by which somebody does it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use belltower::dispatch::IN_FLIGHT_LIMIT;
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::{Run, State};
use belltower::domain::id::BroadcastId;
use belltower::domain::operator::Role;
use belltower::service::broadcasts::Progress;
use belltower::service::{recipients, scenarios};
use belltower::simulator::{Act, Faults, MailQuery, Reply, SmtpOptions, SmtpSimulator, Stage};
use belltower::store::{Db, broadcasts as kept};
use serde_json::json;

use super::{LOST, leases_end, settled};
use crate::support::fire::{fire, press_fire};
use crate::support::process::Installation;
use crate::support::{TERMINAL, on_both_urls, operator};

const PEOPLE: usize = 400;
/// Who has their mail at the least before somebody does something, and who has none at the least when all are dead, apart from
/// those whose mail was under way.
const SOME: usize = PEOPLE / 16;
const ALERT: &str = "紧急";
const CORRECTION: &str = "更正";

/// A server in the midst of an alert. Its relay says of some mails that it has them, and of no more, so that there is time for a
/// command before all have theirs.
struct Midst {
    url: String,
    here: Installation,
    relay: SmtpSimulator,
    id: BroadcastId,
}

impl Midst {
    async fn of(url: String) -> Self {
        let some = Faults::default().first(SOME as u64, Stage::Kept, Reply::new(250, "2.0.0 Kept"));
        let faults = some.at(Stage::Kept, Act::Hang);
        let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
        let here = Installation::with(vec![("BELLTOWER_DATABASE", url.clone())]);
        here.smtp_provider(relay.addr()).await;
        let s = here.services().await;
        scenarios::seed(&s).await.unwrap();
        for number in 0..PEOPLE {
            let body = json!({"name": "李想", "email": format!("p{number}@campus.example")});
            recipients::put(&s, &TERMINAL, &format!("2023{number:04}"), &body).await.unwrap();
        }
        let officer = operator(Role::DutyOfficer);
        let id = press_fire(&s, &officer, Run::Live, &fire("图书馆")).await.unwrap().id;
        s.close().await;
        Self { url, here, relay, id }
    }

    /// Some have their mail, somebody does that, and as soon as it is decided all are dead who could go on with it.
    async fn killed_in(&self, act: &str) {
        let server = self.here.serve().await;
        let deadline = Instant::now() + LOST;
        while self.relay.mailbox().message_ids() < SOME {
            assert!(Instant::now() < deadline, "the first never went out");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let db = Db::open(&self.url).await.unwrap();
        let mut command = self.here.command(&["broadcast", act, &self.id.to_string()]);
        let mut somebody = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while kept::find(&db, self.id).await.unwrap().unwrap().state != State::Stopped {
            assert!(Instant::now() < deadline, "nothing was decided");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill().await;
        somebody.kill().await.unwrap();
        db.close().await;
        leases_end(&self.url).await;
        self.relay.set_faults(Faults::default());
    }

    /// How often who has a mail whose subject begins so.
    fn told(&self, subject: &str) -> BTreeMap<String, usize> {
        let query = MailQuery { limit: 10_000, ..MailQuery::default() };
        let mails = self.relay.mailbox().list(&query).mails;
        let mut told = BTreeMap::new();
        for mail in mails.into_iter().filter(|mail| mail.subject.starts_with(subject)) {
            for to in mail.recipients {
                *told.entry(to).or_default() += 1;
            }
        }
        told
    }

    /// How many have the alert when all are dead, which was its midst: some have it, and some have not.
    fn told_by_then(&self) -> usize {
        let before = all(&self.told(ALERT));
        assert!(before >= SOME, "{before} of {PEOPLE} had it");
        assert!(before + IN_FLIGHT_LIMIT + SOME <= PEOPLE, "{before} of {PEOPLE} had it already");
        before
    }

    /// What another life of the server makes of it.
    async fn goes_on(&self) -> Progress {
        let server = self.here.serve().await;
        let s = self.here.services().await;
        let progress = settled(&s, self.id).await;
        s.close().await;
        assert!(server.stop().await.success());
        progress
    }
}

fn all(told: &BTreeMap<String, usize>) -> usize {
    told.values().sum()
}

fn who(told: &BTreeMap<String, usize>) -> BTreeSet<&String> {
    told.keys().collect()
}

on_both_urls!(a_stop_holds_whoever_is_killed_in_the_midst_of_it, |url| async {
    let midst = Midst::of(url).await;
    midst.killed_in("stop").await;
    let before = midst.told_by_then();
    let progress = midst.goes_on().await;
    let after = all(&midst.told(ALERT));
    assert!(after <= before + IN_FLIGHT_LIMIT, "{before} before, {after} afterwards");
    for channel in &progress.channels {
        let counts = &channel.counts;
        assert_eq!((counts.planned, counts.pending, counts.sending), (PEOPLE as i64, 0, 0), "{channel:?}");
    }
    let mails = progress.channels.iter().find(|one| one.channel == ChannelKind::Email).unwrap();
    assert!(mails.counts.cancelled >= SOME as i64, "the stop took something back: {mails:?}");
});

on_both_urls!(
    a_correction_goes_on_to_whoever_may_have_the_alert_after_a_kill_in_the_midst_of_it,
    |url| async {
        let midst = Midst::of(url).await;
        midst.killed_in("correct").await;
        let before = midst.told_by_then();
        midst.goes_on().await;
        let (alert, correction) = (midst.told(ALERT), midst.told(CORRECTION));
        assert!(all(&alert) <= before + IN_FLIGHT_LIMIT, "{before} before, {} afterwards", all(&alert));
        let (alerted, corrected) = (who(&alert), who(&correction));
        let forgotten: Vec<_> = alerted.difference(&corrected).collect();
        assert!(forgotten.is_empty(), "who has the alert and nothing else: {forgotten:?}");
        assert!(corrected.len() >= SOME, "{} were told that it was false", corrected.len());
        // Of those who were being told when all died nobody knows whether they were.
        let perhaps = corrected.difference(&alerted).count();
        assert!(perhaps <= IN_FLIGHT_LIMIT, "{perhaps} heard of the correction alone");
        assert!(
            all(&correction) <= corrected.len() + IN_FLIGHT_LIMIT,
            "more than once to more than were in hand"
        );
    }
);
