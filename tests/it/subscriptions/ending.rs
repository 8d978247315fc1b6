//! Streams that end, because whoever opened them may not read them any more.

use std::net::IpAddr;
use std::time::Duration;

use belltower::domain::operator::Role;
use belltower::domain::subscription::MOST_STREAMS;
use belltower::service::sources::{
    self, GuardForm, Pass, SourceCreated, authenticate_from, guard, replace_key, revoke_key, set_enabled,
};
use belltower::service::subscriptions::{Open, goes_on, open_stream, read};
use belltower::service::{Caller, Services};
use belltower::store::subscriptions;
use reqwest::Method;

use super::{HOUR, MINUTE, SECOND, app, send};
use crate::support::app::{TestApp, everything};
use crate::support::operator;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn made(app: &TestApp, name: &str) -> SourceCreated {
    sources::create(&app.services, &operator(Role::Owner), everything(name)).await.unwrap()
}

async fn open(s: &Services, key: &str) -> Open {
    let (caller, _) = authenticate_from(s, key, HERE).await.unwrap();
    open_stream(s, &Caller::Key(caller), Pass::new(s, key, HERE), None, None).await.unwrap()
}

/// Whether the stream goes on, as reading it and waiting at it say.
async fn goes(s: &Services, open: &mut Open) -> bool {
    let waiting = goes_on(s, open).await.unwrap();
    assert_eq!(read(s, open, 0).await.unwrap().is_some(), waiting);
    waiting
}

#[tokio::test]
async fn a_stream_outlives_neither_its_key_nor_what_its_source_may() {
    let app = app().await;
    let (s, owner) = (&app.services, operator(Role::Owner));
    let revoked = made(&app, "revoked").await;
    let disabled = made(&app, "disabled").await;
    let elsewhere = made(&app, "elsewhere").await;
    let replaced = made(&app, "replaced").await;
    let narrowed = made(&app, "narrowed").await;
    let mut streams = Vec::new();
    for made in [&revoked, &disabled, &elsewhere, &replaced, &narrowed] {
        let mut one = open(s, &made.key).await;
        assert!(goes(s, &mut one).await);
        streams.push(one);
    }
    revoke_key(s, &owner, revoked.key_id).await.unwrap();
    set_enabled(s, &owner, disabled.source_id, false).await.unwrap();
    let networks = GuardForm { networks: vec!["10.1.0.0/16".to_owned()], ..GuardForm::default() };
    guard(s, &owner, elsewhere.source_id, &networks).await.unwrap();
    replace_key(s, &owner, replaced.key_id, Duration::from_mins(1)).await.unwrap();
    let mut tx = s.db.begin().await.unwrap();
    let text = format!("UPDATE source SET rights = '[]' WHERE id = {}", narrowed.source_id.0);
    crate::store::execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
    app.clock.turn(SECOND);
    let mut go = Vec::new();
    for one in &mut streams {
        go.push(goes(s, one).await);
    }
    assert_eq!(go, [false, false, false, true, false], "a key that was replaced opens for a while");
    app.clock.turn(MINUTE);
    assert!(!goes(s, &mut streams[3]).await);
}

#[tokio::test]
async fn whoever_reads_on_with_a_key_that_was_revoked_is_told_of_nothing() {
    let app = app().await;
    let reads = made(&app, "reads").await;
    let mut response = app.api_as(&reads.key, Method::GET, "/events").send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some(), "it is open");
    revoke_key(&app.services, &operator(Role::Owner), reads.key_id).await.unwrap();
    send(&app, &["P1"]).await;
    app.drain().await;
    app.clock.turn(SECOND);
    assert_eq!(response.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_stream_that_is_never_quiet_is_read_too() {
    let app = app().await;
    let s = &app.services;
    let mut stream = open(s, &app.live_key).await;
    let seen = async |id| subscriptions::find(&s.db, id).await.unwrap().unwrap().seen_at;
    let (id, first) = (stream.id, s.clock.now());
    assert_eq!(seen(id).await, Some(first));
    app.clock.turn(HOUR);
    read(s, &mut stream, 0).await.unwrap().unwrap();
    assert_eq!(seen(id).await, Some(s.clock.now()));
}

#[tokio::test]
async fn one_stream_more_than_there_may_be_takes_the_place_of_the_one_read_longest_ago() {
    let app = app().await;
    let s = &app.services;
    let (caller, _) = authenticate_from(s, &app.live_key, HERE).await.unwrap();
    let caller = Caller::Key(caller);
    let mut ids = Vec::new();
    for n in 0..=MOST_STREAMS {
        let pass = Pass::new(s, &app.live_key, HERE);
        let topics = format!("library.{n}");
        ids.push(open_stream(s, &caller, pass, Some(&topics), None).await.unwrap().id);
        app.clock.turn(SECOND);
    }
    let there = async |id| subscriptions::find(&s.db, id).await.unwrap().is_some();
    assert!(!there(ids[0]).await && there(ids[1]).await && there(ids[50]).await);
    let pass = Pass::new(s, &app.live_key, HERE);
    let again = open_stream(s, &caller, pass, Some("library.1"), None).await.unwrap();
    assert_eq!(again.id, ids[1], "one that there is is no more than there may be");
}
