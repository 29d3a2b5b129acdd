//! JSON lines with a message in a field of each. What a line holds besides is not
//! looked at, and none of it is told: a line is named by its number.

use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

/// Where in a line's value the message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Name(String),
    Pointer(String),
}

impl FromStr for Field {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("write the name of a field, or a JSON pointer, as in /event/hl7"),
            _ if text.starts_with('/') => Ok(Self::Pointer(text.to_owned())),
            _ => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl Field {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Name(name) => value.get(name),
            Self::Pointer(pointer) => value.pointer(pointer),
        }
    }
}

/// Why a line has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadLine {
    #[error("line {0} is no JSON: nothing of the file was sent")]
    NotJson(u64),
    #[error("line {0} has no such field: nothing of the file was sent")]
    FieldMissing(u64),
    #[error("line {0} has no string in the field: nothing of the file was sent")]
    NoText(u64),
}

/// The content of the field in every line that is not blank.
pub(crate) fn messages(content: &[u8], field: &Field) -> Result<Vec<Vec<u8>>, BadLine> {
    let lines = content.split(|byte| *byte == b'\n');
    let lines = (1..).zip(lines.map(<[u8]>::trim_ascii));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| message(number, line, field))
        .collect()
}

fn message(number: u64, line: &[u8], field: &Field) -> Result<Vec<u8>, BadLine> {
    let value: Value = serde_json::from_slice(line).map_err(|_| BadLine::NotJson(number))?;
    match field.of(&value) {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(_) => Err(BadLine::NoText(number)),
        None => Err(BadLine::FieldMissing(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadLine, Field, messages};

    fn field(text: &str) -> Field {
        text.parse().unwrap()
    }

    #[test]
    fn each_line_has_its_message_in_the_field() {
        let content = b"{\"id\":1,\"hl7\":\"MSH|a\\rPID|\\u00e4\\r\"}\r\n\n{\"hl7\":\"MSH|b\"}";
        let expected = [&b"MSH|a\rPID|\xC3\xA4\r"[..], b"MSH|b"];
        assert_eq!(messages(content, &field("hl7")).unwrap(), expected);
        assert_eq!(messages(content, &field("/hl7")).unwrap(), expected);
    }

    #[test]
    fn a_pointer_leads_into_what_is_nested_and_a_name_does_not() {
        let content = br#"{"a/b":"1","event":{"hl7":["x","MSH|a"]}}"#;
        assert_eq!(
            messages(content, &field("/event/hl7/1")).unwrap(),
            [b"MSH|a"]
        );
        assert_eq!(messages(content, &field("a/b")).unwrap(), [b"1"]);
        assert_eq!(
            messages(content, &field("event")).unwrap_err(),
            BadLine::NoText(1)
        );
    }

    #[test]
    fn a_line_without_a_message_is_told_by_its_number_and_nothing_of_it() {
        let good = "{\"hl7\":\"MSH|a\"}\n\n";
        for (line, expected) in [
            ("MARK", BadLine::NotJson(3)),
            ("{\"hl7\":\"MARK", BadLine::NotJson(3)),
            ("{\"MARK\":1}", BadLine::FieldMissing(3)),
            ("[\"MARK\"]", BadLine::FieldMissing(3)),
            ("{\"hl7\":{\"MARK\":1}}", BadLine::NoText(3)),
            ("{\"hl7\":null}", BadLine::NoText(3)),
        ] {
            let content = format!("{good}{line}\n{good}");
            let told = messages(content.as_bytes(), &field("hl7")).unwrap_err();
            assert_eq!(told, expected);
            assert!(!told.to_string().contains("MARK"));
        }
        // Deeper than any stack should be.
        let deep = "[".repeat(100_000);
        let told = messages(deep.as_bytes(), &field("hl7")).unwrap_err();
        assert_eq!(told, BadLine::NotJson(1));
    }

    #[test]
    fn a_field_without_a_name_is_refused() {
        assert!("".parse::<Field>().is_err());
    }
}
