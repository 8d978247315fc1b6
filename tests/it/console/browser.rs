//! A browser without script: keeps cookies, follows no redirect by itself, fills in forms.

use std::collections::BTreeMap;

use belltower::domain::grant::Grant;
use belltower::domain::operator::Role;
use belltower::service::operators::{self, NewOperator};
use reqwest::{Client, Method, RequestBuilder};

use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};

const PASSWORD: &str = "seven quiet lamps by the lake";

#[derive(Clone)]
pub(super) struct Browser {
    url: String,
    client: Client,
    cookies: BTreeMap<String, String>,
    /// What a proxy would say of where it comes from.
    from: Option<String>,
}

impl Browser {
    pub(super) fn new(app: &TestApp) -> Self {
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url: app.url.clone(), client, cookies: BTreeMap::new(), from: None }
    }

    /// As a proxy hands its requests on.
    pub(super) fn coming_from(app: &TestApp, address: &str) -> Self {
        Self { from: Some(address.to_owned()), ..Self::new(app) }
    }

    /// With the session of a new operator of that role.
    pub(super) async fn signed_in(app: &TestApp, role: Role) -> Self {
        Self::holding(app, &role.to_string(), role.into()).await
    }

    /// With the session of a new operator of that name in their address, who holds that.
    pub(super) async fn holding(app: &TestApp, name: &str, grant: Grant) -> Self {
        let new = NewOperator {
            email: format!("{name}@bell.example"),
            name: "周敏".to_owned(),
            grants: vec![grant],
            password: Some(PASSWORD.to_owned()),
        };
        operators::create(&app.services, &TERMINAL, new).await.unwrap();
        Self::entering(app, name).await
    }

    /// With a new session of the operator of that role.
    pub(super) async fn coming_back(app: &TestApp, role: Role) -> Self {
        Self::entering(app, &role.to_string()).await
    }

    async fn entering(app: &TestApp, name: &str) -> Self {
        let email = format!("{name}@bell.example");
        let mut browser = Self::new(app);
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        let answer = browser.submit("/sign-in", "/sign-in", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/console")), "{}", answer.text);
        browser
    }

    /// From now on its requests come to that node.
    pub(super) fn led_to(&mut self, app: &TestApp) {
        self.url.clone_from(&app.url);
    }

    pub(super) fn keep(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    async fn ask(&mut self, mut request: RequestBuilder) -> Answer {
        if let Some(address) = &self.from {
            request = request.header("x-forwarded-for", address);
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = Answer::of(request.header("cookie", cookies.join("; "))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url)).header("accept", "text/html");
        self.ask(request).await
    }

    /// As htmx asks for a part of a page.
    pub(super) async fn partial(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        self.ask(request.header("hx-request", "true").header("hx-request-type", "partial")).await
    }

    /// What forms carry, from the page at `on`.
    pub(super) async fn token(&mut self, on: &str) -> String {
        let page = self.get(on).await;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Fills in a form of the page at `on`.
    pub(super) async fn submit(&mut self, on: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.token(on).await;
        self.post(action, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// Fills in a form of the page at `on` that has a file, which comes last.
    pub(super) async fn upload(
        &mut self,
        on: &str,
        action: &str,
        fields: &[(&str, &str)],
        file: (&str, &[u8]),
    ) -> Answer {
        let csrf = self.token(on).await;
        self.post_file(action, &[&[("csrf", csrf.as_str())], fields].concat(), file).await
    }

    /// A form with a file as it is.
    pub(super) async fn post_file(
        &mut self,
        action: &str,
        fields: &[(&str, &str)],
        (name, content): (&str, &[u8]),
    ) -> Answer {
        const BOUNDARY: &str = "----the-boundary";
        let mut body = Vec::new();
        for (field, value) in fields {
            let part = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let request = self
            .client
            .request(Method::POST, format!("{}{action}", self.url))
            .header("accept", "text/html")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(body);
        self.ask(request).await
    }

    /// A form's fields as they are.
    pub(super) async fn post(&mut self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .client
            .request(Method::POST, format!("{}{action}", self.url))
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.ask(request).await
    }
}
