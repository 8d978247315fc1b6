//! Proving who one is by the university's own sign-in, against its simulator, over HTTP.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use belltower::clock::Clock;
use belltower::config::Config;
use belltower::domain::operator::Role;
use belltower::identity::SignIn;
use belltower::service::recipients;
use belltower::simulator::campus_sign_in::{Account, Lie, SignInAct, SignInCall, SignInFaults};
use belltower::simulator::{CampusSignInOptions, CampusSignInSimulator, VendorClock};
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use super::binding::{Campus, Phone};
use crate::support::app::Answer;
use crate::support::contents::everything;
use crate::support::operator;
use crate::support::services::START;

const SCRIPT: &str = "<script>alert(1)</script>";
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A campus whose people sign in at a sign-in of its own: Li, and Zhou, whom the directory does not have.
struct University {
    campus: Campus,
    simulator: CampusSignInSimulator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cas,
    Oidc,
}

impl University {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, &json!({}), 0).await
    }

    /// With more settings, and a sign-in whose clock is so many milliseconds ahead.
    async fn with(kind: Kind, more: &Value, ahead: i64) -> Self {
        Self::waiting(kind, more, ahead, PATIENCE).await
    }

    /// Whose sign-in is waited for so long.
    async fn waiting(kind: Kind, more: &Value, ahead: i64, patience: Duration) -> Self {
        let time: Arc<OnceLock<Clock>> = Arc::default();
        let shown = Arc::clone(&time);
        let clock = VendorClock(Arc::new(move || shown.get().map_or(START.0, |clock| clock.now().0) + ahead));
        let li = Account { login: "liwei".into(), campus_id: "2024001".into(), name: "李伟".into() };
        let accounts = vec![li, Account::new("2024009", "周敏")];
        let options = CampusSignInOptions { accounts, clock, ..CampusSignInOptions::default() };
        let simulator = CampusSignInSimulator::start(options).await.unwrap();
        let mut settings = match kind {
            Kind::Cas => {
                let mut settings = simulator.cas();
                settings["attribute"] = "employeeNumber".into();
                settings
            }
            Kind::Oidc => simulator.oidc(),
        };
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let variables = settings.as_object().unwrap().iter().map(|(key, value)| {
            let name = format!("BELLTOWER_CAMPUS_SIGN_IN__{}", key.to_uppercase());
            (name, value.as_str().unwrap().to_owned())
        });
        let settings = Config::load(None, variables).unwrap().campus_sign_in.unwrap();
        let campus = Campus::with(|services| {
            time.set(services.clock.clone()).unwrap();
            let sign_in = SignIn::waiting(&settings, services.clock.clone(), patience).unwrap();
            services.sign_in = Some(Arc::new(sign_in));
        })
        .await;
        Self { campus, simulator }
    }

    fn faults(&self, call: SignInCall, act: SignInAct) {
        self.simulator.set_faults(SignInFaults::default().at(call, act));
    }

    async fn is_bound(&self) -> bool {
        self.campus.wecom_userid("2024001").await != json!(null)
    }

    /// A telephone that has said which member of the corp holds it.
    async fn phone(&self) -> Phone<'_> {
        let mut phone = Phone::new(&self.campus);
        phone.sign_in("liwei").await;
        phone
    }

    /// Somebody who was led there, and what leads them back. Where it was too slow to be gone to, somebody else tries a while
    /// later.
    async fn led_back(&self, login: &str) -> (Phone<'_>, String) {
        for _ in 0..5 {
            let mut phone = self.phone().await;
            let gone = phone.get("/bind/wecom/sign-in").await;
            if let Ok(there) = Url::parse(gone.header("location").unwrap()) {
                return (phone, say(there, login).await);
            }
            self.campus.app.clock.turn(10_000);
        }
        panic!("nobody is led there");
    }

    /// The whole way, as somebody of that login there.
    async fn bind(&self, login: &str) -> Answer {
        let mut phone = self.phone().await;
        let there = leave(&mut phone).await;
        let back = say(there, login).await;
        arrive(&mut phone, &back).await
    }
}

