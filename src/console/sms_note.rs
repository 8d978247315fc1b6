//! What is to be said of an SMS before it is sent, in the reader's language: where it is written, tried out and pressed.

use super::view::View;
use crate::service::messages::SmsNote;

pub(super) fn said(view: &View, note: &SmsNote) -> String {
    match note {
        SmsNote::Wording { provider, instead: true, .. } => {
            view.t1("warning-sms-wording-instead", "provider", provider)
        }
        SmsNote::Wording { provider, template: Some(template), .. } => {
            view.t2("warning-sms-wording", "provider", provider, "template", template)
        }
        SmsNote::Wording { provider, template: None, .. } => {
            view.t1("warning-sms-wording-unnamed", "provider", provider)
        }
        SmsNote::Sign { provider } => view.t1("warning-sms-sign", "provider", provider),
        SmsNote::Refused { provider, code, why } => match code.as_str() {
            "belltower.no_template" => view.t1("warning-sms-no-template", "provider", provider),
            "belltower.too_long" => view.t1("warning-sms-too-long", "provider", provider),
            _ => view.t2("warning-sms-refused", "provider", provider, "why", why),
        },
        SmsNote::Mute { provider } => view.t1("warning-sms-mute", "provider", provider),
        SmsNote::Differs { segments } => {
            let each = |(provider, n): &(String, usize)| {
                view.t2("warning-sms-by", "provider", provider, "n", view.number(*n as u64))
            };
            let each: Vec<_> = segments.iter().map(each).collect();
            view.t1("warning-sms-differs", "each", each.join(&view.t("list-separator")))
        }
    }
}
