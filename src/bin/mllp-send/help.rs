//! What `--help` says beside the options. The fields of `--json` are promised:
//! fields may be added, none is changed.

pub(crate) const USAGE: &str = "\
mllp-send [OPTIONS] <HOST:PORT> [FILE]...
       mllp-send check [OPTIONS] <HOST:PORT>";

pub(crate) const EXAMPLES: &str = "\
Examples, after wasmtime run -S inherit-network --dir . mllp-send.wasm

  A file, all files of a folder, what matches a pattern, standard input:
    127.0.0.1:2575 message.hl7
    127.0.0.1:2575 inbox
    127.0.0.1:2575 'inbox/*.hl7'
    127.0.0.1:2575 < message.hl7

  Messages that an editor or a log has made lines of; JSON lines; batches as they are:
    --loose 127.0.0.1:2575 messages.txt
    --ndjson /event/hl7 127.0.0.1:2575 events.ndjson
    127.0.0.1:2575 batch.hl7

  What would be sent and what is waited for; without a network, too:
    --dry-run 127.0.0.1:2575 inbox

  For a program, with what the receiver said kept in files:
    --json --summary --save-acks acks 127.0.0.1:2575 inbox

  TLS, with an authority of one's own and a client certificate; and a look first:
    check --tls --ca ca.pem --cert me.pem --key me.key 127.0.0.1:27575
    --tls --ca ca.pem --cert me.pem --key me.key 127.0.0.1:27575 message.hl7

  A host name needs -S allow-ip-name-lookup, too; an IPv6 address its brackets:
    receiver.example:2575 message.hl7
    [::1]:2575 message.hl7

Grants: -S inherit-network for the network, --dir FOLDER for the folders of files,
of those of TLS and of --save-acks, --env MLLP_TIMEOUT for a variable.

Environment:
  Every option may stand in the environment: MLLP_ and its name, in capitals and with
  _ for -, as MLLP_TIMEOUT=5s, MLLP_TLS=yes or MLLP_ALLOW=doubled-envelope. The
  command line goes before it. --env hands a variable on, -S inherit-env all of them.

Exit status:
  0  every message was applied, accepted or unacknowledged, which is what it asked
     for then; with --dry-run: every message would go out
  1  anything else, unjudged replies among it; the output tells what became of each";

pub(crate) const FIELDS: &str = "\
Files:
  A file holds one message, which is sent exactly as it is; or, if it begins with
  a start block (0x0B), any number of MLLP frames, each of which holds a message; or,
  if it begins with FHS or BHS, batches, whose messages are sent, and nothing of the
  file if BTS-1 or FTS-1 count otherwise (--batch-counts). A frame may hold a batch.
  --loose reads what editors and logs make of messages; --repair mends what may be
  wrong with one. A file is read whole before the first of its messages is sent.

