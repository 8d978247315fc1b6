//! A channel with two kinds of address: which of a person's is used, and where what is sent to it queues.

use belltower::clock::Timestamp;
use belltower::domain::audience::DirectAddress;
use belltower::domain::channel::{AddressKind, ChannelKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::id::RecipientId;
use belltower::store::audience::ResolvedAudience;
use belltower::store::fan_out::{Added, FanOut, Listed, OneMore, add_channel, add_chunk, add_listed};
use belltower::store::messages::NewMessage;
use belltower::store::planning::Planned;
use belltower::store::screen::Screen;
use belltower::store::{Db, Dialect};
use serde_json::json;

use super::execute;
use super::messages::{message, sources};
use super::planning::planned;
use super::recipients::{keep, person};
use crate::support::on_both;

const MEMBER: AddressKind = AddressKind::WecomUserid;
const FOLLOWER: AddressKind = AddressKind::WechatOpenid;
const NOW: Timestamp = Timestamp(10_000);
const LEASE: i64 = 30_000;

/// Who has both, a member of WeCom, a follower, and somebody with neither.
const PEOPLE: [&str; 4] = ["both", "member", "follower", "neither"];

async fn people(db: &Db) {
    sources(db).await;
    let people = [
        person(
            "both",
            json!({"wecom_userid": "u-both", "wechat_openid": "o-both", "email": "b@bell.example"}),
        ),
        person("member", json!({"wecom_userid": "u-member"})),
        person("follower", json!({"wechat_openid": "o-follower"})),
        person("neither", json!({})),
    ];
    keep(db, &people, 1).await;
}

fn screen(prefers: Option<AddressKind>) -> Screen {
    Screen { prefers, ..Screen::default() }
}

fn wechat(id: i64) -> NewMessage {
    NewMessage { channels: r#"["wechat"]"#.to_owned(), ..message(id) }
}

/// Of each delivery of a message by WeChat: whose address, and where it queues.
async fn queued(db: &Db, message: i64) -> Vec<(String, i64)> {
    let text = "SELECT COALESCE(address, '-'), outlet FROM delivery WHERE message_id = $1 AND channel = 3 ORDER BY 1";
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_as(text).bind(message).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_as(text).bind(message).fetch_all(pool).await.unwrap(),
    }
}

/// What becomes of the four.
fn expected(test: bool, prefers: Option<AddressKind>) -> Vec<(String, i64)> {
    let row = |address: &str, kind| (address.to_owned(), Outlet::of(test, kind).code());
    let (both, none) = match prefers {
        Some(FOLLOWER) => (row("o-both", FOLLOWER), row("-", FOLLOWER)),
        _ => (row("u-both", MEMBER), row("-", MEMBER)),
    };
    let mut rows = vec![none, both, row("u-member", MEMBER), row("o-follower", FOLLOWER)];
    rows.sort();
    rows
}

/// The audience that finds everybody.
async fn find_all(db: &Db, message: &Planned, screen: &Screen) -> Vec<Added> {
    let audience = ResolvedAudience { everyone: true, ..ResolvedAudience::default() };
    let fan_out = FanOut { message, audience: &audience, screen, now: NOW };
    let mut tx = db.begin().await.unwrap();
    let added = add_chunk(&mut tx, &fan_out, RecipientId(i64::MAX), LEASE).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    added
}

on_both!(the_kind_that_is_preferred_is_used_and_decides_where_it_queues, |db| async {
    people(&db).await;
    let mut id = 0;
    for prefers in [None, Some(MEMBER), Some(FOLLOWER)] {
        for test in [false, true] {
            id += 2;
            let found = planned(&db, NewMessage { test, ..wechat(id) }).await;
            let named = planned(&db, NewMessage { test, ..wechat(id + 1) }).await;
            let added = find_all(&db, &found, &screen(prefers)).await;
            let listed = PEOPLE.map(|id| Listed::Person { campus_id: id.to_owned(), params: None });
            let mut tx = db.begin().await.unwrap();
            let mut same =
                add_listed(&mut tx, &named, &listed, &screen(prefers), NOW, LEASE).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            assert_eq!(queued(&db, id).await, expected(test, prefers), "{prefers:?} {test}");
            assert_eq!(queued(&db, id + 1).await, expected(test, prefers), "{prefers:?} {test}");
            // Whoever is to be woken is known.
            let pending = |kind| -> i64 {
                let outlet = Outlet::of(test, kind);
                added.iter().filter(|a| a.outlet == outlet && a.state == State::Pending).map(|a| a.n).sum()
            };
            let (members, followers) = match (test, prefers) {
                (true, _) => (3, 3),
                (false, Some(FOLLOWER)) => (1, 2),
                (false, _) => (2, 1),
            };
            assert_eq!((pending(MEMBER), pending(FOLLOWER)), (members, followers), "{prefers:?} {test}");
            for one in &mut same {
                one.message = found.id;
            }
            let sorted = |mut all: Vec<Added>| {
                all.sort_by_key(|a| (a.outlet, a.state.code()));
                all
            };
            assert_eq!(sorted(same), sorted(added));
        }
    }
});

on_both!(one_more_channel_uses_the_preferred_kind_too, |db| async {
    people(&db).await;
    for (id, prefers) in [(1, None), (2, Some(FOLLOWER))] {
        let message = planned(&db, message(id)).await;
        find_all(&db, &message, &Screen::default()).await;
        let screen = screen(prefers);
        let more = OneMore {
            message: message.id,
            channel: ChannelKind::Wechat,
            states: &[State::Pending, State::Suppressed],
            screen: &screen,
            after: RecipientId(0),
            limit: 10,
        };
        let mut tx = db.begin().await.unwrap();
        add_channel(&mut tx, &more, NOW).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(queued(&db, id).await, expected(false, prefers), "{prefers:?}");
    }
});

on_both!(what_is_sent_to_an_address_queues_by_its_kind, |db| async {
    sources(&db).await;
    let message = planned(&db, wechat(1)).await;
    let to = |target, kind, value: &str| Listed::Address {
        target,
        address: DirectAddress { kind, value: value.to_owned() },
    };
    let listed = [to(-1, MEMBER, "lina"), to(-2, FOLLOWER, "oLina")];
    let mut tx = db.begin().await.unwrap();
    add_listed(&mut tx, &message, &listed, &screen(Some(FOLLOWER)), NOW, LEASE).await.unwrap();
    tx.commit().await.unwrap();
    let kinds = [("lina".to_owned(), MEMBER.code()), ("oLina".to_owned(), FOLLOWER.code())];
    assert_eq!(queued(&db, 1).await, kinds);
});

on_both!(what_waited_by_openid_before_there_was_an_outlet_for_it_is_moved_there, |db| async {
    people(&db).await;
    let message = planned(&db, wechat(1)).await;
    find_all(&db, &message, &screen(Some(FOLLOWER))).await;
    let test = planned(&db, NewMessage { test: true, ..wechat(2) }).await;
    find_all(&db, &test, &screen(None)).await;
    let step = match db.dialect() {
        Dialect::Sqlite => include_str!("../../../migrations/sqlite/0009_outlets.sql"),
        Dialect::Postgres => include_str!("../../../migrations/postgres/0009_outlets.sql"),
    };
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET outlet = 3 WHERE outlet = 4").await;
    execute(&mut tx, step).await;
    tx.commit().await.unwrap();
    let mut moved = expected(false, Some(FOLLOWER));
    // Who has no address of either kind waits nowhere.
    moved[0].1 = MEMBER.code();
    assert_eq!(queued(&db, 1).await, moved);
    assert_eq!(queued(&db, 2).await, expected(true, None), "what a test key sent stays in the sandbox");
});
