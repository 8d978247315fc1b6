use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use belltower::Error;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::domain::suppression::Cause;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::{Services, audit, bindings, recipients};
use belltower::simulator::{Faults, SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use belltower::store::audit::AuditFilter;
use belltower::store::suppressions::{self, NewSuppression};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use url::Url;

use super::settle;
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::{operator, qr};

/// WeCom, as far as a sign-in asks for it: whoever comes with the code `code-of-NAME` is the member NAME.
async fn wecom() -> (String, Arc<AtomicU64>) {
    let tokens = Arc::new(AtomicU64::new(0));
    let given = Arc::clone(&tokens);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (read, mut write) = stream.split();
            let mut line = String::new();
            BufReader::new(read).read_line(&mut line).await.unwrap();
            let member =
                line.split("code=code-of-").nth(1).map(|rest| rest.split([' ', '&']).next().unwrap());
            let body = if line.contains("/gettoken") {
                given.fetch_add(1, Ordering::Relaxed);
                json!({"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200})
            } else if let Some(member) = member {
                json!({"errcode": 0, "errmsg": "ok", "userid": member})
            } else {
                json!({"errcode": 40029, "errmsg": "invalid code"})
            };
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            write.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (address, tokens)
}

/// A campus with a WeCom application, a mail relay, and Li, who is in the directory with a mailbox alone.
pub(super) struct Campus {
    pub(super) app: TestApp,
    relay: SmtpSimulator,
    wecom: String,
    /// How many tokens WeCom gave.
    tokens: Arc<AtomicU64>,
}

impl Campus {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With what `change` does to the services first.
    pub(super) async fn with(change: impl FnOnce(&mut Services)) -> Self {
        let app = TestApp::start_with(change).await;
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        let (wecom, tokens) = wecom().await;
        let corp = json!({"corp_id": "wwbell", "secret": "s", "agent_id": 7, "endpoint": wecom});
        let campus = Self { app, relay, wecom, tokens };
        campus.mails_by("邮件", &campus.relay, json!({})).await;
        campus.sends_by("企业微信", ChannelKind::Wechat, ProviderKind::Wecom, corp).await;
        let li = json!({"name": "李伟", "email": "li@campus.example", "language": "zh-CN"});
        Answer::of(campus.app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);
        campus
    }

    /// One more provider, tried after those there are.
    pub(super) async fn sends_by(
        &self,
        name: &str,
        channel: ChannelKind,
        kind: ProviderKind,
        settings: Value,
    ) -> ProviderId {
        let (s, owner, name) = (&self.app.services, operator(Role::Owner), name.to_owned());
        let priority = 1 + providers::list(s, &owner).await.unwrap().len() as i64;
        let new = NewProvider { name, channel, kind, settings, priority, weight: 1, rate: None };
        providers::create(s, &owner, new).await.unwrap().id
    }

    async fn mails_by(&self, name: &str, relay: &SmtpSimulator, more: Value) -> ProviderId {
        let mut settings = json!({
            "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
            "from_address": "bell@campus.example", "from_name": "钟楼大学",
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sends_by(name, ChannelKind::Email, ProviderKind::Smtp, settings).await
    }

    /// Codes that would be taken for Li's.
    async fn armed(&self) -> i64 {
        let text = "SELECT count(*) FROM pending_binding WHERE recipient_id IS NOT NULL";
        match &self.app.services.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(text).fetch_one(readers).await.unwrap(),
            Db::Postgres(pool) => sqlx::query_scalar(text).fetch_one(pool).await.unwrap(),
        }
    }

    pub(super) async fn wecom_userid(&self, campus_id: &str) -> Value {
        self.app.get(&format!("/recipients/{campus_id}")).await.expect(200)["wecom_userid"].clone()
    }

    /// The code in the latest mail to Li.
    pub(super) async fn code(&self) -> Option<String> {
        settle(&self.app).await;
        let mail = self.relay.mailbox().latest_to("li@campus.example")?;
        let text = mail.text.unwrap();
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() == 6);
        Some(digits.unwrap_or_else(|| panic!("{text}")).to_owned())
    }

    pub(super) fn mails(&self) -> u64 {
        self.relay.mailbox().total()
    }

    pub(super) async fn acts(&self) -> Vec<String> {
        let filter = AuditFilter { action: Some("recipient.".to_owned()), ..AuditFilter::default() };
        let rows = audit::list(&self.app.services, &operator(Role::Owner), &filter, None, 99).await.unwrap();
        rows.into_iter().rev().map(|row| format!("{} by {}", row.action, row.actor)).collect()
    }
}

/// Somebody's WeChat, which keeps cookies and does not follow redirects by itself.
pub(super) struct Phone<'a> {
    campus: &'a Campus,
    /// As addresses say with which account it signs in.
    account: &'static str,
    client: Client,
    pub(super) cookie: Option<String>,
}

impl<'a> Phone<'a> {
    pub(super) fn new(campus: &'a Campus) -> Self {
        Self::with(campus, "wecom")
    }

    pub(super) fn with(campus: &'a Campus, account: &'static str) -> Self {
        let builder = Client::builder().user_agent("Mozilla/5.0 (iPhone) MicroMessenger/8.0.49");
        let client = builder.no_proxy().redirect(Policy::none()).build().unwrap();
        Self { campus, account, client, cookie: None }
    }

    async fn call(&mut self, method: Method, path: &str, form: Option<&str>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.campus.app.url));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(form) = form {
            request =
                request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        }
        let answer = Answer::of(request).await;
        if let Some(cookie) = set_cookie(&answer.headers) {
            self.cookie = Some(cookie);
        }
        answer
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.call(Method::POST, path, Some(form)).await
    }

    /// Begins: the vendor's address that it is led to.
    pub(super) async fn led(&mut self) -> Url {
        let begun = self.get(&format!("/bind/{}", self.account)).await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        Url::parse(begun.header("location").unwrap()).unwrap()
    }

    /// Begins: the address WeCom would lead back to, once it knows who this is.
    async fn begin(&mut self) -> (String, String) {
        let there = self.led().await;
        assert!(there.as_str().starts_with(&format!("{}/connect/oauth2/authorize?", self.campus.wecom)));
        let query = |name: &str| there.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        let back = Url::parse(&query("redirect_uri")).unwrap().path().to_owned();
        (back, query("state"))
    }

    /// As a member of the corp, as far as saying who one is.
    pub(super) async fn sign_in(&mut self, member: &str) -> String {
        let (back, state) = self.begin().await;
        let came = self.get(&format!("{back}?code=code-of-{member}&state={state}")).await;
        assert_eq!(came.status, 303, "{}", came.text);
        came.header("location").unwrap().to_owned()
    }

    pub(super) async fn ask(&mut self, campus_id: &str) -> Answer {
        self.post(&format!("/bind/{}/who", self.account), &format!("campus_id={campus_id}")).await
    }

    pub(super) async fn type_in(&mut self, code: &str) -> Answer {
        self.post(&format!("/bind/{}/code", self.account), &format!("code={code}")).await
    }
}

