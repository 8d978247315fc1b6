//! What happened to a message, in words.

use serde_json::Value;

use super::message::{TimelineEvent, TimelineFragment, variant_label};
use super::rules::words::{Names, why_unrouted};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::RESTORED;
use crate::domain::sensitive::{TOO_LARGE, words_held_for};
use crate::service::drafts;
use crate::service::messages::{self, EventView};
use crate::service::policies::alike_held_for;
use crate::service::routing::WhyUnrouted;

impl TimelineFragment {
    pub(super) fn new(view: View, events: Vec<EventView>) -> Self {
        let events = events.into_iter().map(|event| line(&view, &event)).collect();
        Self { view, events }
    }
}

fn line(view: &View, event: &EventView) -> TimelineEvent {
    let icon = match event.kind.as_str() {
        "accepted" => "inbox",
        "scheduled" => "calendar",
        "planned" => "people",
        "completed" => "check",
        "resent" | "recalled" | "unanswered_repeated" => "repeat",
        "over_quota" | "no_provider" => "warning",
        "routed" => "people",
        "quiet_hours" => "calendar",
        "similar" => "lost",
        "held" => "pause",
        "words" => "warning",
        "released" => "check",
        "cancelled" | "rejected" => "ban",
        "unrouted" => "lost",
        _ => "clock",
    };
    let key = format!("event-{}", event.kind);
    let text = match view.t(&key) {
        // Of a newer version: its own word is better than none.
        text if text == key => event.kind.clone(),
        text => text,
    };
    TimelineEvent {
        at: event.at.into(),
        icon,
        amber: matches!(
            event.kind.as_str(),
            "unrouted"
                | "held"
                | "words"
                | "quiet_expired"
                | "similar"
                | "expired"
                | "over_quota"
                | "no_provider"
        ),
        text,
        detail: detail(view, &event.kind, &event.detail).unwrap_or_default(),
    }
}

fn detail(view: &View, kind: &str, detail: &Value) -> Option<String> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let count = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or(0);
    match kind {
        "accepted" => {
            Some(view.t2("event-from", "by", actor(view, text("by")?), "request", text("request_id")?))
        }
        "scheduled" => {
            let at: jiff::Timestamp = text("send_at")?.parse().ok()?;
            Some(view.t1("event-goes-out", "at", view.exact(Timestamp::from(at))))
        }
        "planned" => Some(planned(view, detail)),
        "cancelled" => text("by").map(|by| actor(view, by)),
        "released" => {
            let by = actor(view, text("by")?);
            Some(text("reason").map_or_else(|| by.clone(), |why| format!("{by} · {why}")))
        }
        "rejected" => Some(format!("{} · {}", actor(view, text("by")?), text("reason")?)),
        "unrouted" => unrouted(view, detail).or_else(|| text("reason").map(str::to_owned)),
        "held" => text("reason").map(|why| why_held(view, why)),
        "words" => Some(words(view, detail)),
        "routed" => Some(rules(view, detail)),
        "quiet_hours" => {
            let until: jiff::Timestamp = text("until")?.parse().ok()?;
            let until = view.exact(Timestamp::from(until));
            Some(view.t2("event-waits-until", "channels", channels(view, detail), "until", until))
        }
        "quiet_expired" => Some(channels(view, detail)),
        "similar" => {
            let percent = count("percent").to_string();
            Some(match text("source").or_else(|| text("message")) {
                Some(other) => view.t2("event-alike", "percent", percent, "other", other),
                // Nothing that whoever looks may see.
                None => view.t1("held-alike", "percent", percent),
            })
        }
        "over_quota" => Some(over_quota(view, detail)),
        "no_provider" => Some(stranded(view, detail)),
        "unanswered_repeated" => Some(view.count("resend-count", count("n"))),
        "recalled" => Some(format!("{} · {}", view.count("resend-count", count("recalled")), text("by")?)),
        "resent" => {
            let opened = view.count("resend-count", count("reopened") + count("added"));
            Some(format!("{opened} · {}", actor(view, text("by")?)))
        }
        _ => None,
    }
}

/// Why nobody was sent it, in the reader's language. What was told before it was kept in parts has only its sentence.
fn unrouted(view: &View, detail: &Value) -> Option<String> {
    let why: WhyUnrouted = serde_json::from_value(detail.get("why")?.clone()).ok()?;
    Some(why_unrouted(view, &Names::default(), &why))
}

