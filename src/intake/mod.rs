//! The doors in beside the two faces. They are as thin: they speak their protocol and call one use case.
//!
//! - [`amqp`]: messages that sources publish at a RabbitMQ
//! - [`bounces`]: mails that come back, by SMTP or LMTP

pub mod amqp;
pub mod bounces;
