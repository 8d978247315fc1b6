//! A source's first call, to copy from its page and run as it stands.

use super::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::id::KeyId;
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

/// What the comments of samples say, in the language of whoever copies them.
#[derive(Clone, Debug)]
pub struct Words {
    /// Which key belongs into the environment.
    pub key: String,
    pub refused: String,
}

impl Words {
    /// `own`: as much of the key as may be shown, and its id; none where the source has none that works.
    pub fn of(view: &View, own: Option<(String, KeyId)>) -> Self {
        let key = match own {
            Some((masked, id)) => view.t2("sample-key", "key", masked, "id", id),
            None => view.t("sample-no-key"),
        };
        Self { key, refused: view.t("sample-refused") }
    }
}

impl Sample {
    /// The smallest useful call in curl, Python and Java. The key stays a variable of the environment, so that nobody
    /// pastes one into a program. `url` is where people reach this installation, without a slash at its end.
    pub fn all(url: &str, topic: &str, reader: Reader, words: &Words) -> Vec<Self> {
        let fill = |code: &str| {
            code.trim_start()
                .replace("WHICH-KEY", &words.key)
                .replace("IF-REFUSED", &words.refused)
                .replace("URL", url)
                .replace("TOPIC", topic)
                .replace("READER", reader.fields())
        };
        vec![
            Self { language: "curl", code: fill(CURL) },
            Self { language: "Python", code: fill(PYTHON) },
            Self { language: "Java", code: fill(JAVA) },
        ]
    }
}

const CURL: &str = r#"
# WHICH-KEY
curl URL/api/v1/messages \
  -H "Authorization: Bearer $BELLTOWER_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: first-call-$(date +%s)-$$" \
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
# WHICH-KEY
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
    # IF-REFUSED
    sys.exit(f"{error.code} {error.read().decode()}")
"#;

const JAVA: &str = r#"
// FirstCall.java, Java 17+: java FirstCall.java
// WHICH-KEY
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
        // IF-REFUSED
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
            let words = Words { key: "the key bt_live_…4c9c".to_owned(), refused: "why".to_owned() };
            for sample in Sample::all("https://bell.example.edu.cn", "library.new-books", reader, &words) {
                let code = sample.code;
                for part in [
                    "https://bell.example.edu.cn/api/v1/messages",
                    r#""library.new-books""#,
                    reader.fields(),
                    &words.key,
                ] {
                    assert!(code.contains(part), "{part} in {code}");
                }
            }
        }
    }
}
