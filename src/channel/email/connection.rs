//! One conversation with a relay, each step with a time-out of its own.
//!
//! Where the relay allows it (RFC 2920), the three commands of an envelope leave at once, and so does the next mail's envelope
//! with the content before it: a busy connection costs one round trip a mail. Answers come in the order of what they
//! answer, so all of them are awaited, and a content is only written when no answer is due and none has come unasked.
//!
//! Anything that leaves it unclear whose answer comes next makes the connection unfit for another mail: a time-out, a
//! dropped future, an answer that is no SMTP. It is only [`Connection::is_clean`] after a clean end.

mod opening;

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{Failure, Step, Trouble};
use super::letter::Letter;
use super::offers::Offers;
use super::reply::{Reply, printable};
use super::wire::{Wire, WireError};

/// OpenSMTPD answers 452 beyond its limit of mails on a connection; others count likewise.
const MAILS: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Clean,
    /// A mail was refused half way; RSET makes it clean again.
    Halted,
    /// Whose answer comes next is not known.
    Broken,
}

pub(super) struct Connection {
    wire: Wire,
    offers: Offers,
    state: State,
    /// The next mail's envelope is out, and nothing of its answers was read.
    ahead: bool,
    /// The relay takes nothing more, but may have said something before.
    cut: bool,
    limit: Duration,
    /// Mails begun.
    mails: u32,
    greeting: String,
}

