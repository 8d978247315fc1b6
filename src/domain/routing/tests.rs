use serde_json::{Value, json};

use super::*;
use crate::Error;
use crate::domain::audience::Params;
use crate::domain::message::{Category, Lane};
use crate::domain::topic::Topic;

fn rules(list: &Value) -> Vec<Rule> {
    let mut next = 0;
    let identify = |id: Option<RuleId>, _: &str| {
        next += 1;
        id.unwrap_or(RuleId(next))
    };
    read(&json!({ "rules": list }), identify).unwrap().rules
}

fn faults(document: &Value) -> Vec<(String, String)> {
    match read(document, |id, _| id.unwrap_or(RuleId(1))) {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
        }
        other => panic!("{other:?}"),
    }
}

struct Sent {
    topic: Topic,
    category: Category,
    attributes: Params,
    text: &'static str,
}

fn exam() -> Sent {
    Sent {
        topic: "academic.exam".parse().unwrap(),
        category: Category::Announcement,
        attributes: [("level".to_owned(), json!("urgent"))].into(),
        text: "期末考试安排 Final Exam",
    }
}

fn with_subject<T>(sent: &Sent, look: impl FnOnce(&Subject<'_>) -> T) -> T {
    look(&Subject {
        source: Some("教务处"),
        topic: &sent.topic,
        category: sent.category,
        lane: Lane::Normal,
        attributes: &sent.attributes,
        texts: &[sent.text],
    })
}

/// For each rule: its outcome and why.
fn explained(rules: &[Rule], sent: &Sent) -> Vec<String> {
    with_subject(sent, |subject| decide(rules, subject).checked.iter().map(Checked::because).collect())
}

fn matches(when: &Value) -> bool {
    let rules = rules(&json!([{"name": "r", "when": when, "stop": true}]));
    with_subject(&exam(), |subject| decide(&rules, subject).matched().count() == 1)
}

#[test]
fn every_question_must_be_answered_with_yes_and_each_list_by_any_entry() {
    for yes in [
        json!({}),
        json!({"sources": ["图书馆", "教务处"]}),
        json!({"topics": ["library.#", "academic.*"], "categories": ["announcement"]}),
        json!({"priorities": ["high", "normal"], "words": ["no", "final exam"]}),
        json!({"attributes": "level = 'urgent' and room is null", "words": ["考试"]}),
    ] {
        assert!(matches(&yes), "{yes}");
    }
    for no in [
        json!({"sources": ["图书馆"]}),
        json!({"topics": ["academic.*"], "categories": ["emergency"]}),
        json!({"topics": ["library.#"], "categories": ["announcement"]}),
        json!({"priorities": ["low"]}),
        json!({"attributes": "level != 'urgent'"}),
        json!({"words": ["放假"]}),
    ] {
        assert!(!matches(&no), "{no}");
    }
}

#[test]
fn an_exception_takes_messages_out_and_switched_off_rules_do_nothing() {
    let rules = rules(&json!([
        {"name": "out", "unless": {"words": ["考试"]}, "stop": true},
        {"name": "off", "enabled": false, "stop": true},
        {"name": "other", "unless": {"words": ["放假"]}, "then": {"hold": "敏感"}},
    ]));
    let names: Vec<_> = with_subject(&exam(), |subject| {
        decide(&rules, subject).matched().map(|checked| checked.rule.name.clone()).collect()
    });
    assert_eq!(names, ["other"]);
}

#[test]
fn each_rule_says_why_in_one_sentence() {
    let rules = rules(&json!([
        {"name": "a", "when": {"topics": ["academic.#"], "sources": ["教务处"], "words": ["exam"]}, "then": {"hold": "x"}},
        {"name": "b", "when": {"topics": ["library.#", "research.*"]}, "stop": true},
        {"name": "c", "when": {"attributes": "level = 'calm'"}, "stop": true},
        {"name": "d", "unless": {"topics": ["academic.exam"]}, "stop": true},
        {"name": "e", "enabled": false, "stop": true},
        {"name": "f", "stop": true},
        {"name": "g", "stop": true},
    ]));
    assert_eq!(
        explained(&rules, &exam()),
        [
            "It comes from 教务处, its topic academic.exam matches academic.# and its text has “exam”.",
            "Its topic academic.exam does not match library.# or research.*.",
            "Its attributes do not fit `level = 'calm'` (level = urgent).",
            "The rule makes an exception: its topic is academic.exam.",
            "The rule is switched off.",
            "The rule is for every message.",
            "The rule `f` before it ends the search.",
        ]
    );
}

#[test]
fn audiences_accumulate_and_replacing_drops_what_came_before() {
    let add = |slug: &str, mode: &str| json!({"name": slug, "then": {"audience": {"mode": mode, "groups": [slug]}}});
    let groups = |list: &Value| {
        let rules = rules(list);
        with_subject(&exam(), |subject| {
            let decision = decide(&rules, subject);
            let groups: Vec<_> = decision.audiences.iter().flat_map(|a| a.groups.clone()).collect();
            (decision.replaced, groups.join(" "))
        })
    };
    assert_eq!(groups(&json!([add("a", "add"), add("b", "add")])), (false, "a b".to_owned()));
    let replaced = json!([add("a", "add"), add("b", "replace"), add("c", "add")]);
    assert_eq!(groups(&replaced), (true, "b c".to_owned()));
}

#[test]
fn any_other_setting_is_the_first_rules_that_has_it_and_stop_ends_the_search() {
    let list = json!([
        {"name": "a", "then": {"hold": "first", "channels": {"together": ["sms"]}}},
        {"name": "b", "then": {"hold": "second", "template": "course-change", "expires_in_minutes": 60}, "stop": true},
        {"name": "c", "then": {"quiet_hours": "ignore"}},
    ]);
    let rules = rules(&list);
    with_subject(&exam(), |subject| {
        let decision = decide(&rules, subject);
        assert_eq!(decision.hold, Some(Chosen { rule: "a", value: "first" }));
        assert_eq!(decision.template, Some(Chosen { rule: "b", value: "course-change" }));
        assert_eq!(decision.expires_in_minutes, Some(Chosen { rule: "b", value: 60 }));
        assert_eq!(decision.channels.unwrap().value.channels(), [ChannelKind::Sms]);
        assert_eq!(decision.quiet_hours, None, "the search had ended");
    });
}

#[test]
fn an_emergency_is_neither_held_nor_kept_for_the_morning() {
    let rules = rules(&json!([{"name": "a", "then": {
        "hold": "x", "quiet_hours": "respect", "expires_in_minutes": 30,
    }}]));
    let emergency = Sent { category: Category::Emergency, ..exam() };
    with_subject(&emergency, |subject| {
        let decision = decide(&rules, subject);
        assert_eq!((decision.hold, decision.quiet_hours), (None, None));
        assert_eq!(decision.expires_in_minutes.map(|chosen| chosen.value), Some(30));
    });
}

#[test]
fn every_fault_is_told_at_its_place() {
    let document = json!({
        "colour": 1,
        "rules": [
            {"name": "", "when": {"topics": ["a b"], "categories": ["gossip"], "sources": []}, "then": {}},
            {"name": "b", "unless": {}, "then": {
                "audience": {"mode": "subtract", "exclude": {"where": "grade >"}},
                "channels": {"together": ["fax"], "fallback": []},
                "expires_in_minutes": 0, "quiet_hours": "maybe", "template": "No!",
            }},
            {"name": "c", "then": {"channels": {"fallback": [{"channel": "email"}, {"channel": "sms", "wait_minutes": 5}]}}},
            {"name": "d", "then": {"hold": " "}, "when": {"attributes": 7, "words": [""]}},
        ],
    });
    let found = faults(&document);
    for (pointer, code) in [
        ("/colour", "unknown_field"),
        ("/rules/0/name", "required"),
        ("/rules/0/when/topics/0", "invalid_topic"),
        ("/rules/0/when/categories/0", "unknown_value"),
        ("/rules/0/when/sources", "required"),
        ("/rules/0/then", "required"),
        ("/rules/1/unless", "required"),
        ("/rules/1/then/audience/mode", "unknown_value"),
        ("/rules/1/then/audience", "empty_audience"),
        ("/rules/1/then/audience/exclude/where", "filter_syntax"),
        ("/rules/1/then/channels", "exclusive"),
        ("/rules/1/then/channels/together/0", "unknown_value"),
        ("/rules/1/then/channels/fallback", "not_a_list"),
        ("/rules/1/then/expires_in_minutes", "out_of_range"),
        ("/rules/1/then/quiet_hours", "unknown_value"),
        ("/rules/1/then/template", "bad_slug"),
        ("/rules/2/then/channels/fallback/0/wait_minutes", "required"),
        ("/rules/2/then/channels/fallback/1/wait_minutes", "not_wanted"),
        ("/rules/3/then/hold", "required"),
        ("/rules/3/when/attributes", "not_a_string"),
        ("/rules/3/when/words/0", "length"),
    ] {
        assert!(found.contains(&(pointer.to_owned(), code.to_owned())), "{pointer} {code}: {found:#?}");
    }
}

#[test]
fn no_two_rules_have_one_name_and_a_channel_comes_once() {
    let twice = json!({"rules": [
        {"name": "a", "stop": true},
        {"name": "a", "stop": true},
        {"name": "c", "then": {"channels": {"together": ["sms", "sms"]}}},
    ]});
    let at: Vec<_> = faults(&twice).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(at, ["/rules/1/name", "/rules/2/then/channels"]);
}

#[test]
fn a_kept_list_is_read_back_as_it_was() {
    let rules = rules(&json!([{
        "name": "调课", "stop": true,
        "when": {"topics": ["academic.*"], "attributes": "level = 1", "priorities": ["high"]},
        "unless": {"words": ["测试"]},
        "then": {
            "audience": {"mode": "replace", "where": "role = 'student'", "exclude": {"groups": ["graduates"]}},
            "channels": {"fallback": [{"channel": "wechat", "wait_minutes": 10}, {"channel": "sms"}]},
            "quiet_hours": "ignore",
        },
    }]));
    let kept = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Rule>>(&kept).unwrap(), rules);
    let written = json!({ "rules": serde_json::from_str::<Value>(&kept).unwrap() });
    assert_eq!(read(&written, |id, _| id.unwrap_or(RuleId(0))).unwrap().rules, rules, "as it is exported");
    let toml = toml::to_string(&written).unwrap();
    let again: Value = toml::from_str(&toml).unwrap();
    assert_eq!(again, written, "{toml}");
}

#[test]
fn a_plan_stays_within_what_is_allowed() {
    let step = |channel, wait_minutes| Step { channel, wait_minutes };
    let plan = ChannelPlan::Fallback(vec![
        step(ChannelKind::Wechat, Some(10)),
        step(ChannelKind::Email, Some(30)),
        step(ChannelKind::Sms, None),
    ]);
    let within = plan.within(&[ChannelKind::Email, ChannelKind::Sms]);
    assert_eq!(within.channels(), [ChannelKind::Email, ChannelKind::Sms]);
    assert!(plan.within(&[]).is_empty());
    let together = ChannelPlan::Together(vec![ChannelKind::Email, ChannelKind::Sms]);
    assert_eq!(together.within(&[ChannelKind::Sms]).channels(), [ChannelKind::Sms]);
}