Plain output, one line a message:
  FILE[#N] CONTROL-ID VERDICT CODE TIME     if the receiver answered, or agreed to
                                            be silent
  FILE[#N] CONTROL-ID DELIVERY CAUSE TIME   if it did not, or not usably
  CODE is MSA-1; 06 or 15 where a commit block alone said it; - where nothing did.
  Standard error has the explanation of a failure, how often a message was sent if
  not once, warnings, and the codes of ERR segments: `error: PID-5 101 E`.

Verdicts:
  applied         AA: processed
  accepted        CA, or a commit block: in the receiver's safe keeping
  refused         AE, AR, CE, CR, or a negative commit block: not processed
  unacknowledged  the message asks for no answer if all is well, and got none: handed
                  over, nobody promised anything; a success all the same
  unjudged        a reply that --judging keeps from being judged, for you to read
                  (--ack): no success
Deliveries:
  not-sent   nothing left; may be sent again
  cut-short  a part left, without its end: a conforming receiver discards it
  in-doubt   the whole message may have arrived, and nothing judged it

Fields of --json, one object a line; docs/mllp-send.schema.json is their JSON Schema:
  schema         1: goes up where one of these changes, and not where one is added
  file           as given, or as found in a folder or by a pattern; \"-\" is standard
                 input
  index          which message of the file, from 1
  control_id     MSH-10, bytes other than graphic ASCII escaped; null if there is none
  verdict        applied, accepted, refused, unacknowledged, unjudged; null if
                 delivery is set
  code           MSA-1: AA, AE, AR, CA, CE, CR; or null
  accept         CA if an accept acknowledgment came first or alone; else null
  commit         positive, negative: the last commit block of MLLP Release 2; or null
  delivery       not-sent, cut-short, in-doubt: the worst of all tries; null if
                 verdict is set
  cause          what failed, in a word; or null
  tls            if the cause is tls: what about it, in a word; else null
  phase          where it failed, in a word; or null
  explanation    the same as a sentence; or null
  errors         array of {segment, sequence, field, repetition, component,
                 subcomponent, code, severity, application_code}: the codes of the
                 reply's ERR segments, null where there is none; severity:
                 information, warning, error, fatal
  warnings       array of {code, count, detail, control_id}: leniencies used, and
                 what else is worth knowing. count: of bytes or acknowledgments;
                 detail: a code, a cause or a repair; control_id: of the earlier
                 message that a late-acknowledgment is for; null where it has none
  attempts       array of {address, cause}: addresses tried in vain
  transmissions  how often the message went out, or a part of it
  retries        array of {reason, phase, delivery}: why it was tried again. reason:
                 negative-commit, or the cause of a try that failed; phase and
                 delivery of that try, or null
  bytes          the message's length, before repairs
  elapsed_ms     how long connecting, if it was needed, and the exchange took
  ack            with --ack only: the acknowledgment, as far as it is UTF-8; or null
  ack_file       with --save-acks only: where it was saved; or null
  transcript     with --transcript only: {entries, left_out}; entries: array of
                 {at_ms, direction, event, bytes}. direction: sent, received, here.
                 The words of event may change in any version

Fields of --counters --json, in the object `counters` of one last line; what they
count is told at the record `counters` of wit/types.wit:
  connections, reconnections, stale_connections, replaced_idle, retransmissions,
  bytes_sent, bytes_received
  exchanges          {applied, accepted, refused, unacknowledged, unjudged}
  failures           {not_sent, cut_short, in_doubt}
  failures_by_cause  array of {name, count}
  warnings           array of {name, count}
  times              {buckets, count, sum_us, shortest_us, longest_us} of
                     acknowledgments; buckets: array of {up_to_ms, count}, null
                     for those longer than all others

Field of a message that --retry-refused sent again:
  refusals       array of why it was refused before: MSA-1, with codes of errors

Fields of --journal --json:
  left           object {file, index, control_id, state, reason, at} for each message
                 that is left to you; reason is null if a run ended before it knew
  journal        object of the last line: {file, settled_before, left}; left:
                 {in_doubt, cut_short, not_sent, refused, unjudged}
Field of the last line where not all was tried:
  not_tried      object {why, file, index, messages, files, passes}

Fields of --summary --json, in the object `summary` of one last line:
  messages, taken, files_not_read, bytes  how many
  elapsed_ms                     of all messages together
  verdicts, deliveries, causes   arrays of {name, count}
  acknowledgments                {count, p50_ms, p90_ms, p99_ms, longest_ms}: within
                                 how long so many of a hundred came, from handing
                                 over, to three digits; null where there was none

Fields of --dry-run --json, one object a line; with --summary a last one, `dry_run`:
{messages, pass, files_not_read, bytes}:
  schema, file, index, control_id, bytes  as above
  frame_bytes  how long it is in its frame, after repairs; null if it does not pass
  passes      whether the guard lets the message through
  refusal     why not, as a sentence; or null
  repairs     array of what --repair would put right: byte-order-mark, envelope,
              line-feeds, final-carriage-return
  mode        original, enhanced; null if the message does not pass
  why         what decides the mode, as a sentence; or null
  msh_15      when an accept acknowledgment is asked for: AL, NE, ER, SU; null in
              original mode
  msh_16      when an application acknowledgment is asked for; the same
  steps       array of {after, waits_for, limit_ms, option, answers}, in order.
              after: null, 06, CA: what came before; waits_for: commit-block, accept,
              application, silence, nothing; limit_ms: for how long; option: which
              option says so
  steps[].answers
              array of {answer, then, verdict, delivery, cause, warnings}. answer:
              CA, CE, CR, AA, AE, AR, 06, 15, other-message, no-acknowledgment,
              silence; then: settles, fails, goes-on, sent-again, skipped; the
              others as above, null or empty where it is not over
  release     one, two, auto
  leniencies  array of those that are allowed";

pub(crate) const CHECK_STATUS: &str = "\
Exit status:
  0  a message could be sent now
  1  anything else; the output tells why";

pub(crate) const CHECK_FIELDS: &str = "\
Fields of --json, one object:
  schema       1: goes up where one of these changes, and not where one is added
  receiver     as given
  ready        whether a message could be sent now
  looked_up    array of the names' addresses; empty for an address
  address      the address connected to; or null
  session      {version, suite, group, resumed, client_certificate} that the TLS
               handshake agreed on; or null. client_certificate: not-asked,
               not-given, given
  certificate  {subject, issuer, names, not_before, not_after, days_left, pin} of
               the receiver, accepted or not; or null
  cause        what failed, in a word; or null
  tls          if the cause is tls: what about it, in a word; else null
  phase        where it failed, in a word; or null
  explanation  the same as a sentence; or null
  warnings     array of {code, count}: insecure, certificate-expires (in days),
               certificate-expired (days ago)
  attempts     array of {address, cause}: addresses tried in vain
  elapsed_ms   how long all of it took";
