//! Takes mails that come back, for addresses that we gave out for them and no others: SMTP (RFC 5321) or LMTP (RFC 2033),
//! from the mail relay that the bounce domain leads to.
//!
//! It is no mail server: it relays nothing, has no encryption and no sign-in, and believes nobody. A mail is stored before
//! it is answered, and what it says is looked into afterwards.
//!
//! - [`session`]: one conversation; [`wire`]: its bytes; [`command`]: its lines

mod command;
mod session;
mod wire;

use std::net::TcpListener as Bound;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::session::Session;
use crate::lifecycle::Lifecycle;
use crate::service::Services;
use crate::{Error, Result};

/// At the same time; a relay opens a handful.
const CONNECTIONS: usize = 32;

/// Takes mails until a soft stop, then lets those finish that are under way. To be called inside a runtime.
pub fn serve(listener: Bound, s: Services, lifecycle: &Lifecycle) -> Result<()> {
    listener.set_nonblocking(true).map_err(Error::internal)?;
    let listener = TcpListener::from_std(listener).map_err(Error::internal)?;
    let stop = lifecycle.soft().clone();
    lifecycle.spawn("bounces", async move {
        let (room, sessions) = (Arc::new(Semaphore::new(CONNECTIONS)), TaskTracker::new());
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, most likely: conversations that end will free some.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let session = Session::new(stream, s.clone(), stop.clone());
            match Arc::clone(&room).try_acquire_owned() {
                Ok(place) => sessions.spawn(async move {
                    session.run().await;
                    drop(place);
                }),
                Err(_) => sessions.spawn(session.turn_away()),
            };
        }
        drop(listener);
        sessions.close();
        sessions.wait().await;
    });
    Ok(())
}