fn set_cookie(headers: &HeaderMap) -> Option<String> {
    let cookie = headers.get("set-cookie")?.to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    Some(cookie.split(';').next().unwrap().to_owned())
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_member_proves_who_they_are_and_is_reached_from_then_on() {
    let campus = Campus::new().await;
    let mut phone = Phone::new(&campus);
    let who = phone.sign_in("liwei").await;
    assert!(phone.get(&who).await.text.contains("name=\"campus_id\""));
    let asked = phone.ask("2024001").await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    assert!(phone.get(asked.header("location").unwrap()).await.text.contains("name=\"code\""));
    let code = campus.code().await.unwrap();

    assert_eq!(phone.type_in(&another(&code)).await.status, 422);
    assert_eq!(campus.wecom_userid("2024001").await, json!(null));
    let done = phone.type_in(&code).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.text.contains("绑定成功"), "{}", done.text);
    assert_eq!(campus.wecom_userid("2024001").await, "liwei");
    assert_eq!(campus.acts().await, ["recipient.bind by recipient"]);
    assert_eq!(phone.type_in(&code).await.status, 404, "once");

    let kept = everything(&campus.app.services.db).await.join("\n");
    let mut numbers = kept.split(|c: char| !c.is_ascii_digit());
    assert!(numbers.all(|number| number != code), "no code is ever in the store");
    let log: Vec<_> = kept.lines().filter(|line| line.starts_with("audit.")).collect();
    assert!(!log.iter().any(|line| line.contains("liwei") || line.contains("2024001")), "{log:?}");
}