/// Back from there, and on to the page that says it is done, if it is.
async fn arrive(phone: &mut Phone<'_>, back: &str) -> Answer {
    let came = phone.get(back).await;
    match came.header("location").filter(|location| location.contains("/done?")) {
        Some(location) => phone.get(location).await,
        None => came,
    }
}

/// Off to the sign-in: its address.
async fn leave(phone: &mut Phone<'_>) -> Url {
    let gone = phone.get("/bind/wecom/sign-in").await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    Url::parse(gone.header("location").unwrap()).unwrap()
}

/// What the browser is led back to, below our address, once somebody said there who they are.
async fn say(mut there: Url, login: &str) -> String {
    there.query_pairs_mut().append_pair("as", login);
    let browser = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let led = browser.get(there).send().await.unwrap();
    assert_eq!(led.status(), 302, "{}", led.text().await.unwrap());
    let back = Url::parse(led.headers()["location"].to_str().unwrap()).unwrap();
    assert!(back.as_str().starts_with("http://127.0.0.1:8080/bind/signed-in?"), "{back}");
    format!("{}?{}", back.path(), back.query().unwrap())
}

/// One of its parameters changed.
fn with(back: &str, name: &str, value: &str) -> String {
    let (path, query) = back.split_once('?').unwrap();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs = pairs.map(|(n, v)| if n == name { (n, value.into()) } else { (n, v) });
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

#[tokio::test]
async fn whoever_signs_in_is_bound_without_a_code() {
    for kind in [Kind::Cas, Kind::Oidc] {
        let there = University::new(kind).await;
        let mut phone = there.phone().await;
        let page = phone.get("/bind/wecom/who").await;
        assert!(page.text.contains("前往统一身份认证登录") && !page.text.contains("<form"), "{}", page.text);
        assert!(page.text.contains("href=\"/bind/wecom/sign-in?lang=zh-CN\""), "{}", page.text);
        let english = phone.get("/bind/wecom/who?lang=en").await;
        assert!(english.text.contains("Sign in with your campus account"), "{}", english.text);
        let refused = phone.ask("2024001").await;
        assert_eq!(refused.status, 409, "a code is not the way");

        let gone = leave(&mut phone).await;
        let seeds = everything(&there.campus.app.services.db).await.join("\n");
        let back = say(gone, "liwei").await;
        let state = Url::parse(&format!("http://x{back}")).unwrap();
        let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        assert!(!seeds.contains(&state), "the store alone is not enough");
        let came = phone.get(&back).await;
        assert!(came.header("set-cookie").unwrap().contains("Max-Age=0"), "{came:?}");
        let done = phone.get(came.header("location").unwrap()).await;
        assert_eq!(done.status, 200, "{}", done.text);
        assert!(done.text.contains("绑定成功"), "{}", done.text);
        assert_eq!(there.campus.wecom_userid("2024001").await, "liwei");
        assert_eq!(there.campus.acts().await, ["recipient.bind by recipient"]);
        let kept = everything(&there.campus.app.services.db).await.join("\n");
        assert!(kept.contains("campus_sign_in"), "the audit log says by what it was proved");
        assert_eq!(there.campus.mails(), 0);
    }
}

#[tokio::test]
async fn the_address_it_leads_to_is_the_sign_ins_and_the_one_back_is_ours() {
    let cas = University::new(Kind::Cas).await;
    let there = leave(&mut cas.phone().await).await;
    assert!(there.as_str().starts_with(&format!("http://{}/cas/login?service=", cas.simulator.addr())));
    let (name, service) = there.query_pairs().next().unwrap();
    assert_eq!((there.query_pairs().count(), &*name), (1, "service"));
    assert!(service.starts_with("http://127.0.0.1:8080/bind/signed-in?state="), "{service}");

    let oidc = University::new(Kind::Oidc).await;
    let mut phone = oidc.phone().await;
    let there = leave(&mut phone).await;
    assert!(there.as_str().starts_with(&format!("http://{}/oidc/authorize?", oidc.simulator.addr())));
    let query = |name: &str| there.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
    assert_eq!(query("redirect_uri"), "http://127.0.0.1:8080/bind/signed-in", "letter by letter");
    assert_eq!((query("response_type"), query("scope")), ("code".into(), "openid profile".into()));
    assert_eq!((query("code_challenge_method"), query("code_challenge").len()), ("S256".into(), 43));
    let again = leave(&mut phone).await;
    for name in ["state", "nonce", "code_challenge"] {
        let other = again.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        assert!(query(name).len() >= 43 && query(name) != other, "{name} is new each time");
    }
    // Whatever else stands in the address back, nobody is led on by it.
    let back =
        format!("{}&next=https://evil.example&redirect_uri=https://evil.example", say(again, "liwei").await);
    let came = phone.get(&back).await;
    let location = came.header("location").unwrap();
    assert!(location.starts_with("/bind/prv_") && location.ends_with("/done?lang=zh-CN"), "{location}");
}

#[tokio::test]
async fn whoever_leaves_a_page_in_english_comes_back_to_one() {
    for kind in [Kind::Cas, Kind::Oidc] {
        let there = University::new(kind).await;
        let mut phone = there.phone().await;
        for (login, words) in
            [("2024009", "You signed in, but"), ("liwei", "Done: campus messages reach you here")]
        {
            let gone = phone.get("/bind/wecom/sign-in?lang=en").await;
            let back = say(Url::parse(gone.header("location").unwrap()).unwrap(), login).await;
            let page = arrive(&mut phone, &back).await;
            assert!(page.text.contains(words), "{}", page.text);
            // And may be switched back, though the address it came to is used up.
            let switched =
                page.text.split("<a class=\"switch\" href=\"").nth(1).unwrap().split('"').next().unwrap();
            let page = phone.get(switched).await;
            assert!(page.status == 200 && page.text.contains("校园消息"), "{switched} {}", page.text);
        }
    }
}

#[tokio::test]
async fn only_the_browser_that_left_comes_back_and_once() {
    for kind in [Kind::Cas, Kind::Oidc] {
        let there = University::new(kind).await;
        let (mut mallory, mut victim) = (there.phone().await, there.phone().await);
        let lured = say(leave(&mut mallory).await, "liwei").await;
        let stats = there.simulator.stats();
        let mut stranger = Phone::new(&there.campus);
        let page = stranger.get(&lured).await;
        assert_eq!(page.status, 404, "without a ticket");
        assert!(!page.text.contains("href=\"/bind/\""), "{}", page.text);
        assert_eq!(victim.get(&lured).await.status, 404, "that never left");
        leave(&mut victim).await;
        assert_eq!(victim.get(&lured).await.status, 404, "that left with another state");
        for wrong in ["", "x"] {
            assert_eq!(mallory.get(&with(&lured, "state", wrong)).await.status, 404, "{wrong:?}");
        }
        let twice = format!("{lured}&state=x");
        assert_eq!(mallory.get(&twice).await.status, 404, "a state that is there twice is none");
        let asked = there.simulator.stats();
        let seen = stats.validate + u64::from(kind == Kind::Cas);
        assert_eq!((asked.validate, asked.token), (seen, 0), "nobody was asked, but whether it is there");

        // An earlier attempt is over when another begins.
        let later = say(leave(&mut mallory).await, "liwei").await;
        assert_eq!(mallory.get(&lured).await.status, 404);
        there.campus.app.clock.turn(Duration::from_mins(20).as_millis() as i64);
        assert_eq!(leave(&mut mallory).await.scheme(), "http", "it may be begun again");
        there.campus.app.clock.turn(Duration::from_mins(10).as_millis() as i64);
        assert_eq!(mallory.get(&later).await.status, 404, "half an hour, however often it was begun");
        assert_eq!(mallory.get("/bind/wecom/sign-in").await.status, 404);
        assert!(!there.is_bound().await);
    }
}

#[tokio::test]
async fn what_was_used_is_not_used_again() {
    for kind in [Kind::Cas, Kind::Oidc] {
        let there = University::new(kind).await;
        let mut phone = there.phone().await;
        let back = say(leave(&mut phone).await, "2024009").await;
        assert_eq!(phone.get(&back).await.status, 409, "nobody of the directory");
        let asked = there.simulator.stats();
        assert_eq!(phone.get(&back).await.status, 404, "the attempt was made");
        assert_eq!(there.simulator.stats(), asked);

        // A ticket or code of one attempt with the state of another.
        let used = say(leave(&mut phone).await, "liwei").await;
        let fresh = say(leave(&mut phone).await, "liwei").await;
        let used = Url::parse(&format!("http://x{used}")).unwrap();
        let name = if kind == Kind::Cas { "ticket" } else { "code" };
        let of_another = used.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        let refused = phone.get(&with(&fresh, name, &of_another)).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("没有确认您的身份"), "{}", refused.text);
        assert!(
            !refused.text.contains("simulated") && !refused.text.contains(&of_another),
            "{}",
            refused.text
        );
        assert!(!there.is_bound().await);
    }
}

