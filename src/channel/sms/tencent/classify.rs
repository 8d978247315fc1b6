//! What Tencent Cloud's codes mean, of a call and of single numbers alike. Decided by the code alone.

use std::time::Duration;

use crate::channel::day;
use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;

/// When texts of advertising may be sent again, in China.
const MORNING: Duration = Duration::from_hours(8);
const HALF_MINUTE: Duration = Duration::from_secs(31);

/// What follows from a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The number had as much as it may have.
    NumberLimit(Lasts),
    /// The account had as much as it may have today.
    DayLimit,
    /// A text of advertising, at night.
    Night,
    /// Our clock: once more after a new look at it.
    Again,
    Outcome(Class),
    /// In no table.
    Unlisted,
}

/// How long a number's limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    HalfMinute,
    Hour,
    Day,
    /// As the account's settings say, which we do not know.
    Unknown,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "FailedOperation.PhoneNumberInBlacklist"
        | "InvalidParameterValue.IncorrectPhoneNumber"
        | "UnsupportedOperation.UnsuportedRegion" => Meaning::Outcome(Class::PermanentRecipient),
        "FailedOperation.ContainSensitiveWord"
        | "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        | "FailedOperation.JsonParseFail"
        | "FailedOperation.FailResolvePacket"
        | "LimitExceeded.PhoneNumberCountLimit"
        | "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber" => {
            Meaning::Outcome(Class::PermanentMessage)
        }
        "FailedOperation.MarketingSendTimeConstraint" => Meaning::Night,
        "FailedOperation.SignatureIncorrectOrUnapproved"
        | "FailedOperation.TemplateIncorrectOrUnapproved"
        | "FailedOperation.InsufficientBalanceInSmsPackage"
        | "InvalidParameterValue.SdkAppIdNotExist"
        | "AuthFailure.SecretIdNotFound"
        | "AuthFailure.SignatureFailure"
        | "AuthFailure.InvalidSecretId"
        | "AuthFailure.UnauthorizedOperation"
        | "AuthFailure.TokenFailure" => Meaning::Outcome(Class::Config),
        "AuthFailure.SignatureExpire" | "InternalError.RequestTimeException" => Meaning::Again,
        "LimitExceeded.PhoneNumberThirtySecondLimit" => Meaning::NumberLimit(Lasts::HalfMinute),
        "LimitExceeded.PhoneNumberOneHourLimit" => Meaning::NumberLimit(Lasts::Hour),
        "LimitExceeded.PhoneNumberDailyLimit" | "LimitExceeded.PhoneNumberSameContentDailyLimit" => {
            Meaning::NumberLimit(Lasts::Day)
        }
        "LimitExceeded.DeliveryFrequencyLimit" => Meaning::NumberLimit(Lasts::Unknown),
        "LimitExceeded.AppDailyLimit" | "LimitExceeded.DailyLimit" => Meaning::DayLimit,
        "FailedOperation.OtherError" => Meaning::Outcome(Class::Transient),
        _ => match code.split('.').next() {
            Some("InvalidParameter" | "InvalidParameterValue" | "MissingParameter") => {
                Meaning::Outcome(Class::PermanentMessage)
            }
            Some("UnauthorizedOperation") => Meaning::Outcome(Class::Config),
            Some("InternalError") => Meaning::Outcome(Class::Transient),
            // One that says whose limit it is stands above.
            Some("RequestLimitExceeded" | "LimitExceeded") => Meaning::Outcome(Class::Throttled),
            _ => Meaning::Unlisted,
        },
    }
}

/// How long to wait for a number's limit to be over; `None`: nobody knows.
pub(super) fn wait(lasts: Lasts, now: Timestamp) -> Option<Duration> {
    match lasts {
        Lasts::HalfMinute => Some(HALF_MINUTE),
        Lasts::Hour => Some(Duration::from_hours(1)),
        Lasts::Day => Some(day::until_tomorrow(now)),
        Lasts::Unknown => None,
    }
}

/// Until texts of advertising may be sent again. One that is refused by day is refused for another reason, or our clocks
/// differ: it waits a while nevertheless.
pub(super) fn until_morning(now: Timestamp) -> Duration {
    day::until_time(MORNING, now).max(Duration::from_mins(1))
}

/// Whether a code answers a question about receipts by "not for this account", after key and signature were found good.
/// An account that may send need not have such questions enabled; no code is documented for that, so its family decides.
pub(super) fn is_signed_in(code: &str) -> bool {
    code == "UnauthorizedOperation.RequestPermissionDeny"
        || matches!(code.split('.').next(), Some("UnsupportedOperation" | "FailedOperation"))
}

