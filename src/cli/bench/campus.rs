//! What a message has to heed on a campus that has been in use for a while: rules, wishes, a policy, addresses that are
//! left alone.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{self, CALLER};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::recipient::OptOut;
use crate::service::{Services, policies, recipients, routing, suppressions};

/// One person in so many has opted out, as some have everywhere.
const OPTED_OUT: usize = 500;
/// Of one person in so many a mailbox is known not to work.
const LISTED: usize = 20;
/// Rules in force.
const RULES: usize = 50;
/// One rule in so many matches the bench's message.
const MATCHING: usize = 10;
/// From now until it is quiet, and how long.
const QUIET: (Duration, Duration) = (Duration::from_hours(6), Duration::from_hours(8));

/// How many of the people will not be sent the bench's text, by any channel.
pub(super) struct Spared(pub(super) i64);

pub(super) async fn furnish(s: &Services, people: u64) -> anyhow::Result<Spared> {
    routing::apply(s, &CALLER, &rules()).await?;
    policies::apply(s, &CALLER, &policy(s)).await?;
    let topic = "academic.#".parse().map_err(anyhow::Error::msg)?;
    let no_exams = OptOut { channel: Some(ChannelKind::Sms), topic };
    let mut spared = 0;
    for number in (0..people).step_by(OPTED_OUT) {
        let id = bed::campus_id(number);
        recipients::set_opt_outs(s, &CALLER, &id, std::slice::from_ref(&no_exams)).await?;
        spared += 1;
    }
    for number in (0..people).step_by(LISTED) {
        let body = json!({"kind": "email", "address": bed::email(number), "cause": "wrong", "note": "bench"});
        suppressions::add(s, &CALLER, &body).await?;
        spared += 1;
    }
    Ok(Spared(spared))
}

/// Those that match take settings from one another and add whom the message is for anyway; the others fail each by
/// another of their conditions.
fn rules() -> Value {
    let rules: Vec<_> = (0..RULES)
        .map(|n| {
            let name = format!("rule {n}");
            let channels = json!({"together": ChannelKind::ALL});
            match n % MATCHING {
                _ if n == 0 => json!({"name": name, "when": {"topics": ["academic.#"]}, "then": {
                    "audience": {"where": "role = 'student' and grade >= 2023"}, "expires_in_minutes": 2_880,
                }}),
                0 => json!({"name": name, "when": {"topics": ["#.exam"], "words": ["期末考试"]}, "then": {
                    "channels": channels,
                }}),
                1..=3 => json!({"name": name, "when": {"topics": [format!("library.*.{n}"), "dining.#"]}, "then": {
                    "channels": channels,
                }}),
                4..=6 => json!({"name": name, "when": {"topics": ["#"], "words": [format!("停电 {n}"), "停水"]},
                    "then": {"hold": "somebody looks at it"}}),
                7 | 8 => json!({"name": name, "when": {"attributes": format!("urgent = true and week > {n}")},
                    "then": {"quiet_hours": "ignore"}}),
                _ => json!({"name": name, "when": {"topics": ["academic.#"]}, "unless": {"categories": ["announcement"]},
                    "then": {"audience": {"everyone": true}}}),
            }
        })
        .collect();
    json!({ "rules": rules })
}

/// It is not quiet now, nobody has had as many messages as they may today, and no text was sent before.
fn policy(s: &Services) -> Value {
    let zone = &s.campus.time_zone;
    let (wait, length) = QUIET;
    let begins = s.clock.now().plus(wait);
    let clock = |at: Timestamp| at.to_jiff().to_zoned(zone.clone()).strftime("%H:%M").to_string();
    let night = format!("{}-{}", clock(begins), clock(begins.plus(length)));
    json!({
        "calendar": [{"name": "国庆节", "kind": "holiday", "first": "2026-10-01", "last": "2026-10-07"}],
        "quiet_hours": [{"times": [night]}],
        "frequency_cap": {"sms": 5},
        "repeats": {"within_hours": 24, "similar": {"percent": 90, "then": "hold"}},
    })
}
