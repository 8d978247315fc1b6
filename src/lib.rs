//! Belltower (钟楼), a campus notification platform.
//!
//! Follow a message to find your way: a source system calls [`api`]; [`service`] accepts it and keeps it in
//! [`store`]; [`dispatch`] plans one delivery per recipient and channel, is woken through [`queue`], and hands each
//! delivery to a provider behind [`channel`]; what the provider says comes back as attempts and receipts, which
//! [`api`] and [`console`] show person by person; whoever a message is for reads it again behind a signed link of
//! [`recipient`], who they are by [`identity`] where the university's own sign-in says it. Who is in the directory
//! is kept by [`api`], [`console`] and, for identity systems, [`scim`]. What a RabbitMQ carries goes by [`broker`]. The rules all of them share are in [`domain`].

pub mod app;
pub mod clock;
pub mod config;
pub mod error;
pub mod lifecycle;
pub mod telemetry;

pub mod domain;

pub mod broker;
pub mod channel;
pub mod identity;
pub mod queue;
pub mod store;

pub mod service;

pub mod dispatch;

pub mod api;
pub mod console;
pub mod http;
pub mod intake;
pub mod recipient;
pub mod scim;

pub mod cli;
pub mod simulator;

pub use error::{Error, Result};
