//! The account itself, spoken to as its owner and its followers would.

mod browsers;
mod events;
mod sending;
mod tokens;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::simulator::http::call;
use crate::simulator::wechat::customer::Hands;

const LINA: &str = "oLina-00000000000000000001";
const NEWS: &str = "simulated-template-of-news-and-alerts-00001";
const COURSE: &str = "simulated-template-of-a-changed-course-0001";
const RESULTS: &str = "simulated-subscription-of-exam-results-0001";

/// An account whose clock a test turns.
struct House {
    account: OfficialAccountSimulator,
    hands: Hands,
}

impl House {
    async fn new(faults: OfficialAccountFaults) -> Self {
        Self::with(OfficialAccountOptions { faults, ..OfficialAccountOptions::default() }).await
    }

    async fn with(options: OfficialAccountOptions) -> Self {
        let hands = Hands::new();
        let options = OfficialAccountOptions { clock: hands.clock(), ..options };
        Self { account: OfficialAccountSimulator::start(options).await.unwrap(), hands }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://{}{path}", self.account.addr()).parse().unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, said) = call(method, &url, "application/json", body.as_bytes()).await.unwrap();
        assert_eq!(status, 200, "errors come with 200, too");
        serde_json::from_slice(&said).unwrap()
    }

    /// All that comes back, the head as well.
    async fn open(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(self.account.addr()).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    async fn stable(&self, force: bool) -> Value {
        let body = json!({
            "grant_type": "client_credential", "appid": "wxsimulator", "secret": "simulator-secret",
            "force_refresh": force,
        });
        self.ask("POST", "/cgi-bin/stable_token", &body).await
    }

    async fn token(&self) -> String {
        text(&self.stable(false).await["access_token"])
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let token = self.token().await;
        self.ask("POST", &format!("{path}?access_token={token}"), body).await
    }

    async fn send(&self, body: &Value) -> Value {
        self.post("/cgi-bin/message/template/send", body).await
    }

    async fn bizsend(&self, body: &Value) -> Value {
        self.post("/cgi-bin/message/subscribe/bizsend", body).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// News, with these changes.
fn news(openid: &str, changes: &Value) -> Value {
    let mut body = json!({
        "touser": openid, "template_id": NEWS,
        "data": { "thing1": { "value": "考试安排" }, "thing2": { "value": "第 3 周" } },
    });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

fn results(openid: &str) -> Value {
    let data = json!({ "thing1": { "value": "高数" }, "phrase2": { "value": "已发布" }, "thing3": { "value": "-" } });
    json!({ "touser": openid, "template_id": RESULTS, "data": data })
}
