//! The net finds content in every form that anybody may print it in, and in parts,
//! and takes nothing else for it.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use marks::{MOMENT, NAME, Net, PLACE, SECRET_PART, untraceable_field};

/// What a program that is silent about content may say.
const SILENT: &str = "adt.hl7 42 in-doubt: waiting for the acknowledgment: out of step: a frame \
    that belongs to no message in progress stood on the idle connection (the message may have \
    arrived) [127.0.0.1:2575] {\"elapsed_ms\": 1204} \
    sha256/Fa4ptR7eqNjXLypcGN5DJx4KsAQ05OuVfQ04Rcp0hnI= Failure { cause: TimedOut, phase: Reply }";

/// The form `told` is found in, amid what is silent.
fn found(net: &Net, told: impl AsRef<[u8]>) -> Option<&'static str> {
    let around = SILENT.as_bytes();
    net.find(&[around, told.as_ref(), around].concat())
        .map(|find| find.form)
}

fn joined(bytes: &[u8], between: &str, write: impl Fn(&u8) -> String) -> String {
    bytes.iter().map(write).collect::<Vec<_>>().join(between)
}

fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn latin(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).expect("a character of Latin-1"))
        .collect()
}

/// `text` in every form, made by other means than the net's own where there are any.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = HEXLOWER.encode(bytes);
    let mut dump = String::new();
    for group in hex.as_bytes().chunks(4) {
        write!(dump, "{} ", String::from_utf8_lossy(group)).unwrap();
    }
    let list = bytes.to_vec();
    vec![
        ("as it stands", list.clone()),
        ("in upper case", text.to_uppercase().into()),
        ("in lower case", text.to_lowercase().into()),
        ("backwards", text.chars().rev().collect::<String>().into()),
        ("bytes backwards", list.iter().rev().copied().collect()),
        ("Debug of a string", format!("{text:?}").into()),
        (
            "broken over lines",
            joined(bytes, "\n  ", |byte| char::from(*byte).into()).into(),
        ),
        ("hex", hex.clone().into()),
        ("HEX", HEXUPPER.encode(bytes).into()),
        (
            "hex with blanks",
            joined(bytes, " ", |byte| format!("{byte:02x}")).into(),
        ),
        (
            "hex with colons",
            joined(bytes, ":", |byte| format!("{byte:02X}")).into(),
        ),
        (
            "hex with hyphens",
            joined(bytes, "-", |byte| format!("{byte:02x}")).into(),
        ),
        ("hex as of xxd", dump.into()),
        (
            "HL7's \\X",
            format!("\\X{}\\", HEXUPPER.encode(bytes)).into(),
        ),
        ("Debug of bytes", format!("{list:?}").into()),
        (
            "pretty Debug of bytes",
            format!("{:#?}", Some(&list)).into(),
        ),
        ("Debug of bytes in hex", format!("{list:02x?}").into()),
        ("Debug of bytes in HEX", format!("{list:#04X?}").into()),
        (
            "decimal with commas",
            joined(bytes, ",", u8::to_string).into(),
        ),
        (
            "decimal with blanks",
            joined(bytes, " ", u8::to_string).into(),
        ),
        (
            "0x",
            joined(bytes, ", ", |byte| format!("0x{byte:02x}")).into(),
        ),
        (
            "\\x",
            joined(bytes, "", |byte| format!("\\x{byte:02x}")).into(),
        ),
        ("\\x where needed", bytes.escape_ascii().to_string().into()),
        (
            "\\x in Debug",
            format!("{:?}", bytes.escape_ascii().to_string()).into(),
        ),
        (
            "\\u",
            joined(bytes, "", |byte| format!("\\u{byte:04X}")).into(),
        ),
        ("\\u{}", text.escape_unicode().to_string().into()),
        (
            "\\u{} in Debug",
            format!("{:?}", text.escape_unicode().to_string()).into(),
        ),
        (
            "\\u{} where needed",
            text.escape_default().to_string().into(),
        ),
        (
            "octal",
            joined(bytes, "", |byte| format!("\\{byte:03o}")).into(),
        ),
        (
            "percent",
            joined(bytes, "", |byte| format!("%{byte:02X}")).into(),
        ),
        (
            "quoted-printable",
            joined(bytes, "", |byte| format!("={byte:02X}")).into(),
        ),
        (
            "&#",
            text.chars()
                .map(|c| format!("&#{};", u32::from(c)))
                .collect::<String>()
                .into(),
        ),
        (
            "&#x",
            text.chars()
                .map(|c| format!("&#x{:X};", u32::from(c)))
                .collect::<String>()
                .into(),
        ),
        ("UTF-16LE", utf16(text, u16::to_le_bytes)),
        ("UTF-16BE", utf16(text, u16::to_be_bytes)),
        (
            "UTF-16 in Debug",
            format!("{:?}", utf16(text, u16::to_le_bytes)).into(),
        ),
        ("Latin-1", latin(text)),
        (
            "UTF-8 taken for Latin-1",
            list.iter()
                .copied()
                .map(char::from)
                .collect::<String>()
                .into(),
        ),
    ]
}

