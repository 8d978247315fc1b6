//! One broadcast: what may be done now, how far it is, what it says, and what was done to it. With script the figures renew
//! themselves every second, and the rest when something was done; without, it opens itself anew while it is under way.
//!
//! [`whole`] looks everything up and fills the parts: [`doing`] what may be done, [`live`] how far it is, [`lines`] what stands in
//! both line by line.

mod doing;
mod lines;
mod live;
mod whole;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Deserialize;

use self::whole::Whole;
use super::{Place, href};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::page::{self, Flash, Shell, Theme};
use crate::console::view::View;
use crate::domain::emergency::{Level, State};
use crate::domain::id::BroadcastId;
use crate::http::params;
use crate::service::Services;

pub use self::doing::{AfterFragment, DoingFragment, Typed, WaitFragment, WhyFragment};
pub use self::lines::{ActLine, ChannelLine, PartLine, ReasonLine};
pub use self::live::{Changed, LiveFragment, LogFragment};

/// Seconds after which a page that runs no scripts opens itself anew.
const RELOAD: u64 = 10;

#[derive(Debug, Template)]
#[template(path = "console/emergency/broadcast.html")]
pub struct BroadcastPage {
    pub shell: Shell,
    /// Without script it opens itself anew after so many seconds.
    pub reload: Option<u64>,
    /// It would, and was asked not to, as somebody fills something in.
    pub is_still: bool,
    pub head: HeadFragment,
    pub wait: WaitFragment,
    pub doing: DoingFragment,
    pub live: LiveFragment,
    pub after: AfterFragment,
    pub log: LogFragment,
}

impl BroadcastPage {
    fn at(&self) -> String {
        self.head.at()
    }
}

/// What it is and where it stands.
#[derive(Debug, Template)]
#[template(path = "console/emergency/head.html")]
pub struct HeadFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    pub level: Level,
    pub state: State,
    pub name: String,
    /// Said before anything else while it waits, and at the end once it went out.
    pub facts: Option<Facts>,
    pub unseen: bool,
}

impl HeadFragment {
    fn at(&self) -> String {
        href(self.id)
    }
}

/// Who began it, when, and why.
#[derive(Clone, Debug)]
pub struct Facts {
    pub by: String,
    pub began: Timestamp,
    pub live_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub note: String,
    /// Why it was turned down or given back.
    pub reason: Option<String>,
    /// The page of the one whose people it tells more.
    pub follows: Option<String>,
}

/// How it is looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Look {
    /// Without script, too, it stays as it is.
    still: bool,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    look: Query<Look>,
) -> Result<HttpResponse> {
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let mut page = open(&s, &signed, id, Typed::default()).await?;
    // What is under way is watched. While it waits reasons are typed, and when it is over what is said next.
    let renews = page.doing.state == State::Live;
    page.is_still = renews && look.still;
    page.reload = (renews && !look.still).then_some(RELOAD);
    page::html(&page)
}

/// A broadcast's page. `typed`: what was refused.
pub(in crate::console::emergency) async fn open(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    typed: Typed,
) -> Result<BroadcastPage> {
    let whole = Whole::load(s, signed, id).await?;
    let shell = signed.shell(None)?;
    let view = &shell.view;
    Ok(BroadcastPage {
        reload: None,
        is_still: false,
        head: whole.head(view),
        wait: whole.wait(view),
        doing: whole.doing(s, signed, view, typed.clone()).await?,
        live: whole.live(signed, view),
        after: whole.after(s, view, typed),
        log: whole.log(s, view),
        shell,
    })
}

/// The page as it is now, with why something was not done.
pub(in crate::console::emergency) async fn refused(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    response: HttpResponseBuilder,
    why: Option<String>,
    typed: Typed,
) -> Result<HttpResponse> {
    let mut page = open(s, signed, id, typed).await?;
    page.shell.flash = why.map(Flash::amber);
    page::answer(response, &page)
}

/// What the page that renews itself shows.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Known {
    version: i64,
    late: bool,
}

pub(in crate::console) async fn show_progress(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    known: Query<Known>,
) -> Result<HttpResponse> {
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let whole = Whole::load(&s, &signed, id).await?;
    let view = signed.view();
    let mut live = whole.live(&signed, &view);
    live.wait = Some(whole.wait(&view));
    if (live.version, live.late) != (known.version, known.late) {
        live.changed = Some(Changed {
            head: whole.head(&view),
            doing: whole.doing(&s, &signed, &view, Typed::default()).await?,
            after: whole.after(&s, &view, Typed::default()),
            log: whole.log(&s, &view),
        });
    }
    page::html(&live)
}
