//! The loop over all messages: which are sent, when, how often, and until when.
//! What becomes of a message the client decides, and what is known of it from
//! earlier runs the journal.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::counters::Counters;
use mllp_client::error::{Delivery, Failure};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::tls::options::TlsOptions;
use mllp_client::transport::Transport;

use crate::args::SendArgs;
use crate::copies::{ControlIds, is_given, with_control_id};
use crate::input::Source;
use crate::journal::{Journal, Known, Place, Told, Trouble};
use crate::notes::{JournalRecord, Left, NotTried, Rest, Totals};
use crate::output::{About, Output, Report};
use crate::own_options::InputArgs;
use crate::pace::Pace;
use crate::progress::{Progress, Shown};
use crate::refusals::{self, Refusal};
use crate::send::{Happened, Sender, Sent};
use crate::state::State;
use crate::stop::StopOn;

/// Which refused messages are sent again, how often, and after how long.
struct Retries {
    kinds: Vec<Refusal>,
    count: u32,
    delay: Duration,
}

impl Retries {
    fn are_of(&self, reason: Option<&str>) -> bool {
        reason.is_some_and(|reason| self.kinds.iter().any(|kind| kind.is(reason)))
    }
}

/// What is to be done about a message.
enum Todo {
    /// It was settled before.
    Pass,
    /// It is left to the caller.
    Leave(Known),
    /// It is sent; under this control id, if it went out under that before.
    Send(Option<String>),
}

/// A run over all messages.
pub(crate) struct Run<T: Transport, F> {
    sender: Sender<T, F>,
    /// What the time is read from.
    clock: T,
    began: Instant,
    journal: Option<(Journal, Totals)>,
    resend: Delivery,
    retries: Retries,
    pace: Pace,
    progress: Option<Progress>,
    control_ids: ControlIds,
    passes: u32,
    pass: u32,
    stop_on: Vec<StopOn>,
    /// How many more messages may be tried.
    may_try: Option<u32>,
    /// Why no other message is tried.
    over: Option<&'static str>,
    /// What was not tried.
    rest: Rest,
    /// Whether the journal failed.
    failed: bool,
    /// What kept the journal from being told what became of a message.
    trouble: Option<Trouble>,
}

impl<T: Transport, F: FnMut() -> T> Run<T, F> {
    /// Begins a run that takes a transport from `transport` for each client.
    pub(crate) fn begin(
        args: &SendArgs,
        tls: Option<TlsOptions>,
        mut transport: F,
    ) -> Result<Self, Trouble> {
        let clock = transport();
        let work = &args.work;
        let journal = work.journal.as_ref().map(|path| {
            let receiver = args.receiver.to_string();
            let journal = Journal::open(path, &receiver, clock.random())?;
            Ok((journal, Totals::new(path.to_string_lossy().into_owned())))
        });
        let delay = |delay: crate::values::Milliseconds| Duration::from_millis(delay.0.into());
        Ok(Self {
            began: clock.now(),
            journal: journal.transpose()?,
            resend: args.connect_options(None).resend,
            retries: Retries {
                kinds: args.retry.retry_refused.clone(),
                count: args.retry.retry_refused_count,
                delay: delay(args.retry.retry_refused_delay),
            },
            pace: Pace::new(
                work.rate
                    .map(crate::values::Rate::interval)
                    .unwrap_or_default(),
                work.delay.map(delay).unwrap_or_default(),
            ),
            progress: None,
            control_ids: ControlIds::new(clock.random()),
            passes: work.repeat,
            pass: 1,
            stop_on: work.stop_on.clone(),
            may_try: work.max,
            over: None,
            rest: Rest::default(),
            failed: false,
            trouble: None,
            sender: Sender::new(args, tls, transport),
            clock,
        })
    }