fn channels(view: &View, detail: &Value) -> String {
    let named = detail.get("channels").and_then(Value::as_array).into_iter().flatten();
    let known = named.filter_map(|name| name.as_str()?.parse::<ChannelKind>().ok());
    known.map(|channel| view.channel_text(channel)).collect::<Vec<_>>().join(&view.t("list-separator"))
}

/// The names of the rules that matched.
fn rules(view: &View, detail: &Value) -> String {
    let rules = detail.get("rules").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<_> = rules.filter_map(|rule| rule.get("name").and_then(Value::as_str)).collect();
    names.join(&view.t("list-separator"))
}

/// Who acted, of whom the timeline keeps the audit log's name.
pub(super) fn actor(view: &View, by: &str) -> String {
    if let Some(name) = by.strip_prefix("source ") {
        return view.t1("actor-source", "name", name);
    }
    if let Some(name) = by.strip_prefix("button ") {
        return view.t1("actor-button", "name", name);
    }
    if let Some(name) = by.strip_prefix("registration ") {
        return view.t1("actor-registration", "name", name);
    }
    match by.strip_prefix("command ") {
        Some(name) => view.t1("actor-command", "name", name),
        None => by.to_owned(),
    }
}

/// `SMS 1,096`, or `WeChat openid 40` where it is one kind of address alone: how many are more than today's quotas can carry.
fn over_quota(view: &View, detail: &Value) -> String {
    let over = |channel: ChannelKind| {
        let of = detail.get(channel.name())?;
        let kind =
            of.get("address").and_then(Value::as_str).and_then(|name| name.parse::<AddressKind>().ok());
        let what = kind.map_or_else(|| view.channel_text(channel), |kind| view.address_text(kind));
        Some(format!("{what} {}", view.number(of.get("exceeding")?.as_u64()?)))
    };
    ChannelKind::ALL.into_iter().filter_map(over).collect::<Vec<_>>().join(&view.t("list-separator"))
}

/// `WeChat openid 40`: how many are known by an address that no provider takes.
fn stranded(view: &View, detail: &Value) -> String {
    let of = |kind: AddressKind| {
        let n = detail.get(kind.name())?.as_u64()?;
        Some(format!("{} {}", view.address_text(kind), view.number(n)))
    };
    AddressKind::ALL.into_iter().filter_map(of).collect::<Vec<_>>().join(&view.t("list-separator"))
}

/// Why it waits for a reviewer, in the reader's language; a rule says it in its own words.
pub(super) fn why_held(view: &View, reason: &str) -> String {
    match reason {
        drafts::ASKED => view.t("held-asked"),
        messages::MAY_NOT_SEND => view.t("held-may-not-send"),
        TOO_LARGE => view.t("held-too-large"),
        RESTORED => view.t("held-restored"),
        _ => match (words_held_for(reason), alike_held_for(reason)) {
            (Some(words), _) => view.t1("held-words", "words", words.join(&view.t("word-separator"))),
            (_, Some(percent)) => view.t1("held-alike", "percent", percent.to_string()),
            _ => reason.to_owned(),
        },
    }
}

/// `代考（须审核）：正文、短信标题`: each word of the administrators' list that it says.
fn words(view: &View, detail: &Value) -> String {
    let word = |word: &Value| {
        let treatment = view.t(&format!("treatment-{}", word.get("treatment")?.as_str()?));
        let places = word.get("in").and_then(Value::as_array).into_iter().flatten();
        let places: Vec<_> = places.filter_map(|place| Some(place_text(view, place.as_str()?))).collect();
        let places = places.join(&view.t("word-separator"));
        let word = view.t2("event-word", "word", word.get("word")?.as_str()?, "treatment", treatment);
        Some(view.t2("event-word-in", "word", word, "places", places))
    };
    let words = detail.get("words").and_then(Value::as_array).into_iter().flatten();
    words.filter_map(word).collect::<Vec<_>>().join(&view.t("part-separator"))
}

