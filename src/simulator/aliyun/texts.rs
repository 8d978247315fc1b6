//! What a call asks to be sent. The vendor's rules of it, each with its code.

use std::collections::HashMap;

use serde_json::Value;

use super::answer::Refusal;
use super::faults::{AliyunFaults, AliyunTemplate};
use super::gate::Call;

/// Numbers of one call.
const MOST: usize = 1_000;
/// Of one with a text for each.
const MOST_OF_A_BATCH: usize = 100;
/// Characters of a text with its sign.
const LONGEST: usize = 500;
const LONGEST_OUT_ID: usize = 255;

/// One text to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) number: Number,
    pub(super) sign: String,
    pub(super) template: String,
    /// As the telephone shows it.
    pub(super) words: String,
}

/// A number that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// As the vendor tells it: of the mainland without its country, others with.
    pub(super) told: String,
    /// As telephones are known to the simulators: others with `00` before it.
    pub(super) known: String,
}

impl Number {
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let mainland = ["+86", "0086", "86", ""].iter().find_map(|country| {
            let rest = text.strip_prefix(country)?;
            (rest.len() == 11 && rest.starts_with('1') && is_digits(rest)).then_some(rest)
        });
        if let Some(number) = mainland {
            return Ok(Self { told: number.to_owned(), known: number.to_owned() });
        }
        // Of another country, which is written without any sign.
        if (7..=15).contains(&text.len()) && is_digits(text) && !text.starts_with('0') {
            return Ok(Self { told: text.to_owned(), known: format!("00{text}") });
        }
        Err(Refusal::new("isv.MOBILE_NUMBER_ILLEGAL"))
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The numbers a call names, readable or not: those of the mainland without their country.
pub(super) fn named(call: &Call) -> Vec<String> {
    let listed = |name: &str| -> Vec<String> {
        call.get(name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    };
    let plain = call.get("PhoneNumbers").or_else(|| call.get("PhoneNumber")).unwrap_or_default();
    let plain = plain.split(',').filter(|number| !number.is_empty()).map(str::to_owned);
    let known = |text: String| Number::read(&text).map_or(text, |number| number.known);
    plain.chain(listed("PhoneNumberJson")).map(known).collect()
}

/// The texts of a call, all of them or none.
pub(super) fn read(call: &Call, account: &AliyunFaults) -> Result<Vec<Text>, Refusal> {
    let of_each = if call.manner.action == "SendBatchSms" { batch(call)? } else { same(call)? };
    let code = call.need("TemplateCode")?;
    let template = account.templates.get(code);
    check_common(call)?;
    let mut texts = Vec::with_capacity(of_each.len());
    // Where all numbers get the same, it is read once.
    let mut read: Option<(&str, &str, String)> = None;
    for (number, sign, variables) in &of_each {
        let number = Number::read(number)?;
        if !account.signs.contains(sign) {
            return Err(Refusal::new("isv.SMS_SIGNATURE_ILLEGAL"));
        }
        let template = template.ok_or_else(|| Refusal::new("isv.SMS_TEMPLATE_ILLEGAL"))?;
        let words = match &read {
            Some((same_sign, same_variables, words)) if same_sign == sign && same_variables == variables => {
                words.clone()
            }
            _ => format!("【{sign}】{}", fill(template, variables)?),
        };
        if words.chars().count() > LONGEST {
            return Err(Refusal::new("isv.PARAM_LENGTH_LIMIT"));
        }
        read = Some((sign, variables, words.clone()));
        texts.push(Text { number, sign: sign.clone(), template: code.to_owned(), words });
    }
    Ok(texts)
}

/// Number, sign and variables of each.
type Each = Vec<(String, String, String)>;

fn same(call: &Call) -> Result<Each, Refusal> {
    let numbers: Vec<_> = call.need("PhoneNumbers")?.split(',').collect();
    if numbers.len() > MOST {
        return Err(Refusal::new("isv.MOBILE_COUNT_OVER_LIMIT"));
    }
    let (sign, variables) = (call.need("SignName")?, call.get("TemplateParam").unwrap_or("{}"));
    Ok(numbers.into_iter().map(|number| (number.to_owned(), sign.to_owned(), variables.to_owned())).collect())
}

fn batch(call: &Call) -> Result<Each, Refusal> {
    let list = |name: &str| -> Result<Vec<Value>, Refusal> {
        serde_json::from_str(call.need(name)?).map_err(|_| Refusal::new("isv.INVALID_JSON_PARAM"))
    };
    let (numbers, signs) = (list("PhoneNumberJson")?, list("SignNameJson")?);
    let variables = match call.get("TemplateParamJson") {
        Some(_) => list("TemplateParamJson")?,
        None => vec![Value::Object(serde_json::Map::new()); numbers.len()],
    };
    if numbers.len() > MOST_OF_A_BATCH {
        return Err(Refusal::new("isv.MOBILE_COUNT_OVER_LIMIT"));
    }
    if numbers.is_empty() || signs.len() != numbers.len() || variables.len() != numbers.len() {
        return Err(Refusal::new("isv.INVALID_PARAMETERS"));
    }
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let each = numbers.into_iter().zip(signs).zip(variables);
    Ok(each.map(|((number, sign), variables)| (text(number), text(sign), text(variables))).collect())
}

fn check_common(call: &Call) -> Result<(), Refusal> {
    if call.get("OutId").is_some_and(|id| id.len() > LONGEST_OUT_ID) {
        return Err(Refusal::new("isv.INVALID_PARAMETERS"));
    }
    if call.get("SmsUpExtendCode").is_some_and(|code| !is_digits(code)) {
        return Err(Refusal::new("isv.EXTEND_CODE_ERROR"));
    }
    Ok(())
}

/// The template with its variables. What the call names beyond them is of no interest.
fn fill(template: &AliyunTemplate, variables: &str) -> Result<String, Refusal> {
    let variables: HashMap<String, Value> =
        serde_json::from_str(variables).map_err(|_| Refusal::new("isv.INVALID_JSON_PARAM"))?;
    let mut words = String::new();
    let mut rest = template.content.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        words.push_str(before);
        words.push_str(value(template, &variables, name)?);
        rest = after;
    }
    words.push_str(rest);
    Ok(words)
}

fn value<'v>(
    template: &AliyunTemplate,
    variables: &'v HashMap<String, Value>,
    name: &str,
) -> Result<&'v str, Refusal> {
    let value = match variables.get(name) {
        None => return Err(Refusal::new("isv.TEMPLATE_MISSING_PARAMETERS")),
        Some(Value::String(value)) if value.is_empty() => {
            return Err(Refusal::new("isv.TEMPLATE_MISSING_PARAMETERS"));
        }
        Some(Value::String(value)) => value,
        Some(_) => return Err(Refusal::new("isv.TEMPLATE_PARAMS_ILLEGAL")),
    };
    if value.chars().count() > template.longest {
        return Err(Refusal::new("isv.PARAM_LENGTH_LIMIT"));
    }
    if !template.links && (value.contains("http://") || value.contains("https://")) {
        return Err(Refusal::new("isv.PARAM_NOT_SUPPORT_URL"));
    }
    Ok(value)
}
