//! What is asked for: a filter, an order, a part of a list, and which attributes of it. In a query, or in the body of a `.search`.

use actix_web::HttpRequest;
use serde_json::Value;
use url::form_urlencoded;

use crate::domain::scim::filter::Filter;
use crate::domain::scim::order::Order;
use crate::service::scim::{MOST_LISTED, Part};
use crate::{Error, Result};

/// Entries of a page where nothing is said.
const USUAL: u32 = 100;

/// Parameters that nobody here knows are passed over, as the standard lets a server do.
#[derive(Debug, Default)]
pub(super) struct Query {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start: Option<i64>,
    count: Option<i64>,
    attributes: Vec<String>,
    excluded: Vec<String>,
}

impl Query {
    pub(super) fn of(request: &HttpRequest) -> Result<Self> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
            let number = || {
                let fault = || Error::fault(format!("?{name}"), "invalid_value", "send a whole number");
                value.trim().parse::<i64>().map_err(|_| fault())
            };
            match name.as_ref() {
                "filter" => query.filter = Some(value.into_owned()),
                "sortBy" => query.sort_by = Some(value.into_owned()),
                "sortOrder" => query.sort_order = Some(value.into_owned()),
                "startIndex" => query.start = Some(number()?),
                "count" => query.count = Some(number()?),
                "attributes" => query.attributes = names(&value),
                "excludedAttributes" => query.excluded = names(&value),
                _ => {}
            }
        }
        Ok(query)
    }

    /// Of the body of a `.search` (RFC 7644 §3.4.3).
    pub(super) fn of_body(body: &Value) -> Result<Self> {
        let wrong = |name: &str, what: &str| Error::fault(format!("/{name}"), "invalid_value", what);
        let number = |name: &str| match &body[name] {
            Value::Null => Ok(None),
            value => value.as_i64().map(Some).ok_or_else(|| wrong(name, "send a whole number")),
        };
        let list = |name: &str| match &body[name] {
            Value::Null => Ok(Vec::new()),
            Value::String(text) => Ok(names(text)),
            Value::Array(list) => {
                let name = |value: &Value| value.as_str().map(str::to_owned);
                list.iter().map(name).collect::<Option<_>>().ok_or(())
            }
            _ => Err(()),
        };
        let list = |name: &str| list(name).map_err(|()| wrong(name, "send a list of names"));
        let text = |name: &str| match &body[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(wrong(name, "send a string")),
        };
        Ok(Self {
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            sort_order: text("sortOrder")?,
            start: number("startIndex")?,
            count: number("count")?,
            attributes: list("attributes")?,
            excluded: list("excludedAttributes")?,
        })
    }

    /// None where all are asked for.
    pub(super) fn filter(&self) -> Result<Option<Filter>> {
        said(self.filter.as_deref()).map(Filter::parse).transpose()
    }

    /// By one of these attributes; none where nothing is said, or another.
    pub(super) fn order<F: Copy>(&self, known: &[(&str, F)]) -> Result<Option<Order<F>>> {
        let Some(by) = said(self.sort_by.as_deref()) else { return Ok(None) };
        let order = Order::read(by, said(self.sort_order.as_deref()), known)?;
        if order.is_none() {
            tracing::debug!(by, "a list was wanted in an order that there is not");
        }
        Ok(order)
    }

    /// What is less than the least counts as the least, and more than the most as the most (RFC 7644 §3.4.2.4).
    pub(super) fn part(&self) -> Part {
        let count = self.count.map_or(USUAL, |count| count.clamp(0, i64::from(MOST_LISTED)) as u32);
        Part { start: self.start.unwrap_or(1).max(1), count }
    }

    /// Whether the attribute is named among those that are wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.attributes.iter().any(|one| top(one).eq_ignore_ascii_case(name)) && !self.leaves_out(name)
    }

    /// Whether the attribute cannot be in the answer.
    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let is_named = |list: &[String]| list.iter().any(|one| top(one).eq_ignore_ascii_case(name));
        // A part of an attribute left out leaves the rest of it there.
        let is_excluded = self.excluded.iter().any(|one| bare(one).eq_ignore_ascii_case(name));
        is_excluded || (!self.attributes.is_empty() && !is_named(&self.attributes))
    }

    /// Whether attributes are asked for by name.
    pub(super) fn is_choosy(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// Leaves of a resource what is wanted. Its id, schemas and `meta` are always there; of an attribute that has parts, all
    /// of them are.
    pub(super) fn shape(&self, resource: &mut Value) {
        if let Some(object) = resource.as_object_mut() {
            object.retain(|name, _| {
                matches!(name.as_str(), "id" | "schemas" | "meta") || !self.leaves_out(name)
            });
        }
    }
}

