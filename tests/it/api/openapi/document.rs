//! The document to ask things of.

use std::collections::{BTreeMap, BTreeSet};

use belltower::api;
use serde_json::{Map, Value};

pub(super) struct Document(pub(super) Value);

/// One method of one path.
#[derive(Clone)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) says: Value,
}

impl Operation {
    /// `GET /api/v1/messages`
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn is_api(&self) -> bool {
        self.path.starts_with("/api/")
    }

    /// For alarm buttons, whose keys open nothing else.
    pub(super) fn is_buttons(&self) -> bool {
        self.path.starts_with("/api/v1/buttons/")
    }

    /// For systems that have no key yet.
    pub(super) fn is_registrations(&self) -> bool {
        self.path.starts_with("/api/v1/source-registrations")
    }

    /// For systems with an API key.
    pub(super) fn is_for_sources(&self) -> bool {
        self.is_api() && !self.is_buttons() && !self.is_registrations()
    }

    /// The names of its parameters that stand there: `query`, `path`, `header`.
    pub(super) fn parameters(&self, place: &str) -> BTreeSet<String> {
        let all = self.says["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place)
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn responses(&self) -> &Map<String, Value> {
        self.says["responses"].as_object().unwrap()
    }

    /// The schema of its JSON body.
    pub(super) fn body(&self) -> Option<&Value> {
        self.says.pointer("/requestBody/content/application~1json/schema")
    }
}

impl Document {
    pub(super) fn new() -> Self {
        Self(serde_json::to_value(api::openapi()).unwrap())
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &Value)| {
            let path = path.clone();
            let each = item.as_object().unwrap().clone().into_iter();
            each.map(move |(method, says)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                says,
            })
        };
        paths.iter().flat_map(of).collect()
    }

    #[track_caller]
    pub(super) fn operation(&self, method: &str, path: &str) -> Operation {
        let all = self.operations().into_iter();
        all.into_iter()
            .find(|operation| operation.method == method && operation.path == path)
            .unwrap_or_else(|| panic!("{method} {path} is not described"))
    }

    /// What a reference leads to, or the thing itself.
    pub(super) fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(reference) => self.resolve(self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap()),
            None => value,
        }
    }

    /// The properties of a schema; where several make it up, of all of them.
    pub(super) fn properties<'v>(&'v self, schema: &'v Value) -> BTreeMap<&'v str, &'v Value> {
        let schema = self.resolve(schema);
        let own = schema["properties"].as_object().into_iter().flatten();
        let mut found: BTreeMap<_, _> = own.map(|(name, schema)| (name.as_str(), schema)).collect();
        for combined in ["allOf", "oneOf", "anyOf"] {
            for part in schema[combined].as_array().into_iter().flatten() {
                found.extend(self.properties(part));
            }
        }
        found
    }

    /// Every object in the document, with the pointer to it.
    pub(super) fn visit(&self, mut see: impl FnMut(&str, &Map<String, Value>)) {
        fn go(value: &Value, at: &str, see: &mut dyn FnMut(&str, &Map<String, Value>)) {
            match value {
                Value::Object(fields) => {
                    see(at, fields);
                    for (name, value) in fields {
                        let name = name.replace('~', "~0").replace('/', "~1");
                        go(value, &format!("{at}/{name}"), see);
                    }
                }
                Value::Array(items) => {
                    for (place, item) in items.iter().enumerate() {
                        go(item, &format!("{at}/{place}"), see);
                    }
                }
                _ => {}
            }
        }
        go(&self.0, "", &mut see);
    }
}
