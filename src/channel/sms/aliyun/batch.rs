//! Who shares a call, and what it says.

use serde_json::Value;

use crate::channel::Parcel;
use crate::channel::sms::encode::percent;
use crate::channel::sms::vendor::{grouped, lists};
use crate::domain::sms_text::is_mainland;

/// Numbers in a call with the same variables for all, and in one with variables for each.
const MOST_SAME: usize = 1_000;
const MOST_EACH: usize = 100;
/// Bytes of a call's parameters, which travel in its address: the longest list of numbers fits, and what all have in
/// common besides.
const MOST_PARAMETERS: usize = 16 * 1_024;
/// Bytes around one person's number, sign and variables, escaped.
const AROUND: usize = 48;

/// What a person gets.
#[derive(Clone, Debug)]
pub(super) struct Letter<'p> {
    /// Among the parcels that were handed over.
    pub(super) place: usize,
    pub(super) parcel: &'p Parcel,
    /// As the vendor writes it.
    pub(super) number: String,
    pub(super) template: String,
    /// An object in JSON.
    pub(super) variables: String,
}

impl Letter<'_> {
    /// What the vendor's limit for a number goes by, beside the sign, which all have in common.
    pub(super) fn counted_as(&self) -> String {
        format!("{} {}", self.template, self.number)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The same for all.
    Same,
    /// For each their own.
    Each,
}

impl Form {
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Same => "SendSms",
            Self::Each => "SendBatchSms",
        }
    }
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Batch<'p> {
    pub(super) form: Form,
    pub(super) letters: Vec<Letter<'p>>,
}

/// The calls it takes: one template each, the mainland apart from other countries, and no number twice.
pub(super) fn divide<'p>(letters: Vec<Letter<'p>>, sign: &str) -> Vec<Batch<'p>> {
    let mut batches = Vec::new();
    let template = |letter: &Letter<'_>| (letter.template.clone(), is_mainland(&letter.parcel.address));
    for letters in grouped(letters, template) {
        let mut few = Vec::new();
        for same in grouped(letters, |letter| letter.variables.clone()) {
            if same.len() > MOST_EACH {
                let lists = lists(same, MOST_SAME, |letter| &letter.number);
                batches.extend(lists.into_iter().map(|letters| Batch { form: Form::Same, letters }));
            } else {
                few.extend(same);
            }
        }
        for letters in lists(few, MOST_EACH, |letter| &letter.number) {
            let one_like_another = letters.windows(2).all(|pair| pair[0].variables == pair[1].variables);
            if one_like_another {
                batches.push(Batch { form: Form::Same, letters });
            } else {
                let lists = fitting(letters, sign).into_iter();
                batches.extend(lists.map(|letters| Batch { form: Form::Each, letters }));
            }
        }
    }
    batches
}

/// Lists whose calls are not too long.
fn fitting<'p>(letters: Vec<Letter<'p>>, sign: &str) -> Vec<Vec<Letter<'p>>> {
    let sign = percent(sign.as_bytes()).len();
    let mut lists: Vec<Vec<Letter<'p>>> = Vec::new();
    let mut filled = MOST_PARAMETERS;
    for letter in letters {
        let length = letter.number.len() + sign + percent(letter.variables.as_bytes()).len() + AROUND;
        match lists.last_mut() {
            Some(list) if filled + length <= MOST_PARAMETERS => list.push(letter),
            _ => {
                lists.push(vec![letter]);
                filled = 0;
            }
        }
        filled += length;
    }
    lists
}