/// Base64 where the text stands behind and before other bytes.
fn base64s(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let around = ["", "M", "MS"].map(|before| [before, text, "after"].concat());
    let standard = around
        .iter()
        .map(|all| ("base64", BASE64.encode(all.as_bytes())));
    let url = around
        .iter()
        .map(|all| ("base64url", BASE64URL.encode(all.as_bytes())));
    standard
        .chain(url)
        .map(|(name, text)| (name, text.into_bytes()))
        .collect()
}

fn part(mark: &str, from: usize, characters: usize) -> String {
    mark.chars().skip(from).take(characters).collect()
}

#[test]
fn a_mark_is_found_in_every_form() {
    let net = Net::marks();
    for mark in [NAME, PLACE] {
        for (form, told) in forms(mark).into_iter().chain(base64s(mark)) {
            assert!(found(&net, told).is_some(), "{mark} is not found: {form}");
        }
    }
}

#[test]
fn five_characters_of_a_mark_are_found_in_every_form() {
    let net = Net::marks();
    for mark in [NAME, PLACE] {
        for from in 0..=mark.chars().count() - 5 {
            let part = part(mark, from, 5);
            for (form, told) in forms(&part) {
                assert!(found(&net, told).is_some(), "{part} is not found: {form}");
            }
        }
    }
}

#[test]
fn eight_characters_of_a_mark_are_found_in_base64() {
    let net = Net::marks();
    for mark in [NAME, PLACE] {
        for from in 0..=mark.chars().count() - 8 {
            let part = part(mark, from, 8);
            for (form, told) in base64s(&part) {
                assert!(found(&net, told).is_some(), "{part} is not found: {form}");
            }
        }
    }
}

#[test]
fn a_time_is_found() {
    assert!(found(&Net::marks(), MOMENT).is_some());
}

#[test]
fn a_value_is_found_whole_and_cut_off_in_the_usual_forms() {
    let net = Net::values([b"Whimsical".as_slice(), "Löffelstör, Ägidius".as_bytes()]);
    for value in ["Whimsical", "Löffelstör, Ägidius", "Löffelstör, "] {
        let bytes = value.as_bytes();
        let usual: [Vec<u8>; 10] = [
            value.into(),
            value.to_uppercase().into(),
            format!("{value:?}").into(),
            format!("{bytes:?}").into(),
            format!("{bytes:#?}").into(),
            HEXUPPER.encode(bytes).into(),
            joined(bytes, " ", |byte| format!("{byte:02x}")).into(),
            bytes.escape_ascii().to_string().into(),
            latin(value),
            bytes
                .iter()
                .copied()
                .map(char::from)
                .collect::<String>()
                .into(),
        ];
        for told in usual {
            assert!(
                found(&net, &told).is_some(),
                "{value} is not found: {told:?}"
            );
        }
        for (_, told) in base64s(value) {
            assert!(
                found(&net, told).is_some(),
                "{value} is not found in base64"
            );
        }
    }
}

