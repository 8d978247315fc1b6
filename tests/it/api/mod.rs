//! The JSON face and what surrounds it, through real HTTP on a socket.

mod calls;
mod directory;
mod erasing;
mod imports;
mod inbox;
mod inbox_events;
mod limited;
mod matrix;
mod messages;
mod metrics;
mod nul;
mod openapi;
mod problems;
mod readiness;
mod registrations;
mod server;
mod source;
mod wire;

/// Pointers and codes, as an answer's faults are compared with.
fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect()
}
