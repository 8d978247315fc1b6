//! Calling back what providers took of a message, where they can. That it is to be done is stored where the message is
//! stopped; whoever stopped it waits a while for what comes of it, and the dispatcher goes on with the rest.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use super::{Caller, Services, deliveries, providers};
use crate::Result;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, ProviderId};
use crate::store::recalls::{Asked, Taken};
use crate::store::{Tx, audit, events, history, recalls as store};

/// How long whoever stops a message waits for the providers' answers.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// One turn of the dispatcher at one message.
const TURN: Duration = Duration::from_secs(10);
/// Whoever has one in hand has it for this long after a turn began: no call under way takes longer.
const IN_HAND: Duration = Duration::from_mins(1);
const AT_ONCE: usize = 4;
/// References looked up at once.
const PAGE: i64 = 200;
/// What is still being handed over is looked for again after this long.
const SENDING: Duration = Duration::from_secs(2);
/// What a provider refused it is asked for again after this long, so often.
const AGAIN: Duration = Duration::from_secs(30);
const TRIES: i64 = 3;

/// What one turn at a message came to.
#[derive(Debug, Default)]
struct Pass {
    recalled: BTreeMap<ChannelKind, i64>,
    /// Providers were asked for something.
    asked: bool,
    refused: bool,
    /// There was no time for all of it.
    cut_off: bool,
}

/// How many deliveries of a message can still be called back: their providers can do it, and took them recently enough.
pub(super) async fn recallable(s: &Services, message: MessageId) -> Result<i64> {
    let mut n = 0;
    let mut walk = Walk::new(s, message).await?;
    while let Some(page) = walk.next(s).await? {
        n += page.iter().map(|taken| taken.n).sum::<i64>();
    }
    Ok(n)
}

/// Has it done, from when this transaction ends: by whoever goes on with [`call_back`], else, from `due_at` on, by the dispatcher.
pub(super) async fn ask(tx: &mut Tx, caller: &Caller, message: MessageId, due_at: Timestamp) -> Result<()> {
    let asked = Asked {
        message_id: message,
        asked_by: caller.label(),
        by_operator: !matches!(caller, Caller::Key(_)),
        tries: 0,
    };
    store::ask(tx, &asked, due_at).await
}

/// Until when the dispatcher leaves it to whoever stopped the message.
pub(super) fn in_hand(now: Timestamp) -> Timestamp {
    now.plus(IN_HAND)
}

/// Calls back what can be called back for as long as somebody waits, and says how many deliveries that was, by channel. The
/// message was [asked for](ask).
pub(super) async fn call_back(
    s: &Services,
    caller: &Caller,
    message: MessageId,
    patience: Duration,
) -> Result<BTreeMap<ChannelKind, i64>> {
    let asked = Asked {
        message_id: message,
        asked_by: caller.label(),
        by_operator: !matches!(caller, Caller::Key(_)),
        tries: 0,
    };
    let pass = carry_out(s, message, patience).await?;
    conclude(s, &asked, &pass).await?;
    Ok(pass.recalled)
}

/// Goes on with one message whose deliveries are to be called back; returns how many it took.
pub async fn work(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    if !store::any_due(&s.db, now).await? {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    let asked = store::claim(&mut tx, now, in_hand(now)).await?;
    tx.commit().await?;
    let Some(asked) = asked else { return Ok(0) };
    let pass = carry_out(s, asked.message_id, TURN).await?;
    conclude(s, &asked, &pass).await?;
    Ok(1)
}

/// Says what came of a turn, and when the next is.
async fn conclude(s: &Services, asked: &Asked, pass: &Pass) -> Result<()> {
    let message = asked.message_id;
    let counts = history::counts(&s.db, &[message]).await?;
    let is_sending = counts.iter().any(|count| count.sending > 0);
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let recalled: i64 = pass.recalled.values().sum();
    if recalled > 0 || (pass.asked && asked.tries == 0) {
        let detail = json!({ "by": asked.asked_by, "recalled": recalled });
        events::insert(&mut tx, &[deliveries::event(message, now, "recalled", &detail)]).await?;
        if asked.by_operator {
            let (by, object) = (&asked.asked_by, message.to_string());
            audit::append(&mut tx, now, by, "message.recall", &object, &json!({})).await?;
        }
    }
    if pass.cut_off {
        store::put_off(&mut tx, message, now, asked.tries).await?;
    } else if is_sending {
        store::put_off(&mut tx, message, now.plus(SENDING), asked.tries).await?;
    } else if pass.refused && asked.tries + 1 < TRIES {
        store::put_off(&mut tx, message, now.plus(AGAIN), asked.tries + 1).await?;
    } else {
        store::finish(&mut tx, message).await?;
    }
    tx.commit().await
}

/// What can be called back of a message, page by page, what reached the most people first.
struct Walk {
    message: MessageId,
    providers: Vec<(ProviderId, ChannelKind, Duration)>,
    after: Option<Taken>,
}

impl Walk {
    async fn new(s: &Services, message: MessageId) -> Result<Self> {
        Ok(Self { message, providers: providers::recalling(s).await?, after: None })
    }

    async fn next(&mut self, s: &Services) -> Result<Option<Vec<Taken>>> {
        while let Some((provider, channel, limit)) = self.providers.last().copied() {
            let since = s.clock.now().minus(limit);
            let of = (provider, channel);
            let page = store::list(&s.db, self.message, of, since, self.after.as_ref(), PAGE).await?;
            self.after = page.last().cloned();
            if (page.len() as i64) < PAGE {
                self.providers.pop();
                self.after = None;
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}

/// Asks for it. No call begins after `patience`; those under way end by their own time-outs. What a provider refuses, or
/// what there was no time for, stays as it is.
async fn carry_out(s: &Services, message: MessageId, patience: Duration) -> Result<Pass> {
    let until = s.clock.steady() + patience;
    let mut adapters: HashMap<ProviderId, Arc<dyn Channel>> = HashMap::new();
    let mut pass = Pass::default();
    let mut walk = Walk::new(s, message).await?;
    while let Some(page) = walk.next(s).await? {
        let mut calls = Vec::with_capacity(page.len());
        for taken in page {
            let adapter = match adapters.entry(taken.provider_id) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => match providers::find_adapter(s, taken.provider_id).await? {
                    Some(adapter) => place.insert(adapter).clone(),
                    None => continue,
                },
            };
            calls.push(call(s.clone(), taken, adapter, until));
        }
        let mut answers = stream::iter(calls).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            let Some((answer, taken)) = answer else {
                pass.cut_off = true;
                continue;
            };
            pass.asked = true;
            if let Err(reason) = answer {
                tracing::warn!(%message, provider = %taken.provider_id, reason, "a message was not called back");
                pass.refused = true;
                continue;
            }
            let now = s.clock.now();
            let mut tx = s.db.begin().await?;
            let n = store::settle(&mut tx, message, &taken, now, &|at| s.campus.day(at)).await?;
            tx.commit().await?;
            *pass.recalled.entry(taken.channel).or_default() += n;
        }
        if pass.cut_off {
            break;
        }
    }
    Ok(pass)
}

/// `None` where there is no time for it any more.
async fn call(
    s: Services,
    taken: Taken,
    adapter: Arc<dyn Channel>,
    until: Duration,
) -> Option<(Result<(), String>, Taken)> {
    if s.clock.steady() >= until {
        return None;
    }
    Some((adapter.recall(&taken.reference).await, taken))
}
