//! A campus made at random: people, groups, wishes, and what its systems send. Everything in it is right by itself;
//! together it makes whatever sense it makes.

use proptest::collection::vec;
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::heeded::{policy, rules};

/// People there may be.
pub(super) const PEOPLE: usize = 8;
/// Systems that send, each with a live and a test key.
pub(super) const SOURCES: [(&str, &[&str]); 3] =
    [("教务处", &["email", "sms", "wechat"]), ("图书馆", &["email", "sms"]), ("保卫处", &["wechat"])];
/// The first two are dynamic.
pub(super) const GROUPS: [&str; 4] = ["found-a", "found-b", "listed-a", "listed-b"];
/// Each with variables and without.
pub(super) const TEMPLATES: [(&str, &str); 2] =
    [("course-change", "改到 {{ room }}"), ("plain", "请查看通知。")];

pub(super) const CHANNELS: [&str; 3] = ["email", "sms", "wechat"];
const TOPICS: [&str; 5] =
    ["academic.exam", "academic.course-change", "library.due", "activities.film", "security"];
pub(super) const PATTERNS: [&str; 5] = ["#", "academic.#", "*.film", "library.due", "activities.*"];
const FILTERS: [&str; 9] = [
    "role = 'student'",
    "college = '农学院' and grade >= 2024",
    "not boarding = true",
    "campus_id like '%3'",
    "role is null",
    "grade in (2023, 2024)",
    "language = 'en' or role = 'staff'",
    "campus_id = 'nobody'",
    "department is not null",
];
const TEXTS: [(&str, &str); 4] = [
    ("考试安排", "《高等数学》期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证提前十五分钟入场。"),
    ("考试安排", "《高等数学》期末考试定于1月12日9:00在教三204举行，请携带校园卡和身份证提前十五分钟入场。"),
    ("停水通知", "今晚 **22:00** 起停水，请提前储水。"),
    ("A test", "Please ignore this **test**."),
];

/// A message as one of the systems sends it.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Of [`SOURCES`].
    pub source: usize,
    pub test: bool,
    pub body: Value,
    /// From when it is sent.
    pub send_in: Option<u32>,
    pub expires_in: Option<u32>,
}

/// What there is before anything is sent.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Records of an import; who is not among them is inactive.
    pub people: Vec<Value>,
    /// Person, channel, topic.
    pub opt_outs: Vec<(usize, Option<&'static str>, &'static str)>,
    pub filters: [&'static str; 2],
    pub members: [Vec<usize>; 2],
    pub suppressions: Vec<Value>,
    pub policy: Value,
    pub rules: Value,
    pub letters: Vec<Letter>,
    /// Minutes that pass before it.
    pub turn: u32,
}

pub(super) fn campus_id(n: usize) -> String {
    format!("202600{n}")
}

fn ids(people: &[usize]) -> Vec<String> {
    people.iter().copied().map(campus_id).collect()
}

/// An object of those fields that there are.
pub(super) fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

/// An address of one's own, or one that makes trouble in the sandbox and may be several people's.
fn address(own: String, troubles: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    weighted(0.75, prop_oneof![3 => Just(own), 1 => select(troubles).prop_map(str::to_owned)])
}

const BAD_MAIL: &[&str] = &[
    "temp-fail@sandbox.invalid",
    "bounce@sandbox.invalid",
    "slow@sandbox.invalid",
    "silent@sandbox.invalid",
    "unknown@sandbox.invalid",
];
const BAD_SMS: &[&str] =
    &["+8610000000002", "+8610000000003", "+8610000000004", "+8610000000005", "+8610000000006"];
const BAD_WECOM: &[&str] = &["temp-fail", "blocked"];

fn person(n: usize) -> impl Strategy<Value = Value> {
    let addresses = (
        address(format!("p{n}@campus.example"), BAD_MAIL),
        address(format!("+86138000000{n:02}"), BAD_SMS),
        address(format!("p{n}"), BAD_WECOM),
        weighted(0.2, Just(format!("openid-{n}"))),
    );
    let known = (
        option::of(select(vec!["en", "zh-CN"])),
        option::of(Just("农学院")),
        option::of(select(vec!["student", "staff"])),
        option::of(prop_oneof![
            (2023..2027_u32).prop_map(Value::from),
            (2023..2027_u32).prop_map(|n| Value::from(n.to_string()))
        ]),
        option::of(select(vec!["农学院", "信息学院"])),
        option::of(any::<bool>()),
    );
    (addresses, known).prop_map(move |((email, mobile, wecom, openid), known)| {
        let (language, department, role, grade, college, boarding) = known;
        object(vec![
            ("campus_id", Some(campus_id(n).into())),
            ("name", Some(format!("同学{n}").into())),
            ("email", email.map(Value::from)),
            ("mobile", mobile.map(Value::from)),
            ("wecom_userid", wecom.map(Value::from)),
            ("wechat_openid", openid.map(Value::from)),
            ("language", language.map(Value::from)),
            ("department", department.map(Value::from)),
            ("role", role.map(Value::from)),
            ("grade", grade),
            ("college", college.map(Value::from)),
            ("boarding", boarding.map(Value::from)),
        ])
    })
}

/// The first is always there.
fn people() -> impl Strategy<Value = Vec<Value>> {
    let others: Vec<_> = (1..PEOPLE).map(|n| weighted(0.85, person(n))).collect();
    (person(0), others)
        .prop_map(|(first, others)| [first].into_iter().chain(others.into_iter().flatten()).collect())
}

fn some_people() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..PEOPLE).collect::<Vec<_>>(), 0..5)
}

