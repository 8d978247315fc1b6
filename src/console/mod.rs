//! The console: pages for operators, rendered here and brought to life by htmx where there is script. A page embeds
//! its fragments, so that a full load and a partial swap show the same markup.

pub mod chart;
pub mod counts;
pub mod error;
pub mod form;
pub mod label;
pub mod mailbox;
pub mod message;
pub mod messages;
pub mod overview;
pub mod page;
pub mod sign_in;
pub mod sources;
pub mod view;
