//! Topics that are suggested: how good they are on texts nobody learned from, and by whose messages they are learned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use belltower::domain::grant::Powers;
use belltower::domain::id::OperatorId;
use belltower::domain::likeness::Likeness;
use belltower::domain::message::Category;
use belltower::domain::operator::Role;
use belltower::domain::suggest::{Example, Model, Segmenter, Suggestion, THRESHOLD};
use belltower::service::caller::{Caller, OperatorCaller};
use belltower::service::messages;
use belltower::service::sources::{self, NewSource};
use belltower::service::suggestions::{for_author, learn, refresh};
use serde_json::{Value, json};

use crate::routing::{Campus, owner};
use crate::support::{on_both, operator};

/// Messages of two topics, four each: topic, category, title, body.
pub(crate) const FEW: [(&str, &str, &str, &str); 8] = [
    ("library.new-books", "resource_update", "新书上架", "本月新到图书一千册，已经上架，欢迎借阅。"),
    ("library.new-books", "resource_update", "外文新书到馆", "原版图书已编目上架，可在外文书库借阅。"),
    (
        "library.new-books",
        "resource_update",
        "New books",
        "Novels and histories have arrived and may be borrowed.",
    ),
    ("library.new-books", "resource_update", "科普图书", "馆员推荐的科普新书到馆，读者可以借阅。"),
    ("campus.water", "announcement", "停水通知", "因管网检修，西区宿舍周六停水，请提前储水。"),
    ("campus.water", "announcement", "水管抢修", "主水管爆裂，正在抢修，供水恢复时间另行通知。"),
    ("campus.water", "announcement", "No water", "The supply is cut while pipes are repaired. Store water."),
    ("campus.water", "announcement", "水箱清洗", "高层水箱清洗，期间停水，来水可能发黄。"),
];

pub(crate) fn wire((topic, category, title, body): (&str, &str, &str, &str)) -> Value {
    json!({"topic": topic, "category": category, "title": title, "body": body})
}

/// A file of headings `# topic category`, each above lines of `title | body`.
fn sample(text: &str) -> Vec<(String, Category, String, String)> {
    let mut all = Vec::new();
    let (mut topic, mut category) = ("", Category::Announcement);
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("# ") {
            let (name, kind) = heading.split_once(' ').unwrap();
            (topic, category) = (name, kind.parse().unwrap());
        } else {
            let (title, body) = line.split_once(" | ").unwrap();
            all.push((topic.to_owned(), category, title.to_owned(), body.to_owned()));
        }
    }
    all
}

fn learned_from() -> Vec<(String, Category, String, String)> {
    sample(include_str!("train.txt"))
}

fn held_out() -> Vec<(String, Category, String, String)> {
    sample(include_str!("held_out.txt"))
}

/// On topics that nobody learned.
fn strangers() -> Vec<(String, Category, String, String)> {
    sample(include_str!("other.txt"))
}

fn model() -> Model {
    let examples = learned_from().into_iter().map(|(topic, category, title, body)| Example {
        topic: topic.parse().unwrap(),
        category,
        title,
        body,
    });
    Model::learn(Arc::new(Segmenter::load()), examples).unwrap()
}

#[test]
fn no_text_of_the_sample_is_like_one_that_is_learned_from() {
    let print = |(_, _, title, body): &(String, Category, String, String)| {
        (title.clone(), Likeness::of([title.as_str(), body.as_str()], ""))
    };
    let learned: Vec<_> = learned_from().iter().map(print).collect();
    for (title, text) in held_out().iter().chain(&strangers()).map(print) {
        let like = learned.iter().find(|(_, other)| text.degree(other).is_some());
        assert!(like.is_none(), "{title} is like {:?}", like.map(|(title, _)| title));
    }
    let topics = |all: Vec<(String, Category, String, String)>| -> BTreeSet<String> {
        all.into_iter().map(|(topic, ..)| topic).collect()
    };
    assert_eq!(topics(held_out()), topics(learned_from()));
    assert!(learned_from().len() >= 400 && held_out().len() >= 240);
}

