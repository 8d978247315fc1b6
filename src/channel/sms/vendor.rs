//! What calls of the vendors' own APIs have in common.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::encode::hex;
use crate::channel::fields::Fields;
use crate::channel::http::{self, Answer, Trouble};
use crate::channel::mapping::{Mappings, Unfilled};
use crate::channel::narrow::Said;
use crate::channel::refused::{self, seen_address};
use crate::channel::{Arriving, Guess, Outcome, Parcel, Refusal};
use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::sms_text::{Placement, bracketed, is_mainland, signed, words};
use crate::telemetry::mask;

/// Characters of what a vendor says that are kept.
const KEPT: usize = 300;
/// Characters of a text, sign and all.
const MOST_TEXT: usize = 500;
/// Looking for the number that a call was refused for takes no longer than this many time-outs.
pub(super) const NARROWING: u32 = 3;
/// Vendors know what they took within a moment.
const ASK_AFTER: Duration = Duration::from_secs(15);
/// Bytes of the print in a call's id.
const PRINT: usize = 4;

/// Why a call came to nothing, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was handed over.
    NotSent(String),
    /// Nothing was handed over: whoever answers there is not the vendor.
    Untrusted(String),
    /// It was, and no usable answer came.
    NoAnswer(String),
    Refused {
        code: String,
        words: String,
        /// HTTP's.
        status: u16,
    },
    /// The vendor, or what is before it, answered in HTTP alone.
    Status(u16),
}

impl Failure {
    /// For an administrator.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::NotSent(words) | Self::Untrusted(words) | Self::NoAnswer(words) => words.clone(),
            Self::Refused { code, words, .. } => format!("{code} {words}"),
            Self::Status(status) => format!("HTTP {status}, and no answer of the vendor's"),
        }
    }

    /// For whoever tests the provider.
    pub(super) fn refusal(self) -> Refusal {
        let words = self.in_words();
        match self {
            Self::Refused { code, words: said, .. } => {
                Refusal { seen_address: seen_address(&said), code: Some(code), words }
            }
            _ => words.into(),
        }
    }

    /// What follows where the vendor named no code. `id`: ours of the call, by which it may still be found.
    pub(super) fn without_code(&self, id: &str) -> Option<Outcome> {
        let unknown = |outcome: Outcome| Outcome { reference: Some(id.to_owned()), ..outcome };
        Some(match self {
            Self::NotSent(words) => Outcome::new(Class::Transient).detail(words),
            Self::Untrusted(words) => Outcome::new(Class::Config).detail(words),
            Self::NoAnswer(words) => unknown(Outcome::new(Class::Unknown).detail(words)),
            Self::Status(status) => {
                let outcome = refused::by_status(*status, "the vendor");
                if outcome.class == Class::Unknown { unknown(outcome) } else { outcome }
            }
            Self::Refused { .. } => return None,
        })
    }
}

/// Makes calls, so many at once, and puts what they bring in its place among what is known without them.
pub(super) async fn gather(
    calls: Vec<impl Future<Output = Vec<(usize, Outcome)>>>,
    at_once: usize,
    mut outcomes: Vec<Option<Outcome>>,
) -> Vec<Outcome> {
    let mut delivered = stream::iter(calls).buffer_unordered(at_once);
    while let Some(some) = delivered.next().await {
        for (place, outcome) in some {
            outcomes[place] = Some(ask_later(outcome));
        }
    }
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Outcome::new(Class::Unknown))).collect()
}

/// Makes a call.
pub(super) async fn call(request: RequestBuilder) -> Result<Answer, Failure> {
    http::call(request).await.map_err(|trouble| match trouble {
        Trouble::NotSent(words) => Failure::NotSent(words),
        Trouble::Untrusted(words) => Failure::Untrusted(words),
        Trouble::NoAnswer(words) => Failure::NoAnswer(words),
    })
}

/// A vendor's words for a log: one line, not too long, and without what it may repeat of ours or of people's numbers.
pub(super) fn clean<'s>(words: &str, secrets: impl IntoIterator<Item = &'s SecretString>) -> String {
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for secret in secrets {
        let secret = secret.expose_secret();
        if secret.len() > 3 {
            words = words.replace(secret, "…");
        }
    }
    let cut: String = words.chars().filter(|c| !c.is_control()).take(KEPT).collect();
    mask::text(&cut)
}

/// The same however often the same people are tried, so that a vendor that remembers it sends it once; another where
/// some of them are tried again without the rest, so that it takes those for what they are. At most 40 characters.
pub(super) fn call_id(parcels: &[&Parcel]) -> String {
    let mut ids: Vec<_> = parcels.iter().map(|parcel| parcel.delivery).collect();
    ids.sort_unstable();
    match ids.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first, ..] => {
            let mut all = Sha256::new();
            for id in &ids {
                all.update(id.0.to_be_bytes());
            }
            format!("{first}-{}", hex(&all.finalize()[..PRINT]))
        }
    }
}