#[tokio::test]
async fn whoever_is_not_in_the_directory_is_told_what_to_do() {
    for kind in [Kind::Cas, Kind::Oidc] {
        let there = University::new(kind).await;
        for login in ["2024009", SCRIPT] {
            let told = there.bind(login).await;
            assert_eq!(told.status, 409);
            assert!(told.text.contains("请联系所在学院或信息中心登记"), "{}", told.text);
            assert!(!told.text.contains("<script>alert"), "{}", told.text);
        }
        let owner = operator(Role::Owner);
        recipients::set_active(&there.campus.app.services, &owner, "2024001", false).await.unwrap();
        assert!(there.bind("liwei").await.text.contains("它已停用"));
        assert!(!there.is_bound().await);
        let mut phone = there.phone().await;
        assert!(!phone.get("/bind/wecom/who").await.text.contains("<form"), "nor is a code the way then");
    }
}

#[tokio::test]
async fn a_sign_in_that_vouches_for_nobody_binds_nobody() {
    let cas = University::new(Kind::Cas).await;
    for code in ["INVALID_TICKET", "INVALID_SERVICE", "INVALID_REQUEST", SCRIPT] {
        cas.faults(SignInCall::Validate, SignInAct::Status(200));
        let mut phone = cas.phone().await;
        let back = say(leave(&mut phone).await, "liwei").await;
        cas.faults(SignInCall::Validate, SignInAct::Refuse(code.to_owned()));
        let refused = phone.get(&back).await;
        assert_eq!(refused.status, 409);
        assert!(
            refused.text.contains("没有确认您的身份") && !refused.text.contains(code),
            "{}",
            refused.text
        );
        assert!(!phone.get("/bind/wecom/who").await.text.contains("<form"), "{code}: a code is not the way");
    }
    let mut phone = cas.phone().await;
    cas.simulator.set_faults(SignInFaults::default());
    let back = say(leave(&mut phone).await, "liwei").await;
    assert_eq!(phone.get(&with(&back, "ticket", "ST 1")).await.status, 409, "no ticket looks so");

    let oidc = University::new(Kind::Oidc).await;
    oidc.faults(SignInCall::Token, SignInAct::Refuse("invalid_grant".to_owned()));
    assert_eq!(oidc.bind("liwei").await.status, 409);
    // What a browser says of why there is no code is anybody's word: no code of ours by that.
    for error in ["access_denied", "server_error", "temporarily_unavailable", SCRIPT] {
        let mut phone = oidc.phone().await;
        let back = with(&say(leave(&mut phone).await, "liwei").await, "code", "");
        let refused = phone.get(&format!("{back}&error={error}&error_description={error}")).await;
        assert_eq!(refused.status, 409);
        assert!(
            refused.text.contains("没有确认您的身份") && !refused.text.contains(error),
            "{}",
            refused.text
        );
        assert!(!phone.get("/bind/wecom/who").await.text.contains("<form"), "{error}");
    }
    assert!(!cas.is_bound().await && !oidc.is_bound().await);
}