/// `body`, or `sms.en title` of a variant.
pub(super) fn place_text(view: &View, place: &str) -> String {
    let (variant, part) = place.rsplit_once(' ').unwrap_or(("", place));
    let part = view.t(&format!("place-{part}"));
    match variant {
        "" => part,
        variant => view.t2("place-of", "variant", variant_label(view, variant), "part", part),
    }
}

/// `Email 1,906, SMS 1,096`, then how many of them cannot be sent.
fn planned(view: &View, detail: &Value) -> String {
    let of = |channel: ChannelKind, name: &str| {
        detail.pointer(&format!("/{channel}/{name}")).and_then(Value::as_u64).unwrap_or(0)
    };
    let mut parts = Vec::new();
    let mut suppressed = 0;
    for channel in ChannelKind::ALL {
        let n = of(channel, "planned");
        suppressed += of(channel, "suppressed");
        if n > 0 {
            parts.push(format!("{} {}", view.channel_text(channel), view.number(n)));
        }
    }
    if suppressed > 0 {
        parts.push(view.count("event-suppressed", suppressed));
    }
    parts.join(&view.t("list-separator"))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::config::Language;

    fn view(language: Language) -> View {
        View { language, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() }
    }

    fn shown(kind: &str, detail: Value) -> (String, String) {
        let view = view(Language::English);
        let event = EventView { at: jiff::Timestamp::UNIX_EPOCH, kind: kind.to_owned(), detail };
        let line = line(&view, &event);
        (line.text, line.detail)
    }

    #[test]
    fn events_say_what_they_are_about() {
        let planned = json!({
            "email": { "planned": 1906, "suppressed": 11 },
            "sms": { "planned": 96, "suppressed": 0 },
        });
        let (text, detail) = shown("planned", planned);
        assert_eq!(text, "Deliveries planned");
        assert_eq!(detail, "Email 1,906, SMS 96, 11 cannot be sent");
        let (_, detail) = shown("resent", json!({ "by": "周敏", "reopened": 2, "added": 0 }));
        assert_eq!(detail, "2 deliveries · 周敏");
        let rules = json!({ "version": 3, "rules": [{ "name": "考试" }, { "name": "敏感词" }] });
        assert_eq!(shown("routed", rules).1, "考试, 敏感词");
        let (_, detail) = shown("rejected", json!({ "by": "周敏", "reason": "日期有误" }));
        assert_eq!(detail, "周敏 · 日期有误");
        let (text, detail) = shown("recalled", json!({ "by": "周敏", "recalled": 1_200 }));
        assert_eq!((text.as_str(), detail.as_str()), ("Called back", "1,200 deliveries · 周敏"));
        let (_, detail) = shown("scheduled", json!({ "send_at": "2026-11-21T01:00:00Z" }));
        assert_eq!(detail, "goes out 2026-11-21 01:00:00");
    }

    #[test]
    fn whoever_acted_is_named_in_the_readers_language() {
        let view = view(Language::SimplifiedChinese);
        for (by, shown) in [
            ("source 图书馆 门户", "来源系统 图书馆 门户"),
            ("command source create", "命令 source create"),
            ("周敏 <zhou@bell.example>", "周敏 <zhou@bell.example>"),
        ] {
            assert_eq!(actor(&view, by), shown);
        }
    }

    #[test]
    fn why_nobody_was_sent_it_is_said_in_the_readers_language() {
        let why =
            json!({ "code": "lacks", "rule": "考试", "template": "exam", "variables": ["room", "seat"] });
        let detail = json!({ "reason": "the rule `考试` wants …", "why": why });
        let said = |detail| detail_of_unrouted(Language::SimplifiedChinese, detail);
        assert_eq!(said(detail), "模板“exam”需要的内容，消息里没有：room，seat");
        assert_eq!(said(json!({ "reason": "x", "why": { "code": "nobody" } })), "受众里没有可以发送的人。");
        assert_eq!(said(json!({ "reason": "as it was told before" })), "as it was told before");
    }

    fn detail_of_unrouted(language: Language, detail: Value) -> String {
        let event = EventView { at: jiff::Timestamp::UNIX_EPOCH, kind: "unrouted".to_owned(), detail };
        line(&view(language), &event).detail
    }

    #[test]
    fn an_event_nobody_knows_is_shown_by_its_own_word() {
        assert_eq!(shown("escalated", json!({})), ("escalated".to_owned(), String::new()));
    }
}
