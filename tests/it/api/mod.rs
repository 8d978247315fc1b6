//! The JSON face and what surrounds it, through real HTTP on a socket.

mod directory;
mod erasing;
mod messages;
mod metrics;
mod openapi;
mod problems;
mod readiness;
mod server;
mod source;
