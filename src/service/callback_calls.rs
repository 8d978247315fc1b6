//! Looks into the calls that providers made, which were stored before they were answered.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::bindings::{self, Telling};
use super::receipts::{Closed, door};
use super::{Services, callback_events};
use crate::channel::{Callback, Channel, Event, Press, Receipts, Record};
use crate::domain::id::ProviderId;
use crate::domain::said::{word, words};
use crate::store::Tx;
use crate::store::callbacks::{self, CallbackRow};
use crate::store::receipts::{self as store, NewReceipt};
use crate::{Error, Result};

/// Calls looked into in one transaction: short, so that emergencies get in between.
const CALLS: i64 = 50;

type Doors = HashMap<ProviderId, Result<Arc<dyn Channel>, Closed>>;

/// Looks into some of those that wait; returns how many. One that cannot be kept is set aside, and the others are read.
pub(super) async fn read(s: &Services) -> Result<usize> {
    let mut doors = Doors::new();
    for id in callbacks::providers(&s.db, 10 * CALLS).await? {
        doors.insert(id, door(s, id).await?);
    }
    if doors.is_empty() {
        return Ok(0);
    }
    match read_together(s, &doors).await {
        // The store's trouble passes. Anything else is about one of them.
        Err(error) if !matches!(error, Error::Unavailable { .. }) => read_each(s, &doors).await,
        read => read,
    }
}

async fn read_together(s: &Services, doors: &Doors) -> Result<usize> {
    let mut tx = s.db.begin().await?;
    let calls = take(&mut tx, doors, CALLS).await?;
    let tellings = keep(s, &mut tx, doors, &calls).await?;
    tx.commit().await?;
    bindings::tell(s, tellings);
    Ok(calls.len())
}

async fn read_each(s: &Services, doors: &Doors) -> Result<usize> {
    let mut read = 0;
    for _ in 0..CALLS {
        let mut tx = s.db.begin().await?;
        let calls = take(&mut tx, doors, 1).await?;
        let Some(call) = calls.first() else { break };
        let kept = match keep(s, &mut tx, doors, &calls).await {
            Ok(tellings) => tx.commit().await.map(|()| tellings),
            Err(error) => {
                drop(tx);
                Err(error)
            }
        };
        match kept {
            Ok(tellings) => bindings::tell(s, tellings),
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => {
                let mut tx = s.db.begin().await?;
                set_aside(&mut tx, call, &format!("what it says could not be kept: {error}")).await?;
                tx.commit().await?;
            }
        }
        read += 1;
    }
    Ok(read)
}

async fn take(tx: &mut Tx, doors: &Doors, limit: i64) -> Result<Vec<CallbackRow>> {
    let ids: Vec<ProviderId> = doors.keys().copied().collect();
    callbacks::take(tx, &ids, limit).await
}

/// Keeps what calls say, and takes them off those that wait; answers whom to tell of it once it is committed.
async fn keep(s: &Services, tx: &mut Tx, doors: &Doors, calls: &[CallbackRow]) -> Result<Vec<Telling>> {
    let (mut receipts, mut read, mut tellings) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        let told = match doors.get(&call.provider_id) {
            Some(Ok(adapter)) => told(&**adapter, &as_callback(call)),
            Some(Err(closed)) => Receipts::unread(closed.to_string()),
            None => continue,
        };
        receipts.extend(told.records.iter().map(|record| new_receipt(call, record)));
        for event in told.events {
            let event = printable(event);
            tellings.extend(callback_events::handle(s, tx, call.provider_id, call.received_at, event).await?);
        }
        match told.trouble {
            None => read.push(call.id),
            Some(trouble) => set_aside(tx, call, &trouble).await?,
        }
    }
    if !receipts.is_empty() {
        store::insert_waiting(tx, s.clock.now(), &receipts).await?;
    }
    callbacks::remove(tx, &read).await?;
    Ok(tellings)
}

async fn set_aside(tx: &mut Tx, call: &CallbackRow, trouble: &str) -> Result<()> {
    let trouble = words(trouble);
    tracing::warn!(provider = %call.provider_id, trouble, "a provider's call could not be read");
    callbacks::set_aside(tx, call.id, &trouble).await
}

/// What a call says. Whoever calls may say anything, and a fault of ours with it must not end the reading of all others.
pub(super) fn told(adapter: &dyn Channel, callback: &Callback) -> Receipts {
    catch_unwind(AssertUnwindSafe(|| adapter.receipts(callback)))
        .unwrap_or_else(|_| Receipts::unread("reading it failed, which is a fault of the program"))
}

fn as_callback(row: &CallbackRow) -> Callback {
    Callback {
        is_post: row.is_post,
        query: row.query.clone(),
        content_type: row.content_type.clone(),
        body: row.body.clone(),
    }
}

fn new_receipt(call: &CallbackRow, record: &Record) -> NewReceipt {
    NewReceipt {
        provider_id: call.provider_id.0,
        received_at: call.received_at.0,
        reference: word(&record.reference),
        also: record.also.as_deref().map(word),
        address: record.address.as_deref().map(word),
        state: record.state.code(),
        code: record.code.as_deref().map(word),
        detail: record.detail.as_deref().map(words),
    }
}

fn printable(event: Event) -> Event {
    match event {
        Event::Followed { openid, scene, at } => {
            Event::Followed { openid: word(&openid), scene: scene.as_deref().map(word), at }
        }
        Event::Unfollowed { openid, at } => Event::Unfollowed { openid: word(&openid), at },
        Event::SubscriptionChanged { openid, template, accepted } => {
            Event::SubscriptionChanged { openid: word(&openid), template: word(&template), accepted }
        }
        Event::Pressed(press) => Event::Pressed(Press {
            member: word(&press.member),
            key: word(&press.key),
            text: word(&press.text),
            response_code: press.response_code.as_deref().map(word),
            ..press
        }),
        Event::Reply { number, text } => Event::Reply { number: word(&number), text: words(&text) },
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::channel::{Outcome, Parcel, Refusal, Shape};

    struct Faulty;

    #[async_trait]
    impl Channel for Faulty {
        fn shape(&self) -> Shape {
            Shape::Single { concurrency: 1 }
        }

        async fn send(&self, _parcels: &[Parcel]) -> Vec<Outcome> {
            Vec::new()
        }

        fn receipts(&self, callback: &Callback) -> Receipts {
            assert!(callback.is_post, "a fault");
            Receipts::default()
        }

        async fn check(&self) -> Result<String, Refusal> {
            Ok(String::new())
        }
    }

    #[test]
    fn a_fault_in_reading_one_call_ends_with_it() {
        let callback =
            |is_post| Callback { is_post, query: String::new(), content_type: None, body: Vec::new() };
        assert!(told(&Faulty, &callback(false)).trouble.is_some());
        assert_eq!(told(&Faulty, &callback(true)), Receipts::default());
    }

    #[test]
    fn nothing_but_text_is_kept() {
        let reply = Event::Reply { number: "1\u{0}".to_owned(), text: "T\u{0}".to_owned() };
        assert_eq!(printable(reply), Event::Reply { number: "1".to_owned(), text: "T ".to_owned() });
    }
}
