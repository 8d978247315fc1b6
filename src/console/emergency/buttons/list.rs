//! All buttons, those that somebody should look after first.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::href;
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::label::Tone;
use crate::console::page::{self, Shell, Theme};
use crate::domain::button::{ButtonState, Health};
use crate::domain::id::ButtonId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::buttons::{self, ButtonRow};

#[derive(Debug, Template)]
#[template(path = "console/emergency/buttons/list.html")]
pub struct ButtonsPage {
    pub shell: Shell,
    pub may_edit: bool,
    pub rows: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: ButtonId,
    pub name: String,
    pub place: String,
    pub state: ButtonState,
    /// Somebody asked that it be armed.
    pub waits: bool,
    pub beat_at: Option<Timestamp>,
    /// Percent.
    pub battery: Option<u64>,
    pub tested_at: Option<Timestamp>,
    pub health: Health,
}

impl Line {
    fn new(row: ButtonRow, clocks_off: &BTreeSet<ButtonId>, now: Timestamp) -> Self {
        Self {
            health: buttons::watched(&row, clocks_off).health(now),
            id: row.id,
            waits: row.asked.is_some(),
            name: row.name,
            place: row.place,
            state: row.state,
            beat_at: row.beat_at,
            battery: row.battery.map(i64::unsigned_abs),
            tested_at: row.tested_at,
        }
    }

    pub fn href(&self) -> String {
        href(self.id)
    }

    /// What was pressed for nothing or is not heard of, then whose clock is wrong, what is overdue, low, waits, protects, and
    /// at last what does nothing.
    const fn rank(&self) -> u8 {
        match (self.state, self.health) {
            (ButtonState::Revoked, _) => 9,
            (_, Health { refused_at: Some(_), .. }) => 0,
            (_, Health { offline_since: Some(_), .. }) => 1,
            (_, Health { clock_off: true, .. }) => 2,
            (_, Health { test_due_since: Some(_), .. }) => 3,
            (_, Health { battery_low: true, .. }) => 4,
            _ if self.waits => 5,
            (ButtonState::Armed, _) => 6,
            (ButtonState::Test, _) => 7,
            (ButtonState::Disarmed, _) => 8,
        }
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let rows = buttons::list(&s, &signed.caller).await?;
    let off = buttons::clocks_off(&s, &signed.caller).await?;
    let shell = signed.shell(None)?;
    let mut rows: Vec<_> = rows.into_iter().map(|row| Line::new(row, &off, shell.view.now)).collect();
    rows.sort_by_key(Line::rank);
    page::html(&ButtonsPage { may_edit: signed.may(Permission::EmergencyPrepare), rows, shell })
}
