//! Applications that are told of what happens.

use belltower::config::Language;
use belltower::console::page::{Section, Theme};
use belltower::console::subscriptions::{EndpointPage, EndpointRow, EndpointsPage, HandingRow, Health};
use belltower::domain::id::{HandingId, MessageId, SourceId, SubscriptionId};
use belltower::domain::subscription::{EndpointKind, Handed};

use super::{HOUR, MINUTE, ago, shell};

fn row(id: i64, host: &str, source: &str, health: Health, answered: Option<&str>) -> EndpointRow {
    EndpointRow {
        id: SubscriptionId(id),
        kind: if host.starts_with("belltower.") { EndpointKind::Amqp } else { EndpointKind::Webhook },
        host: host.to_owned(),
        source: SourceId(id),
        source_name: source.to_owned(),
        topics: vec!["library.#".to_owned(), "campus.opening-hours".to_owned()],
        health,
        last: answered.map(|_| ago(3 * MINUTE)),
        answered: answered.map(str::to_owned),
        waiting: if health == Health::Works { 0 } else { 17 },
    }
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> EndpointsPage {
    let rows = vec![
        row(1, "portal.example.edu", "图书馆门户", Health::Works, Some("204")),
        row(2, "app.example.edu:8443", "移动校园", Health::Fails, Some("503")),
        row(3, "old.example.edu", "旧门户", Health::Gone, Some("410")),
        row(4, "bus.example.edu", "数据总线", Health::Exhausted, Some("–")),
        row(5, "new.example.edu", "科研管理平台", Health::New, None),
        row(7, "belltower.out.src_0a1b2c3d4e5f6.library", "图书馆门户", Health::Fails, Some("no_queue")),
        row(6, "left.example.edu", "后勤系统", Health::Withdrawn, Some("200")),
    ];
    EndpointsPage {
        shell: shell(language, theme, Some(Section::Sources)),
        rows: if empty { Vec::new() } else { rows },
    }
}

pub(super) fn one(language: Language, theme: Theme) -> EndpointPage {
    let handing = |id, kind: &str, state, attempts, answered: Option<&str>, answer: &str| HandingRow {
        id: HandingId(id),
        kind: kind.to_owned(),
        topic: "library.new-books".to_owned(),
        message: (attempts > 0).then(|| MessageId(id).to_string()),
        at: ago(HOUR),
        state,
        attempts,
        answered: answered.map(str::to_owned),
        answer: answer.to_owned(),
        next: (state == Handed::Waiting).then(|| ago(0)),
    };
    EndpointPage {
        shell: shell(language, theme, Some(Section::Sources)),
        row: row(2, "app.example.edu:8443", "移动校园", Health::Fails, Some("503")),
        events: vec!["message.completed".to_owned(), "delivery.failed".to_owned()],
        may_edit: true,
        fresh_secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=".to_owned()),
        next_attempt: Some(ago(0)),
        old_secret_until: Some(ago(0)),
        disabled_at: None,
        created_at: ago(40 * 24 * HOUR),
        handings: vec![
            handing(5, "subscription.test", Handed::Waiting, 0, None, ""),
            handing(4, "message.completed", Handed::Waiting, 3, Some("503"), "upstream connect error"),
            handing(3, "delivery.failed", Handed::Sending, 1, None, ""),
            handing(2, "message.completed", Handed::Delivered, 1, Some("204"), ""),
            handing(1, "delivery.failed", Handed::GivenUp, 10, Some("400"), "unknown message"),
        ],
        newest: None,
        older: Some("/console/subscriptions/sub_1?before=hnd_1".to_owned()),
    }
}
