//! What became of texts, for whoever asks and for whoever is told.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::answer::Refusal;
use super::gate::Call;
use super::texts::{Number, Text};
use crate::simulator::http_sms::segments;
use crate::simulator::reports::{Record, ReportPlan};

/// What carriers say of a text that arrived.
pub(super) const DELIVERED: &str = "DELIVERED";
/// Texts that can be asked for; beyond it all of them are forgotten.
const REMEMBERED: usize = 200_000;
const DAYS: i64 = 30;
const MOST: usize = 50;
const HOUR: i64 = 3_600_000;
const CHINA: i64 = 8 * HOUR;

/// One text that was taken.
#[derive(Clone, Debug)]
pub(super) struct Detail {
    biz_id: String,
    out_id: Option<String>,
    template: String,
    words: String,
    sent_at: i64,
    /// When and what is known of it, if anything ever is.
    known: Option<(i64, String)>,
}

/// By number, as it is told.
#[derive(Debug, Default)]
pub(super) struct Details {
    texts: HashMap<String, Vec<Detail>>,
    count: usize,
}

impl Detail {
    /// `is_lost`: taken, and never to be heard of.
    pub(super) fn new(
        text: &Text,
        biz_id: &str,
        out_id: Option<&str>,
        is_lost: bool,
        now: i64,
        plan: &ReportPlan,
    ) -> Self {
        let status = plan.status(&text.number.known, DELIVERED).filter(|_| !is_lost);
        Self {
            biz_id: biz_id.to_owned(),
            out_id: out_id.map(str::to_owned),
            template: text.template.clone(),
            words: text.words.clone(),
            sent_at: now,
            known: status.map(|status| (now + plan.delay_ms as i64, status.to_owned())),
        }
    }

    /// As it is pushed.
    pub(super) fn record(&self, text: &Text) -> Option<Record> {
        let (at, status) = self.known.as_ref()?;
        let json = json!({
            "phone_number": text.number.told, "send_time": local(self.sent_at), "report_time": local(*at),
            "success": status == DELIVERED, "err_code": status,
            "err_msg": if status == DELIVERED { "用户接收成功" } else { "用户接收失败" },
            "sms_size": segments(&self.words).to_string(), "biz_id": self.biz_id,
            "out_id": self.out_id.as_deref().unwrap_or_default(),
        });
        Some(Record {
            call: self.biz_id.clone(),
            number: text.number.known.clone(),
            status: status.clone(),
            json: json.to_string(),
        })
    }
}

impl Details {
    pub(super) fn keep(&mut self, number: &str, detail: Detail) {
        if self.count >= REMEMBERED {
            self.clear();
        }
        self.count += 1;
        self.texts.entry(number.to_owned()).or_default().push(detail);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// `QuerySendDetails`
    pub(super) fn query(&self, call: &Call, now: i64) -> Result<Value, Refusal> {
        let wrong = || Refusal::new("isv.INVALID_PARAMETERS");
        let number = Number::read(call.need("PhoneNumber")?)?.told;
        let date = call.need("SendDate")?;
        let day = jiff::civil::Date::strptime("%Y%m%d", date).map_err(|_| wrong())?;
        let from = jiff::tz::Offset::constant(8).to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| wrong())?;
        let from = from.as_millisecond();
        let size: usize = call.need("PageSize")?.parse().map_err(|_| wrong())?;
        let page: usize = call.need("CurrentPage")?.parse().map_err(|_| wrong())?;
        let today = (now + CHINA).div_euclid(24 * HOUR) * 24 * HOUR - CHINA;
        if !(1..=MOST).contains(&size) || page == 0 || from < today - DAYS * 24 * HOUR {
            return Err(wrong());
        }
        let biz_id = call.get("BizId");
        let found: Vec<&Detail> = self
            .texts
            .get(&number)
            .into_iter()
            .flatten()
            .filter(|text| (from..from + 24 * HOUR).contains(&text.sent_at))
            .filter(|text| biz_id.is_none_or(|id| text.biz_id == id))
            .collect();
        let shown = found.iter().skip((page - 1) * size).take(size).map(|text| text.shown(&number, now));
        Ok(json!({
            "TotalCount": found.len().to_string(),
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown.collect::<Vec<_>>()},
        }))
    }
}

impl Detail {
    fn shown(&self, number: &str, now: i64) -> Value {
        let known = self.known.as_ref().filter(|(at, _)| *at <= now);
        let status = known.map_or(1, |(_, status)| if status == DELIVERED { 3 } else { 2 });
        let mut shown = json!({
            "PhoneNum": number, "SendStatus": status, "SendDate": local(self.sent_at),
            "TemplateCode": self.template, "Content": self.words,
        });
        if let Some((at, status)) = known {
            shown["ErrCode"] = status.as_str().into();
            shown["ReceiveDate"] = local(*at).into();
        }
        if let Some(id) = &self.out_id {
            shown["OutId"] = id.as_str().into();
        }
        shown
    }
}

/// As clocks in China show it.
fn local(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    jiff::tz::Offset::constant(8).to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
