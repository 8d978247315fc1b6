use belltower::clock::Timestamp;
use belltower::domain::button::{
    Armed, Asked, ButtonState, Gesture, Gestures, Mapped, Plans, Power, Refusal, Refused,
};
use belltower::domain::emergency::{Chosen, Spoken};
use belltower::domain::id::{ButtonId, OperatorId};
use belltower::domain::network::Network;
use belltower::store::Db;
use belltower::store::buttons::{
    Facts, Sign, Standing, describe, find, heard, insert, list, lock, refused, reseal, stand,
};

use crate::support::on_both;

fn gestures() -> Gestures {
    let chosen: Chosen = [("place".to_owned(), Spoken::new("图书馆", "Library"))].into_iter().collect();
    [(Gesture::Hold, Mapped { scenario: "fire".to_owned(), chosen })].into()
}

fn facts<'a>(name: &'a str, gestures: &'a Gestures, networks: &'a [Network]) -> Facts<'a> {
    Facts {
        name,
        place: "图书馆一层",
        power: Power::Battery,
        gestures,
        cancel_seconds: 5,
        networks,
        secret: None,
        editors: &[OperatorId(1)],
        by: "王敏",
    }
}

pub(super) async fn add(db: &Db, name: &str) -> ButtonId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, &facts(name, &gestures(), &[]), Timestamp(5)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

on_both!(a_button_is_kept_as_it_was_described, |db| async {
    let (second, first) = (add(&db, "b").await, add(&db, "a").await);
    let names: Vec<_> = list(&db).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(names, [first, second]);
    let row = find(&db, first).await.unwrap().unwrap();
    assert_eq!((row.state, row.power, row.version), (ButtonState::Disarmed, Power::Battery, 1));
    assert_eq!((row.gestures.0, row.editors.0), (gestures(), vec![OperatorId(1)]));
    assert_eq!((row.secret, row.seen_at, row.watched_from), (None, None, None));
    assert!(find(&db, ButtonId(first.0 + 9)).await.unwrap().is_none());

    let networks = ["10.1.0.0/16".parse().unwrap()];
    let gestures = gestures();
    let changed = Facts { power: Power::Mains, secret: Some(&[1, 2]), ..facts("c", &gestures, &networks) };
    let mut tx = db.begin().await.unwrap();
    assert_eq!(lock(&mut tx, first).await.unwrap().unwrap().name, "a");
    describe(&mut tx, first, &changed, Timestamp(8)).await.unwrap();
    reseal(&mut tx, second, &[9]).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, first).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.version, row.updated_at), ("c", 2, Timestamp(8)));
    assert_eq!((row.networks.0.as_slice(), row.secret.as_deref()), (&networks[..], Some(&[1_u8, 2][..])));
    assert_eq!((row.power, row.created_at), (Power::Mains, Timestamp(5)));
    let row = find(&db, second).await.unwrap().unwrap();
    assert_eq!((row.secret, row.version), (Some(vec![9]), 2));
});

on_both!(where_a_button_stands_is_written_whole, |db| async {
    let id = add(&db, "a").await;
    let asked = Asked { by: "a".to_owned(), operator: OperatorId(1), at: Timestamp(6), plans: Plans::new() };
    let armed = Armed {
        asked_by: "a".to_owned(),
        confirmed_by: "b".to_owned(),
        at: Timestamp(7),
        plans: Plans::new(),
    };
    let standing = Standing {
        state: ButtonState::Test,
        asked: Some(&asked),
        armed: None,
        editors: &[],
        watched_from: Some(Timestamp(6)),
    };
    let mut tx = db.begin().await.unwrap();
    stand(&mut tx, id, &standing).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.state, row.asked.unwrap().0, row.version), (ButtonState::Test, asked.clone(), 2));
    assert_eq!((row.watched_from, row.editors.0), (Some(Timestamp(6)), vec![]));

    let standing = Standing { state: ButtonState::Armed, asked: None, armed: Some(&armed), ..standing };
    let mut tx = db.begin().await.unwrap();
    stand(&mut tx, id, &standing).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.state, row.asked, row.armed.unwrap().0), (ButtonState::Armed, None, armed.clone()));
});

on_both!(what_a_sign_of_life_does_not_say_stays, |db| async {
    let id = add(&db, "a").await;
    let mut tx = db.begin().await.unwrap();
    let beat = Sign { is_beat: true, battery: Some(80), firmware: Some("1.2"), ..Sign::default() };
    heard(&mut tx, id, beat, Timestamp(10)).await.unwrap();
    heard(&mut tx, id, Sign { is_test: true, ..Sign::default() }, Timestamp(20)).await.unwrap();
    let refusal = Refusal {
        at: Timestamp(30),
        why: Refused::Signature,
        from: "10.0.0.1".to_owned(),
        pressed_at: Some(Timestamp(30)),
    };
    refused(&mut tx, id, &refusal).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, id).await.unwrap().unwrap();
    let times = [row.seen_at, row.beat_at, row.tested_at].map(|at| at.unwrap().0);
    assert_eq!(times, [20, 10, 20]);
    assert_eq!((row.battery, row.firmware.as_deref()), (Some(80), Some("1.2")));
    assert_eq!((row.refused.unwrap().0, row.version), (refusal, 1));
});
