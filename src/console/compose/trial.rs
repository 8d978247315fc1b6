//! Sending a draft to oneself first.

use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Deserialize;

use super::{Step, open};
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::page::{Flash, see_other};
use crate::domain::channel::ChannelKind;
use crate::domain::id::{DraftId, MessageId};
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::http::RequestId;
use crate::service::drafts::{self, MOST_TRIALS, Tried};
use crate::service::messages::{self, Simulation};
use crate::service::{Caller, Services};
use crate::{Error, Result};

/// Messages that one trial may come to.
const MOST: usize = 2;

/// What the proof shows of trials.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Where mails go; none where the draft does not go by mail.
    pub email: Option<String>,
    /// The draft's other channels.
    pub others: Vec<ChannelKind>,
    /// It is known who they are in the directory.
    pub is_known: bool,
    /// What was just sent.
    pub sent: Vec<(MessageId, String, Status)>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct TrialQuery {
    /// Ids of messages, a comma between them.
    tried: String,
}

impl Trial {
    pub(super) async fn load(
        s: &Services,
        signed: &Signed,
        seen: &Simulation,
        query: &TrialQuery,
    ) -> Result<Self> {
        let plan = &seen.preview.audience.by_channel;
        let email = match &signed.caller {
            Caller::Operator(operator) => Some(operator.email.clone()),
            _ => None,
        };
        let ids: Vec<MessageId> =
            query.tried.split(',').filter_map(|id| id.parse().ok()).take(MOST).collect();
        let sent = if !ids.is_empty() && signed.may(Permission::MessagesView) {
            messages::get_many(s, &signed.caller, &ids).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            email: email.filter(|_| plan.contains_key(&ChannelKind::Email)),
            others: plan.keys().copied().filter(|channel| *channel != ChannelKind::Email).collect(),
            is_known: drafts::knows_me(s, &signed.caller).await?,
            sent: sent.into_iter().map(|message| (message.id, message.title, message.status)).collect(),
        })
    }

    /// There is a way.
    pub fn is_possible(&self) -> bool {
        self.email.is_some() || (self.is_known && !self.others.is_empty())
    }
}

pub(in crate::console) async fn try_out(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    _: Form,
) -> Result<HttpResponse> {
    if let Err(elsewhere) = open(&s, &signed, *id).await? {
        return Ok(elsewhere);
    }
    let view = signed.view();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.as_ref().map_or("", RequestId::as_str);
    let proof = Step::Proof.href(*id);
    match drafts::try_out(&s, &signed.caller, *id, request_id).await {
        Ok(Tried::Sent(messages)) => {
            signed.say(&Flash::good(view.t("trial-sent")))?;
            let ids: Vec<_> = messages.iter().map(ToString::to_string).collect();
            Ok(see_other(&format!("{proof}?tried={}#trial", ids.join(","))))
        }
        Ok(Tried::Enough(until)) => {
            let told = view.t2("trial-enough", "most", MOST_TRIALS, "at", view.exact(until));
            signed.say(&Flash::amber(told))?;
            Ok(see_other(&proof))
        }
        Ok(Tried::Nowhere) => {
            signed.say(&Flash::amber(view.t("trial-nowhere")))?;
            Ok(see_other(&proof))
        }
        // What keeps it from being a message is told there.
        Err(Error::Invalid(_)) => Ok(see_other(&proof)),
        Err(other) => Err(other),
    }
}