impl Connection {
    /// What the relay calls itself.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Clean && !self.ahead
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken || self.ahead
    }

    /// A mail was begun on it, so the relay may have closed it since.
    pub(super) fn is_used(&self) -> bool {
        self.mails > 0
    }

    /// It has had as many mails as a relay likes.
    pub(super) fn is_worn(&self) -> bool {
        self.mails >= MAILS
    }

    /// The next mail's envelope is out.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead
    }

    /// The next mail's envelope may go out before the answer to this one's content has come.
    pub(super) fn takes_ahead(&self) -> bool {
        self.offers.pipelining && !self.ahead && !self.cut && !self.is_worn() && self.wire.is_silent()
    }

    /// What the relay cannot take is not begun.
    pub(super) fn suits(&self, letter: &Letter) -> Result<(), Failure> {
        letter.suits(&self.offers)
    }

    /// Sender, recipient and the wish to write, up to the relay's go-ahead. All three in one packet where the relay
    /// allows it, behind what makes it forget a mail that it refused half way; only the answers where they are out.
    pub(super) async fn envelope(&mut self, letter: &Letter) -> Result<(), Failure> {
        let halted = self.state == State::Halted;
        // Should this future be dropped, it stays so.
        self.state = State::Broken;
        let grouped = self.offers.pipelining;
        let commands = letter.envelope(&self.offers);
        if !std::mem::take(&mut self.ahead) {
            self.mails += 1;
            let mut first = String::new();
            if halted {
                first.push_str(RESET);
            }
            if grouped {
                first.extend(commands.iter().map(|(.., command)| command.as_str()));
            }
            if !first.is_empty() {
                self.write(if halted { Step::Reset } else { Step::Mail }, first.as_bytes()).await?;
            }
            if halted {
                self.answer(Step::Reset).await.and_then(|reply| expect(Step::Reset, 2, reply))?;
            }
        }
        let mut refusal = None;
        let mut state = State::Halted;
        for (step, class, command) in commands {
            if !grouped {
                self.write(step, command.as_bytes()).await?;
            }
            match self.answer(step).await.and_then(|reply| expect(step, class, reply)) {
                // It waits for a mail now, and takes all that follows for one.
                Ok(_) if refusal.is_some() && step == Step::Data => state = State::Broken,
                Ok(_) => {}
                Err(failure) => {
                    let open = failure.leaves_open();
                    if !open {
                        state = State::Broken;
                    }
                    // The first is the reason, the others follow from it.
                    refusal.get_or_insert(failure);
                    if !open || !grouped {
                        break;
                    }
                }
            }
        }
        let Some(refusal) = refusal else { return Ok(()) };
        self.state = state;
        Err(refusal)
    }

    /// Writes a mail that the relay waits for, and in the same packet the envelope of the `next`. An error means that the
    /// relay cannot have all of the mail; once it may have, its verdict says the rest.
    pub(super) async fn content(&mut self, letter: &Letter, next: Option<&Letter>) -> Result<(), Failure> {
        let at = Step::Content;
        self.heard_nothing(at)?;
        let Some(next) = next else { return self.put(at, &letter.data, letter.data.len()).await };
        let envelope = self.begin_ahead(next);
        let bytes = [letter.data.as_slice(), envelope.as_bytes()].concat();
        self.put(at, &bytes, letter.data.len()).await?;
        self.ahead = !self.cut;
        Ok(())
    }

    /// Sends the next mail's envelope while the answer to this one's content is due.
    pub(super) async fn send_ahead(&mut self, next: &Letter) {
        let envelope = self.begin_ahead(next);
        self.ahead = self.put(Step::Mail, envelope.as_bytes(), envelope.len()).await.is_ok() && !self.cut;
    }

    fn begin_ahead(&mut self, next: &Letter) -> String {
        self.mails += 1;
        next.envelope(&self.offers).into_iter().map(|(.., command)| command).collect()
    }

    /// When an answer to what was written now is overdue.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    /// The relay's answer to a mail's content: `Ok` is its positive one, and nothing else. Cancel-safe.
    pub(super) async fn verdict(&mut self, deadline: Instant) -> Result<Reply, Failure> {
        let at = Step::Verdict;
        let answer = match timeout_at(deadline, self.wire.reply()).await {
            Ok(answer) => answer.map_err(Trouble::from),
            Err(_) => Err(Trouble::TimedOut(self.limit)),
        };
        let answer = answer.map_err(|trouble| Failure { at, trouble });
        let verdict = answer.and_then(|reply| expect(at, 2, reply));
        if verdict.as_ref().err().is_none_or(Failure::leaves_open) && !self.cut {
            // Either way the relay is done with this mail (RFC 5321 §4.1.1.4).
            self.state = State::Clean;
        }
        verdict
    }

    /// It can go on, with the mail whose envelope is out where one is.
    pub(super) fn is_alive(&self) -> bool {
        self.state != State::Broken
    }

    /// Makes the connection fit for the next mail, if it can be.
    pub(super) async fn reset(&mut self) {
        if self.state == State::Halted {
            self.state = State::Broken;
            let answer = self.command(Step::Reset, RESET).await;
            if answer.and_then(|reply| expect(Step::Reset, 2, reply)).is_ok() {
                self.state = State::Clean;
            }
        }
    }

    /// Takes leave, as far as the relay still listens.
    pub(super) async fn quit(mut self) {
        if !self.is_broken() {
            self.limit = self.limit.min(Duration::from_secs(5));
            drop(self.command(Step::Quit, "QUIT\r\n").await);
        }
    }

    async fn command(&mut self, at: Step, line: &str) -> Result<Reply, Failure> {
        self.write(at, line.as_bytes()).await?;
        self.answer(at).await
    }

    /// Writes while no answer is due.
    async fn write(&mut self, at: Step, bytes: &[u8]) -> Result<(), Failure> {
        self.heard_nothing(at)?;
        self.put(at, bytes, bytes.len()).await
    }

    /// A relay that has said something nobody asked for is not written to: its next answer would be taken for
    /// another command's.
    fn heard_nothing(&self, at: Step) -> Result<(), Failure> {
        self.wire.heard_nothing().map_err(|error| Failure { at, trouble: error.into() })
    }

    /// Writes. It is an error when fewer than the first `vital` bytes have left; where others have not, nothing more
    /// can be written.
    async fn put(&mut self, at: Step, bytes: &[u8], vital: usize) -> Result<(), Failure> {
        let mut sent = 0;
        let result = within(self.limit, self.wire.write(bytes, &mut sent)).await;
        self.cut |= result.is_err();
        match result {
            Err(trouble) if sent < vital => Err(Failure { at, trouble }),
            _ => Ok(()),
        }
    }

    async fn answer(&mut self, at: Step) -> Result<Reply, Failure> {
        within(self.limit, self.wire.reply()).await.map_err(|trouble| Failure { at, trouble })
    }
}

const RESET: &str = "RSET\r\n";

async fn within<T>(limit: Duration, what: impl Future<Output = Result<T, WireError>>) -> Result<T, Trouble> {
    match timeout(limit, what).await {
        Ok(done) => done.map_err(Trouble::from),
        Err(_) => Err(Trouble::TimedOut(limit)),
    }
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Lost(error) => Self::Lost(error),
            WireError::Garbled(said) => Self::Garbled(printable(&said)),
        }
    }
}

/// The reply if it is of the wanted class.
fn expect(at: Step, class: u16, reply: Reply) -> Result<Reply, Failure> {
    let trouble = match reply.code / 100 {
        given if given == class => return Ok(reply),
        4 | 5 => Trouble::Refused(reply),
        // An answer out of place: what follows would be, too.
        _ => Trouble::Garbled(format!("{} {}", reply.codes(), reply.words())),
    };
    Err(Failure { at, trouble })
}
