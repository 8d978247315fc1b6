//! What this server can do, and what its resources look like (RFC 7644 §4).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde_json::{Value, json};

use super::answer::{self, whole};
use super::schemas;
use crate::domain::scim::{BELLTOWER, ENTERPRISE, GROUP, USER};
use crate::http::Key;
use crate::service::Services;
use crate::service::scim::{MOST_LISTED, admit};
use crate::{Error, Result};

pub(super) async fn show_config(s: Data<Services>, key: Key) -> Result<HttpResponse> {
    admit(key.caller())?;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST_LISTED },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Source key",
            "description": "The live key of a source with the right `directory`, as Authorization: Bearer",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": answer::location(&s, "ServiceProviderConfig")?,
        },
    });
    Ok(answer::json(StatusCode::OK, &body))
}

fn types(s: &Services) -> Result<[Value; 2]> {
    let one = |name: &str, endpoint: &str, about: &str, schema: &str, extensions: &[&str]| {
        let extensions: Vec<_> =
            extensions.iter().map(|schema| json!({ "schema": schema, "required": false })).collect();
        Ok::<_, Error>(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "description": about,
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": {
                "resourceType": "ResourceType",
                "location": answer::location(s, &format!("ResourceTypes/{name}"))?,
            },
        }))
    };
    Ok([
        one("User", "/Users", "A person of the directory", USER, &[ENTERPRISE, BELLTOWER])?,
        one("Group", "/Groups", "A group that lists its members", GROUP, &[])?,
    ])
}

pub(super) async fn list_types(s: Data<Services>, key: Key) -> Result<HttpResponse> {
    admit(key.caller())?;
    Ok(all(types(&s)?.into()))
}

pub(super) async fn show_type(s: Data<Services>, key: Key, name: Path<String>) -> Result<HttpResponse> {
    admit(key.caller())?;
    one(types(&s)?, &name, "resource type")
}

pub(super) async fn list_schemas(s: Data<Services>, key: Key) -> Result<HttpResponse> {
    admit(key.caller())?;
    Ok(all(schemas::all(&s)?.into()))
}

pub(super) async fn show_schema(s: Data<Services>, key: Key, urn: Path<String>) -> Result<HttpResponse> {
    admit(key.caller())?;
    one(schemas::all(&s)?, &urn, "schema")
}

fn all(resources: Vec<Value>) -> HttpResponse {
    answer::json(StatusCode::OK, &whole(resources.len() as i64, 1, resources))
}

fn one<const N: usize>(resources: [Value; N], id: &str, what: &'static str) -> Result<HttpResponse> {
    let found = resources.into_iter().find(|one| one["id"] == id).ok_or(Error::NotFound(what))?;
    Ok(answer::json(StatusCode::OK, &found))
}
