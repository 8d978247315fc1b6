//! What can be sent: tiles, a search, and a code to type. One page for what is live, one for drills, one for exercises.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::Place;
use super::list::Line;
use crate::Result;
use crate::console::access::Signed;
use crate::console::page::{self, Shell, Theme, see_other};
use crate::console::view::View;
use crate::domain::emergency::scenario::TILES;
use crate::domain::emergency::{Level, Run, Spoken};
use crate::domain::operator::Permission;
use crate::service::scenarios::ScenarioRow;
use crate::service::{Services, broadcasts, scenarios};

#[derive(Debug, Template)]
#[template(path = "console/emergency/home.html")]
pub struct HomePage {
    pub shell: Shell,
    pub place: Place,
    /// Of this place.
    pub open: Vec<Line>,
    pub tiles: Vec<Tile>,
    pub rest: RestFragment,
    /// No scenario has the code that was typed.
    pub code_fault: Option<String>,
    pub may_fire: bool,
    pub may_exercise: bool,
    /// More than drills.
    pub sees_all: bool,
}

/// The scenarios without a tile, filtered.
#[derive(Debug, Template)]
#[template(path = "console/emergency/rest.html")]
pub struct RestFragment {
    pub view: View,
    pub place: Place,
    pub q: String,
    pub tiles: Vec<Tile>,
}

/// A scenario to press.
#[derive(Clone, Debug)]
pub struct Tile {
    pub href: String,
    pub name: String,
    pub code: String,
    pub level: Level,
    /// It should have been looked through by then.
    pub overdue: Option<String>,
}

impl Tile {
    fn new(view: &View, place: Place, row: &ScenarioRow, today: jiff::civil::Date) -> Self {
        let scenario = &row.document.0;
        Self {
            href: place.press(&row.slug),
            name: view.spoken(&scenario.name),
            code: scenario.code.clone(),
            level: scenario.level,
            overdue: scenario.review_is_due(today).then(|| scenario.review_on.to_string()),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Asked {
    /// A code that was typed.
    code: String,
    /// What the others are searched for.
    q: String,
}

pub(in crate::console) async fn live(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    show(Place(Run::Live), &request, &s, &signed, &asked).await
}

pub(in crate::console) async fn drill(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    show(Place(Run::Drill), &request, &s, &signed, &asked).await
}

pub(in crate::console) async fn exercise(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    show(Place(Run::Exercise), &request, &s, &signed, &asked).await
}

async fn show(
    place: Place,
    request: &HttpRequest,
    s: &Services,
    signed: &Signed,
    asked: &Asked,
) -> Result<HttpResponse> {
    place.admit(signed)?;
    let rows = scenarios::list(s, &signed.caller).await?;
    let code = asked.code.trim().to_uppercase();
    if let Some(row) = rows.iter().find(|row| !code.is_empty() && row.document.0.code == code) {
        return Ok(see_other(&place.press(&row.slug)));
    }
    let view = signed.view();
    let today = s.campus.zoned(s.clock.now()).date();
    let is_tile = |row: &&ScenarioRow| row.document.0.tile.is_some();
    let tile = |row: &ScenarioRow| Tile::new(&view, place, row, today);
    let tiles: Vec<_> = rows.iter().filter(is_tile).take(TILES as usize).map(tile).collect();
    let shown = |row: &&ScenarioRow| !tiles.iter().any(|tile| tile.href == place.press(&row.slug));
    let rest = rows.iter().filter(shown).filter(|row| is_found(row, &asked.q)).map(tile).collect();
    let rest = RestFragment { view: view.clone(), place, q: asked.q.trim().to_owned(), tiles: rest };
    if page::wants_fragment(request) {
        return page::html(&rest);
    }
    let open = broadcasts::open_now(s, &signed.caller).await?;
    let open = open.iter().filter(|one| one.run == place.0).map(|one| Line::of_open(&view, one)).collect();
    let code_fault = (!code.is_empty()).then(|| view.t1("emergency-code-unknown", "code", &code));
    let response =
        if code_fault.is_some() { HttpResponse::UnprocessableEntity() } else { HttpResponse::Ok() };
    let home = HomePage {
        shell: signed.shell(None)?,
        place,
        open,
        tiles,
        rest,
        code_fault,
        may_fire: place.may_press(signed),
        may_exercise: signed.may(Permission::EmergencyExercise),
        sees_all: signed.may(Permission::EmergencyView),
    };
    page::answer(response, &home)
}

/// By its code or its name in either language.
fn is_found(row: &ScenarioRow, q: &str) -> bool {
    let q = q.trim().to_lowercase();
    let scenario = &row.document.0;
    let Spoken { zh, en } = &scenario.name;
    q.is_empty() || [&scenario.code, zh, en].iter().any(|text| text.to_lowercase().contains(&q))
}