/// Where the calls before this one took so long that it is too late for some: for those, and the others are called again.
pub(super) fn expired(parcels: &[&Parcel], now: Timestamp) -> Option<Said> {
    let late = |parcel: &&Parcel| {
        let outcome = Outcome::new(Class::Transient).ours().code("belltower.expired");
        (now >= parcel.expires_at).then(|| outcome.detail("it expired while it waited for its call"))
    };
    let outcomes: Vec<_> = parcels.iter().map(late).collect();
    outcomes.iter().any(Option::is_some).then_some(Said::Each(outcomes))
}

/// One of the vendor's templates, filled for a message.
pub(super) struct Filled<'m> {
    pub(super) template: &'m str,
    /// Names and values, in their order.
    pub(super) variables: Vec<(String, String)>,
    /// What arrives behind the sign; `None`: nobody entered what the template says.
    text: Option<String>,
}

impl Filled<'_> {
    /// As it arrives with this sign before it.
    pub(super) fn arriving(&self, sign: &str, parcel: &Parcel) -> Arriving {
        let mainland = is_mainland(&parcel.address);
        match &self.text {
            Some(text) => {
                let sign = if sign.is_empty() { String::new() } else { bracketed(sign, mainland) };
                Arriving { text: format!("{sign}{text}"), guess: None }
            }
            None => {
                let words = words(&parcel.content);
                let text = signed(&words, sign, Placement::Prefix, mainland).into_owned();
                Arriving { text, guess: Some(Guess::Wording(Some(self.template.to_owned()))) }
            }
        }
    }
}

/// Fills the vendor's template for a message; no value is longer than `most` characters.
pub(super) fn fill<'m>(
    mappings: &'m Mappings,
    parcel: &Parcel,
    campus: &str,
    most: usize,
    sign: &str,
) -> Result<Filled<'m>, Outcome> {
    let Some(mapping) = mappings.of(parcel) else {
        let which = match &parcel.template {
            Some(slug) => format!("set `default_template`, or `templates` for `{slug}`"),
            None => "set `default_template`, or send it by a template that `templates` names".to_owned(),
        };
        return Err(Outcome::new(Class::PermanentMessage)
            .code("belltower.no_template")
            .detail(format!("no template of the vendor's stands for this message: {which}")));
    };
    match mapping.fill(parcel, campus, |_| most) {
        Ok(variables) => {
            let variables: Vec<_> =
                variables.into_iter().map(|(name, value)| (name, visible(value))).collect();
            let text =
                mapping.approved.as_ref().map(|approved| approved.fill(|at| variables[at].1.as_str()));
            match &text {
                Some(text) => check_length(sign, [text.as_str()].into_iter())?,
                None => check_length(sign, variables.iter().map(|(_, value)| value.as_str()))?,
            }
            Ok(Filled { template: &mapping.id, variables, text })
        }
        Err(Unfilled::Missing(name)) => Err(Outcome::new(Class::PermanentMessage)
            .code("belltower.variable")
            .detail(format!("the vendor's template needs `{name}`, and the message has no such variable"))),
        Err(Unfilled::LinkTooLong(name)) => {
            Err(Outcome::new(Class::PermanentMessage).code("belltower.link_too_long").detail(format!(
                "`{name}` has room for {most} characters, and the address is longer: fill it with `page_code` behind a \
                 fixed address in the vendor's template"
            )))
        }
    }
}

/// What stands for a value that is not there, as vendors take no empty one: a person without a name gets the text, too.
fn visible(value: String) -> String {
    if value.is_empty() { "-".to_owned() } else { value }
}

/// The vendor cuts no text, and neither do we. Where nobody told what its template says, sign and variables alone are
/// reckoned.
fn check_length<'v>(sign: &str, values: impl Iterator<Item = &'v str>) -> Result<(), Outcome> {
    let count = |text: &str| text.chars().count();
    if count(&bracketed(sign, true)) + values.map(count).sum::<usize>() <= MOST_TEXT {
        return Ok(());
    }
    Err(Outcome::new(Class::PermanentMessage)
        .code("belltower.too_long")
        .detail(format!("sign and text together have more than {MOST_TEXT} characters")))
}

/// Of a code that is in no table. HTTP may still say whose trouble it is.
pub(super) fn unlisted(code: &str, words: &str, status: u16) -> Outcome {
    let class = match status {
        429 => Class::Throttled,
        500.. => Class::Transient,
        _ => Class::Config,
    };
    Outcome::new(class).code(code).detail(words).unlisted()
}

/// What may have been taken is asked about.
pub(super) fn ask_later(outcome: Outcome) -> Outcome {
    let poll_after = (outcome.class == Class::Unknown && outcome.reference.is_some()).then_some(ASK_AFTER);
    Outcome { poll_after, ..outcome }
}

/// Items in lists by what they have in common, in the order of the first of each.
pub(super) fn grouped<T, K: Hash + Eq>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for item in items {
        let place = *places.entry(key(&item)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(item);
    }
    groups
}

