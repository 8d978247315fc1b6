//! A stream of server-sent events that is being read.

use reqwest::header::HeaderValue;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

pub(crate) struct Reader {
    response: Response,
    text: String,
}

/// An event as it came.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Reader {
    /// Opens a stream. `last`: the id of the event that was seen last.
    pub(crate) async fn open(mut request: RequestBuilder, last: Option<&str>) -> Self {
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let kind = response.headers().get("content-type").cloned();
        assert_eq!(kind, Some(HeaderValue::from_static("text/event-stream")));
        let mut reader = Self { response, text: String::new() };
        // It is open once its first words are there.
        assert!(reader.block().await.unwrap().starts_with("retry: "));
        reader
    }

    /// What stands before the next empty line; nothing where the stream is over.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = self.response.chunk().await.unwrap()?;
            self.text.push_str(str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event, past comments.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            let block = self.block().await.unwrap();
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
            };
            if let (Some(id), Some(kind), Some(data)) = (field("id:"), field("event:"), field("data:")) {
                return Event { id, kind, data: serde_json::from_str(&data).unwrap() };
            }
        }
    }
}
