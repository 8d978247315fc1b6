//! What the operator who looks is told of, and by what.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::json;

use super::HOME;
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::domain::alarm::{AlarmKind, Severity};
use crate::domain::channel::ChannelKind;
use crate::domain::operator::Permission;
use crate::service::{Services, alarms};
use crate::{Error, Result};

/// Channels by which a person of the directory is told.
const BESIDE_MAIL: [ChannelKind; 2] = [ChannelKind::Wechat, ChannelKind::Sms];

#[derive(Debug, Template)]
#[template(path = "console/alarms/wish.html")]
pub struct WishPage {
    pub shell: Shell,
    pub address: String,
    /// What they may be told of.
    pub kinds: Vec<AlarmKind>,
    pub form: WishForm,
    pub faults: FieldFaults,
}

/// As it was filled in.
#[derive(Clone, Debug, Default)]
pub struct WishForm {
    pub kinds: Vec<AlarmKind>,
    pub act_only: bool,
    pub email: bool,
    pub campus_id: String,
    pub channels: Vec<ChannelKind>,
}

/// How many people of a broadcast need help is told to whoever sees broadcasts.
fn kinds(signed: &Signed) -> Vec<AlarmKind> {
    let may = |kind: &AlarmKind| *kind != AlarmKind::Help || signed.may(Permission::EmergencyView);
    AlarmKind::ALL.iter().copied().filter(may).collect()
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let wish = alarms::wish(&s, &signed.caller).await?.unwrap_or_default();
    page::html(&WishPage {
        shell: signed.shell(Section::Alarms)?,
        address: signed.operator.email.clone(),
        kinds: kinds(&signed),
        form: WishForm {
            kinds: wish.kinds,
            act_only: wish.severity == Severity::Act,
            email: wish.email,
            campus_id: wish.campus_id.unwrap_or_default(),
            channels: wish.channels,
        },
        faults: FieldFaults::default(),
    })
}

pub(in crate::console) async fn choose(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let act_only = form.text("severity") == Severity::Act.name();
    let stops = form.text("act") == "stop";
    let asked: Vec<_> = form.all("kinds").filter(|_| !stops).collect();
    let document = json!({
        "kinds": asked,
        "severity": if act_only { Severity::Act } else { Severity::Look },
        "email": !form.text("email").is_empty(),
        "campus_id": form.text("campus_id"),
        "channels": form.all("channels").collect::<Vec<_>>(),
    });
    let document = if stops { json!({}) } else { document };
    match alarms::choose(&s, &signed.caller, &document).await {
        Ok(()) => {
            let view = signed.view();
            let said = if asked.is_empty() { view.t("wish-stopped") } else { view.t("wish-saved") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            let shell = signed.shell(Section::Alarms)?;
            let value = form.text("campus_id");
            let about =
                |fault: &crate::error::Fault| (fault.code == "unknown_recipient").then(|| value.to_owned());
            let faults = FieldFaults::about(&shell.view, &faults, about);
            let page = WishPage {
                faults,
                shell,
                address: signed.operator.email.clone(),
                kinds: kinds(&signed),
                form: WishForm {
                    kinds: asked.iter().filter_map(|kind| kind.parse().ok()).collect(),
                    act_only,
                    email: !form.text("email").is_empty(),
                    campus_id: value.to_owned(),
                    channels: form.all("channels").filter_map(|channel| channel.parse().ok()).collect(),
                },
            };
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}
