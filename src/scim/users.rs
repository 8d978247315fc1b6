//! `/Users`: people.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::answer::{self, Resource, expected};
use super::listing::Kind;
use super::query::Query;
use crate::Result;
use crate::domain::id::RecipientId;
use crate::domain::scim::filter::Filter;
use crate::domain::scim::question::{self, Condition, UserField};
use crate::domain::scim::user::EMPLOYEE_NUMBER;
use crate::domain::scim::{BELLTOWER, ENTERPRISE, USER, order};
use crate::http::body::Json;
use crate::http::{Key, params};
use crate::service::scim::users::{self, Change, UserView};
use crate::service::scim::{Asked, Listed, admit};
use crate::service::{Caller, Services};

/// A person as the standard writes them.
fn resource(s: &Services, view: UserView) -> Result<Resource> {
    let location = answer::location(s, &format!("Users/{}", view.id))?;
    let person = view.user.person;
    let mut attributes: Map<String, Value> = person.attributes.into_iter().collect();
    let text = |value: Value| match value {
        Value::String(text) => Value::String(text),
        other => Value::String(other.to_string()),
    };
    let user_type = attributes.remove("role").map(text);
    let employee_number = attributes.remove(EMPLOYEE_NUMBER).map(text);
    let enterprise =
        some([("department", person.department.map(Value::from)), ("employeeNumber", employee_number)]);
    let belltower = some([
        ("wecomUserid", person.wecom_userid.map(Value::from)),
        ("wechatOpenid", person.wechat_openid.map(Value::from)),
        ("attributes", Some(attributes).filter(|all| !all.is_empty()).map(Value::from)),
    ]);
    let mut schemas = vec![USER];
    schemas.extend((!enterprise.is_empty()).then_some(ENTERPRISE));
    schemas.extend((!belltower.is_empty()).then_some(BELLTOWER));
    let one = |value: String, kind: &str| json!([{ "value": value, "type": kind, "primary": true }]);
    let body = some([
        ("schemas", Some(json!(schemas))),
        ("id", Some(json!(view.id))),
        ("externalId", view.user.external_id.map(Value::from)),
        ("userName", Some(person.campus_id.into())),
        ("name", Some(json!({ "formatted": person.name }))),
        ("displayName", Some(person.name.into())),
        ("active", Some(view.user.active.into())),
        ("preferredLanguage", person.language.map(Value::from)),
        ("userType", user_type),
        ("emails", person.email.map(|email| one(email, "work"))),
        ("phoneNumbers", person.mobile.map(|mobile| one(mobile, "mobile"))),
        (ENTERPRISE, Some(enterprise).filter(|all| !all.is_empty()).map(Value::from)),
        (BELLTOWER, Some(belltower).filter(|all| !all.is_empty()).map(Value::from)),
        (
            "meta",
            Some(json!({
                "resourceType": "User",
                "created": view.created_at.to_jiff(),
                "lastModified": view.updated_at.to_jiff(),
                "version": view.version,
                "location": location,
            })),
        ),
    ]);
    Ok(Resource { body: body.into(), version: view.version, location })
}

/// What is there of these.
fn some<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn id(text: &str) -> Result<RecipientId> {
    params::id(text, "user")
}

/// People are listed.
pub(super) struct Users;

impl Kind for Users {
    type Field = UserField;
    const ORDERS: &'static [(&'static str, UserField)] = order::OF_USERS;

    fn condition(filter: &Filter) -> Result<Condition<UserField>> {
        question::of_users(filter)
    }

    async fn find(
        s: &Services,
        caller: &Caller,
        asked: &Asked<UserField>,
        _: &Query,
    ) -> Result<Listed<Resource>> {
        users::list(s, caller, asked).await?.map(|view| resource(s, view))
    }
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let view = users::get(&s, key.caller(), id(&path)?).await?;
    Ok(resource(&s, view)?.show(&request, &query))
}

pub(super) async fn create(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    body: Json,
) -> Result<HttpResponse> {
    let query = Query::of(&request)?;
    let view = users::create(&s, key.caller(), &body.0).await?;
    Ok(resource(&s, view)?.answer(StatusCode::CREATED, &query))
}

pub(super) async fn replace(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: Json,
) -> Result<HttpResponse> {
    change(&request, &s, &key, &path, Change::Whole(&body.0)).await
}

pub(super) async fn update(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: Json,
) -> Result<HttpResponse> {
    change(&request, &s, &key, &path, Change::Patch(&body.0)).await
}

async fn change(
    request: &HttpRequest,
    s: &Services,
    key: &Key,
    path: &str,
    change: Change<'_>,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(request)?;
    let view = users::change(s, key.caller(), id(path)?, change, expected(request).as_ref()).await?;
    Ok(resource(s, view)?.answer(StatusCode::OK, &query))
}

pub(super) async fn delete(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    users::delete(&s, key.caller(), id(&path)?, expected(&request).as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