#[tokio::test]
async fn another_browser_shows_the_code_of_the_page_to_scan() {
    let campus = Campus::new().await;
    let id =
        providers::find_by_name(&campus.app.services, &operator(Role::Owner), "企业微信").await.unwrap().id;
    for account in ["wecom".to_owned(), id.to_string()] {
        let path = format!("/bind/{account}");
        let shown = Answer::of(campus.app.plain(Method::GET, &path)).await;
        assert_eq!((shown.status, shown.header("set-cookie")), (200, None), "{}", shown.text);
        let address = format!("http://127.0.0.1:8080{path}");
        assert_eq!(qr::read(&shown.text), address);
        assert!(shown.text.contains(&format!("<span class=\"address\">{address}</span>")), "{}", shown.text);
        let mut phone = Phone::new(&campus);
        phone.client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let on = shown.text.split("href=\"").find(|href| href.contains("on=1")).unwrap();
        let on = on.split('"').next().unwrap().replace("&#38;", "&");
        assert_eq!(phone.get(&on).await.status, 303, "{on}");
    }
    let other = Answer::of(campus.app.plain(Method::GET, "/bind/wechat")).await;
    assert_eq!(other.status, 404, "there is no such account");
}

#[tokio::test]
async fn nobody_learns_who_is_in_the_directory() {
    let campus = Campus::new().await;
    let wang = json!({"name": "王芳"});
    Answer::of(campus.app.api(Method::PUT, "/recipients/2024002").json(&wang)).await.expect(201);
    let mut answers = Vec::new();
    for campus_id in ["2024001", "2024002", "9999999", "%F0%9F%94%94"] {
        let mut phone = Phone::new(&campus);
        phone.sign_in("liwei").await;
        let asked = phone.ask(campus_id).await;
        let wrong = phone.type_in("12345").await;
        answers.push((asked.status, asked.header("location").unwrap().to_owned(), wrong.status, wrong.text));
    }
    settle(&campus.app).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert_eq!(campus.mails(), 1);
}

#[tokio::test]
async fn guessing_a_code_ends_soon_and_so_does_sending_them() {
    let campus = Campus::new().await;
    let mut phone = Phone::new(&campus);
    phone.sign_in("mallory").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    for _ in 0..3 {
        assert_eq!(phone.type_in(&another(&code)).await.status, 422);
    }
    assert_eq!(phone.type_in(&code).await.status, 409, "even the right one");
    for _ in 0..2 {
        assert_eq!(phone.ask("2024001").await.status, 303);
    }
    assert_eq!(phone.ask("2024001").await.status, 409, "three codes a ticket");
    for _ in 0..4 {
        let mut phone = Phone::new(&campus);
        phone.sign_in("mallory").await;
        assert_eq!(phone.ask("2024001").await.status, 303);
    }
    settle(&campus.app).await;
    assert_eq!(campus.mails(), 5, "a day for one person");

    campus.app.clock.turn(24 * 60 * 60 * 1_000);
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    campus.app.clock.turn(Duration::from_mins(10).as_millis() as i64);
    assert_eq!(phone.type_in(&code).await.status, 404, "ten minutes");
    assert_eq!(campus.wecom_userid("2024001").await, json!(null));
}

#[tokio::test]
async fn codes_that_are_not_sent_any_more_cannot_be_guessed_either() {
    let campus = Campus::new().await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        let mut phone = Phone::new(&campus);
        phone.sign_in("mallory").await;
        let asked = phone.ask("2024001").await;
        answers.push((asked.status, asked.header("location").unwrap().to_owned()));
    }
    settle(&campus.app).await;
    assert_eq!((campus.mails(), campus.armed().await), (5, 5), "no code that nobody was sent is good");
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");

    // Nor does it begin anew by another node, or after a restart.
    let s = Services::new(
        campus.app.services.db.clone(),
        campus.app.clock.clone(),
        campus.app.services.queue.clone(),
        campus.app.services.vault.clone(),
        (*campus.app.services.campus).clone(),
    );
    let mut phone = Phone::new(&campus);
    phone.sign_in("mallory").await;
    let ticket = phone.cookie.as_deref().unwrap().split_once('=').unwrap().1;
    bindings::ask(&s, ticket, "2024001", [192, 0, 2, 1].into()).await.unwrap();
    assert_eq!(campus.armed().await, 5);

    campus.app.clock.turn(24 * 60 * 60 * 1_000);
    assert_eq!(
        bindings::prune(&s).await.unwrap(),
        9 + 3,
        "whom nobody proved to be, and days that are over: theirs, the identity's and everybody's"
    );
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    assert_eq!(phone.type_in(&code).await.status, 200);
}

