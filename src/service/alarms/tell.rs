//! Tells the operators who asked. Everything that is new for one of them is one message, at most every few minutes: however
//! many alarms there are, and whatever word of them fails, nobody is sent more than that.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::messages::OwnWord;
use super::super::{Services, operators};
use super::{AlarmRow, KEPT};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::alarm::{Limits, Severity};
use crate::domain::channel::ChannelKind;
use crate::domain::id::AlarmId;
use crate::domain::operator::Permission;
use crate::store::alarm_wishes::{self, ToldRow, WishRow};
use crate::store::alarms as store;
use crate::{Error, Result};

const TOPIC: &str = "belltower.alarm";
/// Between two messages to one operator.
const BETWEEN: Duration = Duration::from_mins(5);
/// Where people need help.
const AT_MOST: Duration = Duration::from_mins(1);
/// An end that could not be told for so long is no news any more.
const NEWS: Duration = Duration::from_hours(24);
/// Alarms that are over and may still be told of.
const MOST: u32 = 500;
/// Alarms in one message; the rest is a figure.
const LISTED: usize = 20;

/// What one operator is told.
#[derive(Debug, Default)]
struct News<'a> {
    begun: Vec<&'a AlarmRow>,
    /// Told before, still open, and nobody looks after them.
    still: Vec<&'a AlarmRow>,
    over: Vec<&'a AlarmRow>,
}

pub(super) async fn tell(s: &Services, limits: &Limits, now: Timestamp) -> Result<()> {
    let wishes = alarm_wishes::list(&s.db).await?;
    let due = |wish: &WishRow, between| wish.told_at.is_none_or(|at| now.since(at) >= between || at > now);
    if !wishes.iter().any(|wish| due(wish, AT_MOST)) {
        return Ok(());
    }
    let mut alarms = store::open(&s.db).await?;
    alarms.extend(store::ended(&s.db, now.minus(NEWS.min(KEPT)), Timestamp::NEVER, MOST).await?);
    let ids: Vec<_> = alarms.iter().map(|alarm| alarm.id).collect();
    let told = alarm_wishes::told(&s.db, &ids).await?;
    for wish in &wishes {
        let news = News::of(wish, &alarms, &told, limits, now);
        // Others are told all the same.
        if !news.is_empty()
            && due(wish, news.between())
            && let Err(error) = tell_one(s, wish, news, now).await
        {
            tracing::error!(operator = %wish.operator_id, %error, "an operator was not told of alarms");
        }
    }
    Ok(())
}

impl<'a> News<'a> {
    fn of(wish: &WishRow, alarms: &'a [AlarmRow], told: &[ToldRow], limits: &Limits, now: Timestamp) -> Self {
        let remind = Duration::from_hours(u64::from(limits.remind_hours));
        let mut news = Self::default();
        // A kind that they have stopped asking for is no news to them, told or not.
        for alarm in alarms.iter().filter(|alarm| wish.wish.0.kinds.contains(&alarm.matter.0.kind())) {
            let before = told.iter().find(|t| t.alarm_id == alarm.id && t.operator_id == wish.operator_id);
            match before {
                Some(told) if alarm.ended_at.is_some() && !told.end_told => news.over.push(alarm),
                // There is more of it than they, or whoever looks after it, know.
                Some(told)
                    if alarm.ended_at.is_none()
                        && alarm
                            .matter
                            .0
                            .grew_after(alarm.acknowledged_at.unwrap_or(told.at).max(told.at)) =>
                {
                    news.begun.push(alarm);
                }
                Some(told)
                    if alarm.ended_at.is_none()
                        && alarm.acknowledged_at.is_none()
                        && !remind.is_zero()
                        && now.since(told.at) >= remind =>
                {
                    news.still.push(alarm);
                }
                None if alarm.ended_at.is_none() && wish.wish.0.wants(&alarm.matter.0, alarm.severity) => {
                    news.begun.push(alarm);
                }
                _ => {}
            }
        }
        news
    }