/// The figures of docs/SUGGESTIONS.md: `cargo nextest run -E 'test(suggestions_are_as_good_as_is_said)' --success-output
/// immediate` prints them.
#[test]
fn suggestions_are_as_good_as_is_said() {
    let model = model();
    let sample = held_out();
    let n = sample.len() as f32;
    let mut table = String::new();
    let mut by_topic: BTreeMap<&str, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    let (mut right, mut among_three, mut category) = (0, 0, 0);
    let mut sure = Vec::new();
    for (topic, kind, title, body) in &sample {
        let order = model.likeliest(title, body);
        let (first, odds) = (order[0].0.as_str(), order[0].1);
        let is_right = first == topic;
        right += usize::from(is_right);
        among_three += usize::from(order.iter().take(3).any(|(one, _)| one.as_str() == topic));
        let told = model.suggest(title, body, |_| true);
        assert!(told.is_empty() || odds >= THRESHOLD, "{title}");
        // Of a text with too few words that are known nothing is said, however likely a topic is.
        sure.push((if told.is_empty() { odds.min(THRESHOLD.next_down()) } else { odds }, is_right));
        category += usize::from(told.first().is_some_and(|first| first.category == *kind));
        let (hits, others) = by_topic.entry(topic.as_str()).or_default();
        *hits += usize::from(is_right);
        if !is_right {
            *others.entry(first.to_owned()).or_default() += 1;
        }
    }
    let strange: Vec<f32> =
        strangers().iter().map(|(_, _, title, body)| model.likeliest(title, body)[0].1).collect();
    let _ = writeln!(table, "| the likeliest topic is right | {right} of {} |", sample.len());
    let _ = writeln!(
        table,
        "| the right one is among the three likeliest | {among_three} of {} |\n",
        sample.len()
    );
    let _ =
        writeln!(table, "| threshold | suggested | right | of other topics suggested |\n|---|---|---|---|");
    for percent in [30, 40, 50, 60, 70, 80] {
        let least = percent as f32 / 100.0;
        let told = sure.iter().filter(|(odds, _)| *odds >= least).count();
        let hits = sure.iter().filter(|(odds, is_right)| *odds >= least && *is_right).count();
        let wrong = strange.iter().filter(|odds| **odds >= least).count();
        let _ = writeln!(table, "| {percent} % | {told} | {hits} | {wrong} of {} |", strange.len());
    }
    let _ = writeln!(table, "\n| topic | right | taken for |\n|---|---|---|");
    for (topic, (hits, others)) in &by_topic {
        let others: Vec<_> = others.iter().map(|(other, n)| format!("{other} {n}")).collect();
        let _ = writeln!(table, "| {topic} | {hits} | {} |", others.join(", "));
    }
    let told = sure.iter().filter(|(odds, _)| *odds >= THRESHOLD).count();
    let hits = sure.iter().filter(|(odds, is_right)| *odds >= THRESHOLD && *is_right).count();
    let _ = writeln!(table, "\nThe category of what was suggested first was right for {category} of {told}.");
    println!("{table}");

    assert!(right as f32 / n >= 0.82, "{table}");
    assert!(among_three as f32 / n >= 0.92, "{table}");
    assert!(told as f32 / n >= 0.80, "{table}");
    assert!(hits as f32 / told as f32 >= 0.89, "{table}");
    assert!(category as f32 / told as f32 >= 0.93, "{table}");
    assert!(strange.iter().filter(|odds| **odds >= THRESHOLD).count() <= 9, "{table}");
}

/// Somebody who writes for these departments alone.
fn writes_for(departments: &[&str]) -> Caller {
    let mut powers = Powers::default();
    let departments = departments.iter().map(|&name| name.to_owned()).collect();
    powers.add(Role::Sender.permissions(), &departments);
    Caller::Operator(OperatorCaller {
        id: OperatorId(9),
        name: "李娟".to_owned(),
        email: "li@bell.example".to_owned(),
        roles: vec![Role::Sender.to_string()],
        powers,
        on_duty: false,
        language: None,
    })
}

fn topics(suggestions: &[Suggestion]) -> Vec<&str> {
    suggestions.iter().map(|one| one.topic.as_str()).collect()
}

const BOOKS: (&str, &str) = ("又一批新书到馆", "文学新书今天上架，欢迎来图书馆借阅。");

