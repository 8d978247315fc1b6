//! What Alibaba Cloud's codes mean. Decided by the code alone, as errors come with HTTP 200 as well; the words only say
//! how long a number's limit lasts.

use std::time::Duration;

use crate::channel::day;
use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;

/// What follows from a code of a refused call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One of the numbers had as much as it may have; the vendor does not say which.
    NumberLimit,
    /// What the account may send in a day, or a month.
    DayLimit,
    MonthLimit,
    /// Our clock, or a nonce that came twice: once more with new ones.
    Again,
    Outcome(Class),
    /// In no table.
    Unlisted,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "isv.MOBILE_NUMBER_ILLEGAL"
        | "isv.BLACK_KEY_CONTROL_LIMIT"
        | "isv.CUSTOMER_REFUSED"
        | "isv.DOMESTIC_NUMBER_NOT_SUPPORTED" => Meaning::Outcome(Class::PermanentRecipient),
        "isv.TEMPLATE_MISSING_PARAMETERS"
        | "isv.TEMPLATE_PARAMS_ILLEGAL"
        | "isv.INVALID_JSON_PARAM"
        | "isv.INVALID_PARAMETERS"
        | "isv.PARAM_LENGTH_LIMIT"
        | "isv.PARAM_NOT_SUPPORT_URL"
        | "isv.SMS_CONTENT_ILLEGAL"
        | "isv.UNSUPPORTED_CONTENT"
        | "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE"
        | "isv.MOBILE_COUNT_OVER_LIMIT" => Meaning::Outcome(Class::PermanentMessage),
        "isv.SMS_TEMPLATE_ILLEGAL"
        | "isv.SMS_SIGNATURE_ILLEGAL"
        | "isv.SMS_SIGNATURE_SCENE_ILLEGAL"
        | "isv.SMS_SIGN_ILLEGAL"
        | "isv.SIGN_STATE_ILLEGAL"
        | "isv.EXTEND_CODE_ERROR"
        | "isv.ONE_CODE_MULTIPLE_SIGN"
        | "isv.CODE_EXCEED_LIMIT"
        | "isv.CODE_ERROR"
        | "PORT_NOT_REGISTERED"
        | "isv.SMS_TEST_NUMBER_LIMIT"
        | "isv.OUT_OF_SERVICE"
        | "isv.AMOUNT_NOT_ENOUGH"
        | "isv.PRODUCT_UN_SUBSCRIPT"
        | "isv.PRODUCT_UNSUBSCRIBE"
        | "isv.ACCOUNT_NOT_EXISTS"
        | "isv.ACCOUNT_ABNORMAL"
        | "isv.SECURITY_FROZEN_ACCOUNT"
        | "isp.RAM_PERMISSION_DENY"
        | "isv.DENY_IP_RANGE"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId.NotFound"
        | "InvalidAccessKeyId.Inactive"
        | "InvalidVersion"
        | "InvalidAction.NotFound" => Meaning::Outcome(Class::Config),
        "SignatureNonceUsed" | "InvalidTimeStamp.Expired" => Meaning::Again,
        "isv.BUSINESS_LIMIT_CONTROL" => Meaning::NumberLimit,
        "isv.DAY_LIMIT_CONTROL" => Meaning::DayLimit,
        "isv.MONTH_LIMIT_CONTROL" => Meaning::MonthLimit,
        "isp.SYSTEM_ERROR" | "isp.GATEWAY_ERROR" | "InternalError" | "ServiceUnavailable" => {
            Meaning::Outcome(Class::Transient)
        }
        _ if is_throttling(code) => Meaning::Outcome(Class::Throttled),
        _ => Meaning::Unlisted,
    }
}

/// `Throttling`, `Throttling.User`, `Throttling.Api` and whatever else may not be called so often.
fn is_throttling(code: &str) -> bool {
    code.split('.').next() == Some("Throttling")
}

/// How long a number's limit lasts, by what the vendor says of it: `触发天级流控Permits:10`. Minutes and hours are those
/// of China's clock; a day is 24 hours, which began who knows when. `None`: it does not say.
pub(super) fn wait(words: &str, now: Timestamp) -> Option<Duration> {
    let words = words.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if says(&["月级", "month"]) {
        Some(day::until_next_month(now))
    } else if says(&["天级", "日级", "day", "daily"]) {
        Some(Duration::from_hours(24))
    } else if says(&["小时", "时级", "hour"]) {
        Some(day::until_next(Duration::from_hours(1), now))
    } else if says(&["分钟", "分级", "minute"]) {
        Some(day::until_next(Duration::from_mins(1), now))
    } else {
        None
    }
}