/// Items in lists of at most `most`, in their order, and no number twice in one, as a receipt tells them apart by number
/// alone.
pub(super) fn lists<T>(items: Vec<T>, most: usize, number: impl Fn(&T) -> &str) -> Vec<Vec<T>> {
    let mut lists: Vec<Vec<T>> = Vec::new();
    let mut open = 0;
    let mut seen: Vec<HashSet<String>> = Vec::new();
    for item in items {
        while lists.get(open).is_some_and(|list| list.len() >= most) {
            open += 1;
        }
        let fits = |place: &usize| lists[*place].len() < most && !seen[*place].contains(number(&item));
        let place = (open..lists.len()).find(fits).unwrap_or_else(|| {
            lists.push(Vec::new());
            seen.push(HashSet::new());
            lists.len() - 1
        });
        seen[place].insert(number(&item).to_owned());
        lists[place].push(item);
    }
    lists
}

/// A secret that is required: one word.
pub(super) fn secret(fields: &mut Fields<'_>, key: &'static str) -> String {
    let secret = fields.required(key);
    check_secret(fields, key, &secret);
    secret
}

pub(super) fn optional_secret(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let secret = fields.text(key)?;
    check_secret(fields, key, &secret);
    Some(secret)
}

fn check_secret(fields: &mut Fields<'_>, key: &'static str, secret: &str) {
    if secret.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        fields.fault(
            key,
            "not_a_secret",
            format!("`{key}` is as the vendor's console shows it, without spaces"),
        );
    }
}

/// `sign_name`. The vendor puts the brackets around it.
pub(super) fn sign(fields: &mut Fields<'_>) -> String {
    let sign = fields.required("sign_name");
    if sign.contains(|c: char| c.is_control() || "【】[]".contains(c)) {
        fields.fault("sign_name", "not_a_name", "`sign_name` is the approved sign without its brackets");
    }
    sign
}

/// Approved wordings that are too long before anything is filled in were approved by nobody.
pub(super) fn check_wordings(fields: &mut Fields<'_>, mappings: &Mappings, sign: &str) {
    for (pointer, mapping) in mappings.all() {
        if mapping.approved.as_ref().is_some_and(|approved| approved.least(sign) > MOST_TEXT) {
            let detail = format!("sign and text together have more than {MOST_TEXT} characters");
            fields.fault(&format!("{pointer}/text"), "too_long", detail);
        }
    }
}

/// Digits that the sender's number ends with.
pub(super) fn extend_code(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let code = fields.text(key)?;
    if code.len() > 20 || !code.bytes().all(|b| b.is_ascii_digit()) {
        fields.fault(key, "not_a_code", format!("`{key}` is a text of digits"));
    }
    Some(code)
}

/// Calls at the same time.
pub(super) fn concurrency(fields: &mut Fields<'_>) -> usize {
    fields.integer("concurrency", 1..=64).unwrap_or(8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_filled_in_order_and_have_no_number_twice() {
        let lists = |numbers: &[&'static str]| lists(numbers.to_vec(), 2, |number| number);
        assert_eq!(lists(&["1", "2", "3"]), [vec!["1", "2"], vec!["3"]]);
        assert_eq!(lists(&["1", "1", "1", "2"]), [vec!["1", "2"], vec!["1"], vec!["1"]]);
        assert!(lists(&[]).is_empty());
    }

    #[test]
    fn without_a_code_it_counts_whether_something_left_us() {
        let outcome = |failure: Failure| {
            let outcome = failure.without_code("c1").unwrap();
            (outcome.class, outcome.reference.is_some())
        };
        let words = || "no".to_owned();
        assert_eq!(outcome(Failure::NotSent(words())), (Class::Transient, false));
        assert_eq!(outcome(Failure::Untrusted(words())), (Class::Config, false));
        assert_eq!(outcome(Failure::NoAnswer(words())), (Class::Unknown, true));
        for (status, class) in [
            (200, Class::Unknown),
            (302, Class::Config),
            (403, Class::Config),
            (429, Class::Throttled),
            (500, Class::Transient),
            (503, Class::Transient),
            (504, Class::Unknown),
        ] {
            assert_eq!(outcome(Failure::Status(status)), (class, class == Class::Unknown), "{status}");
        }
        let refused = Failure::Refused { code: "E".to_owned(), words: words(), status: 200 };
        assert_eq!(refused.without_code("c1"), None);
    }

    #[test]
    fn an_address_that_was_turned_away_is_found() {
        let refused =
            |words: &str| Failure::Refused { code: "E".to_owned(), words: words.to_owned(), status: 200 };
        let seen = |words| refused(words).refusal().seen_address;
        assert_eq!(seen("ip 203.0.113.7 is denied").as_deref(), Some("203.0.113.7"));
        assert_eq!(seen("[2001:db8::7]: denied.").as_deref(), Some("2001:db8::7"));
        assert_eq!(seen("denied at 10:00, code 1.2"), None);
    }

    #[test]
    fn words_are_kept_without_secrets_and_numbers() {
        let secret = SecretString::from("hunter22");
        let kept = clean("no\n hunter22 for 13812345678\0", [&secret]);
        assert_eq!(kept, "no … for 138****5678");
    }
}
