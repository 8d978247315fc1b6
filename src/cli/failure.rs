//! Failures as exit codes and lines on standard error.

use std::io::Write as _;
use std::process::ExitCode;

use crate::error::Error;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
/// `EX_DATAERR` of sysexits.h.
const NO_DATA: u8 = 65;
/// `EX_NOUSER` of sysexits.h.
const NOBODY_HERE: u8 = 67;
/// `EX_TEMPFAIL` of sysexits.h.
const TRY_AGAIN: u8 = 75;

/// An option that parses and yet makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongUsage(pub(super) String);

/// What was piped in is no mail.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoMail(pub(super) String);

/// What was piped in came to an address that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("nothing comes back to {0}")]
pub(super) struct NobodyHere(pub(super) String);

/// Whatever it was, whoever piped this in is to come again with it.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(super) struct TryAgain(pub(super) anyhow::Error);

/// Says what went wrong and tells the exit code.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    let mut standard_error = std::io::stderr().lock();
    for line in lines(error) {
        // Where standard error is closed, the exit code has to do.
        writeln!(standard_error, "belltower: {line}").unwrap_or_default();
    }
    ExitCode::from(code(error))
}

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<WrongUsage>() {
        return WRONG_USAGE;
    }
    if error.is::<NoMail>() {
        return NO_DATA;
    }
    if error.is::<NobodyHere>() {
        return NOBODY_HERE;
    }
    if error.is::<TryAgain>() {
        return TRY_AGAIN;
    }
    match error.downcast_ref::<Error>() {
        Some(
            Error::Unavailable { .. }
            | Error::RateLimited { .. }
            | Error::QuotaExhausted { .. }
            | Error::TooManyWaiting { .. },
        ) => TRY_AGAIN,
        _ => FAILED,
    }
}

/// One line, but for bodies and settings with several mistakes: those have one each.
fn lines(error: &anyhow::Error) -> Vec<String> {
    if let Some(problems) = error.downcast_ref::<crate::config::Problems>() {
        return problems.0.iter().map(ToString::to_string).collect();
    }
    if let Some(Error::Invalid(faults)) = error.downcast_ref::<Error>() {
        return faults
            .iter()
            .map(|fault| match fault.pointer.trim_start_matches('/') {
                "" => fault.detail.clone(),
                field => format!("{field}: {}", fault.detail),
            })
            .collect();
    }
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors repeat their cause in their own words.
        if !said.contains(&cause) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause.replace('\n', " "));
        }
    }
    vec![said]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn exit_codes_tell_failures_apart() {
        assert_eq!(code(&anyhow::anyhow!("no")), 1);
        assert_eq!(code(&WrongUsage("no".into()).into()), 2);
        assert_eq!(code(&NoMail("no".into()).into()), 65);
        assert_eq!(code(&NobodyHere("x".into()).into()), 67);
        assert_eq!(code(&TryAgain(anyhow::anyhow!("no")).into()), 75);
        assert_eq!(code(&Error::unavailable("locked").into()), 75);
        assert_eq!(code(&anyhow::Error::from(Error::unavailable("locked")).context("importing")), 75);
        assert_eq!(code(&Error::NotFound("source").into()), 1);
    }

    #[test]
    fn every_fault_has_its_line_and_causes_are_said_once() {
        let error = Error::Invalid(vec![
            Fault::new("/email", "invalid", "not an address"),
            Fault::new("", "empty", "nothing given"),
        ]);
        assert_eq!(lines(&error.into()), ["email: not an address", "nothing given"]);
        let error = anyhow::Error::from(std::io::Error::other("disk\nfull")).context("writing");
        assert_eq!(lines(&error), ["writing: disk full"]);
    }
}