#[tokio::test]
async fn no_more_than_three_hundred_codes_are_sent_within_a_minute() {
    let campus = Campus::new().await;
    let s = &campus.app.services;
    let mut tickets = Vec::new();
    for n in 0..101 {
        let person = json!({"name": "同学", "email": format!("p{n}@campus.example")});
        recipients::put(s, &operator(Role::Owner), &format!("p{n}"), &person).await.unwrap();
        let mut phone = Phone::new(&campus);
        phone.sign_in(&format!("m{n}")).await;
        tickets.push(phone.cookie.as_deref().unwrap().split_once('=').unwrap().1.to_owned());
    }
    // Each ticket, each person and each remote address asks as often as they may.
    let ask = async |n: usize| {
        let remote = [192, 0, 2, n as u8].into();
        bindings::ask(s, &tickets[n], &format!("p{n}"), remote).await
    };
    for _ in 0..3 {
        for n in 0..100 {
            ask(n).await.unwrap();
        }
    }
    assert!(matches!(ask(100).await, Err(Error::RateLimited { .. })), "whoever asks, for whomever");
    settle(&campus.app).await;
    assert_eq!(campus.mails(), 300);
    campus.app.clock.turn(60_000);
    ask(100).await.unwrap();
    settle(&campus.app).await;
    assert_eq!(campus.mails(), 301);
}

