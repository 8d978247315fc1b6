//! The whole way of a mail that comes back: sent, reported by a relay, and what becomes of its delivery.

use std::net::SocketAddr;

use belltower::domain::id::DeliveryId;
use belltower::domain::operator::Role;
use belltower::domain::suppression::Cause;
use belltower::intake::bounces as door;
use belltower::service::providers::{self, NewProvider, ProviderChanges, ProviderView};
use belltower::service::short_links::{Purpose, path};
use belltower::service::suppressions::{self, SuppressionRow};
use belltower::service::{backups, bounces, receipts};
use belltower::simulator::{Act, BouncePlan, Stage};
use belltower::store::Db;
use reqwest::Method;

use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::{on_both, operator};

/// A server that takes bounces, and a relay that reports.
pub(super) struct Campus {
    pub(super) app: TestApp,
    pub(super) relay: SmtpSimulator,
    /// Where bounces are taken.
    pub(super) door: SocketAddr,
}

impl Campus {
    pub(super) async fn new(db: Db) -> Self {
        Self::with(db, json!({"bounce_domain": "bounce.campus.example"})).await
    }

    async fn with(db: Db, settings: Value) -> Self {
        let mut options = SmtpOptions::default();
        options.extensions.push("DSN".to_owned());
        Self::around(TestApp::on(db).await, SmtpSimulator::start(options).await.unwrap(), settings).await
    }

    /// `settings` are laid over the usual ones.
    pub(super) async fn around(app: TestApp, relay: SmtpSimulator, settings: Value) -> Self {
        provider(&app, "校内邮件", 10, &relay, settings).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        door::serve(listener, app.services.clone(), &app.lifecycle).unwrap();
        Self { app, relay, door: address }
    }

    /// Sends a message to `names` at other.example.
    pub(super) async fn send(&self, names: &[&str]) -> String {
        let to: Vec<_> = names.iter().map(|name| json!({"email": format!("{name}@other.example")})).collect();
        let body = json!({"topic": "academic.exam", "title": "考试", "body": "改在教三", "to": to, "channels": ["email"]});
        let id = self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
        self.app.drain().await;
        id
    }

    /// What became of a message's deliveries, in the order of their addresses: state, and reason where there is one.
    pub(super) async fn outcomes(&self, message: &str) -> Vec<String> {
        let counts = &self.app.get(&format!("/messages/{message}")).await.expect(200)["counts"]["all"];
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let mut deliveries = page["data"].as_array().unwrap().clone();
        assert_eq!(counts["planned"], deliveries.len(), "{counts}");
        deliveries.sort_by_key(|delivery| delivery["address"].as_str().unwrap().to_owned());
        let outcomes = deliveries.iter().map(|delivery| {
            let reason = delivery["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
            format!("{}{reason}", delivery["state"].as_str().unwrap())
        });
        outcomes.collect()
    }

    /// Receipts of a message's only delivery: state and code.
    pub(super) async fn receipts(&self, message: &str) -> Vec<String> {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let id = page["data"][0]["id"].as_str().unwrap().to_owned();
        let delivery = self.app.get(&format!("/deliveries/{id}")).await.expect(200);
        let receipts = delivery["receipts"].as_array().unwrap().iter();
        receipts
            .map(|r| format!("{} {}", r["state"].as_str().unwrap(), r["code"].as_str().unwrap_or("-")))
            .collect()
    }

    async fn left_alone(&self) -> Vec<SuppressionRow> {
        suppressions::list(&self.app.services, &operator(Role::Owner), None, None, 50).await.unwrap()
    }

    /// What could not be read, and why.
    pub(super) async fn unread(&self) -> Vec<String> {
        let rows = receipts::list_unread(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap();
        rows.into_iter().map(|row| row.trouble).collect()
    }
}

async fn provider(
    app: &TestApp,
    name: &str,
    priority: i64,
    relay: &SmtpSimulator,
    more: Value,
) -> ProviderView {
    let mut settings = json!({
        "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
        "from_address": "bell@campus.example", "from_name": "钟楼大学",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let new = NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings,
        priority,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap()
}

fn plan() -> BouncePlan {
    BouncePlan::default()
        .failing("b-gone*", "5.1.1", "smtp; 550 5.1.1 <x@other.example>: User unknown")
        .failing("c-full*", "5.2.2", "smtp; 552 5.2.2 Over quota")
        .delaying("d-late*")
        .with("e-got*", "delivered", "2.1.5", "")
}

const KEPT: &str = "250 2.0.0 Kept";

on_both!(what_comes_back_ends_its_delivery_and_a_dead_address_is_left_alone, |db| async {
    let campus = Campus::new(db).await;
    campus.relay.set_bounces(plan());
    let id = campus.send(&["a-here", "b-gone", "c-full", "d-late", "e-got"]).await;
    assert_eq!(campus.outcomes(&id).await, ["sent"; 5]);

    // The client asked for failures and delays, so nobody is told of what arrived.
    assert_eq!(campus.relay.bounce(campus.door).await, [KEPT; 3]);
    assert_eq!(campus.outcomes(&id).await, ["sent"; 5], "stored and answered, not looked into yet");
    campus.app.drain().await;
    let expected = ["sent", "failed 550 5.1.1", "failed 552 5.2.2", "sent", "sent"];
    assert_eq!(campus.outcomes(&id).await, expected);
    let alone = campus.left_alone().await;
    assert_eq!(alone.len(), 1, "a full mailbox is tried again: {alone:?}");
    assert_eq!(alone[0].cause, Cause::Bounced);
    assert!(alone[0].note.contains("User unknown"), "{}", alone[0].note);
    assert!(campus.unread().await.is_empty());
});

on_both!(a_report_that_comes_twice_or_by_another_protocol_says_the_same, |db| async {
    let campus = Campus::new(db).await;
    campus.relay.set_bounces(BouncePlan { lmtp: true, ..plan() });
    let id = campus.send(&["b-gone"]).await;
    assert_eq!(campus.relay.bounce(campus.door).await, [KEPT]);
    campus.app.drain().await;
    assert_eq!(campus.receipts(&id).await, ["failed 550 5.1.1"]);

    let late = campus.send(&["d-late"]).await;
    assert_eq!(campus.relay.bounce(campus.door).await, [KEPT]);
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&late).await, ["sent"]);
    assert_eq!(campus.receipts(&late).await, ["sent 451 4.4.1"], "the timeline says that it is late");
});

on_both!(a_mail_whose_answer_was_lost_is_settled_by_its_report, |db| async {
    let campus = Campus::new(db).await;
    campus.relay.set_bounces(plan());
    campus.relay.set_faults(Faults::default().at(Stage::Kept, Act::Reset));
    let id = campus.send(&["b-gone"]).await;
    assert!(campus.outcomes(&id).await[0].starts_with("unknown"));
    campus.relay.bounce(campus.door).await;
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&id).await, ["failed 550 5.1.1"]);
});

