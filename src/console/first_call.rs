//! A source's first call, to copy from its page and run as it stands.

use crate::domain::channel::ChannelKind;
use crate::domain::source::Right;

/// A first call in one language.
#[derive(Clone, Debug)]
pub struct Sample {
    pub language: &'static str,
    pub code: String,
}

/// Whom a first call is for: somebody every installation has, so that it is taken as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// An address that is nobody's, which the sandbox of test keys knows.
    Nobody(ChannelKind),
    /// Whoever copies it, once they have put in their own campus id.
    Oneself,
}

impl Reader {
    /// Whom a source with these rights may write to.
    pub fn of(rights: &[Right], channels: &[ChannelKind]) -> Self {
        let channel = channels.first().filter(|_| rights.contains(&Right::SendDirect));
        channel.map_or(Self::Oneself, |channel| Self::Nobody(*channel))
    }

    /// Key of what to know before the call is made.
    pub const fn note(self) -> &'static str {
        match self {
            Self::Nobody(_) => "sample-note-nobody",
            Self::Oneself => "sample-note-oneself",
        }
    }

    /// The fields that name them, which are the same in JSON and in Python.
    const fn fields(self) -> &'static str {
        match self {
            Self::Nobody(ChannelKind::Email) => r#""to": [{"email": "anyone@sandbox.invalid"}]"#,
            Self::Nobody(ChannelKind::Sms) => r#""to": [{"mobile": "+8610000000001"}]"#,
            Self::Nobody(ChannelKind::Wechat) => r#""to": [{"wecom_userid": "anyone"}]"#,
            Self::Oneself => r#""audience": {"where": "campus_id = 'YOUR-CAMPUS-ID'"}"#,
        }
    }
}

impl Sample {
    /// The smallest useful call in curl, Python and Java. The key stays a variable of the environment, so that nobody
    /// pastes one into a program. `url` is where people reach this installation, without a slash at its end.
    pub fn all(url: &str, topic: &str, reader: Reader) -> Vec<Self> {
        let fill = |code: &str| {
            code.trim_start().replace("URL", url).replace("TOPIC", topic).replace("READER", reader.fields())
        };
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
  --data-binary @- <<'MESSAGE'
{
  "topic": "TOPIC",
  "title": "测试消息",
  "body": "这是一条**测试消息**。",
  READER
}
MESSAGE
"#;

const PYTHON: &str = r#"
import json, os, sys, urllib.error, urllib.request, uuid

message = {
    "topic": "TOPIC",
    "title": "测试消息",
    "body": "这是一条**测试消息**。",
    READER,
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
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.status, json.load(answer)["id"])
except urllib.error.HTTPError as error:
    # The body says what to change.
    sys.exit(f"{error.code} {error.read().decode()}")
"#;

const JAVA: &str = r#"
// FirstCall.java, for Java 17 or later: java FirstCall.java
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.UUID;

public class FirstCall {
    public static void main(String[] args) throws Exception {
        String message = """
            {
              "topic": "TOPIC",
              "title": "测试消息",
              "body": "这是一条**测试消息**。",
              READER
            }
            """;
        HttpRequest request = HttpRequest.newBuilder(URI.create("URL/api/v1/messages"))
            .header("Authorization", "Bearer " + System.getenv("BELLTOWER_KEY"))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", UUID.randomUUID().toString())
            .POST(HttpRequest.BodyPublishers.ofString(message))
            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString());
        // On an error status the body says what to change.
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_name_this_installation_the_sources_topic_and_somebody_it_may_write_to() {
        let channels = [ChannelKind::Sms, ChannelKind::Email];
        let direct = Reader::of(&[Right::SendDirect], &channels);
        assert_eq!(direct, Reader::Nobody(ChannelKind::Sms));
        assert_eq!(Reader::of(&[Right::Emergency], &channels), Reader::Oneself);
        for reader in [direct, Reader::Oneself] {
            for sample in Sample::all("https://bell.example.edu.cn", "library.new-books", reader) {
                let code = sample.code;
                for part in
                    ["https://bell.example.edu.cn/api/v1/messages", r#""library.new-books""#, reader.fields()]
                {
                    assert!(code.contains(part), "{part} in {code}");
                }
                assert!(!code.contains("bt_live_"), "no key in a sample: {code}");
            }
        }
    }
}
