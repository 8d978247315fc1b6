//! The times of an alert.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::clock::Timestamp;

/// Seconds since 1970 of 0001-01-02T00:00:00Z and 9999-12-30T00:00:00Z: within them every offset has a year of four digits.
const FIRST: i64 = -62_135_510_400;
const LAST: i64 = 253_402_128_000;
/// Minutes from UTC that XML schema has offsets for.
const FARTHEST: i16 = 14 * 60;

/// A `dateTime` of CAP 1.2 (§3.3.2): whole seconds and the offset from UTC that it was written with. UTC itself is written
/// `-00:00`, never `Z`; `+00:00` is read as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// Minutes that the clocks there are ahead of UTC.
    offset: i16,
}

impl Moment {
    /// The whole second of `at` as clocks show it that are `offset_minutes` ahead of UTC. What is beyond the years 1 to 9999
    /// or fourteen hours is moved to there.
    pub fn new(at: Timestamp, offset_minutes: i16) -> Self {
        Self {
            seconds: at.millis().div_euclid(1000).clamp(FIRST, LAST),
            offset: offset_minutes.clamp(-FARTHEST, FARTHEST),
        }
    }

    /// The whole second of `at` as clocks in `zone` show it then.
    pub fn in_zone(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, (zone.to_offset(at.to_jiff()).seconds() / 60) as i16)
    }

    /// Reads `2026-11-28T19:25:00+08:00`. White space around it is not read: XML schema takes it off before.
    pub fn parse(text: &str) -> Option<Self> {
        const SHAPE: &[u8; 25] = b"dddd-dd-ddTdd:dd:dd+dd:dd";
        let bytes: &[u8; 25] = text.as_bytes().try_into().ok()?;
        let fits = bytes.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            b'+' => matches!(byte, b'+' | b'-'),
            _ => byte == shape,
        });
        if !fits {
            return None;
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0_i16, |number, byte| number * 10 + i16::from(byte - b'0'))
        };
        let small = |from: usize| i8::try_from(number(from, from + 2)).ok();
        let date = Date::new(number(0, 4), small(5)?, small(8)?).ok()?;
        let (hour, minute, second) = (small(11)?, small(14)?, small(17)?);
        let (away, minutes_away) = (number(20, 22), number(23, 25));
        let offset = away * 60 + minutes_away;
        if date.year() < 1
            || hour > 23
            || minute > 59
            || second > 59
            || minutes_away > 59
            || offset > FARTHEST
        {
            return None;
        }
        let offset = if bytes[19] == b'-' { -offset } else { offset };
        let local = Offset::UTC.to_timestamp(date.at(hour, minute, second, 0)).ok()?.as_second();
        let seconds = local - i64::from(offset) * 60;
        (FIRST..=LAST).contains(&seconds).then_some(Self { seconds, offset })
    }

    /// The moment without its offset.
    pub fn at(self) -> Timestamp {
        Timestamp(self.seconds * 1000)
    }

    /// Minutes that the clocks there are ahead of UTC.
    pub fn offset_minutes(self) -> i16 {
        self.offset
    }

    /// Whether it comes after `other`, whatever their offsets.
    pub fn is_after(self, other: Self) -> bool {
        self.seconds > other.seconds
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = Timestamp((self.seconds + i64::from(self.offset) * 60) * 1000).to_jiff();
        let sign = if self.offset > 0 { '+' } else { '-' };
        let away = self.offset.unsigned_abs();
        let local = Offset::UTC.to_datetime(local);
        write!(f, "{}{sign}{:02}:{:02}", local.strftime("%Y-%m-%dT%H:%M:%S"), away / 60, away % 60)
    }
}
