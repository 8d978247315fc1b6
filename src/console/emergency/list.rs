//! All broadcasts, the newest first.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::{BROADCASTS, Place, href, line};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::page::{self, Shell, Theme, address};
use crate::console::view::View;
use crate::domain::emergency::{Level, Overridden, Run, State};
use crate::domain::id::BroadcastId;
use crate::service::Services;
use crate::service::broadcasts::{self, BroadcastRow, OpenBroadcast};

const ON_A_PAGE: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "console/emergency/list.html")]
pub struct BroadcastsPage {
    pub shell: Shell,
    /// Where whoever looks comes in.
    pub room: Place,
    pub filters: Vec<(Option<Run>, String, bool)>,
    pub rows: Vec<Line>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

/// A broadcast in a list.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: BroadcastId,
    pub run: Run,
    pub level: Level,
    pub state: State,
    pub name: String,
    pub since: Timestamp,
    pub by: String,
    /// It went out without a second person, and nobody has looked at that.
    pub unseen: bool,
}

impl Line {
    pub fn of_open(view: &View, open: &OpenBroadcast) -> Self {
        Self {
            id: open.id,
            run: open.run,
            level: open.level,
            state: open.state,
            name: view.spoken(&open.name),
            since: open.since,
            by: line::by(view, &open.pressed_by),
            unseen: open.overridden == Overridden::Unseen,
        }
    }

    fn new(view: &View, row: &BroadcastRow) -> Self {
        Self::of_open(view, &OpenBroadcast::from(row))
    }

    pub fn href(&self) -> String {
        href(self.id)
    }

    pub const fn class(&self) -> &'static str {
        Place(self.run).class()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Asked {
    /// `live`, `drill` or `exercise`.
    run: String,
    before: String,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    let room = Place::entrance(&signed).unwrap_or(Place(Run::Drill));
    let sees_all = room.0 == Run::Live;
    let run: Option<Run> = asked.run.parse().ok();
    let run = if sees_all { run } else { run.or(Some(Run::Drill)) };
    let before = asked.before.parse().ok();
    let mut rows = broadcasts::list(&s, &signed.caller, run, before, ON_A_PAGE + 1).await?;
    let has_more = rows.len() > ON_A_PAGE as usize;
    rows.truncate(ON_A_PAGE as usize);
    let name = run.map_or("", Run::name);
    let last = rows.last().map(|row| row.id.to_string());
    let older = last.filter(|_| has_more);
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let filter = |of: Option<Run>| {
        let text = of.map_or_else(|| view.t("filter-any"), |of| view.t(&Place(of).key("run")));
        (of, text, of == run)
    };
    let kinds = [None, Some(Run::Live), Some(Run::Drill), Some(Run::Exercise)];
    let shown = kinds.into_iter().filter(|of| sees_all || *of == Some(Run::Drill));
    let filters = shown.map(filter).collect();
    page::html(&BroadcastsPage {
        room,
        filters,
        rows: rows.iter().map(|row| Line::new(view, row)).collect(),
        newest: before.map(|_: BroadcastId| address(BROADCASTS, &[("run", name)])),
        older: older.map(|last| address(BROADCASTS, &[("run", name), ("before", &last)])),
        shell,
    })
}
