use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::*;
use crate::simulator::VendorClock;
use crate::simulator::http::call;

const BACK: &str = "http://127.0.0.1:8080/bind/signed-in";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct There {
    simulator: CampusSignInSimulator,
    time: Arc<AtomicI64>,
}

impl There {
    async fn new() -> Self {
        let time = Arc::new(AtomicI64::new(1_790_000_000_000));
        let shown = Arc::clone(&time);
        let clock = VendorClock(Arc::new(move || shown.load(Relaxed)));
        let accounts =
            vec![Account { login: "liwei".into(), campus_id: "2024001".into(), name: "李伟".into() }];
        let options = CampusSignInOptions { accounts, clock, ..CampusSignInOptions::default() };
        Self { simulator: CampusSignInSimulator::start(options).await.unwrap(), time }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        Url::parse(&format!("http://{}{path}?{query}", self.simulator.addr())).unwrap()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (u16, String) {
        let (status, body) = call("GET", &self.url(path, query), "", b"").await.unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// What a browser is led back with.
    fn led(&self, path: &str, query: &[(&str, &str)]) -> BTreeMap<String, String> {
        let answer = match path {
            "/cas/login" => cas::answer(&self.simulator.vendor, &asked(path, query)),
            _ => oidc::answer(&self.simulator.vendor, &asked(path, query)),
        };
        let crate::simulator::http::Answer::Other { status: 302, headers, .. } = answer else {
            panic!("{answer:?}")
        };
        Url::parse(&headers[0].1).unwrap().query_pairs().into_owned().collect()
    }

    async fn validated(&self, service: &str, ticket: &str) -> String {
        self.get("/cas/p3/serviceValidate", &[("service", service), ("ticket", ticket)]).await.1
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let url = self.url("/oidc/token", &[]);
        let (status, body) =
            call("POST", &url, "application/x-www-form-urlencoded", body.as_bytes()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// What a service sends for a code.
fn exchange<'a>(code: &'a str, secret: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("client_id", "belltower"),
        ("client_secret", secret),
        ("code_verifier", VERIFIER),
        ("code", code),
    ]
}

fn asked(path: &str, query: &[(&str, &str)]) -> crate::simulator::http::Request {
    crate::simulator::http::Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_cas_ticket_is_good_once_for_its_service_and_soon_over() {
    let there = There::new().await;
    let service = format!("{BACK}?state=s");
    let login = [("service", service.as_str()), ("as", "liwei")];
    let ticket = there.led("/cas/login", &login)["ticket"].clone();
    assert!(ticket.starts_with("ST-"));
    let said = there.validated(&service, &ticket).await;
    assert!(said.contains("<cas:user>liwei</cas:user>"), "{said}");
    assert!(said.contains("<cas:employeeNumber>2024001</cas:employeeNumber>"), "{said}");
    assert!(there.validated(&service, &ticket).await.contains("INVALID_TICKET"), "once");

    let ticket = there.led("/cas/login", &login)["ticket"].clone();
    assert!(there.validated(BACK, &ticket).await.contains("INVALID_SERVICE"));
    assert!(
        there.validated(&service, &ticket).await.contains("INVALID_TICKET"),
        "it is used up all the same"
    );

    let ticket = there.led("/cas/login", &login)["ticket"].clone();
    there.time.fetch_add(10_000, Relaxed);
    assert!(there.validated(&service, &ticket).await.contains("INVALID_TICKET"), "ten seconds");
    assert!(there.validated("", "").await.contains("INVALID_REQUEST"));
    assert_eq!(there.simulator.stats().validate, 6);
}

#[tokio::test]
async fn a_code_is_exchanged_for_a_signed_token_by_whoever_has_secret_and_verifier() {
    let there = There::new().await;
    there.simulator.set_faults(SignInFaults { secret_in_body: true, ..SignInFaults::default() });
    let authorize = [
        ("response_type", "code"),
        ("client_id", "belltower"),
        ("scope", "openid profile"),
        ("redirect_uri", BACK),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("as", "liwei"),
    ];
    let secret = there.simulator.oidc()["client_secret"].as_str().unwrap().to_owned();
    let back = there.led("/oidc/authorize", &authorize);
    assert_eq!(
        (back["state"].as_str(), back["iss"].as_str()),
        ("s", there.simulator.oidc()["url"].as_str().unwrap())
    );
    let (status, said) = there.token(&exchange(&back["code"], &secret)).await;
    assert_eq!(status, 200, "{said}");
    let parts: Vec<_> = said["id_token"].as_str().unwrap().split('.').collect();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    assert_eq!((&claims["nonce"], &claims["aud"]), (&json!("n"), &json!("belltower")));
    assert_eq!(claims["preferred_username"], "2024001");
    let keys: Value = serde_json::from_str(&there.get("/oidc/jwks", &[]).await.1).unwrap();
    let half = |name: &str| decoded(keys["keys"][0][name].as_str().unwrap());
    let point = [vec![4], half("x"), half("y")].concat();
    let input = format!("{}.{}", parts[0], parts[1]);
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(input.as_bytes(), &decoded(parts[2])).unwrap();
    assert_eq!(there.token(&exchange(&back["code"], &secret)).await.1["error"], "invalid_grant", "once");

    for (name, wrong, error) in [
        ("code_verifier", CHALLENGE, "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:8080/", "invalid_grant"),
        ("client_secret", "guessed", "invalid_client"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let back = there.led("/oidc/authorize", &authorize);
        let mut fields = exchange(&back["code"], &secret);
        fields.iter_mut().find(|field| field.0 == name).unwrap().1 = wrong;
        assert_eq!(there.token(&fields).await.1["error"], error, "{name}");
    }
    let (status, _) = there.get("/oidc/userinfo", &[]).await;
    assert_eq!(status, 401);
    for wrong in [("response_type", "token"), ("client_id", "library"), ("code_challenge_method", "plain")] {
        let mut query: BTreeMap<_, _> = authorize.into();
        query.insert(wrong.0, wrong.1);
        let (status, said) = there.get("/oidc/authorize", &query.into_iter().collect::<Vec<_>>()).await;
        assert!(status == 200 && said.contains("请求不正确"), "{wrong:?}");
    }
}

#[tokio::test]
async fn its_page_offers_whom_it_knows_and_it_is_steered_over_its_port() {
    let there = There::new().await;
    let (_, page) = there.get("/cas/login", &[("service", &format!("{BACK}?a=\"<b>"))]).await;
    assert!(page.contains("value=\"liwei\">李伟（2024001）") && !page.contains("<b>"), "{page}");
    let (_, page) = there.get("/cas/login", &[("service", "javascript:alert(1)")]).await;
    assert!(page.contains("未认证授权的服务"), "{page}");

    let steer = async |path: &str, body: &str| {
        call("POST", &there.url(path, &[]), "application/json", body.as_bytes()).await.unwrap().0
    };
    let faults = r#"{"faults": [{"at": "validate", "times": 1, "act": {"status": 503}},
        {"at": "token", "act": {"lie": "alg_none"}}, {"at": "keys", "act": "hang"}]}"#;
    assert_eq!(steer("/control", faults).await, 200);
    assert_eq!(there.get("/cas/p3/serviceValidate", &[]).await.0, 503);
    assert_eq!(there.get("/cas/p3/serviceValidate", &[]).await.0, 200, "the first time only");
    assert_eq!(steer("/control", "{\"faults\": 7}").await, 400);
    let before = there.get("/oidc/.well-known/openid-configuration", &[]).await;
    assert_eq!(before.0, 200);
    assert_eq!(steer("/control", "").await, 200);
    let key = there.get("/oidc/jwks", &[]).await.1;
    assert_eq!(steer("/control/rotate_key", "").await, 200);
    assert_ne!(there.get("/oidc/jwks", &[]).await.1, key);
    assert_eq!(steer("/control/reset", "").await, 200);
    assert_eq!(there.simulator.stats(), CampusSignInStats::default());
}
