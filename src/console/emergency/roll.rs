//! The board of a roll call: those who need help first, then how many are safe or silent and where, then who. It works by
//! reloading; with script the figures renew themselves.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;
use url::form_urlencoded;

use super::{Place, href};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::messages::read;
use crate::console::page::{self, Shell, Theme};
use crate::console::timeline::actor;
use crate::console::view::{Given, View};
use crate::domain::emergency::{Condition, State, Unit};
use crate::domain::id::{BroadcastId, RecipientId};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::broadcasts;
use crate::service::roll_call::{self, Board, CountsRow, LATE, PersonView, UnitRow, Wanted};

const ON_A_PAGE: u32 = 50;
/// How often the figures renew themselves: while it goes on, and for a day while late answers come in.
const UNDER_WAY: &str = "3s";
const AWAITING: &str = "30s";

/// What is looked at, as it stands in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RollFilter {
    /// [`Unit`]; colleges where it is empty.
    pub by: String,
    /// `silent` (where it is empty), `help` or `safe`.
    pub show: String,
    /// One of the units; there and empty: of whom it is not known.
    pub unit: Option<String>,
    pub q: String,
    pub cursor: String,
}

impl RollFilter {
    pub fn by(&self) -> Unit {
        self.by.parse().unwrap_or(Unit::College)
    }

    pub fn shown(&self) -> Option<Condition> {
        self.show.parse().ok()
    }

    pub fn shown_name(&self) -> &'static str {
        self.shown().map_or("silent", Condition::name)
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            condition: self.shown(),
            unit: self.unit.clone().map(|name| (self.by(), name)),
            q: self.q.trim().to_owned(),
        }
    }

    /// The page with these filters.
    pub fn address(&self, id: BroadcastId) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("by", self.by().name());
        if self.shown().is_some() {
            query.append_pair("show", self.shown_name());
        }
        if let Some(unit) = &self.unit {
            query.append_pair("unit", unit);
        }
        for (name, value) in [("q", &self.q), ("cursor", &self.cursor)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{}/roll?{}", href(id), query.finish())
    }

    /// What forms of the page carry, so that they lead back to it.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("by", self.by().name().to_owned()), ("show", self.show.clone())];
        fields.extend(self.unit.iter().map(|unit| ("unit", unit.clone())));
        fields.push(("q", self.q.clone()));
        fields
    }

    fn first(&self) -> Self {
        Self { cursor: String::new(), ..self.clone() }
    }
}

#[derive(Debug, Template)]
#[template(path = "console/emergency/roll.html")]
pub struct RollPage {
    pub shell: Shell,
    pub id: BroadcastId,
    pub place: Place,
    pub name: String,
    pub state: State,
    pub ended: bool,
    /// Whoever looks sees some departments only.
    pub limited: bool,
    /// They may see the broadcast's own page.
    pub sees_broadcast: bool,
    pub filter: RollFilter,
    pub board: BoardFragment,
    /// Who was asked for; `None` where whoever looks sees nobody by name.
    pub people: Option<PeopleList>,
}

impl RollPage {
    /// The lists that can be looked at, with how many are in each.
    fn shows(&self) -> [(RollFilter, String, u64); 3] {
        let view = &self.shell.view;
        let silent = self.board.silent();
        [("", "silent", silent), ("help", "help", self.board.help), ("safe", "safe", self.board.safe)].map(
            |(show, name, n)| {
                let filter = RollFilter { show: show.to_owned(), ..self.filter.first() };
                (filter, view.t(&format!("roll-list-{name}")), n)
            },
        )
    }

    fn base(&self) -> String {
        href(self.id)
    }

    fn at(&self) -> String {
        format!("{}/roll", self.base())
    }

    fn address(&self, filter: &RollFilter) -> String {
        filter.address(self.id)
    }

    fn is_shown(&self, filter: &RollFilter) -> bool {
        filter.shown() == self.filter.shown()
    }

    fn is_all(&self) -> bool {
        self.filter.unit.is_none() && self.filter.q.is_empty()
    }

    /// What is said where the list has nobody.
    fn nobody(&self) -> String {
        self.shell.view.t(&format!("roll-nobody-{}", self.filter.shown_name()))
    }

    /// The unit that the list is narrowed to, in words.
    fn unit(&self) -> Option<String> {
        let unit = self.filter.unit.as_ref()?;
        Some(if unit.is_empty() { self.shell.view.t("roll-unit-unknown") } else { unit.clone() })
    }
}

/// Figures, those in need, and units.
#[derive(Debug, Template)]
#[template(path = "console/emergency/roll_board.html")]
pub struct BoardFragment {
    pub view: View,
    pub id: BroadcastId,
    pub pace: Option<&'static str>,
    pub asked: u64,
    pub safe: u64,
    pub help: u64,
    /// `None` where whoever looks sees nobody by name.
    pub in_need: Option<Vec<PersonLine>>,
    /// Their numbers are whole: since when, and of how many.
    pub shown: Option<Shown>,
    /// In the answer to a page that shows whole numbers, which stay: what is renewed around them.
    pub is_around: bool,
    pub may_reveal: bool,
    pub by: Unit,
    pub units: Vec<UnitLine>,
    /// There are more than are shown.
    pub more_units: bool,
    pub filter: RollFilter,
}

