//! `schema FILE` holds each line of standard input to the JSON Schema in FILE, and to
//! this besides: it has no field that the schema does not name. Readers must bear
//! such fields; a document must not be behind.

use std::io::Read;
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let file = std::env::args().nth(1).expect("the schema's file");
    let text = std::fs::read_to_string(&file).expect("the schema");
    let mut schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::meta::validate(&schema).expect("the schema is one");
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("the schema compiles");
    let mut lines = String::new();
    let read = std::io::stdin().read_to_string(&mut lines);
    read.expect("standard input");
    let mut held = true;
    for (line, number) in lines.lines().zip(1..) {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        for error in validator.iter_errors(&value) {
            println!("line {number}: {} {error}", error.instance_path());
            held = false;
        }
    }
    match held {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Has every object of which it names fields hold no others. What stands beside other
/// conditions, as in `then`, names only what these are about.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let names_fields = keywords.contains_key("properties") && keywords.contains_key("type");
            if names_fields {
                keywords.insert("additionalProperties".to_owned(), false.into());
            }
            keywords.values_mut().for_each(close);
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        _ => {}
    }
}
