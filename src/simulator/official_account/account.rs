//! What an account remembers from call to call: who follows it, who consented to what, what was sent before.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use serde::Serialize;

use super::faults::{OfficialAccountCall, OfficialAccountFaults, fits};
use super::refuse;
use super::tokens::Tokens;
use crate::simulator::clock::day;
use crate::simulator::wechat::answer::Refusal;
use crate::simulator::wechat::sign_in::Codes;
use crate::simulator::wechat::unguessable;

const MINUTE: i64 = 60_000;
/// A sender's own id keeps a message from being sent twice for so long.
const NO_REPEATS: i64 = 10 * MINUTE;
/// What the account may say to whoever has just followed it, or scanned a code, within a minute.
const TURNS: u64 = 3;
const CLEARED_A_MONTH: u64 = 10;
/// Entries of a kind that are remembered; beyond it all of them are forgotten, which no test comes near.
const REMEMBERED: usize = 500_000;

/// Somebody as the account knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Follower {
    /// None: as the faults have it.
    pub follows: Option<bool>,
    /// Refuses what the account sends; none: as the faults have it.
    pub blocks: Option<bool>,
    /// In seconds since 1970.
    pub since: i64,
    /// Of the code that brought them.
    pub scene: Option<String>,
    /// Messages of each template that may still be sent.
    pub consents: BTreeMap<String, u64>,
}

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) scene: String,
    pub(super) until: Option<i64>,
}

/// Moments are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) tokens: Tokens,
    pub(super) codes: Codes,
    pub(super) followers: BTreeMap<String, Follower>,
    tickets: HashMap<String, Ticket>,
    /// By openid: until when the account may say something, and how often.
    turns: HashMap<String, (i64, u64)>,
    /// By openid and the sender's id: until when it is a repeat, and of what.
    repeats: HashMap<(String, String), (i64, i64)>,
    /// Calls of each kind today, and when those of the last minute were.
    calls: HashMap<OfficialAccountCall, (u64, VecDeque<i64>)>,
    day: i64,
    cleared: u64,
    month: (i16, i8),
    messages: i64,
}

impl Account {
    pub(super) fn follows(&self, openid: &str, faults: &OfficialAccountFaults) -> bool {
        let told = self.followers.get(openid).and_then(|follower| follower.follows);
        told.unwrap_or_else(|| !fits(&faults.not_following, openid))
    }

    pub(super) fn blocks(&self, openid: &str, faults: &OfficialAccountFaults) -> bool {
        let told = self.followers.get(openid).and_then(|follower| follower.blocks);
        told.unwrap_or_else(|| fits(&faults.blocking, openid))
    }

    pub(super) fn person(&mut self, openid: &str) -> &mut Follower {
        if self.followers.len() > REMEMBERED {
            self.followers.clear();
        }
        self.followers.entry(openid.to_owned()).or_default()
    }

    /// Counts a call against day and minute.
    pub(super) fn count(
        &mut self,
        call: OfficialAccountCall,
        now: i64,
        faults: &OfficialAccountFaults,
    ) -> Result<(), Refusal> {
        self.begin_day(now);
        let (today, minute) = self.calls.entry(call).or_default();
        if *today >= faults.calls_per_day {
            return Err(refuse(45_009, "reach max api daily quota limit"));
        }
        if faults.calls_per_minute < u64::MAX {
            while minute.front().is_some_and(|at| *at <= now - MINUTE) {
                minute.pop_front();
            }
            if minute.len() as u64 >= faults.calls_per_minute {
                return Err(refuse(45_011, "api minute-quota reach limit, must slower, retry next minute"));
            }
            minute.push_back(now);
        }
        *today += 1;
        Ok(())
    }

    pub(super) fn used(&mut self, call: OfficialAccountCall, now: i64) -> u64 {
        self.begin_day(now);
        self.calls.get(&call).map_or(0, |(today, _)| *today)
    }

    /// Forgets today's calls.
    pub(super) fn clear(&mut self, now: i64) -> Result<(), Refusal> {
        let zone = TimeZone::fixed(offset(8));
        let date = Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(zone).date();
        if (date.year(), date.month()) != self.month {
            (self.month, self.cleared) = ((date.year(), date.month()), 0);
        }
        if self.cleared >= CLEARED_A_MONTH {
            return Err(refuse(48_006, "forbid to clear quota because of reaching the limit"));
        }
        self.cleared += 1;
        self.calls.clear();
        Ok(())
    }

    /// The message that this one repeats.
    pub(super) fn repeated(&self, openid: &str, client_msg_id: &str, now: i64) -> Option<i64> {
        let (until, msgid) = self.repeats.get(&(openid.to_owned(), client_msg_id.to_owned()))?;
        (*until > now).then_some(*msgid)
    }

    /// The id of a message that is sent now.
    pub(super) fn note(&mut self, openid: &str, client_msg_id: Option<&str>, now: i64) -> i64 {
        self.messages += 1;
        // Beyond what 32 bits and a script's numbers hold, as the vendor's are.
        let msgid = 3_000_000_000_000_000_000 + self.messages;
        if let Some(id) = client_msg_id {
            if self.repeats.len() > REMEMBERED {
                self.repeats.retain(|_, (until, _)| *until > now);
            }
            self.repeats.insert((openid.to_owned(), id.to_owned()), (now + NO_REPEATS, msgid));
        }
        msgid
    }

    /// Uses up a consent.
    pub(super) fn consume(
        &mut self,
        openid: &str,
        template: &str,
        faults: &OfficialAccountFaults,
    ) -> Result<(), Refusal> {
        if fits(&faults.consenting, openid) {
            return Ok(());
        }
        let left = self.followers.get_mut(openid).and_then(|follower| follower.consents.get_mut(template));
        match left {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(())
            }
            _ => Err(refuse(43_101, "user refuse to accept the msg")),
        }
    }

    pub(super) fn draw(&mut self, ticket: Ticket) -> String {
        if self.tickets.len() > REMEMBERED {
            self.tickets.clear();
        }
        let name = format!("gQ{}{}", unguessable(), unguessable());
        self.tickets.insert(name.clone(), ticket);
        name
    }

    pub(super) fn ticket(&self, name: &str, now: i64) -> Option<&Ticket> {
        self.tickets.get(name).filter(|ticket| ticket.until.is_none_or(|until| until > now))
    }

    /// Somebody follows or scans: the account may say something for a while.
    pub(super) fn give_turns(&mut self, openid: &str, now: i64) {
        if self.turns.len() > REMEMBERED {
            self.turns.clear();
        }
        self.turns.insert(openid.to_owned(), (now + MINUTE, TURNS));
    }

    /// Uses one up.
    pub(super) fn take_turn(&mut self, openid: &str, now: i64) -> Result<(), Refusal> {
        match self.turns.get_mut(openid).filter(|(until, _)| *until > now) {
            None => Err(refuse(45_015, "response out of time limit or subscription is canceled")),
            Some((_, 0)) => Err(refuse(45_047, "out of response count limit")),
            Some((_, left)) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn begin_day(&mut self, now: i64) {
        let today = day(now);
        if today != self.day {
            self.day = today;
            self.calls.clear();
        }
    }
}