on_both!(of_relays_that_share_a_bounce_domain_the_one_that_took_the_mail_hears_of_it, |db| async {
    let campus = Campus::new(db).await;
    // Asked first for whatever comes back, as it would be tried first if it were in use.
    let other = json!({"bounce_domain": "bounce.campus.example", "from_name": "另一个"});
    let other = provider(&campus.app, "停用的中继", 1, &campus.relay, other).await;
    let off = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    providers::update(&campus.app.services, &operator(Role::Owner), other.id, off).await.unwrap();
    campus.relay.set_bounces(plan());
    let id = campus.send(&["b-gone"]).await;
    assert_eq!(campus.relay.bounce(campus.door).await, [KEPT]);
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&id).await, ["failed 550 5.1.1"]);
});

/// What a relay's postmaster would see: the report as it arrives in another mailbox.
async fn report(campus: &Campus) -> String {
    let postmaster = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    assert!(campus.relay.bounce(postmaster.addr()).await[0].starts_with("250"));
    postmaster.mailbox().find(1).unwrap().source()
}

on_both!(the_envelopes_id_is_enough_and_a_recipient_is_not, |db| async {
    // Without a domain of their own bounces come to the sender, who pipes them in.
    let campus = Campus::with(db, json!({})).await;
    campus.relay.set_bounces(plan());
    let id = campus.send(&["b-gone"]).await;
    let report = report(&campus).await;
    assert!(report.contains("Original-Recipient: rfc822;b-gone@other.example"), "{report}");
    assert!(report.contains("text/rfc822-headers"), "RET=HDRS: {report}");
    let (_, rest) = report.split_once("Original-Envelope-Id: ").unwrap();
    let sealed = rest.lines().next().unwrap();
    let forged = report.replace(sealed, &format!("{}0000000000000000", &sealed[..sealed.len() - 16]));

    let relay = bounces::take(&campus.app.services, "bell@campus.example", forged.as_bytes()).await.unwrap();
    assert_eq!(relay, "校内邮件");
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&id).await, ["sent"]);
    let unread = campus.unread().await;
    assert!(unread.len() == 1 && unread[0].starts_with("nothing in it shows"), "kept and shown: {unread:?}");

    bounces::take(&campus.app.services, "", report.as_bytes()).await.unwrap();
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&id).await, ["failed 550 5.1.1"]);
    assert_eq!(campus.left_alone().await.len(), 1);
});

