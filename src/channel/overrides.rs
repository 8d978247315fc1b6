//! Where an administrator knows better what a vendor's answer means.
//!
//! Vendors use codes of their own making, and some say "later" with a code that means "never" elsewhere. Words are a part
//! of the vendor's text whatever its case: expressions would be one more language to get wrong, and vendors change their
//! sentences less often than their punctuation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::fields::Fields;
use super::narrow::left_over;
use super::{
    Acknowledgement, Arriving, Callback, Card, Channel, Filling, Identity, Outcome, Parcel, Receipts,
    Refusal, SceneCode, Sent, Shape, Verdict,
};
use crate::domain::delivery::OutcomeClass;
use crate::domain::provider::Advice;

const LONGEST_WAIT: u64 = 86_400;
/// A letter or two are in nearly every text.
const SHORTEST_WORDS: usize = 3;
const LONGEST_WORDS: usize = 200;
/// Further calls to find whom a refusal of many is about.
const MOST_CALLS: usize = 64;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Override {
    when: When,
    class: OutcomeClass,
    wait: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Code(String),
    /// In lower case.
    Words(String),
}

impl Override {
    /// Reads `{code | words, class, wait_seconds?}`; `None` where something is wrong with it.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (code, words) = (fields.text("code"), fields.text("words"));
        let when = match (code, words) {
            (Some(code), None) => Some(When::Code(code.trim().to_owned())),
            (None, Some(words)) => Some(When::Words(words.trim().to_lowercase())),
            (Some(_), Some(_)) => {
                fields.fault("words", "not_allowed", "give a `code` or `words`, not both");
                None
            }
            (None, None) if fields.is_object() => {
                fields.fault("code", "required", "give the `code` or a part of the `words` it is about");
                None
            }
            (None, None) => None,
        };
        if let Some(When::Words(words)) = &when {
            match words.chars().count() {
                // Two Chinese characters are a word.
                length if length < SHORTEST_WORDS && words.is_ascii() => {
                    fields.fault("words", "too_short", format!("at least {SHORTEST_WORDS} characters"));
                }
                length if length > LONGEST_WORDS => {
                    fields.fault("words", "too_long", format!("at most {LONGEST_WORDS} characters"));
                }
                _ => {}
            }
        }
        let classes = OutcomeClass::ALL.map(|class| (class.name(), class));
        let class = fields.choice("class", &classes, None);
        let wait = fields.integer("wait_seconds", 1..=LONGEST_WAIT).map(Duration::from_secs);
        if wait.is_some() && class.is_some_and(|class| class != OutcomeClass::Throttled) {
            fields.fault(
                "wait_seconds",
                "not_allowed",
                "only what is `throttled` waits as long as it is told",
            );
        }
        Some(Self { when: when?, class: class?, wait })
    }

    fn is_about(&self, code: Option<&str>, words: Option<&str>) -> bool {
        match &self.when {
            // SMTP answers with two codes: `550 5.7.1`.
            When::Code(code_meant) => code.is_some_and(|code| {
                code == code_meant || code.split_whitespace().any(|part| part == code_meant)
            }),
            When::Words(part) => words.is_some_and(|words| words.to_lowercase().contains(part)),
        }
    }

    fn is_about_one(&self) -> bool {
        self.class == OutcomeClass::PermanentRecipient
    }

    fn apply(&self, outcome: &mut Outcome) {
        // Only the vendor's own word says that a limit is one of a single address; whoever writes of an account means it.
        outcome.this_address &= self.class == outcome.class && self.class != OutcomeClass::Config;
        outcome.class = self.class;
        outcome.wait = self.wait.or(outcome.wait);
        // Whoever wrote this knows the code.
        outcome.unlisted = false;
    }
}

/// An adapter whose refusals are read as its administrator says.
struct Overridden {
    adapter: Arc<dyn Channel>,
    overrides: Vec<Override>,
}

/// The adapter itself where there is nothing to override.
pub(super) fn overridden(adapter: Arc<dyn Channel>, overrides: Vec<Override>) -> Arc<dyn Channel> {
    if overrides.is_empty() { adapter } else { Arc::new(Overridden { adapter, overrides }) }
}

/// Others need not be called after this.
fn is_about_all(outcome: &Outcome) -> bool {
    match outcome.class {
        OutcomeClass::Accepted | OutcomeClass::PermanentRecipient | OutcomeClass::PermanentMessage => false,
        OutcomeClass::Throttled | OutcomeClass::Config => !outcome.this_address,
        OutcomeClass::Transient | OutcomeClass::Unknown => true,
    }
}

