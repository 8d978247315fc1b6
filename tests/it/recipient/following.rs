use belltower::channel::Event;
use belltower::clock::Timestamp;
use belltower::domain::channel::AddressKind;
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::suppression::Cause;
use belltower::service::{audit, callback_events, recipients};
use belltower::store::audit::AuditFilter;
use belltower::store::bindings;
use belltower::store::suppressions::{self, NewSuppression};
use serde_json::json;

use crate::support::{on_both, operator, services};

on_both!(who_leaves_an_account_is_unbound_and_who_is_back_is_written_to_again, |db| async {
    let s = services(db);
    let owner = operator(Role::Owner);
    for (campus_id, openid) in [("2024001", "oLi"), ("2024002", "oWang")] {
        let person = json!({"name": "李伟", "wechat_openid": openid});
        recipients::put(&s, &owner, campus_id, &person).await.unwrap();
    }
    for (cause, address) in [(Cause::Bounced, "oWang"), (Cause::Asked, "oLi")] {
        let (kind, until) = (AddressKind::WechatOpenid, Timestamp::NEVER);
        let new = NewSuppression { kind, address, cause, note: "", by: "", until };
        let mut tx = s.db.begin().await.unwrap();
        suppressions::insert(&mut tx, &new, s.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    let openid = |name: &str| name.to_owned();
    let mut tx = s.db.begin().await.unwrap();
    for event in [
        Event::Unfollowed { openid: openid("oLi"), at: None },
        Event::Unfollowed { openid: openid("oNobody"), at: None },
        Event::Followed { openid: openid("oLi"), scene: None, at: None },
        Event::Followed { openid: openid("oWang"), scene: None, at: None },
    ] {
        callback_events::handle(&s, &mut tx, ProviderId(1), s.clock.now(), event).await.unwrap();
    }
    tx.commit().await.unwrap();

    let bound = async |campus_id: &str| {
        let row = belltower::store::recipients::find(&s.db, campus_id).await.unwrap().unwrap();
        row.person.wechat_openid
    };
    assert_eq!(bound("2024001").await, None);
    assert_eq!(bound("2024002").await.as_deref(), Some("oWang"));
    let left = suppressions::list(&s.db, None, None, 9).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|row| (row.address.as_str(), row.cause)).collect();
    left.sort_unstable_by_key(|row| row.0);
    assert_eq!(left, [("oli", Cause::Asked), ("onobody", Cause::Bounced)], "what people asked for holds");
    let filter = AuditFilter { action: Some("recipient.unbind".to_owned()), ..AuditFilter::default() };
    let told = audit::list(&s, &owner, &filter, None, 9).await.unwrap();
    assert_eq!(
        told.iter().map(|row| row.actor.clone()).collect::<Vec<_>>(),
        [format!("provider {}", ProviderId(1))]
    );
});

on_both!(what_an_account_tells_late_does_not_undo_what_was_bound_since, |db| async {
    let s = services(db);
    let owner = operator(Role::Owner);
    recipients::put(&s, &owner, "2024001", &json!({"name": "李伟"})).await.unwrap();
    let id = recipients::get(&s, &owner, "2024001").await.unwrap().id;
    let kind = AddressKind::WechatOpenid;
    let (before, bound, after) = (Timestamp(999), Timestamp(1_500), Timestamp(1_999));
    let mut tx = s.db.begin().await.unwrap();
    bindings::bind(&mut tx, id, kind, "oLi", bound, bound).await.unwrap();
    tx.commit().await.unwrap();
    let tell = async |event: Event| {
        let mut tx = s.db.begin().await.unwrap();
        callback_events::handle(&s, &mut tx, ProviderId(1), s.clock.now(), event).await.unwrap();
        tx.commit().await.unwrap();
        let row = belltower::store::recipients::find(&s.db, "2024001").await.unwrap().unwrap();
        let listed = suppressions::list(&s.db, None, None, 9).await.unwrap().len();
        (row.person.wechat_openid, listed)
    };
    let openid = || "oLi".to_owned();
    let left = |at| Event::Unfollowed { openid: openid(), at: Some(at) };
    assert_eq!(tell(left(before)).await, (Some(openid()), 0), "they had left before, and are back");
    assert_eq!(tell(left(after)).await, (None, 1), "within the same second is after");
    let back = |at| Event::Followed { openid: openid(), scene: None, at: Some(at) };
    assert_eq!(tell(back(before)).await.1, 1, "that they came is older than that they left");
    assert_eq!(tell(back(Timestamp(2_999))).await.1, 0);
});
