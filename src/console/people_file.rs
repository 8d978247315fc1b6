//! The list of people as a file, as many as the filters find.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::access::Signed;
use super::form::Form;
use super::people::PeopleFilter;
use super::table_file::{self, CHUNK, last_of};
use super::view::View;
use crate::Result;
use crate::domain::operator::Permission;
use crate::service::recipients::{self, Recipient};
use crate::service::{Services, groups};

/// Columns as an import knows them again; attributes follow.
const HEADS: [&str; 8] = [
    "column-campus-id",
    "person-name",
    "column-department",
    "address-email",
    "address-mobile",
    "address-wecom_userid",
    "address-wechat_openid",
    "person-language",
];

/// What the filters find; addresses are masked for whoever may not learn them.
pub(super) async fn export(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    signed.caller.reach(Permission::DirectoryView)?;
    let text = |name| form.text(name).to_owned();
    let filter = PeopleFilter {
        q: text("q"),
        department: text("department"),
        state: text("state"),
        cursor: String::new(),
    };
    let query = filter.query();
    if let Some(query) = &query {
        recipients::note_export(&s, &signed.caller, query).await?;
    }
    let view = signed.view();
    let attributes = groups::attribute_names(&s, &signed.caller).await?;
    let mut heads: Vec<_> = HEADS.iter().map(|key| view.t(key)).collect();
    heads.push(view.t("column-state"));
    heads.extend(attributes.iter().cloned());
    let first = query.map(|query| (query, None));
    Ok(table_file::streamed("people.csv", &heads, first, move |(query, before)| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        let attributes = attributes.clone();
        async move {
            let rows = recipients::export(&s, &caller, &query, before, CHUNK).await?;
            let last = last_of(&rows).map(|row| row.id);
            let text = rows.into_iter().map(|row| line(&view, row, &attributes)).collect();
            Ok((text, last.map(|last| (query, Some(last)))))
        }
    }))
}

fn line(view: &View, row: Recipient, attributes: &[String]) -> String {
    let Recipient { active, person, .. } = row;
    let mut cells = vec![
        person.campus_id,
        person.name,
        person.department.unwrap_or_default(),
        person.email.unwrap_or_default(),
        person.mobile.unwrap_or_default(),
        person.wecom_userid.unwrap_or_default(),
        person.wechat_openid.unwrap_or_default(),
        person.language.unwrap_or_default(),
        view.t(if active { "person-active" } else { "person-inactive" }),
    ];
    cells.extend(attributes.iter().map(|name| match person.attributes.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }));
    table_file::row(cells.iter().map(String::as_str))
}
