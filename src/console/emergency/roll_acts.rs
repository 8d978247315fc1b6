//! What is done on a board: somebody is marked who was spoken with, numbers are shown, a list is taken along.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::href;
use super::roll::{PersonLine, RollFilter, admit, open};
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::page::{self, Flash, see_other};
use crate::console::table_file::{self, CHUNK, last_of};
use crate::console::view::View;
use crate::domain::emergency::Condition;
use crate::domain::id::{BroadcastId, RecipientId};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::roll_call::{self, PersonView};
use crate::{Error, Result};

/// Columns of a list.
const HEADS: [&str; 13] = [
    "column-campus-id",
    "person-name",
    "roll-by-college",
    "roll-by-class",
    "roll-by-dormitory",
    "address-mobile",
    "roll-column-said",
    "roll-column-place",
    "roll-column-words",
    "roll-column-at",
    "roll-column-how",
    "roll-column-late",
    "roll-column-told",
];

/// The filters that a form of the board carries.
fn filter(form: &Form) -> RollFilter {
    RollFilter {
        by: form.text("by").to_owned(),
        show: form.text("show").to_owned(),
        unit: form.all("unit").next().map(str::to_owned),
        q: form.text("q").to_owned(),
        cursor: form.text("cursor").to_owned(),
    }
}

/// Puts down what somebody said who was spoken with, and goes back to the list.
pub(in crate::console) async fn mark(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    admit(&signed)?;
    signed.caller.reach(Permission::DirectoryView)?;
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let person: RecipientId = params::id(form.text("person"), "recipient")?;
    let said = form.text("answer").parse::<Condition>();
    let condition = said.map_err(|_| Error::Malformed("press one of the board's buttons".to_owned()))?;
    let name = roll_call::mark(&s, &signed.caller, id, person, condition).await?;
    let view = signed.view();
    signed.say(&Flash::good(view.t1(&format!("roll-marked-{condition}"), "name", name)))?;
    Ok(see_other(&filter(&form).address(id)))
}

/// Shows the numbers of those who need help, in the answer and nowhere else.
pub(in crate::console) async fn reveal(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    admit(&signed)?;
    signed.caller.reach(Permission::DirectoryView)?;
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let at = s.clock.now();
    let people = roll_call::reveal(&s, &signed.caller, id).await?;
    page::html(&open(&s, &signed, id, filter(&form), Some((at, people))).await?)
}

/// What the filters find, for those who telephone; numbers are masked for whoever may not learn them.
pub(in crate::console) async fn export(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    admit(&signed)?;
    signed.caller.reach(Permission::DirectoryView)?;
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let filter = filter(&form);
    let wanted = filter.wanted();
    roll_call::note_export(&s, &signed.caller, id, &wanted).await?;
    let view = signed.view();
    let heads = HEADS.map(|key| view.t(key));
    let name = format!("{}-{}.csv", href(id).rsplit('/').next().unwrap_or_default(), filter.shown_name());
    Ok(table_file::streamed(&name, &heads, Some((wanted, None)), move |(wanted, after)| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        async move {
            let rows = roll_call::export(&s, &caller, id, &wanted, after, CHUNK).await?;
            let last = last_of(&rows).map(|row| row.person.id);
            let text = rows.into_iter().map(|row| line(&view, row)).collect();
            Ok((text, last.map(|last| (wanted, Some(last)))))
        }
    }))
}

fn line(view: &View, row: PersonView) -> String {
    let person = row.person.clone();
    let shown = PersonLine::new(view, row);
    let yes = |is: bool| if is { view.t("roll-yes") } else { String::new() };
    let cells = [
        shown.campus_id,
        shown.name,
        person.department.unwrap_or_default(),
        person.class,
        person.dormitory,
        shown.mobile,
        view.t(&format!("roll-list-{}", shown.condition.map_or("silent", Condition::name))),
        shown.place,
        shown.words,
        shown.at.map(|at| view.exact(at)).unwrap_or_default(),
        shown.how,
        yes(shown.late),
        view.t(if shown.told { "roll-told" } else { "roll-not-told" }),
    ];
    table_file::row(cells.iter().map(String::as_str))
}
