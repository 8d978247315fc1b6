//! The third step: who would get it by which channel, who would not and why, and what the rules make of it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;

use super::sensitive::Words;
use super::trial::{Trial, TrialQuery};
use super::{Frame, Step, gone, missed, open};
use crate::Result;
use crate::console::access::Signed;
use crate::console::form::{Form, fault_text};
use crate::console::label::Tone;
use crate::console::page::{self, Section, Shell, Theme, see_other};
use crate::console::rules::simulator::{Fate, Outcome, Reach, RuleOutcome};
use crate::console::rules::words::Names;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::suppressed::{NO_ADDRESS, OPTED_OUT};
use crate::domain::id::DraftId;
use crate::domain::operator::Permission;
use crate::domain::sensitive::Treatment;
use crate::error::Error;
use crate::service::Services;
use crate::service::costs::{self, Estimate};
use crate::service::drafts::{self, Draft, Saved, SimilarMessage};
use crate::service::messages::Verdict;

#[derive(Debug, Template)]
#[template(path = "console/compose/proof.html")]
pub struct ProofPage {
    pub shell: Shell,
    pub frame: Frame,
    pub version: i64,
    pub seen: std::result::Result<Proof, Vec<Lack>>,
    /// The rules have a page that this operator may see.
    pub sees_rules: bool,
}

impl ProofPage {
    /// Somebody would not get it by a channel.
    fn misses_any(&self, outcome: &Outcome) -> bool {
        outcome.channels.iter().any(|reach| self.missed(reach).iter().any(|figure| figure.n > 0))
    }

    /// How many a channel does not reach, by why, each with the list of who they are.
    fn missed(&self, reach: &Reach) -> [MissedFigure; 3] {
        let view = &self.shell.view;
        let channel = reach.channel;
        let figure = |n, why: &str, name: &str| MissedFigure {
            n,
            href: missed::address_of(self.frame.id, channel, why),
            name: format!("{} {}", view.channel_text(channel), view.t(name)),
        };
        [
            figure(reach.no_address, NO_ADDRESS, "reach-no-address"),
            figure(reach.opted_out, OPTED_OUT, "reach-opted-out"),
            figure(reach.suppressed, missed::SUPPRESSED, "reach-suppressed"),
        ]
    }

    /// Whose budget it is, before what is said of it.
    fn whose(&self) -> String {
        let view = &self.shell.view;
        let of = self.frame.department.clone().unwrap_or_else(|| view.t("costs-operators"));
        view.t1("cost-budget-of", "of", of)
    }

    /// Names of channels, one after the other.
    fn channels(&self, channels: &[ChannelKind]) -> String {
        let view = &self.shell.view;
        let names: Vec<_> = channels.iter().map(|channel| view.channel_text(*channel)).collect();
        names.join(&view.t("word-separator"))
    }
}

/// How many people a channel does not reach for a reason.
#[derive(Clone, Debug)]
struct MissedFigure {
    n: u64,
    /// Where they are listed.
    href: String,
    /// The channel and the reason.
    name: String,
}

/// Something that keeps it from being a message, and the step that mends it.
#[derive(Clone, Debug)]
pub struct Lack {
    pub step: Step,
    pub text: String,
}

#[derive(Debug)]
pub struct Proof {
    pub outcome: Outcome,
    /// Those that matched.
    pub rules: Vec<RuleOutcome>,
    /// Messages of the last days that say almost the same.
    pub similar: Vec<SimilarMessage>,
    pub words: Words,
    /// What it costs by SMS.
    pub cost: Option<Estimate>,
    pub trial: Trial,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    query: Query<TrialQuery>,
) -> Result<HttpResponse> {
    match open(&s, &signed, *id).await? {
        Ok(draft) => page::html(&page(&s, &signed, &draft, &query).await?),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn page(s: &Services, signed: &Signed, draft: &Draft, query: &TrialQuery) -> Result<ProofPage> {
    let shell = signed.shell(Section::Compose)?;
    let view = &shell.view;
    let seen = match drafts::proof(s, &signed.caller, &draft.composed).await {
        Ok(simulation) => {
            let names = Names::load(s, signed).await?;
            let mut outcome = Outcome::new(view, &names, None, &simulation);
            let matched = simulation.rules.iter().map(|rule| rule.verdict == Verdict::Matched);
            let rules = std::mem::take(&mut outcome.rules).into_iter().zip(matched);
            let rules = rules.filter(|(_, matched)| *matched).map(|(rule, _)| rule).collect();
            let similar =
                drafts::similar(s, &signed.caller, &simulation.outline, simulation.similar.as_ref()).await?;
            let words = Words::new(view, &simulation.words, &draft.composed.looked_at);
            let department = drafts::writes_for(&signed.caller, &draft.composed)?;
            let cost = costs::estimate(s, &signed.caller, department.as_deref(), &simulation).await?;
            let trial = Trial::load(s, signed, &simulation, query).await?;
            Ok(Proof { outcome, rules, similar, words, cost, trial })
        }
        Err(Error::Invalid(faults)) => Err(faults
            .iter()
            .map(|fault| Lack {
                step: Step::mending(fault),
                text: fault_text(view, &fault.code, &fault.detail),
            })
            .collect()),
        Err(other) => return Err(other),
    };
    Ok(ProofPage {
        frame: Frame::new(signed, draft, Step::Proof),
        version: draft.version,
        seen,
        sees_rules: signed.may(Permission::RoutingView),
        shell,
    })
}

/// Its author has looked at the words that it says, and goes on.
pub(in crate::console) async fn look(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    form: Form,
) -> Result<HttpResponse> {
    let mut draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let mut page = page(&s, &signed, &draft, &TrialQuery::default()).await?;
    let Ok(proof) = &mut page.seen else { return Ok(see_other(&Step::Proof.href(*id))) };
    if form.text("version") != draft.version.to_string() {
        page.frame.meanwhile = true;
        return page::answer(HttpResponse::Conflict(), &page);
    }
    if let Some(words) = &proof.words.to_look_at {
        // What was ticked are the words that were shown.
        if form.text("looked_at") != words {
            proof.words.is_asked = true;
            return page::answer(HttpResponse::UnprocessableEntity(), &page);
        }
        draft.composed.looked_at.clone_from(words);
        // The window that wrote it may have written on: only of this version the words were looked at.
        draft.composed.window.clear();
        match drafts::save(&s, &signed.caller, draft.id, draft.version, &draft.composed).await? {
            Saved::Kept(_) => {}
            Saved::Meanwhile(_) => {
                page.frame.meanwhile = true;
                return page::answer(HttpResponse::Conflict(), &page);
            }
            Saved::Sent(message) => return gone(&signed, message),
        }
    }
    Ok(see_other(&format!("{}?people={}", Step::When.href(*id), proof.outcome.total)))
}
