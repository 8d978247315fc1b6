//! Every route of the console, every built-in role, everywhere and in one department: who is let in, and to what. What is
//! expected stands in `matrix.txt`.

use std::collections::BTreeSet;
use std::fs;

use belltower::console::PATHS;
use belltower::domain::alarm::{Condition, Matter, Severity};
use belltower::domain::grant::Grant;
use belltower::domain::id::{
    AlarmId, BroadcastId, ButtonId, DeliveryId, DraftId, GroupId, ImportId, KeyId, MessageId, OperatorId,
    ProviderId, RecipientId, RegistrationId, RightsRequestId, RoleId, RuleId, SourceId, SuppressionId,
};
use belltower::domain::operator::Role;
use belltower::domain::registration::Registration;
use belltower::service::alarms::{self, AlarmRow};
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::sources::{self, NewSource, registrations};
use belltower::service::{groups, recipients};
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;
use crate::support::services::calls_this_machine;

const TABLE: &str = "tests/it/console/matrix.txt";
const OURS: &str = "图书馆";
const THEIRS: &str = "保密处";
/// In all that is told of the others' messages and sources, and nowhere else.
const SECRET: &str = "隐秘七号";
/// In the order of the table's marks.
const ROLES: [(char, Role); 6] = [
    ('O', Role::Owner),
    ('M', Role::MessageManager),
    ('S', Role::Sender),
    ('R', Role::Reviewer),
    ('D', Role::DutyOfficer),
    ('A', Role::Auditor),
];

/// How far a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Before sign-in.
    Anyone,
    /// It needs no permission.
    Signed,
    /// Closed to whoever is limited to departments.
    Campus,
    /// Open within departments.
    Department,
    /// Open within departments too; it is the whole campus's.
    Shared,
}

#[derive(Clone, Debug)]
struct Line {
    method: String,
    path: String,
    roles: String,
    scope: Scope,
    /// For whoever is let in, or for anyone.
    status: u16,
    /// From its `?` on.
    query: String,
    fields: Vec<(String, String)>,
}

impl Line {
    fn read(line: &str) -> Self {
        let (line, fields) = line.split_once('|').unwrap_or((line, ""));
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_else(|| panic!("too short: {line}")).to_owned();
        let (method, path, roles, scope, status) = (word(), word(), word(), word(), word());
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        Self {
            scope: match scope.as_str() {
                "anyone" => Scope::Anyone,
                "signed" => Scope::Signed,
                "campus" => Scope::Campus,
                "department" => Scope::Department,
                "shared" => Scope::Shared,
                other => panic!("{other}?"),
            },
            status: status.parse().unwrap(),
            fields: fields.split_whitespace().map(|text| pair(text).unwrap()).collect(),
            path: path.to_owned(),
            query: query.to_owned(),
            method,
            roles,
        }
    }

    fn lets_in(&self, mark: char) -> bool {
        self.scope == Scope::Signed || self.roles.contains(mark)
    }

    /// It is about something that belongs to a department.
    fn names_theirs(&self) -> bool {
        self.scope == Scope::Department && self.path.contains('{')
    }
}

fn table() -> Vec<Line> {
    let text = fs::read_to_string(TABLE).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Line::read).collect()
}

/// What a department has.
struct Things {
    message: MessageId,
    delivery: DeliveryId,
    source: SourceId,
    key: KeyId,
    registration: RegistrationId,
    person: RecipientId,
    alarm: AlarmId,
    /// Of everybody.
    group: GroupId,
    subscription: String,
    /// On its way to the subscription's endpoint.
    handing: String,
}

