//! What the document says of what is sent, beyond its fields: nothing else may stand in a body, null is the same as leaving a
//! field out, and a parameter of the query that is left empty counts as left out.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{
    AdditionalProperties, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{OpenApi, RefOr};

/// Fields that may be left out and are never null: schema and name.
const NEVER_NULL: [(&str, &str); 1] = [("RecipientPatchBody", "name")];

/// A parameter of the query may be left empty (`Params::text`).
pub(super) fn allow_empty(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.parameter_in == ParameterIn::Query {
            parameter
                .extensions
                .get_or_insert_default()
                .insert("allowEmptyValue".to_owned(), Value::Bool(true));
        }
    }
}

/// A body that may be left out is none, or there, never null: what is written as an `Option` is described as if it were.
pub(super) fn leave_out(body: &mut RequestBody) {
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        match &mut content.schema {
            Some(RefOr::T(Schema::OneOf(choices))) => {
                choices.items.retain(|choice| !is_null(choice));
                if let [only] = choices.items.as_slice() {
                    content.schema = Some(only.clone());
                }
            }
            Some(RefOr::T(Schema::Object(object))) => {
                if let SchemaType::Array(kinds) = &mut object.schema_type {
                    kinds.retain(|kind| *kind != Type::Null);
                }
            }
            _ => {}
        }
    }
}

/// Writes it into every schema that a request's body is made of.
pub(super) fn close(document: &mut OpenApi) {
    let sent = sent(document);
    let Some(components) = &mut document.components else { return };
    for name in sent {
        let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) else { continue };
        if object.schema_type != SchemaType::Type(Type::Object) {
            continue;
        }
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        let Object { required, properties, .. } = object;
        for (field, schema) in properties {
            if !required.contains(field) && !NEVER_NULL.contains(&(name.as_str(), field.as_str())) {
                allow_null(schema);
            }
        }
    }
}

/// The names of the schemas that bodies of requests are made of.
fn sent(document: &OpenApi) -> BTreeSet<String> {
    let mut waiting = BTreeSet::new();
    for item in document.paths.paths.values() {
        let operations = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
        for operation in operations.into_iter().flatten() {
            names_in(&operation.request_body, &mut waiting);
        }
    }
    let mut sent = BTreeSet::new();
    while let Some(name) = waiting.pop_first() {
        if let Some(schema) = document.components.as_ref().and_then(|all| all.schemas.get(&name))
            && sent.insert(name)
        {
            names_in(schema, &mut waiting);
        }
    }
    sent
}

fn names_in(part: &impl Serialize, into: &mut BTreeSet<String>) {
    fn go(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                let name = fields.get("$ref").and_then(Value::as_str);
                into.extend(name.and_then(|name| name.rsplit('/').next()).map(str::to_owned));
                fields.values().for_each(|value| go(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| go(value, into)),
            _ => {}
        }
    }
    go(&serde_json::to_value(part).unwrap_or_default(), into);
}

fn allow_null(schema: &mut RefOr<Schema>) {
    let null = || ObjectBuilder::new().schema_type(Type::Null);
    match schema {
        RefOr::T(Schema::Object(object)) => {
            also_null(&mut object.schema_type);
            if let Some(values) = &mut object.enum_values {
                values.push(Value::Null);
            }
        }
        RefOr::T(Schema::Array(array)) => also_null(&mut array.schema_type),
        RefOr::T(Schema::OneOf(one)) if one.items.iter().any(is_null) => {}
        RefOr::T(Schema::OneOf(one)) => one.items.push(null().into()),
        _ => *schema = OneOfBuilder::new().item(schema.clone()).item(null()).into(),
    }
}

fn also_null(kind: &mut SchemaType) {
    match kind {
        SchemaType::Type(one) => *kind = SchemaType::from_iter([one.clone(), Type::Null]),
        SchemaType::Array(several) if !several.contains(&Type::Null) => several.push(Type::Null),
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
