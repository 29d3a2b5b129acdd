//! HTTP in, MLLP out. The body of a POST is one HL7 message; the answer is its verdict,
//! or what is known about it. Where to send it is in the environment: `MLLP_RECEIVER`
//! (HOST:PORT), and for TLS `MLLP_CA` (the certificates of authorities, PEM).
//!
//! A call connects, sends and closes: hosts of HTTP give each request an instance.

use wasip2::cli::environment::get_environment;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

use bindings::hl7::mllp::client::{ConnectOptions, MllpClient, TlsOptions};
use bindings::hl7::mllp::types::{Delivery, Failure, Verdict};

mod bindings {
    #![allow(unsafe_code, missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "example:gateway/gateway",
        generate_all,
    });
}

/// What the client itself sends at most by default.
const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;

const READ_BYTES: u64 = 64 * 1024;
/// What `blocking-write-and-flush` takes at most.
const WRITE_BYTES_MAX: usize = 4096;

struct Gateway;

wasip2::http::proxy::export!(Gateway);

impl wasip2::exports::http::incoming_handler::Guest for Gateway {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        let (status, text) = answer(request);
        respond(response, status, &text);
    }
}

fn answer(request: IncomingRequest) -> (u16, String) {
    if !matches!(request.method(), Method::Post) {
        return (405, "POST a message".to_owned());
    }
    let message = match body(&request) {
        Ok(message) => message,
        Err(refusal) => return refusal,
    };
    let Some(options) = options() else {
        return (500, "MLLP_RECEIVER is not HOST:PORT".to_owned());
    };
    match exchange(options, &message) {
        Ok(verdict) => told(verdict),
        Err(failure) => failed(&failure),
    }
}

fn exchange(options: ConnectOptions, message: &[u8]) -> Result<Verdict, Failure> {
    let client = MllpClient::connect(options)?;
    let reply = client.send(message)?;
    // The message has its verdict, whatever the closing comes to.
    let _ = client.close();
    Ok(reply.verdict)
}

fn options() -> Option<ConnectOptions> {
    let environment = get_environment();
    let value = |name: &str| {
        let entry = environment.iter().find(|(key, _)| key == name);
        entry.map(|(_, value)| value.as_str())
    };
    let (host, port) = value("MLLP_RECEIVER")?.rsplit_once(':')?;
    let options = ConnectOptions::new(host, port.parse().ok()?);
    if let Some(authorities) = value("MLLP_CA") {
        let tls = TlsOptions::new();
        tls.add_authorities(authorities.as_bytes());
        options.set_tls(&tls);
    }
    Some(options)
}

fn told(verdict: Verdict) -> (u16, String) {
    let (status, word) = match verdict {
        Verdict::Applied => (200, "applied"),
        Verdict::Accepted => (200, "accepted"),
        Verdict::Unacknowledged => (200, "unacknowledged"),
        Verdict::Refused => (422, "refused"),
        Verdict::Unjudged => (502, "unjudged"),
    };
    (status, word.to_owned())
}

/// 503 where the same request may be made again, 502 where it may double the message.
fn failed(failure: &Failure) -> (u16, String) {
    let (status, word) = match failure.delivery {
        Delivery::NotSent => (503, "not-sent"),
        Delivery::CutShort => (502, "cut-short"),
        Delivery::InDoubt => (502, "in-doubt"),
    };
    (status, format!("{word}: {}", failure.explanation))
}

fn body(request: &IncomingRequest) -> Result<Vec<u8>, (u16, String)> {
    let broken = || (400, "the body broke off".to_owned());
    let body = request.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let mut message = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(bytes) => message.extend_from_slice(&bytes),
            Err(StreamError::Closed) => return Ok(message),
            Err(StreamError::LastOperationFailed(_)) => return Err(broken()),
        }
        if message.len() > MESSAGE_BYTES_MAX {
            return Err((413, "the message is too large".to_owned()));
        }
    }
}

fn respond(outparam: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    // Of our own statuses none is invalid.
    let _ = response.set_status_code(status);
    let body = response.body();
    ResponseOutparam::set(outparam, Ok(response));
    let Ok(body) = body else { return };
    // Nobody is left to tell that the caller has gone.
    if let Ok(stream) = body.write() {
        for piece in text.as_bytes().chunks(WRITE_BYTES_MAX) {
            if stream.blocking_write_and_flush(piece).is_err() {
                break;
            }
        }
        drop(stream);
    }
    let _ = OutgoingBody::finish(body, None);
}