on_both!(topics_are_learned_from_what_was_sent_and_anew_every_day, |db| async {
    let campus = Campus::new(db).await;
    let s = &campus.s;
    assert!(refresh(s).await.unwrap());
    assert!(for_author(s, &owner(), BOOKS.0, BOOKS.1).unwrap().is_empty(), "nothing was sent");
    for one in FEW {
        campus.send(wire(one)).await;
    }
    for (title, text) in [("火警", "图书馆新书库起火"), ("火情", "书库起火撤离"), ("火灾", "新书展架起火")]
    {
        let fire = json!({"topic": "campus.fire", "category": "emergency", "title": title, "body": text,
            "audience": {"everyone": true}});
        campus.send(fire).await;
    }
    assert!(!refresh(s).await.unwrap(), "it was learned today");
    assert!(for_author(s, &owner(), BOOKS.0, BOOKS.1).unwrap().is_empty());
    campus.turn(Duration::from_hours(24));
    assert!(refresh(s).await.unwrap());
    let told = for_author(s, &operator(Role::Sender), BOOKS.0, BOOKS.1).unwrap();
    assert_eq!(topics(&told)[0], "library.new-books");
    assert_eq!(told[0].category, Category::ResourceUpdate);
    assert!(told[0].words.iter().any(|word| word == "新书"), "{told:?}");
    let fire = for_author(s, &owner(), "火警", "图书馆新书库起火，请撤离").unwrap();
    assert!(!topics(&fire).contains(&"campus.fire"));
    assert!(for_author(s, &operator(Role::Auditor), BOOKS.0, BOOKS.1).is_err());
    // What is older than a year is forgotten.
    campus.turn(Duration::from_hours(24 * 366));
    assert!(refresh(s).await.unwrap());
    assert!(for_author(s, &owner(), BOOKS.0, BOOKS.1).unwrap().is_empty());
});

on_both!(whoever_writes_for_some_departments_is_told_their_topics_alone, |db| async {
    let campus = Campus::new(db).await;
    for one in FEW {
        campus.send(wire(one)).await;
    }
    learn(&campus.s).await.unwrap();
    let told = |departments: &[&str]| {
        let all = for_author(&campus.s, &writes_for(departments), BOOKS.0, BOOKS.1).unwrap();
        all.into_iter().map(|one| one.topic.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(&["教务处"])[0], "library.new-books", "whose messages they were");
    assert_eq!(told(&["农学院", "教务处"])[0], "library.new-books");
    assert!(told(&["农学院"]).is_empty());
});

on_both!(a_preview_suggests_what_its_source_may_send, |db| async {
    let campus = Campus::new(db).await;
    for one in FEW {
        campus.send(wire(one)).await;
    }
    learn(&campus.s).await.unwrap();
    let books = json!({"topic": "campus.other", "title": BOOKS.0, "body": BOOKS.1});
    let shown =
        messages::preview(&campus.s, &campus.academic, books.to_string().as_bytes(), false).await.unwrap();
    let first = &shown.suggestions[0];
    assert_eq!((first.topic.as_str(), first.category), ("library.new-books", Category::ResourceUpdate));
    assert!((50..=100).contains(&first.score) && !first.words.is_empty(), "{first:?}");
    let mut alert = books.clone();
    (alert["category"], alert["audience"]) = (json!("emergency"), json!({"everyone": true}));
    let shown =
        messages::preview(&campus.s, &campus.academic, alert.to_string().as_bytes(), false).await.unwrap();
    assert!(shown.suggestions.is_empty(), "never of an emergency");
    let new = NewSource {
        name: "后勤处".to_owned(),
        department: "后勤处".to_owned(),
        topics: vec!["campus.#".to_owned()],
        channels: vec!["email".to_owned()],
        ..NewSource::default()
    };
    let made = sources::create(&campus.s, &owner(), new).await.unwrap();
    let key = sources::authenticate(&campus.s, &made.key).await.unwrap();
    let shown = messages::preview(&campus.s, &key, books.to_string().as_bytes(), false).await.unwrap();
    assert!(shown.suggestions.is_empty(), "{:?}", shown.suggestions);
    let water = json!({"topic": "campus.other", "title": "停水", "body": "水管检修，今天停水，请储水。"});
    let shown = messages::preview(&campus.s, &key, water.to_string().as_bytes(), false).await.unwrap();
    assert_eq!(shown.suggestions[0].topic, "campus.water");
});