/// What an administrator can do about a code.
pub(super) fn advice(code: &str) -> Option<Advice> {
    Some(match code {
        "UnauthorizedOperation.RequestIpNotInWhitelist" => Advice::AllowAddress,
        "AuthFailure.SecretIdNotFound"
        | "AuthFailure.SignatureFailure"
        | "AuthFailure.InvalidSecretId"
        | "AuthFailure.TokenFailure"
        | "InvalidParameterValue.SdkAppIdNotExist"
        | "UnauthorizedOperation.SmsSdkAppIdVerifyFail" => Advice::Credentials,
        "FailedOperation.SignatureIncorrectOrUnapproved" => Advice::Sign,
        "FailedOperation.TemplateIncorrectOrUnapproved"
        | "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        | "InvalidParameterValue.TemplateParameterFormatError"
        | "InvalidParameterValue.TemplateParameterLengthLimit"
        | "InvalidParameterValue.ContentLengthLimit"
        | "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
        | "belltower.no_template" => Advice::Template,
        "FailedOperation.InsufficientBalanceInSmsPackage"
        | "UnauthorizedOperation.SerivceSuspendDueToArrears" => Advice::Balance,
        "AuthFailure.SignatureExpire" | "InternalError.RequestTimeException" => Advice::Clock,
        "belltower.daily_limit" => Advice::Quota,
        _ => match code.split('.').next() {
            Some("LimitExceeded" | "RequestLimitExceeded") => Advice::Quota,
            Some("UnauthorizedOperation" | "AuthFailure") => Advice::Rights,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 21 September 2026, 22:13:20 in China.
    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn families_are_known_by_their_first_word_and_exceptions_by_all() {
        use Class::{Config, PermanentMessage, PermanentRecipient, Throttled, Transient};
        for (code, class) in [
            ("InvalidParameterValue.AnythingElse", PermanentMessage),
            ("InvalidParameter", PermanentMessage),
            ("MissingParameter.EmptyPhoneNumberSet", PermanentMessage),
            ("InvalidParameterValue.IncorrectPhoneNumber", PermanentRecipient),
            ("InvalidParameterValue.SdkAppIdNotExist", Config),
            ("UnauthorizedOperation.AnythingElse", Config),
            ("RequestLimitExceeded", Throttled),
            ("RequestLimitExceeded.UinLimitExceeded", Throttled),
            ("LimitExceeded", Throttled),
            ("LimitExceeded.AnythingElse", Throttled),
            ("LimitExceeded.PhoneNumberCountLimit", PermanentMessage),
            ("InternalError", Transient),
            ("InternalError.SigVerificationFail", Transient),
            ("FailedOperation.OtherError", Transient),
            ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", PermanentMessage),
        ] {
            assert_eq!(meaning(code), Meaning::Outcome(class), "{code}");
        }
        for code in ["FailedOperation.New", "InvalidParameterX", ""] {
            assert_eq!(meaning(code), Meaning::Unlisted, "{code}");
        }
    }

    #[test]
    fn who_may_not_ask_about_receipts_is_signed_in_nevertheless() {
        for (code, signed_in) in [
            ("UnsupportedOperation", true),
            ("FailedOperation.AnythingElse", true),
            ("UnauthorizedOperation.RequestPermissionDeny", true),
            ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", false),
            ("AuthFailure.SignatureFailure", false),
            ("InternalError.Timeout", false),
        ] {
            assert_eq!(is_signed_in(code), signed_in, "{code}");
        }
    }

    #[test]
    fn limits_last_as_long_as_their_names_say() {
        let until = |lasts| wait(lasts, NOW).map(|wait| NOW.plus(wait).to_string());
        assert_eq!(until(Lasts::HalfMinute).as_deref(), Some("2026-09-21T14:13:51.000Z"));
        assert_eq!(until(Lasts::Hour).as_deref(), Some("2026-09-21T15:13:20.000Z"));
        assert_eq!(until(Lasts::Day).as_deref(), Some("2026-09-21T16:00:00.000Z"));
        assert_eq!(until(Lasts::Unknown), None);
        let morning = NOW.plus(until_morning(NOW));
        assert_eq!(morning.to_string(), "2026-09-22T00:00:00.000Z", "08:00 in China");
        assert_eq!(until_morning(morning), Duration::from_mins(1));
    }

    #[test]
    fn what_an_administrator_must_act_on_says_how() {
        for code in [
            "FailedOperation.SignatureIncorrectOrUnapproved",
            "UnauthorizedOperation.RequestIpNotInWhitelist",
            "UnauthorizedOperation.SerivceSuspendDueToArrears",
            "UnauthorizedOperation.RequestPermissionDeny",
            "AuthFailure.SignatureFailure",
            "InvalidParameterValue.SdkAppIdNotExist",
            "LimitExceeded.PhoneNumberDailyLimit",
            "AuthFailure.SignatureExpire",
        ] {
            assert!(advice(code).is_some(), "{code}");
        }
        assert_eq!(advice("InternalError.Timeout"), None);
    }
}
