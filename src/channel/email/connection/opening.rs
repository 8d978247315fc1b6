//! How a conversation begins: connecting, encrypting, signing in.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::super::failure::{Failure, Step, Trouble, untrusted};
use super::super::offers::Offers;
use super::super::settings::{Credentials, Relay, Tls};
use super::super::wire::{Wire, WireError};
use super::{Connection, State, expect};
use crate::channel::closed;

impl Connection {
    /// Connects, encrypts and signs in as the settings say. `name` is what this host calls itself; by its address
    /// where it is `None`.
    pub(in super::super) async fn open(relay: &Relay, name: Option<&str>) -> Result<Self, Failure> {
        let limit = relay.timeout;
        let fail = |at, trouble| Failure { at, trouble };
        let connecting = closed::connect(&relay.host, relay.port);
        let stream = timeout(limit, connecting)
            .await
            .map_err(|_| fail(Step::Connect, Trouble::TimedOut(limit)))?
            .map_err(|error| fail(Step::Connect, unreached(error)))?;
        // Without it each command waits for the other side's delayed acknowledgement: 40 ms a mail.
        stream.set_nodelay(true).map_err(|error| fail(Step::Connect, Trouble::Lost(error)))?;
        let name = match (name, stream.local_addr()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(address)) if address.is_ipv4() => format!("[{}]", address.ip()),
            (None, Ok(address)) => format!("[IPv6:{}]", address.ip()),
            (None, Err(error)) => return Err(fail(Step::Connect, Trouble::Lost(error))),
        };
        let mut this = Self {
            wire: Wire::new(stream),
            offers: Offers::default(),
            state: State::Broken,
            limit,
            ahead: false,
            cut: false,
            mails: 0,
            greeting: String::new(),
        };
        if relay.tls == Tls::Implicit {
            this.encrypt(relay).await?;
        }
        let greeting = this.answer(Step::Greeting).await?;
        let greeting = expect(Step::Greeting, 2, greeting)?;
        this.greeting = greeting.words();
        this.hello(&name).await?;
        if relay.tls == Tls::Upgrade {
            if !this.offers.starttls {
                return Err(fail(Step::Tls, Trouble::Unfit("the relay does not offer STARTTLS".to_owned())));
            }
            let go = this.command(Step::Tls, "STARTTLS\r\n").await?;
            expect(Step::Tls, 2, go)?;
            this.encrypt(relay).await?;
            // What was said in clear counts for nothing (RFC 3207 §4.2).
            this.hello(&name).await?;
        }
        if let Some(credentials) = &relay.credentials {
            this.sign_in(credentials).await?;
        }
        this.state = State::Clean;
        Ok(this)
    }

    async fn hello(&mut self, name: &str) -> Result<(), Failure> {
        let reply = self.command(Step::Hello, &format!("EHLO {name}\r\n")).await?;
        self.offers = Offers::read(&expect(Step::Hello, 2, reply)?);
        Ok(())
    }

    async fn encrypt(&mut self, relay: &Relay) -> Result<(), Failure> {
        let handshake = self.wire.encrypt(&relay.tls_config, &relay.server_name);
        let trouble = match timeout(self.limit, handshake).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(WireError::Lost(error))) => match untrusted(&error) {
                Some(reason) => Trouble::Unfit(reason),
                None => Trouble::Lost(error),
            },
            Ok(Err(WireError::Garbled(said))) => Trouble::Garbled(said),
            Err(_) => Trouble::TimedOut(self.limit),
        };
        Err(Failure { at: Step::Tls, trouble })
    }

    /// PLAIN (RFC 4616), or LOGIN where that is all there is.
    async fn sign_in(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        let Credentials { username, password } = credentials;
        let password = password.expose_secret();
        let at = Step::SignIn;
        let answer = if self.offers.plain {
            let token = STANDARD.encode(format!("\0{username}\0{password}"));
            self.command(at, &format!("AUTH PLAIN {token}\r\n")).await?
        } else if self.offers.login {
            let asked = self.command(at, "AUTH LOGIN\r\n").await?;
            expect(at, 3, asked)?;
            let asked = self.command(at, &format!("{}\r\n", STANDARD.encode(username))).await?;
            expect(at, 3, asked)?;
            self.command(at, &format!("{}\r\n", STANDARD.encode(password))).await?
        } else {
            let reason = "the relay offers neither AUTH PLAIN nor AUTH LOGIN".to_owned();
            return Err(Failure { at, trouble: Trouble::Unfit(reason) });
        };
        expect(at, 2, answer).map(drop)
    }
}

/// A name that leads where no relay stands is for people to mend; anything else may pass.
fn unreached(error: io::Error) -> Trouble {
    if closed::is_for_that(&error) { Trouble::Unfit(error.to_string()) } else { Trouble::Lost(error) }
}

#[cfg(test)]
mod tests {
    use super::super::super::scripted::{Relay, Turn};

    #[tokio::test]
    async fn small_packets_are_sent_at_once() {
        let relay = Relay::following(&[&[Turn::On("EHLO", "250 hello\r\n")]]).await;
        let connection = relay.pool.open().await.unwrap();
        assert!(connection.wire.socket().unwrap().nodelay().unwrap());
    }
}
