//! Which topic a text is likely about, learned from messages whose topic somebody chose.
//!
//! A text is its words ([`words`]); a linear model ([`linear`]) weighs them for each topic, so that for every suggestion the
//! words can be shown that spoke for it. docs/SUGGESTIONS.md says how good that is. Emergencies are neither learned from nor
//! suggested.

mod linear;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::linear::Linear;
pub use self::words::Segmenter;
use self::words::Words;
use super::message::Category;
use super::topic::Topic;

/// Messages of one topic that are learned from, the latest: a source that reports every minute drowns nobody.
pub const MOST_OF_A_TOPIC: usize = 60;
/// Topics that are told apart, those with the most messages.
const MOST_TOPICS: usize = 80;
/// A topic with fewer messages is not learned.
const LEAST_OF_A_TOPIC: usize = 3;
/// Parts of a text that must be known before anything is said of it.
const LEAST_KNOWN: usize = 4;
/// Nothing is suggested where the best is less likely than this.
pub const THRESHOLD: f32 = 0.5;
/// Beside the best stand those that are at least as likely as this.
const BESIDE: f32 = 0.1;
/// Topics that are suggested at once.
const MOST_SUGGESTED: usize = 3;

/// A message that is learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub topic: Topic,
    pub category: Category,
    pub title: String,
    pub body: String,
}

/// A topic that a text may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub topic: Topic,
    /// What messages of this topic mostly are; never an emergency.
    pub category: Category,
    /// How likely it is, of 100.
    pub percent: u32,
    /// Words of the text that spoke for it, the weightiest first; perhaps none.
    pub words: Vec<String>,
}

/// What was learned.
#[derive(Debug)]
pub struct Model {
    segmenter: Arc<Segmenter>,
    topics: Vec<(Topic, Category)>,
    linear: Linear,
}

impl Model {
    /// Learns from messages, the latest first; the same of the same. `None` where there are not two topics with
    /// enough messages. Takes some tenths of a second for a few thousand.
    pub fn learn(segmenter: Arc<Segmenter>, latest: impl IntoIterator<Item = Example>) -> Option<Self> {
        let examples = chosen(latest);
        let mut topics: Vec<(Topic, Category)> = Vec::new();
        let mut labels = Vec::with_capacity(examples.len());
        for (topic, of_topic) in &examples {
            labels.extend(of_topic.iter().map(|_| topics.len()));
            topics.push((topic.clone(), mostly(of_topic)));
        }
        if topics.len() < 2 {
            return None;
        }
        let texts: Vec<_> =
            examples.values().flatten().map(|one| segmenter.read(&one.title, &one.body).weights).collect();
        let linear = Linear::learn(&texts, &labels, topics.len());
        Some(Self { segmenter, topics, linear })
    }

    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter().map(|(topic, _)| topic)
    }

    /// The topics a text is likeliest about, the likeliest first, of those that `may` be; none where nothing is likely
    /// enough.
    pub fn suggest(&self, title: &str, body: &str, may: impl Fn(&Topic) -> bool) -> Vec<Suggestion> {
        let words = self.segmenter.read(title, body);
        let Some(odds) = self.linear.odds(&words.weights, LEAST_KNOWN) else { return Vec::new() };
        let mut order: Vec<usize> = (0..odds.len()).filter(|class| may(&self.topics[*class].0)).collect();
        order.sort_by(|one, other| odds[*other].total_cmp(&odds[*one]));
        if order.first().is_none_or(|best| odds[*best] < THRESHOLD) {
            return Vec::new();
        }
        let likely = order.into_iter().take(MOST_SUGGESTED).filter(|class| odds[*class] >= BESIDE);
        let suggestion = |class: usize| {
            let (topic, category) = self.topics[class].clone();
            let percent = (odds[class] * 100.0).round() as u32;
            Suggestion { topic, category, percent, words: self.speaking(&words, class) }
        };
        likely.map(suggestion).collect()
    }

    /// Every topic with how likely it is, the likeliest first, whether or not it would be suggested.
    pub fn likeliest(&self, title: &str, body: &str) -> Vec<(&Topic, f32)> {
        let words = self.segmenter.read(title, body);
        let odds = self.linear.odds(&words.weights, 0).unwrap_or_default();
        let mut all: Vec<_> = self.topics().zip(odds).collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }

    /// The whole words that made this topic likelier than others, none of which is a part of another.
    fn speaking(&self, words: &Words, class: usize) -> Vec<String> {
        const MOST: usize = 3;
        let leaning = self.linear.leaning(&words.weights, class);
        let of = |key: &str| leaning.get(key).copied().unwrap_or(0.0);
        let mut weighed: Vec<(f32, &str)> = Vec::new();
        for (key, shown) in &words.whole {
            let characters: f32 =
                if key.is_ascii() { 0.0 } else { key.chars().map(|c| of(c.encode_utf8(&mut [0; 4]))).sum() };
            weighed.push((of(key) + characters, shown.as_str()));
        }
        weighed.retain(|(weight, _)| *weight > 0.0);
        weighed.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut told: Vec<String> = Vec::new();
        for (_, word) in weighed {
            if told.len() == MOST {
                break;
            }
            if told.iter().all(|known| !known.contains(word) && !word.contains(known.as_str())) {
                told.push(word.to_owned());
            }
        }
        told
    }
}

