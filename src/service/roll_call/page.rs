//! What a person reads who is asked whether they are safe, and what they say.

use std::net::IpAddr;
use std::time::Duration;

use super::super::{Services, short_links};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Rendered;
use crate::domain::emergency::roll::{LONGEST_PLACE, LONGEST_WORDS};
use crate::domain::emergency::{Condition, Part, Run, State};
use crate::domain::id::{BroadcastId, DeliveryId};
use crate::store::roll_answers::{self as store, AskedRow, GivenRow, NewAnswer};

/// How long a link opens its page after its message expired: who was without a telephone answers late, and is wanted all the
/// same.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// What a person sees. Nothing in it says who they are.
#[derive(Clone, Debug)]
pub struct RollPage {
    /// The person's language tag, where the directory knows it.
    pub language: Option<String>,
    pub run: Run,
    /// None: it was removed.
    pub newest: Option<Newest>,
    /// What they said last.
    pub last: Option<GivenRow>,
    /// What they say now comes after the broadcast has ended.
    pub is_over: bool,
}

/// What a broadcast said last.
#[derive(Clone, Debug)]
pub struct Newest {
    /// An update where a broadcast that follows said it.
    pub part: Part,
    /// Nothing more of it is sent, and nobody said yet what that means.
    pub is_stopped: bool,
    pub text: Rendered,
    pub sent_at: Timestamp,
}

/// What a person says.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub condition: Condition,
    /// `None` where it was not asked for: whoever calls for help again by a button is where they said before.
    pub place: Option<&'a str>,
    pub words: Option<&'a str>,
}

/// Whether this is the end of a link into a roll call, rather than that of a message's page.
pub const fn is_token(token: &str) -> bool {
    short_links::asks(token)
}

/// Opens the page behind a link that somebody at `remote` follows. It answers nothing: programs that check links open
/// them, too.
///
/// # Errors
///
/// [`Error::NotFound`](crate::Error::NotFound) for what is no link, and for one whose time is over;
/// [`Error::RateLimited`](crate::Error::RateLimited) after many of those.
pub async fn open(s: &Services, token: &str, remote: IpAddr, asked: Option<&str>) -> Result<RollPage> {
    let (_, row) = follow(s, token, remote).await?;
    let language = asked.or(row.language.as_deref());
    Ok(RollPage {
        newest: newest(s, row.broadcast_id, row.state, language).await?,
        last: store::last(&s.db, row.broadcast_id, row.recipient_id).await?,
        is_over: row.ended_at.is_some(),
        run: row.run,
        language: row.language,
    })
}

/// Takes what the person behind a link says. What is longer than there is room for is cut, and what comes more often than
/// answers are kept counts all the same: nobody in need is turned away for it.
///
/// # Errors
///
/// As [`open`].
pub async fn answer(s: &Services, token: &str, remote: IpAddr, answer: &Answer<'_>) -> Result<()> {
    let (_, row) = follow(s, token, remote).await?;
    let cut = |text: &str, most: usize| text.trim().chars().take(most).collect::<String>();
    let last = store::last(&s.db, row.broadcast_id, row.recipient_id).await?;
    let before = last.filter(|last| [last.condition, answer.condition] == [Condition::Help; 2]);
    let (place, words) = before.map(|before| (before.place, before.words)).unwrap_or_default();
    let place = answer.place.map_or(place, |place| cut(place, LONGEST_PLACE));
    let words = answer.words.map_or(words, |words| cut(words, LONGEST_WORDS));
    let mut tx = s.db.begin().await?;
    let new = NewAnswer {
        broadcast: row.broadcast_id,
        person: row.recipient_id,
        condition: answer.condition,
        place: &place,
        words: &words,
        via: Via::link_of(row.channel),
        at: s.clock.now(),
        marked_by: None,
    };
    store::answer(&mut tx, &new).await?;
    tx.commit().await
}

async fn follow(s: &Services, token: &str, remote: IpAddr) -> Result<(DeliveryId, AskedRow)> {
    let Some(delivery) = short_links::roll_call_of(&s.vault, token) else {
        return Err(short_links::stray(s, remote));
    };
    let row = store::asked(&s.db, delivery).await?;
    let holds = |row: &AskedRow| row.plan.0.scenario.roll_call && row.expires_at.plus(KEPT) > s.clock.now();
    match row.filter(holds) {
        Some(row) => Ok((delivery, row)),
        None => Err(short_links::stray(s, remote)),
    }
}

/// What a broadcast said last, in that language: the text of a mail, which is the fullest.
pub(super) async fn newest(
    s: &Services,
    id: BroadcastId,
    state: State,
    language: Option<&str>,
) -> Result<Option<Newest>> {
    let row = store::newest(&s.db, id).await?.filter(|row| row.removed_at.is_none());
    Ok(row.map(|row| {
        let part = if row.follows.is_some() { Part::Update } else { row.part };
        Newest {
            part,
            is_stopped: state == State::Stopped && part.asks(),
            text: row.content.0.content.select(ChannelKind::Email, language).render(),
            sent_at: row.send_at,
        }
    }))
}
