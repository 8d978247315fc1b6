//! What a call says, and who shares it.

use belltower::domain::provider::Advice;

use super::*;

#[tokio::test]
async fn a_call_is_signed_anew_each_time_and_says_what_it_is_to() {
    let account = account(|_| taken()).await;
    for _ in 0..2 {
        let outcome = account.send(parcel(1, "+8613800000001")).await;
        assert_eq!((outcome.class, outcome.reference.as_deref()), (OutcomeClass::Accepted, Some("9000^0")));
    }
    let asked = account.vendor.asked();
    let first = &asked[0];
    assert_eq!(first.header("x-acs-action"), "SendSms");
    assert_eq!(first.header("x-acs-version"), "2017-05-25");
    assert_eq!(first.header("x-acs-date"), &START.to_string().replace(".000Z", "Z"));
    assert!(account.vendor.url.ends_with(first.header("host")));
    assert!(
        first
            .header("authorization")
            .starts_with("ACS3-HMAC-SHA256 Credential=LTAI5tExample,SignedHeaders=host;")
    );
    assert_ne!(first.header("x-acs-signature-nonce"), asked[1].header("x-acs-signature-nonce"));
    assert_ne!(first.header("authorization"), asked[1].header("authorization"));
    assert_eq!(first.field("Format"), "JSON");
    assert_eq!((first.field("PhoneNumbers"), first.field("SignName")), ("13800000001", "钟楼大学"));
    assert_eq!(first.field("OutId"), DeliveryId(1).to_string());
    assert_eq!(first.field("OutId"), asked[1].field("OutId"), "by which it is known again");
    let variables: Value = serde_json::from_str(first.field("TemplateParam")).unwrap();
    assert_eq!(variables, json!({"title": "期末考试安排", "body": "地点：教三 204。"}));
}

#[tokio::test]
async fn who_gets_the_same_shares_a_call_and_others_have_variables_each() {
    let account = account(|_| taken()).await;
    let outcomes = account.channel.send(&parcels(250)).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    assert_eq!(actions(&account), ["SendSms"]);

    let mut own = parcels(150);
    for (n, parcel) in own.iter_mut().enumerate() {
        parcel.content = content("成绩", &format!("第 {n} 名"));
    }
    let outcomes = account.channel.send(&own).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    let asked = account.vendor.asked();
    // A hundred at most, and no longer than an address may be.
    assert!((2..=4).contains(&asked.len()), "{}", asked.len());
    for asked in &asked {
        assert_eq!(asked.header("x-acs-action"), "SendBatchSms");
        let variables: Vec<Value> = serde_json::from_str(asked.field("TemplateParamJson")).unwrap();
        for (number, variables) in numbers(asked).iter().zip(variables) {
            let n: usize = number[3..].parse().unwrap();
            assert_eq!(variables["body"], format!("第 {} 名", n - 1), "each their own");
        }
    }
}

#[tokio::test]
async fn values_are_cut_where_it_shows_and_none_is_empty() {
    let account = account(|_| taken()).await;
    let long = Parcel { content: content("", &"很".repeat(50)), ..parcel(1, "+8613800000001") };
    assert_eq!(account.send(long).await.class, OutcomeClass::Accepted);
    let asked = account.vendor.asked();
    let variables: Value = serde_json::from_str(asked[0].field("TemplateParam")).unwrap();
    assert_eq!(variables, json!({"title": "-", "body": format!("{}…", "很".repeat(34))}));
}

#[tokio::test]
async fn without_a_template_a_message_says_what_is_to_be_configured() {
    let vendor = Vendor::new(|_| taken()).await;
    let mut settings = settings(&vendor);
    settings["default_template"] = Value::Null;
    settings["templates"] = json!({"due": {"code": "SMS_2", "variables": {"书": "book"}}});
    let channel = adapter(ProviderKind::AliyunSms, &settings, &Clock::manual(START));
    let outcome = channel.send(&[parcel(1, "+8613800000001")]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::PermanentMessage);
    assert_eq!(outcome.code.as_deref(), Some("belltower.no_template"));
    assert!(outcome.detail.unwrap().contains("default_template"));
    assert_eq!(channel.advice("belltower.no_template"), Some(Advice::Template));

    let due = Parcel { template: Some("due".into()), ..parcel(1, "+8613800000001") };
    let outcome = channel.send(std::slice::from_ref(&due)).await.remove(0);
    assert_eq!(outcome.code.as_deref(), Some("belltower.variable"), "{outcome:?}");
    let params = [("book".to_owned(), json!("三体"))].into();
    let outcome = channel.send(&[Parcel { params: Arc::new(params), ..due }]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::Accepted);
    let asked = vendor.asked();
    assert_eq!(asked.len(), 1, "nothing was sent before");
    assert_eq!(
        (asked[0].field("TemplateCode"), asked[0].field("TemplateParam")),
        ("SMS_2", r#"{"书":"三体"}"#)
    );
}

#[tokio::test]
async fn other_countries_go_by_themselves_and_none_is_taken_for_the_mainland() {
    let account = account(|_| taken()).await;
    let all = [
        parcel(1, "+8613800000001"),
        parcel(2, "+85261234567"),
        parcel(3, "+13105550100"),
        parcel(4, "+12125550100"),
    ];
    let outcomes = account.channel.send(&all).await;
    use OutcomeClass::{Accepted, PermanentRecipient};
    assert_eq!(classes(&outcomes), [Accepted, Accepted, PermanentRecipient, Accepted]);
    assert_eq!(outcomes[2].code.as_deref(), Some("belltower.mistaken_number"));
    let mut numbers: Vec<_> =
        account.vendor.asked().iter().map(|a| a.field("PhoneNumbers").to_owned()).collect();
    numbers.sort();
    assert_eq!(numbers, ["13800000001", "85261234567,12125550100"]);
}
