//! What an account has used up. Moments are in milliseconds since 1970.

use super::answer::Refusal;
use super::faults::AliyunFaults;
use super::texts::Text;
use crate::simulator::clock::{CHINA, DAY};
use crate::simulator::frequency::Frequency;
use crate::simulator::http_sms::segments;
use crate::simulator::sms_cloud::Usage;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[derive(Debug, Default)]
pub(super) struct Account {
    /// By sign, template and number.
    sent: Frequency,
    usage: Usage,
}

impl Account {
    /// Counts a call.
    pub(super) fn check_rate(&mut self, now: i64, account: &AliyunFaults) -> Result<(), Refusal> {
        if self.usage.call(now) > account.calls_per_second {
            return Err(Refusal::new("Throttling.User"));
        }
        Ok(())
    }

    /// Counts these texts, or says which limit one of them breaks and counts none.
    pub(super) fn take(&mut self, texts: &[Text], now: i64, account: &AliyunFaults) -> Result<(), Refusal> {
        for text in texts {
            self.check_frequency(&key(text), now, account)?;
        }
        if self.usage.today(now) + texts.len() as u64 > account.account_per_day {
            return Err(Refusal::new("isv.DAY_LIMIT_CONTROL"));
        }
        let cost: usize = texts.iter().map(|text| segments(&text.words)).sum();
        let cost = cost as u64;
        if !self.usage.affords(cost, account.balance) {
            return Err(Refusal::new("isv.AMOUNT_NOT_ENOUGH"));
        }
        self.usage.spend(texts.len() as u64, cost);
        for text in texts {
            self.sent.add(key(text), now, now - DAY);
        }
        Ok(())
    }

    fn check_frequency(&self, key: &str, now: i64, account: &AliyunFaults) -> Result<(), Refusal> {
        let began = |length: i64| (now + CHINA).div_euclid(length) * length - CHINA;
        let limits = [
            ("分钟", account.per_minute, began(MINUTE)),
            ("小时", account.per_hour, began(HOUR)),
            ("天", account.per_day, now - DAY + 1),
        ];
        match limits.into_iter().find(|(_, limit, from)| self.sent.since(key, *from) >= *limit) {
            None => Ok(()),
            Some((name, limit, _)) => {
                let words = format!("触发{name}级流控Permits:{limit}");
                Err(Refusal::saying("isv.BUSINESS_LIMIT_CONTROL", words))
            }
        }
    }

    /// A balance counts from when it was set.
    pub(super) fn settle(&mut self) {
        self.usage.settle();
    }

    pub(super) fn reset(&mut self) {
        self.sent.clear();
        self.usage.reset();
    }
}

fn key(text: &Text) -> String {
    format!("{}|{}|{}", text.sign, text.template, text.number.known)
}
