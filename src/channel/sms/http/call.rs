//! One call of a gateway: the request as its settings describe it, and what is known after it.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Client, Request, Response};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::LONGEST_WAIT;
use super::answer::{Reply, Verdict, by_status};
use super::body::Written;
use super::charset::question_mark;
use super::settings::{self, Settings};
use super::template::{Missing, Secrets, Values};
use crate::channel::sms::encode::percent;
use crate::channel::{self, Callback, Outcome, Record, Sent, closed, http};
use crate::clock::Clock;
use crate::domain::audience::Params;
use crate::domain::delivery::{OutcomeClass as Class, State};
use crate::error::Fault;

/// More of an answer is not read.
const MAX_ANSWER: usize = 64 * 1024;

pub(super) struct Caller {
    pub(super) settings: Settings,
    client: Client,
    clock: Clock,
}

/// What one call is to say.
pub(super) struct Letter<'l> {
    /// Ours of the call.
    pub(super) id: String,
    /// With the sign.
    pub(super) text: &'l str,
    /// In E.164.
    pub(super) numbers: Vec<&'l str>,
    pub(super) params: &'l Params,
}

impl Caller {
    pub(super) fn new(settings: Settings, clock: Clock) -> Result<Self, Vec<Fault>> {
        let client =
            http::client(&settings.tls, &settings.request.host, settings.timeout).map_err(|error| {
                let detail = format!("no such calls can be made: {}", http::in_words(error));
                vec![Fault::new("/request/url", "unusable", detail)]
            })?;
        Ok(Self { settings, client, clock })
    }

    /// Makes the call. The verdict is the gateway's; an outcome says why there is none.
    pub(super) async fn call(&self, letter: &Letter<'_>) -> Result<Verdict, Outcome> {
        let request =
            self.request(&self.settings.request, letter, &self.settings.secrets).map_err(Unfit::outcome)?;
        let answered = async {
            let response = self.client.execute(request).await?;
            let status = response.status();
            match self.reply(response).await {
                Ok(reply) => Ok(reply),
                // What it would have said is lost, but not what its status says.
                Err(_) if by_status(status).is_some() => {
                    Ok(Reply { status, retry_after: None, content_type: None, body: Vec::new() })
                }
                Err(error) => Err(error),
            }
        };
        match answered.await {
            Ok(reply) => {
                let mut verdict =
                    self.settings.answer.judge(&reply, self.settings.request.charset, &self.settings.secrets);
                // Where the gateway has no id of its own, receipts can only carry ours.
                verdict.reference.get_or_insert_with(|| letter.id.clone());
                Ok(verdict)
            }
            Err(error) => {
                let class = class(&error);
                let reference = (class == Class::Unknown).then(|| letter.id.clone());
                Err(Outcome { reference, ..Outcome::new(class).detail(http::in_words(error)) })
            }
        }
    }

    async fn reply(&self, mut response: Response) -> reqwest::Result<Reply> {
        let status = response.status();
        let headers = response.headers();
        let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let retry_after = http::retry_after(headers, self.clock.now()).map(|wait| wait.min(LONGEST_WAIT));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_ANSWER - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok(Reply { status, retry_after, content_type, body })
    }

