//! Limits of the account and of a number.

use super::*;

#[tokio::test]
async fn limits_of_the_account_last_as_long_as_they_are_called() {
    let account = account(|_| said("isv.DAY_LIMIT_CONTROL", "触发日发送限额")).await;
    let outcomes = account.channel.send(&parcels(2)).await;
    for outcome in &outcomes {
        assert!(!outcome.this_address, "everybody waits");
        let until = START.plus(outcome.wait.unwrap()).to_string();
        assert!(until.ends_with("T16:00:00.000Z"), "midnight in China: {until}");
    }
    account.vendor.answers(|_| said("isv.MONTH_LIMIT_CONTROL", "触发月发送限额"));
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert!(outcome.wait.unwrap() >= outcomes[0].wait.unwrap());
}

#[tokio::test]
async fn a_number_that_had_its_share_does_not_spoil_a_call_and_an_emergency_is_not_held_back() {
    let account = account(|_| taken()).await;
    for n in 0..50 {
        assert_eq!(account.send(parcel(n, "+8613800000001")).await.class, OutcomeClass::Accepted, "{n}");
    }
    account.vendor.asked();
    let outcomes = account.channel.send(&parcels(2)).await;
    assert_eq!(classes(&outcomes), [OutcomeClass::Throttled, OutcomeClass::Accepted]);
    assert_eq!(
        (outcomes[0].code.as_deref(), outcomes[0].this_address),
        (Some("belltower.daily_limit"), true)
    );
    assert_eq!(outcomes[0].wait, Some(Duration::from_secs(24 * 3_600 + 1)));
    assert_eq!(account.vendor.asked()[0].field("PhoneNumbers"), "13800000002");
    let alarm = Parcel { emergency: true, ..parcel(1, "+8613800000001") };
    assert_eq!(account.send(alarm).await.class, OutcomeClass::Accepted);
    account.clock.turn(24 * 3_600_000 + 1_000);
    assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, OutcomeClass::Accepted);

    // What was refused does not count.
    account.vendor.answers(|_| said("isp.SYSTEM_ERROR", ""));
    for _ in 0..60 {
        assert_eq!(account.send(parcel(3, "+8613800000003")).await.class, OutcomeClass::Transient);
    }
}
