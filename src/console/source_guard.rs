//! From where a source may call, and when somebody is told that nothing comes from it.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::Signed;
use super::form::{FieldFaults, Form};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::view::{View, grouped};
use crate::domain::calendar::DayKind;
use crate::domain::id::SourceId;
use crate::domain::network::Network;
use crate::domain::operator::Permission;
use crate::domain::silence::Watch;
use crate::error::Fault;
use crate::service::Services;
use crate::service::sources::{self, GuardForm, KEPT, LONGEST_SILENCE, Source, WatchForm};
use crate::{Error, Result};

/// Addresses that a page tells.
const MOST_SEEN: usize = 8;

#[derive(Debug, Template)]
#[template(path = "console/source_guard.html")]
pub struct SourceGuardPage {
    pub shell: Shell,
    pub id: SourceId,
    pub name: String,
    pub form: GuardFields,
    pub faults: FieldFaults,
    /// Where it called from lately and how often, the most frequent first.
    pub seen: Vec<(String, u64)>,
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct GuardFields {
    /// One network a line.
    pub networks: String,
    /// Of [`WATCHES`].
    pub watch: String,
    pub hours: String,
    pub days: Vec<DayKind>,
    pub times: String,
}

/// Ways to watch a source.
pub const WATCHES: [&str; 3] = ["usual", "after", "never"];

impl GuardFields {
    fn of(source: &Source) -> Self {
        let lines: Vec<_> = source.networks.iter().map(Network::to_string).collect();
        let fields = Self { networks: lines.join("\n"), ..Self::default() };
        match &source.silence {
            Watch::Usual => Self { watch: "usual".to_owned(), ..fields },
            Watch::Never => Self { watch: "never".to_owned(), ..fields },
            Watch::After(silence) => Self {
                watch: "after".to_owned(),
                hours: silence.hours.to_string(),
                days: silence.days.clone(),
                times: silence.times.map(|window| window.to_string()).unwrap_or_default(),
                ..fields
            },
        }
    }

    fn typed(form: &Form) -> Self {
        Self {
            networks: form.text("networks").to_owned(),
            watch: form.text("watch").to_owned(),
            hours: form.text("hours").to_owned(),
            days: form.all("days").filter_map(|day| day.parse().ok()).collect(),
            times: form.text("times").to_owned(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let parts = self.networks.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；'));
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn form(&self) -> GuardForm {
        let watch = match self.watch.as_str() {
            "never" => WatchForm::Never,
            "after" => WatchForm::After {
                hours: self.hours.parse().ok(),
                days: self.days.clone(),
                times: self.times.clone(),
            },
            _ => WatchForm::Usual,
        };
        GuardForm { networks: self.lines(), watch }
    }
}

/// When somebody is told, in a sentence.
pub(super) fn watch_text(view: &View, watch: &Watch) -> String {
    let silence = match watch {
        Watch::Usual => return view.t("watch-usual"),
        Watch::Never => return view.t("watch-never"),
        Watch::After(silence) => silence,
    };
    let mut parts = vec![view.count("watch-after", u64::from(silence.hours))];
    if !silence.days.is_empty() {
        let days: Vec<_> = silence.days.iter().map(|day| view.t(&format!("day-{day}"))).collect();
        parts.push(view.t1("watch-days", "days", days.join(&view.t("watch-and"))));
    }
    parts.extend(silence.times.map(|times| view.t1("watch-times", "times", times)));
    parts.join(&view.t("watch-comma"))
}

/// Where it called from lately and how often, the most frequent first.
async fn seen(s: &Services, signed: &Signed, id: SourceId) -> Result<Vec<(String, u64)>> {
    let mut seen = BTreeMap::new();
    for call in sources::calls(s, &signed.caller, id, false, 2 * KEPT as u32).await? {
        *seen.entry(call.address).or_default() += 1;
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    Ok(seen)
}

pub(super) async fn show(s: Data<Services>, signed: Signed, id: Path<SourceId>) -> Result<HttpResponse> {
    signed.caller.reach(Permission::SourcesEdit)?;
    let source = sources::get(&s, &signed.caller, *id).await?;
    if !signed.may_in(Permission::SourcesEdit, &source.department) {
        return Err(Error::NotFound("source"));
    }
    let mut seen = seen(&s, &signed, *id).await?;
    seen.truncate(MOST_SEEN);
    page::html(&SourceGuardPage {
        shell: signed.shell(Section::Sources)?,
        id: *id,
        form: GuardFields::of(&source),
        faults: FieldFaults::default(),
        name: source.name,
        seen,
    })
}

pub(super) async fn save(
    s: Data<Services>,
    signed: Signed,
    id: Path<SourceId>,
    form: Form,
) -> Result<HttpResponse> {
    let fields = GuardFields::typed(&form);
    let asked = fields.form();
    match sources::guard(&s, &signed.caller, *id, &asked).await {
        Ok(()) => {
            signed.say(&said(&s, &signed, *id, &asked).await?)?;
            Ok(see_other(&format!("/console/sources/{id}")))
        }
        Err(Error::Invalid(faults)) => refuse(&s, &signed, *id, fields, &faults).await,
        Err(other) => Err(other),
    }
}

/// That it was saved; and whom it shuts out, where the source called from elsewhere just now.
async fn said(s: &Services, signed: &Signed, id: SourceId, asked: &GuardForm) -> Result<Flash> {
    let view = signed.view();
    let networks: Vec<Network> = asked.networks.iter().filter_map(|text| text.parse().ok()).collect();
    let is_out = |address: &str| {
        let address = address.parse();
        address.is_ok_and(|address| !networks.iter().any(|network| network.has(address)))
    };
    let mut seen = seen(s, signed, id).await?;
    seen.retain(|(address, _)| !networks.is_empty() && is_out(address));
    if seen.is_empty() {
        return Ok(Flash::good(view.t("guard-saved")));
    }
    let addresses: Vec<_> = seen.into_iter().take(MOST_SEEN).map(|(address, _)| address).collect();
    Ok(Flash::amber(view.t1("guard-saved-but", "addresses", addresses.join(&view.t("watch-and")))))
}

async fn refuse(
    s: &Services,
    signed: &Signed,
    id: SourceId,
    fields: GuardFields,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let shell = signed.shell(Section::Sources)?;
    let lines = fields.lines();
    let about = |fault: &Fault| match fault.pointer.strip_prefix("/networks/") {
        Some(at) => lines.get(at.parse::<usize>().ok()?).cloned(),
        None => (fault.pointer == "/hours").then(|| grouped(LONGEST_SILENCE.into())),
    };
    let mut seen = seen(s, signed, id).await?;
    seen.truncate(MOST_SEEN);
    let page = SourceGuardPage {
        faults: FieldFaults::about(&shell.view, faults, about),
        shell,
        id,
        name: sources::get(s, &signed.caller, id).await?.name,
        form: fields,
        seen,
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}
