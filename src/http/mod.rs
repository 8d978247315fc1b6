//! What the faces share: the server and its route table ([`server`]), how an [`Error`](crate::Error) looks from outside
//! ([`errors`], explained by [`problems`]), and what every request passes through ([`watch`]).

pub mod access;
pub mod assets;
pub mod body;
pub mod callbacks;
pub mod client;
mod connections;
pub mod errors;
pub mod feeds;
pub mod guard;
pub mod health;
pub mod locale;
pub mod logo;
pub mod metrics;
pub mod params;
pub mod problems;
pub mod qr;
pub mod request_id;
pub mod routes;
pub mod scim;
pub mod server;
pub mod session;
pub mod sse;
mod watch;

pub use guard::{Bearer, Button, Key};
pub use params::{Params, segment};
pub use request_id::RequestId;
pub use watch::NothingTaken;