/// What is learned from, by topic; each text once, in an order that does not depend on when it came.
fn chosen(latest: impl IntoIterator<Item = Example>) -> BTreeMap<Topic, Vec<Example>> {
    let mut by_topic: BTreeMap<Topic, Vec<Example>> = BTreeMap::new();
    let mut seen: BTreeSet<(Topic, String, String)> = BTreeSet::new();
    for example in latest {
        if example.category == Category::Emergency {
            continue;
        }
        let of_topic = by_topic.entry(example.topic.clone()).or_default();
        let text = (example.topic.clone(), example.title.clone(), example.body.clone());
        if of_topic.len() < MOST_OF_A_TOPIC && seen.insert(text) {
            of_topic.push(example);
        }
    }
    by_topic.retain(|_, examples| examples.len() >= LEAST_OF_A_TOPIC);
    let mut sizes: Vec<_> = by_topic.iter().map(|(topic, of)| (of.len(), topic.clone())).collect();
    sizes.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    for (_, topic) in sizes.iter().skip(MOST_TOPICS) {
        by_topic.remove(topic);
    }
    for examples in by_topic.values_mut() {
        examples.sort_by(|one, other| (&one.title, &one.body).cmp(&(&other.title, &other.body)));
    }
    by_topic
}

/// The category that most of them have; of as many, an announcement.
fn mostly(examples: &[Example]) -> Category {
    let updates = examples.iter().filter(|one| one.category == Category::ResourceUpdate).count();
    if updates * 2 > examples.len() { Category::ResourceUpdate } else { Category::Announcement }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(topic: &str, category: Category, title: &str, body: &str) -> Example {
        Example { topic: topic.parse().unwrap(), category, title: title.to_owned(), body: body.to_owned() }
    }

    fn few() -> Vec<Example> {
        let book =
            |title: &str, body: &str| example("library.new-books", Category::ResourceUpdate, title, body);
        let water = |title: &str, body: &str| example("campus.water", Category::Announcement, title, body);
        let fire = |title: &str, body: &str| example("campus.fire", Category::Emergency, title, body);
        vec![
            book("新书上架", "本月新到图书一千册，已经上架，欢迎借阅。"),
            book("外文新书到馆", "原版图书已编目上架，可在外文书库借阅。"),
            book("New books on the shelf", "Novels and histories have arrived and may be borrowed."),
            book("科普图书", "馆员推荐的科普新书到馆，读者可以借阅。"),
            water("停水通知", "因管网检修，西区宿舍周六停水，请提前储水。"),
            water("水管抢修", "主水管爆裂，正在抢修，供水恢复时间另行通知。"),
            water("No water on Saturday", "The supply is cut while pipes are repaired. Store water."),
            water("水箱清洗", "高层水箱清洗，期间停水，来水可能发黄。"),
            fire("火警", "图书馆起火，立即撤离。"),
            fire("火情", "宿舍起火，立即撤离。"),
            fire("火灾", "食堂起火，请远离。"),
        ]
    }

    fn model(examples: Vec<Example>) -> Model {
        Model::learn(Arc::new(Segmenter::load()), examples).unwrap()
    }

    #[test]
    fn the_topic_is_suggested_with_the_words_that_spoke_for_it() {
        let model = model(few());
        let all = model.suggest("又一批新书到馆", "文学新书今天上架，欢迎同学们来图书馆借阅。", |_| true);
        let first = &all[0];
        assert_eq!(first.topic.as_str(), "library.new-books");
        assert_eq!(first.category, Category::ResourceUpdate);
        assert!((50..=100).contains(&first.percent), "{first:?}");
        assert!(!first.words.is_empty() && first.words.len() <= 3, "{first:?}");
        let text = "又一批新书到馆文学新书今天上架，欢迎同学们来图书馆借阅。";
        assert!(first.words.iter().all(|word| word.chars().count() > 1 && text.contains(word.as_str())));
        let english = model.suggest("Water supply", "The pipes are repaired, so store some water.", |_| true);
        assert_eq!(english[0].topic.as_str(), "campus.water");
        assert!(english[0].words.iter().any(|word| word == "water" || word == "pipes"), "{english:?}");
    }

    #[test]
    fn emergencies_are_neither_learned_nor_suggested() {
        let model = model(few());
        assert!(model.topics().all(|topic| topic.as_str() != "campus.fire"));
        let all = model.likeliest("火警", "图书馆起火，立即撤离。");
        assert!(all.iter().all(|(topic, _)| topic.as_str() != "campus.fire"));
    }

    #[test]
    fn what_may_not_be_is_not_suggested_and_makes_nothing_else_likelier() {
        let model = model(few());
        let (title, body) = ("停水", "因水管检修今天停水，请储水。");
        assert_eq!(model.suggest(title, body, |_| true)[0].topic.as_str(), "campus.water");
        assert!(model.suggest(title, body, |topic| topic.as_str() != "campus.water").is_empty());
        assert!(model.suggest(title, body, |_| false).is_empty());
    }

    #[test]
    fn of_a_text_that_says_nothing_known_nothing_is_said() {
        let model = model(few());
        for (title, body) in [("", ""), ("123", "!!!"), ("zzz", "qqq xyzzy"), ("🎉", "")] {
            assert!(model.suggest(title, body, |_| true).is_empty(), "{title} {body}");
        }
    }

    #[test]
    fn it_learns_the_same_in_whatever_order() {
        let (one, mut turned) = (few(), few());
        turned.reverse();
        let (one, other) = (model(one), model(turned));
        let text = ("水管", "图书馆水管检修停水，新书上架推迟。");
        assert_eq!(one.likeliest(text.0, text.1), other.likeliest(text.0, text.1));
    }

    #[test]
    fn too_little_is_not_learned_from() {
        let segmenter = Arc::new(Segmenter::load());
        let learn = |examples: Vec<Example>| Model::learn(Arc::clone(&segmenter), examples);
        assert!(learn(Vec::new()).is_none());
        assert!(learn(few().into_iter().take(4).collect()).is_none(), "one topic");
        let twice = few().into_iter().chain(few()).chain((0..9).map(|_| few()[4].clone()));
        let texts = chosen(twice);
        assert!(texts.values().all(|of| of.len() == 4), "each text once");
        let many = (0..100).map(|n| example("a", Category::Announcement, &n.to_string(), ""));
        assert_eq!(chosen(many).values().next().map(Vec::len), Some(MOST_OF_A_TOPIC));
    }
}