#[tokio::test]
async fn a_token_that_is_wrong_in_any_way_proves_nobody() {
    let there = University::new(Kind::Oidc).await;
    for lie in [
        Lie::Expired,
        Lie::Stale,
        Lie::Early,
        Lie::WrongNonce,
        Lie::NoNonce,
        Lie::WrongAudience,
        Lie::SecondAudience,
        Lie::WrongParty,
        Lie::WrongIssuer,
        Lie::BadSignature,
        Lie::AlgNone,
        Lie::Symmetric,
        Lie::UnknownKey,
        Lie::NoToken,
    ] {
        there.faults(SignInCall::Token, SignInAct::Lie(lie));
        let mut phone = there.phone().await;
        let back = say(leave(&mut phone).await, "liwei").await;
        let told = phone.get(&back).await;
        assert_eq!(told.status, 409, "{lie:?}");
        assert!(told.text.contains("给出的结果无法使用"), "{lie:?}: {}", told.text);
        assert!(!phone.get("/bind/wecom/who").await.text.contains("<form"), "{lie:?}: a code is not the way");
    }
    let faults = SignInFaults { userinfo_only: true, ..SignInFaults::default() };
    there.simulator.set_faults(faults.at(SignInCall::Userinfo, SignInAct::Lie(Lie::OtherSubject)));
    assert_eq!(there.bind("liwei").await.status, 409, "somebody else's claims");
    there.simulator.set_faults(SignInFaults::default());
    let mut phone = there.phone().await;
    let back = say(leave(&mut phone).await, "liwei").await;
    assert_eq!(phone.get(&with(&back, "iss", "https://elsewhere.example")).await.status, 409, "RFC 9207");
    assert!(!there.is_bound().await);
    assert_eq!(there.bind("liwei").await.status, 200, "and without a lie it does");
}

