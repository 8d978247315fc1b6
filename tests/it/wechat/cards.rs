//! What a WeCom application's messages look like, and what is done about a card that was answered.

use belltower::channel::wechat::wecom::Wecom;
use belltower::domain::id::MessageId;

use super::*;

const MESSAGE: &str = "/cgi-bin/message/send";
const PAGE: &str = "https://bell.campus.example/m/x";

/// An application whose vendor says what a test has it say.
struct Application {
    vendor: Vendor,
    wecom: Wecom,
}

impl Application {
    async fn over(
        more: Value,
        script: impl Fn(&Call, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let vendor = Vendor::start(script).await;
        let mut settings = json!({
            "corp_id": "ww1", "secret": "hunter2", "agent_id": 1_000_002, "endpoint": vendor.url, "timeout_seconds": 5,
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let site = adapters::site(&Clock::manual(START));
        let wecom = Wecom::new(&settings, &site).unwrap_or_else(|faults| panic!("{faults:?}"));
        Self { vendor, wecom }
    }

    async fn looking(message: &str) -> Self {
        Self::over(json!({ "message": message }), |_, _| None).await
    }

    /// What is sent to so many members, each with a page of their own.
    async fn send(&self, members: i64, link: Option<&str>, emergency: bool) -> Value {
        let content = Arc::new(Rendered::new("停水通知", "今晚 22:00 起。", link));
        let parcels: Vec<_> = (1..=members)
            .map(|n| Parcel {
                address_kind: AddressKind::WecomUserid,
                address: format!("u{n}"),
                content: content.clone(),
                page: Some(PAGE.into()),
                emergency,
                ..parcel(n)
            })
            .collect();
        let outcomes = self.wecom.send(&parcels).await;
        assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted), "{outcomes:?}");
        let calls = self.vendor.calls(MESSAGE);
        assert_eq!(calls.len(), 1, "one text is one call");
        calls[0].body.clone()
    }
}

#[tokio::test]
async fn a_card_opens_ones_own_page_only_where_the_call_is_for_one_person() {
    const LINK: Option<&str> = Some("https://jw.example/x");
    for (look, pointer) in
        [("textcard", "/textcard/url"), ("template_card", "/template_card/card_action/url")]
    {
        for (members, link, expected) in [(1, LINK, PAGE), (1, None, PAGE), (2, LINK, "https://jw.example/x")]
        {
            let sent = Application::looking(look).await.send(members, link, false).await;
            assert_eq!(
                (sent["msgtype"].as_str(), sent.pointer(pointer)),
                (Some(look), Some(&json!(expected)))
            );
        }
        let nothing = Application::looking(look).await.send(2, None, false).await;
        assert_eq!(nothing["msgtype"], "text", "{look}: nothing to open");
    }
    let markdown = Application::looking("markdown").await.send(2, None, false).await;
    assert_eq!(markdown["markdown"]["content"], "**停水通知**\n\n今晚 22:00 起。");
}

fn asking() -> Value {
    json!({
        "message": "template_card", "callback_token": seal::TOKEN, "callback_aes_key": seal::KEY,
        "buttons": [{ "key": "received", "text": "收到" }],
    })
}

#[tokio::test]
async fn a_card_with_buttons_is_one_call_for_many() {
    let application = Application::over(asking(), |_, _| None).await;
    let card = application.send(1_000, None, false).await["template_card"].clone();
    assert_eq!(card["card_type"], "button_interaction");
    assert_eq!(card["button_list"][0]["text"], "收到");
    let task = card["task_id"].as_str().unwrap();
    assert!(task.starts_with(&MessageId(1).to_string()), "{task}");
    assert_eq!(card.get("card_action"), None, "a page is one person's own");
}

#[tokio::test]
async fn only_who_may_have_a_card_with_buttons_is_asked() {
    let asked = async |application: &Application| {
        let parcels = [Parcel { address_kind: AddressKind::WecomUserid, ..parcel(1) }];
        let outcome = application.wecom.send(&parcels).await.remove(0);
        (outcome.class, outcome.asked)
    };
    let application = Application::over(asking(), |_, _| None).await;
    assert_eq!(asked(&application).await, (OutcomeClass::Accepted, true));
    let silent =
        Application::over(asking(), |call, _| (call.path == MESSAGE).then_some(Reply::Silence)).await;
    assert_eq!(asked(&silent).await, (OutcomeClass::Unknown, true));
    let refusing =
        Application::over(asking(), |call, _| (call.path == MESSAGE).then(|| errcode(40_058, "no"))).await;
    assert_eq!(asked(&refusing).await.0, OutcomeClass::PermanentMessage);
    let looking = Application::looking("template_card").await;
    assert_eq!(asked(&looking).await, (OutcomeClass::Accepted, false));
}

#[tokio::test]
async fn a_card_that_was_answered_says_so() {
    let path = "/cgi-bin/message/update_template_card";
    let application = Application::over(json!({}), |_, _| None).await;
    for (text, words) in [("收到", "已回复：收到"), ("Got it", "Answered: Got it")] {
        let outcome = application.wecom.show_answer("code-1", "lina", text).await;
        assert_eq!(outcome.class, OutcomeClass::Accepted);
        let expected = json!({
            "userids": ["lina"], "agentid": 1_000_002, "response_code": "code-1", "button": { "replace_name": words },
        });
        assert_eq!(application.vendor.calls(path).last().unwrap().body, expected);
    }
    for (reply, class) in [
        (errcode(42_045, "response_code has been used"), OutcomeClass::PermanentMessage),
        (errcode(60_111, "userid not found"), OutcomeClass::PermanentRecipient),
        (errcode(45_009, "api freq out of limit"), OutcomeClass::Throttled),
        (errcode(-1, "system busy"), OutcomeClass::Transient),
        (errcode(48_002, "api forbidden"), OutcomeClass::Config),
        (Reply::Status(502), OutcomeClass::Transient),
        (Reply::Silence, OutcomeClass::Unknown),
    ] {
        let (said, told) = (reply.clone(), format!("{reply:?}"));
        let script = move |call: &Call, _| (call.path == path).then(|| said.clone());
        let outcome = Application::over(json!({}), script).await.wecom.show_answer("c", "lina", "收到").await;
        assert_eq!(outcome.class, class, "{told}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_trusted_is_named_with_where_to_add_it() {
    let words = "not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at https://a.b";
    let application = Application::over(json!({}), move |call, _| {
        call.path.ends_with("/agent/get").then(|| errcode(60_020, words))
    })
    .await;
    let refusal = application.wecom.check().await.unwrap_err();
    assert_eq!(
        (refusal.code.as_deref(), refusal.seen_address.as_deref()),
        (Some("60020"), Some("203.0.113.7"))
    );
    assert!(refusal.words.contains("add 203.0.113.7 to 企业可信IP"), "{}", refusal.words);
    assert_eq!(application.wecom.advice("60020"), Some(belltower::domain::provider::Advice::AllowAddress));
}