/// What becomes of a store that comes back from a backup made before anything was sent: rows and numbers are gone.
async fn lose_all_messages(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let numbers = match db {
        Db::Sqlite { .. } => "UPDATE sqlite_sequence SET seq = 0 WHERE name IN ('delivery', 'receipt')",
        Db::Postgres(_) => {
            "ALTER TABLE delivery ALTER COLUMN id RESTART; ALTER TABLE receipt ALTER COLUMN id RESTART"
        }
    };
    for text in ["DELETE FROM delivery", "DELETE FROM message", numbers] {
        crate::store::execute(&mut tx, text).await;
    }
    tx.commit().await.unwrap();
}

on_both!(what_a_store_that_was_lost_sent_means_nobody_after_a_restore, |db| async {
    let campus = Campus::new(db.clone()).await;
    campus.relay.set_bounces(plan());
    let delivery = async |message: &str| {
        let page = campus.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        page["data"][0]["id"].as_str().unwrap().parse::<DeliveryId>().unwrap()
    };
    let sent = campus.send(&["b-gone"]).await;
    let (lost, bounce) = (delivery(&sent).await, report(&campus).await);
    let links =
        [Purpose::Page, Purpose::Preferences].map(|purpose| path(&campus.app.services.vault, purpose, lost));
    let follow = async |link: &str| Answer::of(campus.app.plain(Method::GET, link)).await.status;
    assert_eq!(follow(&links[0]).await, 200);

    // Twice from the same backup, with something sent in between.
    let mut given_out = vec![lost];
    for _ in 0..2 {
        lose_all_messages(&db).await;
        campus.app.clock.turn(60_000);
        backups::settle(&campus.app.services, false).await.unwrap();
        let now = campus.send(&["a-here"]).await;
        let id = delivery(&now).await;
        assert!(id.0 > lost.0 + 1_000_000_000 && !given_out.contains(&id), "{id:?} after {given_out:?}");
        given_out.push(id);
        for link in &links {
            assert_eq!(follow(link).await, 404);
        }
        let sender = campus.relay.mailbox().find(1).unwrap().summary.sender;
        bounces::take(&campus.app.services, &sender, bounce.as_bytes()).await.unwrap();
        campus.app.drain().await;
        assert_eq!(campus.outcomes(&now).await, ["sent"]);
        assert!(campus.receipts(&now).await.is_empty());
    }
    assert!(campus.left_alone().await.is_empty());
});

#[tokio::test]
async fn a_relay_that_offers_no_reports_is_asked_for_none() {
    let mailing =
        Mailing::over(SmtpOptions::default(), json!({"bounce_domain": "bounce.campus.example"})).await;
    mailing.relay.set_bounces(plan());
    assert_eq!(mailing.class(1, "b-gone@other.example").await, OutcomeClass::Accepted);
    let postmaster = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    mailing.relay.bounce(postmaster.addr()).await;
    let report = postmaster.mailbox().find(1).unwrap();
    assert_eq!(
        report.summary.recipients,
        mailing.relay.mailbox().find(1).map(|mail| vec![mail.summary.sender]).unwrap()
    );
    assert!(!report.source().contains("Original-"), "{}", report.source());
}

on_both!(nobody_has_bounced_who_is_away, |db| async {
    let campus = Campus::new(db).await;
    campus.relay.set_bounces(plan());
    let id = campus.send(&["a-here"]).await;
    let sender = campus.relay.mailbox().find(1).unwrap().summary.sender;
    let away =
        "From: a-here@other.example\r\nSubject: 自动回复\r\nAuto-Submitted: auto-replied\r\n\r\n出差\r\n";
    bounces::take(&campus.app.services, &sender, away.as_bytes()).await.unwrap();
    let letter = "From: a-here@other.example\r\nSubject: 请问\r\n\r\n在哪里？\r\n";
    bounces::take(&campus.app.services, &sender, letter.as_bytes()).await.unwrap();
    campus.app.drain().await;
    assert_eq!(campus.outcomes(&id).await, ["sent"]);
    assert!(campus.receipts(&id).await.is_empty());
    let unread = campus.unread().await;
    assert!(unread.len() == 1 && unread[0].ends_with("请问"), "{unread:?}");
});

#[tokio::test]
async fn the_simulated_relay_reports_by_itself_where_it_is_told_to() {
    let postmaster = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let bounces = BouncePlan { to: Some(postmaster.addr()), delay_ms: 1, ..plan() };
    let mailing = Mailing::over(SmtpOptions { bounces, ..SmtpOptions::default() }, json!({})).await;
    for (number, name) in [(1, "a-here"), (2, "b-gone"), (3, "d-late"), (4, "e-got")] {
        mailing.mail(number, &format!("{name}@other.example")).await;
    }
    postmaster.mailbox().wait_for(2).await;
    let subjects = [1, 2].map(|n| postmaster.mailbox().find(n).unwrap().summary.subject);
    assert_eq!(subjects, ["Delivery status (failed)", "Delivery status (delayed)"]);
    assert_eq!(
        postmaster.mailbox().find(1).unwrap().summary.sender,
        "",
        "nobody is told of a report that comes back"
    );
}
