//! Times and numbers.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::{Decimal, Moment};
use super::{decimal, moment};
use crate::clock::Timestamp;

#[test]
fn moments_keep_their_offset_and_have_no_z() {
    for text in ["2026-11-28T19:25:00+08:00", "2024-02-29T00:00:00-03:30", "0001-01-03T00:00:00+14:00"] {
        assert_eq!(moment(text).to_string(), text);
    }
    assert_eq!(moment("2026-11-28T19:25:00+00:00").to_string(), "2026-11-28T19:25:00-00:00");
    assert_eq!(moment("2026-11-28T19:25:00+08:00").at(), moment("2026-11-28T11:25:00-00:00").at());
    assert!(moment("2026-11-28T19:25:00-01:00").is_after(moment("2026-11-28T19:25:00+01:00")));
    for text in [
        "2026-11-28T19:25:00Z",
        "2026-11-28T19:25:00",
        "2026-11-28T19:25:00.5+08:00",
        "2026-11-28 19:25:00+08:00",
        "2026-11-28T19:25+08:00",
        "2026-02-29T19:25:00+08:00",
        "2026-11-28T24:00:00+08:00",
        "2026-11-28T19:60:00+08:00",
        "2026-11-28T19:25:60+08:00",
        "2026-11-28T19:25:00+08:60",
        "2026-11-28T19:25:00+14:01",
        "2026-11-28T19:25:00,08:00",
        "2026-13-28T19:25:00+08:00",
        "0000-11-28T19:25:00+08:00",
        "-026-11-28T19:25:00+08:00",
        "９026-11-28T19:25:00",
        "",
    ] {
        assert_eq!(Moment::parse(text), None, "{text}");
    }
}

#[test]
fn moments_are_made_of_the_clock() {
    let at = Timestamp(1_790_000_000_999);
    assert_eq!(Moment::new(at, 480).at(), Timestamp(1_790_000_000_000));
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    assert_eq!(Moment::in_zone(at, &zone), Moment::new(at, 480));
    assert_eq!(Moment::in_zone(at, &zone).offset_minutes(), 480);
    assert_eq!(Moment::new(Timestamp(-1), 0).to_string(), "1969-12-31T23:59:59-00:00");
    for (at, offset) in [(Timestamp(i64::MIN), i16::MIN), (Timestamp::NEVER, i16::MAX), (Timestamp(0), -840)]
    {
        let clamped = Moment::new(at, offset);
        assert_eq!(moment(&clamped.to_string()), clamped);
    }
    assert!(Moment::new(at.plus(Duration::from_secs(1)), 0).is_after(Moment::new(at, 840)));
}

#[test]
fn numbers_keep_their_digits() {
    for text in ["0", "-12.50", "+.5", "5.", "007"] {
        assert_eq!(decimal(text).to_string(), text);
    }
    for text in ["", ".", "-", "1e3", "1,5", "1.2.3", "--1", "NaN", "inf", " 1", "٣"] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
    assert!(decimal("12.50").is_same(&decimal("+012.5")) && decimal("-0").is_same(&decimal("0.0")));
    assert!(!decimal("12.5").is_same(&decimal("-12.5")) && !decimal("1").is_same(&decimal("10")));
}
