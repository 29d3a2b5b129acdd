//! The forms in which content could come out. Upper and lower case are the same to
//! the net, and white space is nothing to it: no form here differs by those alone.

use std::ascii::escape_default;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};

/// Fewer bytes are so few letters in base64 that they may stand anywhere.
pub(crate) const BASE64_BYTES_MIN: usize = 8;

/// How many of [`BYTE_FORMS`] are what programs print by themselves.
const USUAL_BYTE_FORMS: usize = 3;

/// How a byte is written, and what stands between two.
type ByteForm = (&'static str, fn(u8) -> String, &'static str);

/// The usual ones first.
const BYTE_FORMS: [ByteForm; 15] = [
    ("hexadecimal digits", |byte| format!("{byte:02x}"), ""),
    ("decimal numbers with commas", |byte| byte.to_string(), ","),
    (
        "escapes of bytes (\\x)",
        |byte| escape_default(byte).to_string(),
        "",
    ),
    (
        "hexadecimal digits with colons",
        |byte| format!("{byte:02x}"),
        ":",
    ),
    (
        "hexadecimal digits with hyphens",
        |byte| format!("{byte:02x}"),
        "-",
    ),
    (
        "hexadecimal digits with commas",
        |byte| format!("{byte:02x}"),
        ",",
    ),
    (
        "hexadecimal numbers with commas",
        |byte| format!("0x{byte:02x}"),
        ",",
    ),
    ("hexadecimal numbers", |byte| format!("0x{byte:02x}"), ""),
    ("decimal numbers with blanks", |byte| byte.to_string(), " "),
    (
        "escapes of bytes (\\x)",
        |byte| format!("\\x{byte:02x}"),
        "",
    ),
    ("octal escapes", |byte| format!("\\{byte:03o}"), ""),
    ("percent encoding", |byte| format!("%{byte:02x}"), ""),
    ("quoted-printable", |byte| format!("={byte:02x}"), ""),
    // And where only those are escaped that need it.
    ("percent encoding", |byte| written(byte, "%"), ""),
    ("quoted-printable", |byte| written(byte, "="), ""),
];

/// How a character is written.
type CharacterForm = (&'static str, fn(char) -> String);

const CHARACTER_FORMS: [CharacterForm; 6] = [
    ("escapes of characters (\\u)", |character| {
        format!("\\u{:04x}", u32::from(character))
    }),
    ("escapes of characters (\\u{})", |character| {
        format!("\\u{{{:x}}}", u32::from(character))
    }),
    ("escapes as Rust has them", |character| {
        character.escape_default().to_string()
    }),
    ("escapes of JSON", |character| match character {
        ' '..='~' => character.to_string(),
        _ => format!("\\u{:04x}", u32::from(character)),
    }),
    ("decimal references (&#)", |character| {
        format!("&#{};", u32::from(character))
    }),
    ("hexadecimal references (&#x)", |character| {
        format!("&#x{:x};", u32::from(character))
    }),
];

/// Without white space, and with backslashes that are not escaped.
pub(crate) fn closed_up(text: &[u8]) -> Vec<u8> {
    let mut closed = text.to_vec();
    closed.retain(|byte| !byte.is_ascii_whitespace());
    closed.dedup_by(|a, b| (*a, *b) == (b'\\', b'\\'));
    closed
}

/// A form, and its name.
pub(crate) type Form = (&'static str, Vec<u8>);

/// `value` in every form.
pub(crate) fn all(value: &[u8]) -> Vec<Form> {
    let reversed = value.iter().rev().copied().collect();
    let mut forms = vec![("it stands, backwards", reversed)];
    forms.extend(bytes(value));
    for text in texts(value) {
        forms.extend(characters(&text));
    }
    with_usual(forms, value)
}

/// `value` in the forms that programs print by themselves: for values in great
/// number.
pub(crate) fn usual(value: &[u8]) -> Vec<Form> {
    let mut forms: Vec<_> = bytes(value).take(USUAL_BYTE_FORMS).collect();
    for text in texts(value) {
        forms.extend(spellings(&text));
    }
    with_usual(forms, value)
}

fn with_usual(mut forms: Vec<Form>, value: &[u8]) -> Vec<Form> {
    forms.insert(0, ("it stands", value.to_vec()));
    if value.len() >= BASE64_BYTES_MIN {
        for before in 0..3 {
            forms.extend(base64(value, before));
        }
    }
    // What remains without white space must not be so short that it stands anywhere.
    let closed = forms.clone().into_iter();
    let closed = closed.map(|(name, form)| (name, closed_up(&form)));
    let long_enough = closed.filter(|(_, form)| form.len() >= BASE64_BYTES_MIN);
    forms.extend(long_enough.collect::<Vec<_>>());
    forms
}

fn bytes(value: &[u8]) -> impl Iterator<Item = Form> {
    BYTE_FORMS.into_iter().map(|(name, write, between)| {
        let bytes: Vec<_> = value.iter().map(|byte| write(*byte)).collect();
        (name, bytes.join(between).into_bytes())
    })
}

fn written(byte: u8, escape: &str) -> String {
    match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("{escape}{byte:02x}"),
    }
}

/// The letters of base64 that `value` alone decides where so many bytes stand
/// before it, modulo three.
fn base64(value: &[u8], before: usize) -> [Form; 2] {
    let bytes = [&[0; 2][..before], value].concat();
    // A letter has six bits; those it shares with neighbours are left out.
    let letters = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [
        ("base64", BASE64_NOPAD.encode(&bytes)),
        ("base64 for addresses", BASE64URL_NOPAD.encode(&bytes)),
    ]
    .map(|(name, text)| (name, text.as_bytes()[letters.clone()].to_vec()))
}

/// What `value` is as text: in UTF-8, and where each byte is taken for a character.
fn texts(value: &[u8]) -> Vec<String> {
    let latin: String = value.iter().copied().map(char::from).collect();
    let unicode = str::from_utf8(value).ok().map(str::to_owned);
    unicode.into_iter().chain([latin]).collect()
}

/// As text is spelled by itself.
fn spellings(text: &str) -> Vec<Form> {
    let latin: Option<Vec<u8>> = text
        .chars()
        .map(|character| u8::try_from(character).ok())
        .collect();
    let mut forms = vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 in upper case", text.to_uppercase().into_bytes()),
        ("UTF-8 in lower case", text.to_lowercase().into_bytes()),
    ];
    forms.extend(latin.map(|latin| ("Latin-1", latin)));
    forms
}

fn characters(text: &str) -> Vec<Form> {
    let backwards: String = text.chars().rev().collect();
    let little: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut forms = spellings(text);
    forms.push(("UTF-8, backwards", backwards.into_bytes()));
    forms.extend(bytes(&little));
    forms.extend(bytes(&big));
    forms.push(("UTF-16, little-endian", little));
    forms.push(("UTF-16, big-endian", big));
    for (name, write) in CHARACTER_FORMS {
        let written: String = text.chars().map(write).collect();
        forms.push((name, written.into_bytes()));
    }
    forms
}