    fn request(
        &self,
        of: &settings::Request,
        letter: &Letter<'_>,
        secrets: &Secrets,
    ) -> Result<Request, Unfit> {
        let settings = &self.settings;
        let recipients = &settings.recipients;
        let numbers: Vec<String> =
            letter.numbers.iter().map(|number| recipients.format.write(number)).collect();
        let mut values = Values {
            to: numbers.join(&recipients.separator),
            text: letter.text,
            sign: &settings.sign,
            id: &letter.id,
            timestamp: (self.clock.now().millis() / 1_000).to_string(),
            nonce: format!("{:032x}", rand::random::<u128>()),
            signature: String::new(),
            params: letter.params,
            secrets,
        };
        if let Some(signature) = &settings.signature {
            values.signature = signature.sign(&values, of.charset)?;
        }
        let charset = of.charset;
        let address = of.url.fill(&values, |value, _| percent(&charset.encode(value, question_mark)))?;
        let mut url = Url::parse(&address).map_err(|error| Unfit::Address(error.to_string()))?;
        let mut headers = HeaderMap::new();
        let body = match of.body.write(&values, &numbers, charset)? {
            Written::Query(fields) => {
                let before = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
                url.set_query(Some(&format!("{}{fields}", before.unwrap_or_default())));
                None
            }
            Written::Body(media_type, bytes) => {
                let media_type = HeaderValue::from_str(&media_type)
                    .map_err(|_| Unfit::Header(CONTENT_TYPE.to_string()))?;
                headers.insert(CONTENT_TYPE, media_type);
                Some(bytes)
            }
        };
        if let Some((name, password)) = &of.basic {
            let pair = format!("{}:{}", name.fill_plain(&values)?, password.fill_plain(&values)?);
            let value = format!("Basic {}", STANDARD.encode(charset.encode(&pair, question_mark)));
            headers.insert(
                AUTHORIZATION,
                value.try_into().map_err(|_| Unfit::Header("Authorization".to_owned()))?,
            );
        }
        for (name, value) in &of.headers {
            // A value can end no line and begin no other header.
            let value =
                value.fill(&values, |value, _| value.chars().filter(|c| !c.is_control()).collect())?;
            let value =
                HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Unfit::Header(name.to_string()))?;
            headers.insert(name.clone(), value);
        }
        let mut request = Request::new(of.method.clone(), url);
        *request.headers_mut() = headers;
        *request.body_mut() = body.map(Into::into);
        Ok(request)
    }

    /// The call as it would be made, with names for secrets.
    pub(super) fn render(&self, letter: &Letter<'_>) -> Result<String, Outcome> {
        let named = |name: &String| (name.clone(), format!("{{secret.{name}}}").into());
        let secrets: Secrets = self.settings.secrets.keys().map(named).collect();
        let of = &self.settings.request;
        let request = self.request(of, letter, &secrets).map_err(Unfit::outcome)?;
        let mut text = format!("{} {}\n", request.method(), request.url());
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\n", of.charset.decode(value.as_bytes(), None)));
        }
        if let Some(body) = request.body().and_then(Body::as_bytes) {
            text.push_str(&format!("\n{}\n", of.charset.decode(body, None)));
        }
        Ok(text)
    }

    /// Asks what became of a text. `None`: nothing is known yet, or nobody answered.
    pub(super) async fn poll(&self, sent: &Sent) -> Option<channel::Verdict> {
        let poll = self.settings.poll.as_ref()?;
        let id = sent.reference.clone()?;
        let (numbers, params) = (vec![sent.address.as_str()], Params::default());
        let letter = Letter { id: id.clone(), text: "", numbers, params: &params };
        let request = self.request(&poll.request, &letter, &self.settings.secrets).ok()?;
        let reply = self.reply(self.client.execute(request).await.ok()?).await.ok()?;
        if !reply.status.is_success() {
            return None;
        }
        let answer = Callback {
            is_post: true,
            query: String::new(),
            content_type: reply.content_type,
            body: reply.body,
        };
        let told = poll.shape.read(&answer, poll.request.charset);
        let is_it = |record: &Record| {
            record.reference == id && record.address.as_ref().is_none_or(|number| *number == sent.address)
        };
        let mut records: Vec<_> = told.records.into_iter().filter(is_it).collect();
        let place = records.iter().position(|record| record.state != State::Sent).unwrap_or(0);
        let record = (place < records.len()).then(|| records.swap_remove(place))?;
        Some(channel::Verdict { state: record.state, code: record.code, detail: record.detail })
    }

    /// Whether somebody is there, and who they say they are.
    pub(super) async fn reach(&self) -> Result<String, String> {
        let reaching = self.connect();
        match tokio::time::timeout(self.settings.timeout, reaching).await {
            Ok(reached) => reached,
            Err(_) => Err(format!("no answer within {} s", self.settings.timeout.as_secs_f64())),
        }
    }

    async fn connect(&self) -> Result<String, String> {
        let url = &self.settings.request.host;
        let (host, port) = (url.host(), url.port_or_known_default().unwrap_or(443));
        let (name, literal) = match host {
            Some(Host::Domain(name)) => (name.to_owned(), None),
            Some(Host::Ipv4(ip)) => (ip.to_string(), Some(SocketAddr::from((ip, port)))),
            Some(Host::Ipv6(ip)) => (ip.to_string(), Some(SocketAddr::from((ip, port)))),
            None => return Err("the address has no host".to_owned()),
        };
        let stream = match literal {
            Some(address) => TcpStream::connect(address).await,
            None => closed::connect(&name, port).await,
        };
        let stream = stream.map_err(|error| format!("{name}:{port} cannot be reached: {error}"))?;
        let peer = stream.peer_addr().map_err(|error| error.to_string())?;
        if url.scheme() == "http" {
            return Ok(format!("{peer} takes connections; nothing was sent"));
        }
        let server = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::clone(&self.settings.tls));
        connector
            .connect(server, stream)
            .await
            .map_err(|error| format!("TLS with {peer} failed: {error}"))?;
        Ok(format!("{peer} takes connections and is {name} by its certificate; nothing was sent"))
    }
}

/// Why a call cannot be made.
#[derive(Debug)]
pub(super) enum Unfit {
    Variable(String),
    Address(String),
    Header(String),
}

impl From<Missing> for Unfit {
    fn from(Missing(name): Missing) -> Self {
        Self::Variable(name)
    }
}

impl Unfit {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Variable(name) => Outcome::new(Class::PermanentMessage)
                .code("belltower.variable")
                .detail(format!("the gateway needs the variable `{name}`, and the message has none")),
            Self::Address(reason) => Outcome::new(Class::Config)
                .code("belltower.url")
                .detail(format!("request.url makes no address: {reason}")),
            Self::Header(name) => Outcome::new(Class::Config)
                .code("belltower.header")
                .detail(format!("the header {name} cannot have this value")),
        }
    }
}

/// Before a connection stands nothing has left us; after it, who knows.
fn class(error: &reqwest::Error) -> Class {
    if error.is_connect() {
        return if http::is_lasting(error) { Class::Config } else { Class::Transient };
    }
    if error.is_builder() { Class::Config } else { Class::Unknown }
}