impl Overridden {
    /// What a call came to as it is to be read, and the places of those who share an answer that by this reading alone is
    /// one on somebody's address. What the vendor took stays taken, whatever else it says: read as a refusal it would be
    /// sent twice. So would what it may have taken, were it called again for many.
    async fn call(&self, parcels: &[Parcel]) -> (Vec<Outcome>, Vec<Vec<usize>>) {
        let mut outcomes = self.adapter.send(parcels).await;
        let mut blamed: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
        for (place, outcome) in outcomes.iter_mut().enumerate() {
            if outcome.class == OutcomeClass::Accepted {
                continue;
            }
            let Some(known) = self.find(outcome.code.as_deref(), outcome.detail.as_deref()) else { continue };
            let before = outcome.class;
            if before == OutcomeClass::Unknown && known.is_about_one() && parcels.len() > 1 {
                continue;
            }
            known.apply(outcome);
            if known.is_about_one() && before != OutcomeClass::PermanentRecipient {
                blamed.entry(outcome.code.clone()).or_default().push(place);
            }
        }
        // With one parcel a call each nobody shares an answer.
        if matches!(self.adapter.shape(), Shape::Single { .. }) {
            return (outcomes, Vec::new());
        }
        (outcomes, blamed.into_values().filter(|places| places.len() > 1).collect())
    }

    fn find(&self, code: Option<&str>, words: Option<&str>) -> Option<&Override> {
        self.overrides.iter().find(|known| known.is_about(code, words))
    }
}

#[async_trait]
impl Channel for Overridden {
    fn shape(&self) -> Shape {
        self.adapter.shape()
    }