/// Whose numbers a page shows: those who needed help then.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Shown {
    #[serde(rename = "shown_at")]
    pub at: Timestamp,
    #[serde(rename = "shown")]
    pub n: u64,
}

impl BoardFragment {
    /// How many called for help, or said more about it, since numbers were shown.
    fn news(&self) -> u64 {
        let Some(shown) = self.shown else { return 0 };
        let since = |line: &&PersonLine| line.at.is_some_and(|at| at > shown.at);
        let said = self.in_need.iter().flatten().filter(since).count() as u64;
        said.max(self.help.saturating_sub(shown.n))
    }

    fn silent(&self) -> u64 {
        self.asked.saturating_sub(self.safe + self.help)
    }

    fn bys(&self) -> impl Iterator<Item = (Unit, String)> {
        Unit::ALL.iter().map(|unit| {
            let filter = RollFilter { by: unit.name().to_owned(), unit: None, ..self.filter.first() };
            (*unit, filter.address(self.id))
        })
    }

    fn by_text(&self) -> String {
        self.view.t(&format!("roll-by-{}", self.by))
    }

    fn is_by(&self, unit: impl Given<Unit>) -> bool {
        self.by == unit.given()
    }

    fn renews_at(&self) -> String {
        let query = self.filter.first().address(self.id);
        let query = query.replacen("/roll?", "/roll/board?", 1);
        match self.shown {
            Some(Shown { at, n }) => format!("{query}&shown_at={}&shown={n}", at.millis()),
            None => query,
        }
    }

    fn at(&self) -> String {
        format!("{}/roll", href(self.id))
    }
}

/// One college, class or dormitory.
#[derive(Clone, Debug)]
pub struct UnitLine {
    pub name: String,
    pub asked: u64,
    pub safe: u64,
    pub help: u64,
    pub silent: u64,
    /// Its silent ones.
    pub href: String,
}

/// Somebody, in words.
#[derive(Clone, Debug)]
pub struct PersonLine {
    pub id: RecipientId,
    pub campus_id: String,
    pub name: String,
    /// Department, class, dormitory, as far as they are known.
    pub unit: String,
    /// Masked, unless it was asked for.
    pub mobile: String,
    pub told: bool,
    pub condition: Option<Condition>,
    pub place: String,
    pub words: String,
    pub at: Option<Timestamp>,
    /// Since when they have needed help.
    pub since: Option<Timestamp>,
    /// How they answered, or who put it down.
    pub how: String,
    pub late: bool,
}

impl PersonLine {
    pub fn new(view: &View, it: PersonView) -> Self {
        let PersonView { person, late } = it;
        let how = match (&person.marked_by, person.via) {
            (Some(by), _) => view.t1("roll-marked-by", "name", by_name(view, by)),
            (None, Some(via)) => view.t(&format!("via-{}", via.name())),
            (None, None) => String::new(),
        };
        let department = person.department.unwrap_or_default();
        let unit = [department, person.class, person.dormitory];
        let unit: Vec<_> = unit.into_iter().filter(|part| !part.is_empty()).collect();
        Self {
            id: person.id,
            campus_id: person.campus_id,
            name: person.name,
            unit: unit.join(" · "),
            mobile: person.mobile.unwrap_or_default(),
            told: person.told,
            condition: person.condition,
            place: person.place.unwrap_or_default(),
            words: person.words.unwrap_or_default(),
            at: person.answered_at,
            since: person.help_since,
            how,
            late,
        }
    }
}

/// Whoever put something down, without their address.
fn by_name(view: &View, by: &str) -> String {
    let who = actor(view, by);
    who.split_once(" <").map_or(who.as_str(), |(name, _)| name).to_owned()
}

