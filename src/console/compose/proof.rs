//! The third step: who would get it by which channel, who would not and why, and what the rules make of it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::{Frame, Step, open};
use crate::Result;
use crate::console::access::Signed;
use crate::console::form::fault_text;
use crate::console::label::Tone;
use crate::console::page::{self, Section, Shell, Theme};
use crate::console::rules::simulator::{Fate, Outcome, RuleOutcome};
use crate::console::rules::words::Names;
use crate::domain::id::{DraftId, MessageId};
use crate::domain::operator::Permission;
use crate::error::Error;
use crate::service::drafts;
use crate::service::messages::Verdict;
use crate::service::{Services, messages};

#[derive(Debug, Template)]
#[template(path = "console/compose/proof.html")]
pub struct ProofPage {
    pub shell: Shell,
    pub frame: Frame,
    pub seen: std::result::Result<Proof, Vec<Lack>>,
    /// The rules have a page that this operator may see.
    pub sees_rules: bool,
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
    /// One that says almost the same, and how it is called.
    pub similar: Option<(MessageId, String)>,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
) -> Result<HttpResponse> {
    let draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let frame = Frame::new(&draft, Step::Proof);
    let shell = signed.shell(Section::Compose)?;
    let view = &shell.view;
    let seen = match drafts::proof(&s, &signed.caller, &draft.composed).await {
        Ok(simulation) => {
            let names = Names::load(&s, &signed).await?;
            let mut outcome = Outcome::new(view, &names, None, &simulation);
            let matched = simulation.rules.iter().map(|rule| rule.verdict == Verdict::Matched);
            let rules = std::mem::take(&mut outcome.rules).into_iter().zip(matched);
            let rules = rules.filter(|(_, matched)| *matched).map(|(rule, _)| rule).collect();
            let similar = match &simulation.similar {
                Some(alike) if signed.may(Permission::MessagesView) => {
                    let found = messages::get_many(&s, &signed.caller, &[alike.id]).await?.pop();
                    found.map(|message| (alike.id, message.title))
                }
                _ => None,
            };
            Ok(Proof { outcome, rules, similar })
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
    page::html(&ProofPage { shell, frame, seen, sees_rules: signed.may(Permission::RoutingView) })
}