    /// The adapter took such an answer for one on all in the call. Read as one on somebody's address it is about one of
    /// them, so that it is believed only of who is alone with it: the others' halves are called again.
    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        let (mut outcomes, mut waiting) = self.call(parcels).await;
        let (mut calls, mut is_over) = (0, false);
        while let Some(places) = waiting.pop() {
            let (first, second) = places.split_at(places.len() / 2);
            for half in [first, second] {
                is_over |= calls == MOST_CALLS;
                if is_over {
                    for place in half {
                        outcomes[*place] = left_over();
                    }
                    continue;
                }
                calls += 1;
                let these: Vec<_> = half.iter().map(|place| parcels[*place].clone()).collect();
                let (said, doubtful) = self.call(&these).await;
                is_over = said.iter().any(is_about_all);
                waiting.extend(doubtful.iter().map(|group| group.iter().map(|at| half[*at]).collect()));
                for (place, outcome) in half.iter().zip(said) {
                    outcomes[*place] = outcome;
                }
            }
        }
        outcomes
    }

    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        self.adapter.poll(sent).await
    }

    async fn recall(&self, reference: &str) -> Result<(), String> {
        self.adapter.recall(reference).await
    }

    async fn show_answer(&self, response_code: &str, member: &str, text: &str) -> Outcome {
        self.adapter.show_answer(response_code, member, text).await
    }

    fn acknowledge(&self, callback: &Callback) -> Option<Acknowledgement> {
        self.adapter.acknowledge(callback)
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        self.adapter.receipts(callback)
    }

    fn is_bounce(&self, code: &str) -> bool {
        match self.find(Some(code), None) {
            Some(known) => known.class == OutcomeClass::PermanentRecipient,
            None => self.adapter.is_bounce(code),
        }
    }

    fn returned_to(&self, address: &str) -> Option<String> {
        self.adapter.returned_to(address)
    }

    fn render(&self, parcel: &Parcel) -> Option<Result<String, Outcome>> {
        self.adapter.render(parcel)
    }

    fn arriving(&self, parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
        self.adapter.arriving(parcel)
    }

    fn filling(&self, parcel: &Parcel) -> Option<Filling> {
        self.adapter.filling(parcel)
    }

    fn card(&self, parcel: &Parcel) -> Option<Result<Card, Outcome>> {
        self.adapter.card(parcel)
    }

    fn sign_in_address(&self, back: &str, state: &str) -> Option<String> {
        self.adapter.sign_in_address(back, state)
    }

    async fn identify(&self, code: &str) -> Result<Identity, Refusal> {
        self.adapter.identify(code).await
    }

    fn has_scenes(&self) -> bool {
        self.adapter.has_scenes()
    }

    async fn scene_code(&self, scene: &str, life: Duration) -> Result<SceneCode, Refusal> {
        self.adapter.scene_code(scene, life).await
    }

    async fn say(&self, address: &str, text: &str) -> Result<(), Refusal> {
        self.adapter.say(address, text).await
    }

    async fn check(&self) -> Result<String, Refusal> {
        self.adapter.check().await
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        self.adapter.advice(code)
    }

    async fn close(&self) {
        self.adapter.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::super::common;
    use super::*;
    use crate::channel::sample;
    use crate::domain::id::DeliveryId;

    fn overrides(list: &serde_json::Value) -> Vec<Override> {
        common::read(&json!({ "overrides": list })).unwrap().overrides
    }

    fn read_as(known: &Override, outcome: Outcome) -> Option<Outcome> {
        let mut outcome = outcome;
        known.is_about(outcome.code.as_deref(), outcome.detail.as_deref()).then(|| {
            known.apply(&mut outcome);
            outcome
        })
    }

    #[test]
    fn a_code_is_one_of_the_words_of_an_answers_code() {
        let [known] = &overrides(&json!([{"code": "5.7.1", "class": "config"}]))[..] else { panic!("one") };
        let refused = |code: &str| Outcome::new(OutcomeClass::PermanentRecipient).code(code);
        assert_eq!(read_as(known, refused("550 5.7.1")).unwrap().class, OutcomeClass::Config);
        assert_eq!(read_as(known, refused("5.7.1")).unwrap().class, OutcomeClass::Config);
        assert_eq!(read_as(known, refused("550 5.7.10")), None);
        assert_eq!(read_as(known, Outcome::new(OutcomeClass::Unknown)), None);
    }

    #[test]
    fn words_are_a_part_of_the_text_whatever_its_case() {
        let list = json!([{"words": "IP frequency", "class": "throttled", "wait_seconds": 90}]);
        let [known] = &overrides(&list)[..] else { panic!("one") };
        let refused = Outcome::new(OutcomeClass::PermanentRecipient).detail("550 Ip Frequency limited");
        let read = read_as(known, refused).unwrap();
        assert_eq!((read.class, read.wait), (OutcomeClass::Throttled, Some(Duration::from_secs(90))));
        assert_eq!(read_as(known, Outcome::new(OutcomeClass::Unknown).code("ip frequency")), None);
    }

    #[test]
    fn a_limit_of_one_address_stays_its_own() {
        let list = json!([{"code": "1", "class": "throttled"}, {"code": "1", "class": "transient"}]);
        let list = overrides(&list);
        let limited = Outcome { this_address: true, ..Outcome::new(OutcomeClass::Throttled).code("1") };
        assert!(read_as(&list[0], limited.clone()).unwrap().this_address);
        assert!(!read_as(&list[1], limited).unwrap().this_address);
    }

    /// Takes many in a call, and refuses all of it for a bad address among them.
    struct Strict {
        class: OutcomeClass,
        bad: &'static [i64],
        sizes: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Channel for Strict {
        fn shape(&self) -> Shape {
            Shape::Batch { size: 100, concurrency: 1 }
        }

        async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
            self.sizes.lock().unwrap().push(parcels.len());
            let is_bad = parcels.iter().any(|parcel| self.bad.contains(&parcel.delivery.0));
            let outcome = if is_bad { Outcome::new(self.class).code("E7") } else { Outcome::accepted(None) };
            vec![outcome; parcels.len()]
        }

        async fn check(&self) -> Result<String, Refusal> {
            Ok(String::new())
        }
    }

    fn parcel(number: i64) -> Parcel {
        Parcel { delivery: DeliveryId(number), address: format!("+86138{number:08}"), ..sample::parcel() }
    }

    static ALL: [i64; 100] = {
        let mut all = [0; 100];
        let mut n = 0;
        while n < all.len() {
            all[n] = n as i64;
            n += 1;
        }
        all
    };

    /// The classes of so many, and the sizes of the calls it took.
    async fn sent(count: i64, class: OutcomeClass, bad: &'static [i64]) -> (Vec<OutcomeClass>, Vec<usize>) {
        let vendor = Arc::new(Strict { class, bad, sizes: Mutex::default() });
        let list = overrides(&json!([{"code": "E7", "class": "permanent_recipient"}]));
        let channel = overridden(vendor.clone(), list);
        let parcels: Vec<_> = (0..count).map(parcel).collect();
        let outcomes = channel.send(&parcels).await;
        let sizes = vendor.sizes.lock().unwrap().clone();
        (outcomes.iter().map(|outcome| outcome.class).collect(), sizes)
    }

    #[tokio::test]
    async fn who_shares_an_answer_on_one_address_is_called_again_without_it() {
        use OutcomeClass::{Accepted, Config, PermanentRecipient, Transient, Unknown};
        let (classes, sizes) = sent(8, Config, &[5]).await;
        let expected: Vec<_> = (0..8).map(|n| if n == 5 { PermanentRecipient } else { Accepted }).collect();
        assert_eq!(classes, expected);
        assert_eq!(sizes, [8, 4, 4, 2, 2, 1, 1]);
        assert_eq!(sent(1, Config, &[0]).await, (vec![PermanentRecipient], vec![1]));
        // What may have been taken is not called again, and nobody's address is blamed for silence.
        assert_eq!(sent(3, Unknown, &[0]).await, (vec![Unknown; 3], vec![3]));
        // A vendor's own word on one address has been looked into by its adapter.
        assert_eq!(sent(3, PermanentRecipient, &[0]).await, (vec![PermanentRecipient; 3], vec![3]));
        let (classes, sizes) = sent(100, Config, &ALL).await;
        assert_eq!(sizes.len(), 1 + MOST_CALLS);
        assert!(classes.iter().all(|class| matches!(class, PermanentRecipient | Transient)));
        assert!(classes.contains(&Transient));
    }
}