/// The parameters of a call. `id`: ours of the call, which receipts repeat.
pub(super) fn fields(
    form: Form,
    letters: &[&Letter<'_>],
    sign: &str,
    extend_code: Option<&str>,
    id: &str,
) -> Vec<(&'static str, String)> {
    let Some(first) = letters.first() else { return Vec::new() };
    let numbers = letters.iter().map(|letter| letter.number.as_str());
    let mut fields = vec![("TemplateCode", first.template.clone()), ("OutId", id.to_owned())];
    match form {
        Form::Same => {
            fields.push(("PhoneNumbers", numbers.collect::<Vec<_>>().join(",")));
            fields.push(("SignName", sign.to_owned()));
            if first.variables != "{}" {
                fields.push(("TemplateParam", first.variables.clone()));
            }
            fields.extend(extend_code.map(|code| ("SmsUpExtendCode", code.to_owned())));
        }
        Form::Each => {
            let of_all = |text: &str| Value::from(vec![text; letters.len()]).to_string();
            let variables: Vec<_> = letters.iter().map(|letter| letter.variables.as_str()).collect();
            fields.push(("PhoneNumberJson", numbers.collect::<Value>().to_string()));
            fields.push(("SignNameJson", of_all(sign)));
            fields.push(("TemplateParamJson", format!("[{}]", variables.join(","))));
            fields.extend(extend_code.map(|code| ("SmsUpExtendCodeJson", of_all(code))));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sample;

    fn parcel(address: &str) -> Parcel {
        Parcel { address: address.to_owned(), ..sample::parcel() }
    }

    fn letter<'p>(parcel: &'p Parcel, number: usize, template: &str, variables: &str) -> Letter<'p> {
        Letter {
            place: number,
            parcel,
            number: format!("138{number:08}"),
            template: template.to_owned(),
            variables: variables.to_owned(),
        }
    }

    /// Form and size of each call.
    fn calls(letters: Vec<Letter<'_>>) -> Vec<(Form, usize)> {
        divide(letters, "钟楼大学").iter().map(|batch| (batch.form, batch.letters.len())).collect()
    }

    #[test]
    fn who_gets_the_same_shares_a_call_and_others_one_with_variables_for_each() {
        let parcel = parcel("+8613800000001");
        let same = |n| (0..n).map(|i| letter(&parcel, i, "A", "{}"));
        assert_eq!(calls(same(1).collect()), [(Form::Same, 1)]);
        assert_eq!(calls(same(1_001).collect()), [(Form::Same, 1_000), (Form::Same, 1)]);
        let own =
            |n: usize, from| (from..from + n).map(|i| letter(&parcel, i, "A", &format!(r#"{{"a":"{i}"}}"#)));
        assert_eq!(calls(own(150, 0).collect()), [(Form::Each, 100), (Form::Each, 50)]);
        assert_eq!(calls(same(101).chain(own(2, 200)).collect()), [(Form::Same, 101), (Form::Each, 2)]);
        assert_eq!(calls(same(3).chain(own(2, 200)).collect()), [(Form::Each, 5)]);
    }

    #[test]
    fn templates_countries_and_the_same_number_are_kept_apart() {
        let (here, abroad) = (parcel("+8613800000001"), parcel("+85261234567"));
        let letters = vec![
            letter(&here, 1, "A", "{}"),
            letter(&here, 2, "B", "{}"),
            letter(&abroad, 3, "A", "{}"),
            letter(&here, 1, "A", "{}"),
        ];
        assert_eq!(calls(letters), vec![(Form::Same, 1); 4]);
    }

    #[test]
    fn no_call_is_longer_than_an_address_may_be() {
        let parcel = parcel("+8613800000001");
        let long = |i: usize| format!(r#"{{"a":"{}","b":"{i}"}}"#, "长".repeat(35));
        let batches = divide((0..100).map(|i| letter(&parcel, i, "A", &long(i))).collect(), "钟楼大学");
        assert!((2..8).contains(&batches.len()), "{}", batches.len());
        assert_eq!(batches.iter().map(|batch| batch.letters.len()).sum::<usize>(), 100);
        for batch in batches {
            let letters: Vec<_> = batch.letters.iter().collect();
            let fields = fields(batch.form, &letters, "钟楼大学", Some("1234"), "dlv_1");
            let length: usize =
                fields.iter().map(|(name, value)| name.len() + percent(value.as_bytes()).len()).sum();
            assert!(length <= MOST_PARAMETERS + 512, "{length}");
        }
    }

    #[test]
    fn a_call_with_variables_for_each_lists_them_in_one_order() {
        let parcel = parcel("+8613800000001");
        let (one, two) = (letter(&parcel, 1, "A", r#"{"a":"1"}"#), letter(&parcel, 2, "A", r#"{"a":"2"}"#));
        let fields = fields(Form::Each, &[&one, &two], "钟楼", Some("7"), "c1");
        let value = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        assert_eq!(value("PhoneNumberJson"), Some(r#"["13800000001","13800000002"]"#));
        assert_eq!(value("SignNameJson"), Some(r#"["钟楼","钟楼"]"#));
        assert_eq!(value("TemplateParamJson"), Some(r#"[{"a":"1"},{"a":"2"}]"#));
        assert_eq!(value("SmsUpExtendCodeJson"), Some(r#"["7","7"]"#));
        assert_eq!((value("TemplateCode"), value("OutId")), (Some("A"), Some("c1")));
    }
}
