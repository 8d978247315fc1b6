//! What a WeCom application's messages look like, and what is done about a card that was answered.

use belltower::channel::wechat::wecom::Wecom;

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

#[tokio::test]
async fn nobody_is_asked_for_what_nobody_would_read() {
    let more = json!({
        "message": "template_card", "callback_token": seal::TOKEN, "callback_aes_key": seal::KEY,
    });
    let hearing = Application::over(more, |_, _| None).await;
    let sent = hearing.send(1, None, true).await;
    assert_eq!(sent["template_card"]["card_type"], "text_notice");
    assert_eq!(sent["template_card"].get("button_list"), None);
}

#[tokio::test]
async fn a_card_that_was_answered_says_so() {
    let path = "/cgi-bin/message/update_template_card";
    let application = Application::over(json!({}), |_, _| None).await;
    application.wecom.answer_card("code-1", "lina", "已收到").await.unwrap();
    let expected = json!({
        "userids": ["lina"], "agentid": 1_000_002, "response_code": "code-1", "button": { "replace_name": "已收到" },
    });
    assert_eq!(application.vendor.calls(path)[0].body, expected);
    let used = Application::over(json!({}), move |call, _| {
        (call.path == path).then(|| errcode(42_045, "response_code has been used"))
    })
    .await;
    let refusal = used.wecom.answer_card("code-1", "lina", "已收到").await.unwrap_err();
    assert_eq!(refusal.words, "42045 response_code has been used");
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
