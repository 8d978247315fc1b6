//! What would have changed over the last days, for whoever is about to change the rules: a part of the page of the change,
//! loaded when the page stands, or asked for by a button.

use actix_web::HttpResponse;
use askama::Template;

use super::MEANWHILE;
use super::words::{self, Names};
use crate::console::access::Signed;
use crate::console::page;
use crate::console::view::View;
use crate::domain::audience::Audience;
use crate::domain::id::MessageId;
use crate::service::Services;
use crate::service::routing::hindsight::{DAYS, Hindsight, Way};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/rules/hindsight.html")]
pub struct HindsightFragment {
    pub view: View,
    pub ask: Ask,
    pub seen: Seen,
}

/// How it is asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// By itself, from this path. Without script by a link to the page that has it at once.
    Load { fragment: String, page: String },
    /// By itself too, with what the form around it says. Without script by a button of that form.
    Send(&'static str),
    /// By a button of the form around it, which is still being filled in.
    Press(&'static str),
}

#[derive(Debug)]
pub enum Seen {
    NotYet,
    Told(Box<Told>),
    /// Why there is nothing to look at.
    Not(String),
}

#[derive(Debug)]
pub struct Told {
    pub found: Hindsight,
    pub turns: Vec<TurnRow>,
}

#[derive(Debug)]
pub struct TurnRow {
    pub messages: u64,
    /// What, as it is, and as it would have been.
    pub lines: Vec<(String, String, String)>,
    pub examples: Vec<(MessageId, String)>,
}

impl Ask {
    /// It waits for nobody to press anything.
    fn at_once(&self) -> bool {
        !matches!(self, Self::Press(_))
    }
}

impl HindsightFragment {
    pub(super) const fn waiting(view: View, ask: Ask) -> Self {
        Self { view, ask, seen: Seen::NotYet }
    }

    /// What was found, or why nothing could be: the change cannot be made as it stands, which its own form says in full.
    pub(super) async fn told(
        s: &Services,
        signed: &Signed,
        ask: Ask,
        found: Result<Hindsight>,
    ) -> Result<Self> {
        let view = signed.view();
        let seen = match found {
            Ok(found) => {
                let names = Names::load(s, signed).await?;
                Seen::Told(Box::new(Told::new(&view, &names, found)))
            }
            Err(Error::Invalid(_)) => Seen::Not(view.t("hindsight-faulty")),
            Err(Error::Conflict { code: MEANWHILE, .. }) => Seen::Not(view.t("rules-changed-meanwhile")),
            Err(other) => return Err(other),
        };
        Ok(Self { view, ask, seen })
    }

    pub(super) async fn answer(
        s: &Services,
        signed: &Signed,
        ask: Ask,
        found: Result<Hindsight>,
    ) -> Result<HttpResponse> {
        page::html(&Self::told(s, signed, ask, found).await?)
    }

    fn is_waiting(&self) -> bool {
        matches!(self.seen, Seen::NotYet)
    }

    /// Of how many messages how many are told of.
    fn scope(&self, found: &Hindsight) -> String {
        let Hindsight { messages, looked_at, .. } = found;
        if looked_at == messages {
            return self.view.t2("hindsight-all", "n", self.view.number(messages), "days", DAYS);
        }
        let looked_at = self.view.number(looked_at);
        self.view.t2("hindsight-sample", "n", self.view.number(messages), "looked", looked_at)
    }
}

impl Told {
    pub fn new(view: &View, names: &Names, found: Hindsight) -> Self {
        let row = |turn: &crate::service::routing::hindsight::Turn| TurnRow {
            messages: turn.messages,
            lines: lines(view, names, &turn.before, &turn.after),
            examples: turn.examples.clone(),
        };
        Self { turns: found.turns.iter().map(row).collect(), found }
    }
}

/// What differs between two ways, each aspect in the words rules are told in.
fn lines(view: &View, names: &Names, before: &Way, after: &Way) -> Vec<(String, String, String)> {
    let mut lines = Vec::new();
    let mut line = |key: &str, said: &dyn Fn(&Way) -> String| {
        let (was, is) = (said(before), said(after));
        if was != is {
            lines.push((view.t(key), was, is));
        }
    };
    line("hindsight-rules", &|way| matched(view, way));
    if before.unrouted.is_some() || after.unrouted.is_some() {
        line("hindsight-end", &|way| end(view, names, way));
        return lines;
    }
    line("hindsight-audience", &|way| audience(view, names, way));
    line("field-plan", &|way| words::channels(view, &way.plan));
    line("hindsight-hold", &|way| way.hold.clone().unwrap_or_else(|| view.t("hindsight-no-hold")));
    line("hindsight-text", &|way| match &way.template {
        Some(slug) => view.t1("rule-template", "name", names.template(slug)),
        None => view.t("template-none"),
    });
    line("hindsight-life", &|way| match way.expires_in_minutes {
        Some(minutes) => words::minutes_text(view, minutes),
        None => view.t("hindsight-own-life"),
    });
    line("field-quiet", &|way| {
        way.quiet_hours.map_or_else(|| view.t("quiet-none"), |quiet| words::quiet(view, quiet))
    });
    lines
}

fn matched(view: &View, way: &Way) -> String {
    if way.rules.is_empty() {
        return view.t("hindsight-no-rule");
    }
    let named: Vec<_> = way.rules.iter().map(|(_, name)| name.clone()).collect();
    words::quoted(view, &named).join(&view.t("list-and"))
}

/// That nobody gets it and why, or who does and how.
fn end(view: &View, names: &Names, way: &Way) -> String {
    match &way.unrouted {
        Some(why) => words::why_unrouted(view, names, why),
        None => [audience(view, names, way), words::channels(view, &way.plan)].join(&view.t("rule-then-and")),
    }
}

fn audience(view: &View, names: &Names, way: &Way) -> String {
    if way.audiences.is_empty() && !way.replaced {
        return view.t("hindsight-own-people");
    }
    let people: Vec<_> =
        way.audiences.iter().map(|people: &Audience| words::people(view, names, people)).collect();
    let people = people.join(&view.t("list-and"));
    let key = if way.replaced { "rule-audience-replace" } else { "rule-audience-add" };
    view.t1(key, "people", people)
}