    /// Has it told how far the work has come.
    pub(crate) fn with_progress(mut self, args: &SendArgs, sources: usize) -> Self {
        let files = u64::try_from(sources).unwrap_or(u64::MAX);
        let files = files.saturating_mul(self.passes.into());
        let most = self.may_try.map(u64::from);
        let shown = match args.style().quiet {
            true => Shown::Never,
            false => args.work.progress,
        };
        self.progress = Some(Progress::new(shown, files, most));
        self
    }

    /// Sends what the sources hold, and tells what became of each message. Returns
    /// whether all were taken, now or before; an error is the output's.
    pub(crate) fn send<O: Write, E: Write>(
        &mut self,
        sources: &[Source],
        args: &InputArgs,
        output: &mut Output<O, E>,
    ) -> io::Result<bool> {
        // Standard input cannot be read a second time, and what is sent alone need not be.
        let mut kept = BTreeMap::new();
        let mut all_taken = true;
        'passes: for pass in 1..=self.passes {
            self.pass = pass;
            for (number, source) in sources.iter().enumerate() {
                if self.over.is_some() {
                    self.rest.files = sources.len().saturating_sub(number);
                    self.rest.passes = self.passes.saturating_sub(pass);
                    break 'passes;
                }
                let file = source.to_string();
                let read = match kept.remove(&number) {
                    Some(messages) => Ok(messages),
                    None => source.read(args).map(|content| {
                        self.aside(|| {
                            for fault in &content.faults {
                                output.complain(&file, &format_args!("warning: {fault}"));
                            }
                            output.begin(&file, &content.messages);
                        });
                        content.messages
                    }),
                };
                all_taken &= match read {
                    Ok(messages) => {
                        let keeps = *source == Source::StandardInput || sources.len() == 1;
                        if keeps && pass < self.passes {
                            kept.insert(number, messages.clone());
                        }
                        self.send_all(&file, messages, output)?
                    }
                    Err(trouble) => {
                        self.aside(|| output.refuse(&file, &trouble));
                        false
                    }
                };
            }
        }
        Ok(all_taken)
    }

    /// Sends the messages of `file` and tells what became of each. Returns whether
    /// all were taken; an error is the output's.
    pub(crate) fn send_all<O: Write, E: Write>(
        &mut self,
        file: &str,
        messages: Vec<Vec<u8>>,
        output: &mut Output<O, E>,
    ) -> io::Result<bool> {
        let several = messages.len() > 1;
        if let Some(progress) = &mut self.progress {
            progress.read(messages.len());
        }
        let mut all_taken = true;
        for (message, index) in messages.into_iter().zip(1..) {
            let tried = match self.over {
                Some(_) => None,
                None => self.one(file, index, several, message, output)?,
            };
            match tried {
                Some(taken) => all_taken &= taken,
                None => {
                    let rest = &mut self.rest;
                    rest.file.get_or_insert_with(|| file.to_owned());
                    rest.index.get_or_insert(index);
                    rest.messages = rest.messages.saturating_add(1);
                }
            }
        }
        Ok(all_taken && !self.failed)
    }

    /// Whether the message was taken, now or before; nothing if it was not tried.
    fn one<O: Write, E: Write>(
        &mut self,
        file: &str,
        index: usize,
        several: bool,
        message: Vec<u8>,
        output: &mut Output<O, E>,
    ) -> io::Result<Option<bool>> {
        let journal = self.journal.as_mut();
        let place = journal.map(|(journal, _)| journal.place(file, index, &message));
        let known = self.known(place.as_ref());
        let first_time = known.is_none();
        let earlier = known.as_ref().map(|known| known.state);
        let control_id = match self.todo(known) {
            Todo::Pass => {
                self.passed();
                if let Some((_, totals)) = &mut self.journal {
                    totals.settled_before();
                }
                return Ok(Some(true));
            }
            Todo::Leave(known) => {
                self.passed();
                let about = self.about(file, index, several, &message);
                self.aside(|| output.left(&about, &Left::new(&about, &known)))?;
                self.ended_as(known.state);
                return Ok(Some(false));
            }
            Todo::Send(control_id) => control_id,
        };
        if self.may_try == Some(0) {
            self.over = Some("max");
            return Ok(None);
        }
        let message = self.copy(message, control_id);
        let about = self.about(file, index, several, &message);
        let changed = first_time && self.had_another_at(place.as_ref());
        if changed {
            let sentence = "the journal has another message from this place; sent as a new one";
            self.aside(|| output.complain(&about.label(), &sentence));
        }
        self.wait_for_turn();
        let report = match self.tried(about, message, place.as_ref()) {
            Ok(report) => report,
            Err(trouble) => {
                self.fail(&trouble, output);
                return Ok(None);
            }
        };
        self.may_try = self.may_try.map(|count| count.saturating_sub(1));
        let state = State::of(&report.outcome).after(earlier);
        let now = self.elapsed();
        self.pace.ended(now);
        if let Some(progress) = &mut self.progress {
            progress.tried(state, now);
        }
        self.aside(|| output.report(&report))?;
        if state != State::of(&report.outcome) {
            let sentence = format!("this try changes nothing: it is {} as before", state.word());
            self.aside(|| output.complain(&report.about.label(), &sentence));
        }
        if let Some(trouble) = self.trouble.take() {
            self.fail(&trouble, output);
        }
        self.ended_as(state);
        Ok(Some(state.is_taken()))
    }

    fn known(&self, place: Option<&Place>) -> Option<Known> {
        let (journal, _) = self.journal.as_ref()?;
        journal.known(place?).cloned()
    }

    fn had_another_at(&self, place: Option<&Place>) -> bool {
        match (&self.journal, place) {
            (Some((journal, _)), Some(place)) => journal.had_another_at(place),
            _ => false,
        }
    }

    /// What the journal knows decides, and what the caller said of receivers that
    /// drop what they have already, or mean "later" by a refusal.
    fn todo(&self, known: Option<Known>) -> Todo {
        let Some(known) = known else {
            return Todo::Send(None);
        };
        let again = match known.state {
            State::Told(Verdict::Refused) => self.retries.are_of(known.reason.as_deref()),
            // An answer came, or none is due: there is nothing to wait for.
            State::Told(_) => false,
            State::Failed(Delivery::NotSent) => return Todo::Send(None),
            State::Failed(delivery) => delivery <= self.resend,
        };
        match again {
            true => Todo::Send(known.control_id),
            false if known.state.is_taken() => Todo::Pass,
            false => Todo::Leave(known),
        }
    }

    /// The message as it is to go out: from the second pass on a copy, whose control
    /// id is that under which it may have arrived already.
    fn copy(&mut self, message: Vec<u8>, earlier: Option<String>) -> Vec<u8> {
        if self.pass <= 1 {
            return message;
        }
        let earlier = earlier.filter(|control_id| is_given(control_id));
        let control_id = earlier.unwrap_or_else(|| self.control_ids.next());
        if let Some(copy) = with_control_id(&message, &control_id) {
            return copy;
        }
        // The header may only come to light once it was put right.
        let mended = self.sender.mended(&message);
        with_control_id(&mended, &control_id).unwrap_or(message)
    }

    fn about(&self, file: &str, index: usize, several: bool, message: &[u8]) -> About {
        About {
            index,
            several: several || self.passes > 1,
            ..self.sender.about(file, message)
        }
    }

    /// Sends it, and again while it is refused for now. The journal knows before and
    /// after each try; what keeps it from being told of the last one is told later.
    fn tried(
        &mut self,
        about: About,
        message: Vec<u8>,
        place: Option<&Place>,
    ) -> Result<Report, Trouble> {
        let mut refusals = Vec::new();
        let mut earlier: Option<(Reply, Happened)> = None;
        loop {
            let told = place.map(|place| Told {
                place,
                control_id: about.control_id.as_deref(),
            });
            let journal = &mut self.journal;
            let ready = || match (journal, told) {
                (Some((journal, _)), Some(told)) => journal.sending(told),
                _ => Ok(()),
            };
            let begun = std::time::Instant::now();
            let Sent {
                mut outcome,
                acknowledged,
                mut happened,
            } = self.sender.send(message.clone(), ready)?;
            let elapsed = begun.elapsed();
            let reason = match &outcome {
                Ok(reply) => refusals::reason(reply),
                Err(failure) => failure.cause.word().to_owned(),
            };
            let state = State::of(&outcome);
            if let (Some((journal, _)), Some(told)) = (&mut self.journal, told) {
                self.trouble = journal.ended(state, told, &reason).err();
            }
            if let Some((reply, before)) = earlier.take() {
                match &outcome {
                    // It is refused as before.
                    Err(failure) if failure.delivery == Delivery::NotSent => outcome = Ok(reply),
                    _ => carry(reply, &mut outcome),
                }
                happened = before.followed_by(happened);
            }
            let tries = u32::try_from(refusals.len()).unwrap_or(u32::MAX);
            let for_now = state == State::Told(Verdict::Refused)
                && tries < self.retries.count
                && self.retries.are_of(Some(&reason))
                && self.trouble.is_none();
            match outcome {
                Ok(reply) if for_now => {
                    refusals.push(reason);
                    earlier = Some((reply, happened));
                    self.wait(self.clock.now().after(self.retries.delay));
                }
                outcome => {
                    return Ok(Report {
                        about,
                        outcome,
                        elapsed,
                        acknowledged,
                        happened,
                        refusals,
                    });
                }
            }
        }
    }

    fn wait_for_turn(&mut self) {
        let now = self.elapsed();
        let moment = self.pace.next(now);
        if moment > now {
            self.wait(self.began.after(moment));
        }
    }

    fn wait(&self, until: Instant) {
        self.clock.sleep(until);
    }

    fn elapsed(&self) -> Duration {
        self.began.until(self.clock.now())
    }

    fn passed(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.passed();
        }
    }

    /// That is what is known of a message at its end.
    fn ended_as(&mut self, state: State) {
        if let Some((_, totals)) = &mut self.journal {
            totals.add(state);
        }
        if self.over.is_none() && self.stop_on.iter().any(|kind| kind.is(state)) {
            self.over = Some(state.word());
        }
    }

    /// Without a journal that can be written nothing more is sent.
    fn fail<O: Write, E: Write>(&mut self, trouble: &Trouble, output: &mut Output<O, E>) {
        self.over = Some("journal");
        self.failed = true;
        self.aside(|| output.complain_of_all(trouble));
    }

    fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.progress {
            Some(progress) => progress.aside(print),
            None => print(),
        }
    }

    /// Parts from the receiver, and tells what is left. Returns what was counted.
    pub(crate) fn close<O: Write, E: Write>(
        self,
        output: &mut Output<O, E>,
    ) -> io::Result<Counters> {
        let counters = self.sender.close();
        if let Some(progress) = &self.progress {
            progress.end();
        }
        if let Some(why) = self.over
            && !self.rest.is_nothing()
        {
            output.note(&NotTried::from(Rest { why, ..self.rest }))?;
        }
        if let Some((_, totals)) = self.journal {
            output.note(&JournalRecord::from(totals))?;
        }
        Ok(counters)
    }
}

/// What is told of an earlier try is told of the last one too.
fn carry(earlier: Reply, outcome: &mut Result<Reply, Failure>) {
    let (transmissions, retries, warnings) = match outcome {
        Ok(reply) => (
            &mut reply.transmissions,
            &mut reply.retries,
            &mut reply.warnings,
        ),
        Err(failure) => (
            &mut failure.transmissions,
            &mut failure.retries,
            &mut failure.warnings,
        ),
    };
    *transmissions = transmissions.saturating_add(earlier.transmissions);
    retries.splice(0..0, earlier.retries);
    let is_new = |warning: &_| !warnings.contains(warning);
    let earlier: Vec<_> = earlier.warnings.into_iter().filter(is_new).collect();
    warnings.splice(0..0, earlier);
}