/// What is empty says nothing.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Without the schema of the resource itself, which may stand before.
fn bare(name: &str) -> &str {
    use crate::domain::scim::{GROUP, USER};

    for schema in [USER, GROUP] {
        if let (Some(start), Some(rest)) = (name.get(..schema.len()), name.get(schema.len()..))
            && start.eq_ignore_ascii_case(schema)
            && rest.starts_with(':')
        {
            return &rest[1..];
        }
    }
    name
}

/// The attribute of a resource in which that name is: extensions are attributes by their schemas.
fn top(name: &str) -> &str {
    use crate::domain::scim::{BELLTOWER, ENTERPRISE};

    for schema in [ENTERPRISE, BELLTOWER] {
        if name.get(..schema.len()).is_some_and(|start| start.eq_ignore_ascii_case(schema)) {
            return schema;
        }
    }
    let name = bare(name);
    name.split_once('.').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::scim::{BELLTOWER, ENTERPRISE, USER};

    fn body(value: &Value) -> Query {
        Query::of_body(value).unwrap()
    }

    #[test]
    fn a_part_is_within_its_bounds() {
        for (asked, start, count) in [
            (json!({}), 1, 100),
            (json!({"startIndex": 0, "count": -1}), 1, 0),
            (json!({"startIndex": 201, "count": 1_000}), 201, 200),
        ] {
            assert_eq!(body(&asked).part(), Part { start, count });
        }
        for wrong in
            [json!({"count": "many"}), json!({"filter": 1}), json!({"sortBy": 1}), json!({"attributes": [1]})]
        {
            assert!(Query::of_body(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wanted_is_left() {
        let resource = json!({
            "id": "1", "schemas": [], "meta": {}, "userName": "1", "emails": [], "members": [],
            ENTERPRISE: {}, BELLTOWER: {},
        });
        let left = |asked: Value| {
            let mut shaped = resource.clone();
            body(&asked).shape(&mut shaped);
            let mut names: Vec<_> = shaped.as_object().unwrap().keys().cloned().collect();
            names.retain(|name| !matches!(name.as_str(), "id" | "schemas" | "meta"));
            names.sort();
            names
        };
        assert_eq!(left(json!({})).len(), 5);
        assert_eq!(left(json!({"attributes": ["USERNAME"]})), ["userName"]);
        assert_eq!(left(json!({"attributes": "emails.value, id"})), ["emails"]);
        assert_eq!(left(json!({"attributes": [format!("{USER}:userName")]})), ["userName"]);
        assert_eq!(left(json!({"attributes": [format!("{ENTERPRISE}:department")]})), [ENTERPRISE]);
        assert_eq!(
            left(json!({"excludedAttributes": ["members", BELLTOWER]})),
            ["emails", ENTERPRISE, "userName"]
        );
        assert_eq!(left(json!({"excludedAttributes": ["id", "emails.type"]})).len(), 5);
        let asked = body(&json!({"attributes": ["members.value"]}));
        assert!(asked.wants("members") && !asked.leaves_out("members"));
        assert!(!body(&json!({})).wants("members") && !body(&json!({})).leaves_out("members"));
    }
}
