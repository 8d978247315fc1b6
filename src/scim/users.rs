//! `/Users`: people.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::answer::{self, Resource, expected};
use super::query::Query;
use crate::Result;
use crate::domain::id::RecipientId;
use crate::domain::scim::question::{self, Condition};
use crate::domain::scim::user::EMPLOYEE_NUMBER;
use crate::domain::scim::{BELLTOWER, ENTERPRISE, USER};
use crate::http::body::Json;
use crate::http::{Key, params};
use crate::service::Services;
use crate::service::scim::users::{self, UserView};
use crate::service::scim::{Listed, admit};

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

/// `GET /Users?filter=&startIndex=&count=&attributes=&excludedAttributes=`
pub(super) async fn list(request: HttpRequest, s: Data<Services>, key: Key) -> Result<HttpResponse> {
    admit(key.caller())?;
    find(&s, &key, &Query::of(&request)?).await
}

/// `POST /Users/.search`, the same with a body.
pub(super) async fn search(s: Data<Services>, key: Key, body: Json) -> Result<HttpResponse> {
    admit(key.caller())?;
    find(&s, &key, &Query::of_body(&body.0)?).await
}

async fn find(s: &Services, key: &Key, query: &Query) -> Result<HttpResponse> {
    let condition = match query.filter()? {
        Some(filter) => question::of_users(&filter)?,
        None => Condition::Constant(true),
    };
    let part = query.part();
    let found = users::list(s, key.caller(), &condition, part).await?;
    let entries = found.entries.into_iter().map(|view| resource(s, view)).collect::<Result<_>>()?;
    Ok(answer::list(Listed { entries, total: found.total }, part, query))
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
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let expected = expected(&request);
    let view = users::replace(&s, key.caller(), id(&path)?, &body.0, expected.as_ref()).await?;
    Ok(resource(&s, view)?.answer(StatusCode::OK, &query))
}

pub(super) async fn update(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    path: Path<String>,
    body: Json,
) -> Result<HttpResponse> {
    admit(key.caller())?;
    let query = Query::of(&request)?;
    let expected = expected(&request);
    let view = users::patch(&s, key.caller(), id(&path)?, &body.0, expected.as_ref()).await?;
    Ok(resource(&s, view)?.answer(StatusCode::OK, &query))
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