#[test]
fn a_part_of_a_secret_is_found() {
    let secret: Vec<u8> = (0..100_u8)
        .map(|number| number.wrapping_mul(163) ^ 0x5A)
        .collect();
    let net = Net::secret(&secret, &[]);
    for part in secret[..96].windows(SECRET_PART) {
        let list = part.to_vec();
        for told in [
            list.clone(),
            HEXLOWER.encode(part).into(),
            HEXUPPER.encode(part).into(),
            BASE64.encode(part).into(),
            BASE64.encode(&[b"-", part].concat()).into(),
            BASE64.encode(&[b"--", part].concat()).into(),
            format!("{list:?}").into(),
            format!("{list:#?}").into(),
            format!("{list:02x?}").into(),
            part.escape_ascii().to_string().into(),
        ] {
            assert!(found(&net, told).is_some());
        }
    }
}

#[test]
fn what_carries_no_mark_is_let_pass() {
    let secret: Vec<u8> = (0..=255).collect();
    for net in [
        Net::marks(),
        Net::secret(&secret, &[]),
        Net::values([b"Whimsical".as_slice()]),
    ] {
        assert_eq!(found(&net, ""), None);
        assert_eq!(found(&net, "Zaqu Wex 90, 97, 113 5a6171 WmFx Whimsy"), None);
    }
}

#[test]
fn a_find_says_where_and_how_and_not_what() {
    let told = format!("the patient is {NAME}");
    let find = Net::marks().find(told.as_bytes()).expect("a find");
    assert_eq!(find.to_string(), "content as it stands, about byte 15");
}

fn is_marked(value: &[u8]) -> bool {
    Net::marks().find(value).is_some()
}

fn untraceable(content: &str) -> Option<String> {
    untraceable_field(content.as_bytes(), is_marked).map(|field| field.to_string())
}

#[test]
fn a_message_is_marked_if_every_field_that_is_no_structure_is() {
    for marked in [
        "",
        "junk",
        "MSH|^~\\&|A|B|C|D|2026||ADT^A01^ADT_A01|CONTROL-0001|P|2.5.1\rPID|1\r",
        "MSH|^~\\&|Zaq-Wexo-Vyj-Quok|||||||4|P|2.5\rPID|1||Zaq-Wexo^^^Vyj-Quok||x\r",
        "\x0BMSH|^~\\&|R\rMSA|AE|CONTROL-0001|Zaq-Wexo\rERR||PID^1^5|207.1^Vyj-Quok^HL70357\r\x1C\r",
        "MSH$%~\\&$A$$$$$$ACK$4$P$2.5\nMSA$AA$4$Zaq-Wexo%Vyj-Quok\n",
    ] {
        assert_eq!(untraceable(marked), None, "{marked}");
    }
    for (unmarked, field) in [
        ("MSH|^~\\&|SENDER|WARD", "MSH-3"),
        ("MSH|^~\\&|A|B|C|D|20261123||ADT^A01|1|P|2.5\r", "MSH-7"),
        ("\x0BMSH|^~\\&|A\rPID|1||Zaq-Wexo||Example^Eve\r", "PID-5"),
        ("MSH$%~\\&$A\rPID$1$Example%Eve\r", "PID-2"),
        ("MSH|^~\\&|A\rPID|1||Zaq-Wexo^Example", "PID-3"),
        ("MSH|^~\\&|A\rMSA|AE|1|no such patient", "MSA-3"),
        ("MSH|^~\\&|A\rERR|||101^required field missing", "ERR-3"),
    ] {
        let told = format!("{field} carries no mark: put marks::NAME into it");
        let expected = match field {
            // A mark anywhere in the field is enough to find the field.
            "PID-3" => None,
            _ => Some(told),
        };
        assert_eq!(untraceable(unmarked), expected, "{unmarked}");
    }
}