/// People of one list, and the way to the next ones.
#[derive(Debug)]
pub struct PeopleList {
    pub rows: Vec<PersonLine>,
    pub first: Option<String>,
    pub next: Option<String>,
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn unit_line(id: BroadcastId, by: Unit, row: UnitRow) -> UnitLine {
    let UnitRow { name, asked, safe, help } = row;
    let filter = RollFilter { by: by.name().to_owned(), unit: Some(name.clone()), ..RollFilter::default() };
    UnitLine {
        href: filter.address(id) + "#people",
        silent: count(asked - safe - help),
        asked: count(asked),
        safe: count(safe),
        help: count(help),
        name,
    }
}

/// Those in need with whole numbers, as of then.
pub(super) type Revealed = (Timestamp, Vec<PersonView>);

/// `revealed`: in the place of masked ones.
fn fragment(signed: &Signed, filter: &RollFilter, board: Board, revealed: Option<Revealed>) -> BoardFragment {
    let view = signed.view();
    let by = filter.by();
    let CountsRow { asked, safe, help } = board.counts;
    let shown = revealed.as_ref().map(|(at, people)| Shown { at: *at, n: people.len() as u64 });
    let revealed = revealed.map(|(_, people)| people);
    let lines = |people: Vec<PersonView>| people.into_iter().map(|one| PersonLine::new(&view, one)).collect();
    let pace = match board.ended_at {
        None => Some(UNDER_WAY),
        Some(at) => (view.now < at.plus(LATE)).then_some(AWAITING),
    };
    BoardFragment {
        id: board.id,
        pace,
        asked: count(asked),
        safe: count(safe),
        help: count(help),
        in_need: revealed.or(board.in_need).map(lines),
        shown,
        is_around: false,
        may_reveal: signed.may_somewhere(Permission::DirectoryReveal),
        by,
        units: board.units.into_iter().map(|row| unit_line(board.id, by, row)).collect(),
        more_units: board.more_units,
        filter: filter.clone(),
        view,
    }
}

/// Lets in whoever sees broadcasts, of some departments at least, or drills; of which, each roll is asked.
pub(super) fn admit(signed: &Signed) -> Result<()> {
    if signed.may(Permission::EmergencyDrill) {
        return Ok(());
    }
    signed.caller.reach(Permission::EmergencyView).map(drop)
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    filter: Query<RollFilter>,
) -> Result<HttpResponse> {
    admit(&signed)?;
    let id: BroadcastId = params::id(&id, "broadcast")?;
    page::html(&open(&s, &signed, id, filter.into_inner(), None).await?)
}

/// The board's page. `revealed`: see [`fragment`].
pub(super) async fn open(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    filter: RollFilter,
    revealed: Option<Revealed>,
) -> Result<RollPage> {
    let board = roll_call::board(s, &signed.caller, id, filter.by()).await?;
    let people = if board.in_need.is_some() { Some(people(s, signed, id, &filter).await?) } else { None };
    let shell = signed.shell(None)?;
    Ok(RollPage {
        id,
        place: Place(board.run),
        name: shell.view.spoken(&board.name),
        state: board.state,
        ended: board.ended_at.is_some(),
        limited: board.limited,
        sees_broadcast: broadcasts::may_see(&signed.caller, board.run).is_ok(),
        people,
        board: fragment(signed, &filter, board, revealed),
        filter,
        shell,
    })
}

async fn people(s: &Services, signed: &Signed, id: BroadcastId, filter: &RollFilter) -> Result<PeopleList> {
    // A cursor that nobody gave out is taken for none.
    let after = read::<RecipientId>(&filter.cursor).flatten();
    let mut rows = roll_call::list(s, &signed.caller, id, &filter.wanted(), after, ON_A_PAGE + 1).await?;
    let more = rows.len() > ON_A_PAGE as usize;
    rows.truncate(ON_A_PAGE as usize);
    let next = rows.last().filter(|_| more).map(|last| {
        RollFilter { cursor: last.person.id.to_string(), ..filter.clone() }.address(id) + "#people"
    });
    let first = (!filter.cursor.is_empty()).then(|| filter.first().address(id) + "#people");
    let view = signed.view();
    Ok(PeopleList { rows: rows.into_iter().map(|row| PersonLine::new(&view, row)).collect(), first, next })
}

/// What renews itself.
pub(in crate::console) async fn show_board(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    filter: Query<RollFilter>,
    shown: Option<Query<Shown>>,
) -> Result<HttpResponse> {
    admit(&signed)?;
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let board = roll_call::board(&s, &signed.caller, id, filter.by()).await?;
    let board = fragment(&signed, &filter, board, None);
    // Whole numbers are shown by the answer to whoever asked for them, and by no other.
    let shown = shown.map(Query::into_inner);
    page::html(&BoardFragment { is_around: shown.is_some(), shown, ..board })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_in_the_address() {
        let id = BroadcastId(7);
        let filter =
            RollFilter { by: "class".to_owned(), unit: Some(String::new()), ..RollFilter::default() };
        assert_eq!(
            filter.address(id),
            format!("{}/roll?by=class&unit=", href(id)),
            "whose class nobody knows"
        );
        let filter = RollFilter {
            show: "help".to_owned(),
            q: "李".to_owned(),
            cursor: "rcp_x".to_owned(),
            ..RollFilter::default()
        };
        assert!(filter.address(id).ends_with("/roll?by=college&show=help&q=%E6%9D%8E&cursor=rcp_x"));
        assert_eq!(filter.wanted().condition, Some(Condition::Help));
        let wrong = RollFilter { by: "shoe".to_owned(), show: "maybe".to_owned(), ..RollFilter::default() };
        assert_eq!((wrong.by(), wrong.shown()), (Unit::College, None));
    }
}
