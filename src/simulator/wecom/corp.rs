//! What a corp remembers from call to call: its token, who was sent how much, what was sent before.

use std::collections::{HashMap, HashSet, VecDeque};

use super::faults::WecomFaults;
use crate::simulator::clock::{CHINA, DAY, day};
use crate::simulator::wechat::answer::Refusal;
use crate::simulator::wechat::sign_in::Codes;
use crate::simulator::wechat::unguessable;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// A card may be updated for so long.
const UPDATED: i64 = 72 * HOUR;
/// Calls a minute with tokens that are not good.
const BAD_TOKENS: usize = 10;
/// Entries of each kind that are remembered; beyond it all of them are forgotten, which no test comes near.
const REMEMBERED: usize = 500_000;

/// Moments are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Corp {
    token: Option<(String, i64)>,
    tokens_issued: u64,
    bad_tokens: VecDeque<i64>,
    calls: VecDeque<i64>,
    blocked_until: i64,
    /// By member in lower case.
    members: HashMap<String, VecDeque<i64>>,
    day: i64,
    sent_today: u64,
    /// By the request's JSON: until when it is a repeat, and of what.
    repeats: HashMap<String, (i64, String)>,
    /// When each message was sent.
    messages: HashMap<String, i64>,
    messages_sent: u64,
    /// Tasks of cards, each of which may be used once.
    tasks: HashSet<String>,
    /// By the code to update a card by: which, and until when.
    responses: HashMap<String, (String, i64)>,
    pub(super) codes: Codes,
}

impl Corp {
    /// The token that is good now.
    pub(super) fn issue(&mut self, now: i64, faults: &WecomFaults) -> (String, i64) {
        if let Some((token, until)) = &self.token
            && *until > now
        {
            return (token.clone(), (until - now) / 1_000);
        }
        self.tokens_issued += 1;
        let token = format!("simulated-token-{}-{:016x}", self.tokens_issued, rand::random::<u64>());
        let seconds = faults.token_seconds as i64;
        self.token = Some((token.clone(), now + seconds * 1_000));
        (token, seconds)
    }

    /// Ends the token before its time.
    pub(super) fn invalidate(&mut self) {
        self.token = None;
    }

    pub(super) fn check_token(&mut self, token: Option<&str>, now: i64) -> Result<(), Refusal> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(Refusal::new(41_001, "access_token missing"));
        };
        // Words repeat what was given, as vendors' do.
        let refusal = match &self.token {
            Some((good, until)) if good == token && *until > now => return Ok(()),
            Some((good, _)) if good == token => Refusal::new(42_001, format!("access_token {token} expired")),
            _ => Refusal::new(40_014, format!("invalid access_token {token}")),
        };
        forget(&mut self.bad_tokens, now - MINUTE);
        self.bad_tokens.push_back(now);
        Err(if self.bad_tokens.len() > BAD_TOKENS { too_many() } else { refusal })
    }

    /// Counts a call of `message/send`.
    pub(super) fn check_rate(&mut self, now: i64, faults: &WecomFaults) -> Result<(), Refusal> {
        forget(&mut self.calls, now - MINUTE);
        if self.blocked_until > now {
            return Err(too_many());
        }
        if self.calls.len() as u64 >= faults.calls_per_minute {
            self.blocked_until = now + MINUTE;
            return Err(too_many());
        }
        self.calls.push_back(now);
        Ok(())
    }

    /// The message this request repeats.
    pub(super) fn repeated(&mut self, request: &str, now: i64) -> Option<String> {
        let (until, msgid) = self.repeats.get(request)?;
        (*until > now).then(|| msgid.clone())
    }

    /// Counts `n` members of a message against the day.
    pub(super) fn check_day(&mut self, n: usize, now: i64, faults: &WecomFaults) -> Result<(), Refusal> {
        let day = day(now);
        if day != self.day {
            (self.day, self.sent_today) = (day, 0);
        }
        if self.sent_today + n as u64 > faults.messages_per_day {
            self.blocked_until = (day + 1) * DAY - CHINA;
            return Err(too_many());
        }
        self.sent_today += n as u64;
        Ok(())
    }

    /// Whether a message still reaches this member, which counts it.
    pub(super) fn reaches(&mut self, member: &str, now: i64, faults: &WecomFaults) -> bool {
        if self.members.len() > REMEMBERED {
            self.members.clear();
        }
        let log = self.members.entry(member.to_lowercase()).or_default();
        forget(log, now - HOUR);
        let in_minute = log.iter().filter(|at| **at > now - MINUTE).count();
        let reaches = in_minute < faults.member_per_minute && log.len() < faults.member_per_hour;
        if reaches {
            log.push_back(now);
        }
        reaches
    }

    /// A message was sent; returns its id.
    pub(super) fn note(&mut self, request: Option<(String, u64)>, now: i64) -> String {
        self.messages_sent += 1;
        let msgid = format!("simulated-msgid-{:08}-{:08x}", self.messages_sent, rand::random::<u32>());
        if self.messages.len() > REMEMBERED {
            self.messages.clear();
        }
        self.messages.insert(msgid.clone(), now);
        if let Some((request, seconds)) = request {
            self.repeats.retain(|_, (until, _)| *until > now);
            self.repeats.insert(request, (now + seconds as i64 * 1_000, msgid.clone()));
        }
        msgid
    }

    /// Takes a card's task, which no other card of the application may have.
    pub(super) fn take_task(&mut self, task: &str) -> Result<(), Refusal> {
        if self.tasks.len() > REMEMBERED {
            self.tasks.clear();
        }
        if self.tasks.insert(task.to_owned()) {
            Ok(())
        } else {
            Err(Refusal::new(40_058, "template_card.task_id duplicated"))
        }
    }

    /// What a card is updated by, once.
    pub(super) fn respond(&mut self, msgid: &str, now: i64) -> String {
        if self.responses.len() > REMEMBERED {
            self.responses.clear();
        }
        let code = unguessable();
        self.responses.insert(code.clone(), (msgid.to_owned(), now + UPDATED));
        code
    }

    /// The message that this code is for.
    pub(super) fn redeem(&mut self, code: &str, now: i64) -> Result<String, Refusal> {
        match self.responses.remove(code) {
            Some((msgid, until)) if until > now => Ok(msgid),
            _ => Err(Refusal::new(40_058, "response_code invalid, expired or used")),
        }
    }

    pub(super) fn check_recall(&self, msgid: &str, now: i64) -> Result<(), Refusal> {
        match self.messages.get(msgid) {
            None => Err(Refusal::new(40_058, "msgid invalid")),
            Some(at) if now - at > DAY => Err(Refusal::new(40_058, "msgid older than 24 hours")),
            Some(_) => Ok(()),
        }
    }
}

fn too_many() -> Refusal {
    Refusal::new(45_009, "api freq out of limit")
}

fn forget(log: &mut VecDeque<i64>, before: i64) {
    while log.front().is_some_and(|at| *at <= before) {
        log.pop_front();
    }
}
