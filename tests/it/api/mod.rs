//! The JSON face and what surrounds it, through real HTTP on a socket.

mod directory;
mod messages;
mod openapi;
mod problems;
mod readiness;
mod server;
mod source;