/// Groups, people and a filter, of which there is something unless it is an exclusion.
fn named() -> impl Strategy<Value = Value> {
    (subsequence(GROUPS.to_vec(), 0..3), some_people(), weighted(0.3, select(&FILTERS[..]))).prop_map(
        |(groups, people, filter)| {
            object(vec![
                ("groups", (!groups.is_empty()).then(|| json!(groups))),
                ("recipients", (!people.is_empty()).then(|| json!(ids(&people)))),
                ("where", filter.map(Value::from)),
            ])
        },
    )
}

pub(super) fn audience() -> impl Strategy<Value = Value> {
    let whom = prop_oneof![
        2 => Just(json!({"everyone": true})),
        // What names nobody is refused.
        6 => named().prop_map(|named| if named == json!({}) { json!({"groups": ["found-a"]}) } else { named }),
    ];
    (whom, weighted(0.3, named())).prop_map(|(mut whom, exclude)| {
        if let Some(exclude) = exclude {
            whom["exclude"] = exclude;
        }
        whom
    })
}

pub(super) fn channels() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(CHANNELS.to_vec(), 1..=3).prop_shuffle()
}

fn suppression() -> impl Strategy<Value = Value> {
    let address = (0..PEOPLE).prop_flat_map(|n| {
        select(vec![
            ("email", format!("P{n}@campus.example")),
            ("mobile", format!("138000000{n:02}")),
            ("wecom_userid", format!("p{n}")),
            ("email", "guest@elsewhere.example".to_owned()),
        ])
    });
    (address, select(vec!["asked", "wrong"]), option::of(1..30_u32)).prop_map(|((kind, address), cause, days)| {
        json!({"kind": kind, "address": address, "cause": cause, "days": days})
    })
}

/// Whom a message is for, what it says, and what only goes with these.
fn contents() -> impl Strategy<Value = Value> {
    let text = select(&TEXTS[..]).prop_map(|(title, body)| json!({"title": title, "body": body}));
    let plain = prop_oneof![
        6 => text,
        1 => Just(json!({"template": "plain"})),
        1 => Just(json!({"template": "course-change", "params": {"room": "教三 205"}})),
    ];
    let direct = select(vec![
        json!({"email": "guest@elsewhere.example"}),
        json!({"email": "bounce@sandbox.invalid"}),
        json!({"email": "p1@campus.example"}),
        json!({"mobile": "13900000009"}),
        json!({"wecom_userid": "guest"}),
        json!({"wechat_openid": "openid-guest"}),
    ]);
    let personal = (
        subsequence((0..PEOPLE).collect::<Vec<_>>(), 1..4),
        weighted(0.4, audience()),
    )
        .prop_map(|(people, audience)| {
            let personalise: Vec<_> = people
                .iter()
                .map(|n| json!({"campus_id": campus_id(*n), "params": {"book": format!("《史记 {n}》")}}))
                .collect();
            let mut body = json!({
                "title": "到期", "body": "{{ book }} 到期", "params": {"book": "您的书"}, "personalise": personalise,
            });
            if let Some(audience) = audience {
                body["audience"] = audience;
            }
            body
        });
    prop_oneof![
        8 => (plain.clone(), audience()).prop_map(|(mut body, audience)| {
            body["audience"] = audience;
            body
        }),
        3 => plain.clone(),
        2 => (plain, vec(direct, 1..4)).prop_map(|(mut body, to)| {
            body["to"] = json!(to);
            body
        }),
        2 => personal,
    ]
}

fn letter() -> impl Strategy<Value = Letter> {
    let about = (
        select(&TOPICS[..]),
        weighted(0.2, select(vec!["announcement", "resource_update", "emergency"])),
        weighted(0.3, select(vec!["low", "normal", "high"])),
        weighted(0.25, channels()),
    );
    let attributes = (
        option::of(select(vec!["urgent", "normal"])),
        option::of(1..20_u32),
        option::of(Just("高数")),
        option::of(Just("教三 206")),
    );
    let attributes = attributes.prop_map(|(level, week, course, room)| {
        object(vec![
            ("level", level.map(Value::from)),
            ("week", week.map(Value::from)),
            ("course", course.map(Value::from)),
            ("room", room.map(Value::from)),
        ])
    });
    let when = (weighted(0.15, 1..200_u32), weighted(0.3, 201..3_000_u32));
    (0..SOURCES.len(), weighted(0.25, Just(true)), contents(), about, attributes, when).prop_map(
        |(
            source,
            test,
            mut body,
            (topic, category, priority, channels),
            attributes,
            (send_in, expires_in),
        )| {
            body["topic"] = topic.into();
            body["attributes"] = attributes;
            for (name, value) in [("category", category), ("priority", priority)] {
                if let Some(value) = value {
                    body[name] = value.into();
                }
            }
            // Those its source may not use are refused.
            let may: Vec<_> =
                channels.into_iter().flatten().filter(|c| SOURCES[source].1.contains(c)).collect();
            if !may.is_empty() {
                body["channels"] = json!(may);
            }
            Letter { source, test: test.is_some(), body, send_in, expires_in }
        },
    )
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let wishes = vec((0..PEOPLE, option::of(select(&CHANNELS[..])), select(&PATTERNS[..])), 0..6);
    let groups = (select(&FILTERS[..]), select(&FILTERS[..]), some_people(), some_people());
    let heeded = (vec(suppression(), 0..8), policy());
    (people(), wishes, groups, heeded, rules(), vec(letter(), 2..7), 0..1_200_u32).prop_map(
        |(people, opt_outs, (one, other, some, more), (suppressions, policy), rules, letters, turn)| Case {
            people,
            opt_outs,
            filters: [one, other],
            members: [some, more],
            suppressions,
            policy,
            rules,
            letters,
            turn,
        },
    )
}