#[tokio::test]
async fn while_it_is_down_a_code_is_the_way() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"2024001\">]><serviceResponse><authenticationSuccess><user>&b;</user>\
                </authenticationSuccess></serviceResponse>";
    let flood = "<".repeat(2 << 20);
    let outages = |page: &str| {
        vec![
            SignInAct::Status(500),
            SignInAct::Reset,
            SignInAct::Garbage,
            SignInAct::Say(page.to_owned()),
            SignInAct::Say(flood.clone()),
        ]
    };
    let is_form =
        |page: &Answer| page.text.contains("name=\"campus_id\"") && page.text.contains("暂时无法访问");
    for (kind, call, acts) in [
        (Kind::Cas, SignInCall::Validate, outages(bomb)),
        (Kind::Oidc, SignInCall::Token, outages("{\"access_token\": 1}")),
        (Kind::Oidc, SignInCall::Token, vec![SignInAct::Refuse("invalid_client".to_owned())]),
        (Kind::Oidc, SignInCall::Userinfo, vec![SignInAct::Status(503), SignInAct::Say("[".to_owned())]),
    ] {
        let there = University::new(kind).await;
        let userinfo_only = call == SignInCall::Userinfo;
        for act in acts {
            there.simulator.set_faults(SignInFaults { userinfo_only, ..SignInFaults::default() });
            let mut phone = there.phone().await;
            let back = say(leave(&mut phone).await, "liwei").await;
            let faults = SignInFaults { userinfo_only, ..SignInFaults::default() };
            there.simulator.set_faults(faults.at(call, act.clone()));
            let told = phone.get(&back).await;
            let shown = format!("{act:?}").chars().take(60).collect::<String>();
            assert_eq!(told.status, 303, "{shown} {}", told.text);
            let page = phone.get(told.header("location").unwrap()).await;
            assert!(is_form(&page), "{shown}: {}", page.text);
        }
        assert!(!there.is_bound().await);
    }
    // One that says nothing is not waited for without end.
    for (kind, call) in [(Kind::Cas, SignInCall::Validate), (Kind::Oidc, SignInCall::Token)] {
        let there = University::waiting(kind, &json!({}), 0, Duration::from_secs(1)).await;
        let (mut phone, back) = there.led_back("liwei").await;
        there.faults(call, SignInAct::Hang);
        let told = phone.get(&back).await;
        assert_eq!(told.status, 303, "{call:?} {}", told.text);
        let page = phone.get(told.header("location").unwrap()).await;
        assert!(is_form(&page), "{call:?}: {}", page.text);
        assert!(!there.is_bound().await);
    }
    // Before anybody is sent there.
    for (kind, call) in [
        (Kind::Cas, SignInCall::Validate),
        (Kind::Oidc, SignInCall::Discovery),
        (Kind::Oidc, SignInCall::Keys),
    ] {
        let there = University::new(kind).await;
        there.faults(call, SignInAct::Status(502));
        let mut phone = there.phone().await;
        let told = phone.get("/bind/wecom/sign-in").await;
        assert_eq!((told.status, told.header("location")), (303, Some("/bind/wecom/who?lang=zh-CN")));
        assert!(is_form(&phone.get("/bind/wecom/who").await));
        // It goes on to the end, and who asked once may ask again.
        assert_eq!(phone.ask("2024001").await.status, 303);
        // Two on the way at once may arrive in any order.
        assert!(there.campus.code().await.is_some());
        assert_eq!(phone.ask("2024001").await.status, 303);
        let code = there.campus.code().await.unwrap();
        assert_eq!(phone.type_in(&code).await.status, 200);
        assert_eq!(there.campus.wecom_userid("2024001").await, "liwei");
        // Whoever begins anew is sent there first.
        let mut other = there.phone().await;
        assert!(!is_form(&other.get("/bind/wecom/who").await), "{call:?}");
    }
}

