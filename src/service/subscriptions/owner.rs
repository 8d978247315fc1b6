//! Tells whoever asked for a source's key that an endpoint of it is called no more, by a mail of our own. Sources that an
//! administrator made have nobody to tell; the alarm is there for all.

use serde_json::json;

use super::super::Services;
use super::super::alarms::plain;
use super::super::messages::OwnWord;
use super::views;
use crate::Result;
use crate::config::Language;
use crate::domain::subscription::{EVENT_DAYS, WhyDisabled};
use crate::store::registrations;
use crate::store::subscriptions::SubscriptionRow;

const TOPIC: &str = "belltower.subscription";
/// Characters of a title.
const LONGEST: usize = 100;

/// Tells them now; what becomes of the mail is its own message's to say.
pub(super) async fn tell(s: &Services, row: &SubscriptionRow, why: WhyDisabled) -> Result<()> {
    let Some(registered) = registrations::find_by_source(&s.db, row.source_id).await? else { return Ok(()) };
    let (title, body) = said(&row.source_name, &views::host(s, row), row, why, s.campus.language);
    let title: String = title.chars().take(LONGEST).collect();
    let message = json!({
        "topic": TOPIC, "category": "announcement", "channels": ["email"],
        "title": title, "body": body, "to": [{ "email": registered.contact_email }],
    });
    let word = OwnWord::new(s, &message).await?;
    let mut tx = s.db.begin().await?;
    word.keep(&mut tx).await?;
    tx.commit().await?;
    word.announce(s);
    Ok(())
}

/// Title and text.
fn said(
    source: &str,
    host: &str,
    row: &SubscriptionRow,
    why: WhyDisabled,
    language: Language,
) -> (String, String) {
    let (id, source) = (row.id, plain(source));
    match language {
        Language::SimplifiedChinese => {
            let why = match why {
                WhyDisabled::Gone => "它应答 410，表示已不存在",
                WhyDisabled::Exhausted => "它连续三天没有接收任何事件",
            };
            (
                format!("接收端已停用：{host}"),
                format!(
                    "来源系统“{source}”的接收端 `{host}` 已停用：{why}。\n\n修复后请调用 `POST /api/v1/subscriptions/{id}/enable`，或请管理员在“订阅”页重新启用；停用后 {EVENT_DAYS} 天内的事件会按顺序补发。"
                ),
            )
        }
        Language::English => {
            let why = match why {
                WhyDisabled::Gone => "it answered 410, which says that it is gone",
                WhyDisabled::Exhausted => "it took nothing for three days",
            };
            (
                format!("An endpoint is disabled: {host}"),
                format!(
                    "The endpoint `{host}` of the source “{source}” is disabled: {why}.\n\nOnce it works again, call `POST /api/v1/subscriptions/{id}/enable`, or ask an administrator to enable it under Subscriptions: what it missed in {EVENT_DAYS} days follows in order."
                ),
            )
        }
    }
}