/// What an administrator can do about a code.
pub(super) fn advice(code: &str) -> Option<Advice> {
    Some(match code {
        "isv.DENY_IP_RANGE" => Advice::AllowAddress,
        "SignatureDoesNotMatch"
        | "InvalidAccessKeyId.NotFound"
        | "InvalidAccessKeyId.Inactive"
        | "isv.ACCOUNT_NOT_EXISTS" => Advice::Credentials,
        "isv.SMS_SIGNATURE_ILLEGAL"
        | "isv.SMS_SIGNATURE_SCENE_ILLEGAL"
        | "isv.SMS_SIGN_ILLEGAL"
        | "isv.SIGN_STATE_ILLEGAL"
        | "isv.ONE_CODE_MULTIPLE_SIGN" => Advice::Sign,
        "isv.SMS_TEMPLATE_ILLEGAL"
        | "isv.TEMPLATE_MISSING_PARAMETERS"
        | "isv.TEMPLATE_PARAMS_ILLEGAL"
        | "isv.PARAM_LENGTH_LIMIT"
        | "isv.PARAM_NOT_SUPPORT_URL"
        | "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE"
        | "belltower.no_template" => Advice::Template,
        "isv.OUT_OF_SERVICE" | "isv.AMOUNT_NOT_ENOUGH" => Advice::Balance,
        "isv.BUSINESS_LIMIT_CONTROL"
        | "isv.DAY_LIMIT_CONTROL"
        | "isv.MONTH_LIMIT_CONTROL"
        | "isv.SMS_TEST_NUMBER_LIMIT"
        | "isv.CODE_EXCEED_LIMIT"
        | "belltower.daily_limit" => Advice::Quota,
        _ if is_throttling(code) => Advice::Quota,
        "InvalidTimeStamp.Expired" => Advice::Clock,
        "isp.RAM_PERMISSION_DENY"
        | "isv.PRODUCT_UN_SUBSCRIPT"
        | "isv.PRODUCT_UNSUBSCRIBE"
        | "isv.ACCOUNT_ABNORMAL"
        | "isv.SECURITY_FROZEN_ACCOUNT"
        | "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"
        | "PORT_NOT_REGISTERED" => Advice::Rights,
        _ => return None,
    })
}

/// Whether a receipt's code says that nothing will ever arrive at its number. A telephone that is off, carriers' troubles
/// and what was wrong with the text say nothing of it.
pub(super) fn is_bounce(code: &str) -> bool {
    matches!(
        code,
        "MOBILE_NOT_ON_SERVICE"
            | "MOBILE_IN_BLACK"
            | "INVALID_NUMBER"
            | "USER_REJECT"
            | "MOBILE_ACCOUNT_ABNORMAL"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 21 September 2026, 22:13:20 in China.
    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn a_limit_lasts_as_long_as_its_words_say() {
        let until = |words: &str| wait(words, NOW).map(|wait| NOW.plus(wait).to_string());
        assert_eq!(until("触发分钟级流控Permits:1").as_deref(), Some("2026-09-21T14:14:00.000Z"));
        assert_eq!(until("触发小时级流控Permits:5").as_deref(), Some("2026-09-21T15:00:00.000Z"));
        assert_eq!(until("触发天级流控Permits:10").as_deref(), Some("2026-09-22T14:13:20.000Z"));
        assert_eq!(until("Daily limit, Permits:10").as_deref(), Some("2026-09-22T14:13:20.000Z"));
        assert_eq!(until("触发月级流控Permits:400").as_deref(), Some("2026-09-30T16:00:00.000Z"));
        assert_eq!(until("流控"), None);
    }

    #[test]
    fn codes_that_an_administrator_must_act_on_say_how() {
        for code in
            ["isv.AMOUNT_NOT_ENOUGH", "isv.DENY_IP_RANGE", "SignatureDoesNotMatch", "isp.RAM_PERMISSION_DENY"]
        {
            assert_eq!(meaning(code), Meaning::Outcome(Class::Config), "{code}");
            assert!(advice(code).is_some(), "{code}");
        }
        let throttled = (Meaning::Outcome(Class::Throttled), Some(Advice::Quota));
        assert_eq!((meaning("Throttling.AnythingElse"), advice("Throttling.AnythingElse")), throttled);
        assert_eq!((meaning("isv.NEW"), advice("isv.NEW")), (Meaning::Unlisted, None));
    }

    #[test]
    fn only_what_lasts_is_a_bounce() {
        for (code, bounces) in [
            ("MOBILE_NOT_ON_SERVICE", true),
            ("MOBILE_IN_BLACK", true),
            ("INVALID_NUMBER", true),
            ("USER_REJECT", true),
            ("MOBILE_ACCOUNT_ABNORMAL", true),
            ("DELIVERED", false),
            ("IS_CLOSED", false),
            ("IS_CLOSE", false),
            ("MOBLLE_TERMINAL_ERROR", false),
            ("SP_UNKNOWN_ERROR", false),
            ("MOBILE_SEND_LIMIT", false),
            ("CONTENT_KEYWORD", false),
            ("NO_ROUTE", false),
            ("MK:0012", false),
        ] {
            assert_eq!(is_bounce(code), bounces, "{code}");
        }
    }
}
