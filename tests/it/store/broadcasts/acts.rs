use belltower::clock::Timestamp;
use belltower::domain::emergency::Act;
use belltower::domain::id::OperatorId;
use belltower::store::broadcasts::{NewAct, acts, attached, had_a_hand, note};
use serde_json::json;

use super::{keep, new, plan};
use crate::support::on_both;

on_both!(all_that_is_done_is_kept_in_its_order_with_who_had_a_hand_in_it, |db| async {
    let plan = plan();
    let id = keep(&db, &new(&plan, "a")).await;
    let mut tx = db.begin().await.unwrap();
    let done = [
        (Act::Press, Some(3)),
        (Act::Submit, Some(3)),
        (Act::Approve, Some(4)),
        (Act::Attach, Some(5)),
        (Act::Complete, None),
    ];
    for (at, (act, operator)) in done.into_iter().enumerate() {
        let detail = json!({ "n": at });
        let new = NewAct {
            act,
            operator: operator.map(OperatorId),
            by: "王敏",
            from: Some("192.0.2.7"),
            detail: &detail,
        };
        note(&mut tx, id, Timestamp(at as i64), &new).await.unwrap();
    }
    let had = [3, 4, 5, 6].map(OperatorId);
    let mut hands = Vec::new();
    for operator in had {
        hands.push(had_a_hand(&mut tx, id, operator).await.unwrap());
    }
    assert!(attached(&mut tx, id, OperatorId(5)).await.unwrap());
    assert!(
        !attached(&mut tx, id, OperatorId(3)).await.unwrap(),
        "who began it did not press the same once more"
    );
    assert_eq!(hands, [true, false, false, false], "who approves or presses too wrote nothing of it");
    tx.commit().await.unwrap();
    let rows = acts(&db, id).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.act).collect::<Vec<_>>(), done.map(|(act, _)| act));
    assert_eq!(
        (rows[2].operator_id, rows[2].at, &rows[2].detail.0),
        (Some(OperatorId(4)), Timestamp(2), &json!({ "n": 2 }))
    );
    assert_eq!((rows[0].done_by.as_str(), rows[0].done_from.as_deref()), ("王敏", Some("192.0.2.7")));
});
