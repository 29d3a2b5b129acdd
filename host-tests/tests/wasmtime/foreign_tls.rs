//! The component holds its own against TLS servers that nobody here wrote, in
//! every way they have in common with it. What it agreed on with them, by its own
//! account, is the table of `docs/tls-interop.md`, and in short that of `docs/tls.md`.

use host_tests::certificates::Key;
use host_tests::sandbox::types::{ClientCertificate, Failure, TlsSession, TlsVersion, Verdict};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};
use host_tests::tables::Table;
use host_tests::tls_peers::{
    Case, MESSAGES, NAME, Peer, SUITES_12, SUITES_13, Software, chains, receipt,
};

/// More than a record of TLS holds, several times.
const SIZES: [usize; MESSAGES] = [40_000, 300];

fn long_table() -> Table {
    Table::new("docs/tls-interop.md", "foreign tls")
}

fn short_table() -> Table {
    Table::new("docs/tls.md", "foreign tls")
}

/// A way of speaking TLS that came about.
struct Agreed {
    case: Case,
    first: TlsSession,
    second: TlsSession,
}

/// Runs every case with this software and holds the tables to what comes out.
async fn hold(software: Software) {
    let Some(mut peer) = Peer::new(software) else {
        return;
    };
    println!("{}: {}", software.name(), peer.version());
    let mut all = Vec::new();
    for case in software.cases() {
        let [first, second] = exchange_twice(&mut peer, &case)
            .await
            .unwrap_or_else(|failure| panic!("{software:?}, {case:?}: {failure:?}"));
        all.push(Agreed {
            case,
            first,
            second,
        });
    }
    let rows: Vec<_> = all.iter().map(|agreed| agreed.row(software)).collect();
    let order = Software::ALL.map(Software::name);
    long_table().hold(software.name(), &order, &rows);
    short_table().hold(software.name(), &order, &[summary(software, &all)]);
}

/// An exchange over a first connection and one over a second.
async fn exchange_twice(peer: &mut Peer, case: &Case) -> Result<[TlsSession; 2], Failure> {
    let messages = [("1", SIZES[0]), ("2", SIZES[1])].map(|(id, size)| peer.message(id, size));
    let echoed = peer.echoes();
    let listening = peer.listen(case);
    let mut sandbox = Sandbox::new(Grants::none().address(listening.address)).await;
    let settings = Settings::tls(trusting(case));
    let client = sandbox.connect_with(listening.address, settings).await?;
    let first = exchange(&mut sandbox, client, &messages[0], echoed).await?;
    sandbox.reconnect(client).await?;
    let second = exchange(&mut sandbox, client, &messages[1], echoed).await?;
    sandbox.close(client).await?;
    if let Some(received) = listening.received() {
        assert_eq!(received, messages.each_ref().map(|one| receipt(one)));
    }
    assert_agreed(case, &first);
    assert_agreed(case, &second);
    assert!(!first.resumed);
    Ok([first, second])
}

async fn exchange(
    sandbox: &mut Sandbox,
    client: Client,
    message: &[u8],
    echoed: bool,
) -> Result<TlsSession, Failure> {
    let reply = sandbox.send(client, message).await?;
    assert_eq!(reply.verdict, Verdict::Applied);
    assert!(reply.warnings.is_empty(), "{:?}", reply.warnings);
    assert_eq!(reply.message == message, echoed);
    Ok(sandbox.tls(client).await.expect("a session of TLS"))
}

fn trusting(case: &Case) -> Tls {
    Tls {
        server_name: Some(NAME.to_owned()),
        identity: case.sender.map(|key| chains(key).sender.identity()),
        ..Tls::trusting(&chains(case.key).root)
    }
}

fn assert_agreed(case: &Case, session: &TlsSession) {
    assert_eq!(session.version, case.version);
    assert!(
        case.suite.is_none_or(|suite| suite == session.suite),
        "{session:?}"
    );
    // A resumed session of TLS 1.2 needs none.
    if session.group.is_some() || !session.resumed {
        assert_eq!(session.group.as_deref(), Some(case.group));
    }
    let pin = chains(case.key).receiver.pin();
    assert_eq!(session.certificate.as_ref().map(|one| &one.pin), Some(&pin));
    let sender = match case.sender {
        None => ClientCertificate::NotAsked,
        Some(_) => ClientCertificate::Given,
    };
    // A resumed session asks for none again.
    assert!(session.resumed || session.client_certificate == sender);
    assert!(!session.insecure);
}

impl Agreed {
    fn row(&self, software: Software) -> String {
        let cells = [
            software.name(),
            version(self.first.version),
            &self.first.suite,
            self.first.group.as_deref().unwrap_or("none"),
            key(self.case.key),
            self.case.sender.map_or("none", key),
            "applied",
            if self.second.resumed {
                "resumed"
            } else {
                "anew"
            },
        ];
        format!("| {} |", cells.join(" | "))
    }
}

/// The short table's row: what came about, of all that could.
fn summary(software: Software, all: &[Agreed]) -> String {
    let suites = |of: &[&str]| {
        let agreed = of
            .iter()
            .filter(|suite| all.iter().any(|one| one.first.suite == **suite));
        format!("{} of {}", agreed.count(), of.len())
    };
    let groups = all.iter().filter_map(|one| one.first.group.clone());
    let receivers = all.iter().map(|one| key(one.case.key).to_owned());
    let senders = all.iter().filter_map(|one| one.case.sender);
    let resumed = all.iter().filter(|one| one.second.resumed);
    let cells = [
        software.name().to_owned(),
        suites(&SUITES_13),
        suites(&SUITES_12),
        each_once(groups),
        each_once(receivers),
        each_once(senders.map(|sender| key(sender).to_owned())),
        each_once(resumed.map(|one| version(one.first.version).to_owned())),
    ];
    format!("| {} |", cells.join(" | "))
}

fn each_once(words: impl Iterator<Item = String>) -> String {
    let mut all = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all.join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_receives_in_every_way_of_the_table() {
    hold(Software::OpenSsl).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gnutls_receives_in_every_way_of_the_table() {
    hold(Software::GnuTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jsse_receives_in_every_way_of_the_table() {
    hold(Software::Jsse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_receives_in_every_way_of_the_table() {
    hold(Software::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_receives_in_every_way_of_the_table() {
    hold(Software::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stunnel_receives_in_every_way_of_the_table() {
    hold(Software::Stunnel).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rustls_on_aws_lc_receives_in_every_way_of_the_table() {
    hold(Software::AwsLc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rustls_on_ring_receives_in_every_way_of_the_table() {
    hold(Software::Ring).await;
}

#[test]
fn the_tables_hold_no_rows_but_of_these() {
    for table in [long_table(), short_table()] {
        let known = Software::ALL.map(Software::name);
        let unknown = table
            .givers()
            .into_iter()
            .find(|giver| !known.contains(&giver.as_str()));
        assert_eq!(unknown, None);
    }
}

const fn version(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls13 => "1.3",
        TlsVersion::Tls12 => "1.2",
    }
}

const fn key(key: Key) -> &'static str {
    match key {
        Key::P256 => "ECDSA P-256",
        Key::P384 => "ECDSA P-384",
        Key::Ed25519 => "Ed25519",
        Key::Rsa => "RSA",
    }
}
