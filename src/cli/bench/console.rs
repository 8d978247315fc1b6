//! How long the console takes to answer with a campus's history behind it, as [`super::stored`] makes it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::json;

use super::Bench;
use super::bed::{self, Bed, CALLER, Served};
use super::report::{Aim, Figure};
use super::stored;
use crate::domain::channel::ChannelKind;
use crate::domain::grant::Grant;
use crate::domain::id::MessageId;
use crate::domain::operator::Role;
use crate::domain::provider::ProviderKind;
use crate::service::operators::{self, NewOperator};
use crate::service::{Services, sources};

const BENCH: &str = "console";
/// The aim is for this many people, with ten deliveries each.
const PEOPLE: u64 = 100_000;
/// Times each page is asked for.
const TIMES: usize = 40;
const EMAIL: &str = "bench@bell.example";
const PASSWORD: &str = "only for as long as it is measured";

/// Pages as they are called in the report: the median, and what 95 in 100 stay within.
pub(super) const PAGES: [(&str, &str); 8] = [
    ("overview", "overview, 95 %"),
    ("messages", "messages, 95 %"),
    ("messages searched", "messages searched, 95 %"),
    ("message", "message, 95 %"),
    ("person", "person, 95 %"),
    ("people searched", "people searched, 95 %"),
    ("attention", "attention, 95 %"),
    ("attention, one kind", "attention, one kind, 95 %"),
];

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    let key = sources::authenticate(&s, &key).await?;
    bed::provider(&s, ChannelKind::Email, ProviderKind::Sandbox, json!({}), None).await?;
    bed::people(&s, people).await?;
    let message = stored::seed(&s, &key, people).await?;
    enrol(&s, bench.limited).await?;
    let served = Served::start(app).await?;
    let mut figures = Vec::new();
    for ((median, slow), times) in PAGES.into_iter().zip(pages(&served, message).await?) {
        let within = Figure::new(BENCH, slow, times.within(0.95), "ms");
        figures.push(Figure::new(BENCH, median, times.within(0.5), "ms"));
        figures.push(if people == PEOPLE { within.aim(Aim::AtMost(50.0)) } else { within });
    }
    served.stop().await?;
    bed.remove().await?;
    Ok(figures)
}

/// Somebody who may look at the pages; `limited`: at what two departments have.
pub(super) async fn enrol(s: &Services, limited: bool) -> anyhow::Result<()> {
    let mut grant = Grant::from(Role::Owner);
    if limited {
        grant.departments = [bed::DEPARTMENT, bed::COLLEGE].map(str::to_owned).into();
    }
    let new = NewOperator {
        email: EMAIL.to_owned(),
        name: "bench".to_owned(),
        grants: vec![grant],
        password: Some(PASSWORD.to_owned()),
    };
    operators::create(s, &CALLER, new).await?.done()?;
    Ok(())
}

/// How long a page took, each time, sorted.
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// What this share of them (0..=1) took at most, in milliseconds.
    pub(super) fn within(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1_000.0
    }
}

/// Asks for each of [`PAGES`], one after the other, as the one who was enrolled.
pub(super) async fn pages(served: &Served, message: MessageId) -> anyhow::Result<Vec<Times>> {
    let mut visitor = Visitor::new(&format!("http://{}", served.address))?;
    visitor.sign_in().await?;
    let found = visitor.page("/console/people?q=p0000000").await?;
    let person = link(&found, "/console/people/rcp_").context("nobody was found")?;
    let listed = visitor.page("/console/attention").await?;
    let kind = link(&listed, "/console/attention/group?").unwrap_or_else(|| "/console/attention".to_owned());
    let paths = [
        "/console".to_owned(),
        "/console/messages".to_owned(),
        "/console/messages?q=%E6%97%A0%E6%AD%A4%E6%B6%88%E6%81%AF".to_owned(),
        format!("/console/messages/{message}"),
        person,
        "/console/people?q=%E5%AD%A6%E7%94%9F12".to_owned(),
        "/console/attention".to_owned(),
        kind,
    ];
    let mut all = Vec::with_capacity(paths.len());
    for path in &paths {
        all.push(Times(visitor.measure(path).await.with_context(|| path.clone())?));
    }
    Ok(all)
}

/// The first address on a page that begins so.
fn link(page: &str, begin: &str) -> Option<String> {
    let at = page.find(&format!("href=\"{begin}"))? + "href=\"".len();
    let address = page[at..].split('"').next()?;
    Some(address.replace("&#38;", "&").replace("&amp;", "&"))
}

/// A browser of sorts: it keeps one cookie for each name.
pub(super) struct Visitor {
    client: Client,
    url: String,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, url: url.to_owned(), cookies: Vec::new() })
    }

    /// As the one who was [enrolled](enrol).
    pub(super) async fn sign_in(&mut self) -> anyhow::Result<()> {
        let page = self.page("/sign-in").await?;
        let form = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [("csrf", form.context("no form")?), ("email", EMAIL), ("password", PASSWORD)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .client
            .post(format!("{}/sign-in", self.url))
            .header(COOKIE, self.cookie())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let answer = request.send().await?;
        self.keep(&answer);
        let inside = answer.headers().get(LOCATION).is_some_and(|to| to.as_bytes() == b"/console");
        anyhow::ensure!(inside, "the sign-in was refused: {}", answer.status());
        Ok(())
    }

    fn cookie(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, answer: &Response) {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.retain(|(kept, _)| kept != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub(super) async fn page(&mut self, path: &str) -> anyhow::Result<String> {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, self.cookie());
        let answer = request.send().await?;
        self.keep(&answer);
        anyhow::ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        Ok(answer.text().await?)
    }

    /// How long the page takes, sorted; the first times fill caches and do not count.
    async fn measure(&mut self, path: &str) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(TIMES);
        for time in 0..TIMES + 3 {
            let began = Instant::now();
            self.page(path).await?;
            if time >= 3 {
                times.push(began.elapsed());
            }
        }
        times.sort_unstable();
        Ok(times)
    }
}
