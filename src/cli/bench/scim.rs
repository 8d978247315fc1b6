//! How many people a second an identity system gets into the directory by SCIM: one by one and over a few connections, as they
//! do, each looked for before they are created; then one in ten is changed, and one in ten leaves, and everybody is listed.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Bench;
use super::bed::{self, Bed, CALLER, Served};
use super::ingest::measure;
use super::load::{Plan, Tally, Until};
use super::report::Figure;
use super::request::{NUMBER, Request, Requests};
use crate::domain::id::RecipientId;
use crate::domain::scim::filter::Filter;
use crate::domain::scim::question::{self, Condition};
use crate::domain::scim::{ENTERPRISE, USER};
use crate::domain::source::Right;
use crate::service::Services;
use crate::service::scim::{Asked, MOST_LISTED, Part, users};

const BENCH: &str = "scim";
const PATH: &str = "/scim/v2/Users";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Identity systems have few connections.
const CONNECTIONS: usize = 4;
/// People who are looked for before they are created, at a time.
const ROUND: u64 = 1_000;
/// One in so many is changed, and one in so many leaves.
const SHARE: u64 = 10;
/// Where those belong who are changed.
const COLLEGE: &str = "园艺学院";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let bed = Bed::make(bench).await?;
    let app = bed.app("web").await?;
    let s = app.services().clone();
    let key = bed::source_with(&s, &[Right::Directory]).await?;
    let served = Served::start(app).await?;
    let connections = bench.sizes.connections.min(CONNECTIONS);
    let system = IdentitySystem { address: served.address, key, connections };

    let people = bench.sizes.count;
    let share = people.div_ceil(SHARE);
    let (looked_for, created) = system.create(people).await.context("creating people")?;
    let known = ids(&s, share * 2).await?;
    let (changing, leaving) = (&known[..share as usize], &known[known.len() - share as usize..]);
    let department = change(&format!("{ENTERPRISE}:department"), &json!(COLLEGE));
    let changed = system.patch(changing, &department).await.context("changing people")?;
    let left =
        system.patch(leaving, &change("active", &json!(false))).await.context("deactivating people")?;
    let listed = system.list(people).await.context("listing people")?;
    // Before the store is closed.
    compare(&s, people, share).await?;
    served.stop().await?;
    bed.remove().await?;

    let millis = |tally: &Tally| tally.quantile(0.99).as_secs_f64() * 1_000.0;
    Ok(vec![
        Figure::new(BENCH, "people looked for", looked_for.per_second(), "/s"),
        Figure::new(BENCH, "  looked for, 99 %", millis(&looked_for), "ms"),
        Figure::new(BENCH, "people created", created.per_second(), "/s"),
        Figure::new(BENCH, "  created, 99 %", millis(&created), "ms"),
        Figure::new(BENCH, "people changed", changed.per_second(), "/s"),
        Figure::new(BENCH, "  changed, 99 %", millis(&changed), "ms"),
        Figure::new(BENCH, "people deactivated", left.per_second(), "/s"),
        Figure::new(BENCH, "  deactivated, 99 %", millis(&left), "ms"),
        Figure::new(BENCH, "people listed", people as f64 / listed.took.as_secs_f64(), "/s"),
        Figure::new(BENCH, "  a page of them, 99 %", millis(&listed), "ms"),
    ])
}

struct IdentitySystem {
    address: SocketAddr,
    key: String,
    connections: usize,
}

impl IdentitySystem {
    /// Looks for people, who are not there, and creates them; as Entra ID does, but for so many at a time. What came of either.
    async fn create(&self, people: u64) -> anyhow::Result<(Tally, Tally)> {
        let filter = format!("{PATH}?filter=userName%20eq%20%22p{NUMBER}%22");
        let look = Request::get(self.address, &filter, &self.key);
        let create = Request::post(self.address, PATH, &self.key, somebody().to_string().as_bytes());
        let (mut looked_for, mut created) = (Tally::default(), Tally::default());
        let mut from = 0;
        while from < people {
            let to = people.min(from + ROUND);
            looked_for.append(self.ask(look.each(from..to), to - from, 200).await?);
            created.append(self.ask(create.each(from..to), to - from, 201).await?);
            from = to;
        }
        Ok((looked_for, created))
    }

    /// Goes through everybody, page after page.
    async fn list(&self, people: u64) -> anyhow::Result<Tally> {
        let page = u64::from(MOST_LISTED);
        let pages = people.div_ceil(page);
        let one = |n: u64| {
            let path = format!("{PATH}?startIndex={}&count={page}", n * page + 1);
            Request::get(self.address, &path, &self.key)
        };
        let all = Requests::Each((0..pages).map(one).collect());
        Self { connections: 1, key: self.key.clone(), address: self.address }.ask(all, pages, 200).await
    }

    /// The same of each of them.
    async fn patch(&self, people: &[RecipientId], body: &Value) -> anyhow::Result<Tally> {
        let body = body.to_string();
        let one = |id: &RecipientId| {
            Request::patch(self.address, &format!("{PATH}/{id}"), &self.key, body.as_bytes())
        };
        let all = people.iter().map(one).collect();
        self.ask(Requests::Each(all), people.len() as u64, 200).await
    }

    async fn ask(&self, requests: Requests, count: u64, status: u16) -> anyhow::Result<Tally> {
        let (address, connections) = (self.address, self.connections);
        let tally =
            measure(Plan { address, requests, connections, status, until: Until::Answered(count) }).await?;
        anyhow::ensure!(tally.answers() as u64 == count, "{} of {count} were answered", tally.answers());
        Ok(tally)
    }
}

/// Somebody as Entra ID writes them.
fn somebody() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": format!("p{NUMBER}"),
        "externalId": format!("0c1f2e3d-{NUMBER}"),
        "displayName": format!("学生{NUMBER}"),
        "active": true,
        "emails": [{"value": format!("p{NUMBER}@campus.example"), "type": "work", "primary": true}],
        "preferredLanguage": "zh-CN",
        "userType": "student",
        ENTERPRISE: {"department": bed::COLLEGE},
    })
}

fn change(path: &str, value: &Value) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]})
}

/// The first people who came, as an identity system knows them from the answers; at most so many.
async fn ids(s: &Services, most: u64) -> anyhow::Result<Vec<RecipientId>> {
    let mut ids = Vec::new();
    while (ids.len() as u64) < most {
        let part = Part { start: ids.len() as i64 + 1, count: MOST_LISTED };
        let asked = Asked { condition: Condition::Constant(true), order: None, part };
        let found = users::list(s, &CALLER, &asked).await?.entries;
        if found.is_empty() {
            break;
        }
        ids.extend(found.into_iter().map(|person| person.id));
    }
    ids.truncate(most as usize);
    Ok(ids)
}

/// That everybody is there, those who were changed changed, and those who left there still and inactive.
async fn compare(s: &Services, people: u64, share: u64) -> anyhow::Result<()> {
    for (what, filter, expected) in [
        ("are there", "externalId pr".to_owned(), people),
        ("are active", "active eq true".to_owned(), people - share),
        ("left and are there", "active eq false".to_owned(), share),
        ("were changed", format!("{ENTERPRISE}:department eq \"{COLLEGE}\""), share),
    ] {
        let condition = question::of_users(&Filter::parse(&filter)?)?;
        let asked = Asked { condition, order: None, part: Part { start: 1, count: 0 } };
        let found = users::list(s, &CALLER, &asked).await?.total;
        anyhow::ensure!(found.unsigned_abs() == expected, "{found} people {what}, not {expected}");
    }
    Ok(())
}
