//! What an account has used up. Moments are in milliseconds since 1970.

use super::faults::TencentFaults;
use super::gate::Refusal;
use super::texts::Fault;
use crate::simulator::clock::{CHINA, DAY, day};
use crate::simulator::frequency::Frequency;
use crate::simulator::sms_cloud::Usage;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

#[derive(Debug, Default)]
pub(super) struct Account {
    by_number: Frequency,
    by_number_and_words: Frequency,
    usage: Usage,
}

impl Account {
    /// Counts a call.
    pub(super) fn check_rate(&mut self, now: i64, account: &TencentFaults) -> Result<(), Refusal> {
        if self.usage.call(now) > account.calls_per_second {
            return Err(Refusal::new("RequestLimitExceeded", "your current request times equals to limit"));
        }
        Ok(())
    }

    /// Counts a text of so many messages on the bill, or says which limit it breaks.
    pub(super) fn take(
        &mut self,
        number: &str,
        words: &str,
        cost: u64,
        now: i64,
        account: &TencentFaults,
    ) -> Result<(), Fault> {
        let limit = |name: &str, message| Err(Fault::new(&format!("LimitExceeded.{name}"), message));
        let same = format!("{number} {words}");
        let recently = now - 30 * SECOND + 1;
        if account.same_in_thirty_seconds && self.by_number_and_words.since(&same, recently) > 0 {
            return limit(
                "PhoneNumberThirtySecondLimit",
                "the number of sms messages sent from a single mobile number within 30 seconds exceeds the upper limit",
            );
        }
        if self.by_number.since(number, now - HOUR + 1) >= account.per_number_hour {
            return limit(
                "PhoneNumberOneHourLimit",
                "the number of sms messages sent from a single mobile number within 1 hour exceeds the upper limit",
            );
        }
        if self.by_number.since(number, day(now) * DAY - CHINA) >= account.per_number_day {
            return limit(
                "PhoneNumberDailyLimit",
                "the number of sms messages sent from a single mobile number every day exceeds the upper limit",
            );
        }
        if self.usage.today(now) >= account.app_per_day {
            return limit(
                "AppDailyLimit",
                "the number of sms messages sent every day exceeds the upper limit",
            );
        }
        if !self.usage.affords(cost, account.balance) {
            let code = "FailedOperation.InsufficientBalanceInSmsPackage";
            return Err(Fault::new(code, "insufficient balance in sms package"));
        }
        self.usage.spend(1, cost);
        self.by_number.add(number.to_owned(), now, now - DAY);
        self.by_number_and_words.add(same, now, recently);
        Ok(())
    }

    /// A balance counts from when it was set.
    pub(super) fn settle(&mut self) {
        self.usage.settle();
    }

    pub(super) fn reset(&mut self) {
        self.by_number.clear();
        self.by_number_and_words.clear();
        self.usage.reset();
    }
}
