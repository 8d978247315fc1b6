//! Others are told at once that a broadcast was begun: who may stop it, and who may let it go; and that a button was pressed
//! for something else than what is being sent.

use std::time::Duration;

use serde_json::json;

use super::Services;
use crate::Result;
use crate::config::Language;
use crate::domain::emergency::{Plan, State};
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
    let words = words(s, id, asked, by, |language| said(&row, waits, language)).await?;
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

/// Tells whoever may stop what is being sent that a button was pressed with other choices, of which nobody is told. Should
/// this process end first, the alarm about it is left.
pub(super) fn other_choices(s: &Services, id: BroadcastId, by: &str, plan: &Plan) {
    let (services, by, plan) = (s.clone(), by.to_owned(), plan.clone());
    s.background.spawn(async move {
        let s = &services;
        let told = async {
            let said = |language| differing(&by, &plan, language);
            let words = words(s, id, Permission::EmergencyStop, None, said).await?;
            OwnWord::prepare(s).await?;
            let mut tx = s.db.begin().await?;
            for word in &words {
                word.keep(&mut tx).await?;
            }
            tx.commit().await?;
            for word in &words {
                word.announce(s);
            }
            Ok::<_, crate::Error>(())
        };
        if let Err(error) = told.await {
            tracing::warn!(broadcast = %id, %error, "others were not told of a press with other choices");
        }
    });
}

/// A mail to each operator who has that permission, but for this one, with the way to the broadcast's page.
async fn words(
    s: &Services,
    id: BroadcastId,
    asked: Permission,
    by: Option<OperatorId>,
    said: impl Fn(Language) -> (String, String),
) -> Result<Vec<OwnWord>> {
    let address = s.campus.public_url.join(&format!("console/emergency/broadcasts/{id}"));
    let address = address.map(String::from).unwrap_or_default();
    let mut words = Vec::new();
    for operator in operators::who_may(s, asked).await?.into_iter().filter(|one| Some(one.id) != by) {
        let (title, body) = said(operator.language.unwrap_or(s.campus.language));
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
    Ok(words)
}

fn differing(by: &str, plan: &Plan, language: Language) -> (String, String) {
    let name = plan.name();
    let chosen = plan.chosen.words(&plan.scenario, super::words::language(language));
    match language {
        Language::SimplifiedChinese => (
            format!("按钮按下的选项与正在发出的不同：{}", name.zh),
            format!(
                "{by} 被按下，选项为“{chosen}”；同一地点的广播正在发出，选项不同，没有人收到这次按下的内容。请立即核对，需要时发布更新。"
            ),
        ),
        Language::English => (
            format!("A button was pressed with other choices: {}", name.en),
            format!(
                "{by} was pressed for “{chosen}”. What is being sent for the same place was begun with other choices, and nobody \
                 is told of these. Look at once, and send an update where it does not say enough."
            ),
        ),
    }
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
