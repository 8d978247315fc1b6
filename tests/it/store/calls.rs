use belltower::clock::Timestamp;
use belltower::domain::id::SourceId;
use belltower::store::calls::{Call, Quarter, count, insert, list, prune, totals, trim};
use belltower::store::{Db, Tx};

use super::sources::add;
use crate::support::on_both;

fn call(source: SourceId, at: i64, code: Option<&str>) -> Call {
    Call {
        source_id: source.0,
        at,
        key_hint: "bt_live_…4c9c".to_owned(),
        address: "10.1.2.3".to_owned(),
        method: "POST".to_owned(),
        route: "/api/v1/messages".to_owned(),
        status: if code.is_some() { 422 } else { 202 },
        refused: code.is_some(),
        code: code.map(str::to_owned),
        pointer: code.map(|_| "/topic".to_owned()),
        detail: code.map(|_| "`Exam` is no topic".to_owned()),
        micros: 1_250,
        request_id: format!("r{at}"),
    }
}

async fn done(db: &Db, act: impl AsyncFnOnce(&mut Tx)) {
    let mut tx = db.begin().await.unwrap();
    act(&mut tx).await;
    tx.commit().await.unwrap();
}

async fn times(db: &Db, source: SourceId, only_refused: bool) -> Vec<i64> {
    list(db, source, only_refused, 9).await.unwrap().iter().map(|row| row.at.0).collect()
}

on_both!(a_source_s_latest_calls_come_back, |db| async {
    let (library, other) = (add(&db, "library").await, add(&db, "other").await);
    let calls = [call(library, 2, Some("invalid")), call(library, 1, None), call(other, 3, None)];
    done(&db, async |tx| insert(tx, &calls).await.unwrap()).await;
    assert_eq!(times(&db, library, false).await, [2, 1]);
    assert_eq!(times(&db, library, true).await, [2]);
    assert_eq!(list(&db, library, false, 1).await.unwrap().len(), 1);
    let row = &list(&db, library, true, 9).await.unwrap()[0];
    let (at, status, micros) = (row.at.0, row.status, row.micros);
    let back = Call {
        status,
        micros,
        key_hint: row.key_hint.clone(),
        address: row.address.clone(),
        method: row.method.clone(),
        route: row.route.clone(),
        code: row.code.clone(),
        pointer: row.pointer.clone(),
        detail: row.detail.clone(),
        request_id: row.request_id.clone(),
        ..call(library, at, Some("invalid"))
    };
    assert_eq!(back, calls[0]);
});

on_both!(the_latest_of_each_kind_are_kept_by_source, |db| async {
    let (library, other) = (add(&db, "library").await, add(&db, "other").await);
    let refused = Some("invalid");
    let calls = [
        call(library, 1, refused),
        call(library, 2, None),
        call(library, 3, None),
        call(library, 4, None),
        call(other, 1, None),
        call(other, 2, None),
        call(other, 3, None),
    ];
    done(&db, async |tx| insert(tx, &calls).await.unwrap()).await;
    done(&db, async |tx| assert_eq!(trim(tx, &[library], 2).await.unwrap(), 1)).await;
    assert_eq!(times(&db, library, false).await, [4, 3, 1]);
    assert_eq!(times(&db, other, false).await, [3, 2, 1], "another source's are its own matter");
});

on_both!(calls_are_counted_by_quarter_whoever_counts, |db| async {
    let (library, other) = (add(&db, "library").await, add(&db, "other").await);
    let quarter = |source: SourceId, quarter, calls| Quarter {
        source_id: source.0,
        quarter,
        calls,
        refused: 2,
        strangers: 1,
    };
    done(&db, async |tx| count(tx, &[quarter(library, 900, 5), quarter(other, 900, 4)]).await.unwrap()).await;
    done(&db, async |tx| count(tx, &[quarter(library, 900, 3), quarter(library, 1800, 7)]).await.unwrap())
        .await;
    let of = async |since| {
        let mut rows: Vec<_> = totals(&db, Timestamp(since))
            .await
            .unwrap()
            .iter()
            .map(|row| (row.source_id, row.calls, row.refused, row.strangers))
            .collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(of(900).await, [(library, 15, 6, 3), (other, 4, 2, 1)]);
    assert_eq!(of(901).await, [(library, 7, 2, 1)]);
    done(&db, async |tx| assert_eq!(prune(tx, Timestamp(1800)).await.unwrap(), 2)).await;
    assert_eq!(of(0).await, [(library, 7, 2, 1)]);
});