#[tokio::test]
async fn what_the_issuer_says_of_itself_is_kept_and_a_new_key_is_found() {
    let there = University::new(Kind::Oidc).await;
    for _ in 0..3 {
        assert_eq!(there.bind("liwei").await.status, 200);
    }
    let asked = |stats: belltower::simulator::CampusSignInStats| (stats.discovery, stats.keys);
    assert_eq!(asked(there.simulator.stats()), (1, 1));
    there.simulator.rotate_key().unwrap();
    there.campus.app.clock.turn(10_000);
    assert_eq!(there.bind("liwei").await.status, 200, "with the new key");
    assert_eq!(asked(there.simulator.stats()), (2, 2));
    there.faults(SignInCall::Token, SignInAct::Lie(Lie::UnknownKey));
    for _ in 0..3 {
        assert_eq!(there.bind("liwei").await.status, 409);
    }
    assert_eq!(asked(there.simulator.stats()), (2, 2), "nobody makes us ask all the time");
    there.simulator.set_faults(SignInFaults::default());
    there.campus.app.clock.turn(Duration::from_hours(1).as_millis() as i64);
    assert_eq!(there.bind("liwei").await.status, 200);
    assert_eq!(asked(there.simulator.stats()), (3, 3), "an hour");

    let down = University::new(Kind::Oidc).await;
    down.faults(SignInCall::Discovery, SignInAct::Status(500));
    for _ in 0..3 {
        assert_eq!(down.phone().await.get("/bind/wecom/sign-in").await.status, 303);
    }
    assert_eq!(down.simulator.stats().discovery, 1, "nor where it is down");
    down.simulator.set_faults(SignInFaults::default());
    down.campus.app.clock.turn(10_000);
    assert_eq!(down.bind("liwei").await.status, 200);
}

#[tokio::test]
async fn secrets_go_where_the_issuer_is_and_no_further_in_clear() {
    let there = University::new(Kind::Oidc).await;
    let issuer = there.simulator.oidc()["url"].as_str().unwrap().to_owned();
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let mut said = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        said[name] = "http://elsewhere.invalid/".into();
        there.faults(SignInCall::Discovery, SignInAct::Say(said.to_string()));
        there.campus.app.clock.turn(Duration::from_hours(1).as_millis() as i64);
        let mut phone = there.phone().await;
        let told = phone.get("/bind/wecom/sign-in").await;
        let location = told.header("location").unwrap();
        if name == "token_endpoint" {
            let back = say(Url::parse(location).unwrap(), "liwei").await;
            assert_eq!(phone.get(&back).await.status, 303, "{name}");
        } else {
            assert_eq!(location, "/bind/wecom/who?lang=zh-CN", "{name}");
        }
        assert!(phone.get("/bind/wecom/who").await.text.contains("暂时无法访问"), "{name}");
    }
    let mut said = json!({ "issuer": "https://elsewhere.example" });
    said["jwks_uri"] = format!("{issuer}/jwks").into();
    there.faults(SignInCall::Discovery, SignInAct::Say(said.to_string()));
    there.campus.app.clock.turn(Duration::from_hours(1).as_millis() as i64);
    assert!(
        there
            .phone()
            .await
            .get("/bind/wecom/sign-in")
            .await
            .header("location")
            .unwrap()
            .starts_with("/bind/")
    );
}

