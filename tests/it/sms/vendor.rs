//! A vendor whose answers a test writes itself, and a server that sends by it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

use super::*;
use crate::support::app::{Answer, TestApp};

/// What was asked of the vendor.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// Behind the `?`, decoded.
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn field(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the vendor says.
pub(super) enum Says {
    So(u16, Value),
    /// The same, but only once it is let.
    Later(Arc<Notify>, u16, Value),
    /// It hangs up without an answer.
    Nothing,
}

pub(super) fn so((status, body): (u16, Value)) -> Says {
    Says::So(status, body)
}

type Answers = Box<dyn Fn(&Asked) -> Says + Send + Sync>;

#[derive(Clone)]
pub(super) struct Vendor {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<Answers>>,
    given_up: Arc<AtomicUsize>,
}

impl Vendor {
    pub(super) async fn new(answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            answers: Arc::new(Mutex::new(Box::new(answers))),
            given_up: Arc::default(),
        };
        let here = vendor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(here.clone().answer(stream));
            }
        });
        vendor
    }

    /// Answers so from now on.
    pub(super) fn answers(&self, answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Box::new(answers);
    }

    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// Waits until it was asked so often since the last time that somebody looked.
    pub(super) async fn wait_for(&self, asked: usize) {
        while self.asked.lock().unwrap().len() < asked {
            tokio::task::yield_now().await;
        }
    }

    /// How many did not wait for an answer that comes later.
    pub(super) fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }

    async fn answer(self, mut stream: TcpStream) {
        let asked = read(&mut stream).await;
        let said = (self.answers.lock().unwrap())(&asked);
        self.asked.lock().unwrap().push(asked);
        let said = match said {
            Says::So(status, body) => Some((status, body)),
            Says::Later(go, status, body) => tokio::select! {
                () = go.notified() => Some((status, body)),
                _ = stream.read_u8() => {
                    self.given_up.fetch_add(1, Ordering::SeqCst);
                    None
                }
            },
            Says::Nothing => None,
        };
        if let Some((status, body)) = said {
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    }
}

async fn read(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "half a request");
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "half a body");
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    Asked {
        headers,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: serde_json::from_slice(&bytes[head + 4..]).unwrap_or_default(),
    }
}

/// A server that sends by a vendor.
pub(super) struct Campus {
    pub(super) app: TestApp,
    pub(super) callback: Url,
}

impl Campus {
    pub(super) async fn new(app: TestApp, kind: ProviderKind, settings: &Value) -> Self {
        let provider = app.provider("短信", kind, settings.clone()).await;
        let callback = app.callback(&provider);
        Self { app, callback }
    }

    /// Sends a message to numbers ending in these.
    pub(super) async fn send(&self, ends: &[u32]) -> String {
        let to: Vec<_> = ends.iter().map(|n| json!({"mobile": format!("138{n:08}")})).collect();
        let body = json!({"topic": "academic.exam", "title": "考试", "body": "改在教三", "to": to, "channels": ["sms"]});
        let id = self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
        self.app.drain().await;
        id
    }

    /// Each delivery of a message: state and reason, by the end of its number.
    pub(super) async fn states(&self, message: &str) -> BTreeMap<String, (String, Option<String>)> {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let deliveries = page["data"].as_array().unwrap().iter();
        deliveries
            .map(|delivery| {
                let address = text(&delivery["address"]).unwrap();
                let end = address[address.len() - 4..].to_owned();
                (end, (text(&delivery["state"]).unwrap(), text(&delivery["reason"])))
            })
            .collect()
    }

    pub(super) async fn state(&self, message: &str) -> (String, Option<String>) {
        self.states(message).await.into_values().next().unwrap()
    }

    /// What the vendor tells now, as it is; returns what it is answered.
    pub(super) async fn tell(&self, told: &Value) -> Value {
        let answer = Answer::of(self.app.client.post(self.callback.clone()).json(told)).await;
        let body = answer.expect(200);
        self.app.drain().await;
        body
    }
}

/// An account at a cloud whose answers a test writes, and an adapter that sends by it.
pub(super) struct Account {
    pub(super) vendor: Vendor,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) clock: Clock,
}

impl Account {
    pub(super) async fn over(
        kind: ProviderKind,
        settings: impl Fn(&Vendor) -> Value,
        answers: impl Fn(&Asked) -> Says + Send + Sync + 'static,
    ) -> Self {
        let vendor = Vendor::new(answers).await;
        let clock = Clock::manual(START);
        let channel = adapter(kind, &settings(&vendor), &clock);
        Self { vendor, channel, clock }
    }

    pub(super) async fn send(&self, parcel: Parcel) -> Outcome {
        self.channel.send(&[parcel]).await.remove(0)
    }
}

/// What a vendor's codes mean.
pub(super) type Table = [(OutcomeClass, &'static [&'static str]); 5];

/// What follows from each class, by way of the whole server. `says`: what the vendor says with a code, which is `taken` once.
pub(super) async fn what_follows(
    kind: ProviderKind,
    settings: impl Fn(&Vendor) -> Value,
    table: &Table,
    taken: &'static str,
    says: impl Fn(&Asked, &'static str) -> Says + Copy + Send + Sync + 'static,
) {
    let mut cases: Vec<_> = table.iter().map(|(class, codes)| (*class, codes[0])).collect();
    cases.push((OutcomeClass::Accepted, taken));
    cases.push((OutcomeClass::Unknown, "none"));
    for (class, code) in cases {
        let answer = move |asked: &Asked| if code == "none" { Says::Nothing } else { says(asked, code) };
        let vendor = Vendor::new(answer).await;
        let campus = Campus::new(TestApp::start().await, kind, &settings(&vendor)).await;
        let id = campus.send(&[1]).await;
        let (state, reason) = campus.state(&id).await;
        assert_eq!((state.as_str(), reason.as_deref()), follows(class), "{code}");
    }
}

/// Each code of a table means what it says there, of a call that `says` answers with it.
pub(super) async fn means(
    account: &Account,
    table: &Table,
    says: impl Fn(&Asked, &'static str) -> Says + Copy + Send + Sync + 'static,
) {
    for (class, codes) in table {
        for code in *codes {
            account.vendor.answers(move |asked| says(asked, code));
            let outcome = account.send(parcel(1, "+8613800000001")).await;
            assert_eq!((outcome.class, outcome.code.as_deref()), (*class, Some(*code)));
            assert!(!outcome.unlisted && outcome.reference.is_none(), "{code}");
        }
    }
}

/// What becomes of a delivery after its first attempt.
fn follows(class: OutcomeClass) -> (&'static str, Option<&'static str>) {
    match class {
        OutcomeClass::Accepted => ("sent", None),
        OutcomeClass::PermanentRecipient => ("failed", Some("permanent_recipient")),
        OutcomeClass::PermanentMessage => ("failed", Some("permanent_message")),
        OutcomeClass::Transient => ("pending", Some("retrying")),
        OutcomeClass::Throttled => ("pending", Some("throttled")),
        OutcomeClass::Config => ("pending", Some("provider_misconfigured")),
        OutcomeClass::Unknown => ("unknown", Some("no_answer")),
    }
}
