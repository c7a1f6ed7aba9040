//! The JSON Schema of the format, for editors, made from the very parts the reader fills. PURE.

use std::borrow::Cow;
use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::look::{Also, OneOrManyAlso};
use super::parse::fields::At;
use super::parse::raw::{Named, OneOrMany, RawCapture, RawForEach, RawList, RawRunbook, Text};

/// The schema as JSON, draft 2020-12.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RawRunbook>().to_value();
    without_null(&mut schema);
    if let Some(parts) = schema.get_mut("$defs").and_then(Json::as_object_mut) {
        parts.values_mut().for_each(without_null);
    }
    schema
}

/// A key that may be left out may still not stand there with no value.
fn without_null(part: &mut Json) {
    let Some(properties) = part.get_mut("properties").and_then(Json::as_object_mut) else { return };
    for property in properties.values_mut().filter_map(Json::as_object_mut) {
        if let Some(Json::Array(types)) = property.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                property.insert("type".to_owned(), one);
            }
        }
        if let Some(Json::Array(any)) = property.get_mut("anyOf") {
            any.retain(|one| *one != serde_json::json!({ "type": "null" }));
            if let [Json::Object(one)] = any.as_slice() {
                let one = one.clone();
                property.remove("anyOf");
                for (key, value) in one {
                    // What the key says of itself is more to the point than what its type says.
                    property.entry(key).or_insert(value);
                }
            }
        }
    }
}

/// Implements [`JsonSchema`] for a type that is written in place.
macro_rules! in_place {
    ($type:ty, $name:literal, |$generator:ident| $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

// A number where text is due is text as spelled.
in_place!(At<String>, "Text", |_g| json_schema!({ "type": ["string", "number"] }));
in_place!(At<bool>, "Flag", |_g| json_schema!({ "type": "boolean" }));
in_place!(At<u32>, "Whole", |_g| json_schema!({ "type": "integer" }));
in_place!(At<f64>, "Number", |_g| json_schema!({ "type": "number" }));
in_place!(At<Duration>, "Duration", |_g| json_schema!({
    "type": "string",
    "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
    "examples": ["90s", "5m", "1h30m"],
}));
in_place!(At<Vec<Text>>, "Texts", |g| g.subschema_for::<Vec<Text>>());
in_place!(OneOrMany, "OneOrMany", |g| {
    let one = g.subschema_for::<Text>();
    let many = g.subschema_for::<Vec<Text>>();
    json_schema!({ "anyOf": [one, many] })
});
in_place!(RawForEach, "ForEach", |g| {
    let list = g.subschema_for::<RawList>();
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
        "additionalProperties": list,
        "minProperties": 1,
        "maxProperties": 1,
    })
});
in_place!(RawCapture, "Capture", |g| {
    let text = g.subschema_for::<Text>();
    json_schema!({
        "anyOf": [
            text,
            { "type": "object", "additionalProperties": text, "minProperties": 1, "maxProperties": 1 },
        ],
    })
});

in_place!(OneOrManyAlso, "OneOrManyAlso", |g| {
    let one = g.subschema_for::<Also>();
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
});

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::parse::keys;
    use std::collections::BTreeSet;

    /// The keys that the schema lets stand at one of its definitions.
    fn keys_of(schema: &serde_json::Value) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_keys_the_reader_takes() {
        let schema = schema();
        for (name, context) in [
            ("", &keys::RUNBOOK),
            ("Param", &keys::PARAM),
            ("Check", &keys::CHECK),
            ("Step", &keys::STEP),
            ("Phase", &keys::PHASE),
            ("Expect", &keys::EXPECT),
            ("Elapsed", &keys::ELAPSED),
            ("Covers", &keys::COVERS),
            ("UnchangedSince", &keys::UNCHANGED_SINCE),
            ("Fresh", &keys::FRESH),
            ("OfPath", &keys::PERSISTENT),
            ("OfPath", &keys::NOT_IN_USE),
            ("Different", &keys::DIFFERENT),
            ("Space", &keys::SPACE),
            ("Where", &keys::WHERE),
            ("Wait", &keys::WAIT),
            ("WitnessRule", &keys::WITNESS),
            ("UndoRule", &keys::UNDO),
            ("Retry", &keys::RETRY),
        ] {
            let part = if name.is_empty() { &schema } else { &schema["$defs"][name] };
            let expected: BTreeSet<String> = context.keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(keys_of(part), expected, "{name}");
            assert_eq!(part["additionalProperties"], false, "{name}");
        }
    }

    #[test]
    fn every_key_is_described_and_only_what_must_be_is_required() {
        let schema = schema();
        let parts = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for part in parts {
            let Some(properties) = part["properties"].as_object() else { continue };
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{name}: {property}");
                assert!(
                    !property.get("type").is_some_and(|kind| kind.to_string().contains("null")),
                    "{name}: {property}"
                );
            }
        }
        assert_eq!(schema["required"], serde_json::json!(["onbelay", "title", "steps"]));
        assert_eq!(schema["$defs"]["Step"]["required"], serde_json::Value::Null);
    }
}
