//! The console's pages with a believable campus in them: complete in both languages, clean for a strict content
//! security policy, and written to files to be looked at.

mod account;
mod alarms;
mod answers;
mod attention;
mod audit;
mod browser;
mod campus;
mod campus_sign_in;
mod compose;
mod door;
mod emergency;
mod groups;
mod held;
mod imports;
mod mappings;
mod markup;
mod matrix;
mod operators;
mod overview;
mod people;
mod providers;
mod registrations;
mod retention;
pub(crate) mod rooms;
mod rule_changes;
mod rules;
mod samples;
mod scan;
mod settings;
mod simulator;
mod source_flows;
mod sources;
mod suppression;
mod templates;
mod texts;
mod weight;
