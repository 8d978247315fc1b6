//! What a call asks to be sent. The vendor's rules of the whole call and of one number, each with its code.

use serde_json::{Map, Value};

use super::faults::{TencentFaults, TencentTemplate};
use super::gate::Refusal;

/// Numbers of one call.
const MOST: usize = 200;
/// Characters of a text with its sign.
const LONGEST: usize = 500;
const LONGEST_CONTEXT: usize = 511;
const FIELDS: [&str; 8] = [
    "PhoneNumberSet",
    "SmsSdkAppId",
    "TemplateId",
    "SignName",
    "TemplateParamSet",
    "ExtendCode",
    "SessionContext",
    "SenderId",
];

/// A call that may be sent, or not, number by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// As they were written.
    pub(super) numbers: Vec<String>,
    pub(super) context: String,
    /// What telephones show, or why none does.
    pub(super) words: Result<String, Fault>,
}

/// What is wrong with one number, or with what it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: String,
    pub(super) message: &'static str,
}

impl Fault {
    pub(super) fn new(code: &str, message: &'static str) -> Self {
        Self { code: code.to_owned(), message }
    }
}

/// A number that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number<'n> {
    /// `86`
    pub(super) country: &'n str,
    pub(super) subscriber: &'n str,
    /// Two letters.
    pub(super) iso: &'static str,
}

/// The countries that a test is likely to know.
const COUNTRIES: [(&str, &str); 9] = [
    ("86", "CN"),
    ("852", "HK"),
    ("853", "MO"),
    ("886", "TW"),
    ("81", "JP"),
    ("82", "KR"),
    ("65", "SG"),
    ("44", "GB"),
    ("1", "US"),
];

impl<'n> Number<'n> {
    /// E.164 and nothing else.
    pub(super) fn read(text: &'n str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_number = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits.starts_with('0') {
            return None;
        }
        let known = COUNTRIES.iter().find(|(code, _)| digits.starts_with(code));
        let (country, iso) = known.map_or((&digits[..2], "ZZ"), |(code, iso)| (&digits[..code.len()], *iso));
        let subscriber = &digits[country.len()..];
        let can_be = country != "86" || (subscriber.len() == 11 && subscriber.starts_with('1'));
        can_be.then_some(Self { country, subscriber, iso })
    }

    pub(super) fn is_domestic(&self) -> bool {
        self.country == "86"
    }

    /// As telephones are known to the simulators: of the mainland without its country, others with `00`.
    pub(super) fn known(&self) -> String {
        if self.is_domestic() {
            self.subscriber.to_owned()
        } else {
            format!("00{}{}", self.country, self.subscriber)
        }
    }
}

/// The numbers a call names, readable or not, as telephones are known to the simulators.
pub(super) fn named(body: &Value) -> Vec<String> {
    let listed = body["PhoneNumberSet"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let known = |text: &str| Number::read(text).map_or_else(|| text.to_owned(), |number| number.known());
    listed.chain(body["PhoneNumber"].as_str()).map(known).collect()
}

pub(super) fn texts(value: &Value, name: &str) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::new("InvalidParameter", format!("`{name}` is a list of texts."));
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(wrong()),
    };
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

pub(super) fn needed<'b>(body: &'b Value, name: &str) -> Result<&'b str, Refusal> {
    let missing = || Refusal::new("MissingParameter", format!("`{name}` is missing, or no text."));
    body[name].as_str().filter(|text| !text.is_empty()).ok_or_else(missing)
}

pub(super) fn no_others(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    let empty = Map::new();
    let mut names = body.as_object().unwrap_or(&empty).keys();
    match names.find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(Refusal::new("UnknownParameter", format!("The parameter `{name}` is not recognized.")))
        }
    }
}

/// `app`: the only application there is.
pub(super) fn read(body: &Value, app: &str, account: &TencentFaults) -> Result<Order, Refusal> {
    no_others(body, &FIELDS)?;
    let numbers = texts(&body["PhoneNumberSet"], "PhoneNumberSet")?;
    if numbers.is_empty() {
        return Err(Refusal::new("MissingParameter", "`PhoneNumberSet` is missing."));
    }
    if numbers.len() > MOST {
        return Err(Refusal::new(
            "LimitExceeded.PhoneNumberCountLimit",
            "the number of phone exceeds the limit",
        ));
    }
    check_app(body, app)?;
    let id = needed(body, "TemplateId")?;
    let is_domestic: Vec<_> =
        numbers.iter().filter_map(|number| Number::read(number)).map(|number| number.is_domestic()).collect();
    if is_domestic.contains(&true) && is_domestic.contains(&false) {
        return Err(Refusal::new(
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
            "contain both domestic and international phone number",
        ));
    }
    let context = body["SessionContext"].as_str().unwrap_or_default();
    if context.len() > LONGEST_CONTEXT {
        return Err(Refusal::new("InvalidParameterValue", "`SessionContext` is too long."));
    }
    let values = texts(&body["TemplateParamSet"], "TemplateParamSet")?;
    let sign = body["SignName"].as_str().unwrap_or_default();
    let is_abroad = is_domestic.first() == Some(&false);
    let words = write(account, sign, is_abroad, id, &values);
    Ok(Order { numbers, context: context.to_owned(), words })
}

pub(super) fn check_app(body: &Value, app: &str) -> Result<(), Refusal> {
    if needed(body, "SmsSdkAppId")? == app {
        return Ok(());
    }
    Err(Refusal::new("InvalidParameterValue.SdkAppIdNotExist", "SdkAppId not exist"))
}

fn write(
    account: &TencentFaults,
    sign: &str,
    is_abroad: bool,
    id: &str,
    values: &[String],
) -> Result<String, Fault> {
    // Abroad a text carries none.
    if !is_abroad && !account.signs.iter().any(|known| known == sign) {
        return Err(Fault::new(
            "FailedOperation.SignatureIncorrectOrUnapproved",
            "signature is incorrect or unapproved",
        ));
    }
    let template = account.templates.get(id).ok_or_else(|| {
        Fault::new("FailedOperation.TemplateIncorrectOrUnapproved", "template is incorrect or unapproved")
    })?;
    let content = fill(template, values)?;
    let words = if is_abroad { content } else { format!("【{sign}】{content}") };
    if words.chars().count() > LONGEST {
        return Err(Fault::new("InvalidParameterValue.ContentLengthLimit", "the content is too long"));
    }
    Ok(words)
}

fn fill(template: &TencentTemplate, values: &[String]) -> Result<String, Fault> {
    let mut words = String::new();
    let mut rest = template.content.as_str();
    let mut slots = 0;
    let mismatch = || {
        Fault::new(
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
            "request content does not match the template content",
        )
    };
    while let Some((before, after)) = rest.split_once('{') {
        let (number, after) = after.split_once('}').ok_or_else(mismatch)?;
        let place: usize = number.parse().map_err(|_| mismatch())?;
        words.push_str(before);
        words.push_str(values.get(place.wrapping_sub(1)).ok_or_else(mismatch)?);
        slots = slots.max(place);
        rest = after;
    }
    words.push_str(rest);
    if slots != values.len() {
        return Err(mismatch());
    }
    if values.iter().any(|value| value.chars().count() > template.longest) {
        return Err(Fault::new(
            "InvalidParameterValue.TemplateParameterLengthLimit",
            "the length of template parameter exceeds the limit",
        ));
    }
    if !template.links && values.iter().any(|value| value.contains("http://") || value.contains("https://")) {
        return Err(Fault::new(
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
            "prohibited use url in template parameter",
        ));
    }
    Ok(words)
}
