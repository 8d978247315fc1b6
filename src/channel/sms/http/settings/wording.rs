//! What a template of the gateway's says, where a call names one and sends its variables.

use super::super::template::{Placeholder, Secrets, Template};
use super::Request;
use crate::channel::fields::Fields;
use crate::domain::sms_text::bracketed;

/// Characters of a text, sign and all.
const MOST_TEXT: usize = 500;
const KEY: &str = "template_text";

/// `template_text`: the approved wording, with `{params.x}` where the gateway puts the variable.
pub(super) fn wording(fields: &mut Fields<'_>, request: Option<&Request>, sign: &str) -> Option<Template> {
    let text = fields.text(KEY)?;
    let text = text.trim();
    let request = request?;
    if request.uses(&Placeholder::Text) {
        let detail = "the call sends {text}, so that no template says anything else";
        fields.fault(KEY, "not_allowed", detail);
        return None;
    }
    if text.contains(['【', '】']) {
        fields.fault(KEY, "signed", "the gateway puts the sign before it: leave out `【…】`");
    }
    if text.contains(|c: char| c.is_control() && c != '\n') {
        fields.fault(KEY, "control_character", "a text has no control characters");
    }
    if text.chars().count() + bracketed(sign, true).chars().count() > MOST_TEXT {
        let detail = format!("sign and text together have more than {MOST_TEXT} characters");
        fields.fault(KEY, "too_long", detail);
    }
    let template = match Template::parse(text, &Secrets::new()) {
        Ok(template) => template,
        Err(reason) => {
            fields.fault(KEY, "unknown_placeholder", reason);
            return None;
        }
    };
    for placeholder in template.placeholders() {
        match placeholder {
            Placeholder::Param(_) if request.uses(placeholder) => {}
            Placeholder::Param(name) => {
                fields.fault(KEY, "unmapped_placeholder", format!("no call sends {{params.{name}}}"));
            }
            _ => fields.fault(KEY, "unmapped_placeholder", "only {params.x} has a place in it"),
        }
    }
    Some(template)
}
