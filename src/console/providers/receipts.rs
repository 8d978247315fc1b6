//! What providers told by themselves that belongs to no delivery, or that could not be read: how an administrator knows
//! whether a vendor's receipts come in the shape that the settings say.

use actix_web::HttpResponse;
use actix_web::web::{self, Data};
use askama::Template;
use serde::Deserialize;

use super::HOME;
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::messages::read;
use crate::console::page::{self, Section, Shell, Theme, address};
use crate::domain::delivery::State;
use crate::domain::id::ReceiptId;
use crate::service::Services;
use crate::service::receipts::{self, UnmatchedRow, UnreadRow};
use crate::telemetry::mask;

const HERE: &str = "receipts";
const ON_A_PAGE: u32 = 30;
/// Of calls that could not be read: they are as good as alike.
const UNREAD: u32 = 10;
/// Of such a call, so much is enough to see its shape.
const SEEN: usize = 400;

#[derive(Debug, Template)]
#[template(path = "console/providers/receipts.html")]
pub struct ReceiptsPage {
    pub shell: Shell,
    pub unmatched: Vec<Unmatched>,
    pub unread: Vec<Unread>,
    /// Link to the latest, from earlier ones.
    pub newest: Option<String>,
    pub older: Option<String>,
}

/// A receipt without a delivery.
#[derive(Clone, Debug)]
pub struct Unmatched {
    pub provider: String,
    pub received_at: Timestamp,
    pub reference: String,
    /// Masked.
    pub address: String,
    pub state: State,
    pub code: String,
    /// It looks for its delivery again.
    pub waits: bool,
}

/// A call that could not be read.
#[derive(Clone, Debug)]
pub struct Unread {
    pub provider: String,
    pub received_at: Timestamp,
    pub trouble: String,
    /// Its beginning, addresses masked.
    pub body: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Paging {
    pub(super) cursor: String,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    paging: web::Query<Paging>,
) -> Result<HttpResponse> {
    // A cursor that nobody gave out is taken for none.
    let before = read::<ReceiptId>(&paging.cursor).flatten();
    let mut found = receipts::list_unmatched(&s, &signed.caller, before, ON_A_PAGE + 1).await?;
    let more = found.len() > ON_A_PAGE as usize;
    found.truncate(ON_A_PAGE as usize);
    let there = |cursor: &str| address(&format!("{HOME}/{HERE}"), &[("cursor", cursor)]);
    let older = found.last().filter(|_| more).map(|last| there(&last.id.to_string()));
    let unread = receipts::list_unread(&s, &signed.caller, None, UNREAD).await?;
    page::html(&ReceiptsPage {
        shell: signed.shell(Section::Providers)?,
        unmatched: found.into_iter().map(Unmatched::from).collect(),
        unread: unread.into_iter().map(Unread::from).collect(),
        newest: before.map(|_| there("")),
        older,
    })
}

impl From<UnmatchedRow> for Unmatched {
    fn from(row: UnmatchedRow) -> Self {
        Self {
            provider: row.provider.unwrap_or_default(),
            received_at: row.received_at,
            reference: row.reference.unwrap_or_default(),
            address: row.address.as_deref().map(mask::address).unwrap_or_default(),
            state: row.state,
            code: row.code.unwrap_or_default(),
            waits: row.look_at.is_some(),
        }
    }
}

impl From<UnreadRow> for Unread {
    fn from(row: UnreadRow) -> Self {
        let body = mask::call(&row.query, &row.body, SEEN);
        Self { provider: row.provider, received_at: row.received_at, trouble: row.trouble, body }
    }
}
