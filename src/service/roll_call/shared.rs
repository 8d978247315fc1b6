//! The page that all who get one call of WeCom's share. It says what happened, and who somebody is they say by signing in
//! with WeCom: then it is their own page.

use std::net::IpAddr;
use std::time::Duration;

use super::super::{Services, bindings, short_links};
use super::page::{Newest, newest};
use crate::domain::emergency::Run;
use crate::domain::id::MessageId;
use crate::store::answers;
use crate::store::broadcasts::{self as sent, BroadcastRow};
use crate::{Error, Result};

/// How long it is there after its broadcast expired.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// What everybody sees.
#[derive(Clone, Debug)]
pub struct SharedPage {
    pub run: Run,
    /// None: it was removed.
    pub newest: Option<Newest>,
}

/// Where the browser goes to sign in, and what it keeps meanwhile.
#[derive(Clone, Debug)]
pub struct Started {
    pub address: String,
    pub ticket: String,
}

/// Opens the page behind a link that somebody at `remote` follows.
///
/// # Errors
///
/// As [`open`](super::open()).
pub async fn open_shared(
    s: &Services,
    token: &str,
    remote: IpAddr,
    asked: Option<&str>,
) -> Result<SharedPage> {
    let (_, row) = follow(s, token, remote).await?;
    // What became of an update is what became of the broadcast it tells more about.
    let lead = match row.follows {
        Some(lead) => sent::find(&s.db, lead).await?.ok_or_else(|| short_links::stray(s, remote))?,
        None => row,
    };
    Ok(SharedPage { run: lead.run, newest: newest(s, lead.id, lead.state, asked).await? })
}

/// Sends somebody to sign in.
///
/// # Errors
///
/// As [`open_shared`]; [`Error::NotFound`] where nobody signs in with WeCom here.
pub async fn sign_in(s: &Services, token: &str, remote: IpAddr) -> Result<Started> {
    follow(s, token, remote).await?;
    let site = s.campus.public_url.as_str().trim_end_matches('/');
    let begun = bindings::begin_aside(s, &format!("{site}/r/{token}/back")).await?;
    Ok(Started { address: begun.address, ticket: begun.ticket })
}

/// The path of the page of whoever came back.
///
/// # Errors
///
/// As [`open_shared`]; [`Error::NotFound`] for whoever did not begin in this browser, [`Error::Conflict`] where WeCom does not
/// know them or they were not sent the message.
pub async fn come_back(
    s: &Services,
    token: &str,
    ticket: &str,
    state: &str,
    code: &str,
    remote: IpAddr,
) -> Result<String> {
    let (message, _) = follow(s, token, remote).await?;
    let who = bindings::who_came_aside(s, ticket, state, code).await?;
    let mut tx = s.db.begin().await?;
    let delivery = answers::delivery_to(&mut tx, message, who.kind, &who.address).await?;
    tx.commit().await?;
    match delivery {
        Some(delivery) => Ok(short_links::roll_call_path(&s.vault, delivery)),
        None => Err(Error::conflict("not_identified", "this message was not for whoever signed in")),
    }
}

async fn follow(s: &Services, token: &str, remote: IpAddr) -> Result<(MessageId, BroadcastRow)> {
    let stray = || short_links::stray(s, remote);
    let message = short_links::shared_of(&s.vault, token).ok_or_else(stray)?;
    let Some(of) = sent::of_message(&s.db, message).await?.filter(|of| of.part.asks()) else {
        return Err(stray());
    };
    let row = sent::find(&s.db, of.broadcast_id).await?.ok_or_else(stray)?;
    let holds = row.plan.0.scenario.roll_call && row.expires_at.plus(KEPT) > s.clock.now();
    if holds { Ok((message, row)) } else { Err(stray()) }
}
