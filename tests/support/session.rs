//! What the native tests of the session have in common.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::proto::frame::Outgoing;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::terms::Terms;
use mllp_client::session::Session;

/// The time of day that owed acknowledgments show: 2026-11-23T08:00:00Z.
pub(crate) const TIME_OF_DAY: Duration = Duration::from_secs(1_795_420_800);

/// The default terms with replies of 1 000 bytes at most.
pub(crate) fn terms() -> Terms {
    Terms {
        max_message_size: 1_000,
        ..Terms::default()
    }
}

/// Begins the exchange of `message`, which is not kept.
pub(crate) fn begin(session: &mut Session, message: &[u8], terms: &Terms, deadline: Instant) {
    let payload = Payload::parse(message.to_vec(), 1 << 20, terms).unwrap();
    let message = Outgoing::encode(payload, &terms.framing).unwrap();
    session.set_time_of_day(TIME_OF_DAY);
    session.begin(message, deadline, false);
}
