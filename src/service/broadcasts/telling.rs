//! Others are told at once that a broadcast was begun: who may stop it, and who may let it go.

use serde_json::json;

use super::Services;
use crate::Result;
use crate::config::Language;
use crate::domain::emergency::{Run, State};
use crate::domain::id::{BroadcastId, OperatorId};
use crate::domain::operator::Permission;
use crate::service::messages::OwnWord;
use crate::service::operators;
use crate::store::broadcasts as store;

const TOPIC: &str = "belltower.broadcast";

/// A broadcast was begun by this operator, or by none.
pub(super) fn began(s: &Services, id: BroadcastId, by: Option<OperatorId>) {
    tell_later(s, id, by);
}

/// One that waited went out.
pub(super) fn went_out(s: &Services, id: BroadcastId, by: Option<OperatorId>) {
    tell_later(s, id, by);
}

/// Beside the press, which waits for nobody.
fn tell_later(s: &Services, id: BroadcastId, by: Option<OperatorId>) {
    let services = s.clone();
    s.background.spawn(async move {
        if let Err(error) = tell(&services, id, by).await {
            tracing::warn!(broadcast = %id, %error, "others were not told of a broadcast");
        }
    });
}

async fn tell(s: &Services, id: BroadcastId, by: Option<OperatorId>) -> Result<()> {
    let Some(row) = store::find(&s.db, id).await? else { return Ok(()) };
    // A drill reaches nobody, and is not to wake anybody.
    if row.run == Run::Drill {
        return Ok(());
    }
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
            Ok(word) => words.push(word),
            Err(error) => {
                tracing::warn!(operator = %operator.id, %error, "an operator was not told of a broadcast");
            }
        }
    }
    if words.is_empty() {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    for word in &words {
        word.keep(&mut tx).await?;
    }
    tx.commit().await?;
    for word in &words {
        word.announce(s).await;
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
