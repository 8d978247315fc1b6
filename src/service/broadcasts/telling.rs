//! Others are told at once that a broadcast was begun: who may stop it, and who may let it go.

use std::time::Duration;

use serde_json::json;

use super::Services;
use crate::Result;
use crate::config::Language;
use crate::domain::emergency::State;
use crate::domain::id::{BroadcastId, OperatorId};
use crate::domain::operator::Permission;
use crate::service::messages::OwnWord;
use crate::service::operators;
use crate::store::broadcasts as store;

const TOPIC: &str = "belltower.broadcast";

/// What nobody told of by now is told by whoever sweeps: the process that was to do it is gone, or could not.
const PATIENCE: Duration = Duration::from_secs(5);
const AT_ONCE: i64 = 20;

/// Tells others of a broadcast that this operator, or none, began or sent: beside the press, which waits for nobody. That they
/// are to be told was stored with it.
pub(super) fn others(s: &Services, id: BroadcastId, by: Option<OperatorId>) {
    let services = s.clone();
    s.background.spawn(async move {
        if let Err(error) = tell(&services, id, by).await {
            tracing::warn!(broadcast = %id, %error, "others were not told of a broadcast");
        }
    });
}

/// Tells of what was left untold; returns of how many.
pub(super) async fn go_on(s: &Services) -> Result<usize> {
    let left = store::untold(&s.db, s.clock.now().minus(PATIENCE), AT_ONCE).await?;
    for id in &left {
        tell(s, *id, None).await?;
    }
    Ok(left.len())
}

async fn tell(s: &Services, id: BroadcastId, by: Option<OperatorId>) -> Result<()> {
    let Some(row) = store::find(&s.db, id).await? else { return Ok(()) };
    let waits = row.state == State::PendingApproval;
    let asked = if waits { Permission::EmergencyApprove } else { Permission::EmergencyStop };
    let address = s.campus.public_url.join(&format!("console/emergency/broadcasts/{id}"));
    let address = address.map(String::from).unwrap_or_default();
    let mut words = Vec::new();
    for operator in operators::who_may(s, asked).await?.into_iter().filter(|one| Some(one.id) != by) {
        let language = operator.language.unwrap_or(s.campus.language);
        let (title, body) = said(&row, waits, language);
        let link = address.starts_with("https:").then_some(&address);
        let below = if link.is_some() { String::new() } else { format!("\n\n{address}") };
        let message = json!({
            "topic": TOPIC, "category": "announcement", "priority": "high", "channels": ["email"],
            "title": title, "body": body + &below, "link": link, "to": [{ "email": operator.email }],
        });
        match OwnWord::new(s, &message).await {
            Ok(word) => words.push(word.for_duty()),
            Err(error) => {
                tracing::warn!(operator = %operator.id, %error, "an operator was not told of a broadcast");
            }
        }
    }
    OwnWord::prepare(s).await?;
    let mut tx = s.db.begin().await?;
    if !store::be_told(&mut tx, id, row.state).await? {
        return Ok(());
    }
    for word in &words {
        word.keep(&mut tx).await?;
    }
    tx.commit().await?;
    for word in &words {
        word.announce(s);
    }
    Ok(())
}

fn said(row: &store::BroadcastRow, waits: bool, language: Language) -> (String, String) {
    let name = row.plan.0.name();
    let by = &row.pressed_by;
    match (language, waits) {
        (Language::SimplifiedChinese, true) => (
            format!("待您审批的紧急广播：{}", name.zh),
            format!("{by} 发起了紧急广播“{}”，等待第二人审批。请立即查看并决定。", name.zh),
        ),
        (Language::SimplifiedChinese, false) => (
            format!("紧急广播已发出：{}", name.zh),
            format!("{by} 发起的紧急广播“{}”正在发送。如有误，请立即停止。", name.zh),
        ),
        (Language::English, true) => (
            format!("A broadcast waits for you: {}", name.en),
            format!(
                "{by} began the broadcast “{}”, which waits for a second person. Look at it and decide now.",
                name.en
            ),
        ),
        (Language::English, false) => (
            format!("A broadcast went out: {}", name.en),
            format!(
                "The broadcast “{}” that {by} began is being sent. If it is wrong, stop it now.",
                name.en
            ),
        ),
    }
}
