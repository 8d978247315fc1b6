//! Systems that may send: the list, one source with its keys, and the form for its rights.

use askama::Template;

use super::form::FieldFaults;
use super::label::Tone;
use super::messages::MessageRowsFragment;
use super::page::{Fact, Shell, Theme};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::source::Right;

#[derive(Debug, Template)]
#[template(path = "console/sources.html")]
pub struct SourcesPage {
    pub shell: Shell,
    pub may_edit: bool,
    pub rows: Vec<SourceRow>,
}

#[derive(Clone, Debug)]
pub struct SourceRow {
    pub id: SourceId,
    pub name: String,
    pub department: String,
    pub active: bool,
    /// Patterns.
    pub topics: Vec<String>,
    pub channels: Vec<ChannelKind>,
    /// Keys that work.
    pub keys: u64,
    /// Messages since midnight on the campus clock.
    pub today: u64,
    pub last_active: Option<Timestamp>,
}

#[derive(Debug, Template)]
#[template(path = "console/source.html")]
pub struct SourcePage {
    pub shell: Shell,
    pub id: SourceId,
    pub name: String,
    pub department: String,
    pub active: bool,
    pub may_edit: bool,
    /// The whole of a key right after it was made, and never again.
    pub fresh_key: Option<String>,
    pub keys: Vec<KeyRow>,
    pub topics: Vec<String>,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    pub facts: Vec<Fact>,
    pub samples: Vec<Sample>,
    pub latest: MessageRowsFragment,
}

#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: KeyId,
    /// Its beginning and end, to tell keys apart: `bt_live_…4c9c`.
    pub hint: String,
    pub test: bool,
    /// Revoked, or replaced and expired.
    pub ended: bool,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A first call in one language.
#[derive(Clone, Debug)]
pub struct Sample {
    pub language: &'static str,
    pub code: String,
}

#[derive(Debug, Template)]
#[template(path = "console/source_form.html")]
pub struct SourceFormPage {
    pub shell: Shell,
    /// Of the source being edited; `None` registers a new one.
    pub id: Option<SourceId>,
    pub form: SourceForm,
    pub faults: FieldFaults,
}

impl SourceFormPage {
    const fn title(&self) -> &'static str {
        match self.id {
            Some(_) => "source-edit",
            None => "source-new",
        }
    }
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct SourceForm {
    pub name: String,
    pub department: String,
    /// One pattern a line.
    pub topics: String,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Messages a second; empty: no limit.
    pub rate_per_second: String,
    /// Messages a campus day; empty: no limit.
    pub daily_messages: String,
    /// The first key is a test key.
    pub test: bool,
}

impl Sample {
    /// The smallest useful call in curl, Python and Java. The key stays a variable of the environment, so that nobody
    /// pastes one into a program. `url` is where people reach this installation, without a slash at its end.
    pub fn all(url: &str, topic: &str) -> Vec<Self> {
        let fill = |code: &str| code.trim_start().replace("URL", url).replace("TOPIC", topic);
        vec![
            Self { language: "curl", code: fill(CURL) },
            Self { language: "Python", code: fill(PYTHON) },
            Self { language: "Java", code: fill(JAVA) },
        ]
    }
}

const CURL: &str = r#"
curl URL/api/v1/messages \
  -H "Authorization: Bearer $BELLTOWER_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: $(uuidgen)" \
  -d '{"topic": "TOPIC", "title": "测试消息",
       "body": "这是一条**测试消息**。",
       "audience": {"recipients": ["20260001"]}}'
"#;

const PYTHON: &str = r#"
import json, os, urllib.request, uuid

message = {
    "topic": "TOPIC",
    "title": "测试消息",
    "body": "这是一条**测试消息**。",
    "audience": {"recipients": ["20260001"]},
}
request = urllib.request.Request(
    "URL/api/v1/messages",
    data=json.dumps(message).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["BELLTOWER_KEY"],
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    },
)
with urllib.request.urlopen(request) as answer:
    print(answer.status, json.load(answer)["id"])
"#;

const JAVA: &str = r#"
var body = """
    {"topic": "TOPIC", "title": "测试消息", "body": "这是一条**测试消息**。",
     "audience": {"recipients": ["20260001"]}}""";
var request = HttpRequest.newBuilder(URI.create("URL/api/v1/messages"))
    .header("Authorization", "Bearer " + System.getenv("BELLTOWER_KEY"))
    .header("Content-Type", "application/json")
    .header("Idempotency-Key", UUID.randomUUID().toString())
    .POST(HttpRequest.BodyPublishers.ofString(body))
    .build();
var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
System.out.println(answer.statusCode() + " " + answer.body());
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_name_this_installation_and_the_sources_topic() {
        for sample in Sample::all("https://bell.example.edu.cn", "library.new-books") {
            assert!(sample.code.contains("https://bell.example.edu.cn/api/v1/messages"), "{}", sample.code);
            assert!(sample.code.contains(r#""library.new-books""#), "{}", sample.code);
            assert!(!sample.code.contains("bt_live_"), "no key in a sample: {}", sample.code);
        }
    }
}
