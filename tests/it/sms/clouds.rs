//! Both clouds as their simulators answer, which reckon signatures anew and know nothing of the adapters: the whole way
//! from a message to its receipt.

use belltower::channel::Sent;
use belltower::domain::delivery::State;
use belltower::simulator::{
    AliyunOptions, AliyunSimulator, Moment, ReportPlan, SmsAct, SmtpOptions, SmtpSimulator, SmtpTls,
    TencentOptions, TencentSimulator, VendorClock,
};
use belltower::store::Db;

use super::vendor::Campus;
use super::*;
use crate::support::app::TestApp;
use crate::support::on_both;

fn time_of(clock: &Clock) -> VendorClock {
    let clock = clock.clone();
    VendorClock(Arc::new(move || clock.now().millis()))
}

pub(super) async fn aliyun(clock: &Clock) -> AliyunSimulator {
    let options = AliyunOptions { clock: time_of(clock), ..AliyunOptions::default() };
    AliyunSimulator::start(options).await.unwrap()
}

pub(super) async fn tencent(clock: &Clock) -> TencentSimulator {
    let options = TencentOptions { clock: time_of(clock), ..TencentOptions::default() };
    TencentSimulator::start(options).await.unwrap()
}

/// What came, in its order: number and text.
fn came(inbox: &Inbox) -> Vec<(String, String)> {
    let page = inbox.list(&InboxQuery { limit: 1_000, ..InboxQuery::default() });
    page.texts.into_iter().rev().map(|sms| (sms.number, sms.text)).collect()
}

fn plan(bad: &str) -> ReportPlan {
    ReportPlan { statuses: [("*2".to_owned(), bad.to_owned())].into(), copies: 2, ..ReportPlan::default() }
}

/// What receipts said of three numbers, the second of which does not exist.
async fn has_receipts(campus: &Campus, message: &str, bad: &str) {
    campus.app.drain().await;
    let states = campus.states(message).await;
    let of = |end: &str| (states[end].0.as_str(), states[end].1.as_deref());
    assert_eq!(of("0001").0, "delivered");
    assert_eq!(of("0002"), ("failed", Some(bad)));
    assert_eq!(of("0003").0, "delivered");
}

on_both!(by_alibaba_cloud_a_message_is_sent_and_its_receipts_say_who_got_it, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let account = aliyun(&app.clock).await;
    account.set_reports(plan("MOBILE_NOT_ON_SERVICE"));
    let campus = Campus::new(app, ProviderKind::AliyunSms, &account.settings()).await;
    // Its console waits for less than a second, and whoever sets it up tries again.
    let mut checked = account.check(&campus.callback).await;
    for _ in 0..20 {
        if checked.is_ok() {
            break;
        }
        checked = account.check(&campus.callback).await;
    }
    checked.unwrap();
    let message = campus.send(&[1, 2, 3]).await;
    assert_eq!(account.stats().send_sms, 1, "one call for all");
    let came = came(&account.inbox());
    assert_eq!(came.len(), 3);
    assert_eq!(came[0].1, "【钟楼大学】考试：改在教三");
    assert_eq!(campus.state(&message).await.0, "sent");
    for pushed in account.push(&campus.callback).await {
        assert_eq!(pushed.status, 200);
    }
    has_receipts(&campus, &message, "MOBILE_NOT_ON_SERVICE").await;
});

on_both!(by_tencent_cloud_a_message_is_sent_and_its_receipts_say_who_got_it, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let account = tencent(&app.clock).await;
    account.set_reports(plan("UNDELIV"));
    let campus = Campus::new(app, ProviderKind::TencentSms, &account.settings()).await;
    let message = campus.send(&[1, 2, 3]).await;
    assert_eq!(account.stats().send_sms, 1, "one call for all");
    assert_eq!(came(&account.inbox()).len(), 3);
    for pushed in account.push(&campus.callback).await {
        assert_eq!(pushed.status, 200);
    }
    has_receipts(&campus, &message, "UNDELIV").await;
});

on_both!(a_receipt_that_no_text_can_hold_keeps_nobody_from_theirs, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let account = aliyun(&app.clock).await;
    account.set_reports(plan("MOBILE_NOT_ON_SERVICE"));
    let campus = Campus::new(app, ProviderKind::AliyunSms, &account.settings()).await;
    let message = campus.send(&[1, 2, 3]).await;
    let nul = "\u{0}";
    for told in [
        json!([{"phone_number": "13800000009", "biz_id": nul, "out_id": nul, "success": true, "err_code": nul, "err_msg": nul}]),
        json!([{"phone_number": nul, "content": "T\u{0}", "sign_name": nul, "dest_code": nul}]),
    ] {
        let told = campus.app.client.post(campus.callback.clone()).json(&told).send().await.unwrap();
        assert_eq!(told.status(), 200);
    }
    for pushed in account.push(&campus.callback).await {
        assert_eq!(pushed.status, 200);
    }
    has_receipts(&campus, &message, "MOBILE_NOT_ON_SERVICE").await;
});