#[tokio::test]
async fn an_address_that_is_not_theirs_is_sent_no_code() {
    for (cause, mails) in [(Cause::Wrong, 0), (Cause::Asked, 0), (Cause::Bounced, 1)] {
        let campus = Campus::new().await;
        let s = &campus.app.services;
        let (kind, address, until) =
            (AddressKind::Email, "li@campus.example", belltower::clock::Timestamp::NEVER);
        let new = NewSuppression { kind, address, cause, note: "", by: "周敏", until };
        let mut tx = s.db.begin().await.unwrap();
        suppressions::insert(&mut tx, &new, s.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut phone = Phone::new(&campus);
        phone.sign_in("liwei").await;
        assert_eq!(phone.ask("2024001").await.status, 303);
        settle(&campus.app).await;
        assert_eq!(campus.mails(), mails, "{cause:?}");
    }
}

#[tokio::test]
async fn a_code_that_may_have_been_sent_is_not_sent_by_another_provider() {
    let campus = Campus::new().await;
    let second = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    campus.mails_by("备用", &second, json!({})).await;
    campus.relay.set_faults(Faults::default().losing_answers());
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    settle(&campus.app).await;
    assert_eq!((campus.mails(), second.mailbox().total()), (1, 0));
}

#[tokio::test]
async fn codes_count_against_a_providers_quota() {
    let campus = Campus::new().await;
    let (s, owner) = (&campus.app.services, operator(Role::Owner));
    let first = providers::find_by_name(s, &owner, "邮件").await.unwrap().id;
    let quota = ProviderChanges { settings: Some(json!({"daily_quota": 1})), ..ProviderChanges::default() };
    providers::update(s, &owner, first, quota).await.unwrap();
    let second = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    campus.mails_by("备用", &second, json!({})).await;
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    for _ in 0..2 {
        phone.ask("2024001").await;
        settle(&campus.app).await;
    }
    assert_eq!((campus.mails(), second.mailbox().total()), (1, 1));
}

#[tokio::test]
async fn one_token_serves_all_who_sign_in() {
    let campus = Campus::new().await;
    for member in ["liwei", "wangfang", "mallory"] {
        Phone::new(&campus).sign_in(member).await;
    }
    assert_eq!(campus.tokens.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn whoever_comes_back_too_often_waits() {
    let campus = Campus::new().await;
    let s = &campus.app.services;
    let back = async |host: u16| {
        let remote = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into();
        bindings::come_back(s, "wecom", "ticket", "state", "code", remote).await
    };
    for host in 0..300 {
        assert!(matches!(back(host).await, Err(Error::NotFound(_))), "{host}");
    }
    assert!(matches!(back(300).await, Err(Error::RateLimited { .. })), "as one network");
}

#[tokio::test]
async fn nobody_finishes_what_another_browser_began() {
    let campus = Campus::new().await;
    let (mut mallory, mut victim) = (Phone::new(&campus), Phone::new(&campus));
    let (back, state) = mallory.begin().await;
    let lured = format!("{back}?code=code-of-mallory&state={state}");
    assert_eq!(victim.get(&lured).await.status, 404, "without a ticket of its own");
    victim.begin().await;
    assert_eq!(victim.get(&lured).await.status, 404, "with another one");
    assert_eq!(mallory.get(&lured).await.status, 303);
    assert_eq!(mallory.get(&lured).await.status, 409, "once");
    assert_eq!(victim.ask("2024001").await.status, 404);

    let (back, state) = victim.begin().await;
    let nobody = victim.get(&format!("{back}?code=stale&state={state}")).await;
    assert_eq!(nobody.status, 409);
    assert!(nobody.text.contains("请在微信中打开"), "{}", nobody.text);
    for account in ["wechat", "prv_0000000000000", "nobody"] {
        assert_eq!(victim.get(&format!("/bind/{account}")).await.status, 404, "{account}");
    }
}

#[tokio::test]
async fn an_identity_moves_to_whom_proved_it_last_and_its_bounces_are_forgotten() {
    let campus = Campus::new().await;
    let wang = json!({"name": "王芳", "wecom_userid": "liwei"});
    Answer::of(campus.app.api(Method::PUT, "/recipients/2024002").json(&wang)).await.expect(201);
    let s = &campus.app.services;
    let bounced = NewSuppression {
        kind: AddressKind::WecomUserid,
        address: "liwei",
        cause: Cause::Bounced,
        note: "60111",
        by: "",
        until: belltower::clock::Timestamp::NEVER,
    };
    let mut tx = s.db.begin().await.unwrap();
    suppressions::insert(&mut tx, &bounced, s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();

    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    assert_eq!(phone.type_in(&code).await.status, 200);
    assert_eq!(campus.wecom_userid("2024001").await, "liwei");
    assert_eq!(campus.wecom_userid("2024002").await, json!(null));
    assert!(!suppressions::any(&s.db).await.unwrap());
    assert_eq!(campus.acts().await, ["recipient.bind by recipient", "recipient.unbind by recipient"]);
}

#[tokio::test]
async fn whoever_is_erased_meanwhile_binds_nothing() {
    let campus = Campus::new().await;
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    recipients::delete(&campus.app.services, &operator(Role::Owner), "2024001").await.unwrap();
    assert_eq!(phone.type_in(&code).await.status, 404);
    let kept = everything(&campus.app.services.db).await.join("\n");
    assert!(!kept.contains("liwei"), "what they had proved is gone with them");
}

#[tokio::test]
async fn whoever_guesses_goes_through_no_directory() {
    let campus = Campus::new().await;
    for n in 0..8 {
        let person = json!({"name": "王芳", "email": format!("w{n}@campus.example")});
        let path = format!("/recipients/W{n}");
        Answer::of(campus.app.api(Method::PUT, &path).json(&person)).await.expect(201);
        let mut phone = Phone::new(&campus);
        phone.sign_in("Mallory").await;
        assert_eq!(phone.ask(&format!("W{n}")).await.status, 303, "what is answered is the same");
    }
    settle(&campus.app).await;
    assert_eq!((campus.mails(), campus.armed().await), (6, 6), "six a day, whosever");
    let mut other = Phone::new(&campus);
    other.sign_in("liwei").await;
    other.ask("2024001").await;
    assert!(campus.code().await.is_some(), "nobody else is kept from it");

    campus.app.clock.turn(24 * 60 * 60 * 1_000);
    for person in ["W0", "W1", "W2", "W3", "W4"] {
        let mut phone = Phone::new(&campus);
        phone.sign_in("mallory").await;
        phone.ask(person).await;
        for _ in 0..3 {
            assert_eq!(phone.type_in("wrong").await.status, 422);
        }
    }
    let mut phone = Phone::new(&campus);
    phone.sign_in("mallory").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    assert_eq!(phone.type_in(&code).await.status, 422, "fifteen were typed: not even the right one");
    assert_eq!(campus.wecom_userid("2024001").await, json!(null));
}

#[tokio::test]
async fn whoever_was_set_aside_after_asking_is_not_bound() {
    let campus = Campus::new().await;
    let mut phone = Phone::new(&campus);
    phone.sign_in("liwei").await;
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    recipients::set_active(&campus.app.services, &operator(Role::Owner), "2024001", false).await.unwrap();
    assert_eq!(phone.type_in(&code).await.status, 422);
    assert_eq!(campus.wecom_userid("2024001").await, json!(null));
}

#[tokio::test]
async fn what_one_account_was_given_is_none_of_anothers() {
    let campus = Campus::new().await;
    let corp = json!({"corp_id": "wwother", "secret": "s", "agent_id": 8, "endpoint": campus.wecom});
    let other = campus.sends_by("另一个", ChannelKind::Wechat, ProviderKind::Wecom, corp).await;
    let mut phone = Phone::new(&campus);
    let (back, state) = phone.begin().await;
    let there = format!("/bind/{other}/back?code=code-of-liwei&state={state}");
    assert_eq!(phone.get(&there).await.status, 404);
    assert_eq!(phone.get(&format!("{back}?code=code-of-liwei&state={state}")).await.status, 303);
}