    const fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.still.is_empty() && self.over.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = &'a AlarmRow> {
        [&self.begun, &self.still, &self.over].into_iter().flatten().copied()
    }

    /// People need help of whom they do not know.
    fn calls_for_help(&self) -> bool {
        self.begun.iter().any(|alarm| alarm.matter.0.board().is_some())
    }

    /// How long after the last message it may be told.
    fn between(&self) -> Duration {
        if self.calls_for_help() { AT_MOST } else { BETWEEN }
    }

    /// Without what is seen on boards.
    fn without_boards(mut self) -> Self {
        for alarms in [&mut self.begun, &mut self.still, &mut self.over] {
            alarms.retain(|alarm| alarm.matter.0.board().is_none());
        }
        self
    }

    /// The page that says the most of it.
    fn page(&self) -> String {
        let mut open = self.begun.iter().chain(&self.still);
        match open.find_map(|alarm| alarm.matter.0.board()) {
            Some(id) => format!("console/emergency/broadcasts/{id}/roll"),
            None => "console/alarms".to_owned(),
        }
    }

    /// For whom it is kept, with whether it was the end.
    fn told(&self) -> Vec<(AlarmId, bool)> {
        self.all().map(|alarm| (alarm.id, alarm.ended_at.is_some())).collect()
    }

    fn title(&self, language: Language) -> String {
        let first = self.all().next().map(|alarm| alarm.matter.0.say(language)).unwrap_or_default();
        let n = self.all().count();
        let is_over = self.begun.is_empty() && self.still.is_empty();
        match (language, is_over, n) {
            (Language::SimplifiedChinese, true, 1) => format!("告警已解除：{first}"),
            (Language::SimplifiedChinese, true, n) => format!("{n} 项告警已解除"),
            (Language::SimplifiedChinese, false, 1) => format!("告警：{first}"),
            (Language::SimplifiedChinese, false, n) => format!("{n} 项告警：{first} 等"),
            (Language::English, true, 1) => format!("Alarm over: {first}"),
            (Language::English, true, n) => format!("{n} alarms are over"),
            (Language::English, false, 1) => format!("Alarm: {first}"),
            (Language::English, false, n) => format!("{n} alarms: {first}, and others"),
        }
    }

    fn body(&self, language: Language) -> String {
        let (begun, still, over, act) = match language {
            Language::SimplifiedChinese => ("新的告警", "仍未解除", "已经解除", "需处理"),
            Language::English => ("New", "Still open", "Over", "act"),
        };
        let mut text = String::new();
        for (heading, alarms) in [(begun, &self.begun), (still, &self.still), (over, &self.over)] {
            if alarms.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("**{heading}**\n\n"));
            for alarm in alarms.iter().take(LISTED) {
                let matter = &alarm.matter.0;
                let grave = if alarm.severity == Severity::Act { format!("[{act}] ") } else { String::new() };
                text.push_str(&format!("- {grave}{}", plain(&matter.say(language))));
                if alarm.ended_at.is_none() {
                    let colon = if language == Language::English { ". " } else { "。" };
                    text.push_str(colon);
                    text.push_str(matter.advice(language));
                }
                text.push('\n');
            }
            if alarms.len() > LISTED {
                text.push_str(&format!("- … +{}\n", alarms.len() - LISTED));
            }
        }
        text
    }

    /// Whether word of it may not arrive by that channel.
    fn ails(&self, channel: ChannelKind) -> bool {
        self.all().any(|alarm| alarm.matter.0.ailing() == Some(channel))
    }
}

/// Names come from people and may hold marks that mean something in a text.
pub(in crate::service) fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escapes = matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#' | '|' | '~');
            escapes.then_some('\\').into_iter().chain([c])
        })
        .collect()
}

/// Nothing to an operator who may not look at alarms any more.
async fn tell_one(s: &Services, wish: &WishRow, news: News<'_>, now: Timestamp) -> Result<()> {
    let Some(operator) = operators::operator_of(s, wish.operator_id).await? else { return Ok(()) };
    if !operator.powers.everywhere(Permission::MessagesView) {
        return Ok(());
    }
    let sees_boards = operator.powers.everywhere(Permission::EmergencyView);
    let news = if sees_boards { news } else { news.without_boards() };
    if news.is_empty() {
        return Ok(());
    }
    send(s, wish, &news, now).await
}

/// One message for each way, kept together with what it tells.
async fn send(s: &Services, wish: &WishRow, news: &News<'_>, now: Timestamp) -> Result<()> {
    let mut words = Vec::new();
    for body in bodies(s, wish, news) {
        match OwnWord::new(s, &body).await {
            // The red alert that asked them keeps back what is no emergency.
            Ok(word) => words.push(if news.calls_for_help() { word.for_duty() } else { word }),
            // A person who is gone from the directory, an address that is none: the other ways are still good.
            Err(error @ Error::Invalid(_)) => {
                tracing::warn!(operator = %wish.operator_id, %error, "a way to tell an operator of alarms is no good");
            }
            Err(error) => return Err(error),
        }
    }
    let mut tx = s.db.begin().await?;
    if !alarm_wishes::claim(&mut tx, wish.operator_id, now.minus(news.between()), now).await? {
        return Ok(());
    }
    for word in &words {
        word.keep(&mut tx).await?;
    }
    // What went no way at all is still to be told.
    if !words.is_empty() {
        alarm_wishes::tell(&mut tx, wish.operator_id, &news.told(), now).await?;
    }
    tx.commit().await?;
    for word in &words {
        word.announce(s);
    }
    Ok(())
}

fn bodies(s: &Services, wish: &WishRow, news: &News<'_>) -> Vec<Value> {
    let language = wish.language.as_deref().and_then(Language::from_tag).unwrap_or(s.campus.language);
    let asked = &wish.wish.0;
    let address = s.campus.public_url.join(&news.page()).map(String::from).unwrap_or_default();
    // A message's link is an https one; without a certificate it is still worth telling.
    let (link, below) = if address.starts_with("https:") {
        (Some(&address), String::new())
    } else {
        (None, format!("\n{address}\n"))
    };
    let message = json!({
        "topic": TOPIC, "category": "announcement", "priority": "high",
        "title": short(&news.title(language)), "body": news.body(language) + &below, "link": link,
    });
    let with = |channels: &[ChannelKind], whom: (&str, Value)| {
        let mut body = message.clone();
        body["channels"] = json!(channels);
        body[whom.0] = whom.1;
        body
    };
    let mut bodies = Vec::new();
    if asked.email {
        bodies.push(with(&[ChannelKind::Email], ("to", json!([{ "email": wish.email }]))));
    }
    let mut channels = asked.channels.clone();
    // What says that mails do not leave had better not leave by mail alone.
    if asked.email && news.ails(ChannelKind::Email) {
        channels.extend([ChannelKind::Sms, ChannelKind::Wechat]);
        channels.sort_unstable();
        channels.dedup();
    }
    if let Some(campus_id) = asked.campus_id.as_ref().filter(|_| !channels.is_empty()) {
        bodies.push(with(&channels, ("audience", json!({ "recipients": [campus_id] }))));
    }
    bodies
}

/// As long as a title may be.
fn short(title: &str) -> String {
    const LONGEST: usize = 100;
    if title.chars().count() <= LONGEST {
        return title.to_owned();
    }
    title.chars().take(LONGEST - 1).chain(['…']).collect()
}
