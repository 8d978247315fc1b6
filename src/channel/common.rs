//! Settings that every kind of provider takes, whatever its vendor.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::overrides::Override;
use super::setting::{Holds, Setting};
use crate::domain::quota::Quota;
use crate::error::Fault;

pub const SETTINGS: &[Setting] = &[
    Setting::new("/daily_quota", Holds::Whole { least: 1, most: LARGEST_QUOTA }).rare(),
    Setting::new("/emergency_reserve", Holds::Whole { least: 0, most: LARGEST_QUOTA }).usual("0").rare(),
    Setting::new("/overrides", Holds::Json(OVERRIDES)).rare(),
];

const OVERRIDES: &str = r#"[
  {"code": "isv.DAY_LIMIT_CONTROL", "class": "throttled", "wait_seconds": 3600},
  {"words": "mailbox is full", "class": "transient"}
]"#;

pub(super) const NAMES: [&str; 3] = ["overrides", "daily_quota", "emergency_reserve"];

/// Vendors publish some hundred codes; an administrator reads a few of them otherwise.
const MOST_OVERRIDES: usize = 100;
const LARGEST_QUOTA: u64 = 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Common {
    pub overrides: Vec<Override>,
    pub quota: Option<Quota>,
}

/// The settings of this module, and the rest, which are the kind's own.
pub(super) fn split(settings: &Value) -> (Value, Value) {
    let Value::Object(all) = settings else { return (Value::Object(Map::new()), settings.clone()) };
    let (common, own) =
        all.clone().into_iter().partition::<Map<_, _>, _>(|(name, _)| NAMES.contains(&name.as_str()));
    (Value::Object(common), Value::Object(own))
}

pub(super) fn read(settings: &Value) -> Result<Common, Vec<Fault>> {
    let mut fields = Fields::of(settings);
    let overrides = fields.list("overrides", MOST_OVERRIDES, Override::read);
    let daily = fields.integer("daily_quota", 1..=LARGEST_QUOTA);
    let reserve = fields.integer("emergency_reserve", 0..=LARGEST_QUOTA);
    match (daily, reserve) {
        (Some(daily), Some(reserve)) if reserve > daily => {
            fields.fault("emergency_reserve", "out_of_range", "more is kept than there is in `daily_quota`");
        }
        (None, Some(_)) if !fields.has_faults() => {
            fields.fault("emergency_reserve", "not_allowed", "it is kept of a `daily_quota`; give that too");
        }
        _ => {}
    }
    let faults = fields.finish();
    if !faults.is_empty() {
        return Err(faults);
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let quota = daily.map(|daily| Quota { daily: number(daily), reserve: number(reserve.unwrap_or(0)) });
    Ok(Common { overrides: overrides.into_iter().flatten().collect(), quota })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_every_kind_takes_is_parted_from_its_own() {
        let (common, own) = split(&json!({"host": "h", "daily_quota": 5, "overrides": []}));
        assert_eq!((common, own), (json!({"daily_quota": 5, "overrides": []}), json!({"host": "h"})));
        let (common, own) = split(&json!(["host"]));
        assert_eq!((common, own), (json!({}), json!(["host"])));
    }

    #[test]
    fn a_quota_keeps_its_reserve() {
        let read = |settings| read(&settings).map(|common| common.quota);
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(read(json!({"daily_quota": 10})), Ok(Some(Quota { daily: 10, reserve: 0 })));
        let both = json!({"daily_quota": 10, "emergency_reserve": 3});
        assert_eq!(read(both), Ok(Some(Quota { daily: 10, reserve: 3 })));
        for (settings, pointer) in [
            (json!({"daily_quota": 10, "emergency_reserve": 11}), "/emergency_reserve"),
            (json!({"emergency_reserve": 1}), "/emergency_reserve"),
            (json!({"daily_quota": 0}), "/daily_quota"),
        ] {
            let faults = read(settings).unwrap_err();
            assert_eq!(faults.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        }
    }

    #[test]
    fn every_mistake_of_an_override_is_told_at_its_place() {
        let settings = json!({"overrides": [
            {"code": "isv.X", "class": "throtled"},
            {"class": "transient"},
            {"code": "1", "words": "busy", "class": "transient"},
            {"words": "x", "class": "unknown", "wait_seconds": 5},
            {"words": "busy", "class": "throttled", "wait_seconds": 0, "wait": 1},
            "busy",
        ]});
        let faults = read(&settings).unwrap_err();
        let told: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code.as_ref())).collect();
        assert_eq!(
            told,
            [
                ("/overrides/0/class", "unknown_value"),
                ("/overrides/1/code", "required"),
                ("/overrides/2/words", "not_allowed"),
                ("/overrides/3/words", "too_short"),
                ("/overrides/3/wait_seconds", "not_allowed"),
                ("/overrides/4/wait_seconds", "out_of_range"),
                ("/overrides/4/wait", "unknown_field"),
                ("/overrides/5", "wrong_type"),
            ]
        );
        assert!(faults[0].detail.ends_with("did you mean `throttled`?"), "{}", faults[0].detail);
    }
}