impl Things {
    async fn of(app: &TestApp, department: &str, word: &str) -> Self {
        let (s, owner) = (&app.services, operator(Role::Owner));
        let new = NewSource {
            name: format!("系统{word}"),
            department: department.to_owned(),
            topics: vec!["#".to_owned()],
            channels: vec!["email".to_owned()],
            rights: vec!["send_direct".to_owned(), "subscribe".to_owned()],
            test: true,
            ..NewSource::default()
        };
        let made = sources::create(s, &owner, new).await.unwrap();
        let body = json!({
            "topic": "campus.hours", "category": "announcement", "title": format!("通知{word}"), "body": word,
            "to": [{ "email": "ok@sandbox.invalid" }],
        });
        let request = app.api_as(&made.key, Method::POST, "/messages").json(&body);
        let message = Answer::of(request).await.expect(202)["id"].as_str().unwrap().parse().unwrap();
        app.drain().await;
        let query = DeliveryQuery { limit: 1, ..DeliveryQuery::default() };
        let delivery = messages::deliveries(s, &owner, message, &query).await.unwrap().items[0].facts.id;
        let key = sources::create_key(s, &owner, made.source_id, true).await.unwrap().key_id;
        let asked = json!({
            "name": format!("门户{word}"), "department": department, "contact_name": word, "purpose": word,
            "contact_email": "li@bell.example", "topics": ["a.#"], "channels": ["email"],
        });
        let asked = Registration::read(&asked).unwrap();
        let registration =
            registrations::register(s, &asked, std::net::Ipv4Addr::LOCALHOST.into()).await.unwrap().id;
        let person = json!({ "name": word, "department": department, "attributes": { "everybody": true } });
        let person = recipients::put(s, &owner, &format!("P-{word}"), &person).await.unwrap().1.id;
        let everybody = json!({ "name": "全体", "kind": "dynamic", "where": "everybody = true" });
        let group = groups::put(s, &owner, "everybody", &everybody).await.unwrap().1.id;
        let matter = Matter::Silent { id: made.source_id, name: format!("系统{word}"), last: None };
        let mut tx = s.db.begin().await.unwrap();
        belltower::store::alarms::note(
            &mut tx,
            &[Condition::new(matter, Severity::Look, true)],
            s.clock.now(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let open = alarms::open(s, &owner).await.unwrap();
        let is_theirs = |alarm: &&AlarmRow| alarm.matter.0.source() == Some(made.source_id);
        let alarm = open.iter().find(is_theirs).unwrap().id;
        let (subscription, handing) = subscription(app, &made.key).await;
        let source = made.source_id;
        Self { message, delivery, source, key, registration, person, alarm, group, subscription, handing }
    }

    /// The path with what its braces stand for; of what belongs to no department, something that is not there.
    fn fill(&self, path: &str) -> String {
        let id = match path.split('/').nth(2).unwrap_or_default() {
            "messages" => self.message.to_string(),
            "sources" => self.source.to_string(),
            "subscriptions" => self.subscription.clone(),
            "rules" => RuleId(9_999).to_string(),
            "providers" => ProviderId(9_999).to_string(),
            "alarms" => self.alarm.to_string(),
            "people" if path.contains("/imports/") => ImportId(9_999).to_string(),
            "people" if shows(path) => self.person.to_string(),
            "people" => RecipientId(9_999).to_string(),
            "suppression" => SuppressionId(9_999).to_string(),
            "groups" if shows(path) => self.group.to_string(),
            "groups" => GroupId(9_999).to_string(),
            "compose" => DraftId(9_999).to_string(),
            "operators" => OperatorId(9_999).to_string(),
            "emergency" if path.contains("/buttons") => ButtonId(9_999).to_string(),
            "emergency" => BroadcastId(9_999).to_string(),
            _ => "9999".to_owned(),
        };
        let delivery =
            if path.contains("/subscriptions/") { self.handing.clone() } else { self.delivery.to_string() };
        let filled = path
            .replace("{id}", &id)
            .replace("{delivery}", &delivery)
            .replace("{key}", &self.key.to_string())
            .replace("{registration}", &self.registration.to_string())
            .replace("{request}", &RightsRequestId(9_999).to_string())
            .replace("{role}", &RoleId(9_999).to_string())
            .replace("{provider}", &ProviderId(9_999).to_string())
            .replace("{number}", "9999")
            .replace("{name}", "no-such")
            .replace("{slug}", "no-such")
            .replace("{account}", "no-such");
        assert!(!filled.contains('{'), "nothing to put into {path}");
        filled
    }
}

/// Endpoints may be on this machine, where nobody answers.
async fn app() -> TestApp {
    TestApp::start_with(calls_this_machine).await
}

/// One of the key's source, and an event that waits for it.
async fn subscription(app: &TestApp, key: &str) -> (String, String) {
    let ask = |method, path: &str| app.api_as(key, method, path);
    let body = json!({
        "topics": ["#"], "events": ["message.expired"],
        "endpoint": { "kind": "webhook", "url": "http://127.0.0.1:1/" },
    });
    let made = Answer::of(ask(Method::POST, "/subscriptions").json(&body)).await.expect(201);
    let at = format!("/subscriptions/{}", made["id"].as_str().unwrap());
    Answer::of(ask(Method::POST, &format!("{at}/test"))).await.expect(202);
    let sent = Answer::of(ask(Method::GET, &format!("{at}/deliveries"))).await.expect(200);
    (made["id"].as_str().unwrap().to_owned(), sent["data"][0]["id"].as_str().unwrap().to_owned())
}

/// It shows somebody or something and changes nothing.
fn shows(path: &str) -> bool {
    ["{id}", "reveal", "count"].iter().any(|end| path.ends_with(end))
}

/// Somebody at the console.
struct Visitor {
    browser: Browser,
    csrf: String,
}

impl Visitor {
    async fn new(mut browser: Browser, on: &str) -> Self {
        let csrf = browser.token(on).await;
        Self { browser, csrf }
    }

    async fn ask(&mut self, line: &Line, things: &Things) -> Answer {
        let path = format!("{}{}", things.fill(&line.path), line.query);
        let mut fields = vec![("csrf", self.csrf.as_str())];
        fields.extend(line.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        match line.method.as_str() {
            "GET" => self.browser.get(&path).await,
            // A part of a page, which has no page of its own.
            "PART" => self.browser.partial(&path).await,
            "POST" => self.browser.post(&path, &fields).await,
            // A form with a file.
            "FILE" => self.browser.post_file(&path, &fields, ("a.csv", b"x")).await,
            other => panic!("{other}?"),
        }
    }
}

fn leads_to_the_sign_in(answer: &Answer) -> bool {
    let to = match answer.status {
        303 => answer.header("location"),
        // So are parts of a page.
        204 => answer.header("hx-redirect"),
        _ => None,
    };
    to.is_some_and(|to| to.starts_with("/sign-in"))
}

/// What does not hold, all of it at once.
#[derive(Default)]
struct Wrongs(Vec<String>);

impl Wrongs {
    fn expect(&mut self, who: &str, line: &Line, answer: &Answer, status: u16) {
        // Led to the sign-in, somebody who is signed in has been let in nowhere.
        if answer.status != status || (who != "nobody" && leads_to_the_sign_in(answer)) {
            self.0.push(format!("{who} {} {}: {} not {status}", line.method, line.path, answer.status));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

#[test]
fn every_route_stands_in_the_table_once() {
    let mut routes = BTreeSet::new();
    for route in PATHS {
        routes.extend(route.methods.iter().map(|method| format!("{method} {}", route.path)));
    }
    let lines = table();
    let listed = lines
        .iter()
        .map(|line| format!("{} {}", line.method.replace("FILE", "POST").replace("PART", "GET"), line.path));
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(listed.len(), lines.len(), "a route stands there twice");
    assert_eq!(listed, routes);
}

#[tokio::test]
async fn whoever_is_signed_out_sees_the_door_alone() {
    let app = app().await;
    let things = Things::of(&app, THEIRS, SECRET).await;
    let mut wrongs = Wrongs::default();
    for line in table() {
        let mut nobody = Visitor::new(Browser::new(&app), "/sign-in").await;
        let answer = nobody.ask(&line, &things).await;
        match line.scope {
            Scope::Anyone => wrongs.expect("nobody", &line, &answer, line.status),
            _ if !leads_to_the_sign_in(&answer) => wrongs.expect("nobody", &line, &answer, 303),
            _ => {}
        }
    }
    wrongs.none();
}

async fn walk(mark: char, role: Role) {
    let app = app().await;
    let ours = Things::of(&app, OURS, "甲").await;
    let theirs = Things::of(&app, THEIRS, SECRET).await;
    let everywhere = Browser::holding(&app, "everywhere", role.into()).await;
    let mut everywhere = Visitor::new(everywhere, "/console").await;
    let grant = Grant { departments: [OURS.to_owned()].into(), ..Grant::from(role) };
    let limited = Browser::holding(&app, "limited", grant).await;
    let mut limited = Visitor::new(limited, "/console").await;
    let mut wrongs = Wrongs::default();
    for line in table().iter().filter(|line| line.scope != Scope::Anyone) {
        let may = line.lets_in(mark);
        let (inside, outside) = (if may { line.status } else { 403 }, if may { 404 } else { 403 });
        let answer = everywhere.ask(line, &theirs).await;
        wrongs.expect("everywhere", line, &answer, inside);

        let answer = limited.ask(line, &ours).await;
        let own = if line.scope == Scope::Campus { 403 } else { inside };
        wrongs.expect("limited, ours", line, &answer, own);
        let mut told = vec![answer];
        if line.names_theirs() {
            let answer = limited.ask(line, &theirs).await;
            wrongs.expect("limited, theirs", line, &answer, outside);
            told.push(answer);
        }
        for answer in told {
            if answer.text.contains(SECRET) || answer.text.contains(THEIRS) {
                wrongs.0.push(format!("limited: {} {} tells of others", line.method, line.path));
            }
        }
    }
    wrongs.none();
}

macro_rules! walks {
    ($($name:ident: $at:literal),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (mark, role) = ROLES[$at];
                walk(mark, role).await;
            }
        )+
    };
}

walks! {
    owners_go_as_far_as_the_table_says: 0,
    message_managers_go_as_far_as_the_table_says: 1,
    senders_go_as_far_as_the_table_says: 2,
    reviewers_go_as_far_as_the_table_says: 3,
    duty_officers_go_as_far_as_the_table_says: 4,
    auditors_go_as_far_as_the_table_says: 5,
}

#[test]
fn every_role_is_walked() {
    let walked: BTreeSet<_> = ROLES.iter().map(|(_, role)| role.name()).collect();
    assert_eq!(walked, Role::ALL.iter().map(|role| role.name()).collect());
}
