//! What is not let in.

use belltower::domain::button::signature;
use reqwest::StatusCode;

use super::*;
use crate::support::on_both;

on_both!(nobody_learns_which_buttons_there_are, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let other = buttons::register(&wall.app.services, &officer(1), &form()).await.unwrap();
    let nowhere = format!("/buttons/{}/press", ButtonId(9_999));
    let body = json!({"kind": "press", "seq": 1});
    let mut details = Vec::new();
    for (key, path) in [
        (&wall.key, nowhere.clone()),
        (&other.key, wall.path()),
        (&format!("{}x", wall.key), wall.path()),
        (&wall.app.live_key, wall.path()),
        (&wall.key, "/buttons/btn_nothing/press".to_owned()),
    ] {
        let answer = Answer::of(wall.app.api_as(key, Method::POST, &path).json(&body)).await;
        details.push(answer.problem(401, "unauthenticated")["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    assert_eq!(wall.broadcasts().await.len(), 0);
    // Its key opens nothing else.
    for path in ["/scenarios", "/broadcasts", "/source"] {
        let answer = Answer::of(wall.app.api_as(&wall.key, Method::GET, path)).await;
        answer.problem(401, "unauthenticated");
    }
    let without = wall.app.plain(Method::POST, &format!("/api/v1{}", wall.path())).json(&body);
    Answer::of(without).await.problem(401, "unauthenticated");
});

on_both!(a_button_is_heard_however_many_strangers_come_from_its_network, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let body = json!({"kind": "press", "seq": 1});
    let stranger =
        async |key: &str| Answer::of(wall.app.api_as(key, Method::POST, &wall.path()).json(&body)).await;
    for n in 0..60 {
        stranger(&format!("bt_button_guess{n}")).await.problem(401, "unauthenticated");
    }
    let refused = stranger("bt_button_guess").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("60"));
    // Its first word, so that nothing is known of it from before.
    wall.signal("press", 1).await.expect(202);
    assert_eq!(wall.broadcasts().await.len(), 1);
    wall.turn(MINUTE);
    stranger("bt_button_guess").await.problem(401, "unauthenticated");
});

on_both!(a_link_that_is_followed_presses_nothing, |db| async {
    let wall = Wall::armed(db, &form()).await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = Answer::of(wall.app.api_as(&wall.key, method.clone(), &wall.path())).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, OPTIONS")), "{method}");
    }
    assert_eq!(wall.broadcasts().await.len(), 0);
    assert_eq!(wall.row().await.seen_at, None);
});

on_both!(a_body_that_is_none_is_told_field_by_field, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let answer = wall.say(json!({"kind": "press", "seq": "1", "text": "fire"})).await;
    assert_eq!(answer.faults(), [pair("/seq", "out_of_range"), pair("/text", "unknown_field")]);
    assert_eq!(wall.row().await.refused.unwrap().0.why.name(), "body");
    let text = wall.app.api_as(&wall.key, Method::POST, &wall.path()).body("press");
    assert_eq!(Answer::of(text).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16());
    let broken = wall.app.api_as(&wall.key, Method::POST, &wall.path());
    let broken = broken.header("content-type", "application/json").body("{");
    Answer::of(broken).await.problem(400, "malformed");
    assert_eq!(wall.broadcasts().await.len(), 0);
});

on_both!(a_button_calls_from_its_networks_alone, |db| async {
    let elsewhere = ButtonForm { networks: vec!["10.20.0.0/16".to_owned()], ..form() };
    let wall = Wall::armed(db, &elsewhere).await;
    wall.signal("press", 1).await.problem(403, "address_not_allowed");
    assert_eq!(wall.broadcasts().await.len(), 0);
    let refused = wall.row().await.refused.unwrap().0;
    assert_eq!((refused.why.name(), refused.from.as_str()), ("network", "127.0.0.1"));
    let row = wall.row().await;
    let here = ButtonForm { networks: vec!["127.0.0.0/8".to_owned()], ..form() };
    buttons::change(&wall.app.services, &officer(1), wall.id, row.version, &here).await.unwrap();
    wall.arm().await;
    assert_eq!(wall.led("press", 1).await, "live");
});

impl Wall {
    async fn signed(&self, secret: &str, time: i64, body: &str, seq: i64) -> Answer {
        let time = time.to_string();
        let signature = signature::sign(secret, &time, seq, body.as_bytes()).unwrap();
        let request = self.app.api_as(&self.key, Method::POST, &self.path());
        let request = request.header("content-type", "application/json").body(body.to_owned());
        Answer::of(request.header("belltower-time", time).header("belltower-signature", signature)).await
    }
}

on_both!(what_is_not_signed_or_signed_long_ago_is_refused, |db| async {
    let wall = Wall::armed(db, &ButtonForm { signed: true, ..form() }).await;
    let secret = wall.secret.clone().unwrap();
    let now = wall.app.clock.now().0 / 1_000;
    let body = r#"{"kind": "press", "seq": 1}"#;
    wall.signal("press", 1).await.problem(401, "unauthenticated");
    wall.signed("bts_another", now, body, 1).await.problem(401, "unauthenticated");
    wall.signed(&secret, now, body, 2).await.problem(401, "unauthenticated");
    assert_eq!(wall.row().await.refused.unwrap().0.why.name(), "signature");
    for off in [-301, 301] {
        wall.signed(&secret, now + off, body, 1).await.problem(409, "stale_time");
    }
    assert_eq!(wall.row().await.refused.unwrap().0.why.name(), "time");
    assert_eq!(wall.broadcasts().await.len(), 0);
    assert_eq!(wall.signed(&secret, now - 299, body, 1).await.expect(202)["led"], "live");
    let renewed = buttons::renew_secret(&wall.app.services, &officer(1), wall.id).await.unwrap();
    let body = r#"{"kind":"heartbeat","seq":2}"#;
    wall.signed(&secret, now, body, 2).await.problem(401, "unauthenticated");
    assert_eq!(wall.signed(&renewed, now, body, 2).await.expect(202)["led"], "accepted");
});

on_both!(a_press_of_long_ago_is_no_press, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let at = |seconds: i64| {
        let at = jiff::Timestamp::from_millisecond(wall.app.clock.now().0 + seconds * 1_000).unwrap();
        json!(at.to_string())
    };
    let old = json!({"kind": "press", "seq": 1, "at": at(-301)});
    wall.say(old).await.problem(409, "stale_time");
    wall.say(json!({"kind": "press", "seq": 1, "at": at(301)})).await.problem(409, "stale_time");
    assert_eq!(wall.broadcasts().await.len(), 0);
    // That it is there says a device whose clock stands, too.
    assert_eq!(wall.say(json!({"kind": "heartbeat", "seq": 1, "at": at(-9_000)})).await.status, 202);
    assert_eq!(wall.say(json!({"kind": "press", "seq": 2, "at": at(-299)})).await.expect(202)["led"], "live");
});

on_both!(a_device_that_never_rests_can_still_be_pressed, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let mut seq = 0;
    let limited = loop {
        seq += 1;
        let answer = wall.signal("heartbeat", seq).await;
        if answer.status != 202 {
            break answer;
        }
        assert!(seq < 100);
    };
    limited.problem(429, "rate_limited");
    assert!(limited.header("retry-after").is_some());
    assert_eq!(wall.led("press", seq).await, "live");
});
