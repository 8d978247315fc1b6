//! What an entry looks like on its way.

use serde::{Deserialize, Serialize};

use super::super::{Entry, Work};
use crate::domain::message::Lane;

/// `{"lane":"normal","work":"email"}`: what its queue's name says too, for whoever looks at it there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    lane: &'a str,
    work: &'a str,
}

pub(super) fn write(entry: Entry) -> Vec<u8> {
    let body = Body { lane: entry.lane.name(), work: entry.work.name() };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// `None`: this is nothing that [`write()`] makes.
pub(super) fn read(bytes: &[u8]) -> Option<Entry> {
    let body: Body<'_> = serde_json::from_slice(bytes).ok()?;
    let lane = Lane::ALL.iter().copied().find(|lane| lane.name() == body.lane)?;
    let work = Work::ALL.into_iter().find(|work| work.name() == body.work)?;
    Some(Entry { lane, work })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::rabbitmq::topology::entries;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_nothing_else_is() {
        for entry in entries() {
            assert_eq!(read(&write(entry)), Some(entry));
        }
        for strange in ["", "wake", r#"{"lane":"normal"}"#, r#"{"lane":"normal","work":"fax"}"#, "\u{0}"] {
            assert_eq!(read(strange.as_bytes()), None, "{strange}");
        }
    }
}
