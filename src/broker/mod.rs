//! Connections to a RabbitMQ, for whoever speaks with one: the queue, and the doors of systems that publish there.
//!
//! - [`dial`]: a connection, plain or by TLS
//! - [`side`]: how one that is kept is, and when to try again
//! - [`lines`]: one that is made when something is published
//! - [`standing`]: exchanges and queues that are declared
//! - [`guarded`]: what strangers published, made safe to be read

pub mod dial;
mod guarded;
pub mod lines;
pub mod side;
pub mod standing;

use std::time::Duration;

use lapin::{Channel, Connection};

/// A step of the protocol that takes longer is never answered.
pub const RPC: Duration = Duration::from_secs(10);

/// Why nothing more comes of this connection, if so.
pub fn closed(connection: &Connection, channel: &Channel) -> Option<String> {
    if !connection.status().connected() {
        return Some("the connection was lost".to_owned());
    }
    (!channel.status().connected()).then(|| "it closed the channel".to_owned())
}
