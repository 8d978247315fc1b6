//! Tokens of both kinds: the stable one, which calls share, and the old one, which every call replaces.

use std::collections::VecDeque;

use super::refuse;
use crate::simulator::clock::day;
use crate::simulator::wechat::answer::Refusal;
use crate::simulator::wechat::unguessable;

const MINUTE: i64 = 60_000;
/// A token is replaced when it has less than this, and lives as long beside the one that replaces it.
const OVERLAP: i64 = 5 * MINUTE;
const FORCED_A_DAY: u64 = 20;
/// Between two forced ones.
const FORCED_APART: i64 = 30_000;
const STABLE_A_MINUTE: usize = 10_000;
const STABLE_A_DAY: u64 = 500_000;
const CLASSIC_A_DAY: u64 = 2_000;
/// As long as the vendor asks that tokens be stored.
const LENGTH: usize = 512;
/// Former tokens that are told from those that never were.
const REMEMBERED: usize = 100;

#[derive(Clone, Debug)]
struct Token {
    text: String,
    until: i64,
    /// Before its time, by a forced one or by the vendor.
    is_killed: bool,
}

/// Moments are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    stable: Option<Token>,
    classic: Option<Token>,
    former: VecDeque<Token>,
    minute: VecDeque<i64>,
    day: i64,
    stable_today: u64,
    forced_today: u64,
    classic_today: u64,
    forced_at: Option<i64>,
}

impl Tokens {
    /// The stable token and for how many seconds it is good.
    pub(super) fn stable(&mut self, force: bool, seconds: u64, now: i64) -> Result<(String, i64), Refusal> {
        self.begin_day(now);
        while self.minute.front().is_some_and(|at| *at <= now - MINUTE) {
            self.minute.pop_front();
        }
        if self.minute.len() >= STABLE_A_MINUTE {
            return Err(too_often());
        }
        if self.stable_today >= STABLE_A_DAY {
            return Err(too_many());
        }
        self.minute.push_back(now);
        self.stable_today += 1;
        if force {
            if self.forced_today >= FORCED_A_DAY {
                return Err(too_many());
            }
            if self.forced_at.is_some_and(|at| now - at < FORCED_APART) {
                return Err(too_often());
            }
            self.forced_today += 1;
            self.forced_at = Some(now);
            self.kill();
        }
        if let Some(token) = &self.stable
            && token.until - now >= OVERLAP
        {
            return Ok((token.text.clone(), (token.until - now) / 1_000));
        }
        let old = self.stable.take();
        self.retire(old, now);
        let token = issue(seconds, now);
        self.stable = Some(token.clone());
        Ok((token.text, seconds as i64))
    }

    /// A new one each time.
    pub(super) fn classic(&mut self, seconds: u64, now: i64) -> Result<(String, i64), Refusal> {
        self.begin_day(now);
        if self.classic_today >= CLASSIC_A_DAY {
            return Err(too_many());
        }
        self.classic_today += 1;
        let old = self.classic.take();
        self.retire(old, now);
        let token = issue(seconds, now);
        self.classic = Some(token.clone());
        Ok((token.text, seconds as i64))
    }

    /// Ends the stable token at once.
    pub(super) fn kill(&mut self) {
        let stable = self.stable.take().map(|token| Token { is_killed: true, ..token });
        for token in &mut self.former {
            token.is_killed = true;
        }
        self.former.extend(stable);
    }

    pub(super) fn check(&self, token: Option<&str>, now: i64) -> Result<(), Refusal> {
        let Some(text) = token.filter(|token| !token.is_empty()) else {
            return Err(refuse(41_001, "access_token missing"));
        };
        let known =
            self.stable.iter().chain(&self.classic).chain(&self.former).find(|token| token.text == text);
        match known {
            Some(token) if token.is_killed => Err(not_latest()),
            Some(token) if token.until > now => Ok(()),
            Some(_) => Err(refuse(42_001, "access_token expired")),
            None if text.len() == LENGTH => Err(not_latest()),
            None => Err(refuse(40_014, "invalid access_token")),
        }
    }

    fn retire(&mut self, token: Option<Token>, now: i64) {
        if self.former.len() >= REMEMBERED {
            self.former.pop_front();
        }
        // One that has ended already does not come back.
        let live = |token: Token| Token {
            until: if token.until > now { now + OVERLAP } else { token.until },
            ..token
        };
        self.former.extend(token.map(live));
    }

    fn begin_day(&mut self, now: i64) {
        let today = day(now);
        if today != self.day {
            (self.day, self.stable_today, self.forced_today, self.classic_today) = (today, 0, 0, 0);
        }
    }
}

fn issue(seconds: u64, now: i64) -> Token {
    let mut text = String::new();
    while text.len() < LENGTH {
        text.push_str(&unguessable());
    }
    Token { text, until: now + seconds as i64 * 1_000, is_killed: false }
}

fn not_latest() -> Refusal {
    refuse(40_001, "invalid credential, access_token is invalid or not latest")
}

fn too_many() -> Refusal {
    refuse(45_009, "reach max api daily quota limit")
}

fn too_often() -> Refusal {
    refuse(45_011, "api minute-quota reach limit, please try again later")
}
