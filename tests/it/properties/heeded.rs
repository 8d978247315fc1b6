//! Rules and a policy made at random.

use proptest::collection::vec;
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::cases::{CHANNELS, PATTERNS, SOURCES, TEMPLATES, audience, channels, object};

fn plan() -> impl Strategy<Value = Value> {
    let fallback = (subsequence(CHANNELS.to_vec(), 2..=3).prop_shuffle(), vec(1..600_u32, 2));
    prop_oneof![
        channels().prop_map(|channels| json!({"together": channels})),
        fallback.prop_map(|(channels, waits)| {
            let last = channels.len() - 1;
            let step = |(n, channel): (usize, &str)| match n {
                n if n == last => json!({"channel": channel}),
                n => json!({"channel": channel, "wait_minutes": waits[n]}),
            };
            json!({"fallback": channels.into_iter().enumerate().map(step).collect::<Vec<_>>()})
        }),
    ]
}

/// Asks about something.
fn condition() -> impl Strategy<Value = Value> {
    let asked = (
        weighted(0.15, select(SOURCES.map(|(name, _)| name).to_vec())),
        weighted(0.4, vec(select(&PATTERNS[..]), 1..3)),
        weighted(0.15, select(vec!["announcement", "resource_update", "emergency"])),
        weighted(0.15, subsequence(vec!["low", "normal", "high", "emergency"], 1..3)),
        weighted(0.15, select(vec!["level = 'urgent'", "not week >= 3", "course is null"])),
        weighted(0.15, subsequence(vec!["TEST", "停水", "高等数学", "不会有的词"], 1..3)),
    );
    asked.prop_map(|(source, topics, category, priorities, attributes, words)| {
        object(vec![
            ("sources", source.map(|source| json!([source]))),
            ("topics", topics.map(|topics| json!(topics))),
            ("categories", category.map(|category| json!([category]))),
            ("priorities", priorities.map(|priorities| json!(priorities))),
            ("attributes", attributes.map(Value::from)),
            ("words", words.map(|words| json!(words))),
        ])
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let then = (
        weighted(0.35, (audience(), option::of(select(vec!["add", "replace"])))),
        weighted(0.4, plan()),
        weighted(0.15, select(TEMPLATES.map(|(slug, _)| slug).to_vec())),
        weighted(0.25, Just("请人看一看")),
        weighted(0.2, 1..3_000_u32),
        weighted(0.2, select(vec!["respect", "ignore"])),
    );
    let then = then.prop_map(|(audience, channels, template, hold, minutes, quiet)| {
        let audience = audience.map(|(mut audience, mode)| {
            if let Some(mode) = mode {
                audience["mode"] = mode.into();
            }
            audience
        });
        object(vec![
            ("audience", audience),
            ("channels", channels),
            ("template", template.map(Value::from)),
            ("hold", hold.map(Value::from)),
            ("expires_in_minutes", minutes.map(Value::from)),
            ("quiet_hours", quiet.map(Value::from)),
        ])
    });
    (condition(), weighted(0.2, condition()), then, weighted(0.15, Just(true)), weighted(0.1, Just(false)))
        .prop_map(|(when, unless, then, stop, enabled)| {
            // One that does nothing is refused unless it stops, an exception that asks nothing always.
            let stop = stop.or((then == json!({})).then_some(true));
            object(vec![
                ("when", Some(when)),
                ("unless", unless.filter(|unless| *unless != json!({}))),
                ("then", Some(then)),
                ("stop", stop.map(Value::from)),
                ("enabled", enabled.map(Value::from)),
            ])
        })
}

pub(super) fn rules() -> impl Strategy<Value = Value> {
    vec(rule(), 0..6).prop_map(|mut rules| {
        for (n, rule) in rules.iter_mut().enumerate() {
            rule["name"] = format!("规则 {n}").into();
        }
        json!({ "rules": rules })
    })
}

pub(super) fn policy() -> impl Strategy<Value = Value> {
    let quiet = (
        weighted(0.3, subsequence(vec!["workday", "weekend", "holiday"], 1..3)),
        weighted(0.4, channels()),
        prop_oneof![
            8 => vec(select(vec!["22:30-07:00", "12:00-14:00", "21:00-23:00", "00:00-06:00"]), 0..3),
            2 => Just(vec!["00:00-24:00"]),
        ],
    );
    let quiet = quiet.prop_map(|(days, channels, times)| {
        object(vec![
            ("days", days.map(|days| json!(days))),
            ("channels", channels.map(|channels| json!(channels))),
            ("times", Some(json!(times))),
        ])
    });
    let caps = (option::of(1..4_u32), option::of(1..4_u32), option::of(1..4_u32)).prop_map(
        |(email, sms, wechat)| {
            let fields = vec![("email", email), ("sms", sms), ("wechat", wechat)];
            object(fields.into_iter().map(|(name, most)| (name, most.map(Value::from))).collect())
        },
    );
    let similar = (80..100_u32, select(vec!["tell", "hold"]))
        .prop_map(|(percent, then)| json!({"percent": percent, "then": then}));
    let repeats = (1..48_u32, option::of(similar)).prop_map(|(hours, similar)| {
        object(vec![("within_hours", Some(hours.into())), ("similar", similar)])
    });
    let holiday = json!([{"name": "校庆", "kind": "holiday", "first": "2026-09-22", "last": "2026-09-24"}]);
    (weighted(0.3, Just(holiday)), vec(quiet, 0..3), weighted(0.3, caps), weighted(0.5, repeats)).prop_map(
        |(calendar, quiet, caps, repeats)| {
            object(vec![
                ("calendar", calendar),
                ("quiet_hours", Some(json!(quiet))),
                ("frequency_cap", caps),
                ("repeats", repeats),
            ])
        },
    )
}
