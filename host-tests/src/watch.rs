//! Watches all that comes out of the components: nothing of a message, of an
//! acknowledgment or of a key may be in it. [`Sandbox`](crate::sandbox::Sandbox) and
//! [`Call`](crate::command::Call) ask it about everything before a test sees it, and
//! what they and [`Receiver`](crate::receiver::Receiver) are given to send must be
//! such that it would be found.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use data_encoding::BASE64;
use marks::{Net, VALUE_BYTES_MAX};

use crate::messages;
use crate::samples::{self, Sample};

/// Fewer digits may be a time or an address.
const NUMBER_BYTES_MIN: usize = 12;

static MARKS: LazyLock<Net> = LazyLock::new(Net::marks);
static SAMPLES: LazyLock<Samples> = LazyLock::new(Samples::read);
static KEYS: Mutex<Vec<Key>> = Mutex::new(Vec::new());

/// A key that was handed in.
#[derive(Clone)]
struct Key {
    bytes: Arc<[u8]>,
    net: Arc<Net>,
}

/// What the fields of the samples hold.
struct Samples {
    values: HashSet<Vec<u8>>,
    net: Net,
}

/// Makes sure that nothing of what `told` prints is content.
///
/// # Panics
/// With the place and how the content was written, never with the content.
pub fn nothing_in(place: &str, told: &impl Debug) {
    nothing_in_text(place, format!("{told:?}").as_bytes());
}

/// Makes sure that `told` holds no content.
///
/// # Panics
/// As [`nothing_in`].
pub fn nothing_in_text(place: &str, told: &[u8]) {
    if let Some(find) = MARKS.find(told) {
        panic!("{place}: a mark, {find}");
    }
    if let Some(find) = SAMPLES.net.find(&without_pins(told)) {
        panic!("{place}: a sample's, {find}");
    }
    let keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for key in keys {
        if let Some(find) = key.net.find(told) {
            panic!("{place}: a private key, {find}");
        }
    }
}

/// Makes sure that the messages in `content`, framed or not, whole or cut, hold
/// nothing that would not be found.
///
/// # Panics
/// With the field that would not.
pub fn is_marked(content: &[u8]) {
    let is_traceable = |value: &[u8]| SAMPLES.values.contains(value) || MARKS.find(value).is_some();
    if let Some(field) = marks::untraceable_field(content, is_traceable) {
        panic!("{field}");
    }
}

/// Watches for this private key, PEM or DER, from now on.
pub fn watch_key(bytes: &[u8]) {
    let is_text = bytes.iter().all(u8::is_ascii);
    let secrets = match is_text {
        true => private_keys(&String::from_utf8_lossy(bytes)),
        false if is_private_key(bytes) => vec![bytes.to_vec()],
        false => Vec::new(),
    };
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    for secret in secrets {
        if keys.iter().all(|key| *key.bytes != *secret) {
            let net = Arc::new(Net::secret(&secret, &[]));
            let bytes = secret.into();
            keys.push(Key { bytes, net });
        }
    }
}

/// Whether it is one in DER: a sequence that begins with a version, where that of a
/// certificate begins with another sequence.
fn is_private_key(der: &[u8]) -> bool {
    let content = match der {
        [0x30, 0x82, _, _, content @ ..] | [0x30, 0x81, _, content @ ..] => content,
        [0x30, _, content @ ..] => content,
        _ => return false,
    };
    matches!(content, [0x02, 0x01, 0 | 1, ..])
}

/// What stands between the lines of PEM that announce a private key.
fn private_keys(pem: &str) -> Vec<Vec<u8>> {
    let mut announced = pem.split("PRIVATE KEY-----");
    // Every other part is between a beginning and an end.
    announced.next();
    let blocks = announced.step_by(2).map(|block| {
        let mut letters: String = block.split("-----").next().unwrap_or_default().into();
        letters.retain(|letter| !letter.is_whitespace());
        BASE64.decode(letters.as_bytes())
    });
    blocks.filter_map(Result::ok).collect()
}

/// A pin is a hash, and as base64 it may hold any short word.
fn without_pins(told: &[u8]) -> Vec<u8> {
    const PIN: &[u8] = b"sha256/";
    const LETTERS: usize = 44;
    let mut rest = told;
    let mut without = Vec::with_capacity(told.len());
    while let Some(at) = rest.windows(PIN.len()).position(|window| window == PIN) {
        without.extend_from_slice(&rest[..at]);
        rest = rest.get(at + PIN.len() + LETTERS..).unwrap_or_default();
    }
    without.extend_from_slice(rest);
    without
}

impl Samples {
    fn read() -> Self {
        let samples = samples::all();
        let values: HashSet<_> = samples
            .iter()
            .flat_map(|sample| values(&sample.message))
            .collect();
        let open = open(&samples);
        let is_open = |value: &Vec<u8>| {
            // A short number may be anywhere.
            let is_number = !value.iter().any(|byte| byte.is_ascii_alphabetic());
            let beginning = &value[..value.len().min(VALUE_BYTES_MAX)];
            let word = String::from_utf8_lossy(beginning).to_lowercase();
            open.contains(&word) || is_number && value.len() < NUMBER_BYTES_MIN
        };
        let content = values.iter().filter(|value| !is_open(value));
        let net = Net::values(content.map(Vec::as_slice));
        Self { values, net }
    }
}

/// What may be told, in lower case: control ids, a date among them, names of files,
/// and the words of the components.
fn open(samples: &[Sample]) -> String {
    let mut open = String::new();
    for sample in samples {
        let control_id = messages::control_id(&sample.message);
        open.push_str(&String::from_utf8_lossy(&control_id));
        open.push_str(&sample.name);
    }
    for folder in ["wit", "src", "src/bin/mllp-send"] {
        let files = std::fs::read_dir(components::root().join(folder)).expect("the sources");
        let files = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
        open.extend(files);
    }
    open.to_lowercase()
}

/// The components of a message's fields; of MSH, those before MSH-9.
fn values(message: &[u8]) -> Vec<Vec<u8>> {
    let separators = &message[3..8];
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let fields = message.split(is_end).flat_map(|segment| {
        let fields = segment.split(|byte| *byte == separators[0]);
        let told = if segment.starts_with(b"MSH") {
            2..8
        } else {
            1..usize::MAX
        };
        fields.skip(told.start).take(told.len())
    });
    let components = fields.flat_map(|field| field.split(|byte| separators.contains(byte)));
    components.map(<[u8]>::to_vec).collect()
}