#[tokio::test]
async fn universities_have_their_own_ways_of_saying_who_it_is() {
    let cas = University::with(Kind::Cas, &json!({"attribute": "cn"}), 0).await;
    assert!(cas.bind("liwei").await.text.contains("人员名单中没有"), "a name is no campus id");
    for attribute in ["memberOf", "studentNumber"] {
        let cas = University::with(Kind::Cas, &json!({ "attribute": attribute }), 0).await;
        let told = cas.bind("liwei").await;
        assert!(told.status == 409 && told.text.contains("给出的结果无法使用"), "{attribute}: {}", told.text);
    }
    for (more, userinfo_only, secret_in_body, status) in [
        (json!({}), true, false, 200),
        (json!({}), false, true, 200),
        (json!({"attribute": "sub"}), false, false, 409),
        (json!({"attribute": "employee_no"}), false, false, 409),
        (json!({"client_secret": "guessed"}), false, false, 303),
    ] {
        let oidc = University::with(Kind::Oidc, &more, 0).await;
        let faults = SignInFaults { userinfo_only, secret_in_body, ..SignInFaults::default() };
        oidc.simulator.set_faults(faults);
        let done = oidc.bind("liwei").await;
        assert_eq!(done.status, status, "{more} {}", done.text);
        assert_eq!(oidc.is_bound().await, status == 200, "{more}");
        assert_eq!(oidc.simulator.stats().userinfo > 0, userinfo_only || more["attribute"] == "employee_no");
    }
}

#[tokio::test]
async fn clocks_may_be_two_minutes_apart() {
    for (ahead, status) in [(115_000, 200), (-115_000, 200), (125_000, 409), (-900_000, 409)] {
        let there = University::with(Kind::Oidc, &json!({}), ahead).await;
        assert_eq!(there.bind("liwei").await.status, status, "{ahead}");
    }
}

#[tokio::test]
async fn without_a_sign_in_everything_is_as_it_was() {
    let campus = Campus::new().await;
    let mut phone = Phone::new(&campus);
    let who = phone.sign_in("liwei").await;
    assert!(phone.get(&who).await.text.contains("name=\"campus_id\""));
    for path in ["/bind/wecom/sign-in", "/bind/signed-in?state=x&ticket=ST-1"] {
        assert_eq!(phone.get(path).await.status, 404, "{path}");
    }
    phone.ask("2024001").await;
    let code = campus.code().await.unwrap();
    phone.get("/bind/wecom/sign-in").await;
    assert_eq!(phone.type_in(&code).await.status, 200, "the code holds");
}

#[tokio::test]
async fn what_a_browser_brings_about_is_no_outage() {
    for (kind, call) in [
        (Kind::Cas, SignInCall::Validate),
        (Kind::Oidc, SignInCall::Token),
        (Kind::Oidc, SignInCall::Userinfo),
    ] {
        let there = University::new(kind).await;
        let refusals = [302, 400, 403, 414, 429].map(SignInAct::Status).into_iter();
        let said = ["invalid_grant", "invalid_request", "unauthorized_client"].map(str::to_owned);
        let said = said.into_iter().filter(|_| call == SignInCall::Token).map(SignInAct::Refuse);
        for act in refusals.chain(said) {
            let faults = || SignInFaults { userinfo_only: true, ..SignInFaults::default() };
            there.simulator.set_faults(faults());
            let mut phone = there.phone().await;
            let back = say(leave(&mut phone).await, "liwei").await;
            there.simulator.set_faults(faults().at(call, act.clone()));
            assert_eq!(phone.get(&back).await.status, 409, "{call:?} {act:?}");
            let page = phone.get("/bind/wecom/who").await;
            assert!(!page.text.contains("name=\"campus_id\""), "{call:?} {act:?}: a code is not the way");
        }
        assert!(!there.is_bound().await);
    }
}
