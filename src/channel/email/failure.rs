//! Why a mail was not accepted, and where in the conversation.

use std::fmt;
use std::io;
use std::time::Duration;

use super::reply::Reply;

/// Where in the conversation something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    Tls,
    Greeting,
    Hello,
    SignIn,
    Mail,
    Recipient,
    Data,
    /// The mail is being written; the relay cannot have all of it.
    Content,
    /// The mail is out, its answer due.
    Verdict,
    Reset,
    Quit,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::Greeting => "the greeting",
            Self::Hello => "EHLO",
            Self::SignIn => "AUTH",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Content => "writing the mail",
            Self::Verdict => "the mail's content",
            Self::Reset => "RSET",
            Self::Quit => "QUIT",
        })
    }
}

/// Why a mail was not accepted.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: Step,
    pub(super) trouble: Trouble,
}

#[derive(Debug)]
pub(super) enum Trouble {
    /// The relay said no.
    Refused(Reply),
    TimedOut(Duration),
    Lost(io::Error),
    /// What came is not SMTP, or not what SMTP says here.
    Garbled(String),
    /// The relay lacks what the settings or the mail need, or is not who it should be.
    Unfit(String),
    /// It expired before a connection was free for it.
    Expired,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.trouble {
            Trouble::Refused(reply) => write!(f, "{} {} (at {at})", reply.codes(), reply.words()),
            Trouble::TimedOut(limit) => write!(f, "no answer within {} s (at {at})", limit.as_secs_f64()),
            Trouble::Lost(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                write!(f, "the relay closed the connection (at {at})")
            }
            Trouble::Lost(error) => write!(f, "{error} (at {at})"),
            Trouble::Garbled(said) => write!(f, "not an SMTP answer: {said} (at {at})"),
            Trouble::Unfit(reason) => f.write_str(reason),
            Trouble::Expired => f.write_str("it expired while it waited for a connection"),
        }
    }
}

impl Failure {
    /// The relay said no and goes on listening.
    pub(super) fn leaves_open(&self) -> bool {
        matches!(&self.trouble, Trouble::Refused(reply) if reply.code != 421)
    }

    /// The 421 with which it closes the connection.
    pub(super) fn farewell(&self) -> Option<&Reply> {
        match &self.trouble {
            Trouble::Refused(reply) if reply.code == 421 => Some(reply),
            _ => None,
        }
    }
}

/// Why the other side is not who it should be, if that is what the handshake failed for.
pub(super) fn untrusted(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    // An alert is the other side's own trouble and may pass.
    let ours = !matches!(error, rustls::Error::AlertReceived(_));
    ours.then(|| format!("the TLS handshake failed: {error}"))
}
