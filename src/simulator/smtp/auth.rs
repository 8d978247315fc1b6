//! Sign-in: PLAIN (RFC 4616) and LOGIN, as exchanges of base64 lines (RFC 4954).

use mail_parser::decoders::base64::base64_decode;

use super::faults::Stage;
use super::session::{End, Session, Verdict};
use super::wire::Line;

/// Why an exchange came to nothing.
enum Failure {
    Mechanism,
    /// The client sent `*`.
    Cancelled,
    Encoding,
}

impl Session {
    pub(super) async fn auth(&mut self, argument: &str) -> Result<(), End> {
        let shared = self.shared.clone();
        let Some(wanted) = &shared.auth else {
            self.say("502 5.5.1 AUTH is not offered");
            return Ok(());
        };
        if !self.offers_auth() {
            self.say("538 5.7.11 Encryption required for the requested mechanism");
        } else if self.signed_in || self.envelope.is_some() {
            self.say("503 5.5.1 Not now");
        } else if !self.greeted {
            self.say("503 5.5.1 EHLO first");
        } else {
            match self.credentials(argument).await? {
                Err(Failure::Mechanism) => self.say("504 5.5.4 Unknown mechanism"),
                Err(Failure::Cancelled) => self.say("501 5.7.0 Authentication cancelled"),
                Err(Failure::Encoding) => self.say("501 5.5.2 Cannot decode that"),
                Ok((user, password)) => {
                    let verdict = self.meet(Stage::Auth, None).await?;
                    if verdict == Verdict::Said {
                        self.signed_in = true;
                    } else if verdict == Verdict::Usual && (&user, &password) == (&wanted.0, &wanted.1) {
                        self.signed_in = true;
                        self.say("235 2.7.0 Authentication succeeded");
                    } else if verdict == Verdict::Usual {
                        self.say("535 5.7.8 Authentication credentials invalid");
                    }
                }
            }
        }
        Ok(())
    }

    async fn credentials(&mut self, argument: &str) -> Result<Result<(String, String), Failure>, End> {
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let initial = Some(initial.trim()).filter(|initial| !initial.is_empty());
        if mechanism.eq_ignore_ascii_case("PLAIN") {
            let answer = self.ask("334 ", initial).await?;
            return Ok(answer.and_then(|answer| {
                let mut parts = answer.split('\0');
                match (parts.next(), parts.next(), parts.next(), parts.next()) {
                    (Some(_), Some(user), Some(password), None) => Ok((user.to_owned(), password.to_owned())),
                    _ => Err(Failure::Encoding),
                }
            }));
        }
        if mechanism.eq_ignore_ascii_case("LOGIN") {
            // "Username:" and "Password:"
            let user = match self.ask("334 VXNlcm5hbWU6", initial).await? {
                Ok(user) => user,
                Err(failure) => return Ok(Err(failure)),
            };
            let password = self.ask("334 UGFzc3dvcmQ6", None).await?;
            return Ok(password.map(|password| (user, password)));
        }
        Ok(Err(Failure::Mechanism))
    }

    /// The decoded answer to `prompt`, which is not given where the client was ahead of it.
    async fn ask(&mut self, prompt: &str, given: Option<&str>) -> Result<Result<String, Failure>, End> {
        let mut line = Vec::new();
        let answer = match given {
            Some("=") => b"".as_slice(),
            Some(given) => given.as_bytes(),
            None => {
                self.say(prompt);
                if self.wire.line(&mut line).await? != Line::Whole {
                    return Ok(Err(Failure::Encoding));
                }
                &line
            }
        };
        Ok(match answer {
            b"*" => Err(Failure::Cancelled),
            _ => base64_decode(answer)
                .and_then(|decoded| String::from_utf8(decoded).ok())
                .ok_or(Failure::Encoding),
        })
    }
}
