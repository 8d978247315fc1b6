//! A field whose type is written out in place and has words of its own: utoipa asks it to be that type and an object as well,
//! which nothing can be.

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Components, RefOr};

/// Leaves such fields their type and their words.
pub(super) fn mend(components: &mut Components) {
    components.schemas.values_mut().for_each(schema);
}

fn schema(part: &mut RefOr<Schema>) {
    let RefOr::T(inner) = part else { return };
    match inner {
        Schema::Object(object) => {
            object.properties.values_mut().for_each(schema);
            if let Some(AdditionalProperties::RefOr(more)) = object.additional_properties.as_deref_mut() {
                schema(more);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                schema(items);
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(schema),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(schema),
        Schema::AllOf(all) => {
            all.items.iter_mut().for_each(schema);
            if let [RefOr::T(Schema::Object(kind)), RefOr::T(Schema::Object(words))] = all.items.as_slice()
                && says_nothing_else(words)
            {
                let mut kind = kind.clone();
                kind.description.clone_from(&words.description);
                *part = kind.into();
            }
        }
        _ => {}
    }
}

/// It has a description, and else is any object.
fn says_nothing_else(words: &Object) -> bool {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(words.description.clone());
    words.description.is_some() && *words == object.build()
}