#[tokio::test]
async fn a_vendor_that_is_not_who_it_should_be_must_be_looked_at() {
    let options = SmtpOptions { tls: SmtpTls::Implicit, ..SmtpOptions::default() };
    let impostor = SmtpSimulator::start(options).await.unwrap();
    let clock = Clock::manual(START);
    for (kind, mut settings) in [
        (ProviderKind::AliyunSms, aliyun(&clock).await.settings()),
        (ProviderKind::TencentSms, tencent(&clock).await.settings()),
    ] {
        settings["endpoint"] = json!(format!("https://{}", impostor.addr()));
        let outcome = adapter(kind, &settings, &clock).send(&parcels(1)).await.remove(0);
        assert_eq!(outcome.class, OutcomeClass::Config, "{outcome:?}");
    }
}

#[tokio::test]
async fn each_gets_their_own_text_by_alibaba_cloud() {
    let clock = Clock::manual(START);
    let account = aliyun(&clock).await;
    let channel = adapter(ProviderKind::AliyunSms, &account.settings(), &clock);
    let mut own = parcels(120);
    for (n, parcel) in (1..).zip(&mut own) {
        parcel.content = content("成绩", &format!("第 {n} 名"));
    }
    let outcomes = channel.send(&own).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted), "{:?}", outcomes[0]);
    assert_eq!(account.stats().send_sms, 0);
    for (number, text) in came(&account.inbox()) {
        let n: u32 = number[3..].parse().unwrap();
        assert_eq!(text, format!("【钟楼大学】成绩：第 {n} 名"));
    }
}

#[tokio::test]
async fn a_bad_number_is_found_among_a_thousand_and_nobody_gets_it_twice() {
    let clock = Clock::manual(START);
    let account = aliyun(&clock).await;
    account.set_faults(SmsFaults::default().to("*00007", SmsAct::Fail).into());
    let channel = adapter(ProviderKind::AliyunSms, &account.settings(), &clock);
    let outcomes = channel.send(&parcels(1_000)).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        let class = if n == 7 { OutcomeClass::PermanentRecipient } else { OutcomeClass::Accepted };
        assert_eq!(outcome.class, class, "{n}");
    }
    assert_eq!((account.inbox().total(), account.inbox().duplicates()), (999, vec![]));
}

/// The vendor took it, and its answer was lost.
#[tokio::test]
async fn what_became_of_a_text_without_an_answer_is_found_out_by_asking() {
    let clock = Clock::manual(START);
    let lost = || SmsFaults::default().at(Moment::Sent, SmsAct::Close);
    let (aliyun, tencent) = (aliyun(&clock).await, tencent(&clock).await);
    aliyun.set_faults(lost().into());
    tencent.set_faults(lost().into());
    for (kind, settings) in
        [(ProviderKind::AliyunSms, aliyun.settings()), (ProviderKind::TencentSms, tencent.settings())]
    {
        let channel = adapter(kind, &settings, &clock);
        let parcels = parcels(2);
        let outcomes = channel.send(&parcels).await;
        assert_eq!(classes(&outcomes), [OutcomeClass::Unknown, OutcomeClass::Unknown]);
        clock.turn(60_000);
        let sent = |sent_at| {
            let one = |(parcel, outcome): (&Parcel, &Outcome)| Sent {
                delivery: parcel.delivery,
                address: parcel.address.clone(),
                reference: outcome.reference.clone(),
                sent_at,
            };
            parcels.iter().zip(&outcomes).map(one).collect::<Vec<_>>()
        };
        // When it was is not known where nobody answered.
        for sent_at in [START, Timestamp::default()] {
            let told = channel.poll(&sent(sent_at)).await;
            let states: Vec<_> = told.iter().map(|verdict| verdict.as_ref().map(|v| v.state)).collect();
            assert_eq!(states, [Some(State::Delivered), Some(State::Delivered)], "{kind} {sent_at}");
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_a_right_one_passes() {
    let clock = Clock::manual(START);
    let (aliyun, tencent) = (aliyun(&clock).await, tencent(&clock).await);
    for (kind, mut settings, secret) in [
        (ProviderKind::AliyunSms, aliyun.settings(), "access_key_secret"),
        (ProviderKind::TencentSms, tencent.settings(), "secret_key"),
    ] {
        let channel = adapter(kind, &settings, &clock);
        assert!(channel.check().await.unwrap().contains("nothing was sent"), "{kind}");
        settings[secret] = json!("another");
        let channel = adapter(kind, &settings, &clock);
        let refusal = channel.check().await.unwrap_err();
        assert!(channel.advice(refusal.code.as_deref().unwrap()).is_some(), "{refusal:?}");
        let outcome = channel.send(&parcels(1)).await.remove(0);
        assert_eq!((outcome.class, outcome.code), (OutcomeClass::Config, refusal.code));
    }
    assert_eq!((aliyun.inbox().total(), tencent.inbox().total()), (0, 0));
}

#[tokio::test]
async fn a_wrong_clock_is_told() {
    let (right, wrong) = (Clock::manual(START), Clock::manual(START));
    wrong.turn(20 * 60_000);
    let (aliyun, tencent) = (aliyun(&right).await, tencent(&right).await);
    for (kind, settings) in
        [(ProviderKind::AliyunSms, aliyun.settings()), (ProviderKind::TencentSms, tencent.settings())]
    {
        let channel = adapter(kind, &settings, &wrong);
        let outcome = channel.send(&parcels(1)).await.remove(0);
        assert_eq!(outcome.class, OutcomeClass::Config, "{kind}");
        let advice = channel.advice(outcome.code.as_deref().unwrap());
        assert_eq!(advice, Some(belltower::domain::provider::Advice::Clock), "{kind}");
    }
}
