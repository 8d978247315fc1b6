use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::suppression::Cause;
use belltower::store::audience::ResolvedAudience;
use belltower::store::coverage::{CoverageRow, count};
use belltower::store::recipients::deactivate_missing;
use belltower::store::screen::Screen;
use belltower::store::suppressions::{NewSuppression, insert};
use serde_json::json;

use super::recipients::{keep, person};
use crate::support::on_both;

const ALL: [ChannelKind; 3] = ChannelKind::ALL;

on_both!(people_are_counted_by_how_they_can_be_reached, |db| async {
    let people = [
        person("1", json!({"email": "a@bell.example", "mobile": "13812345678", "wecom_userid": "a"})),
        person("2", json!({"email": "b@bell.example", "wechat_openid": "o_b"})),
        person("3", json!({"mobile": "13812345679"})),
        person("4", json!({})),
        person("5", json!({"email": "gone@bell.example"})),
    ];
    keep(&db, &people, 1).await;
    let present: Vec<_> = ["1", "2", "3", "4"].map(str::to_owned).to_vec();
    let mut tx = db.begin().await.unwrap();
    deactivate_missing(&mut tx, &present, Timestamp(2)).await.unwrap();
    let left_alone = NewSuppression {
        kind: AddressKind::Mobile,
        address: "+8613812345679",
        cause: Cause::Wrong,
        note: "",
        by: "test",
        until: Timestamp(10),
    };
    insert(&mut tx, &left_alone, Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();

    let (nothing, suppression) = (Screen::default(), Screen { suppression: true, ..Screen::default() });
    let everyone = ResolvedAudience { everyone: true, ..ResolvedAudience::default() };
    let all = CoverageRow { people: 4, email: 2, sms: 2, wechat: 2, nobody: 1 };
    assert_eq!(count(&db, &everyone, &nothing, &ALL, Timestamp(5)).await.unwrap(), all);
    let now = CoverageRow { sms: 1, nobody: 2, ..all };
    assert_eq!(
        count(&db, &everyone, &suppression, &ALL, Timestamp(5)).await.unwrap(),
        now,
        "one is left alone"
    );
    assert_eq!(count(&db, &everyone, &suppression, &ALL, Timestamp(10)).await.unwrap(), all, "until then");
    let missed = async |among: &[ChannelKind]| {
        count(&db, &everyone, &nothing, among, Timestamp(5)).await.unwrap().nobody
    };
    assert_eq!((missed(&[ChannelKind::Sms]).await, missed(&ALL[..2]).await, missed(&[]).await), (2, 1, 4));
    let one = ResolvedAudience { recipients: vec!["2".to_owned()], ..ResolvedAudience::default() };
    let second = CoverageRow { people: 1, email: 1, sms: 0, wechat: 1, nobody: 0 };
    assert_eq!(count(&db, &one, &suppression, &ALL, Timestamp(5)).await.unwrap(), second);
    let nobody = ResolvedAudience::default();
    assert_eq!(count(&db, &nobody, &suppression, &ALL, Timestamp(5)).await.unwrap(), CoverageRow::default());
});

on_both!(an_address_left_alone_counts_where_it_is_the_one_that_is_used, |db| async {
    keep(&db, &[person("1", json!({"wecom_userid": "lina", "wechat_openid": "oLina"}))], 1).await;
    let left = NewSuppression {
        kind: AddressKind::WechatOpenid,
        address: "oLina",
        cause: Cause::Bounced,
        note: "",
        by: "test",
        until: Timestamp::NEVER,
    };
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &left, Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    let everyone = ResolvedAudience { everyone: true, ..ResolvedAudience::default() };
    for (prefers, wechat) in
        [(None, 1), (Some(AddressKind::WecomUserid), 1), (Some(AddressKind::WechatOpenid), 0)]
    {
        let screen = Screen { suppression: true, prefers, ..Screen::default() };
        let row = count(&db, &everyone, &screen, &ALL, Timestamp(5)).await.unwrap();
        assert_eq!(row.wechat, wechat, "{prefers:?}");
    }
});
