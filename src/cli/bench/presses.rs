//! What is waited for over HTTP: the answer to a press with a live key, and the page that says whom a press would reach.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::bed::{self, Served};
use super::console::{self, Visitor};
use super::emergency::{PLACE, officer};
use crate::domain::audience::Audience;
use crate::domain::id::BroadcastId;
use crate::domain::source::Right;
use crate::service::scenarios::{self, Proposal};
use crate::service::{Services, broadcasts};

/// Presses in a row, and looks at the page.
const TIMES: usize = 20;
/// Where it is pressed, one place after the other.
const PLACES: [&str; 5] = ["图书馆", "第一教学楼", "第二教学楼", "实验楼", "食堂"];
/// A scenario that a key starts without a second person, unless it is for everybody.
const LESSER: &str = "missing-person";
/// Whom it is for, here.
const FEW: u64 = 5;

/// The slowest answers to presses.
pub(super) struct Answered {
    /// To live ones, for a few people.
    pub(super) live: Duration,
    /// To drills of a scenario that is for everybody.
    pub(super) drill: Duration,
}

/// Presses with a live key, over a connection that stays open. There are so many people; each broadcast is stopped once its
/// press is answered.
pub(super) async fn answered(s: &Services, served: &Served, people: u64) -> anyhow::Result<Answered> {
    narrow(s, people.min(FEW)).await?;
    let presser = Presser {
        s,
        client: Client::builder().no_proxy().build()?,
        url: format!("http://{}/api/v1/broadcasts", served.address),
        key: bed::source_with(s, &[Right::Broadcast]).await?,
    };
    let lesser = |place: &str| {
        let params = json!({"who": "学生", "place": place});
        json!({"scenario": LESSER, "params": params})
    };
    let fire = |place: &str| {
        let params = json!({"place": place, "meeting_point": "操场"});
        json!({"scenario": "fire", "params": params, "drill": true})
    };
    let live = presser.slowest(lesser).await.context("pressing")?;
    let drill = presser.slowest(fire).await.context("pressing a drill")?;
    Ok(Answered { live, drill })
}

struct Presser<'a> {
    s: &'a Services,
    client: Client,
    url: String,
    key: String,
}

impl Presser<'_> {
    async fn slowest(&self, body: impl Fn(&str) -> Value) -> anyhow::Result<Duration> {
        let mut slowest = Duration::ZERO;
        for place in PLACES.into_iter().cycle().take(TIMES) {
            let request = self
                .client
                .post(&self.url)
                .bearer_auth(&self.key)
                .header(CONTENT_TYPE, "application/json")
                .body(body(place).to_string());
            let began = Instant::now();
            let answer = request.send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            slowest = slowest.max(began.elapsed());
            anyhow::ensure!(status == StatusCode::ACCEPTED, "it was answered {status}: {text}");
            let pressed: Value = serde_json::from_str(&text)?;
            let is_new = pressed["status"] == "live" && pressed["attached_to"].is_null();
            anyhow::ensure!(is_new, "it does not go out: {text}");
            let id: BroadcastId = pressed["id"].as_str().unwrap_or_default().parse()?;
            broadcasts::stop(self.s, &officer(1), None, id, "").await?;
        }
        Ok(slowest)
    }
}

/// Has the lesser scenario be for a few people: one officer writes it so, and another one agrees.
async fn narrow(s: &Services, people: u64) -> anyhow::Result<()> {
    let row = scenarios::get(s, &officer(1), LESSER).await?;
    let mut few = row.document.0;
    few.audience = Audience { recipients: (0..people).map(bed::campus_id).collect(), ..Audience::default() };
    let proposal =
        Proposal { slug: LESSER, based_on: row.version, seen: None, document: Some(&few), reason: "" };
    scenarios::propose(s, &officer(1), &proposal).await?;
    let change =
        scenarios::change_of(s, &officer(2), LESSER).await?.context("there is nothing to agree to")?;
    scenarios::approve(s, &officer(2), LESSER, change.version).await?;
    Ok(())
}

/// The slowest answer to whoever looks at whom a press would reach, which is so many people, in the console.
pub(super) async fn page(s: &Services, served: &Served, people: u64) -> anyhow::Result<Duration> {
    console::enrol(s, false).await?;
    let mut visitor = Visitor::new(&format!("http://{}", served.address))?;
    visitor.sign_in().await?;
    let chosen = [("at_place", PLACE), ("at_meeting_point", "操场")];
    let chosen = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(chosen).finish();
    let path = format!("/console/emergency/press/fire?{chosen}");
    let mut slowest = Duration::ZERO;
    for _ in 0..TIMES {
        let began = Instant::now();
        let page = visitor.page(&path).await?;
        slowest = slowest.max(began.elapsed());
        let counted = head_count(&page).context("the page counts nobody")?;
        anyhow::ensure!(counted == people, "{counted} of {people} people were counted");
    }
    Ok(slowest)
}

/// All people of a press, as its page says.
fn head_count(page: &str) -> Option<u64> {
    let counts = page.split("class=\"readings heads\"").nth(1)?;
    let total = counts.split("<dd>").nth(1)?.split("</dd>").next()?;
    total.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_count_of_a_page_is_of_all_people() {
        let page =
            "<dl class=\"readings heads\">\n<dt>总人数</dt><dd>100,000</dd><dt>短信</dt><dd>99,000</dd></dl>";
        assert_eq!(head_count(page), Some(100_000));
        assert_eq!(head_count("<dl class=\"readings\"><dd>7</dd></dl>"), None);
    }
}
